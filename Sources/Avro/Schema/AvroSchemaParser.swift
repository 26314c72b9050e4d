// Role: the JSON of a schema to its table of types. Logical types that are unknown, or do not fit what they stand on, are ignored, as the
// specification asks.

import Columnar

struct AvroSchemaParser {
  private(set) var nodes: [AvroNode] = []
  /// Named types by full name.
  private var named: [String: Int] = [:]
  /// Types of one schema at most, and how deep they may be nested.
  private static let mostNodes = 100_000, mostDepth = 64

  private mutating func add(_ node: AvroNode) throws -> Int {
    guard nodes.count < Self.mostNodes else { throw AvroError(.damaged, "the schema has more than \(Self.mostNodes) types") }
    nodes.append(node)
    return nodes.count - 1
  }

  /// The number of a type. `namespace` is that of the surrounding type.
  mutating func node(_ value: DynamicValue, namespace: String, depth: Int) throws -> Int {
    guard depth <= Self.mostDepth else { throw AvroError(.damaged, "the schema is nested deeper than \(Self.mostDepth)") }
    switch value {
    case .string(let name): return try reference(name, namespace)
    case .array(let branches): return try union(branches, namespace, depth)
    case .bag:
      guard let type = value["type"] else { throw AvroError(.damaged, "the schema has an object without 'type'") }
      guard case .string(let word) = type else { return try node(type, namespace: namespace, depth: depth + 1) }
      return try declared(word, value, namespace, depth)
    default: throw AvroError(.damaged, "the schema has '\(value.json.prefix(60))' in the place of a type")
    }
  }

  private static func primitive(_ word: String) -> AvroKind? {
    switch word {
    case "null": .null
    case "boolean": .boolean
    case "int": .int
    case "long": .long
    case "float": .float
    case "double": .double
    case "bytes": .bytes
    case "string": .string
    default: nil
    }
  }

  private mutating func reference(_ name: String, _ namespace: String) throws -> Int {
    if let kind = Self.primitive(name) { return try add(AvroNode(kind: kind)) }
    if let found = named[Self.fullName(name, namespace)] ?? named[name] { return found }
    throw AvroError(.damaged, "the schema names the type '\(name.prefix(80))', which it does not declare before")
  }

  private static func fullName(_ name: String, _ namespace: String) -> String { name.contains(".") || namespace.isEmpty ? name : namespace + "." + name }

  private mutating func union(_ branches: [DynamicValue], _ namespace: String, _ depth: Int) throws -> Int {
    guard !branches.isEmpty else { throw AvroError(.damaged, "the schema has a union without branches") }
    var children: [Int] = []
    for branch in branches {
      if case .array = branch { throw AvroError(.damaged, "the schema has a union inside a union") }
      children.append(try node(branch, namespace: namespace, depth: depth + 1))
    }
    return try add(AvroNode(kind: .union, children: children))
  }

  private mutating func declared(_ word: String, _ value: DynamicValue, _ namespace: String, _ depth: Int) throws -> Int {
    switch word {
    case "array":
      guard let items = value["items"] else { throw AvroError(.damaged, "the schema has an array without 'items'") }
      let child = try node(items, namespace: namespace, depth: depth + 1)
      return try add(AvroNode(kind: .array, children: [child]))
    case "map":
      guard let values = value["values"] else { throw AvroError(.damaged, "the schema has a map without 'values'") }
      let child = try node(values, namespace: namespace, depth: depth + 1)
      return try add(AvroNode(kind: .map, children: [child]))
    case "record", "error": return try record(value, namespace, depth)
    case "enum":
      let name = try self.name(of: value, namespace)
      guard case .array(let symbols)? = value["symbols"], !symbols.isEmpty else { throw AvroError(.damaged, "the enum '\(name)' has no symbols") }
      return try declare(name, AvroNode(kind: .enumeration, names: try symbols.map { try Self.text($0, "a symbol of '\(name)'") }))
    case "fixed":
      let name = try self.name(of: value, namespace)
      guard case .long(let size)? = value["size"], (0...1 << 20).contains(size) else { throw AvroError(.damaged, "the fixed type '\(name)' has no size from 0 to \(1 << 20)") }
      return try declare(name, Self.meaning(of: AvroNode(kind: .fixed, size: Int(size)), value))
    default:
      guard let kind = Self.primitive(word) else { return try reference(word, namespace) }
      return try add(Self.meaning(of: AvroNode(kind: kind), value))
    }
  }

  private mutating func record(_ value: DynamicValue, _ namespace: String, _ depth: Int) throws -> Int {
    let name = try self.name(of: value, namespace)
    guard case .array(let fields)? = value["fields"] else { throw AvroError(.damaged, "the record '\(name)' has no fields") }
    // Its fields may be of its own type.
    let index = try declare(name, AvroNode(kind: .record))
    let inner = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
    var node = AvroNode(kind: .record)
    for field in fields {
      guard let type = field["type"] else { throw AvroError(.damaged, "a field of the record '\(name)' has no type") }
      node.names.append(try Self.text(field["name"] ?? .null, "the name of a field of '\(name)'"))
      node.children.append(try self.node(type, namespace: inner, depth: depth + 1))
    }
    guard Set(node.names).count == node.names.count else { throw AvroError(.damaged, "the record '\(name)' has two fields of the same name") }
    nodes[index] = node
    return index
  }

  private mutating func declare(_ name: String, _ node: AvroNode) throws -> Int {
    guard named[name] == nil else { throw AvroError(.damaged, "the schema declares '\(name)' twice") }
    let index = try add(node)
    named[name] = index
    return index
  }

  private func name(of value: DynamicValue, _ namespace: String) throws -> String {
    let name = try Self.text(value["name"] ?? .null, "the name of a type")
    if name.contains(".") { return name }
    if case .string(let own)? = value["namespace"] { return Self.fullName(name, own) }
    return Self.fullName(name, namespace)
  }

  private static func text(_ value: DynamicValue, _ what: String) throws -> String {
    guard case .string(let text) = value, !text.isEmpty else { throw AvroError(.damaged, "\(what) is no text: '\(value.json.prefix(60))'") }
    return text
  }

  /// The type under its logical meaning.
  private static func meaning(of node: AvroNode, _ value: DynamicValue) -> AvroNode {
    guard case .string(let logical)? = value["logicalType"] else { return node }
    var out = node
    switch (logical, node.kind) {
    case ("date", .int): out.kind = .date
    case ("time-millis", .int): out.kind = .timeMillis
    case ("time-micros", .long): out.kind = .timeMicros
    case ("timestamp-millis", .long), ("local-timestamp-millis", .long): out.kind = .timestampMillis
    case ("timestamp-micros", .long), ("local-timestamp-micros", .long): out.kind = .timestampMicros
    case ("timestamp-nanos", .long), ("local-timestamp-nanos", .long): out.kind = .timestampNanos
    case ("uuid", .string): out.kind = .uuidText
    case ("uuid", .fixed) where node.size == 16: out.kind = .uuidFixed
    case ("decimal", .bytes), ("decimal", .fixed):
      var scale: Int64 = 0
      if case .long(let given)? = value["scale"] { scale = given }
      guard case .long(let precision)? = value["precision"], precision > 0, (0...precision).contains(scale), scale <= 38 else { return node }
      out.kind = node.kind == .bytes ? .decimalBytes : .decimalFixed
      out.scale = Int(scale)
    default: break
    }
    return out
  }
}
