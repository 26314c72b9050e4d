// Role: rows as an aligned table: numbers to the right, text to the left, cells cut to fit, nulls as `∅`. Used by `show` and the command line.
// Widths come from a first sample of rows, so that a table can be streamed; later rows that are wider are cut where there is a bound, else they
// shift their line.

package import Columnar

/// A table layout fixed by a schema and a sample of rows.
package struct TableText: Sendable {
  /// How a null shows: no text value looks like it by accident.
  package static let nullText = "∅"

  private let widths: [Int]
  private let rightAligned: [Bool]
  private let names: [String]
  private let cutsText: Bool

  /// Works out widths. `maxWidth` bounds the whole line (nil: no bound), `maxCell` one cell (nil: no bound).
  package init(schema: StructType, sample: [[String]], maxWidth: Int?, maxCell: Int?) {
    names = schema.names.map(VisibleText.singleLine)
    rightAligned = schema.fields.map { $0.type.isNumeric || $0.type == .timespan }
    var widths = names.map { max(1, TextWidth.cells($0)) }
    for row in sample {
      for (i, cell) in row.enumerated() where i < widths.count { widths[i] = max(widths[i], TextWidth.cells(cell)) }
    }
    if let maxCell { widths = widths.map { min($0, max(3, maxCell)) } }
    if let maxWidth { widths = Self.shrunk(widths, to: maxWidth - 3 * widths.count - 1) }
    self.widths = widths
    cutsText = maxWidth != nil || maxCell != nil
  }

  /// Takes cells from the widest columns until the sum fits; no column falls below 4.
  private static func shrunk(_ widths: [Int], to room: Int) -> [Int] {
    var widths = widths
    var excess = widths.reduce(0, +) - room
    while excess > 0, let widest = widths.max(), widest > 4 {
      let next = max(4, widths.filter { $0 < widest }.max() ?? 4)
      for i in widths.indices where widths[i] == widest && excess > 0 {
        let cut = min(widest - next, excess)
        widths[i] -= max(1, min(cut, widest - next))
        excess -= max(1, min(cut, widest - next))
      }
    }
    return widths
  }

  /// The text of a cell: a single line, nulls as `∅`.
  package static func cell(_ scalar: Scalar) -> String {
    scalar.isNull ? nullText : VisibleText.singleLine(ValueText.text(scalar))
  }

  /// The rule above, between header and rows, or below.
  package enum Rule: Sendable { case top, middle, bottom }

  /// A horizontal line.
  package func rule(_ rule: Rule) -> String {
    let (left, cross, right) = switch rule {
    case .top: ("┌", "┬", "┐")
    case .middle: ("├", "┼", "┤")
    case .bottom: ("└", "┴", "┘")
    }
    return left + widths.map { String(repeating: "─", count: $0 + 2) }.joined(separator: cross) + right
  }

  /// The header line.
  package var header: String { line(names) }

  /// One row of cells made by `cell`.
  package func line(_ cells: [String]) -> String {
    var out = "│"
    for (i, cell) in cells.enumerated() where i < widths.count {
      // Numbers are never cut: half a number would be another number.
      let text = cutsText && !rightAligned[i] ? TextWidth.fitted(cell, to: widths[i]) : cell
      let space = String(repeating: " ", count: max(0, widths[i] - TextWidth.cells(text)))
      out += " " + (rightAligned[i] ? space + text : text + space) + " │"
    }
    return out
  }

  /// A whole small table.
  package static func render(schema: StructType, rows: [[String]], maxWidth: Int?, maxCell: Int?) -> String {
    if schema.count == 0 { return "(no columns, \(rows.count) rows)\n" }
    let table = TableText(schema: schema, sample: rows, maxWidth: maxWidth, maxCell: maxCell)
    var lines = [table.rule(.top), table.header, table.rule(.middle)]
    for row in rows { lines.append(table.line(row)) }
    lines.append(table.rule(.bottom))
    return lines.joined(separator: "\n") + "\n"
  }
}
