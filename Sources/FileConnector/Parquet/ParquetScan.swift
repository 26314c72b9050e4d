// Role: scans one file: prunes row groups by bounds and bloom filters and rows by the page index, then hands out row groups (or parts of large
// ones, so that two threads have work) in order. Pruning of a row group happens when it is reached.

import Columnar
import DataSource
import Expressions
import Parquet
import Synchronization

/// A running scan of one file.
final class ParquetScan: Scan {
  /// Row groups of more rows are read in parts when there are few of them.
  private static let partRows = 131_072
  /// Parts of one row group at most.
  private static let maxParts = 4_096
  private static let fewMorsels = 8

  private struct State {
    var nextGroup = 0
    var parts: ArraySlice<RowSelection> = []
    var partGroup = 0
    /// Rows still wanted under a limit without filters.
    var rowsLeft: Int
    var metrics = ScanMetrics()
    var contexts: [DecodeBox] = []
    /// The directory of term filters, once it is wanted.
    var terms: TermIndex??
  }

  let schema: StructType
  let file: ParquetFile
  let plan: ParquetReadPlan
  private let filters: [(expr: Expr, pruning: PruningPredicate)]
  /// Columns and the hashes of terms they must have, one list for each alternative.
  private let requiredTerms: [(field: Int, alternatives: [[UInt64]])]
  private let splits: Bool
  private let deleted: Bitmap?
  /// The first row of each row group within the file.
  private let groupStarts: [Int]
  private let state: Mutex<State>

  init(_ table: ParquetTable, _ request: ScanRequest, _ context: EvaluationContext) throws {
    file = table.file
    guard let schema = table.schema.selecting(request.columns) else {
      let missing = request.columns.first { table.schema.index(of: $0) == nil } ?? ""
      throw KConnectError(.columnNotFound, "column '\(missing)' not found in '\(file.name)'")
    }
    self.schema = schema
    plan = try ParquetReadPlan(file, table.schema, outputs: request.columns, filters: request.filters, context)
    deleted = table.deleted
    var starts: [Int] = []
    var rowCount = 0
    for group in 0..<file.rowGroupCount {
      starts.append(rowCount)
      rowCount += file.metadata.rowGroups[group].rowCount
    }
    groupStarts = starts
    filters = request.filters.map { ($0, PruningPredicate($0)) }
    requiredTerms = filters.flatMap(\.pruning.requiredTerms).compactMap { [file] demand in
      guard let field = file.schema.index(of: demand.column), file.schema.fields[field].type == .string else { return nil }
      // SAFETY: the array's bytes live for the call.
      return (field, demand.alternatives.map { $0.map { term in unsafe Array(term.utf8).withUnsafeBytes { unsafe TermHash.hash($0) } } })
    }
    splits = file.rowGroupCount < Self.fewMorsels
    var initial = State(rowsLeft: request.filters.isEmpty && table.deleted == nil ? request.limit ?? Int.max : Int.max)
    initial.metrics.files = 1
    for group in 0..<file.rowGroupCount { initial.metrics.bytesTotal += file.byteCounts(rowGroup: group, columns: plan.columns).compressed }
    state = Mutex(initial)
  }

  var metrics: ScanMetrics { state.withLock { $0.metrics } }

  func nextMorsel() throws -> (any Morsel)? {
    try ParquetErrors.mapped {
      try state.withLock { state in
        while true {
          if let rows = state.parts.popFirst() { return ParquetMorsel(scan: self, group: state.partGroup, rows: rows) }
          guard state.nextGroup < file.rowGroupCount, state.rowsLeft > 0 else { return nil }
          let group = state.nextGroup
          state.nextGroup += 1
          let rowCount = file.metadata.rowGroups[group].rowCount
          if rowCount == 0 { continue }
          state.metrics.rowGroups += 1
          guard try mayMatch(group) else {
            state.metrics.rowGroupsPruned += 1
            continue
          }
          var rows = RowSelection(all: rowCount)
          if !filters.isEmpty { rows = try prunePages(group, rowCount, &state.metrics) }
          if !requiredTerms.isEmpty, !rows.isEmpty { rows = try pruneTerms(group, rows, &state) }
          if rows.isEmpty {
            state.metrics.rowGroupsPruned += 1
            continue
          }
          if rowCount > state.rowsLeft { rows = RowSelection([0..<state.rowsLeft]) }
          if state.rowsLeft != Int.max { state.rowsLeft -= rows.rowCount }
          let parts = splits && rows.rowCount > 2 * Self.partRows ? Self.split(rows) : [rows]
          if parts.count == 1 { return ParquetMorsel(scan: self, group: group, rows: rows.rowCount == rowCount ? nil : rows) }
          state.partGroup = group
          state.parts = parts[...]
        }
      }
    }
  }

  private static func split(_ rows: RowSelection) -> [RowSelection] {
    var out: [RowSelection] = []
    var ranges: [Range<Int>] = []
    var count = 0
    let partRows = max(Self.partRows, rows.rowCount / maxParts)
    for range in rows.ranges {
      var start = range.lowerBound
      while start < range.upperBound {
        let n = min(range.upperBound - start, partRows - count)
        ranges.append(start..<start + n)
        start += n
        count += n
        if count == partRows {
          out.append(RowSelection(ranges))
          ranges = []
          count = 0
        }
      }
    }
    if count > 0 { out.append(RowSelection(ranges)) }
    return out
  }

