// Role: a source over batches that answers push-down as a mode wants it.

import Columnar
import DataSource
import Expressions
import Synchronization

final class SuiteTable: BatchReadable {
  let schema: StructType
  let batches: [RecordBatch]
  let answer: FilterPushdown
  let description: String

  init(_ schema: StructType, _ batches: [RecordBatch], answer: FilterPushdown, name: String = "suite") {
    description = name
    self.schema = schema
    self.batches = batches
    self.answer = answer
  }

  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in answer } }
  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan { try SuiteScan(self, request, context) }
}

private final class SuiteScan: Scan {
  let table: SuiteTable
  let schema: StructType
  let positions: [Int]
  let predicate: CompiledExpr?
  let limit: Int?
  private let state = Mutex((next: 0, given: 0))

  init(_ table: SuiteTable, _ request: ScanRequest, _ context: EvaluationContext) throws {
    self.table = table
    positions = request.columns.compactMap { table.schema.index(of: $0) }
    schema = StructType(positions.map { table.schema[$0] })
    limit = request.limit
    predicate = try Expr.conjunction(request.filters).map { try CompiledExpr($0, schema: table.schema, context: context) }
  }

  var metrics: ScanMetrics { ScanMetrics() }

  func nextMorsel() throws -> (any Morsel)? {
    try state.withLock { state in
      while state.next < table.batches.count {
        if let limit, state.given >= limit { return nil }
        var batch = table.batches[state.next]
        state.next += 1
        if let predicate { batch = batch.filter(try predicate.select(batch)) }
        if batch.rowCount == 0 { continue }
        state.given += batch.rowCount
        return SuiteMorsel(batch: RecordBatch(schema: schema, columns: positions.map { batch.columns[$0] }, rowCount: batch.rowCount))
      }
      return nil
    }
  }
}

private struct SuiteMorsel: Morsel {
  let batch: RecordBatch
  func read(_ emit: (RecordBatch) throws -> Bool) throws { _ = try emit(batch) }
}
