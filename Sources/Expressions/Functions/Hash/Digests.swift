// Role: MD5, SHA-1, SHA-256 (RFC 1321, FIPS 180-4) and xxHash64 on bytes. For fingerprints of values, not for security.

/// A message cut into 64-byte blocks with the standard padding: 0x80, zeros, the bit length in 8 bytes.
// SAFETY: base + i has 64 bytes left where the body gets it; the tail is one or two blocks of 64, alive for the call.
private func eachBlock(_ bytes: UnsafeBufferPointer<UInt8>, bigEndianLength: Bool, _ body: (UnsafePointer<UInt8>) -> Void) {
  let n = bytes.count
  var i = 0
  if let base = bytes.baseAddress {
    while i + 64 <= n {
      unsafe body(base + i)
      i += 64
    }
  }
  var tail = [UInt8](repeating: 0, count: n - i < 56 ? 64 : 128)
  for k in i..<n { tail[k - i] = unsafe bytes[k] }
  tail[n - i] = 0x80
  let bits = UInt64(n) &* 8
  for k in 0..<8 { tail[tail.count - 8 + k] = UInt8(truncatingIfNeeded: bits >> UInt64(bigEndianLength ? 56 - 8 * k : 8 * k)) }
  unsafe tail.withUnsafeBufferPointer { buffer in
    guard let base = buffer.baseAddress else { return }
    unsafe body(base)
    if buffer.count == 128 { unsafe body(base + 64) }
  }
}

@inline(__always) private func rotl(_ x: UInt32, _ k: UInt32) -> UInt32 { x << k | x >> (32 - k) }
@inline(__always) private func rotr(_ x: UInt32, _ k: UInt32) -> UInt32 { x >> k | x << (32 - k) }
// SAFETY: callers give a block of 64 bytes and k below 16; read at any alignment.
@inline(__always) private func word(_ p: UnsafePointer<UInt8>, _ k: Int) -> UInt32 { unsafe UnsafeRawPointer(p + 4 * k).loadUnaligned(as: UInt32.self) }

private let md5Shifts: [UInt32] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
private let md5Constants: [UInt32] = [
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
  0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
  0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
  0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]

/// 16 bytes.
// SAFETY: `body` gets a block of 64 bytes, and words 0...15 are read.
func md5(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  var h: [UInt32] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  unsafe eachBlock(bytes, bigEndianLength: false) { block in
    var (a, b, c, d) = (h[0], h[1], h[2], h[3])
    for i in 0..<64 {
      let f: UInt32, g: Int
      switch i >> 4 {
      case 0: (f, g) = (b & c | ~b & d, i)
      case 1: (f, g) = (d & b | ~d & c, (5 * i + 1) & 15)
      case 2: (f, g) = (b ^ c ^ d, (3 * i + 5) & 15)
      default: (f, g) = (c ^ (b | ~d), (7 * i) & 15)
      }
      let sum = unsafe a &+ f &+ md5Constants[i] &+ word(block, g).littleEndian
      (a, d, c) = (d, c, b)
      b = b &+ rotl(sum, md5Shifts[(i >> 4) * 4 + (i & 3)])
    }
    h[0] &+= a
    h[1] &+= b
    h[2] &+= c
    h[3] &+= d
  }
  return h.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) } }
}

private func bigEndianBytes(_ h: [UInt32]) -> [UInt8] {
  h.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) } }
}

/// 20 bytes.
// SAFETY: as in `md5`.
func sha1(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  var h: [UInt32] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
  var w = [UInt32](repeating: 0, count: 80)
  unsafe eachBlock(bytes, bigEndianLength: true) { block in
    for i in 0..<16 { w[i] = unsafe word(block, i).bigEndian }
    for i in 16..<80 { w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1) }
    var (a, b, c, d, e) = (h[0], h[1], h[2], h[3], h[4])
    for i in 0..<80 {
      let f: UInt32, k: UInt32
      switch i / 20 {
      case 0: (f, k) = (b & c | ~b & d, 0x5a827999)
      case 1: (f, k) = (b ^ c ^ d, 0x6ed9eba1)
      case 2: (f, k) = (b & c | b & d | c & d, 0x8f1bbcdc)
      default: (f, k) = (b ^ c ^ d, 0xca62c1d6)
      }
      let next = rotl(a, 5) &+ f &+ e &+ k &+ w[i]
      (e, d, c, b, a) = (d, c, rotl(b, 30), a, next)
    }
    h[0] &+= a
    h[1] &+= b
    h[2] &+= c
    h[3] &+= d
    h[4] &+= e
  }
  return bigEndianBytes(h)
}

