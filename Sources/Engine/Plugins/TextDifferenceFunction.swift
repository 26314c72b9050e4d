// Role: diffpatterns_text: patterns of words that texts of one set share and those of the other do not.
// Source: Kusto language reference, "diffpatterns_text plugin". Words are cut at white space and counted by their place in the text.

package import Columnar
import DataSource
import Expressions

/// Input columns: the text, the condition (bool).
package struct TextDifferenceFunction: TableFunction {
  package let minTokens: Int
  package let threshold: Double
  package let maxTokens: Int

  package init(minTokens: Int, threshold: Double, maxTokens: Int) {
    self.minTokens = minTokens
    self.threshold = threshold
    self.maxTokens = maxTokens
  }

  package var name: String { "DiffPatternsText" }

  package var schema: StructType {
    StructType([
      StructField("Count_of_True", .long), StructField("Count_of_False", .long), StructField("Percent_of_True", .real),
      StructField("Percent_of_False", .real), StructField("Pattern", .string),
    ])
  }

  /// Candidates that are counted at most, the most frequent first.
  private static let maxCandidates = 1_000

  private struct Pair {
    var yes: Int64 = 0
    var no: Int64 = 0
    mutating func add(_ other: Pair) {
      yes += other.yes
      no += other.no
    }
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    let batches = inputs[0]
    let table = TextTable(batches.map { $0.columns[0] })
    try context.require(table.texts.reduce(0) { $0 + $1.utf8.count * 4 + 64 })
    var weights = [Pair](repeating: Pair(), count: table.texts.count)
    var total = Pair()
    var row = 0
    for batch in batches {
      let bits = batch.columns[1].trueBits
      for i in 0..<batch.rowCount {
        let one = bits[i] ? Pair(yes: 1) : Pair(no: 1)
        total.add(one)
        if table.textOfRow[row] >= 0 { weights[Int(table.textOfRow[row])].add(one) }
        row += 1
      }
    }
    let cut = table.texts.map { Words($0) { $0.properties.isWhitespace }.words }
    var counts: [PlacedWord: Pair] = [:]
    for (words, weight) in zip(cut, weights) { for (place, word) in words.enumerated() { counts[PlacedWord(place: place, word: word), default: Pair()].add(weight) } }
    func shares(_ pair: Pair) -> (yes: Double, no: Double) {
      (total.yes > 0 ? Double(pair.yes) / Double(total.yes) : 0, total.no > 0 ? Double(pair.no) / Double(total.no) : 0)
    }
    let frequent = counts.filter { max(shares($0.value).yes, shares($0.value).no) >= threshold }
    // The frequent words of each text are a candidate.
    var candidates: [[PlacedWord]: Pair] = [:]
    for (words, weight) in zip(cut, weights) {
      let kept = words.enumerated().map { PlacedWord(place: $0.offset, word: $0.element) }.filter { frequent[$0] != nil }.prefix(maxTokens)
      if kept.count >= max(1, minTokens) { candidates[Array(kept), default: Pair()].add(weight) }
    }
    let heaviest = candidates.sorted { ($0.value.yes + $0.value.no) > ($1.value.yes + $1.value.no) }.prefix(Self.maxCandidates)
    var found: [(pair: Pair, difference: Double, pattern: String)] = []
    for (candidate, _) in heaviest {
      try context.check()
      var pair = Pair()
      var isLonger = false
      let length = (candidate.last?.place ?? 0) + 1
      for (words, weight) in zip(cut, weights) where candidate.allSatisfy({ $0.place < words.count && words[$0.place] == $0.word }) {
        pair.add(weight)
        if words.count > length { isLonger = true }
      }
      let share = shares(pair)
      guard abs(share.yes - share.no) >= threshold else { continue }
      var tokens = [Substring](repeating: "*", count: length)
      for placed in candidate { tokens[placed.place] = placed.word }
      found.append((pair, abs(share.yes - share.no), tokens.joined(separator: " ") + (isLonger ? " *" : "")))
    }
    found.sort { $0.difference != $1.difference ? $0.difference > $1.difference : $0.pattern < $1.pattern }
    return [.rows(schema, found.map { item in
      let share = shares(item.pair)
      return [.long(item.pair.yes), .long(item.pair.no), .real(100 * share.yes), .real(100 * share.no), .string(item.pattern)]
    })]
  }
}
