// Role: values of the 64-bit types as unsigned keys whose order is that of the values: NaN lowest, -0.0 equal to 0.0, false < true.
// min, max, arg_max and percentiles work on keys, so that one loop serves all these types.

import Columnar

enum OrderKey {
  private static let signBit: UInt64 = 1 << 63

  @inline(__always) static func of(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ signBit }

  /// NaN is 0, below the key of negative infinity.
  @inline(__always) static func of(_ value: Double) -> UInt64 {
    let bits = (value + 0.0).bitPattern  // -0.0 + 0.0 is 0.0
    if value != value { return 0 }
    return bits & signBit != 0 ? ~bits : bits | signBit
  }

  @inline(__always) static func long(_ key: UInt64) -> Int64 { Int64(bitPattern: key ^ signBit) }

  @inline(__always) static func real(_ key: UInt64) -> Double {
    if key == 0 { return .nan }
    return Double(bitPattern: key & signBit != 0 ? key ^ signBit : ~key)
  }

  /// True for types that have keys.
  static func exists(_ type: DataType) -> Bool {
    switch type {
    case .bool, .int, .long, .datetime, .timespan, .real: true
    default: false
    }
  }

  /// Calls `body` with each valid row, its group and its key. The vector's type must have keys.
  // SAFETY: a flat vector's buffer has n elements, kept alive by `flat`, and rows are below n.
  @inline(__always) static func forEach(_ vector: ColumnVector, _ groups: Buffer<Int32>?, _ body: (Int, Int, UInt64) -> Void) {
    let flat = vector.flattened
    defer { withExtendedLifetime(flat) {} }
    let n = flat.count
    switch flat.storage {
    case .bool(let bits): forEachRow(n, flat.validity, groups) { body($0, $1, of(Int64(bits[$0] ? 1 : 0))) }
    case .int(let b):
      let p = unsafe b.pointer
      forEachRow(n, flat.validity, groups) { unsafe body($0, $1, of(Int64(p[$0]))) }
    case .long(let b):
      let p = unsafe b.pointer
      forEachRow(n, flat.validity, groups) { unsafe body($0, $1, of(p[$0])) }
    case .real(let b):
      let p = unsafe b.pointer
      forEachRow(n, flat.validity, groups) { unsafe body($0, $1, of(p[$0])) }
    default: break
    }
  }

  /// Keys back as a column of `type`.
  // SAFETY: callers hand over `count` keys; bits go to words of `build`, one for each 64.
  static func column(_ keys: UnsafePointer<UInt64>, _ count: Int, validity: Bitmap?, type: DataType) -> ColumnVector {
    switch type {
    case .bool:
      return unsafe .bool(
        Bitmap.build(count: count) { words in
          for i in 0..<count where unsafe long(keys[i]) == 1 { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
        }, validity: validity)
    case .int:
      let out = BufferBuilder<Int32>(capacity: count)
      for i in 0..<count { unsafe out.append(Int32(truncatingIfNeeded: long(keys[i]))) }
      return .int(out.finish(), validity: validity)
    case .real:
      let out = BufferBuilder<Double>(capacity: count)
      for i in 0..<count { unsafe out.append(real(keys[i])) }
      return .real(out.finish(), validity: validity)
    default:
      let out = BufferBuilder<Int64>(capacity: count)
      for i in 0..<count { unsafe out.append(long(keys[i])) }
      return .long(out.finish(), validity: validity, type: type)
    }
  }
}
