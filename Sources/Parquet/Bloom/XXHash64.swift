// xxHash64 with seed 0, the hash of Parquet's bloom filters. Source: xxHash specification, XXH64.

private let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
private let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
private let prime3: UInt64 = 0x1656_67B1_9E37_79F9
private let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
private let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

@inline(__always) private func rotl(_ value: UInt64, _ by: UInt64) -> UInt64 { value &<< by | value &>> (64 &- by) }

@inline(__always) private func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
  rotl(accumulator &+ input &* prime2, 31) &* prime1
}

/// XXH64 of `bytes` with `seed`.
// SAFETY: each load of n bytes at `at` stands behind a check that `at + n <= bytes.count`; loads are unaligned.
// The caller keeps `bytes` alive for the call.
package func xxHash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
  @inline(__always) func load64(_ at: Int) -> UInt64 { unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
  let count = bytes.count
  var at = 0
  var hash: UInt64
  if count >= 32 {
    var v1 = seed &+ prime1 &+ prime2
    var v2 = seed &+ prime2
    var v3 = seed
    var v4 = seed &- prime1
    while at + 32 <= count {
      v1 = round(v1, load64(at))
      v2 = round(v2, load64(at + 8))
      v3 = round(v3, load64(at + 16))
      v4 = round(v4, load64(at + 24))
      at += 32
    }
    hash = rotl(v1, 1) &+ rotl(v2, 7) &+ rotl(v3, 12) &+ rotl(v4, 18)
    for v in [v1, v2, v3, v4] { hash = (hash ^ round(0, v)) &* prime1 &+ prime4 }
  } else {
    hash = seed &+ prime5
  }
  hash = hash &+ UInt64(count)
  while at + 8 <= count {
    hash = rotl(hash ^ round(0, load64(at)), 27) &* prime1 &+ prime4
    at += 8
  }
  if at + 4 <= count {
    let word = unsafe UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
    hash = rotl(hash ^ (word &* prime1), 23) &* prime2 &+ prime3
    at += 4
  }
  while at < count {
    hash = unsafe rotl(hash ^ (UInt64(bytes[at]) &* prime5), 11) &* prime1
    at += 1
  }
  hash = (hash ^ (hash >> 33)) &* prime2
  hash = (hash ^ (hash >> 29)) &* prime3
  return hash ^ (hash >> 32)
}
