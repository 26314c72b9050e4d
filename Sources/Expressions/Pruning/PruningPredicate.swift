// Role: decides from statistics alone that no row of a range can satisfy a predicate. Used for files, row groups and pages alike.

package import Columnar

/// A predicate prepared for statistics.
package struct PruningPredicate: Sendable {
  package let expr: Expr

  package init(_ expr: Expr) { self.expr = expr }

  /// False only when certainly no row satisfies the predicate. `statistics` gives what is known of a column, nil when nothing is.
  package func mayMatch(_ statistics: (String) -> ColumnStatistics?) -> Bool { true }

  /// The equality probes a bloom filter can answer: a range whose filter denies one of them has no matching row. (Column, value) pairs
  /// that must all be possible.
  package var requiredEqualities: [(column: String, values: [Scalar])] { [] }
}
