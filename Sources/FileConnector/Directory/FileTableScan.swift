// Role: scans a table of files: prunes by partition values, opens files in order, hands out their morsels. Small files are one morsel each, so
// that threads open and read them side by side; of large files the next is opened when a thread asks beyond the last.

import Columnar
import DataSource
import Expressions
import Synchronization

/// A running scan over many files.
final class FileTableScan: Scan {
  /// Files below this size are read whole by the thread that takes them.
  private static let smallFileBytes = 4 << 20

  private struct State {
    var nextFile = 0
    var current: (scan: any Scan, view: FileView)?
    var open: [any Scan] = []
    /// Of files that are done.
    var finished = ScanMetrics()
    var filesPruned = 0
  }

  let schema: StructType
  private let table: FileTable
  private let request: ScanRequest
  private let context: EvaluationContext
  /// Filters over constants of the file alone, and the others with whether exactness was promised.
  private let fileFilters: [CompiledExpr]
  private let otherFilters: [(expr: Expr, isExact: Bool, pruning: PruningPredicate)]
  private let constantSchema: StructType
  private let bytesTotal: Int
  private let rounds: Bool
  private let state = Mutex(State())
  /// Columns whose names differ in case between files.
  private let renamed = Mutex<[String: (own: String, path: String, files: Int)]>([:])

  init(_ table: FileTable, _ request: ScanRequest, _ context: EvaluationContext) throws {
    self.table = table
    self.request = request
    self.context = context
    schema = table.schema.selecting(request.columns) ?? StructType()
    var constants = table.partitions.schema.fields
    if let name = table.fileNameColumn { constants.append(StructField(name, .string)) }
    constantSchema = StructType(constants)
    var fileFilters: [CompiledExpr] = []
    var otherFilters: [(Expr, Bool, PruningPredicate)] = []
    for (filter, answer) in zip(request.filters, table.pushdown(request.filters)) {
      if filter.columns.allSatisfy({ name in constants.contains { $0.name == name } }) {
        fileFilters.append(try CompiledExpr(filter, schema: constantSchema, context: context))
      } else {
        otherFilters.append((filter, answer == .exact, PruningPredicate(filter)))
      }
    }
    self.fileFilters = fileFilters
    self.otherFilters = otherFilters
    rounds = !table.format.options.contains { $0.name == "onInexact" } || table.options.word("onInexact") == "truncate"
    bytesTotal = table.files.reduce(0) { $0 + ($1.size ?? 0) }
  }

  var metrics: ScanMetrics {
    state.withLock { state in
      var total = state.finished
      var pruned = state.filesPruned
      for scan in state.open {
        let own = scan.metrics
        total.add(own)
        if own.isWhollyPruned, state.current.map({ $0.scan !== scan }) ?? true { pruned += 1 }
      }
      total.notes += renamed.withLock { renamed in
        renamed.sorted { $0.key < $1.key }.map { name, found -> String in
          let more = found.files > 1 ? " and \(found.files - 1) more" : ""
          return "column '\(name)' is called '\(found.own)' in '\(found.path)'\(more): names differ in case only and are taken for the same"
        }
      }
      total.files = state.nextFile - pruned
      total.filesPruned = pruned
      total.bytesTotal = max(bytesTotal, total.bytesRead)
      return total
    }
  }

  func nextMorsel() throws -> (any Morsel)? {
    try state.withLock { state in
      while true {
        if let (scan, view) = state.current {
          if let morsel = try scan.nextMorsel() { return view.isIdentity ? morsel : AdaptedMorsel(inner: morsel, view: view) }
          state.current = nil
          continue
        }
        guard state.nextFile < table.files.count else { return nil }
        let i = state.nextFile
        state.nextFile += 1
        guard table.files[i].size != 0 else { continue }
        guard try mayMatch(i) else {
          state.filesPruned += 1
          continue
        }
        if let size = table.files[i].size, size < Self.smallFileBytes, table.files.count > 1 { return FileMorsel(owner: self, file: i) }
        let (scan, view) = try start(i)
        state.open.append(scan)
        state.current = (scan, view)
      }
    }
  }

  /// Opens file `i` and starts its scan.
  fileprivate func start(_ i: Int) throws -> (any Scan, FileView) {
    let file = try table.open(i)
    let view = try self.view(of: file, i)
    return (try file.scan(view.request, context: context), view)
  }

  fileprivate func finished(_ metrics: ScanMetrics) {
    state.withLock { state in
      state.finished.add(metrics)
      if metrics.isWhollyPruned { state.filesPruned += 1 }
    }
  }

  // MARK: Planning one file

