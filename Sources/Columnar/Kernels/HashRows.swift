// Role: row hashes over key columns: vectorised per column, independent of the vector form (flat, dictionary, constant) and of decimal scales.
// Equal rows hash equally: null equals null, -0.0 equals 0.0, NaN equals NaN, decimals equal across scales, text by bytes.
// Hash tables use the low bits for their slots; partitioning (spilling) should use the high bits.

/// Mixes all bits of a word into all bits of the result (two multiplications).
@inline(__always) func mixHash(_ value: UInt64) -> UInt64 {
  var h = value &* 0x9E37_79B9_7F4A_7C15
  h ^= h >> 32
  h = h &* 0xD6E8_FEB8_6659_FD93
  return h ^ (h >> 29)
}

/// The bits of a double as keys compare it: one zero, one NaN.
@inline(__always) func canonicalBits(_ value: Double) -> UInt64 {
  if value == 0 { return 0 }
  return value != value ? 0x7FF8_0000_0000_0000 : value.bitPattern
}

@inline(__always) private func foldMultiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

/// The hash of a run of bytes; up to 16 bytes behind the end are read (and ignored), which every `Buffer` allows.
@inline(__always) func hashBytes(_ start: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
  // SAFETY: loads stay within count + 16 bytes of `start`; buffers keep 64 readable bytes behind their elements.
  let raw = unsafe UnsafeRawPointer(start)
  var seed: UInt64 = 0x2D35_8DCC_AA6C_78A5 ^ UInt64(truncatingIfNeeded: count)
  var at = 0
  while count &- at > 16 {
    let a = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self), b = unsafe raw.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
    seed = foldMultiply(a ^ 0x8BB8_4B93_962E_ACC9, b ^ seed)
    at &+= 16
  }
  let left = count &- at
  var a: UInt64 = 0, b: UInt64 = 0
  if left > 8 {
    a = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    b = unsafe raw.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self) & (~0 >> UInt64((16 &- left) &* 8))
  } else if left > 0 {
    a = unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self) & (~0 >> UInt64((8 &- left) &* 8))
  }
  return foldMultiply(a ^ 0x4B33_A62E_D433_D4A3, foldMultiply(b ^ seed, 0x8BB8_4B93_962E_ACC9) ^ seed)
}

/// The hash of a decimal: that of the nearest double, which is the same for equal decimals of any scale.
@inline(__always) private func hashDecimal(_ value: DecimalValue) -> UInt64 { mixHash(canonicalBits(value.doubleValue)) }

private let nullHash: UInt64 = 0x5851_F42D_4C95_7F2D

/// The hash of each row of `keys`; without keys all rows hash alike.
package func hashRows(_ keys: [ColumnVector], rowCount: Int) -> Buffer<UInt64> {
  let builder = BufferBuilder<UInt64>(capacity: rowCount)
  let out = unsafe builder.appendUninitialized(rowCount)
  if keys.isEmpty { unsafe out.update(repeating: 0, count: rowCount) }
  for (c, key) in keys.enumerated() {
    precondition(key.count == rowCount, "key column of another length")
    unsafe key.hash(into: out, isFirst: c == 0)
  }
  return builder.finish()
}

extension ColumnVector {
  /// Writes each row's hash to `out`, or folds it into what is there.
  func hash(into out: UnsafeMutablePointer<UInt64>, isFirst: Bool) {
    switch storage {
    case .bool(let bits): unsafe fold(out, isFirst) { mixHash(bits[$0] ? 1 : 2) }
    case .int(let b):
      let p = unsafe b.pointer
      unsafe fold(out, isFirst) { unsafe mixHash(UInt64(bitPattern: Int64(p[$0]))) }
    case .long(let b):
      let p = unsafe b.pointer
      unsafe fold(out, isFirst) { unsafe mixHash(UInt64(bitPattern: p[$0])) }
    case .real(let b):
      let p = unsafe b.pointer
      unsafe fold(out, isFirst) { unsafe mixHash(canonicalBits(p[$0])) }
    case .decimal64(let b, let scale):
      let p = unsafe b.pointer
      if scale >= 0, scale <= 22 {
        let divisor = powersOfTenReal[scale]
        unsafe fold(out, isFirst) { i in
          let v = unsafe p[i]
          if v.magnitude < 1 << 53 { return mixHash(canonicalBits(Double(v) / divisor)) }
          return hashDecimal(DecimalValue(Int128(v), scale: scale))
        }
      } else {
        unsafe fold(out, isFirst) { unsafe hashDecimal(DecimalValue(Int128(p[$0]), scale: scale)) }
      }
    case .decimal128(let b, let scales):
      let p = unsafe b.pointer, s = unsafe scales.pointer
      unsafe fold(out, isFirst) { unsafe hashDecimal(DecimalValue(p[$0], scale: Int(s[$0]))) }
    case .guid(let b):
      let p = unsafe b.pointer
      unsafe fold(out, isFirst) { unsafe mixHash(p[$0].high ^ mixHash(p[$0].low)) }
    case .bytes(let offsets, let data):
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      unsafe fold(out, isFirst) { unsafe hashBytes(d + Int(o[$0]), Int(o[$0 &+ 1] &- o[$0])) }
    case .constant(let value):
      guard count > 0 else { return }
      var one: UInt64 = 0
      unsafe withUnsafeMutablePointer(to: &one) { unsafe value.hash(into: $0, isFirst: true) }
      unsafe fold(out, isFirst) { _ in one }
    case .dictionary(let codes, let values):
      let p = unsafe codes.pointer
      if values.count > count {
        guard case .bytes(let offsets, let data) = values.storage else { return unsafe flattened.hash(into: out, isFirst: isFirst) }
        let o = unsafe offsets.pointer, d = unsafe data.pointer
        return unsafe fold(out, isFirst) { i in
          let code = unsafe Int(p[i])
          return unsafe hashBytes(d + Int(o[code]), Int(o[code &+ 1] &- o[code]))
        }
      }
      unsafe hashRows([values], rowCount: values.count).withUnsafe { hashes in
        guard let h = hashes.baseAddress else { return unsafe fold(out, isFirst) { _ in nullHash } }
        unsafe fold(out, isFirst) { unsafe h[Int(p[$0])] }
      }
    }
  }

  @inline(__always) private func fold(_ out: UnsafeMutablePointer<UInt64>, _ isFirst: Bool, _ value: (Int) -> UInt64) {
    defer { withExtendedLifetime(self) {} }
    if isFirst {
      if let validity {
        for i in 0..<count { unsafe out[i] = validity[i] ? value(i) : nullHash }
      } else {
        for i in 0..<count { unsafe out[i] = value(i) }
      }
    } else if let validity {
      for i in 0..<count { unsafe out[i] = unsafe mixHash((out[i] << 7 | out[i] >> 57) ^ (validity[i] ? value(i) : nullHash)) }
    } else {
      for i in 0..<count { unsafe out[i] = unsafe mixHash((out[i] << 7 | out[i] >> 57) ^ value(i)) }
    }
  }
}
