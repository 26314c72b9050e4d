// Role: what the terminal offers, and the colours and marks that tell series apart in it.

/// Size and abilities of a terminal.
package struct TerminalStyle: Sendable {
  /// Cells of a line.
  package var width: Int
  /// Lines of a chart's plot.
  package var height: Int
  package var isColourful: Bool

  package init(width: Int, height: Int, isColourful: Bool) {
    self.width = max(30, width)
    self.height = max(6, height)
    self.isColourful = isColourful
  }

  /// The 256-colour numbers nearest to `ChartPalette`.
  private static let colours = [68, 214, 203, 79, 71, 211, 135, 110, 137, 246]
  /// Marks of series without colours, and fills of their areas.
  static let marks: [Character] = ["●", "○", "■", "□", "▲", "△", "◆", "◇", "★", "☆"]
  static let fills: [Character] = ["█", "▒", "▓", "░", "▚", "▤", "▥", "▦", "▧", "▨"]

  func paint(_ text: String, series: Int) -> String { paint(text, colour: Self.colours[series % Self.colours.count]) }
  func dim(_ text: String) -> String { isColourful ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
  func bold(_ text: String) -> String { isColourful ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  func alert(_ text: String) -> String { isColourful ? "\u{1B}[1;31m\(text)\u{1B}[0m" : text }

  private func paint(_ text: String, colour: Int) -> String { isColourful ? "\u{1B}[38;5;\(colour)m\(text)\u{1B}[0m" : text }

  func mark(_ series: Int) -> Character { Self.marks[series % Self.marks.count] }
  func fill(_ series: Int) -> Character { isColourful ? "█" : Self.fills[series % Self.fills.count] }
}

/// A terminal cell: a character and what colours it.
struct Cell {
  enum Ink { case plain, dim, alert, series(Int) }
  var character: Character
  var ink: Ink
}

extension TerminalStyle {
  /// A line of cells; runs of one ink share their escape sequences, blanks at the end go.
  func line(_ cells: [Cell]) -> String {
    var cells = cells
    while let last = cells.last, last.character == " " { cells.removeLast() }
    var out = ""
    var run = ""
    var ink = Cell.Ink.plain
    func flush() {
      switch ink {
      case .plain: out += run
      case .dim: out += dim(run)
      case .alert: out += alert(run)
      case .series(let i): out += paint(run, series: i)
      }
      run = ""
    }
    for cell in cells {
      if !Self.same(cell.ink, ink) {
        if !run.isEmpty { flush() }
        ink = cell.ink
      }
      run.append(cell.character)
    }
    if !run.isEmpty { flush() }
    return out
  }

  private static func same(_ a: Cell.Ink, _ b: Cell.Ink) -> Bool {
    switch (a, b) {
    case (.plain, .plain), (.dim, .dim), (.alert, .alert): true
    case (.series(let i), .series(let j)): i == j
    default: false
    }
  }
}