  private func mayMatch(_ i: Int) throws -> Bool {
    if request.filters.isEmpty || constantSchema.count == 0 && table.catalog == nil { return true }
    let values = constantSchema.fields.map { table.constant($0.name, file: i) ?? .null($0.type) }
    if !fileFilters.isEmpty {
      let row = RecordBatch(schema: constantSchema, columns: values.map { .constant($0, count: 1) }, rowCount: 1)
      for filter in fileFilters where try !filter.select(row)[0] { return false }
    }
    return otherFilters.allSatisfy { filter in
      filter.pruning.mayMatch { name in
        guard let c = constantSchema.index(of: name) else { return table.catalog?.statistics(name, file: i) }
        return ColumnStatistics(
          type: values[c].type, min: values[c].isNull ? nil : values[c], max: values[c].isNull ? nil : values[c],
          nullCount: values[c].isNull ? 1 : 0, rowCount: 1, mayHaveNaN: false)
      }
    }
  }

  private func view(of file: any BatchReadable, _ i: Int) throws -> FileView {
    var pushed: [Expr] = []
    var residual: [Expr] = []
    for (filter, isExact, _) in otherFilters {
      let own = table.substituted(filter, file: i, in: file)
      let answer: FilterPushdown = table.isUnadapted(filter.columns, in: file) ? file.pushdown([own]).first ?? .unsupported : .unsupported
      if answer != .unsupported { pushed.append(own) }
      if isExact, answer != .exact { residual.append(filter) }
    }
    let condition = Expr.conjunction(residual)
    let outputs = try request.columns.map { try resolve($0, file, i) }
    let extra = try (condition?.columns ?? []).subtracting(request.columns).sorted().map { try resolve($0, file, i) }
    return try FileView(outputs: outputs, extra: extra, pushed: pushed, residual: condition, limit: request.limit, path: table.files[i].shownPath,
      rounds: rounds, context: context)
  }

  private func noteRenamed(_ name: String, _ own: String, file i: Int) {
    renamed.withLock { renamed in renamed[name, default: (own, table.files[i].shownPath, 0)].files += 1 }
  }

  private func resolve(_ name: String, _ file: any BatchReadable, _ i: Int) throws -> (StructField, ColumnOrigin) {
    guard let field = table.schema.field(name) else { throw KConnectError(.columnNotFound, "column '\(name)' not found in \(table.description)") }
    if let value = table.constant(name, file: i) { return (field, .constant(value)) }
    guard let own = table.ownName(name, in: file).flatMap({ file.schema.field($0) }) else {
      try table.refuseAmbiguous(name, in: file, path: table.files[i].shownPath)
      return (field, .constant(.null(field.type)))
    }
    if own.name != name, table.catalog == nil { noteRenamed(name, own.name, file: i) }
    if own.type == field.type { return (field, .file(own.name, convertsTo: nil)) }
    guard SchemaMerge.isConvertible(own.type, to: field.type, hasCatalog: table.catalog != nil) else {
      throw SchemaMerge.mismatch(
        name, "the table", field.type, table.files[i].shownPath, own.type,
        hint: SchemaMerge.widened(own.type, field.type) == nil ? "cast one of them, or read the files apart" : "mergeSchema=true widens the column")
    }
    return (field, .file(own.name, convertsTo: field.type))
  }
}

/// A morsel of a file that has to be adapted to the table.
private struct AdaptedMorsel: Morsel {
  let inner: any Morsel
  let view: FileView

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    try inner.read { batch in
      guard let adapted = try view.adapt(batch) else { return true }
      return try emit(adapted)
    }
  }
}

/// A small file, opened by the thread that reads it.
private struct FileMorsel: Morsel {
  let owner: FileTableScan
  let file: Int

  func read(_ emit: (RecordBatch) throws -> Bool) throws {
    let (scan, view) = try owner.start(file)
    defer { owner.finished(scan.metrics) }
    var goesOn = true
    while goesOn, let morsel = try scan.nextMorsel() {
      let adapted: any Morsel = view.isIdentity ? morsel : AdaptedMorsel(inner: morsel, view: view)
      try adapted.read { batch in
        goesOn = try emit(batch)
        return goesOn
      }
    }
  }
}

extension ScanMetrics {
  /// Nothing but the footer was of use.
  fileprivate var isWhollyPruned: Bool { rowGroups > 0 && rowGroups == rowGroupsPruned }

  /// Adds another scan's counters.
  mutating func add(_ other: ScanMetrics) {
    notes += other.notes.filter { !notes.contains($0) }
    bytesRead += other.bytesRead
    bytesTotal += other.bytesTotal
    rowsRead += other.rowsRead
    rowGroups += other.rowGroups
    rowGroupsPruned += other.rowGroupsPruned
    pages += other.pages
    pagesPruned += other.pagesPruned
    recordsDropped += other.recordsDropped
  }
}
