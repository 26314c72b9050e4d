// Role: basket, autocluster and diffpatterns: patterns of values that many rows share, or that two sets of rows share to different degrees.
// Source: Kusto language reference, the plugins' pages. Which of the overlapping patterns are worth showing is a heuristic there too.

#if canImport(Glibc)
import Glibc
#endif
package import Columnar
import DataSource
import Expressions

/// Patterns of the columns of a table. Input columns: the pattern columns, then the weight (real) if there is one, then the class (long) if
/// rows are split: 0 or 1, others are left out.
package struct PatternFunction: TableFunction {
  package enum Kind: Sendable {
    /// All patterns of at least `threshold` of the rows.
    case basket(threshold: Double, maxDimensions: Int)
    /// Few patterns that cover much (towards `sizeWeight` 1) or say much (towards 0).
    case autocluster(sizeWeight: Double, seeds: Int)
    /// Patterns whose shares of both classes differ by at least `threshold`.
    case difference(threshold: Double, maxDimensions: Int)
  }

  package let kind: Kind
  package let columns: [StructField]
  package let isWeighted: Bool
  /// What stands for any value, by column.
  package let wildcards: [Scalar]

  package init(_ kind: Kind, columns: [StructField], isWeighted: Bool, wildcards: [Scalar]) {
    self.kind = kind
    self.columns = columns
    self.isWeighted = isWeighted
    self.wildcards = wildcards
  }

  package var name: String {
    switch kind {
    case .basket: "Basket"
    case .autocluster: "Autocluster"
    case .difference: "DiffPatterns"
    }
  }

  private var isSplit: Bool { if case .difference = kind { true } else { false } }

  package var schema: StructType {
    let measures = isSplit
      ? [StructField("CountA", .long), StructField("CountB", .long), StructField("PercentA", .real), StructField("PercentB", .real), StructField("PercentDiffAB", .real)]
      : [StructField("Count", .long), StructField("Percent", .real)]
    return StructType([StructField("SegmentId", .long)] + measures + columns)
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    guard let first = inputs[0].first else { return [] }
    let rows = try whole(inputs[0], schema: first.schema, context)
    let weights = isWeighted ? rows.columns[columns.count].scalars.map { $0.doubleValue ?? 0 } : nil
    let classes = isSplit ? rows.columns[columns.count + (isWeighted ? 1 : 0)].integers(missing: -1).map { $0 == 0 || $0 == 1 ? Int8($0) : -1 } : nil
    let table = try ItemTable(rows, columns: Array(columns.indices), weights: weights, classes: classes, classCount: isSplit ? 2 : 1, context)
    guard table.totals.contains(where: { $0 > 0 }) else { return [] }
    let chosen = try patterns(table, context)
    return [.rows(schema, chosen.enumerated().map { segment, found in
      let values = columns.indices.map { c in found.pattern.codes[c] < 0 ? wildcards[c] : table.value(c, found.pattern.codes[c]) }
      return [.long(Int64(segment))] + measures(found.weights, table.totals) + values
    })]
  }

  private func measures(_ weights: [Double], _ totals: [Double]) -> [Scalar] {
    let percents = zip(weights, totals).map { $1 > 0 ? 100 * $0 / $1 : 0 }
    let counts = weights.map { Scalar.long(Int64(checking: $0.rounded()) ?? 0) }
    if !isSplit { return [counts[0], .real(percents[0])] }
    return counts + [.real(percents[0]), .real(percents[1]), .real(abs(percents[0] - percents[1]))]
  }

  private func patterns(_ table: ItemTable, _ context: TableFunctionContext) throws -> [FrequentPattern] {
    let totals = table.totals
    switch kind {
    case .basket(let threshold, let maxDimensions):
      var search = PatternSearch(table, maxItems: maxDimensions, check: context.check) { $0[0] >= threshold * totals[0] }
      return try search.run().sorted(by: Self.isBefore)
    case .difference(let threshold, let maxDimensions):
      func shares(_ weights: [Double]) -> [Double] { zip(weights, totals).map { $1 > 0 ? $0 / $1 : 0 } }
      func difference(_ found: FrequentPattern) -> Double {
        let s = shares(found.weights)
        return abs(s[0] - s[1])
      }
      var search = PatternSearch(table, maxItems: maxDimensions, check: context.check) { weights in shares(weights).contains { $0 >= threshold } }
      let all = try search.run().filter { difference($0) >= threshold }.sorted { difference($0) > difference($1) }
      return Self.withoutNested(all)
    case .autocluster(let sizeWeight, let seeds): return try clusters(table, sizeWeight, seeds, context)
    }
  }

  private static func isBefore(_ a: FrequentPattern, _ b: FrequentPattern) -> Bool {
    a.weights[0] != b.weights[0] ? a.weights[0] > b.weights[0] : a.pattern.size > b.pattern.size
  }

  /// Patterns in their order, without those that only narrow or widen one that stands before.
  private static func withoutNested(_ patterns: [FrequentPattern]) -> [FrequentPattern] {
    var kept: [FrequentPattern] = []
    for next in patterns {
      let isNested = kept.contains { $0.pattern.isGeneralisation(of: next.pattern) || next.pattern.isGeneralisation(of: $0.pattern) }
      if !isNested { kept.append(next) }
    }
    return kept
  }

  // MARK: - Autocluster

  /// Patterns below this share of the best score are not worth showing.
  private static let leastScore = 0.4

  /// From each of the heaviest distinct rows, columns are freed one by one: the one that leaves the best score, of equal ones that with the rarest
  /// value, such as the time of a single row. The best pattern of each such way stays.
  private func clusters(_ table: ItemTable, _ sizeWeight: Double, _ seeds: Int, _ context: TableFunctionContext) throws -> [FrequentPattern] {
    let total = table.totals[0]
    var masks: [Int64: RowSet] = [:]
    func mask(_ column: Int, _ code: Int32) -> RowSet {
      let key = Int64(column) << 32 | Int64(code)
      if let known = masks[key] { return known }
      var made = RowSet(count: table.rowCount)
      for (row, other) in table.codes[column].enumerated() where other == code { made.insert(row) }
      masks[key] = made
      return made
    }
    var valueWeights: [Int64: Double] = [:]
    func valueWeight(_ column: Int, _ code: Int32) -> Double {
      let key = Int64(column) << 32 | Int64(code)
      if let known = valueWeights[key] { return known }
      let weight = table.weight(mask(column, code))[0]
      valueWeights[key] = weight
      return weight
    }
    func evaluate(_ codes: [Int32]) -> (score: Double, weight: Double) {
      var rows = RowSet(count: table.rowCount, isFull: true)
      for (c, code) in codes.enumerated() where code >= 0 { rows = rows.intersection(mask(c, code)) }
      let weight = table.weight(rows)[0]
      let fixed = Double(ItemPattern(codes: codes).size) / Double(max(1, codes.count))
      return (power(weight / total, sizeWeight) * power(fixed, 1 - sizeWeight), weight)
    }
    let heaviest = (0..<table.rowCount).sorted { table.weights[0][$0] > table.weights[0][$1] }.prefix(seeds)
    var best: [ItemPattern: (score: Double, weight: Double)] = [:]
    for row in heaviest {
      try context.check()
      var codes = table.codes.map { $0[row] }
      var top = (pattern: ItemPattern(codes: codes), value: evaluate(codes))
      for _ in 1..<max(1, codes.count) {
        var next: (column: Int, value: (score: Double, weight: Double), rarity: Double)?
        for c in codes.indices where codes[c] >= 0 {
          var freed = codes
          freed[c] = -1
          let value = evaluate(freed), rarity = -valueWeight(c, codes[c])
          if next.map({ ($0.value.score, $0.rarity) < (value.score, rarity) }) ?? true { next = (c, value, rarity) }
        }
        guard let next else { break }
        codes[next.column] = -1
        if next.value.score > top.value.score { top = (ItemPattern(codes: codes), next.value) }
      }
      if top.pattern.size > 0 { best[top.pattern] = top.value }
    }
    let ranked = best.sorted { $0.value.score != $1.value.score ? $0.value.score > $1.value.score : $0.key.codes.lexicographicallyPrecedes($1.key.codes) }
    let least = (ranked.first?.value.score ?? 0) * Self.leastScore
    return Self.withoutNested(ranked.filter { $0.value.score >= least }.map { FrequentPattern(pattern: $0.key, weights: [$0.value.weight]) })
  }

  private func power(_ base: Double, _ exponent: Double) -> Double { exponent == 0 ? 1 : base <= 0 ? 0 : pow(base, exponent) }
}
