// Role: cuts a stream (a pipe, decompressed or converted text) into slices of whole records. One thread at a time reads and cuts;
// the slices are parsed on many.

#if canImport(Glibc)
import Glibc
#endif
import Synchronization

// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class StreamSplitter: Sendable {
  private struct State: ~Copyable {
    var buffer: TextBuffer?
    /// Bytes in `buffer` that are not cut off yet.
    var pending = 0
    var lastByte: UInt8
    var line: Int
    var offset: Int
    var isAtEnd = false
    var bytesRead = 0
  }

  private let state: Mutex<State>
  private let bytes: ScanBytes
  private let options: SplitOptions
  private let read: @Sendable (UnsafeMutableRawBufferPointer) throws -> Int
  private let pool: TextBufferPool

  /// A stream whose first record starts with `head` (bytes read already) on physical line `line`, `offset` bytes into the text;
  /// `read` fills a buffer and returns how many bytes it got, fewer only at the end.
  package init(
    head: [UInt8], offset: Int, line: Int, dialect: CSVDialect, options: SplitOptions,
    read: @escaping @Sendable (UnsafeMutableRawBufferPointer) throws -> Int
  ) {
    bytes = ScanBytes(dialect)
    self.options = options
    unsafe self.read = unsafe read
    pool = TextBufferPool(size: options.blockSize)
    let buffer = pool.take()
    buffer.grow(to: head.count, used: 0)
    unsafe head.withUnsafeBufferPointer { if let p = $0.baseAddress { unsafe memcpy(buffer.base, p, $0.count) } }
    state = Mutex(State(buffer: buffer, pending: head.count, lastByte: bytes.lineFeed, line: line, offset: offset))
  }

  /// Bytes taken from the stream so far.
  package var bytesRead: Int { state.withLock { $0.bytesRead } }

  /// The next slice, nil at the end.
  package func next() throws -> TextSlice? { try state.withLock { try cut(&$0) } }

  private func cut(_ s: inout State) throws -> TextSlice? {
    guard let buffer = s.buffer else { return nil }
    unsafe buffer.base[-1] = s.lastByte
    var have = s.pending
    while true {
      let target = max(options.blockSize, have * 2)
      if !s.isAtEnd, have < target {
        buffer.grow(to: target + 1, used: have)
        let n = try unsafe read(UnsafeMutableRawBufferPointer(start: buffer.base + have, count: target - have))
        if n < target - have { s.isAtEnd = true }
        have += n
        s.bytesRead += n
      }
      buffer.grow(to: have + 1, used: have)
      buffer.seal(have)
      if have == 0 {
        s.buffer = nil
        return nil
      }
      let scan = unsafe BlockScan(buffer.base, have, before: s.lastByte, bytes)
      var (end, endState) = unsafe lastRecordEnd(buffer.base, have, scan, before: s.lastByte)
      var isUnterminated = false
      if s.isAtEnd {
        end = have
        isUnterminated = endState == .quoted || endState == .escaped
        if endState != .recordStart, !isUnterminated {
          unsafe buffer.base[end] = bytes.lineFeed
          end += 1
          buffer.seal(end)
        }
      } else if end == 0 {
        guard have <= options.maxRecordBytes else {
          throw CSVError(
            .limit, line: s.line, byteOffset: s.offset, found: "a record of more than \(options.maxRecordBytes) bytes", expected: "a shorter one",
            hint: "a quote that is not closed swallows the rest of the input; check the quote and escape options")
        }
        continue
      }
      // A record does not start at the LF of a CR LF that the last slice was cut in.
      let start = unsafe bytes.hasReturn && s.lastByte == 0x0D && buffer.base[0] == 0x0A ? 1 : 0
      let slice = TextSlice(
        buffer: buffer, start: min(start, end), end: end, lineAtBase: s.line, byteOffset: s.offset, hasHighBytes: scan.hasHighBytes,
        hasReturns: scan.hasReturns, isUnterminated: isUnterminated, pool: pool)
      if s.isAtEnd {
        s.buffer = nil
        return slice
      }
      let rest = have - end
      unsafe s.line += scan.lineCount - countLineEnds(buffer.base, end..<have, bytes)
      s.offset += end
      s.lastByte = unsafe buffer.base[end - 1]
      let fresh = pool.take()
      fresh.grow(to: rest, used: 0)
      unsafe memcpy(fresh.base, buffer.base + end, rest)
      s.buffer = fresh
      s.pending = rest
      return slice
    }
  }

  /// The offset behind the last whole record, and the state behind all bytes, of a text that starts at a record.
  private func lastRecordEnd(_ p: UnsafePointer<UInt8>, _ count: Int, _ scan: BlockScan, before: UInt8) -> (Int, ScanState) {
    if scan.isDoubtful.0 {
      var state = ScanState.recordStart
      var end = 0
      for i in 0..<count {
        state = unsafe bytes.next(state, p[i])
        if state == .recordStart { end = i + 1 }
      }
      return (end, state)
    }
    var isInside = scan.flipsQuotes
    let state: ScanState = unsafe isInside ? .quoted : bytes.stateBehind(p[count - 1])
    var at = count
    while at > 0 {
      let c = unsafe p[at - 1]
      if !isInside, bytes.isLineEnd(c) { return (at, state) }
      if bytes.hasQuote, c == bytes.quote { isInside.toggle() }
      at -= 1
    }
    return (0, state)
  }
}
