// Role: texts of tables as they are shown to people: control characters become pictures of themselves, so that a value stays on its line and
// cannot steer a terminal, nor turn around what stands beside it.

package enum VisibleText {
  /// Line breaks, tabs and other control characters made visible, also those that set the direction of text, so that a value stays on its line.
  package static func singleLine(_ text: String) -> String {
    var needsWork = false
    // 0xC2 begins the control characters beyond ASCII, which some terminals obey too, 0xE2 those that change the direction.
    for byte in text.utf8 where byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte == 0xE2 {
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
        } else if isHidden(scalar) {
          let digits = String(scalar.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out
  }

  /// C1 controls, and the embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9, 2). All have at most four digits.
  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x80...0x9F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
