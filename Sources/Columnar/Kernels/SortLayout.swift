// Role: packs the sort keys of many chunks of rows into one 64-bit code per row, and orders rows of equal code by what it leaves out.
// Keys are packed from the most significant bit; integers by their range over all chunks, so that several small keys fit one code.

/// Sort keys over chunks of rows: code layout and comparator. Key columns are flat. Immutable; shared by threads.
package final class SortLayout: @unchecked Sendable {  // immutable after init; comparators hold immutable buffers
  /// How one key enters the code.
  private enum Part: Sendable {
    /// value - low, in `bits` bits.
    case range(low: Int64, bits: Int)
    /// The top `bits` bits of the ordered word; the rest, or the rest of the value, is compared.
    case word(bits: Int)
  }

  private let chunks: [[ColumnVector]]
  private let directions: [SortDirection]
  private var parts: [Part] = []
  /// For each packed key, whether a null bit stands before it.
  private var hasNullBit: [Bool] = []
  /// Keys from here on are compared; nil when equal codes mean equal keys.
  private var firstCompared: Int?
  private var refiners: [SortRefiner] = []

  /// Keys of all chunks: chunks[k][c] is key c of chunk k.
  package init(_ chunks: [[ColumnVector]], directions: [SortDirection]) {
    var chunks = chunks
    for c in directions.indices { Self.unifyDecimals(&chunks, c) }
    self.chunks = chunks
    self.directions = directions
    layOut()
    if let first = firstCompared {
      refiners = (first..<directions.count).map { c in SortRefiner(chunks.map { $0[c] }, directions[c]) }
    }
  }

  /// Equal codes mean equal keys.
  package var isComplete: Bool { firstCompared == nil }

  private static func unifyDecimals(_ chunks: inout [[ColumnVector]], _ c: Int) {
    var scale: Int?
    for chunk in chunks {
      guard chunk[c].type == .decimal else { return }
      guard case .decimal64(_, let s) = chunk[c].storage, scale ?? s == s else {
        for k in chunks.indices { chunks[k][c] = chunks[k][c].widenedDecimal }
        return
      }
      scale = s
    }
  }

  private func layOut() {
    var left = 64
    for c in directions.indices {
      let hasNulls = chunks.contains { $0[c].validity != nil }
      if hasNulls, left < 2 {
        firstCompared = c
        return
      }
      if hasNulls { left -= 1 }
      var isWhole = false
      if let (low, high) = integerBounds(c) {
        let bits = 64 - (UInt64(bitPattern: high) &- UInt64(bitPattern: low)).leadingZeroBitCount
        if bits <= left {
          parts.append(.range(low: low, bits: bits))
          left -= bits
          isWhole = true
        } else {
          parts.append(.word(bits: left))
          left = 0
        }
      } else {
        let isExact: Bool = switch chunks.first?[c].type {
        case .real: left == 64
        default: false
        }
        parts.append(.word(bits: left))
        left = 0
        isWhole = isExact
      }
      hasNullBit.append(hasNulls)
      if !isWhole {
        firstCompared = c
        return
      }
      if left == 0, c + 1 < directions.count {
        firstCompared = c + 1
        return
      }
    }
  }

  /// The least and greatest non-null value of an integer-like key; nil for others.
  private func integerBounds(_ c: Int) -> (Int64, Int64)? {
    var low = Int64.max, high = Int64.min
    for chunk in chunks {
      let vector = chunk[c]
      switch vector.storage {
      case .bool: (low, high) = (min(low, 0), max(high, 1))
      case .int(let b): bounds(b, vector.validity, &low, &high)
      case .long(let b), .decimal64(let b, _): bounds(b, vector.validity, &low, &high)
      default: return nil
      }
    }
    return low <= high ? (low, high) : (0, 0)
  }

  // SAFETY: `withUnsafe` gives the number of elements and keeps them alive; the validity has as many bits.
  @inline(__always) private func bounds<T: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ buffer: Buffer<T>, _ validity: Bitmap?, _ low: inout Int64, _ high: inout Int64
  ) {
    var a = T.max, b = T.min
    unsafe buffer.withUnsafe { p in
      if let validity {
        for i in 0..<p.count where validity[i] {
          a = unsafe Swift.min(a, p[i])
          b = unsafe Swift.max(b, p[i])
        }
      } else {
        for i in 0..<p.count {
          a = unsafe Swift.min(a, p[i])
          b = unsafe Swift.max(b, p[i])
        }
      }
    }
    if a <= b {
      low = Swift.min(low, Int64(truncatingIfNeeded: a))
      high = Swift.max(high, Int64(truncatingIfNeeded: b))
    }
  }

  /// Writes the code of each row of chunk `k`.
  // SAFETY: `out` has room for rowCount items, and the chunk's key columns have rowCount rows, as do the words made of one of them.
  package func codes(chunk k: Int, rowCount: Int, _ out: UnsafeMutablePointer<SortItem>) {
    for i in 0..<rowCount { unsafe out[i] = SortItem(code: 0, at: UInt64(k) << 32 | UInt64(i)) }
    var left = 64
    for (c, part) in parts.enumerated() {
      let vector = chunks[k][c]
      let direction = directions[c]
      let nullBit: Bool = hasNullBit[c]
      if nullBit { left -= 1 }
      let nullShift = UInt64(max(0, left))
      // The bit is 0 for what comes first.
      let validBit: UInt64 = nullBit && direction.nullsFirst ? 1 << nullShift : 0
      let missingBit: UInt64 = nullBit && !direction.nullsFirst ? 1 << nullShift : 0
      switch part {
      case .range(let low, let bits):
        left -= bits
        let shift = UInt64(left), mask: UInt64 = bits == 64 ? ~0 : (1 << UInt64(bits)) &- 1
        let flip: UInt64 = direction.isDescending ? mask : 0
        unsafe add(vector, rowCount, validBit, missingBit, out, integers: vector) { v in
          bits == 0 ? 0 : (((UInt64(bitPattern: v) &- UInt64(bitPattern: low)) ^ flip) & mask) << shift
        }
      case .word(let bits):
        left -= bits
        let drop = UInt64(64 - bits), shift = UInt64(left)
        let words = vector.sortWords(isDescending: direction.isDescending)
        unsafe words.withUnsafe { words in
          for i in 0..<rowCount {
            unsafe out[i].code |= vector.isValid(i) ? validBit | (words[i] >> drop) << shift : missingBit
          }
        }
      }
    }
  }

  // SAFETY: as in `codes`: n rows in the vector and in `out`; `withUnsafe` keeps the values alive for the loop.
  @inline(__always) private func add(
    _ vector: ColumnVector, _ n: Int, _ validBit: UInt64, _ missingBit: UInt64, _ out: UnsafeMutablePointer<SortItem>, integers: ColumnVector,
    _ code: (Int64) -> UInt64
  ) {
    @inline(__always) func loop(_ value: (Int) -> Int64) {
      if let validity = vector.validity {
        for i in 0..<n { unsafe out[i].code |= validity[i] ? validBit | code(value(i)) : missingBit }
      } else {
        for i in 0..<n { unsafe out[i].code |= validBit | code(value(i)) }
      }
    }
    switch vector.storage {
    case .bool(let bits): loop { bits[$0] ? 1 : 0 }
    case .int(let b): unsafe b.withUnsafe { p in loop { unsafe Int64(p[$0]) } }
    case .long(let b), .decimal64(let b, _): unsafe b.withUnsafe { p in loop { unsafe p[$0] } }
    default: break
    }
  }

  /// Sorts items of this layout: by code, then by the keys the code leaves out; equal rows keep the order they come in.
  // SAFETY: items hold positions of this layout's chunks; runs are windows on the caller's items, which live through the call.
  package func sort(_ items: UnsafeMutableBufferPointer<SortItem>) {
    unsafe sortByCode(items)
    guard let first = firstCompared else { return }
    let hasNullsApart = first < hasNullBit.count || !refiners[0].hasNulls
    unsafe forEachRun(items) { unsafe refine($0, key: 0, nullsApart: hasNullsApart) }
  }

  /// Calls `body` with each run of at least two items of equal code.
  // SAFETY: start and end stay within the items; a run's window is gone before the next one is made.
  private func forEachRun(_ items: UnsafeMutableBufferPointer<SortItem>, _ body: (UnsafeMutableBufferPointer<SortItem>) -> Void) {
    var start = 0
    while start < items.count {
      var end = start + 1
      while end < items.count, unsafe items[end].code == items[start].code { end += 1 }
      if end - start > 1 { unsafe body(UnsafeMutableBufferPointer(rebasing: items[start..<end])) }
      start = end
    }
  }

  /// Orders a run that is equal in all keys before refiner `k`.
  // SAFETY: `run` has at least two items, of this layout's positions; it lives through the call.
  private func refine(_ run: UnsafeMutableBufferPointer<SortItem>, key k: Int, nullsApart: Bool) {
    guard k < refiners.count else { return }
    let refiner = refiners[k]
    if !nullsApart, refiner.hasNulls {
      for i in 0..<run.count { unsafe run[i].code = unsafe refiner.nullCode(run[i].at) }
      unsafe sortByCode(run)
      return unsafe forEachRun(run) { unsafe refine($0, key: k, nullsApart: true) }
    }
    if unsafe refiner.isNull(run[0].at) { return unsafe refine(run, key: k + 1, nullsApart: false) }
    unsafe refineValues(run, key: k, depth: 0)
  }

  /// Orders a run of valid values of refiner `k` by their words from `depth` on, then by the following keys.
  // SAFETY: as in `refine`.
  private func refineValues(_ run: UnsafeMutableBufferPointer<SortItem>, key k: Int, depth: Int) {
    let refiner = refiners[k]
    if depth == Self.maxDepth { return unsafe refineByComparing(run, key: k) }
    unsafe refiner.writeWords(run, depth: depth)
    unsafe sortByCode(run)
    unsafe forEachRun(run) { equal in
      switch refiner.rest {
      case .nothing: unsafe refine(equal, key: k + 1, nullsApart: false)
      case .bytes:
        // Longer texts go on; texts that end within the word differ by length only when they hold zero bytes.
        unsafe refiner.writeLengths(equal, depth: depth)
        unsafe sortByCode(equal)
        unsafe forEachRun(equal) { same in
          if unsafe refiner.isLonger(same[0].at, depth: depth) {
            unsafe refineValues(same, key: k, depth: depth + 1)
          } else {
            unsafe refine(same, key: k + 1, nullsApart: false)
          }
        }
      case .compare: unsafe refineByComparing(equal, key: k)
      }
    }
  }

  /// Words of a text compared as numbers; beyond, long equal beginnings are compared as bytes (and recursion stays shallow).
  private static let maxDepth = 32

  /// Orders a run by comparing whole values of refiner `k`, then by the following keys.
  // SAFETY: start and end stay within the run; items are moved within it by sorting, and no window outlives its turn.
  private func refineByComparing(_ run: UnsafeMutableBufferPointer<SortItem>, key k: Int) {
    let comparator = refiners[k].comparator
    var run = unsafe run
    unsafe run.sort { a, b in
      let order = comparator.compare(a.at, b.at)
      return order != 0 ? order < 0 : a.at < b.at
    }
    var start = 0
    while start < run.count {
      var end = start + 1
      while end < run.count, unsafe comparator.compare(run[start].at, run[end].at) == 0 { end += 1 }
      if end - start > 1 { unsafe refine(UnsafeMutableBufferPointer(rebasing: run[start..<end]), key: k + 1, nullsApart: false) }
      start = end
    }
  }
}
