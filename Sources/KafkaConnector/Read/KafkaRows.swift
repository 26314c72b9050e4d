// Role: messages to columns.

import CKafka
import Columnar

/// Keys or values under construction: text where the bytes are valid UTF-8, else base64; null where there are none.
private struct BinaryColumn {
  private let text = StringBuilder()
  private let validity = BitmapBuilder()
  let alwaysBase64: Bool

  func append(_ bytes: UnsafeBufferPointer<UInt8>?) {
    validity.append(unsafe bytes != nil)
    guard let bytes = unsafe bytes else { return text.appendEmpty() }
    if alwaysBase64 || !(unsafe isValidUTF8(bytes)) {
      unsafe Base64.append(bytes, to: text.data)
      text.endRow()
    } else {
      unsafe text.append(bytes)
    }
  }

  func finish() -> ColumnVector { text.finish(.string, validity: validity.finishValidity()) }
}

/// Rows under construction, with the columns asked for.
final class KafkaRows: @unchecked Sendable {  // used by whoever holds the scan's mutex
  static func schema(includesHeaders: Bool) -> StructType {
    StructType(
      [
        StructField("key", .string), StructField("value", .string), StructField("topic", .string), StructField("partition", .int),
        StructField("offset", .long), StructField("timestamp", .datetime), StructField("timestampType", .int),
      ] + (includesHeaders ? [StructField("headers", .dynamic)] : []))
  }

  private let schema: StructType
  private let key: BinaryColumn?
  private let value: BinaryColumn?
  private let topics: [String]
  private let topicCodes = BufferBuilder<Int32>()
  private let partitions = BufferBuilder<Int32>()
  private let offsets = BufferBuilder<Int64>()
  private let times = BufferBuilder<Int64>()
  private let timeValidity = BitmapBuilder()
  private let timeTypes = BufferBuilder<Int32>()
  private let headers: ColumnBuilder?
  private let alwaysBase64: Bool
  private(set) var count = 0
  private(set) var bytes = 0

  /// `topics` are the names that `append` gives by number.
  init(_ schema: StructType, topics: [String], alwaysBase64: Bool) {
    self.schema = schema
    self.topics = topics
    self.alwaysBase64 = alwaysBase64
    key = schema.index(of: "key") == nil ? nil : BinaryColumn(alwaysBase64: alwaysBase64)
    value = schema.index(of: "value") == nil ? nil : BinaryColumn(alwaysBase64: alwaysBase64)
    headers = schema.index(of: "headers") == nil ? nil : ColumnBuilder(.dynamic)
  }

  // SAFETY: the message and its bytes live for the call.
  func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>, topic: Int) {
    let entry = unsafe message.pointee
    unsafe key?.append(Self.bytes(entry.key, entry.key_len))
    unsafe value?.append(Self.bytes(entry.payload, entry.len))
    topicCodes.append(Int32(topic))
    unsafe partitions.append(entry.partition)
    unsafe offsets.append(entry.offset)
    var type: Int32 = -1
    let time = unsafe ckafka_message_timestamp(message, &type)
    // A producer may set any number of milliseconds.
    let (ticks, isBeyond) = time.multipliedReportingOverflow(by: 10_000)
    let isTime = type >= 0 && !isBeyond && CivilTime.isInRange(ticks)
    timeValidity.append(isTime)
    times.append(isTime ? ticks : 0)
    timeTypes.append(type)
    if let headers { unsafe headers.append(.dynamic(Self.headers(message, alwaysBase64))) }
    count += 1
    unsafe bytes += entry.len + entry.key_len
  }

  private static func bytes(_ start: UnsafeMutableRawPointer?, _ count: Int) -> UnsafeBufferPointer<UInt8>? {
    unsafe start.map { unsafe UnsafeBufferPointer(start: $0.assumingMemoryBound(to: UInt8.self), count: count) }
  }

  private static func headers(_ message: UnsafeMutablePointer<rd_kafka_message_t>, _ alwaysBase64: Bool) -> DynamicValue {
    var out: [DynamicValue] = []
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while unsafe ckafka_message_header(message, out.count, &name, &value, &size) {
      let key = unsafe name.map { unsafe String(cString: $0) } ?? ""
      let text: DynamicValue
      if let start = unsafe value {
        let bytes = unsafe UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: size)
        text = .string(unsafe Base64.readable(bytes, always: alwaysBase64))
      } else {
        text = .null
      }
      out.append(.bag([DynamicEntry("key", .string(key)), DynamicEntry("value", text)]))
    }
    return .array(out)
  }

  /// The rows so far; nothing is left.
  func finish() -> RecordBatch {
    let n = count
    let names = StringBuilder(rows: topics.count)
    for topic in topics { names.append(topic) }
    let codes = topicCodes.finish(), numbers = partitions.finish(), positions = offsets.finish(), ticks = times.finish(), types = timeTypes.finish()
    let known = timeValidity.finishValidity()
    let columns = schema.fields.map { field -> ColumnVector in
      switch field.name {
      case "key": key?.finish() ?? .nulls(.string, count: n)
      case "value": value?.finish() ?? .nulls(.string, count: n)
      case "topic": .dictionary(codes: codes, values: names.finish())
      case "partition": .int(numbers)
      case "offset": .long(positions)
      case "timestamp": .long(ticks, validity: known, type: .datetime)
      case "timestampType": .int(types)
      default: headers?.finish() ?? .nulls(.dynamic, count: n)
      }
    }
    count = 0
    bytes = 0
    return RecordBatch(schema: schema, columns: columns, rowCount: n)
  }
}
