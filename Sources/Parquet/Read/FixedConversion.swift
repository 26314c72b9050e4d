// From stored fixed-width bytes to the engine's values: one small kernel per conversion, run over whole pages or runs.
import Columnar
#if canImport(Glibc)
import Glibc
#endif

/// A conversion of dense values (no nulls among them).
// SAFETY: in all conversions: `raw` holds `count` values of the stored type, whose width ValueMapping checked (4, 8, 12, 16 or
// `width` bytes), as FixedDecoder bounds them by the page; `out` has room for `count` elements. Loads are unaligned.
protocol FixedConversion {
  associatedtype Output: BitwiseCopyable & Sendable
  /// Converts `count` values that lie back to back in `raw` (unaligned, little-endian).
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Output>) throws(ParquetError)
  /// The finished column.
  func vector(_ values: Buffer<Output>, validity: Bitmap?) -> ColumnVector
}

/// Stored and engine form are the same bytes.
struct CopyConversion<T: BitwiseCopyable & Sendable>: FixedConversion {
  let make: (Buffer<T>, Bitmap?) -> ColumnVector

  // SAFETY: `T` has the width of the stored type and no padding.
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<T>) {
    unsafe memcpy(out, raw, count &* MemoryLayout<T>.size)
  }

  func vector(_ values: Buffer<T>, validity: Bitmap?) -> ColumnVector { make(values, validity) }
}

/// Every value is converted by a function that cannot fail.
struct WideningConversion<In: BitwiseCopyable, Out: BitwiseCopyable & Sendable, F: ScalarWidening>: FixedConversion
where F.In == In, F.Out == Out {
  let make: (Buffer<Out>, Bitmap?) -> ColumnVector

  init(_ widening: F.Type, make: @escaping (Buffer<Out>, Bitmap?) -> ColumnVector) {
    self.make = make
  }

  // SAFETY: `In` has the width of the stored type.
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Out>) {
    let size = MemoryLayout<In>.size
    for i in 0..<count { unsafe out[i] = unsafe F.widen((raw + i &* size).loadUnaligned(as: In.self)) }
  }

  func vector(_ values: Buffer<Out>, validity: Bitmap?) -> ColumnVector { make(values, validity) }
}

/// A conversion of one value, inlined into the loop of `WideningConversion`.
protocol ScalarWidening {
  associatedtype In: BitwiseCopyable
  associatedtype Out: BitwiseCopyable & Sendable
  static func widen(_ value: In) -> Out
}

enum Int32ToInt64: ScalarWidening {
  @inline(__always) static func widen(_ value: Int32) -> Int64 { Int64(value) }
}
enum UInt32ToInt64: ScalarWidening {
  @inline(__always) static func widen(_ value: UInt32) -> Int64 { Int64(value) }
}
enum FloatToDouble: ScalarWidening {
  @inline(__always) static func widen(_ value: Float) -> Double { Double(value) }
}
enum UInt64ToInt128: ScalarWidening {
  @inline(__always) static func widen(_ value: UInt64) -> Int128 { Int128(value) }
}
/// Two stored words whose bytes are in text order.
enum BytesToGUID: ScalarWidening {
  @inline(__always) static func widen(_ value: GUID) -> GUID {
    GUID(high: value.high.byteSwapped, low: value.low.byteSwapped)
  }
}
/// IEEE half precision; written out because not every architecture has the type.
enum Float16ToDouble: ScalarWidening {
  @inline(__always) static func widen(_ value: UInt16) -> Double {
    let exponent = Int((value >> 10) & 0x1F)
    let fraction = Double(value & 0x3FF)
    let magnitude: Double
    switch exponent {
    case 0: magnitude = fraction * 0x1p-24
    case 31: magnitude = fraction == 0 ? .infinity : .nan
    default: magnitude = (1 + fraction * 0x1p-10) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }
    return value & 0x8000 != 0 ? -magnitude : magnitude
  }
}

/// Counts of a unit coarser than a tick (or a tick): multiplied, after a range check.
struct ScaledTicks<In: FixedWidthInteger & SignedInteger & BitwiseCopyable>: FixedConversion {
  let factor: Int64
  let isDatetime: Bool
  let policy: InexactPolicy

  // SAFETY: `In` is INT32 or INT64 as the leaf is; both loops stay below `count`.
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Int64>) throws(ParquetError) {
    let size = MemoryLayout<In>.size
    let low: Int64 = (isDatetime ? CivilTime.minTicks : Int64.min) / factor
    let high: Int64 = (isDatetime ? CivilTime.maxTicks : Int64.max) / factor
    var least = Int64.max
    var greatest = Int64.min
    for i in 0..<count {
      let value: Int64 = unsafe Int64((raw + i &* size).loadUnaligned(as: In.self))
      least = min(least, value)
      greatest = max(greatest, value)
      unsafe out[i] = value &* factor
    }
    guard count > 0, least < low || greatest > high else { return }
    if policy == .fail { throw outOfRange(least < low ? least : greatest, isDatetime: isDatetime) }
    let floor = isDatetime ? CivilTime.minTicks : Int64.min
    let ceiling = isDatetime ? CivilTime.maxTicks : Int64.max
    for i in 0..<count {
      let value: Int64 = unsafe Int64((raw + i &* size).loadUnaligned(as: In.self))
      if value < low {
        unsafe out[i] = floor
      } else {
        unsafe out[i] = value > high ? ceiling : value &* factor
      }
    }
  }

  func vector(_ values: Buffer<Int64>, validity: Bitmap?) -> ColumnVector {
    .long(values, validity: validity, type: isDatetime ? .datetime : .timespan)
  }
}

