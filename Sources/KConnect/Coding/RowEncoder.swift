// Role: `Encodable` Swift values as columns: one column per property, found by encoding; nested values become dynamic.

import Columnar
import DataSource

/// Collects encoded rows into columns.
struct RowCollector {
  private var names: [String] = []
  private var positions: [String: Int] = [:]
  private var types: [DataType?] = []
  private var values: [[Scalar?]] = []
  private var rowCount = 0

  /// Columns in the order of the schema; others are refused.
  init(schema: StructType?) {
    guard let schema else { return }
    for field in schema.fields { _ = position(field.name, type: field.type) }
    isFixed = true
  }

  private var isFixed = false

  /// Adds one value as a row. Throws SCHEMA_MISMATCH where a value does not fit its column.
  mutating func append<Value: Encodable>(_ value: Value) throws {
    let row = RowEncoder()
    if let plain = value as? any RowValue {
      row.fields.append(("value", type(of: plain).dataType, plain.scalar))
    } else {
      try value.encode(to: row)
      row.close()
    }
    for (name, type, scalar) in row.fields {
      if isFixed, positions[name] == nil {
        throw KConnectError(.schemaMismatch, "property '\(name)' is not in the schema", hint: "columns: \(names.joined(separator: ", "))")
      }
      let i = position(name, type: type ?? scalar?.type)
      while values[i].count < rowCount { values[i].append(nil) }
      guard values[i].count == rowCount else { continue }
      guard let scalar, !scalar.isNull else {
        values[i].append(nil)
        continue
      }
      if types[i] == nil { types[i] = scalar.type }
      guard let type = types[i], let fitted = Self.fit(scalar, to: type) else {
        throw KConnectError(
          .schemaMismatch, "row \(rowCount + 1), property '\(name)': found \(scalar.type) '\(ValueText.text(scalar).prefix(80))', expected \(types[i] ?? .dynamic)")
      }
      values[i].append(fitted)
    }
    rowCount += 1
  }

  private mutating func position(_ name: String, type: DataType?) -> Int {
    if let i = positions[name] {
      if types[i] == nil { types[i] = type }
      return i
    }
    positions[name] = names.count
    names.append(name)
    types.append(type)
    values.append([])
    return names.count - 1
  }

  /// The value as another type where nothing is lost.
  static func fit(_ scalar: Scalar, to type: DataType) -> Scalar? {
    if scalar.type == type { return scalar }
    switch type {
    case .int: return Int32(scalar: scalar).map(Scalar.int)
    case .long: return Int64(scalar: scalar).map(Scalar.long)
    case .real: return Double(scalar: scalar).map(Scalar.real)
    case .decimal: return DecimalValue(scalar: scalar).map(Scalar.decimal)
    case .dynamic: return DynamicValue(scalar: scalar).map(Scalar.dynamic)
    case .guid: return GUID(scalar: scalar).map(Scalar.guid)
    case .string: return String(scalar: scalar).map(Scalar.string)
    case .datetime:
      if case .string(let text) = scalar { return DateTime(text)?.scalar }
      return nil
    default: return nil
    }
  }

  /// The rows as batches; a property that was nil in every row and says no type is a string column.
  func batches() -> (schema: StructType, batches: [RecordBatch]) {
    let schema = StructType(zip(names, types).map { StructField($0, $1 ?? .string) })
    var out: [RecordBatch] = []
    var start = 0
    while start < rowCount {
      let end = min(start + RecordBatch.maxRows, rowCount)
      let columns = values.indices.map { c -> ColumnVector in
        let builder = ColumnBuilder(schema[c].type, capacity: end - start)
        for i in start..<end { builder.append((i < values[c].count ? values[c][i] : nil) ?? .null(schema[c].type)) }
        return builder.finish()
      }
      out.append(RecordBatch(schema: schema, columns: columns, rowCount: end - start))
      start = end
    }
    return (schema, out)
  }
}

/// Encodes one value into named fields. A nil tells the type of its property where the property's type says so.
private final class RowEncoder: Encoder {
  var fields: [(name: String, type: DataType?, value: Scalar?)] = []
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> { KeyedEncodingContainer(RowFields(row: self)) }
  func unkeyedContainer() -> any UnkeyedEncodingContainer { ValueEncoder(node: open("value"), codingPath: []).unkeyedContainer() }
  func singleValueContainer() -> any SingleValueEncodingContainer { SingleField(row: self) }

  /// Containers that fill a field later.
  private var openNodes: [(Int, EncodedNode)] = []

  func open(_ name: String) -> EncodedNode {
    let node = EncodedNode()
    fields.append((name, .dynamic, nil))
    openNodes.append((fields.count - 1, node))
    return node
  }

  /// Takes over what nested containers hold, once the value has been encoded.
  func close() {
    for (i, node) in openNodes { fields[i].value = node.scalar }
    openNodes = []
  }
}

private struct RowFields<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let row: RowEncoder
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil(forKey key: Key) { row.fields.append((key.stringValue, nil, nil)) }

  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    if let plain = value as? any RowValue {
      row.fields.append((key.stringValue, type(of: plain).dataType, plain.scalar))
      return
    }
    let node = EncodedNode()
    try value.encode(to: ValueEncoder(node: node, codingPath: [key]))
    row.fields.append((key.stringValue, Self.declaredType(T.self), node.scalar))
  }

  mutating func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
    guard let value else {
      row.fields.append((key.stringValue, Self.declaredType(T.self), nil))
      return
    }
    try encode(value, forKey: key)
  }

  mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { plain(value, key) }
  mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { plain(value, key) }

  private func plain<T: RowValue>(_ value: T?, _ key: Key) { row.fields.append((key.stringValue, T.dataType, value?.scalar)) }

  /// The column type a Swift type says by itself; nil when only a value can tell (enumerations with raw values).
  private static func declaredType(_ type: Any.Type) -> DataType? { (type as? any RowValue.Type)?.dataType }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
    ValueEncoder(node: row.open(key.stringValue), codingPath: [key]).container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    ValueEncoder(node: row.open(key.stringValue), codingPath: [key]).unkeyedContainer()
  }
  mutating func superEncoder() -> any Encoder { row }
  mutating func superEncoder(forKey key: Key) -> any Encoder { ValueEncoder(node: row.open(key.stringValue), codingPath: [key]) }
}

private struct SingleField: SingleValueEncodingContainer {
  let row: RowEncoder
  var codingPath: [any CodingKey] { [] }

  mutating func encodeNil() { row.fields.append(("value", nil, nil)) }
  mutating func encode<T: Encodable>(_ value: T) throws {
    let node = EncodedNode()
    try node.put(value, path: [])
    row.fields.append(("value", nil, node.scalar))
  }
}
