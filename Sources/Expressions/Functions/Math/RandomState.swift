// Role: random numbers for rand() and new_guid(): a stream per evaluated batch, split from the query's seed.

import Synchronization

/// Gives every batch a stream of its own. Thread-safe.
final class RandomState: Sendable {
  private let counter: Atomic<UInt64>

  init(_ seed: UInt64) { counter = Atomic(seed) }

  /// A fresh stream. It starts at a random place: neighbouring states would give the same numbers one place apart.
  func fork() -> RandomStream {
    var place = RandomStream(state: counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue)
    return RandomStream(state: place.next())
  }
}

/// splitmix64.
struct RandomStream {
  var state: UInt64

  @inline(__always) mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In [0, 1).
  @inline(__always) mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
