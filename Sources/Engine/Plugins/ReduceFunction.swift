// Role: the operator reduce: groups texts by what they have in common.
// Source: Kusto language reference, "reduce operator". A word is kept in a pattern when more than `threshold` of the rows have it at its place;
// words of digits alone are never kept.

package import Columnar
import DataSource
import Expressions

/// The last input column is the text. Output: pattern, count and representative, or the other input columns and the pattern.
package struct ReduceFunction: TableFunction {
  package let threshold: Double
  /// Characters that separate words; nil: all that are no ASCII letters or digits.
  package let separators: String?
  /// The columns that stay when every row is kept (kind=source); nil: a row per pattern.
  package let source: StructType?

  package init(threshold: Double, separators: String?, source: StructType?) {
    self.threshold = threshold
    self.separators = separators
    self.source = source
  }

  package var name: String { "Reduce" }

  package var schema: StructType {
    if let source { return StructType(source.fields + [StructField("Pattern", .string)]) }
    return StructType([StructField("Pattern", .string), StructField("Count", .long), StructField("Representative", .string)])
  }

  /// The pattern of rows that are like no others.
  private static let others = "others"

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let batches = inputs[0]
    let table = TextTable(batches.compactMap { $0.columns.last })
    try context.require(table.texts.reduce(0) { $0 + $1.utf8.count * 4 + 64 })
    var weights = [Int64](repeating: 0, count: table.texts.count)
    for text in table.textOfRow where text >= 0 { weights[Int(text)] += 1 }
    let total = weights.reduce(0, +)
    let patterns = try self.patterns(table.texts, weights, total, context)
    if let source { return sourceRows(batches, source, table, patterns) }
    let others = TextKey(Self.others)
    /// Count and first text of each pattern.
    var groups: [TextKey: (count: Int64, text: Int)] = [:]
    for (i, pattern) in patterns.enumerated() where weights[i] > 0 { groups[TextKey(pattern), default: (0, i)].count += weights[i] }
    // Patterns that too few rows have are none.
    var rest: Int64 = 0
    for (pattern, group) in groups where pattern != others && Double(group.count) < threshold * Double(total) {
      rest += group.count
      groups[pattern] = nil
    }
    if rest > 0 { groups[others, default: (0, 0)].count += rest }
    let order = groups.sorted { a, b in
      if (a.key == others) != (b.key == others) { return b.key == others }
      return a.value.count != b.value.count ? a.value.count > b.value.count : a.key.text < b.key.text
    }
    return [.rows(schema, order.map { [.string($0.key.text), .long($0.value.count), .string($0.key == others ? "" : table.texts[$0.value.text])] })]
  }

  private func sourceRows(_ batches: [RecordBatch], _ source: StructType, _ table: TextTable, _ patterns: [String]) -> [RecordBatch] {
    if patterns.isEmpty { return [] }
    let dictionary = ColumnVector.of(.string, patterns.map { .string($0) } + [.string(Self.others)])
    var row = 0
    return batches.map { batch in
      let codes = (row..<row + batch.rowCount).map { table.textOfRow[$0] < 0 ? Int32(patterns.count) : table.textOfRow[$0] }
      row += batch.rowCount
      let columns = Array(batch.columns[0..<source.count]) + [.dictionary(codes: Buffer(codes), values: dictionary)]
      return RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)
    }
  }

  private func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    if let separators { return separators.unicodeScalars.contains(scalar) }
    return !(scalar.isASCII && (scalar.properties.isAlphabetic || (scalar.value >= 0x30 && scalar.value <= 0x39)))
  }

  /// The pattern of each text.
  private func patterns(_ texts: [String], _ weights: [Int64], _ total: Int64, _ context: TableFunctionContext) throws -> [String] {
    let cut = texts.map { Words($0, isSeparator: isSeparator) }
    var counts: [PlacedWord: Int64] = [:]
    for (i, words) in cut.enumerated() {
      if i & 0xFFFF == 0 { try context.check() }
      for (place, word) in words.words.enumerated() { counts[PlacedWord(place: place, word: word), default: 0] += weights[i] }
    }
    // A word of one row is common to nothing.
    let limit = max(1, threshold * Double(total))
    return cut.map { words in
      let isKept = words.words.enumerated().map { place, word in
        Double(counts[PlacedWord(place: place, word: word)] ?? 0) > limit && !word.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
      }
      return isKept.contains(true) ? pattern(words, isKept) : Self.others
    }
  }

  /// Kept words and the gaps between them; a run of others is one `*`, which swallows separators that were named.
  private func pattern(_ words: Words, _ isKept: [Bool]) -> String {
    var out = ""
    var endsWithStar = false
    for (i, word) in words.words.enumerated() {
      if isKept[i] {
        if !(endsWithStar && separators != nil) { out += words.gaps[i] }
        out += word
        endsWithStar = false
      } else if !endsWithStar {
        if separators == nil { out += words.gaps[i] }
        out += "*"
        endsWithStar = true
      }
    }
    if !(endsWithStar && separators != nil), let last = words.gaps.last { out += last }
    return out
  }
}
