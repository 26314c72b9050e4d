// Role: an Avro schema as a table of types: named types may contain themselves, so types refer to each other by number.
// Source: Apache Avro 1.12, "Specification": Schema Declaration, Names, Logical Types.

package import Columnar

/// What the bytes of a type are, and what they mean.
enum AvroKind: Sendable {
  case null, boolean, int, long, float, double, bytes, string, fixed, enumeration, record, array, map, union
  /// An int: days since 1970.
  case date
  case timeMillis, timeMicros
  case timestampMillis, timestampMicros, timestampNanos
  /// Big-endian two's complement, of any length or fixed.
  case decimalBytes, decimalFixed
  /// Text, or sixteen bytes.
  case uuidText, uuidFixed
}

/// One type.
struct AvroNode: Sendable {
  var kind: AvroKind
  /// Bytes of a fixed type.
  var size = 0
  /// Digits behind the point of a decimal.
  var scale = 0
  /// Types of fields, items, values or branches.
  var children: [Int] = []
  /// Names of fields, or symbols.
  var names: [String] = []
}

/// A schema whose root is a record. Immutable.
package struct AvroSchema: Sendable {
  let nodes: [AvroNode]
  let root: Int
  /// The record's fields as columns: records, arrays, maps and mixed unions are dynamic, bytes are text where they are UTF-8, else Base64.
  package let columns: StructType

  /// Reads the JSON of a file's `avro.schema`. Throws `AvroError`.
  package init(json: [UInt8]) throws {
    var parser = AvroSchemaParser()
    let value: DynamicValue
    do { value = try DynamicValue(parsing: String(decoding: json, as: UTF8.self)) } catch {
      throw AvroError(.damaged, "the schema is no JSON: \(error)")
    }
    root = try parser.node(value, namespace: "", depth: 0)
    nodes = parser.nodes
    let record = nodes[root]
    guard record.kind == .record else { throw AvroError(.notSupported, "the schema's root is no record; rows are records") }
    let types = nodes
    columns = StructType(zip(record.names, record.children).map { name, child in StructField(name, Self.columnType(child, types)) })
  }

  /// The type of the column that a type's values go into.
  static func columnType(_ index: Int, _ nodes: [AvroNode]) -> DataType {
    let node = nodes[index]
    switch node.kind {
    case .boolean: return .bool
    case .int: return .int
    case .long: return .long
    case .float, .double: return .real
    case .null, .bytes, .string, .fixed, .enumeration: return .string
    case .date, .timestampMillis, .timestampMicros, .timestampNanos: return .datetime
    case .timeMillis, .timeMicros: return .timespan
    case .decimalBytes, .decimalFixed: return .decimal
    case .uuidText, .uuidFixed: return .guid
    case .record, .array, .map: return .dynamic
    case .union:
      let types = Set(node.children.filter { nodes[$0].kind != .null }.map { columnType($0, nodes) })
      if types.isEmpty { return .string }
      if types.count == 1, let only = types.first { return only }
      return types == [.int, .long] ? .long : .dynamic
    }
  }
}
