// Role: real columns. A field of up to 16 characters with one point is read as one or two 8-byte words from which the point is removed;
// digits and power of ten are then exact, so one division gives the nearest double.

import CSIMD
import Columnar

final class RealColumn: FieldColumn {
  private let values = BufferBuilder<Double>()
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
    let out = unsafe values.appendUninitialized(run.rows)
    nulls.extend(run.rows)
    let base = unsafe run.base
    for r in 0..<run.rows {
      let s = run.start(r), e = run.end(r)
      let negative = unsafe (s < e ? base[s] : 0) == 0x2D ? 1 : 0
      let count = e &- s &- negative
      var low: UInt64
      var high: UInt64 = 0x3030_3030_3030_3030
      var decimals = 0
      if count >= 2, count <= 8 {
        low = unsafe digitWord(base, e, count)
        let point = pointByte(low)
        if point < 8 {
          low = removePoint(low, point, 0x30)
          decimals = 7 &- point
        }
      } else if count > 8, count <= 16 {
        low = unsafe loadWord(base + (e &- 8))
        high = unsafe digitWord(base, e &- 8, count &- 8)
        let point = pointByte(low)
        if point < 8 {
          low = removePoint(low, point, high >> 56)
          high = (high << 8) | 0x30
          decimals = 7 &- point
        } else {
          let point = pointByte(high)
          if point < 8 {
            high = removePoint(high, point, 0x30)
            decimals = 15 &- point
          }
        }
      } else if count == 1 {
        low = unsafe digitWord(base, e, 1)
      } else {
        unsafe slow(run, r, first, out, defects)
        continue
      }
      guard ScalarText.isEightDigits(low), ScalarText.isEightDigits(high) else { unsafe slow(run, r, first, out, defects); continue }
      let mantissa = ScalarText.eightDigits(high) &* 100_000_000 &+ ScalarText.eightDigits(low)
      guard mantissa <= 1 << 53 else { unsafe slow(run, r, first, out, defects); continue }
      let sign = 0 &- Int64(negative)
      let value = Double((Int64(bitPattern: mantissa) ^ sign) &- sign) / csimd_pow10_f64(decimals)
      unsafe out[r] = mantissa == 0 && negative == 1 ? -0.0 : value
    }
  }

  // SAFETY: `r` is a row of the run, and `out` has an element for each; a trimmed text is not empty and lives until the reader is
  // asked again.
  private func slow(_ run: FieldRun, _ r: Int, _ first: Int, _ out: UnsafeMutablePointer<Double>, _ defects: DefectList) {
    unsafe out[r] = 0
    guard let text = unsafe reader.trimmed(run.base, run.start(r), run.end(r)) else { nulls.setNull(first &+ r); return }
    if let value = unsafe ScalarText.parseReal(text.start, text.count) ?? special(text) {
      unsafe out[r] = value
      return
    }
    nulls.setNull(first &+ r)
    defects.add(run, r, index)
  }

  private func special(_ text: FieldReader.Text) -> Double? {
    if FieldReader.equals(text, reader.words.nan) { return .nan }
    if FieldReader.equals(text, reader.words.positiveInfinity) { return .infinity }
    if FieldReader.equals(text, reader.words.negativeInfinity) { return -.infinity }
    return nil
  }

  func finish() -> ColumnVector {
    let buffer = values.finish()
    return .real(buffer, validity: nulls.finish())
  }
}

/// The index of the lowest byte that is a point, 8 when there is none.
@inline(__always) func pointByte(_ word: UInt64) -> Int {
  let x = word ^ 0x2E2E_2E2E_2E2E_2E2E
  let zero = (x &- 0x0101_0101_0101_0101) & ~x & 0x8080_8080_8080_8080
  return zero.trailingZeroBitCount >> 3
}

/// The word without byte `point` (0...7): lower bytes move up, `fill` becomes the lowest.
@inline(__always) func removePoint(_ word: UInt64, _ point: Int, _ fill: UInt64) -> UInt64 {
  let below = (1 &<< UInt64(truncatingIfNeeded: point &* 8)) &- 1
  return (word & ~((below << 8) | 0xFF)) | ((word & below) << 8) | fill
}
