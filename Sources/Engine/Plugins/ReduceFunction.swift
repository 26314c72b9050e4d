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
    // Equal texts are put together first, so words are looked at once per distinct text.
    let texts = GroupTable(types: [.string])
    /// The text of each row, -1 for null.
    let textOfRow = BufferBuilder<Int32>()
    /// How many rows have each text.
    var weights: [Int64] = []
    for batch in batches {
      guard let column = batch.columns.last else { continue }
      let groups = texts.assign(keys: [column], rowCount: batch.rowCount)
      weights += Array(repeating: 0, count: texts.groupCount - weights.count)
      textOfRow.reserve(batch.rowCount)
      for i in 0..<batch.rowCount {
        let isText = column.isValid(i)
        textOfRow.append(isText ? groups[i] : -1)
        if isText { weights[Int(groups[i])] += 1 }
      }
    }
    try context.require(texts.byteSize * 4 + textOfRow.count * 4)
    let patterns = try self.patterns(texts.keyColumns()[0], weights, context)
    if let source { return sourceRows(batches, source, textOfRow.finish(), patterns) }
    return [.rows(schema, counted(patterns, weights, texts))]
  }

  /// A row per pattern that enough rows have; all others are one row.
  private func counted(_ patterns: ColumnVector, _ weights: [Int64], _ texts: GroupTable) -> [[Scalar]] {
    let table = GroupTable(types: [.string])
    let groupOf = table.assign(keys: [patterns], rowCount: patterns.count)
    let others = Int(groupOf[weights.count])
    var counts = [Int64](repeating: 0, count: table.groupCount)
    var firstText = [Int](repeating: -1, count: table.groupCount)
    for (i, weight) in weights.enumerated() where weight > 0 {
      let group = Int(groupOf[i])
      counts[group] += weight
      if firstText[group] < 0 { firstText[group] = i }
    }
    let total = weights.reduce(0, +)
    var kept: [(pattern: String, count: Int64, text: Int)] = []
    for (group, count) in counts.enumerated() where group != others && count > 0 {
      // Patterns that too few rows have are none.
      guard Double(count) >= threshold * Double(total), case .string(let pattern) = table.keyColumns(group..<group + 1)[0].scalar(0) else {
        counts[others] += count
        continue
      }
      kept.append((pattern, count, firstText[group]))
    }
    kept.sort { a, b in a.count != b.count ? a.count > b.count : a.pattern.utf8.lexicographicallyPrecedes(b.pattern.utf8) }
    var rows: [[Scalar]] = kept.map { [.string($0.pattern), .long($0.count), texts.keyColumns($0.text..<$0.text + 1)[0].scalar(0)] }
    if counts[others] > 0 { rows.append([.string(Self.others), .long(counts[others]), .string("")]) }
    return rows
  }

  private func sourceRows(_ batches: [RecordBatch], _ source: StructType, _ textOfRow: Buffer<Int32>, _ patterns: ColumnVector) -> [RecordBatch] {
    var row = 0
    return batches.map { batch in
      let codes = BufferBuilder<Int32>(capacity: batch.rowCount)
      for i in row..<row + batch.rowCount { codes.appendUnchecked(textOfRow[i] < 0 ? Int32(patterns.count - 1) : textOfRow[i]) }
      row += batch.rowCount
      let columns = Array(batch.columns[0..<source.count]) + [.dictionary(codes: codes.finish(), values: patterns)]
      return RecordBatch(schema: schema, columns: columns, rowCount: batch.rowCount)
    }
  }

  // MARK: Words

  /// Distinct texts looked at between two checks.
  private static let textsAtOnce = 65_536

  /// The pattern of each text, then that of rows that are like no others.
  private func patterns(_ texts: ColumnVector, _ weights: [Int64], _ context: TableFunctionContext) throws -> ColumnVector {
    let cells = TextCells(texts), cutter = WordCutter(separators: separators)
    let table = GroupTable(types: [.int, .string])
    /// The words of all texts as groups of place and word; those of text t are at `ends[t - 1]..<ends[t]`.
    let words = BufferBuilder<Int32>(), ends = BufferBuilder<Int32>(capacity: texts.count)
    var counts: [Int64] = []
    for start in stride(from: 0, to: texts.count, by: Self.textsAtOnce) {
      try context.check()
      let places = BufferBuilder<Int32>(), owners = BufferBuilder<Int32>(), bytes = StringBuilder()
      for t in start..<min(start + Self.textsAtOnce, texts.count) {
        cells.withText(t) { text in
          var at = 0, place: Int32 = 0
          while let word = cutter.word(text, from: at) {
            text.append(word, escapes: [], to: bytes.data)
            bytes.endRow()
            places.append(place)
            owners.append(Int32(truncatingIfNeeded: t))
            place += 1
            at = word.upperBound
          }
        }
        ends.append(Int32(truncatingIfNeeded: words.count + places.count))
      }
      let count = places.count, owner = owners.finish()
      let groups = table.assign(keys: [.int(places.finish()), bytes.finish()], rowCount: count)
      counts += Array(repeating: 0, count: table.groupCount - counts.count)
      words.reserve(count)
      for i in 0..<count {
        counts[Int(groups[i])] += weights[Int(owner[i])]
        words.appendUnchecked(groups[i])
      }
    }
    return joined(cells, cutter, words.finish(), ends.finish(), isKept: kept(table, counts, of: weights.reduce(0, +)))
  }

  /// The words that enough rows have at their place; words of digits alone are none of them.
  private func kept(_ table: GroupTable, _ counts: [Int64], of total: Int64) -> [Bool] {
    // A word of one row is common to nothing.
    let limit = max(1, threshold * Double(total))
    let cells = TextCells(table.keyColumns()[1])
    return counts.enumerated().map { i, count in
      guard Double(count) > limit else { return false }
      var isNumber = true
      cells.withText(i) { text in
        for k in 0..<text.count where text[k] < 0x30 || text[k] > 0x39 { isNumber = false }
      }
      return !isNumber
    }
  }

  /// Kept words and the gaps between them; a run of others is one `*`, which swallows separators that were named.
  private func joined(_ cells: TextCells, _ cutter: WordCutter, _ words: Buffer<Int32>, _ ends: Buffer<Int32>, isKept: [Bool]) -> ColumnVector {
    let out = StringBuilder(rows: ends.count + 1)
    var next = 0
    for t in 0..<ends.count {
      let end = Int(ends[t])
      guard (next..<end).contains(where: { isKept[Int(words[$0])] }) else {
        out.append(Self.others)
        next = end
        continue
      }
      cells.withText(t) { text in
        var at = 0, endsWithStar = false
        while next < end, let word = cutter.word(text, from: at) {
          if isKept[Int(words[next])] {
            if !(endsWithStar && separators != nil) { text.append(at..<word.lowerBound, escapes: [], to: out.data) }
            text.append(word, escapes: [], to: out.data)
            endsWithStar = false
          } else if !endsWithStar {
            if separators == nil { text.append(at..<word.lowerBound, escapes: [], to: out.data) }
            out.data.append(UInt8(ascii: "*"))
            endsWithStar = true
          }
          at = word.upperBound
          next += 1
        }
        if !(endsWithStar && separators != nil) { text.append(at..<text.count, escapes: [], to: out.data) }
      }
      out.endRow()
    }
    out.append(Self.others)
    return out.finish()
  }
}
