// Role: cuts a random-access text into slices of whole records, on many threads at once. Each thread reads and scans its own block; the true
// state at the block's start comes from the block before, which another thread publishes right after its scan, or which is scanned here when
// nobody has begun it. Nothing is guessed: a slice owns exactly the records that start in its block.

#if canImport(Glibc)
import Glibc
#endif

/// How a text is cut.
package struct SplitOptions: Sendable {
  /// Bytes of a block.
  package var blockSize = 8 << 20
  /// A record longer than this is an error: most likely a quote that is not closed.
  package var maxRecordBytes = 256 << 20
  package init() {}
}

// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class FileSplitter: @unchecked Sendable {  // mutable state behind `mutex`
  private let size: Int
  private let firstOffset: Int
  private let firstLine: Int
  private let bytes: ScanBytes
  private let options: SplitOptions
  private let readAt: @Sendable (UnsafeMutableRawBufferPointer, Int) throws -> Int
  private let pool: TextBufferPool
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let published: UnsafeMutablePointer<pthread_cond_t>
  private var nextBlock = 0
  /// Entry k is the state at the start of block k, and its line.
  private var known: [(state: ScanState, line: Int)]
  /// Blocks that some thread is scanning, or has scanned.
  private var claimed: Set<Int> = []
  private var taken = 0
  /// The first error of reading: whoever waits for a block then meets it, too.
  private var failure: (any Error)?

  /// A text of `size` bytes whose first record starts at `offset` on physical line `line`; `readAt` fills a buffer from an offset and returns
  /// how many bytes it got, fewer only at the end.
  package init(
    size: Int, from offset: Int, line: Int, dialect: CSVDialect, options: SplitOptions,
    readAt: @escaping @Sendable (UnsafeMutableRawBufferPointer, Int) throws -> Int
  ) {
    self.size = size
    firstOffset = offset
    firstLine = line
    bytes = ScanBytes(dialect)
    self.options = options
    unsafe self.readAt = unsafe readAt
    pool = TextBufferPool(size: min(options.blockSize + Self.lookAhead, max(0, size - offset) + 1))
    unsafe mutex = .allocate(capacity: 1)
    unsafe published = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(published, nil)
    known = [(.recordStart, line)]
  }

  deinit {
    unsafe pthread_cond_destroy(published)
    unsafe pthread_mutex_destroy(mutex)
    unsafe published.deallocate()
    unsafe mutex.deallocate()
  }

  private static let lookAhead = 64 << 10

  /// Bytes taken from the file so far.
  package var bytesRead: Int { locked { min(taken, size) } }

  private func locked<R>(_ body: () throws -> R) rethrows -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// The next block's number, nil at the end of the text. Cheap; the work is in `slice`.
  package func takeBlock() -> Int? {
    locked {
      guard failure == nil, firstOffset + nextBlock * options.blockSize < size else { return nil }
      defer { nextBlock += 1 }
      return nextBlock
    }
  }

  /// The records that start in a block; nil when none does. Blocks may be read in any order and on any thread.
  package func slice(_ block: Int) throws -> TextSlice? {
    let buffer = pool.take()
    let loaded = try load(block, into: buffer, lookAhead: Self.lookAhead)
    let start = try settle(before: block)
    let offset = loaded.offset, count = loaded.count
    let outcome = unsafe BlockOutcome(loaded.scan, start: start.state, buffer.base, count, before: loaded.before, bytes)
    publish(block + 1, outcome.end, start.line + loaded.scan.lineCount, count)
    guard outcome.firstRecord < count else {
      pool.give(buffer)
      return nil
    }
    var have = loaded.have
    var end = count
    var state = outcome.end
    var hasReturns = loaded.scan.hasReturns
    var hasHigh = loaded.scan.hasHighBytes
    while state != .recordStart {
      if end == have {
        if offset + have >= size { break }
        guard have - outcome.firstRecord <= options.maxRecordBytes else { throw unsafe tooLong(buffer.base, outcome.firstRecord, start.line, offset) }
        let more = min(max(have, Self.lookAhead), size - offset - have)
        buffer.grow(to: have + more + 1, used: have)
        unsafe have += try readAt(UnsafeMutableRawBufferPointer(start: buffer.base + have, count: more), offset + have)
        guard end < have else { break }
        buffer.seal(have)
      }
      let c = unsafe buffer.base[end]
      if c == 0x0D { hasReturns = true }
      if c >= 0x80 { hasHigh = true }
      state = bytes.next(state, c)
      end += 1
    }
    let isUnterminated = state == .quoted || state == .escaped
    if state != .recordStart, !isUnterminated {
      unsafe buffer.base[end] = bytes.lineFeed
      end += 1
      buffer.seal(end)
    }
    return TextSlice(
      buffer: buffer, start: outcome.firstRecord, end: end, lineAtBase: start.line, byteOffset: offset, hasHighBytes: hasHigh,
      hasReturns: hasReturns, isUnterminated: isUnterminated, pool: pool)
  }

  /// Reads a block (and what follows it, up to `lookAhead`) and scans it.
  private func load(_ block: Int, into buffer: TextBuffer, lookAhead: Int) throws -> (offset: Int, count: Int, have: Int, before: UInt8, scan: BlockScan) {
    locked { _ = claimed.insert(block) }
    do {
      let offset = firstOffset + block * options.blockSize
      let count = min(options.blockSize, size - offset)
      // One byte in front tells whether the block starts at a line.
      let front = offset > 0 ? 1 : 0
      if front == 0 { unsafe buffer.base[-1] = bytes.lineFeed }
      let wanted = min(count + lookAhead, size - offset)
      buffer.grow(to: wanted + 1, used: 0)
      let have = try unsafe readAt(UnsafeMutableRawBufferPointer(start: buffer.base - front, count: wanted + front), offset - front) - front
      guard have >= count else {
        throw CSVError(.limit, byteOffset: offset + max(0, have), found: "the end of the file", expected: "\(size) bytes: the file shrank while it was read")
      }
      buffer.seal(have)
      let before = unsafe block == 0 ? bytes.lineFeed : buffer.base[-1]
      return unsafe (offset, count, have, before, BlockScan(buffer.base, count, before: before, bytes))
    } catch {
      // A block that was claimed is never published now: those who wait for it must not wait on.
      locked {
        if failure == nil { failure = error }
        unsafe pthread_cond_broadcast(published)
      }
      throw error
    }
  }

  /// The state at the start of a block, or the error of another one that it needs; scans blocks before it that nobody has begun, and waits for those under way.
  private func settle(before block: Int) throws -> (state: ScanState, line: Int) {
    while true {
      let open: Int? = try locked {
        while true {
          if known.count > block { return nil }
          if let failure { throw failure }
          let first = known.count - 1
          if !claimed.contains(first) { return first }
          unsafe pthread_cond_wait(published, mutex)
        }
      }
      guard let open else { return locked { known[block] } }
      let buffer = pool.take()
      defer { pool.give(buffer) }
      let loaded = try load(open, into: buffer, lookAhead: 0)
      let start = locked { known[open] }
      let outcome = unsafe BlockOutcome(loaded.scan, start: start.state, buffer.base, loaded.count, before: loaded.before, bytes)
      publish(open + 1, outcome.end, start.line + loaded.scan.lineCount, 0)
    }
  }

  private func tooLong(_ p: UnsafePointer<UInt8>, _ from: Int, _ line: Int, _ offset: Int) -> CSVError {
    unsafe CSVError(
      .limit, line: line + countLineEnds(p, 0..<from, bytes), byteOffset: offset + from, found: "a record of more than \(options.maxRecordBytes) bytes",
      expected: "a shorter one", hint: "a quote that is not closed swallows the rest of the file; check the quote and escape options")
  }

  private func publish(_ block: Int, _ state: ScanState, _ line: Int, _ count: Int) {
    locked {
      if known.count == block { known.append((state, line)) }
      taken += count
      unsafe pthread_cond_broadcast(published)
    }
  }
}
