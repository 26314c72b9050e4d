// Draws a diagnostic the way a person reads it: head line, source line, caret line, hint.
//
//     error[KS142]: column 'Stat' not found in 'StormEvents'
//       3:9 | | where Stat == "TEXAS"
//           |         ^^^^
//     hint: did you mean 'State'?
//
// The caret line is aligned by display width, so wide and combining characters before the span do not shift it.
// Long lines are cut around the span.

/// Renders diagnostics against the text they are about.
package struct DiagnosticRenderer {
  let locator: SourceLocator
  /// The same text with stars over its secrets: what is drawn.
  private let drawn: SourceLocator
  /// Columns of source text shown at most.
  var width = 100

  package init(text: String) {
    locator = SourceLocator(text)
    drawn = SourceLocator(bytes: ObfuscatedText.covered(locator.bytes))
  }

  /// All diagnostics, separated by empty lines, ending without one.
  package func render(_ diagnostics: [KQLDiagnostic]) -> String {
    diagnostics.map(render).joined(separator: "\n\n")
  }

  /// One diagnostic in up to four lines; no line break at the end.
  package func render(_ diagnostic: KQLDiagnostic) -> String {
    let head = "\(diagnostic.severity.rawValue)[\(diagnostic.code)]: \(diagnostic.message)\n"
    return head + excerpt(diagnostic) + (diagnostic.hint.map { "\nhint: \($0)" } ?? "")
  }

  /// The source line and the caret line below it.
  package func excerpt(_ diagnostic: KQLDiagnostic) -> String {
    let start = min(max(0, Int(diagnostic.span.start)), locator.bytes.count)
    let lineIndex = locator.lineIndex(of: start)
    let line = locator.lineRange(lineIndex)
    let spanStart = min(start, line.end)
    let spanEnd = min(max(spanStart, Int(diagnostic.span.end)), line.end)

    let before = Self.cells(drawn.string(line.start, spanStart))
    let marked = Self.cells(drawn.string(spanStart, spanEnd))
    let after = Self.cells(drawn.string(spanEnd, line.end))
    let (lead, tail) = cut(before: before, marked: marked, after: after)

    let place = "\(lineIndex + 1):\(locator.lineAndColumn(of: start).column)"
    let margin = String(repeating: " ", count: place.utf8.count)
    let caretIndent = String(repeating: " ", count: lead.reduce(0) { $0 + $1.width })
    let shown = marked.prefix(width)
    let carets = String(repeating: "^", count: max(1, shown.reduce(0) { $0 + $1.width }))
    return "  \(place) | \(Self.text(lead))\(Self.text(Array(shown)))\(Self.text(tail))\n  \(margin) | \(caretIndent)\(carets)"
  }

  /// What a terminal shows for one character of source and how many columns it takes.
  private struct Cell {
    var text: String
    var width: Int
  }

  private static func cells(_ text: String) -> [Cell] {
    text.map { character in
      if character == "\t" { return Cell(text: " ", width: 1) }
      guard let first = character.unicodeScalars.first else { return Cell(text: "", width: 0) }
      if first.value < 0x20 || first.value == 0x7F { return Cell(text: "\u{FFFD}", width: 1) }
      return Cell(text: String(character), width: displayWidth(first))
    }
  }

  private static func text(_ cells: [Cell]) -> String { cells.map(\.text).joined() }

  /// Shortens what stands around the span so that the line fits the width.
  private func cut(before: [Cell], marked: [Cell], after: [Cell]) -> (lead: [Cell], tail: [Cell]) {
    let total = before.count + marked.count + after.count
    guard total > width else { return (before, after) }
    let room = max(20, width - min(width, marked.count))
    let leadRoom = min(before.count, room / 2)
    let tailRoom = min(after.count, room - leadRoom)
    var lead = Array(before.suffix(leadRoom))
    var tail = Array(after.prefix(tailRoom))
    if leadRoom < before.count { lead = Self.cells("...") + lead }
    if tailRoom < after.count { tail += Self.cells("...") }
    return (lead, tail)
  }
}

/// Terminal columns of a character that starts with this scalar: 0 for combining marks, 2 for East Asian wide and emoji.
/// Source: Unicode Standard Annex 11, the blocks in common use.
func displayWidth(_ scalar: Unicode.Scalar) -> Int {
  switch scalar.value {
  case 0x0300...0x036F, 0x200B...0x200F, 0xFE00...0xFE0F: 0
  case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
    0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD: 2
  default: 1
  }
}
