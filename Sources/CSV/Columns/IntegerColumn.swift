// Role: int and long columns. A field of up to 16 digits is read as one or two 8-byte words, without a loop over its digits.

import Columnar

final class IntegerColumn<T: FixedWidthInteger & SignedInteger & BitwiseCopyable & Sendable>: FieldColumn {
  private let values = BufferBuilder<T>()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let index: Int
  private let make: (Buffer<T>, Bitmap?) -> ColumnVector

  init(_ index: Int, _ reader: FieldReader, _ make: @escaping (Buffer<T>, Bitmap?) -> ColumnVector) {
    self.index = index
    self.reader = reader
    self.make = make
  }

  var byteCount: Int { values.count * MemoryLayout<T>.stride }

  @inline(__always) func appendRun(_ run: FieldRun, _ defects: DefectList) {
    let first = values.count
    let out = values.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    let base = run.base
    for r in 0..<run.rows {
      let s = run.start(r), e = run.end(r)
      let negative = base[s] == 0x2D ? 1 : 0
      let digits = e &- s &- negative
      var magnitude: UInt64
      if digits &- 1 >= 0, digits <= 8 {
        let word = digitWord(base, e, digits)
        guard ScalarText.isEightDigits(word) else { slow(run, r, first, out, defects); continue }
        magnitude = ScalarText.eightDigits(word)
      } else if digits > 8, digits <= 16 {
        let low = loadWord(base + (e &- 8))
        let high = digitWord(base, e &- 8, digits &- 8)
        guard ScalarText.isEightDigits(low), ScalarText.isEightDigits(high) else { slow(run, r, first, out, defects); continue }
        magnitude = ScalarText.eightDigits(high) &* 100_000_000 &+ ScalarText.eightDigits(low)
      } else {
        slow(run, r, first, out, defects)
        continue
      }
      let sign = 0 &- Int64(negative)
      let value = (Int64(bitPattern: magnitude) ^ sign) &- sign
      guard let narrow = T(exactly: value) else { slow(run, r, first, out, defects); continue }
      out[r] = narrow
    }
  }

  private func slow(_ run: FieldRun, _ r: Int, _ first: Int, _ out: UnsafeMutablePointer<T>, _ defects: DefectList) {
    out[r] = 0
    guard let text = reader.trimmed(run.base, run.start(r), run.end(r)) else { nulls.setNull(first &+ r); return }
    guard let value = ScalarText.parseLong(text.start, text.count), let narrow = T(exactly: value) else {
      nulls.setNull(first &+ r)
      defects.fields.append(FieldDefect(row: run.firstRow + r, column: index, start: run.start(r), end: run.end(r)))
      return
    }
    out[r] = narrow
  }

  func append(_ run: FieldRun, _ defects: DefectList) { appendRun(run, defects) }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return make(buffer, nulls.finish())
  }
}

/// Eight bytes, the first lowest.
@inline(__always) func loadWord(_ p: UnsafePointer<UInt8>) -> UInt64 {
  UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
}

/// The `count` (1...8) bytes in front of `end` in the highest bytes, zeros (as digits) in the others.
@inline(__always) func digitWord(_ base: UnsafePointer<UInt8>, _ end: Int, _ count: Int) -> UInt64 {
  let shift = UInt64(truncatingIfNeeded: (8 &- count) &* 8)
  let keep = ~UInt64(0) &<< shift
  return (loadWord(base + (end &- 8)) & keep) | (0x3030_3030_3030_3030 & ~keep)
}
