// Role: one column under construction, filled with values of Avro's types.

import Columnar

/// A growing column. Not thread-safe.
final class AvroColumn {
  let type: DataType
  private let valid = BitmapBuilder()
  private let bits = BitmapBuilder()
  private let ints = BufferBuilder<Int32>()
  private let longs = BufferBuilder<Int64>()
  private let reals = BufferBuilder<Double>()
  private let wide = BufferBuilder<Int128>()
  private let scales = BufferBuilder<Int16>()
  private let guids = BufferBuilder<GUID>()
  private let text = StringBuilder()

  init(_ type: DataType) { self.type = type }

  /// Bytes of texts and dynamic values.
  var textBytes: Int { text.data.count }

  func appendNull() {
    valid.append(false)
    switch type {
    case .bool: bits.append(false)
    case .int: ints.append(0)
    case .long, .datetime, .timespan: longs.append(0)
    case .real: reals.append(0)
    case .decimal:
      wide.append(0)
      scales.append(0)
    case .guid: guids.append(GUID(high: 0, low: 0))
    case .string, .dynamic: text.appendEmpty()
    }
  }

  func append(_ value: Bool) {
    valid.append(true)
    bits.append(value)
  }

  func append(_ value: Int32) {
    valid.append(true)
    ints.append(value)
  }

  /// A long, or ticks of a datetime or timespan.
  func append(_ value: Int64) {
    valid.append(true)
    longs.append(value)
  }

  func append(_ value: Double) {
    valid.append(true)
    reals.append(value)
  }

  func append(_ value: DecimalValue) {
    valid.append(true)
    wide.append(value.coefficient)
    scales.append(value.scale)
  }

  func append(_ value: GUID) {
    valid.append(true)
    guids.append(value)
  }

  func append(_ value: String) {
    valid.append(true)
    text.append(value)
  }

  /// Bytes `place` as text. What is not UTF-8 becomes U+FFFD, or with `isBinary` the whole Base64.
  func append(_ bytes: [UInt8], _ place: Range<Int>, isBinary: Bool) {
    let start = text.data.count
    var seen: UInt8 = 0
    for i in place {
      let byte = bytes[i]
      seen |= byte
      text.data.append(byte)
    }
    if seen < 0x80 {
      valid.append(true)
      text.endRow()
    } else {
      text.data.count = start
      append(AvroText.text(bytes[place], isBinary: isBinary))
    }
  }

  func append(_ value: DynamicValue) {
    valid.append(true)
    for byte in value.binary { text.data.append(byte) }
    text.endRow()
  }

  /// The column; the builder is empty afterwards.
  func finish() -> ColumnVector {
    let validity = valid.finishValidity()
    switch type {
    case .bool: return .bool(bits.finish(), validity: validity)
    case .int: return .int(ints.finish(), validity: validity)
    case .long, .datetime, .timespan: return .long(longs.finish(), validity: validity, type: type)
    case .real: return .real(reals.finish(), validity: validity)
    case .decimal: return .decimal(wide.finish(), scales: scales.finish(), validity: validity)
    case .guid: return .guid(guids.finish(), validity: validity)
    case .string, .dynamic: return text.finish(type, validity: validity)
    }
  }
}

/// Bytes as texts.
enum AvroText {
  /// What is not UTF-8 becomes U+FFFD, or with `isBinary` the whole Base64.
  static func text(_ bytes: ArraySlice<UInt8>, isBinary: Bool) -> String {
    if !isBinary { return String(decoding: bytes, as: UTF8.self) }
    return String(validating: bytes, as: UTF8.self) ?? Base64.text(bytes)
  }
}
