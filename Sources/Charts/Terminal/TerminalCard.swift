// Role: `render card`: the values of the first record in large digits.

package import Columnar

package enum TerminalCard {
  /// Three lines for each character of a number, of half blocks.
  private static let glyphs: [Character: [String]] = [
    "0": ["█▀█", "█ █", "▀▀▀"], "1": ["▀█ ", " █ ", "▀▀▀"], "2": ["▀▀█", "█▀▀", "▀▀▀"], "3": ["▀▀█", " ▀█", "▀▀▀"], "4": ["█ █", "▀▀█", "  ▀"],
    "5": ["█▀▀", "▀▀█", "▀▀▀"], "6": ["█▀▀", "█▀█", "▀▀▀"], "7": ["▀▀█", "  █", "  ▀"], "8": ["█▀█", "█▀█", "▀▀▀"], "9": ["█▀█", "▀▀█", "▀▀▀"],
    ".": [" ", " ", "▄"], ",": [" ", " ", "▖"], "-": ["   ", "▀▀▀", "   "], "+": ["   ", "▀█▀", "   "], "e": ["   ", "█▀▀", "▀▀▀"], ":": ["▄", " ", "▄"],
    "k": ["█ ▄", "█▀▄", "▀ ▀"], "M": ["█▄█", "█ █", "▀ ▀"], " ": ["  ", "  ", "  "],
  ]

  package static func draw(_ row: [(name: String, value: Scalar)], title: String?, _ style: TerminalStyle) -> String {
    var lines: [String] = []
    if let title { lines += [style.bold(title), ""] }
    for (i, item) in row.enumerated() {
      let text = item.value.isNull ? "∅" : ChartValue.name(item.value)
      let large = text.map { glyphs[$0] }
      let isLarge = !large.contains { $0 == nil } && text.count * 4 < style.width
      if isLarge {
        for line in 0..<3 { lines.append("  " + style.paint(large.compactMap { $0?[line] }.joined(separator: " "), series: i)) }
      } else {
        lines.append("  " + style.bold(text))
      }
      lines += ["  " + style.dim(item.name), ""]
    }
    if lines.last == "" { lines.removeLast() }
    return lines.joined(separator: "\n") + "\n"
  }
}
