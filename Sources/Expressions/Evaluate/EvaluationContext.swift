// Role: what an evaluation may depend on besides its input: the bound `now()`, and whether to stop.

/// Values fixed once per query. Shared by all threads of the query.
package struct EvaluationContext: Sendable {
  /// Ticks of `now()`, bound once per query.
  package var nowTicks: Int64
  /// Seed of `rand()` and sampling.
  package var seed: UInt64

  package init(nowTicks: Int64, seed: UInt64) {
    self.nowTicks = nowTicks
    self.seed = seed
  }
}
