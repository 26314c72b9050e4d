// Role: a piece of text that holds whole records, in memory that kernels may read a little around, and the pool such memory comes from.

#if canImport(Glibc)
import Glibc
#endif
import Synchronization

/// Writable bytes with 64 spare bytes in front and behind.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class TextBuffer: @unchecked Sendable {  // owned by one slice at a time
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  static let padding = 64

  init(capacity: Int) {
    self.capacity = capacity
    unsafe base = unsafe Self.allocate(capacity)
  }

  deinit { unsafe free(base - Self.padding) }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
    let bytes = capacity + 2 * padding
    guard let raw = unsafe malloc(bytes) else { fatalError("out of memory: \(bytes) bytes") }
    let start = unsafe raw.bindMemory(to: UInt8.self, capacity: bytes)
    unsafe start.update(repeating: 0, count: padding)
    unsafe (start + padding + capacity).update(repeating: 0, count: padding)
    return unsafe start + padding
  }

  /// Makes room for `capacity` bytes, keeping the first `used`.
  func grow(to newCapacity: Int, used: Int) {
    guard newCapacity > capacity else { return }
    let fresh = unsafe Self.allocate(newCapacity)
    unsafe memcpy(fresh - Self.padding, base - Self.padding, used + Self.padding)
    unsafe free(base - Self.padding)
    unsafe base = unsafe fresh
    capacity = newCapacity
  }

  /// Clears the spare bytes behind `count`, so that nothing of an earlier use is seen.
  func seal(_ count: Int) {
    let spare = min(Self.padding, capacity + Self.padding - count)
    unsafe (base + count).update(repeating: 0, count: spare)
  }
}

/// Buffers handed back by slices that are done. At most a few are kept.
final class TextBufferPool: Sendable {
  private let free = Mutex<[TextBuffer]>([])
  let size: Int

  init(size: Int) { self.size = size }

  func take() -> TextBuffer { free.withLock { $0.popLast() } ?? TextBuffer(capacity: size) }

  func give(_ buffer: TextBuffer) {
    guard buffer.capacity <= 2 * size else { return }
    free.withLock { if $0.count < 4 { $0.append(buffer) } }
  }
}

/// Whole records: bytes `start..<end` of a buffer. The last record ends with a line end, unless `isUnterminated`.
package final class TextSlice: @unchecked Sendable {  // read by the thread that took it
  let buffer: TextBuffer
  let start: Int
  let end: Int
  /// Physical line of the buffer's first byte, 1-based.
  let lineAtBase: Int
  /// Where the buffer's first byte lies in the text.
  let byteOffset: Int
  let hasHighBytes: Bool
  let hasReturns: Bool
  /// The text ends inside quotes.
  let isUnterminated: Bool
  private let pool: TextBufferPool

  init(
    buffer: TextBuffer, start: Int, end: Int, lineAtBase: Int, byteOffset: Int, hasHighBytes: Bool, hasReturns: Bool, isUnterminated: Bool,
    pool: TextBufferPool
  ) {
    self.buffer = buffer
    self.start = start
    self.end = end
    self.lineAtBase = lineAtBase
    self.byteOffset = byteOffset
    self.hasHighBytes = hasHighBytes
    self.hasReturns = hasReturns
    self.isUnterminated = isUnterminated
    self.pool = pool
  }

  deinit { pool.give(buffer) }

  var base: UnsafePointer<UInt8> { unsafe UnsafePointer(buffer.base) }

  /// Bytes of records.
  package var byteCount: Int { end - start }
}

/// Line ends among bytes, CR LF counted once.
func countLineEnds(_ p: UnsafePointer<UInt8>, _ range: Range<Int>, _ bytes: ScanBytes) -> Int {
  var n = 0
  for i in range where unsafe bytes.isLineEnd(p[i]) {
    if bytes.hasReturn, unsafe p[i] == 0x0A, unsafe p[i - 1] == 0x0D { continue }
    n += 1
  }
  return n
}
