// Role: one quick pass over a block of a file whose start state is not known yet: what the block does to either possible state,
// where its first record starts in either case, and how many lines it has. Blocks are scanned in parallel, then joined in order.
// Exactness: outside quotes a quote may only open right behind a separator, a line end or another quote. Where that holds, counting quotes
// is the automaton; where it does not (or an escape or comment byte occurs), `isDoubtful` says so and the automaton decides.

#if canImport(Glibc)
import Glibc
#endif
import CSIMD

/// What a block means when it starts outside (index 0) or inside (index 1) quotes.
struct BlockScan {
  /// The block has an odd number of quotes.
  var flipsQuotes = false
  var isDoubtful = (false, false)
  /// Offset of the first byte that ends a line outside quotes, or -1.
  var firstLineEnd = (-1, -1)
  var hasHighBytes = false
  var hasReturns = false
  /// Line ends of any kind, inside quotes or not; CR LF counts once.
  var lineCount = 0

  /// Scans `count` bytes; what follows them may make `hasHighBytes` true too; `before` is the byte in front of them, or a line end at the start of the file. 64 readable bytes must follow.
  // SAFETY: `p` has `count` bytes and 64 readable ones behind (TextBuffer), so that the last 64 may begin at any `at < count`.
  init(_ p: UnsafePointer<UInt8>, _ count: Int, before: UInt8, _ bytes: ScanBytes) {
    let quoteOn: UInt64 = bytes.hasQuote ? ~0 : 0
    let seesReturns = unsafe bytes.hasReturn && (before == 0x0D || (count > 0 && memchr(p, 0x0D, count) != nil))
    var carry: UInt64 = 0
    var opens: UInt64 = before == bytes.separator || bytes.isLineEnd(before) || (bytes.hasQuote && before == bytes.quote) ? 1 : 0
    var lastReturn: UInt64 = bytes.hasReturn && before == 0x0D ? 1 : 0
    var bad0: UInt64 = 0, bad1: UInt64 = 0, anyReturn: UInt64 = 0
    var high: Int32 = 0
    var lines = 0
    var first0 = -1, first1 = -1
    var at = 0
    while at < count {
      let left = count &- at
      let keep: UInt64 = left >= 64 ? ~0 : (1 << UInt64(left)) &- 1
      let m = unsafe seesReturns
        ? csimd_csv_masks(p + at, bytes.separator, bytes.quote, bytes.lineFeed, 0x0D)
        : csimd_csv_masks_lf(p + at, bytes.separator, bytes.quote, bytes.lineFeed)
      let quotes = m.quote & quoteOn & keep
      let returns = m.cr & keep
      let feeds = m.lf & keep
      let ends = feeds | returns
      let inside = csimd_prefix_xor(quotes) ^ carry
      let mayOpen = ((m.sep & keep | ends | quotes) << 1) | opens
      bad0 |= quotes & inside & ~mayOpen
      bad1 |= quotes & ~inside & ~mayOpen
      if first0 < 0 {
        let hit = ends & ~inside
        if hit != 0 { first0 = at &+ hit.trailingZeroBitCount }
      }
      if first1 < 0 {
        let hit = ends & inside
        if hit != 0 { first1 = at &+ hit.trailingZeroBitCount }
      }
      if ends != 0 {
        lines &+= ends.nonzeroBitCount
        if returns != 0 || lastReturn != 0 { lines &-= (((returns << 1) | lastReturn) & feeds).nonzeroBitCount }
      }
      lastReturn = returns >> 63
      anyReturn |= returns
      opens = (m.sep | ends | quotes) >> 63
      carry = 0 &- (inside >> 63)
      unsafe high |= csimd_any_high64(p + at)
      at &+= 64
    }
    // Behind a partial word the masked quotes leave the parity in the last bit too.
    flipsQuotes = carry != 0
    isDoubtful = (bad0 != 0, bad1 != 0)
    firstLineEnd = (first0, first1)
    hasHighBytes = high != 0
    hasReturns = anyReturn != 0
    lineCount = lines
    if bytes.needsTroubleSearch, unsafe Self.contains(p, count, bytes) { isDoubtful = (true, true) }
  }

