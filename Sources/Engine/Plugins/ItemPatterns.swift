// Role: rows as sets of items (column = value) and the search for frequent closed sets of items, which basket, autocluster and diffpatterns
// share. Rows of one set of values are put together first; items hold bit sets over these distinct rows.

import Columnar
import Expressions

/// A pattern: for each column the number of its value, or -1 for any.
struct ItemPattern: Hashable {
  var codes: [Int32]

  /// How many columns are fixed.
  var size: Int { codes.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) } }

  /// Whether every row of `other` is a row of this one by its columns alone.
  func isGeneralisation(of other: ItemPattern) -> Bool { zip(codes, other.codes).allSatisfy { $0 < 0 || $0 == $1 } }
}

/// Distinct rows with their weights, split into classes (one, or sets A and B).
struct ItemTable {
  let columnCount: Int
  /// The code of each column in each distinct row.
  let codes: [[Int32]]
  /// The weight of each distinct row in each class.
  let weights: [[Double]]
  let totals: [Double]
  private let values: [GroupTable]

  var rowCount: Int { weights[0].count }

  /// `rows` has the pattern columns at `columns`; weights nil: one per row. Rows of a class below 0 are left out.
  init(_ rows: RecordBatch, columns: [Int], weights given: [Double]?, classes: [Int8]?, classCount: Int, _ context: TableFunctionContext) throws {
    try context.require(rows.rowCount * (columns.count + 2) * 8)
    columnCount = columns.count
    let values = columns.map { GroupTable(types: [rows.columns[$0].type]) }
    let coded = columns.indices.map { values[$0].assign(keys: [rows.columns[columns[$0]]], rowCount: rows.rowCount) }
    let distinct = GroupTable(types: columns.map { _ in .int })
    let group = distinct.assign(keys: coded.map { .int($0) }, rowCount: rows.rowCount)
    var weights = [[Double]](repeating: [Double](repeating: 0, count: distinct.groupCount), count: classCount)
    for i in 0..<rows.rowCount {
      let side = classes.map { Int($0[i]) } ?? 0
      if side >= 0 { weights[side][Int(group[i])] += given.map { $0[i] } ?? 1 }
    }
    codes = distinct.keyColumns().map { column in column.integers().map { Int32($0) } }
    self.weights = weights
    self.values = values
    totals = weights.map { $0.reduce(0, +) }
  }

  /// The value that a code of a column stands for.
  func value(_ column: Int, _ code: Int32) -> Scalar { values[column].keyColumns(Int(code)..<Int(code) + 1)[0].scalar(0) }

  /// The weight of a set of distinct rows in each class.
  func weight(_ rows: RowSet) -> [Double] {
    var out = [Double](repeating: 0, count: weights.count)
    rows.forEach { row in for side in out.indices { out[side] += weights[side][row] } }
    return out
  }
}

/// A set of distinct rows.
struct RowSet {
  private(set) var words: [UInt64]

  init(count: Int, isFull: Bool = false) {
    words = Array(repeating: 0, count: (count + 63) / 64)
    if isFull { for i in 0..<count { insert(i) } }
  }

  mutating func insert(_ row: Int) { words[row >> 6] |= 1 << UInt64(row & 63) }

  func intersection(_ other: RowSet) -> RowSet {
    var out = self
    for i in words.indices { out.words[i] &= other.words[i] }
    return out
  }

  func isSubset(of other: RowSet) -> Bool {
    for i in words.indices where words[i] & ~other.words[i] != 0 { return false }
    return true
  }

  func forEach(_ body: (Int) -> Void) {
    for i in words.indices {
      var word = words[i]
      while word != 0 {
        body(i << 6 + word.trailingZeroBitCount)
        word &= word - 1
      }
    }
  }
}

/// A closed set of items: no further item holds for all of its rows.
struct FrequentPattern {
  var pattern: ItemPattern
  /// Its weight in each class.
  var weights: [Double]
}

/// Depth-first search for closed frequent patterns: items are added in a fixed order, a set is completed with every item that all of its rows
/// have, and sets that another path has found already are not followed again.
struct PatternSearch {
  private struct Item {
    var column: Int
    var code: Int32
    var rows: RowSet
  }

  let table: ItemTable
  /// How many items a set may be made of, not counting those that follow from them.
  let maxItems: Int
  /// Whether a weight per class is enough to go on.
  let isEnough: ([Double]) -> Bool
  let check: () throws -> Void
  private var items: [Item] = []
  private var seen: Set<ItemPattern> = []
  private var found: [FrequentPattern] = []

  /// Patterns at most; a search that would find more stops.
  private static let maxPatterns = 200_000

  init(_ table: ItemTable, maxItems: Int, check: @escaping () throws -> Void, isEnough: @escaping ([Double]) -> Bool) {
    self.table = table
    self.maxItems = maxItems
    self.check = check
    self.isEnough = isEnough
  }

  /// All closed frequent patterns, each once.
  mutating func run() throws -> [FrequentPattern] {
    for column in 0..<table.columnCount {
      let codes = table.codes[column]
      guard let highest = codes.max() else { continue }
      var sums = [[Double]](repeating: [Double](repeating: 0, count: table.weights.count), count: Int(highest) + 1)
      for (row, code) in codes.enumerated() { for side in table.weights.indices { sums[Int(code)][side] += table.weights[side][row] } }
      var places = [Int](repeating: -1, count: sums.count)
      for code in sums.indices where isEnough(sums[code]) {
        places[code] = items.count
        items.append(Item(column: column, code: Int32(code), rows: RowSet(count: table.rowCount)))
      }
      for (row, code) in codes.enumerated() where places[Int(code)] >= 0 { items[places[Int(code)]].rows.insert(row) }
    }
    try extend(RowSet(count: table.rowCount, isFull: true), Array(repeating: -1, count: table.columnCount), from: 0, depth: 0)
    return found
  }

  private mutating func extend(_ rows: RowSet, _ codes: [Int32], from first: Int, depth: Int) throws {
    if depth >= maxItems || found.count >= Self.maxPatterns { return }
    for i in first..<max(first, items.count) where codes[items[i].column] < 0 {
      let narrowed = rows.intersection(items[i].rows)
      let weights = table.weight(narrowed)
      guard isEnough(weights) else { continue }
      if found.count & 63 == 0 { try check() }
      var closed = codes
      for item in items where closed[item.column] < 0 && narrowed.isSubset(of: item.rows) { closed[item.column] = item.code }
      let pattern = ItemPattern(codes: closed)
      guard seen.insert(pattern).inserted else { continue }
      found.append(FrequentPattern(pattern: pattern, weights: weights))
      try extend(narrowed, closed, from: i + 1, depth: depth + 1)
    }
  }
}
