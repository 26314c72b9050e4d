// Role: the plan of a query over streams: what may stand in it, and the plan of one batch.

package import Engine
import DataSource

package enum StreamPlan {
  /// The streams in a plan, each once, in the order they stand there.
  package static func relations(_ plan: LogicalPlan) -> [StreamRelation] {
    if case .scan(let scan) = plan.node, let relation = scan.table as? StreamRelation { return [relation] }
    var out: [StreamRelation] = []
    for relation in plan.inputs.flatMap(relations) where !out.contains(where: { $0 === relation }) { out.append(relation) }
    return out
  }

  /// Refuses what needs the whole stream: a batch sees its own rows only. Throws NOT_SUPPORTED that names the alternative.
  package static func check(_ plan: LogicalPlan) throws {
    guard !relations(plan).isEmpty else { return }
    func refuse(_ what: String, _ hint: String) -> KConnectError {
      KConnectError(.notSupported, "\(what) over a whole stream: not supported", hint: hint)
    }
    let perBatch = "write the rows to a table and query that, or use foreachBatch, where a batch is an ordinary table"
    switch plan.node {
    case .aggregate: throw refuse("an aggregation (summarize, dropDuplicates)", perBatch + "; --dedup-key and dropDuplicatesWithinWatermark leave out rows that come again")
    case .distinct: throw refuse("distinct", "--dedup-key leaves out rows that come again, within a batch or for a time (dropDuplicatesWithinWatermark)")
    case .count: throw refuse("count", perBatch)
    case .sort, .topN: throw refuse("sorting", perBatch)
    case .limit: throw refuse("take and limit", "use --max-batches to end a query, or maxFilesPerTrigger to make batches smaller")
    case .sample: throw refuse("sample", perBatch)
    case .custom(let op, _) where op.needsOrder: throw refuse("the operator \(op.name)", perBatch)
    case .join(let join):
      let left = !relations(join.left).isEmpty, right = !relations(join.right).isEmpty
      if left, right { throw refuse("a join of two streams", "write both to tables and join these") }
      let keepsOther: Bool = switch join.kind {
      case .fullOuter: true
      case .leftOuter, .leftAnti: right
      case .rightOuter, .rightAnti: left
      case .innerUnique: left
      case .leftSemi: right
      case .rightSemi: left
      case .inner, .cross: false
      }
      if keepsOther { throw refuse("a \(join.kind.rawValue) join that keeps rows of the table beside the stream", "use kind=inner, or leftouter with the stream on the left") }
    case .union(let inputs):
      // Each batch would bring the table's rows again.
      if inputs.contains(where: { relations($0).isEmpty }) { throw refuse("a union with a table", "write the table's rows to the target once; a union of streams runs") }
    default: break
    }
    for input in plan.inputs { try check(input) }
  }

  /// The plan with each stream replaced by the rows of a batch, which are in the order of `relations`.
  static func batch(_ plan: LogicalPlan, _ relations: [StreamRelation], _ rows: [LogicalPlan]) -> LogicalPlan {
    if case .scan(let scan) = plan.node, let i = relations.firstIndex(where: { $0 === scan.table as? StreamRelation }) { return rows[i] }
    let inputs = plan.inputs
    return inputs.isEmpty ? plan : plan.withInputs(inputs.map { batch($0, relations, rows) })
  }
}
