// Role: what every operator counts, always, once per batch.

import Synchronization

/// Counters of one operator, shared by all threads.
final class OperatorMetrics: Sendable {
  let rowsIn = Atomic<Int>(0)
  let rowsOut = Atomic<Int>(0)
  let batchesOut = Atomic<Int>(0)
  /// Nanoseconds spent in the operator itself, summed over threads.
  let nanoseconds = Atomic<Int>(0)
  let peakMemory = Atomic<Int>(0)
  let spilledBytes = Atomic<Int>(0)

  @inline(__always) func took(_ rows: Int) { rowsIn.add(rows, ordering: .relaxed) }

  @inline(__always) func gave(_ rows: Int) {
    rowsOut.add(rows, ordering: .relaxed)
    batchesOut.add(1, ordering: .relaxed)
  }

  @inline(__always) func spent(_ nanoseconds: Int) { self.nanoseconds.add(nanoseconds, ordering: .relaxed) }

  /// Runs `body` and adds its time.
  @inline(__always) func timed<R>(_ body: () throws -> R) rethrows -> R {
    let start = monotonicNanoseconds()
    defer { spent(monotonicNanoseconds() &- start) }
    return try body()
  }

  func sawMemory(_ bytes: Int) { peakMemory.max(bytes, ordering: .relaxed) }

  /// The counters now.
  var now: Counters {
    Counters(
      rowsIn: rowsIn.load(ordering: .relaxed), rowsOut: rowsOut.load(ordering: .relaxed), batchesOut: batchesOut.load(ordering: .relaxed),
      nanoseconds: nanoseconds.load(ordering: .relaxed), peakMemory: peakMemory.load(ordering: .relaxed),
      spilledBytes: spilledBytes.load(ordering: .relaxed))
  }

  /// Counters read at one time.
  struct Counters {
    var rowsIn: Int
    var rowsOut: Int
    var batchesOut: Int
    var nanoseconds: Int
    var peakMemory: Int
    var spilledBytes: Int
  }

  func spilled(_ file: SpillFile) { spilledBytes.max(file.byteCount, ordering: .relaxed) }
}
