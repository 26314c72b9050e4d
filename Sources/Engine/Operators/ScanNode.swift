// Role: reading a table: opens the source's scan with what was pushed down, counts, and hands its morsels on.

import Columnar
import DataSource
import Expressions
import Synchronization

/// The scan of a source.
final class TableScanNode: PhysicalNode, @unchecked Sendable {
  private let scan: ScanNode
  private let offered = Mutex<[Expr]>([])
  private let opened = Mutex<(any Scan)?>(nil)

  init(_ scan: ScanNode, schema: StructType) {
    self.scan = scan
    super.init("Scan", schema: schema)
    var parts = [scan.table.description, "columns=[\(scan.columns.joined(separator: ", "))]"]
    if !scan.filters.isEmpty { parts.append("pushed=[\(scan.filters.map { ExprText.text($0) }.joined(separator: ", "))]") }
    if let limit = scan.limit { parts.append("limit=\(limit)") }
    detail = parts.joined(separator: " ")
  }

  /// Takes a filter that the source can use; with a limit pushed down, extra filters would change which rows come.
  override func offer(_ filter: Expr) {
    guard scan.limit == nil, scan.table.pushdown([filter]).first.map({ $0 != .unsupported }) ?? false else { return }
    offered.withLock { $0.append(filter) }
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let request = ScanRequest(columns: scan.columns, filters: scan.filters + offered.withLock { $0 }, limit: scan.limit)
    let source = try metrics.timed { try scan.table.scan(request, context: run.context) }
    run.register(source)
    opened.withLock { $0 = source }
    return ScanStream(source, self)
  }

  override var scanMetrics: ScanMetrics? { opened.withLock { $0?.metrics } }

  override var reportLines: [String] {
    var lines = offered.withLock { $0 }.map { "from join or top: \(ExprText.text($0))" }
    guard let m = scanMetrics else { return lines }
    var parts = ["read \(m.bytesRead) of \(m.bytesTotal) bytes, \(m.rowsRead) rows"]
    if m.files + m.filesPruned > 0 { parts.append("files \(m.files)/\(m.files + m.filesPruned)") }
    if m.rowGroups > 0 { parts.append("row groups \(m.rowGroups - m.rowGroupsPruned)/\(m.rowGroups)") }
    if m.pages > 0 { parts.append("pages \(m.pages - m.pagesPruned)/\(m.pages)") }
    lines.append(parts.joined(separator: ", "))
    return lines
  }
}

/// The morsels of a source's scan, counted.
private final class ScanStream: BatchStream {
  private let scan: any Scan
  private let node: TableScanNode

  init(_ scan: any Scan, _ node: TableScanNode) {
    self.scan = scan
    self.node = node
  }

  func next() throws -> (any Morsel)? {
    try node.metrics.timed { try scan.nextMorsel() }.map { CountedMorsel(input: $0, node: node) }
  }

  private struct CountedMorsel: Morsel {
    let input: any Morsel
    let node: TableScanNode

    func read(_ emit: (RecordBatch) throws -> Bool) throws {
      var resumed = monotonicNanoseconds()
      try input.read { batch in
        node.metrics.spent(monotonicNanoseconds() &- resumed)
        node.metrics.gave(batch.rowCount)
        try node.verify(batch)
        let goesOn = try emitBounded(batch, emit)
        resumed = monotonicNanoseconds()
        return goesOn
      }
      node.metrics.spent(monotonicNanoseconds() &- resumed)
    }
  }
}

/// Emits a batch in pieces of at most `RecordBatch.maxRows` rows.
func emitBounded(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
  if batch.rowCount <= RecordBatch.maxRows { return try emit(batch) }
  var start = 0
  while start < batch.rowCount {
    let end = min(batch.rowCount, start + RecordBatch.maxRows)
    guard try emit(batch.slice(start..<end)) else { return false }
    start = end
  }
  return true
}
