// What bytes become: validated text, base64, decimals, GUIDs, dynamic values. Applied to whole batches, or once to a dictionary.
import Columnar
import CSIMD

/// The meaning of byte array values.
enum ByteArrayForm {
  case text
  case textOrBase64
  case base64
  /// As they are, not checked: the parts of a VARIANT.
  case bytes
  case interval
  case json
  case guidText
  case decimal(scale: Int, isNarrow: Bool)

  /// The Kusto type of the result.
  var type: DataType {
    switch self {
    case .text, .textOrBase64, .base64, .bytes, .interval: return .string
    case .json: return .dynamic
    case .guidText: return .guid
    case .decimal: return .decimal
    }
  }

  /// The column for raw bytes (a flat string vector that may hold any bytes). Rows that `validity` calls null hold empty slots.
  // SAFETY: offsets ascend from 0 to `data.count` and are one more than the rows, as StringBuilder makes them; the buffers
  // outlive the `defer`. `i` stays below `count`.
  func column(_ raw: ColumnVector, validity: Bitmap? = nil) throws(ParquetError) -> ColumnVector {
    guard case .bytes(let offsets, let data) = raw.storage else { return raw }
    defer { withExtendedLifetime((offsets, data)) {} }
    let count = raw.count
    @inline(__always) func bytes(_ i: Int) -> UnsafeRawBufferPointer {
      unsafe UnsafeRawBufferPointer(start: data.pointer + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i]))
    }
    func isNull(_ i: Int) -> Bool { validity.map { !$0[i] } ?? false }
    switch self {
    case .bytes: return raw
    case .text:
      try validateUTF8(offsets, data, count)
      return raw
    case .textOrBase64:
      let whole = unsafe UnsafeBufferPointer(start: data.pointer, count: data.count)
      if unsafe isASCII(whole) { return raw }
      if (0..<count).allSatisfy({ unsafe isValidUTF8(bytes($0)) }) { return raw }
      return try mapped(count) { (i, out) throws(ParquetError) in
        let value = unsafe bytes(i)
        if unsafe isValidUTF8(value) {
          unsafe out.append(contentsOf: value.assumingMemoryBound(to: UInt8.self))
        } else {
          unsafe Base64.append(value.assumingMemoryBound(to: UInt8.self), to: out)
        }
      }
    case .base64: return try mapped(count) { (i, out) throws(ParquetError) in unsafe Base64.append(bytes(i).assumingMemoryBound(to: UInt8.self), to: out) }
    case .interval:
      return try mapped(count) { (i, out) throws(ParquetError) in
        let value = unsafe bytes(i)
        if value.count == 12 { unsafe appendInterval(value, to: out) }
      }
    case .json: return try dynamicValues(offsets, data, count: count, validity: validity)
    case .guidText:
      let out = BufferBuilder<GUID>(capacity: count)
      for i in 0..<count {
        if isNull(i) {
          out.append(GUID(high: 0, low: 0))
          continue
        }
        guard let guid = unsafe GUID(utf8: bytes(i).assumingMemoryBound(to: UInt8.self)) else {
          throw .corrupt(unsafe "value \(i) of the batch is not a GUID: '\(excerpt(bytes(i)))'")
        }
        out.append(guid)
      }
      return .guid(out.finish())
    case .decimal(let scale, let isNarrow):
      if isNarrow {
        let out = BufferBuilder<Int64>(capacity: count)
        for i in 0..<count { unsafe out.append(try bigEndianInteger(bytes(i), as: Int64.self)) }
        return .decimal(out.finish(), scale: scale)
      }
      let out = BufferBuilder<Int128>(capacity: count)
      for i in 0..<count { unsafe out.append(try bigEndianInteger(bytes(i), as: Int128.self)) }
      return wideDecimals(out.finish(), scale: scale, validity: nil)
    }
  }

  /// A new string column whose rows `body` appends.
  private func mapped(
    _ count: Int, _ body: (Int, BufferBuilder<UInt8>) throws(ParquetError) -> Void
  ) throws(ParquetError) -> ColumnVector {
    let result = StringBuilder(rows: count)
    for i in 0..<count {
      try body(i, result.data)
      try result.checkRoom(0)
      result.endRow()
    }
    return result.finish(.string)
  }
}

/// At most 40 bytes of a value for messages.
// SAFETY: the bytes are the caller's for the call and are copied.
func excerpt(_ bytes: UnsafeRawBufferPointer) -> String { unsafe String(decoding: bytes.prefix(40), as: UTF8.self) }

/// Fails unless every value is valid UTF-8.
// SAFETY: as in `column`, which calls this and keeps both buffers alive.
private func validateUTF8(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ count: Int) throws(ParquetError) {
  guard count > 0 else { return }
  let start = Int(offsets[0])
  let whole = unsafe UnsafeBufferPointer(start: data.pointer + start, count: Int(offsets[count]) - start)
  if unsafe isASCII(whole) { return }
  for i in 0..<count {
    let value = unsafe UnsafeRawBufferPointer(start: data.pointer + Int(offsets[i]), count: Int(offsets[i + 1] - offsets[i]))
    guard unsafe isValidUTF8(value) else { throw .corrupt(unsafe "text value \(i) of the batch is not valid UTF-8: '\(excerpt(value))'") }
  }
}

/// True when no byte has its high bit set.
// SAFETY: both loops compare `at` with `bytes.count` before they read 64 bytes or one.
func isASCII(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
  guard let base = bytes.baseAddress else { return true }
  var at = 0
  while at &+ 64 <= bytes.count {
    if unsafe csimd_mask64_high(base + at) != 0 { return false }
    at &+= 64
  }
  while at < bytes.count {
    if unsafe base[at] >= 0x80 { return false }
    at &+= 1
  }
  return true
}

/// True when the bytes are well-formed UTF-8.
// SAFETY: the bytes are the caller's for the call.
func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool { unsafe isValidUTF8(bytes.assumingMemoryBound(to: UInt8.self)) }

/// Appends months, days and milliseconds as an ISO 8601 duration: `P1M2DT3.004S`.
// SAFETY: the caller checked that there are 12 bytes; the text's bytes live for the call that copies them.
private func appendInterval(_ bytes: UnsafeRawBufferPointer, to out: BufferBuilder<UInt8>) {
  func word(_ at: Int) -> UInt32 { unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
  let (months, days, millis) = (word(0), word(4), word(8))
  var text = "P"
  if months > 0 { text += "\(months)M" }
  if days > 0 { text += "\(days)D" }
  if millis > 0 || text == "P" {
    let fraction = millis % 1000
    text += "T\(millis / 1000)"
    if fraction > 0 {
      let digits = String(1000 + fraction).dropFirst()
      text += ".\(digits)"
    }
    text += "S"
  }
  text.withUTF8 { unsafe out.append(contentsOf: $0) }
}
