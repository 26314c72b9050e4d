// Role: JSON as the reference's own examples write it, which Kusto's reader takes: texts in single quotes, `\'` in texts, a comma behind the last item.

import Columnar

extension DynamicValue {
  /// JSON text as a value, also such that is written with single quotes or with commas in front of a closing bracket; nil when it is malformed.
  init?(lenientJSON text: String) {
    if let value = DynamicValue(json: text) {
      self = value
      return
    }
    guard let value = DynamicValue(json: Self.strict(text)) else { return nil }
    self = value
  }

  private static func strict(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    let input = Array(text.utf8)
    var quote: UInt8 = 0
    var i = 0
    while i < input.count {
      let byte = input[i]
      i += 1
      if quote == 0 {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
          quote = byte
          out.append(UInt8(ascii: "\""))
        } else if byte != UInt8(ascii: ",") || !isClosing(input, from: i) {
          out.append(byte)
        }
      } else if byte == UInt8(ascii: "\\"), i < input.count {
        if input[i] != UInt8(ascii: "'") { out.append(byte) }
        out.append(input[i])
        i += 1
      } else if byte == quote {
        quote = 0
        out.append(UInt8(ascii: "\""))
      } else {
        if byte == UInt8(ascii: "\"") { out.append(UInt8(ascii: "\\")) }
        out.append(byte)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func isClosing(_ input: [UInt8], from start: Int) -> Bool {
    let next = input[start...].first { $0 > 0x20 }
    return next == UInt8(ascii: "]") || next == UInt8(ascii: "}")
  }
}
