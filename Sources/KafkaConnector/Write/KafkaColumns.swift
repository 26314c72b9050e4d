// Role: which columns of a row become key, value, topic, partition and headers of a message.

import Columnar
import DataSource

struct KafkaColumns: Sendable {
  private let value: Int
  private let key: Int?
  private let topic: Int?
  private let partition: Int?
  private let headers: Int?

  /// Throws SCHEMA_MISMATCH that says what is missing or of a wrong type.
  init(_ schema: StructType, hasTopic: Bool) throws {
    func position(_ name: String, _ types: [DataType], _ hint: String) throws -> Int? {
      guard let i = schema.fields.firstIndex(where: { $0.name.lowercased() == name }) else { return nil }
      guard types.contains(schema.fields[i].type) else {
        throw KConnectError(
          .schemaMismatch, "column '\(schema.fields[i].name)' is \(schema.fields[i].type), the kafka sink expects \(types.map { "\($0)" }.joined(separator: " or "))", hint: hint)
      }
      return i
    }
    guard let value = try position("value", [.string, .dynamic], "convert it: extend value = tostring(value)") else {
      throw KConnectError(.schemaMismatch, "the kafka sink needs a column 'value'", hint: "make one: extend value = tostring(pack_all())")
    }
    self.value = value
    key = try position("key", [.string, .dynamic], "convert it: extend key = tostring(key)")
    topic = hasTopic ? nil : try position("topic", [.string], "convert it: extend topic = tostring(topic)")
    partition = try position("partition", [.int, .long], "convert it: extend partition = toint(partition)")
    headers = try position("headers", [.dynamic], "it is an array of {\"key\":…,\"value\":…}")
    let known: Set<String> = ["value", "key", "topic", "partition", "headers", "offset", "timestamp", "timestamptype"]
    if let other = schema.fields.first(where: { !known.contains($0.name.lowercased()) }) {
      throw KConnectError(
        .schemaMismatch, "the kafka sink has no place for the column '\(other.name)'", hint: "columns: value, key, headers, topic, partition; put others into value: project value = tostring(pack_all())")
    }
    if !hasTopic, topic == nil { throw KConnectError(.usage, "no topic given for the kafka sink", hint: "write kafka:HOST:PORT/TOPIC, the option topic, or a column 'topic'") }
  }

  typealias Send = (
    _ topic: String, _ partition: Int32, _ key: UnsafeBufferPointer<UInt8>?, _ value: UnsafeBufferPointer<UInt8>?, _ headers: [(name: String, value: [UInt8]?)]
  ) throws -> Void

  /// Calls `send` for each row. Throws VALUE_INVALID for a row without topic or with headers of another form.
  func send(_ batch: RecordBatch, to fixedTopic: String?, _ send: Send) throws {
    let values = TextCells(batch.columns[value]), keys = key.map { TextCells(batch.columns[$0]) }
    let topics = topic.map { batch.columns[$0] }, partitions = partition.map { batch.columns[$0] }, headerCells = headers.map { batch.columns[$0] }
    for row in 0..<batch.rowCount {
      var place = fixedTopic ?? ""
      if let topics {
        guard case .string(let name) = topics.scalar(row), !name.isEmpty else { throw KConnectError(.valueInvalid, "a row for Kafka has no topic") }
        place = name
      }
      var number: Int32 = -1
      switch partitions?.scalar(row) {
      case .int(let n)?: number = n
      case .long(let n)?:
        guard let n = Int32(exactly: n) else { throw KConnectError(.valueInvalid, "a row for Kafka has the partition \(n)") }
        number = n
      default: break
      }
      let list = try headerCells.map { try Self.headers($0.scalar(row)) } ?? []
      try unsafe values.withBytes(row) { value in
        guard let keys else { return try unsafe send(place, number, nil, value, list) }
        try unsafe keys.withBytes(row) { try unsafe send(place, number, $0, value, list) }
      }
    }
  }

  private static func headers(_ scalar: Scalar) throws -> [(name: String, value: [UInt8]?)] {
    func wrong() -> KConnectError { KConnectError(.valueInvalid, "the headers of a row for Kafka are not an array of {\"key\":…,\"value\":…}") }
    guard case .dynamic(let value) = scalar else { return [] }
    if case .null = value { return [] }
    guard case .array(let items) = value else { throw wrong() }
    return try items.map { item in
      guard case .string(let name)? = item["key"] else { throw wrong() }
      switch item["value"] {
      case .string(let text)?: return (name, Array(text.utf8))
      case nil, .null?: return (name, nil)
      case let other?: return (name, Array(other.json.utf8))
      }
    }
  }
}

/// Strings or dynamic values of a column as bytes: dynamic as JSON text.
private struct TextCells {
  private let column: ColumnVector
  private let isDynamic: Bool
  private let offsets: Buffer<Int32>?
  private let data: Buffer<UInt8>?

  init(_ vector: ColumnVector) {
    column = vector.flattened
    isDynamic = vector.type == .dynamic
    if case .bytes(let offsets, let data) = column.storage { (self.offsets, self.data) = (offsets, data) } else { (offsets, data) = (nil, nil) }
  }

  func withBytes<R>(_ row: Int, _ body: (UnsafeBufferPointer<UInt8>?) throws -> R) throws -> R {
    guard column.isValid(row), let offsets, let data else { return try body(nil) }
    if isDynamic, case .dynamic(let value) = column.scalar(row) {
      if case .null = value { return try body(nil) }
      let text = Array(value.text.utf8)
      return try unsafe text.withUnsafeBufferPointer { try unsafe body($0) }
    }
    // SAFETY: the offsets lie within the data, both kept alive by the column.
    let start = Int(offsets[row]), count = Int(offsets[row + 1]) - start
    return try unsafe data.withUnsafe { try unsafe body(UnsafeBufferPointer(rebasing: $0[start..<start + count])) }
  }
}
