// Role: texts as words, for diffpatterns_text. Equal texts are put together first, so words are looked at once per distinct text.
// Source: R. Vaarandi, "A Data Clustering Algorithm for Mining Patterns From Event Logs" (SLCT): frequent words by position, then the patterns
// that they make in each text.

import Columnar

/// Distinct texts with what each row holds.
struct TextTable {
  /// The texts; the number of the text of each row, -1 for null.
  let texts: [String]
  let textOfRow: [Int32]

  init(_ columns: [ColumnVector]) {
    let table = GroupTable(types: [.string])
    var rows: [Int32] = []
    for column in columns {
      let groups = table.assign(keys: [column], rowCount: column.count)
      for i in 0..<column.count { rows.append(column.isValid(i) ? groups[i] : -1) }
    }
    textOfRow = rows
    texts = table.keyColumns()[0].scalars.map { if case .string(let text) = $0 { text } else { "" } }
  }
}

/// A text cut at separators: `gaps[i]` stands before word i, the last gap at the end.
struct Words {
  var words: [Substring] = []
  var gaps: [Substring] = []

  init(_ text: String, isSeparator: (Unicode.Scalar) -> Bool) {
    let scalars = text.unicodeScalars
    var at = scalars.startIndex
    while true {
      let gap = at
      while at < scalars.endIndex, isSeparator(scalars[at]) { at = scalars.index(after: at) }
      gaps.append(text[gap..<at])
      if at == scalars.endIndex { break }
      let start = at
      while at < scalars.endIndex, !isSeparator(scalars[at]) { at = scalars.index(after: at) }
      words.append(text[start..<at])
    }
  }
}

/// A word at its place in a text.
struct PlacedWord: Hashable {
  var place: Int
  var word: Substring
}
