// Role: what an evaluation may depend on besides its input: the bound `now()`, and whether to stop.

import Synchronization

/// Values fixed once per query. Shared by all threads of the query.
package struct EvaluationContext: Sendable {
  /// Ticks of `now()`, bound once per query.
  package var nowTicks: Int64
  /// Seed of `rand()` and sampling.
  package var seed: UInt64
  private let calls = CallCounter()

  package init(nowTicks: Int64, seed: UInt64) {
    self.nowTicks = nowTicks
    self.seed = seed
  }

  /// A seed for one more call of a random function: two calls in a query, equal or not, draw different numbers.
  func nextSeed() -> UInt64 { seed &+ calls.next() &* 0xD134_2543_DE82_EF95 }
}

/// Counts the random calls bound so far in a query. Thread-safe.
private final class CallCounter: Sendable {
  private let count = Atomic<UInt64>(0)

  func next() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
