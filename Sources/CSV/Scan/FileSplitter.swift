// Role: cuts a random-access text into slices of whole records, on many threads at once. Each thread reads and scans its own block; the true
// state at the block's start comes from the block before, which another thread publishes right after its scan. Nothing is guessed:
// a slice owns exactly the records that start in its block.

#if canImport(Glibc)
import Glibc
#endif

/// Gives slices in order of the text; shared by threads.
package protocol TextSplitter: AnyObject, Sendable {
  /// The next slice, nil at the end.
  func next() throws -> TextSlice?
  /// Bytes taken from the input so far.
  var bytesRead: Int { get }
}

/// How a text is cut.
package struct SplitOptions: Sendable {
  /// Bytes of a block.
  package var blockSize = 8 << 20
  /// A record longer than this is an error: most likely a quote that is not closed.
  package var maxRecordBytes = 256 << 20
  package init() {}
}

package final class FileSplitter: TextSplitter, @unchecked Sendable {  // mutable state behind `mutex`
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
  /// Start states of blocks that follow scanned ones: entry k belongs to block `firstKnown + k`.
  private var known: [(state: ScanState, line: Int)]
  private var hasFailed = false
  private var taken = 0

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
    self.readAt = readAt
    pool = TextBufferPool(size: min(options.blockSize, max(0, size - offset)) + Self.lookAhead)
    mutex = .allocate(capacity: 1)
    published = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(published, nil)
    known = [(.recordStart, line)]
  }

  deinit {
    pthread_cond_destroy(published)
    pthread_mutex_destroy(mutex)
    published.deallocate()
    mutex.deallocate()
  }

  private static let lookAhead = 64 << 10

  package var bytesRead: Int { locked { min(taken, size) } }

  private func locked<R>(_ body: () throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body()
  }

  package func next() throws -> TextSlice? {
    while true {
      let block = locked { () -> Int in
        defer { nextBlock += 1 }
        return nextBlock
      }
      let offset = firstOffset + block * options.blockSize
      guard offset < size else { return nil }
      do {
        if let slice = try slice(block, offset) { return slice }
      } catch {
        locked {
          hasFailed = true
          pthread_cond_broadcast(published)
        }
        throw error
      }
    }
  }

  /// Reads, scans and joins one block; nil when no record starts in it.
  private func slice(_ block: Int, _ offset: Int) throws -> TextSlice? {
    let buffer = pool.take()
    let count = min(options.blockSize, size - offset)
    // One byte in front tells whether the block starts at a line.
    let front = offset > 0 ? 1 : 0
    if front == 0 { buffer.base[-1] = bytes.lineFeed }
    let wanted = min(count + Self.lookAhead, size - offset)
    buffer.grow(to: wanted + 1, used: 0)
    var have = try readAt(UnsafeMutableRawBufferPointer(start: buffer.base - front, count: wanted + front), offset - front) - front
    guard have >= count else {
      throw CSVError(.limit, byteOffset: offset + max(0, have), found: "the end of the file", expected: "\(size) bytes: the file shrank while it was read")
    }
    buffer.seal(have)
    let before = block == 0 ? bytes.lineFeed : buffer.base[-1]
    let scan = BlockScan(buffer.base, count, before: before, bytes)
    guard let start = waitForState(of: block) else {
      throw CSVError(.limit, found: "an earlier failure", expected: "the state of the block before")
    }
    let outcome = BlockOutcome(scan, start: start.state, buffer.base, count, before: before, bytes)
    publish(block + 1, outcome.end, start.line + scan.lineCount, count)
    guard outcome.firstRecord < count else {
      pool.give(buffer)
      return nil
    }
    var end = count
    var state = outcome.end
    var hasReturns = scan.hasReturns
    var hasHigh = scan.hasHighBytes
    while state != .recordStart {
      if end == have {
        if offset + have >= size { break }
        guard have - outcome.firstRecord <= options.maxRecordBytes else { throw tooLong(buffer.base, outcome.firstRecord, start.line, offset) }
        let more = min(max(have, Self.lookAhead), size - offset - have)
        buffer.grow(to: have + more + 1, used: have)
        have += try readAt(UnsafeMutableRawBufferPointer(start: buffer.base + have, count: more), offset + have)
        guard end < have else { break }
        buffer.seal(have)
      }
      let c = buffer.base[end]
      if c == 0x0D { hasReturns = true }
      if c >= 0x80 { hasHigh = true }
      state = bytes.next(state, c)
      end += 1
    }
    let isUnterminated = state == .quoted || state == .escaped
    if state != .recordStart, !isUnterminated {
      buffer.base[end] = bytes.lineFeed
      end += 1
      buffer.seal(end)
    }
    return TextSlice(
      buffer: buffer, start: outcome.firstRecord, end: end, lineAtBase: start.line, byteOffset: offset, hasHighBytes: hasHigh,
      hasReturns: hasReturns, isUnterminated: isUnterminated, pool: pool)
  }

  private func tooLong(_ p: UnsafePointer<UInt8>, _ from: Int, _ line: Int, _ offset: Int) -> CSVError {
    CSVError(
      .limit, line: line + countLineEnds(p, 0..<from, bytes), byteOffset: offset + from, found: "a record of more than \(options.maxRecordBytes) bytes",
      expected: "a shorter one", hint: "a quote that is not closed swallows the rest of the file; check the quote and escape options")
  }

  /// Waits until the block before is scanned; nil when a block failed.
  private func waitForState(of block: Int) -> (state: ScanState, line: Int)? {
    locked {
      while known.count <= block, !hasFailed { pthread_cond_wait(published, mutex) }
      return known.count > block ? known[block] : nil
    }
  }

  private func publish(_ block: Int, _ state: ScanState, _ line: Int, _ count: Int) {
    locked {
      if known.count == block { known.append((state, line)) }
      taken += count
      pthread_cond_broadcast(published)
    }
  }
}
