// Role: decimal columns. As long as every value fits 64 bits at one scale they stay Int64 (the scale grows with the values); else each
// value keeps its own scale.

import Columnar
import CSIMD

final class DecimalColumn: FieldColumn {
  private let narrow = BufferBuilder<Int64>()
  private var scale = 0
  private var isWide = false
  private let wide = BufferBuilder<Int128>()
  private let scales = BufferBuilder<Int16>()
  private var nulls = NullBits()
  private let reader: FieldReader
  private let index: Int

  init(_ index: Int, _ reader: FieldReader) {
    self.index = index
    self.reader = reader
  }

  var byteCount: Int { narrow.count * 8 + wide.count * 18 }

  private var count: Int { isWide ? wide.count : narrow.count }

  func append(_ run: FieldRun, _ defects: DefectList) {
    let first = count
    nulls.extend(run.rows)
    narrow.reserve(run.rows)
    let base = unsafe run.base
    for r in 0..<run.rows {
      let s = run.start(r), e = run.end(r)
      if !isWide, let (mantissa, decimals) = unsafe short(base, s, e), decimals == scale || align(decimals) {
        if decimals == scale {
          narrow.append(mantissa)
          continue
        }
        let (value, overflow) = mantissa.multipliedReportingOverflow(by: Int64(csimd_pow10_u64(scale - decimals)))
        if !overflow {
          narrow.append(value)
          continue
        }
      }
      guard let text = unsafe reader.trimmed(base, s, e) else {
        nulls.setNull(first &+ r)
        put(DecimalValue(0, scale: isWide ? 0 : scale))
        continue
      }
      if let value = unsafe ScalarText.parseDecimal(text.start, text.count) {
        put(value)
      } else {
        nulls.setNull(first &+ r)
        put(DecimalValue(0, scale: isWide ? 0 : scale))
        defects.add(run, r, index)
      }
    }
  }

  /// A plain number of up to 16 characters.
  @inline(__always) private func short(_ base: UnsafePointer<UInt8>, _ s: Int, _ e: Int) -> (Int64, Int)? {
    let negative = unsafe (s < e ? base[s] : 0) == 0x2D ? 1 : 0
    let count = e &- s &- negative
    var low: UInt64
    var high: UInt64 = 0x3030_3030_3030_3030
    var decimals = 0
    if count >= 2, count <= 8 {
      low = unsafe digitWord(base, e, count)
      let point = pointByte(low)
      if point < 8 { low = removePoint(low, point, 0x30); decimals = 7 &- point }
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
        if point < 8 { high = removePoint(high, point, 0x30); decimals = 15 &- point }
      }
    } else if count == 1 {
      low = unsafe digitWord(base, e, 1)
    } else {
      return nil
    }
    guard ScalarText.isEightDigits(low), ScalarText.isEightDigits(high) else { return nil }
    let mantissa = Int64(bitPattern: ScalarText.eightDigits(high) &* 100_000_000 &+ ScalarText.eightDigits(low))
    return (negative == 1 ? 0 &- mantissa : mantissa, decimals)
  }

  /// Raises the column's scale to `decimals` if that is more; false when values do not fit then (the column is wide from there on).
  // SAFETY: `i` stays below the count of `narrow`.
  private func align(_ decimals: Int) -> Bool {
    guard decimals > scale else { return true }
    let factor = Int64(csimd_pow10_u64(decimals - scale))
    let limit = Int64.max / factor
    for i in 0..<narrow.count where unsafe narrow.pointer[i].magnitude > UInt64(limit) {
      widen()
      return false
    }
    for i in 0..<narrow.count { unsafe narrow.pointer[i] &*= factor }
    scale = decimals
    return true
  }

  // SAFETY: `i` stays below the count of `narrow`; `wide` is other memory.
  private func widen() {
    isWide = true
    for i in 0..<narrow.count {
      unsafe wide.append(Int128(narrow.pointer[i]))
      scales.append(Int16(scale))
    }
    narrow.removeAll()
  }

  private func put(_ value: DecimalValue) {
    if !isWide {
      if value.scale >= 0, value.scale <= 18, let small = Int64(exactly: value.coefficient), align(Int(value.scale)),
        let aligned = DecimalValue(Int128(small), scale: Int(value.scale)).rescaled(to: scale), let fits = Int64(exactly: aligned)
      {
        narrow.append(fits)
        return
      }
      if !isWide { widen() }
    }
    wide.append(value.coefficient)
    scales.append(value.scale)
  }

  func finish() -> ColumnVector {
    let bits = nulls.finish()
    if !isWide { return .decimal(narrow.finish(), scale: scale, validity: bits) }
    isWide = false
    scale = 0
    return .decimal(wide.finish(), scales: scales.finish(), validity: bits)
  }
}
