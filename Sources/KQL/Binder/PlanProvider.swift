// Role: sources whose tables are queries. Their plan is optimised together with what comes behind it, so that limits, top and aggregates
// reach the data as well.

package import Columnar
package import DataSource
package import Engine
package import Expressions

/// A source that opens plans instead of tables.
package protocol PlanProvider: DataSourceProvider {
  /// Opens what `paths` and `options` name; `schema` is the user's, nil to take what is found. Throws `KConnectError`.
  func plan(
    _ paths: [String], schema: StructType?, options: DataSourceOptions, execution: ExecutionOptions, context: EvaluationContext
  ) throws -> LogicalPlan
}
