// Role: the contract of sources. list → prune → open → select rows → decode columns → residual filter is the order of work;
// everything up to decoding happens behind `Scan`, the residual filter in the engine.

public import Columnar
public import Expressions

/// A named thing with a schema: a file, a directory, a table.
public protocol Table: Sendable {
  var schema: StructType { get }
  /// One line for plans and messages, without secrets: `parquet /data/x (12 files)`.
  var description: String { get }
}

/// What a source answers for one filter.
public enum FilterPushdown: Sendable, Hashable {
  /// Every row returned satisfies it; the engine drops the filter.
  case exact
  /// Fewer rows may be returned, but the engine filters again.
  case inexact
  /// The source does not look at it.
  case unsupported
}

/// What the engine wants of a scan.
public struct ScanRequest: Sendable {
  /// Columns to return, in this order; may be empty (rows are then only counted).
  public var columns: [String]
  /// Conjuncts for which the source answered exact or inexact. Their columns need not be in `columns`.
  public var filters: [Expr]
  /// At most that many rows are needed; set only when all filters are exact.
  public var limit: Int?

  public init(columns: [String], filters: [Expr] = [], limit: Int? = nil) {
    self.columns = columns
    self.filters = filters
    self.limit = limit
  }
}

/// A table that can be read.
package protocol BatchReadable: Table {
  /// One answer per filter.
  func pushdown(_ filters: [Expr]) -> [FilterPushdown]
  /// Opens a scan; reads no data yet.
  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan
  /// Rows, when known without reading (footers); for count() and join order.
  var exactRowCount: Int? { get }
  /// Columns that scans give when asked by name and that `schema` does not show; none by default.
  var hiddenColumns: StructType { get }
}

extension BatchReadable {
  package var exactRowCount: Int? { nil }
  package var hiddenColumns: StructType { StructType() }
}

/// A running scan, shared by the engine's threads. Morsels come out in row order; each is read on the thread that took it.
package protocol Scan: AnyObject, Sendable {
  /// The schema of the batches: the requested columns.
  var schema: StructType { get }
  /// The next piece of work in row order, nil at the end. Thread-safe; cheap, or guarded so that only one thread waits.
  func nextMorsel() throws -> (any Morsel)?
  /// Counters so far, for explain analyze and progress.
  var metrics: ScanMetrics { get }
  /// The query is being cancelled: threads that wait in `nextMorsel` for something outside give up soon. Nothing by default.
  func stop()
}

extension Scan {
  package func stop() {}
}

/// A piece of a scan: a row group, a range of a file.
package protocol Morsel: Sendable {
  /// Calls `emit` with each batch in row order; stops early when it returns false.
  func read(_ emit: (RecordBatch) throws -> Bool) throws
}

/// Counters of a scan. All zero where they do not apply.
package struct ScanMetrics: Sendable {
  package var bytesRead = 0
  package var bytesTotal = 0
  package var rowsRead = 0
  package var files = 0, filesPruned = 0
  package var rowGroups = 0, rowGroupsPruned = 0
  package var pages = 0, pagesPruned = 0
  /// Records left out because they were none.
  package var recordsDropped = 0
  /// Sentences for the user about what was dropped, replaced or widened; shown when the scan ends.
  package var notes: [String] = []
  package init() {}
}
