// Role: text that grows in pieces of bounded size, so that each piece fits memory the allocator has at hand.

import Columnar

struct PiecedText {
  private let pieceBytes: Int
  private var done: [Buffer<UInt8>] = []
  private var current: BufferBuilder<UInt8>

  /// `expected` is a guess of all bytes together.
  init(pieceBytes: Int, expected: Int) {
    self.pieceBytes = pieceBytes
    current = BufferBuilder(capacity: min(pieceBytes, expected + 4_096))
  }

  /// The builder that takes the next `count` bytes; there is room for them.
  mutating func builder(for count: Int) -> BufferBuilder<UInt8> {
    if current.count > 0, current.count + count > pieceBytes {
      done.append(current.finish())
      current = BufferBuilder(capacity: max(pieceBytes, count))
    }
    current.reserve(count)
    return current
  }

  /// All pieces in order.
  mutating func finish() -> [Buffer<UInt8>] {
    if current.count > 0 { done.append(current.finish()) }
    return done
  }
}
