// Role: buildschema(): the least schema that admits all dynamic values of a group. A type is its name, a bag maps keys to schemas, an array is
// {"`indexer`": schema of its elements}, alternatives stand in an array in order of first appearance. Source: Kusto "buildschema()".

import Columnar

/// A schema under construction.
private struct ValueSchema {
  private enum Variant: Hashable { case named(String), bag, array }

  private var variants: [Variant] = []
  private var keys: [TextKey] = []
  private var entries: [TextKey: ValueSchema] = [:]
  /// At most one; an array because a value cannot hold itself.
  private var elements: [ValueSchema] = []

  /// Nesting beyond this is not looked at.
  private static let maxDepth = 200

  private mutating func note(_ variant: Variant) {
    if !variants.contains(variant) { variants.append(variant) }
  }

  mutating func add(_ value: DynamicValue, depth: Int = 0) {
    guard depth < Self.maxDepth else { return }
    switch value {
    case .null: break
    case .bool: note(.named("bool"))
    case .long: note(.named("long"))
    case .real: note(.named("double"))
    case .decimal: note(.named("decimal"))
    case .string: note(.named("string"))
    case .datetime: note(.named("datetime"))
    case .timespan: note(.named("timespan"))
    case .guid: note(.named("guid"))
    case .array(let items):
      note(.array)
      if elements.isEmpty { elements = [ValueSchema()] }
      for item in items { elements[0].add(item, depth: depth + 1) }
    case .bag(let members):
      note(.bag)
      for member in members { with(TextKey(member.key)) { $0.add(member.value, depth: depth + 1) } }
    }
  }

  mutating func merge(_ other: ValueSchema) {
    for variant in other.variants { note(variant) }
    for key in other.keys {
      if let theirs = other.entries[key] { with(key) { $0.merge(theirs) } }
    }
    if let theirs = other.elements.first {
      if elements.isEmpty { elements = [theirs] } else { elements[0].merge(theirs) }
    }
  }

  private mutating func with(_ key: TextKey, _ body: (inout ValueSchema) -> Void) {
    if entries[key] == nil { keys.append(key) }
    body(&entries[key, default: ValueSchema()])
  }

  /// Null when nothing but nulls was seen.
  var dynamic: DynamicValue {
    let all = variants.map { variant -> DynamicValue in
      switch variant {
      case .named(let name): .string(name)
      case .bag: .bag(keys.map { DynamicEntry($0.text, entries[$0]?.dynamic ?? .null) })
      case .array: .bag([DynamicEntry("`indexer`", elements.first?.dynamic ?? .null)])
      }
    }
    return all.count > 1 ? .array(all) : all.first ?? .null
  }
}

/// buildschema over dynamic values. Nulls are ignored. Not spillable.
final class SchemaAccumulator: GroupedAccumulator {
  private var schemas: [ValueSchema] = []

  var byteSize: Int { schemas.count * 256 }

  private func grow(_ groupCount: Int) {
    if schemas.count < groupCount { schemas.append(contentsOf: repeatElement(ValueSchema(), count: groupCount - schemas.count)) }
  }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    for i in 0..<rowCount where arguments[0].isValid(i) {
      if case .dynamic(let value) = arguments[0].scalar(i) { schemas[groups.map { Int($0[i]) } ?? 0].add(value) }
    }
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? SchemaAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.schemas.count) { schemas[Int(mapping[g])].merge(other.schemas[g]) }
  }

  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    return .of(.dynamic, schemas[0..<groupCount].map { $0.dynamic == .null ? .null(.dynamic) : .dynamic($0.dynamic) })
  }

  func partialState(groupCount: Int) -> [ColumnVector]? { nil }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    throw ExpressionError.notSupported("spilling buildschema")
  }
}
