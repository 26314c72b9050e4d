// Role: how many terminal cells a text takes, and cutting a text to a width. East Asian wide and emoji count two, combining marks none.
// Source: Unicode Standard Annex 11 (ranges of wide characters, condensed) and Swift's grapheme breaking.

/// Terminal width of texts.
package enum TextWidth {
  /// Cells of one character.
  package static func cells(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    let v = first.value
    if v < 0x300 { return v < 0x20 || (v >= 0x7F && v < 0xA0) ? 0 : character.unicodeScalars.contains("\u{FE0F}") ? 2 : 1 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if isWide(v) || first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
    return 1
  }

  /// Cells of a text.
  package static func cells(_ text: String) -> Int {
    var isPlain = true
    for byte in text.utf8 where byte < 0x20 || byte >= 0x7F {
      isPlain = false
      break
    }
    if isPlain { return text.utf8.count }
    return text.reduce(0) { $0 + cells($1) }
  }

  /// The text, or as much of it as fits `width` cells with `…` at the end.
  package static func fitted(_ text: String, to width: Int) -> String {
    if text.utf8.count <= width || cells(text) <= width { return text }
    var out = ""
    var used = 0
    for character in text {
      let w = cells(character)
      if used + w > width - 1 { break }
      out.append(character)
      used += w
    }
    return out + "…"
  }

  private static func isWide(_ v: UInt32) -> Bool {
    switch v {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xAC00...0xD7A3,
      0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
      0x20000...0x3FFFD:
      true
    default: false
    }
  }
}
