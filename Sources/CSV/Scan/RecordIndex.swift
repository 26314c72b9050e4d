// Role: finds the fields of a run of records. Out comes, for row r and column c, the position of the byte that ends the field; a field starts
// behind the end of the one before. Masks of 64 bytes do it when every record has the expected fields; the automaton does it otherwise.

import CSIMD

/// A record that does not have the schema's fields.
struct RowDefect {
  enum Kind { case tooFew, tooMany, unterminated }
  var row: Int
  var kind: Kind
  var fieldCount: Int
}

/// The index of one chunk of a slice. Positions count from the slice's base; arithmetic on them wraps.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class RecordIndex {
  private var space: UnsafeMutablePointer<UInt32>
  private var spare: UnsafeMutablePointer<UInt32>
  private var capacity = 0
  private var spareCapacity = 0
  private let bytes: ScanBytes
  private let fieldCount: Int

  /// Entry for row 0, column 0; row r, column c is at `r * stride + c`, and the entry in front is the end of what precedes.
  private(set) var ends: UnsafePointer<UInt32>
  private(set) var stride = 0
  private(set) var rowCount = 0
  /// Some quoted field may hold an escaped quote.
  private(set) var hasEscapes = false
  private(set) var defects: [RowDefect] = []

  init(_ bytes: ScanBytes, fieldCount: Int) {
    self.bytes = bytes
    self.fieldCount = fieldCount
    unsafe space = .allocate(capacity: 1)
    unsafe spare = .allocate(capacity: 1)
    unsafe ends = unsafe UnsafePointer(space)
  }

  deinit {
    unsafe space.deallocate()
    unsafe spare.deallocate()
  }

  private func reserve(_ n: Int) {
    guard n > capacity else { return }
    unsafe space.deallocate()
    capacity = max(n, capacity * 2)
    unsafe space = .allocate(capacity: capacity)
  }

  private func reserveSpare(_ n: Int, keeping used: Int) {
    guard n > spareCapacity else { return }
    spareCapacity = max(n, spareCapacity * 2)
    let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: spareCapacity)
    unsafe fresh.update(from: spare, count: used)
    unsafe spare.deallocate()
    unsafe spare = unsafe fresh
  }

  /// Indexes the records of about `wanted` bytes from `start`, where a record starts; returns where the next record starts.
  func fill(_ slice: TextSlice, from start: Int, wanted: Int) -> Int {
    defects.removeAll(keepingCapacity: true)
    hasEscapes = false
    rowCount = 0
    var wanted = wanted
    while true {
      let limit = min(start + wanted, slice.end)
      if unsafe !hasTrouble(slice.base, start, limit) {
        switch slice.hasReturns && bytes.hasReturn ? scanWithReturns(slice, start, limit) : scan(slice, start, limit) {
        case .done(let next): return next
        case .noRecordEnd where limit < slice.end:
          wanted *= 8
          continue
        case .noRecordEnd, .irregular: break
        }
      }
      return walk(slice, start, limit)
    }
  }

  private func hasTrouble(_ p: UnsafePointer<UInt8>, _ start: Int, _ limit: Int) -> Bool {
    guard bytes.needsTroubleSearch else { return false }
    let a = bytes.hasForeignEscape ? bytes.escape : bytes.comment
    let b = bytes.hasComment ? bytes.comment : a
    var at = start
    while at < limit {
      if unsafe csimd_mask64_eq3(p + at, a, b, b) != 0 { return true }
      at &+= 64
    }
    return false
  }

  private enum Outcome { case done(next: Int), noRecordEnd, irregular }

  // MARK: - Masks

  private func scan(_ slice: TextSlice, _ start: Int, _ limit: Int) -> Outcome {
    let p = unsafe slice.base
    reserve(limit - start + 130)
    let out = unsafe space + 1
    unsafe space[0] = UInt32(truncatingIfNeeded: start &- 1)
    let separator = bytes.separator, quote = bytes.quote, feed = bytes.lineFeed
    let quoteOn: UInt64 = bytes.hasQuote ? ~0 : 0
    var n = 0, lines = 0
    var carry: UInt64 = 0, opens: UInt64 = 1, bad: UInt64 = 0, escapes: UInt64 = 0, lastQuote: UInt64 = 0
    var at = start
    while at < limit {
      let left = limit &- at
      let keep: UInt64 = left >= 64 ? ~0 : (1 << UInt64(left)) &- 1
      let m = unsafe csimd_csv_masks_lf(p + at, separator, quote, feed)
      let quotes = m.quote & quoteOn & keep
      var bits = (m.sep | m.lf) & keep
      if quotes | carry != 0 {
        let inside = csimd_prefix_xor(quotes) ^ carry
        let opening = quotes & inside
        bad |= opening & ~(((bits | quotes) << 1) | opens)
        escapes |= opening & ((quotes << 1) | lastQuote)
        bits &= ~inside
        carry = 0 &- (inside >> 63)
      }
      opens = (m.sep | m.lf | quotes) >> 63
      lastQuote = quotes >> 63
      lines &+= (m.lf & bits).nonzeroBitCount
      unsafe n &+= csimd_bit_positions(out + n, UInt32(truncatingIfNeeded: at), bits)
      at &+= 64
    }
    hasEscapes = escapes != 0
    if bad != 0 { return .irregular }
    if lines == 0 { return .noRecordEnd }
    guard lines &* fieldCount <= n else { return .irregular }
    var wrong = 0
    var k = fieldCount &- 1
    for _ in 0..<lines {
      unsafe wrong |= Int(p[Int(out[k])] ^ feed)
      k &+= fieldCount
    }
    guard wrong == 0 else { return .irregular }
    rowCount = lines
    stride = fieldCount
    unsafe ends = unsafe UnsafePointer(out)
    return unsafe .done(next: Int(out[lines &* fieldCount &- 1]) + 1)
  }

  /// The same where CR or CR LF may end lines: the CR LF's end is its LF, and the last field ends at the CR.
  private func scanWithReturns(_ slice: TextSlice, _ start: Int, _ limit: Int) -> Outcome {
    let p = unsafe slice.base
    reserve(limit - start + 130)
    let out = unsafe space + 1
    unsafe space[0] = UInt32(truncatingIfNeeded: start &- 1)
    let quoteOn: UInt64 = bytes.hasQuote ? ~0 : 0
    var n = 0, lines = 0
    var carry: UInt64 = 0, opens: UInt64 = 1, bad: UInt64 = 0, escapes: UInt64 = 0, lastQuote: UInt64 = 0
    var at = start
    while at < limit {
      let left = limit &- at
      let keep: UInt64 = left >= 64 ? ~0 : (1 << UInt64(left)) &- 1
      let m = unsafe csimd_csv_masks(p + at, bytes.separator, bytes.quote, bytes.lineFeed, 0x0D)
      let quotes = m.quote & quoteOn & keep
      let nextFeed: UInt64 = unsafe at &+ 64 < slice.end && p[at &+ 64] == 0x0A ? 1 << 63 : 0
      let lineEnds = (m.lf | (m.cr & ~((m.lf >> 1) | nextFeed))) & keep
      var bits = (m.sep & keep) | lineEnds
      let inside = csimd_prefix_xor(quotes) ^ carry
      let opening = quotes & inside
      bad |= opening & ~(((bits | quotes) << 1) | opens)
      escapes |= opening & ((quotes << 1) | lastQuote)
      bits &= ~inside
      carry = 0 &- (inside >> 63)
      opens = (m.sep | m.lf | m.cr | quotes) >> 63
      lastQuote = quotes >> 63
      lines &+= (lineEnds & bits).nonzeroBitCount
      unsafe n &+= csimd_bit_positions(out + n, UInt32(truncatingIfNeeded: at), bits)
      at &+= 64
    }
    hasEscapes = escapes != 0
    if bad != 0 { return .irregular }
    if lines == 0 { return .noRecordEnd }
    guard lines &* fieldCount <= n else { return .irregular }
    reserveSpare(lines * (fieldCount + 1) + 1, keeping: 0)
    var to = 0
    var from = 0
    for _ in 0..<lines {
      unsafe spare[to] = unsafe out[from &- 1]
      for c in 0..<fieldCount { unsafe spare[to &+ 1 &+ c] = unsafe out[from &+ c] }
      let last = unsafe Int(out[from &+ fieldCount &- 1])
      guard unsafe bytes.isLineEnd(p[last]) else { return .irregular }
      // The start of the last field bounds the step back.
      let lastStart = unsafe Int(spare[to &+ fieldCount &- 1] &+ 1)
      if unsafe p[last] == 0x0A, last > lastStart, unsafe p[last &- 1] == 0x0D { unsafe spare[to &+ fieldCount] = UInt32(truncatingIfNeeded: last &- 1) }
      to &+= fieldCount &+ 1
      from &+= fieldCount
    }
    rowCount = lines
    stride = fieldCount + 1
    unsafe ends = unsafe UnsafePointer(spare + 1)
    return unsafe .done(next: Int(out[lines &* fieldCount &- 1]) + 1)
  }

  // MARK: - Automaton

  /// Reads records byte by byte until `limit` is passed at a record's end. Skips blank lines (unless there is one column) and comments,
  /// pads short records with empty fields, cuts long ones, and lists both as defects.
  private func walk(_ slice: TextSlice, _ start: Int, _ limit: Int) -> Int {
    defects.removeAll(keepingCapacity: true)
    let p = unsafe slice.base
    rowCount = 0
    stride = fieldCount + 1
    hasEscapes = true
    var used = 0
    var at = start
    while at < limit, at < slice.end {
      // The LF of a CR LF is no record.
      if bytes.hasReturn, unsafe p[at] == 0x0A, unsafe p[at &- 1] == 0x0D, at > slice.start {
        at &+= 1
        continue
      }
      reserveSpare(used + fieldCount + 2, keeping: used)
      unsafe spare[used] = UInt32(truncatingIfNeeded: at &- 1)
      var fields = 0
      var state = ScanState.recordStart
      let recordStart = at
      var isComment = false
      while at < slice.end {
        let c = unsafe p[at]
        let next = bytes.next(state, c)
        if next == .comment { isComment = true }
        if next == .recordStart || (next == .fieldStart && c == bytes.separator) {
          if fields < fieldCount { unsafe spare[used &+ 1 &+ fields] = UInt32(truncatingIfNeeded: at) }
          fields &+= 1
        }
        at &+= 1
        state = next
        if next == .recordStart { break }
      }
      let isUnterminated = state != .recordStart
      if isUnterminated {
        if fields < fieldCount { unsafe spare[used &+ 1 &+ fields] = UInt32(truncatingIfNeeded: at) }
        fields &+= 1
      }
      if isComment { continue }
      let isBlank = fields == 1 && (isUnterminated ? at : at &- 1) == recordStart
      if isBlank, fieldCount > 1 { continue }
      if isUnterminated {
        defects.append(RowDefect(row: rowCount, kind: .unterminated, fieldCount: fields))
      } else if fields != fieldCount {
        defects.append(RowDefect(row: rowCount, kind: fields < fieldCount ? .tooFew : .tooMany, fieldCount: fields))
      }
      while fields < fieldCount {
        unsafe spare[used &+ 1 &+ fields] = unsafe spare[used &+ fields] &+ 1
        fields &+= 1
      }
      rowCount += 1
      used &+= fieldCount &+ 1
    }
    unsafe ends = unsafe UnsafePointer(spare + 1)
    return at
  }
}
