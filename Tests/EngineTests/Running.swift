// Role: running plans in tests.

import Columnar
import DataSource
import Engine
import Expressions
import Testing

let testContext = EvaluationContext(nowTicks: 0, seed: 42)

/// The rows of a plan, in order.
func rows(_ plan: LogicalPlan, _ options: ExecutionOptions = ExecutionOptions()) throws -> [[Scalar]] {
  var out: [[Scalar]] = []
  try QueryExecution(plan, options: options, context: testContext).run { batch in
    if let broken = batch.brokenInvariant() { Issue.record("broken batch: \(broken)") }
    for i in 0..<batch.rowCount { out.append(batch.row(i)) }
    return true
  }
  return out
}

/// The rows as sorted text, for comparing results whose order is free.
func bag(_ plan: LogicalPlan, _ options: ExecutionOptions = ExecutionOptions()) throws -> [String] { try rows(plan, options).map(rowText).sorted() }

func options(threads: Int? = nil, memory: Int? = nil, optimizes: Bool = true) -> ExecutionOptions {
  var out = ExecutionOptions()
  out.threads = threads
  out.memoryLimit = memory
  out.optimizes = optimizes
  return out
}

func scan(_ batches: [RecordBatch], answer: FilterPushdown = .unsupported, knowsRows: Bool = false) -> LogicalPlan {
  .scan(MemoryTable(batches.first?.schema ?? TestData.schema, batches, answer: answer, knowsRows: knowsRows))
}

func column(_ name: String) -> Expr { .column(name) }
func long(_ value: Int) -> Expr { .literal(.long(Int64(value))) }
func call(_ name: String, _ arguments: Expr...) -> Expr { .call(name, arguments) }

/// One long column.
func longs(_ name: String, _ values: [Int?], batchRows: Int = 3) -> [RecordBatch] {
  let schema = StructType([StructField(name, .long)])
  return stride(from: 0, to: max(1, values.count), by: batchRows).map { start in
    let part = values.isEmpty ? [] : Array(values[start..<min(values.count, start + batchRows)])
    return RecordBatch(schema: schema, columns: [.of(.long, part.map { $0.map { .long(Int64($0)) } ?? .null(.long) })])
  }
}

/// The rows of one batch.
func rowsOf(_ batch: RecordBatch) -> [[Scalar]] { (0..<batch.rowCount).map(batch.row) }

/// The long values of the first column.
func firstLongs(_ rows: [[Scalar]]) -> [Int] { rows.map { Int($0[0].int64Value ?? -1) } }
