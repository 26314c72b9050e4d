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

  /// `bytes` grows by what is kept more.
  private mutating func note(_ variant: Variant, _ bytes: inout Int) {
    if variants.contains(variant) { return }
    variants.append(variant)
    bytes += 64
  }

  mutating func add(_ value: DynamicValue, depth: Int = 0, _ bytes: inout Int) {
    guard depth < Self.maxDepth else { return }
    switch value {
    case .null: break
    case .bool: note(.named("bool"), &bytes)
    case .long: note(.named("long"), &bytes)
    case .real: note(.named("double"), &bytes)
    case .decimal: note(.named("decimal"), &bytes)
    case .string: note(.named("string"), &bytes)
    case .datetime: note(.named("datetime"), &bytes)
    case .timespan: note(.named("timespan"), &bytes)
    case .guid: note(.named("guid"), &bytes)
    case .array(let items):
      noteArray(&bytes)
      for item in items { elements[0].add(item, depth: depth + 1, &bytes) }
    case .bag(let members):
      note(.bag, &bytes)
      for member in members {
        let key = known(member.key, &bytes)
        entries[key, default: ValueSchema()].add(member.value, depth: depth + 1, &bytes)
      }
    }
  }

  mutating func merge(_ other: ValueSchema, _ bytes: inout Int) {
    for variant in other.variants { note(variant, &bytes) }
    for key in other.keys {
      guard let theirs = other.entries[key] else { continue }
      _ = known(key.text, &bytes)
      entries[key, default: ValueSchema()].merge(theirs, &bytes)
    }
    if let theirs = other.elements.first {
      noteArray(&bytes)
      elements[0].merge(theirs, &bytes)
    }
  }

  private mutating func noteArray(_ bytes: inout Int) {
    note(.array, &bytes)
    if elements.isEmpty { elements = [ValueSchema()] }
  }

  /// The key, which stands among `keys` from now on.
  private mutating func known(_ text: String, _ bytes: inout Int) -> TextKey {
    let key = TextKey(text)
    if entries[key] == nil {
      keys.append(key)
      entries[key] = ValueSchema()
      bytes += 192 + text.utf8.count
    }
    return key
  }

  /// A form that `merge(state:)` reads: the list of alternatives, where a text is a type's name, a bag holds its members' lists and an array its
  /// elements' list.
  var state: DynamicValue {
    .array(variants.map { variant -> DynamicValue in
      switch variant {
      case .named(let name): .string(name)
      case .bag: .bag(keys.map { DynamicEntry($0.text, entries[$0]?.state ?? .array([])) })
      case .array: .array(elements.map(\.state))
      }
    })
  }

  mutating func merge(state: DynamicValue, _ bytes: inout Int) {
    guard case .array(let alternatives) = state else { return }
    for alternative in alternatives {
      switch alternative {
      case .string(let name): note(.named(name), &bytes)
      case .bag(let members):
        note(.bag, &bytes)
        for member in members {
          let key = known(member.key, &bytes)
          entries[key, default: ValueSchema()].merge(state: member.value, &bytes)
        }
      case .array(let items):
        noteArray(&bytes)
        for item in items { elements[0].merge(state: item, &bytes) }
      default: break
      }
    }
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

/// buildschema over dynamic values. Nulls are ignored.
final class SchemaAccumulator: GroupedAccumulator {
  private var schemas: [ValueSchema] = []
  private var bytes = 0

  var byteSize: Int { bytes + schemas.capacity * MemoryLayout<ValueSchema>.stride }
  var growsWithRows: Bool { true }

  private func grow(_ groupCount: Int) {
    if schemas.count < groupCount { schemas.append(contentsOf: repeatElement(ValueSchema(), count: groupCount - schemas.count)) }
  }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    for i in 0..<rowCount where arguments[0].isValid(i) {
      if case .dynamic(let value) = arguments[0].scalar(i) { schemas[groups.map { Int($0[i]) } ?? 0].add(value, &bytes) }
    }
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? SchemaAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.schemas.count) { schemas[Int(mapping[g])].merge(other.schemas[g], &bytes) }
  }

  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    return .of(.dynamic, schemas[0..<groupCount].map { $0.dynamic == .null ? .null(.dynamic) : .dynamic($0.dynamic) })
  }

  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    let out = ColumnBuilder(.dynamic, capacity: groupCount)
    for g in 0..<groupCount { out.append(.dynamic(schemas[g].state)) }
    return [out.finish()]
  }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    grow(groupCount)
    for i in 0..<rowCount {
      if case .dynamic(let value) = state[0].scalar(i) { schemas[Int(groups[i])].merge(state: value, &bytes) }
    }
  }
}
