// Role: texts of tables as they are shown to people: control characters become pictures of themselves, so that a value stays on its line and
// cannot steer a terminal.

package enum VisibleText {
  /// Line breaks, tabs and other control characters made visible, so that a value stays on its line.
  package static func singleLine(_ text: String) -> String {
    var needsWork = false
    // 0xC2 begins the control characters beyond ASCII, which some terminals obey too.
    for byte in text.utf8 where byte < 0x20 || byte == 0x7F || byte == 0xC2 {
      needsWork = true
      break
    }
    guard needsWork else { return text }
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": out += "↵"
      case "\r": out += "␍"
      case "\t": out += "→"
      default:
        if scalar.value < 0x20, let picture = Unicode.Scalar(0x2400 + scalar.value) {
          out.unicodeScalars.append(picture)
        } else if scalar.value == 0x7F {
          out += "␡"
        } else if 0x80...0x9F ~= scalar.value {
          out += "\\u00" + String(scalar.value, radix: 16)
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out
  }
}