private let sha256Constants: [UInt32] = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]

/// 32 bytes.
// SAFETY: as in `md5`.
func sha256(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  var h: [UInt32] = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]
  var w = [UInt32](repeating: 0, count: 64)
  unsafe eachBlock(bytes, bigEndianLength: true) { block in
    for i in 0..<16 { w[i] = unsafe word(block, i).bigEndian }
    for i in 16..<64 {
      let s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3
      let s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10
      w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
    }
    var s = h
    for i in 0..<64 {
      let s1 = rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)
      let choice = s[4] & s[5] ^ ~s[4] & s[6]
      let t1 = s[7] &+ s1 &+ choice &+ sha256Constants[i] &+ w[i]
      let s0 = rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)
      let majority = s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]
      s = [t1 &+ s0 &+ majority, s[0], s[1], s[2], s[3] &+ t1, s[4], s[5], s[6]]
    }
    for i in 0..<8 { h[i] &+= s[i] }
  }
  return bigEndianBytes(h)
}

@inline(__always) private var xxPrimes: (UInt64, UInt64, UInt64, UInt64, UInt64) {
  (0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63, 0x27D4_EB2F_1656_67C5)
}

@inline(__always) private func rotl64(_ x: UInt64, _ k: UInt64) -> UInt64 { x << k | x >> (64 - k) }
@inline(__always) private func xxRound(_ acc: UInt64, _ input: UInt64) -> UInt64 { rotl64(acc &+ input &* xxPrimes.1, 31) &* xxPrimes.0 }

/// xxHash64 with seed 0. Source: the xxHash specification.
// SAFETY: `load` reads 8 or 4 bytes, at any alignment, only where as many are left before n, else p[i] where i < n.
func xxhash64(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
  let n = bytes.count
  var h = xxPrimes.4
  var i = 0
  guard let p = bytes.baseAddress else { return xxFinish(h) }
  @inline(__always) func load<T: BitwiseCopyable>(_ at: Int, _: T.Type) -> T { unsafe UnsafeRawPointer(p + at).loadUnaligned(as: T.self) }
  if n >= 32 {
    var v = (xxPrimes.0 &+ xxPrimes.1, xxPrimes.1, UInt64(0), 0 &- xxPrimes.0)
    while i + 32 <= n {
      v.0 = xxRound(v.0, load(i, UInt64.self))
      v.1 = xxRound(v.1, load(i + 8, UInt64.self))
      v.2 = xxRound(v.2, load(i + 16, UInt64.self))
      v.3 = xxRound(v.3, load(i + 24, UInt64.self))
      i += 32
    }
    h = rotl64(v.0, 1) &+ rotl64(v.1, 7) &+ rotl64(v.2, 12) &+ rotl64(v.3, 18)
    for lane in [v.0, v.1, v.2, v.3] { h = (h ^ xxRound(0, lane)) &* xxPrimes.0 &+ xxPrimes.3 }
  }
  h = h &+ UInt64(n)
  while i + 8 <= n {
    h = rotl64(h ^ xxRound(0, load(i, UInt64.self)), 27) &* xxPrimes.0 &+ xxPrimes.3
    i += 8
  }
  if i + 4 <= n {
    h = rotl64(h ^ UInt64(load(i, UInt32.self)) &* xxPrimes.0, 23) &* xxPrimes.1 &+ xxPrimes.2
    i += 4
  }
  while i < n {
    h = unsafe rotl64(h ^ UInt64(p[i]) &* xxPrimes.4, 11) &* xxPrimes.0
    i += 1
  }
  return xxFinish(h)
}

@inline(__always) private func xxFinish(_ hash: UInt64) -> UInt64 {
  var h = hash
  h ^= h >> 33
  h = h &* xxPrimes.1
  h ^= h >> 29
  h = h &* xxPrimes.2
  return h ^ h >> 32
}

/// A hash mixed with another.
func mixedHash(_ a: UInt64, _ b: UInt64) -> UInt64 { (a ^ xxRound(0, b)) &* xxPrimes.0 &+ xxPrimes.3 }
