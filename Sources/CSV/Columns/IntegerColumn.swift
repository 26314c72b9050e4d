// Role: int and long columns. A field of up to 16 digits is read as one or two 8-byte words, without a loop over its digits.

import Columnar

final class LongColumn: FieldColumn {
  private let values = BufferBuilder<Int64>()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let index: Int

  init(_ index: Int, _ reader: FieldReader) {
    self.index = index
    self.reader = reader
  }

  var byteCount: Int { values.count * 8 }

  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = values.count
    nulls.extend(run.rows)
    unsafe parseIntegers(run, values.appendUninitialized(run.rows)) { r in
      let text = unsafe reader.trimmed(run.base, run.start(r), run.end(r))
      if let text, let value = unsafe ScalarText.parseLong(text.start, text.count) { return value }
      nulls.setNull(first &+ r)
      if text != nil { defects.add(run, r, index) }
      return 0
    }
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return .long(buffer, validity: nulls.finish())
  }
}

final class IntColumn: FieldColumn {
  private let values = BufferBuilder<Int32>()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let index: Int

  init(_ index: Int, _ reader: FieldReader) {
    self.index = index
    self.reader = reader
  }

  var byteCount: Int { values.count * 4 }

  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = values.count
    nulls.extend(run.rows)
    unsafe parseIntegers(run, values.appendUninitialized(run.rows)) { r in
      let text = unsafe reader.trimmed(run.base, run.start(r), run.end(r))
      if let text, let value = unsafe ScalarText.parseInt(text.start, text.count) { return value }
      nulls.setNull(first &+ r)
      if text != nil { defects.add(run, r, index) }
      return 0
    }
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return .int(buffer, validity: nulls.finish())
  }
}

/// Parses every field of a run into `out`; what is not a plain number of up to 16 digits goes to `slow`.
@inline(__always) private func parseIntegers<T: FixedWidthInteger>(_ run: FieldRun, _ out: UnsafeMutablePointer<T>, _ slow: (Int) -> T) {
  let base = unsafe run.base
  for r in 0..<run.rows {
    let s = run.start(r), e = run.end(r)
    // A field that the record lacks lies behind all text: it has no byte to look at.
    let negative = unsafe (s < e ? base[s] : 0) == 0x2D ? 1 : 0
    let digits = e &- s &- negative
    var magnitude: UInt64
    if digits &- 1 >= 0, digits <= 8 {
      let word = unsafe digitWord(base, e, digits)
      guard ScalarText.isEightDigits(word) else { unsafe out[r] = slow(r); continue }
      magnitude = ScalarText.eightDigits(word)
    } else if digits > 8, digits <= 16 {
      let low = unsafe loadWord(base + (e &- 8))
      let high = unsafe digitWord(base, e &- 8, digits &- 8)
      guard ScalarText.isEightDigits(low), ScalarText.isEightDigits(high) else { unsafe out[r] = slow(r); continue }
      magnitude = ScalarText.eightDigits(high) &* 100_000_000 &+ ScalarText.eightDigits(low)
    } else {
      unsafe out[r] = slow(r)
      continue
    }
    let sign = 0 &- Int64(negative)
    let value = (Int64(bitPattern: magnitude) ^ sign) &- sign
    let narrow = T(truncatingIfNeeded: value)
    unsafe out[r] = T.bitWidth == 64 || Int64(truncatingIfNeeded: narrow) == value ? narrow : slow(r)
  }
}

/// Eight bytes, the first lowest.
// SAFETY: callers give addresses within a slice's text or the 64 bytes around it; the load is unaligned.
@inline(__always) func loadWord(_ p: UnsafePointer<UInt8>) -> UInt64 {
  unsafe UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
}

/// The `count` (1...8) bytes in front of `end` in the highest bytes, zeros (as digits) in the others.
// SAFETY: up to 7 bytes in front of the digits are read, and masked: text buffers have 64 in front.
@inline(__always) func digitWord(_ base: UnsafePointer<UInt8>, _ end: Int, _ count: Int) -> UInt64 {
  let shift = UInt64(truncatingIfNeeded: (8 &- count) &* 8)
  let keep = ~UInt64(0) &<< shift
  return unsafe (loadWord(base + (end &- 8)) & keep) | (0x3030_3030_3030_3030 & ~keep)
}