  // MARK: Pruning

  private func bounds(_ name: String, _ group: Int) -> ColumnStatistics? {
    file.schema.index(of: name).flatMap { file.bounds(rowGroup: group, field: $0) }.map(ColumnStatistics.init)
  }

  private func mayMatch(_ group: Int) throws -> Bool {
    for (_, pruning) in filters where !pruning.mayMatch({ bounds($0, group) }) { return false }
    for (_, pruning) in filters {
      for (column, values) in pruning.requiredEqualities where values.count <= 1_000 {
        guard let field = file.schema.index(of: column) else { continue }
        if try !file.mayContain(values, rowGroup: group, field: field) { return false }
      }
    }
    return true
  }

  /// The rows whose pages may match every filter. Each filter is tried with the pages of one of its columns at a time, bounds of the row
  /// group standing for the others.
  private func prunePages(_ group: Int, _ rowCount: Int, _ metrics: inout ScanMetrics) throws -> RowSelection {
    var rows = RowSelection(all: rowCount)
    var indexes: [String: [PageBounds]] = [:]
    for (expr, pruning) in filters {
      for name in expr.columns.sorted() {
        if indexes[name] == nil, let field = file.schema.index(of: name) {
          let found = try file.pageBounds(rowGroup: group, field: field) ?? []
          indexes[name] = found
          metrics.pages += found.count
        }
        guard let pages = indexes[name], pages.count > 1 else { continue }
        var kept: [Range<Int>] = []
        for page in pages {
          let may = pruning.mayMatch { $0 == name ? ColumnStatistics(page.bounds) : bounds($0, group) }
          if may { kept.append(page.rows) } else { metrics.pagesPruned += 1 }
        }
        rows = rows.intersection(RowSelection(kept))
        if rows.isEmpty { return rows }
      }
    }
    return rows
  }

  /// The rows whose blocks can hold the terms that the filters demand.
  private func pruneTerms(_ group: Int, _ rows: RowSelection, _ state: inout State) throws -> RowSelection {
    let index: TermIndex?
    if let known = state.terms {
      index = known
    } else {
      index = try file.termIndex()
      state.terms = .some(index)
    }
    guard let index else { return rows }
    var rows = rows
    for (field, alternatives) in requiredTerms where !rows.isEmpty {
      guard let found = try file.rows(mayContain: alternatives, rowGroup: group, field: field, index: index) else { continue }
      state.metrics.pages += found.blocks
      state.metrics.pagesPruned += found.pruned
      rows = rows.intersection(found.rows)
    }
    return rows
  }

  // MARK: What morsels need

  /// Which rows of a window are there; nil for all.
  fileprivate func liveRows(_ group: Int, _ window: Range<Int>) -> Bitmap? {
    guard let deleted else { return nil }
    let start = groupStarts[group]
    let part = deleted.slice(start + window.lowerBound..<start + window.upperBound)
    return part.isAllClear ? nil : part.inverted
  }

  fileprivate func takeContext() -> DecodeBox { state.withLock { $0.contexts.popLast() } ?? DecodeBox() }

  fileprivate func giveBack(_ box: DecodeBox, rows: Int) {
    let counters = box.context.counters
    state.withLock { state in
      state.metrics.bytesRead += counters.bytesRead - box.reported
      state.metrics.rowsRead += rows
      box.reported = counters.bytesRead
      state.contexts.append(box)
    }
  }
}

/// The working memory of a decoding thread, lent to one morsel at a time.
final class DecodeBox: @unchecked Sendable {  // used by the one thread that took it from the scan's pool
  let context = DecodeContext()
  var reported = 0
}

/// A row group, or some rows of one.
private struct ParquetMorsel: Morsel {
  let scan: ParquetScan
  let group: Int
  /// Nil: all rows.
  let rows: RowSelection?

  init(scan: ParquetScan, group: Int, rows: RowSelection?) {
    self.scan = scan
    self.group = group
    self.rows = rows
  }

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    let box = scan.takeContext()
    var rowsRead = 0
    defer { scan.giveBack(box, rows: rowsRead) }
    try ParquetErrors.mapped {
      let reader = try RowGroupReader(scan.file, rowGroup: group, columns: scan.plan.columns, rows: rows, context: box.context)
      for window in reader.batchWindows {
        rowsRead += window.count
        if let batch = try scan.plan.read(reader, window, live: scan.liveRows(group, window)), try !emit(batch) { return }
      }
    }
  }
}

extension ColumnStatistics {
  /// The same facts under the name that pruning knows.
  fileprivate init(_ bounds: ColumnBounds) {
    self.init(
      type: bounds.type, min: bounds.min, max: bounds.max, nullCount: bounds.nullCount, rowCount: bounds.rowCount,
      distinctCount: bounds.distinctCount, mayHaveNaN: bounds.mayHaveNaN)
  }
}