/// Nanoseconds: divided by 100; digits below a tick are refused or floored.
struct NanosToTicks: FixedConversion {
  let isDatetime: Bool
  let policy: InexactPolicy

  // SAFETY: only INT64 leaves are given this conversion: 8 bytes a value.
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Int64>) throws(ParquetError) {
    for i in 0..<count {
      let value = unsafe (raw + i &* 8).loadUnaligned(as: Int64.self)
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 100)
      if remainder != 0, policy == .fail {
        throw ParquetError(
          .inexact, "\(value) ns is not a whole number of 100 ns ticks", hint: "onInexact=truncate floors such values")
      }
      unsafe out[i] = remainder < 0 ? quotient - 1 : quotient
    }
  }

  func vector(_ values: Buffer<Int64>, validity: Bitmap?) -> ColumnVector {
    .long(values, validity: validity, type: isDatetime ? .datetime : .timespan)
  }
}

/// INT96: nanoseconds of the day, then the Julian day number. Covers the whole range of datetime, unlike 64-bit nanoseconds.
struct Int96ToTicks: FixedConversion {
  let policy: InexactPolicy
  private static let epochJulianDay: Int64 = 2_440_588

  // SAFETY: INT96 has 12 bytes a value: 8 of nanoseconds, 4 of days.
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Int64>) throws(ParquetError) {
    for i in 0..<count {
      let nanos = unsafe (raw + i &* 12).loadUnaligned(as: Int64.self)
      let julianDay: Int32 = unsafe (raw + (i &* 12 &+ 8)).loadUnaligned(as: Int32.self)
      let day = Int64(julianDay) - Self.epochJulianDay
      var (ticks, remainder) = nanos.quotientAndRemainder(dividingBy: 100)
      if remainder != 0 {
        if policy == .fail {
          throw ParquetError(
            .inexact, "\(nanos) ns is not a whole number of 100 ns ticks", hint: "onInexact=truncate floors such values")
        }
        if remainder < 0 { ticks -= 1 }
      }
      // Days beyond the years 1 to 9999 could overflow; ticks within a day (even a strange one of 2^63 ns) cannot.
      let isInRange = day > -800_000 && day < 3_000_000
      var total = day < 0 ? Int64.min : Int64.max
      if isInRange { total = day * CivilTime.ticksPerDay + ticks }
      if total < CivilTime.minTicks || total > CivilTime.maxTicks {
        if policy == .fail { throw outOfRange(day, isDatetime: true, unit: " days") }
        unsafe out[i] = total < CivilTime.minTicks ? CivilTime.minTicks : CivilTime.maxTicks
      } else {
        unsafe out[i] = total
      }
    }
  }

  func vector(_ values: Buffer<Int64>, validity: Bitmap?) -> ColumnVector {
    .long(values, validity: validity, type: .datetime)
  }
}

private func outOfRange(_ value: Int64, isDatetime: Bool, unit: String = "") -> ParquetError {
  ParquetError(
    .inexact,
    isDatetime
      ? "time \(value)\(unit) since 1970 lies outside the years 1 to 9999" : "duration \(value)\(unit) exceeds a timespan",
    hint: "onInexact=truncate clamps such values")
}

/// Big-endian two's complement of `width` bytes to 64 or 128 bits.
struct BigEndianDecimal<Out: FixedWidthInteger & SignedInteger & BitwiseCopyable & Sendable>: FixedConversion {
  let width: Int
  let make: (Buffer<Out>, Bitmap?) -> ColumnVector

  // SAFETY: `width` is the leaf's own, so that value `i` lies at `i * width`.
  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Out>) throws(ParquetError) {
    for i in 0..<count {
      unsafe out[i] = try unsafe bigEndianInteger(UnsafeRawBufferPointer(start: raw + i &* width, count: width), as: Out.self)
    }
  }

  func vector(_ values: Buffer<Out>, validity: Bitmap?) -> ColumnVector { make(values, validity) }
}

/// A big-endian two's complement number of any length; throws when it does not fit `Out`.
// SAFETY: `start` is 0 or `bytes.count - size`, and indices stay below `bytes.count`.
@inline(__always)
func bigEndianInteger<Out: FixedWidthInteger & SignedInteger>(
  _ bytes: UnsafeRawBufferPointer, as type: Out.Type
) throws(ParquetError) -> Out {
  let size = MemoryLayout<Out>.size
  var start = 0
  let isNegative = unsafe bytes.count > 0 && bytes[0] >= 0x80
  if bytes.count > size {
    start = bytes.count - size
    let extension8: UInt8 = isNegative ? 0xFF : 0
    for i in 0..<start where unsafe bytes[i] != extension8 { throw tooWide() }
    guard unsafe (bytes[start] >= 0x80) == isNegative else { throw tooWide() }
  }
  var value: Out = isNegative ? -1 : 0
  for i in start..<bytes.count { value = unsafe value << 8 | Out(truncatingIfNeeded: bytes[i]) }
  return value
}

private func tooWide() -> ParquetError {
  ParquetError(.inexact, "decimal coefficient beyond the digits of its declared precision (or of 128 bits)")
}

/// A decimal column of one scale in 128-bit form.
func wideDecimals(_ values: Buffer<Int128>, scale: Int, validity: Bitmap?) -> ColumnVector {
  ColumnVector(
    type: .decimal, count: values.count, validity: validity,
    storage: .decimal128(values, scales: Buffer(repeating: Int16(scale), count: values.count)))
}
