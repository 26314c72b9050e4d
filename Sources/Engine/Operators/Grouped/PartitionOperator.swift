// Role: partition: a subquery applied to the rows of each value of a key column. Subqueries that can be rewritten run over all groups at once;
// this operator is for the others: it collects the rows of each group and runs the subquery group by group.
// Source: Kusto language reference, "partition operator".

import Columnar
import DataSource
import Expressions

extension LogicalPlan {
  /// The results of `body` applied to the rows of each value of `key`, one after the other.
  package func partitioned(by key: String, _ body: SubqueryBody) throws -> LogicalPlan {
    let hidden = "$partition\(body.source)"
    let rows = try project(schema.names.map { NamedExpr($0, .column($0)) } + [NamedExpr(hidden, .column(key))])
    if let plan = try GroupedRewrite(body: body, rows: rows, keys: [hidden], restoresGroups: false).plan() {
      return try plan.select(body.schema.names)
    }
    return try .custom(PartitionOperator(key: key, body: body), [self])
  }
}

/// Runs a subquery for each group of rows.
struct PartitionOperator: TableOperator {
  let key: String
  var body: SubqueryBody

  var name: String { "Partition" }
  var detail: String { "by \(quotedName(key)) [\(PlanText.line(body.plan))]" }
  var subplans: [LogicalPlan] { [body.plan] }
  func outputSchema(_ inputs: [StructType]) throws -> StructType { body.schema }
  func keeping(_ wanted: Set<String>) -> any TableOperator { PartitionOperator(key: key, body: body.keeping(wanted)) }
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [body.columnsRead.union([key])] }

  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(PartitionTransform(inputs[0], inputs[0].index(of: key) ?? 0, body, context))
  }
}

private final class PartitionTransform: OrderedTransform {
  private let schema: StructType
  private let key: Int
  private let body: SubqueryBody
  private let context: TableOperatorContext
  private let table: GroupTable
  /// The rows of each group, in pieces.
  private var groups: [[RecordBatch]] = []
  private var heldBytes = 0
  private var nextGroup = 0
  private var ready: ArraySlice<RecordBatch> = []

  init(_ schema: StructType, _ key: Int, _ body: SubqueryBody, _ context: TableOperatorContext) {
    self.schema = schema
    self.key = key
    self.body = body
    self.context = context
    table = GroupTable(types: [schema[key].type])
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    let assigned = table.assign(keys: [batch.columns[key]], rowCount: batch.rowCount)
    while groups.count < table.groupCount { groups.append([]) }
    heldBytes += batch.byteSize
    try context.hold(table.byteSize + heldBytes)
    for (group, rows) in rowsByGroup(assigned, groupCount: table.groupCount) { groups[group].append(batch.take(rows)) }
    return true
  }

  func finish() throws -> RecordBatch? {
    while true {
      if let batch = ready.popFirst() { return batch }
      guard nextGroup < groups.count else { return nil }
      let rows = LogicalPlan.values(schema, groups[nextGroup])
      groups[nextGroup] = []
      nextGroup += 1
      try context.check()
      ready = try context.rows(of: try body.over(rows))[...]
    }
  }
}

/// The rows of each group that occurs, groups in order of their number.
func rowsByGroup(_ groups: Buffer<Int32>, groupCount: Int) -> [(group: Int, rows: Buffer<Int32>)] {
  var starts = [Int](repeating: 0, count: groupCount + 1)
  for i in 0..<groups.count { starts[Int(groups[i]) + 1] += 1 }
  for g in 0..<groupCount { starts[g + 1] += starts[g] }
  var next = starts
  let builder = BufferBuilder<Int32>(capacity: groups.count)
  // SAFETY: the places of all groups together are the rows, each filled once.
  let out = unsafe builder.appendUninitialized(groups.count)
  for i in 0..<groups.count {
    let g = Int(groups[i])
    unsafe out[next[g]] = Int32(truncatingIfNeeded: i)
    next[g] += 1
  }
  let all = builder.finish()
  return (0..<groupCount).compactMap { starts[$0 + 1] > starts[$0] ? ($0, all.slice(starts[$0]..<starts[$0 + 1])) : nil }
}
