// Role: the last rule: sources that run plans themselves take as much of the plan as they can say.

package import DataSource
package import Expressions

/// A table of a source that can run parts of a plan, such as a remote cluster.
package protocol PlanRunningTable: BatchReadable {
  /// Tables of equal identity can be read in one plan of the source; nil: nothing more can be handed over.
  var runnerIdentity: String? { get }
  /// The plan with every largest part that the source can run replaced by a scan, which has no identity any more. Keeps the schema.
  func pushingDown(_ plan: LogicalPlan, context: EvaluationContext) throws -> LogicalPlan
}

struct RemotePrefixRule: OptimizerRule {
  let name = "RemotePrefix"

  func apply(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    var plan = plan
    var seen: Set<String> = []
    while let table = Self.next(plan, seen), let identity = table.runnerIdentity {
      seen.insert(identity)
      plan = try table.pushingDown(plan, context: context)
    }
    return plan
  }

  /// The first table that has not been asked yet.
  private static func next(_ plan: LogicalPlan, _ seen: Set<String>) -> (any PlanRunningTable)? {
    if case .scan(let scan) = plan.node {
      guard let table = scan.table as? any PlanRunningTable, let identity = table.runnerIdentity, !seen.contains(identity) else { return nil }
      return table
    }
    for input in plan.inputs {
      if let found = next(input, seen) { return found }
    }
    return nil
  }
}