  /// True when an escape or comment byte occurs.
  // SAFETY: as in `init`.
  private static func contains(_ p: UnsafePointer<UInt8>, _ count: Int, _ bytes: ScanBytes) -> Bool {
    let a = bytes.hasForeignEscape ? bytes.escape : bytes.comment
    let b = bytes.hasComment ? bytes.comment : a
    var at = 0
    while at < count {
      let keep: UInt64 = count &- at >= 64 ? ~0 : (1 << UInt64(count &- at)) &- 1
      if unsafe csimd_mask64_eq3(p + at, a, b, b) & keep != 0 { return true }
      at &+= 64
    }
    return false
  }
}

/// The state at a block's start, and what follows from it.
struct BlockOutcome {
  /// Offset in the block of the first record that starts in it, or its length when none does.
  var firstRecord: Int
  /// The state behind the block.
  var end: ScanState

  /// Joins a scan with the true start state. Runs the automaton over the block when the scan is doubtful.
  // SAFETY: `p` has the `count` bytes of the scan.
  init(_ scan: BlockScan, start: ScanState, _ p: UnsafePointer<UInt8>, _ count: Int, before: UInt8, _ bytes: ScanBytes) {
    let isInside = start == .quoted
    // A literal quote in front of the block does not let its first byte open one, though the scan, which sees bytes alone, allows it.
    let isBehindLiteral = start == .unquoted && bytes.hasQuote && before == bytes.quote
    let isSimple = start != .escaped && start != .comment && !isBehindLiteral
    if !isSimple || (isInside ? scan.isDoubtful.1 : scan.isDoubtful.0) {
      var state = start
      var first = start == .recordStart ? 0 : -1
      for i in 0..<count {
        state = unsafe bytes.next(state, p[i])
        if first < 0, state == .recordStart { first = i + 1 }
      }
      end = state
      firstRecord = unsafe Self.skipFeed(first < 0 ? count : first, p, count, before, bytes)
      return
    }
    let isInsideAtEnd = isInside != scan.flipsQuotes
    end = unsafe count == 0 ? start : isInsideAtEnd ? .quoted : Self.stateBehind(p, count, start, bytes)
    let lineEnd = isInside ? scan.firstLineEnd.1 : scan.firstLineEnd.0
    let first = start == .recordStart ? 0 : lineEnd < 0 ? count : lineEnd + 1
    firstRecord = unsafe Self.skipFeed(first, p, count, before, bytes)
  }

  /// The state behind a text that ends outside quotes. Spaces that are skipped in front of fields leave the field's start where it is.
  // SAFETY: the caller checked that `count` is not 0; `at > 0` stands before each read of `at - 1`.
  private static func stateBehind(_ p: UnsafePointer<UInt8>, _ count: Int, _ start: ScanState, _ bytes: ScanBytes) -> ScanState {
    guard bytes.trimsLeading else { return unsafe bytes.stateBehind(p[count - 1]) }
    var at = count
    while at > 0, unsafe p[at - 1] == 0x20 || p[at - 1] == 0x09 { at -= 1 }
    let state = unsafe at > 0 ? bytes.stateBehind(p[at - 1]) : start
    if at == count { return state }
    return state == .recordStart || state == .fieldStart ? .fieldStart : .unquoted
  }

  /// A record does not start at the LF of a CR LF.
  // SAFETY: `at < count` is checked first, and what is in front of the block is given as `before`.
  private static func skipFeed(_ at: Int, _ p: UnsafePointer<UInt8>, _ count: Int, _ before: UInt8, _ bytes: ScanBytes) -> Int {
    guard bytes.hasReturn, at < count, unsafe p[at] == bytes.lineFeed, unsafe (at > 0 ? p[at - 1] : before) == 0x0D else { return at }
    return at + 1
  }
}
