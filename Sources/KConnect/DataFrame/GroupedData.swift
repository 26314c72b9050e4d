// Role: a frame with grouping keys, waiting for its aggregates.

public import DataSource
import Engine
import Expressions

/// Groups of a frame. Nulls form a group of their own; NaN forms one group, -0.0 groups with 0.0.
public struct GroupedData: Sendable {
  private let frame: DataFrame
  private let keys: [NamedExpr]

  init(frame: DataFrame, keys: [Column]) throws(KConnectError) {
    self.frame = frame
    self.keys = try publicErrors { try keys.map(frame.resolver.named) }
  }

  /// One row per group: the keys, then the aggregates.
  ///
  ///     try df.groupBy("State").agg(sum("x").alias("total"), count())
  public func agg(_ columns: Column...) throws(KConnectError) -> DataFrame { try aggregated(columns) }

  /// The number of rows of each group, as column `count`.
  public func count() throws(KConnectError) -> DataFrame { try aggregated([KConnect.count()]) }

  /// The sum of each named column.
  public func sum(_ names: String...) throws(KConnectError) -> DataFrame { try aggregated(names.map { KConnect.sum($0) }) }

  /// The mean of each named column.
  public func avg(_ names: String...) throws(KConnectError) -> DataFrame { try aggregated(names.map { KConnect.avg($0) }) }

  /// The least value of each named column.
  public func min(_ names: String...) throws(KConnectError) -> DataFrame { try aggregated(names.map { KConnect.min($0) }) }

  /// The greatest value of each named column.
  public func max(_ names: String...) throws(KConnectError) -> DataFrame { try aggregated(names.map { KConnect.max($0) }) }

  func aggregated(_ columns: [Column]) throws(KConnectError) -> DataFrame {
    guard !columns.isEmpty else { throw KConnectError(.usage, "agg: no aggregate given") }
    return try frame.derived {
      let parts = try frame.resolver.aggregation(columns)
      let grouped = try frame.plan.aggregate(keys: keys, aggregates: parts.aggregates)
      return parts.needsProjection ? try grouped.project(keys.map { NamedExpr($0.name, .column($0.name)) } + parts.outputs) : grouped
    }
  }
}
