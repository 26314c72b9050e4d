// Role: a column as JSON tokens, one per row, written by type into bytes: no scalars or strings in the row loops of common types.

import Columnar
import KConnect

enum JSONCells {
  /// One token per row, `null` for nulls.
  static func tokens(_ vector: ColumnVector) -> StringBuilder {
    let out = StringBuilder(rows: vector.count, bytes: vector.count * 8)
    switch vector.storage {
    case .int(let values): unsafe values.withUnsafe { unsafe fixed($0, vector.validity, out) { unsafe ScalarText.write(long: Int64($0), to: $1) } }
    case .long(let values):
      unsafe values.withUnsafe { values in
        switch vector.type {
        case .datetime: unsafe fixed(values, vector.validity, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(datetime: $0, to: $1) } }
        case .timespan: unsafe fixed(values, vector.validity, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(timespan: $0, to: $1) } }
        default: unsafe fixed(values, vector.validity, out) { unsafe ScalarText.write(long: $0, to: $1) }
        }
      }
    case .real(let values):
      unsafe values.withUnsafe { values in
        unsafe fixed(values, vector.validity, out) { value, end in
          unsafe value.isFinite ? ScalarText.write(real: value, to: end) : quoted(value, end) { unsafe ScalarText.write(real: $0, to: $1) }
        }
      }
    case .decimal64(let values, let scale):
      unsafe values.withUnsafe { unsafe fixed($0, vector.validity, out) { unsafe ScalarText.write(decimal64: $0, scale: scale, to: $1) } }
    case .guid(let values):
      unsafe values.withUnsafe { unsafe fixed($0, vector.validity, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(guid: $0, to: $1) } } }
    case .bytes(let offsets, let data) where vector.type == .string: strings(offsets, data, vector.validity, out)
    case .dictionary(let codes, let values): gathered(codes, tokens(values), vector.validity, out)
    case .constant(let value):
      let token = tokens(value)
      for i in 0..<vector.count {
        if vector.isValid(i) { unsafe out.append(UnsafePointer(token.data.pointer), token.data.count) } else { out.append("null") }
      }
    case .bool, .decimal128, .bytes:
      for i in 0..<vector.count { out.append(ValueText.jsonToken(vector.scalar(i))) }
    }
    return out
  }

  private typealias Bytes = UnsafeMutablePointer<UInt8>

  @inline(__always)
  private static func fixed<T>(_ values: UnsafeBufferPointer<T>, _ validity: Bitmap?, _ out: StringBuilder, _ write: (T, Bytes) -> Bytes) {
    let data = out.data
    for i in 0..<values.count {
      if validity.map({ $0[i] }) ?? true {
        data.reserve(ScalarText.room + 2)
        let start = unsafe data.pointer + data.count
        unsafe data.count &+= write(values[i], start) - start
        out.endRow()
      } else {
        out.append("null")
      }
    }
  }

  /// A token between quotation marks; `body` writes the inside.
  @inline(__always)
  private static func quoted<T>(_ value: T, _ start: Bytes, _ body: (T, Bytes) -> Bytes) -> Bytes {
    unsafe start[0] = UInt8(ascii: "\"")
    let end = unsafe body(value, start + 1)
    unsafe end[0] = UInt8(ascii: "\"")
    return unsafe end + 1
  }

  private static func strings(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ validity: Bitmap?, _ out: StringBuilder) {
    unsafe data.withUnsafe { bytes in
      guard let base = bytes.baseAddress else { return }
      for i in 0..<(offsets.count - 1) {
        guard validity.map({ $0[i] }) ?? true else {
          out.append("null")
          continue
        }
        let start = Int(offsets[i]), end = Int(offsets[i + 1])
        unsafe appendQuoted(base + start, end - start, out.data)
        out.endRow()
      }
    }
  }

  /// A text as a JSON string. Each byte takes six bytes at most.
  private static func appendQuoted(_ text: UnsafePointer<UInt8>, _ count: Int, _ out: BufferBuilder<UInt8>) {
    out.reserve(count &* 6 &+ 2)
    let start = unsafe out.pointer + out.count
    var to = unsafe start
    unsafe to[0] = UInt8(ascii: "\"")
    unsafe to += 1
    for i in 0..<count {
      let byte = unsafe text[i]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        unsafe to[0] = byte
        unsafe to += 1
        continue
      }
      unsafe to[0] = UInt8(ascii: "\\")
      switch byte {
      case UInt8(ascii: "\n"): unsafe to[1] = UInt8(ascii: "n")
      case UInt8(ascii: "\r"): unsafe to[1] = UInt8(ascii: "r")
      case UInt8(ascii: "\t"): unsafe to[1] = UInt8(ascii: "t")
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): unsafe to[1] = byte
      default:
        unsafe to[1] = UInt8(ascii: "u")
        unsafe to[2] = UInt8(ascii: "0")
        unsafe to[3] = UInt8(ascii: "0")
        unsafe to[4] = byte < 16 ? UInt8(ascii: "0") : UInt8(ascii: "1")
        let low = byte & 15
        unsafe to[5] = low < 10 ? 0x30 + low : 0x57 + low
        unsafe to += 4
      }
      unsafe to += 2
    }
    unsafe to[0] = UInt8(ascii: "\"")
    unsafe out.count &+= to + 1 - start
  }

  private static func gathered(_ codes: Buffer<Int32>, _ tokens: StringBuilder, _ validity: Bitmap?, _ out: StringBuilder) {
    let offsets = unsafe tokens.offsets.pointer, bytes = unsafe tokens.data.pointer
    for i in 0..<codes.count {
      guard validity.map({ $0[i] }) ?? true else {
        out.append("null")
        continue
      }
      let code = Int(codes[i])
      unsafe out.append(UnsafePointer(bytes + Int(offsets[code])), Int(offsets[code + 1] - offsets[code]))
    }
    withExtendedLifetime(tokens) {}
  }
}
