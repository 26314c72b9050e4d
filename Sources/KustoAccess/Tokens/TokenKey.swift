// Role: keys that sign and check tokens, and digests: Swift's side of libcrypto.

import CKeys
import DataSource

/// How a signature is made. No other algorithm is known here: `none` and those with shared secrets cannot be asked for.
package enum TokenAlgorithm: String, Sendable, CaseIterable {
  case rs256 = "RS256"
  case ps256 = "PS256"
  case es256 = "ES256"

  fileprivate var native: kckeys_algorithm {
    switch self {
    case .rs256: KCKEYS_RS256
    case .ps256: KCKEYS_PS256
    case .es256: KCKEYS_ES256
    }
  }
}

/// An RSA or P-256 key. Immutable, so any thread may use it.
@safe
package final class TokenKey: @unchecked Sendable {
  // SAFETY: owned by this object; libcrypto counts references and locks by itself when a key is used by several threads.
  private let key: OpaquePointer

  /// RSA keys below this many bits are refused.
  package static let minimumBits = 2_048

  private init?(_ key: OpaquePointer?) {
    guard let key = unsafe key else { return nil }
    unsafe self.key = key
    let bits = unsafe kckeys_rsa_bits(key)
    // 0: a key on a curve.
    guard bits == 0 || (Self.minimumBits...16_384).contains(Int(bits)) else { return nil }
  }

  deinit { unsafe kckeys_free(key) }

  /// A new RSA key pair; nil when libcrypto gives none.
  package convenience init?(generatingBits bits: Int) { unsafe self.init(kckeys_generate_rsa(Int32(clamping: bits))) }

  /// A private key in PEM; nil when the text is none, or the key is too small.
  package convenience init?(privatePEM text: [UInt8]) { unsafe self.init(text.withUnsafeBytes { bytes in unsafe bytes.baseAddress.flatMap { unsafe kckeys_read_private_pem($0, bytes.count) } }) }

  /// A public key or certificate in PEM.
  package convenience init?(publicPEM text: [UInt8]) { unsafe self.init(text.withUnsafeBytes { bytes in unsafe bytes.baseAddress.flatMap { unsafe kckeys_read_public_pem($0, bytes.count) } }) }

  /// A certificate in DER.
  package convenience init?(certificate der: [UInt8]) { unsafe self.init(der.withUnsafeBytes { bytes in unsafe bytes.baseAddress.flatMap { unsafe kckeys_read_certificate($0, bytes.count) } }) }

  /// A public RSA key by its numbers, big-endian.
  package convenience init?(modulus: [UInt8], exponent: [UInt8]) {
    unsafe self.init(
      modulus.withUnsafeBytes { n in
        unsafe exponent.withUnsafeBytes { e in
          guard let a = n.baseAddress, let b = e.baseAddress else { return nil }
          return unsafe kckeys_make_rsa(a, n.count, b, e.count)
        }
      })
  }

  /// A public key on P-256.
  package convenience init?(x: [UInt8], y: [UInt8]) {
    guard x.count == 32, y.count == 32 else { return nil }
    unsafe self.init(
      x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeBufferPointer { y in
          guard let a = x.baseAddress, let b = y.baseAddress else { return nil }
          return unsafe kckeys_make_p256(a, b)
        }
      })
  }

  package var isRSA: Bool { unsafe kckeys_rsa_bits(key) > 0 }

  /// The numbers of an RSA key, big-endian.
  package var rsaNumbers: (modulus: [UInt8], exponent: [UInt8])? {
    guard let n = unsafe written(2_048, { unsafe kckeys_rsa_modulus(key, $0, $1) }), let e = unsafe written(16, { unsafe kckeys_rsa_exponent(key, $0, $1) }) else { return nil }
    return (n, e)
  }

  /// The private key as PKCS #8 text.
  package var privatePEM: [UInt8]? { unsafe written(32_768) { unsafe kckeys_private_pem(key, $0, $1) } }

  /// The digests of the certificate the key was read from, as `x5t` and `x5t#S256` have them.
  package var thumbprints: (sha1: [UInt8], sha256: [UInt8])? {
    guard let sha1 = unsafe written(20, { bytes, room in unsafe kckeys_certificate_sha1(key, bytes) ? 20 : -1 }),
      let sha256 = unsafe written(32, { bytes, room in unsafe kckeys_certificate_sha256(key, bytes) ? 32 : -1 })
    else { return nil }
    return (sha1, sha256)
  }

  /// Seconds since 1970 between which the certificate is valid; nil without one.
  package var validity: ClosedRange<Int64>? {
    var from: Int64 = 0, until: Int64 = 0
    guard unsafe kckeys_certificate_validity(key, &from, &until), from <= until else { return nil }
    return from...until
  }

  package func sign(_ bytes: [UInt8], _ algorithm: TokenAlgorithm) -> [UInt8]? {
    let native = algorithm.native
    return unsafe written(2_048) { out, room in unsafe bytes.withUnsafeBytes { unsafe kckeys_sign(key, native, $0.baseAddress ?? UnsafeRawPointer(out), $0.count, out, room) } }
  }

  /// False also where the algorithm is not for keys of this kind.
  package func verifies(_ signature: [UInt8], of bytes: [UInt8], _ algorithm: TokenAlgorithm) -> Bool {
    unsafe signature.withUnsafeBufferPointer { signature in
      unsafe bytes.withUnsafeBytes { bytes in
        guard let s = signature.baseAddress, let b = bytes.baseAddress else { return false }
        return unsafe kckeys_verify(key, algorithm.native, b, bytes.count, s, signature.count)
      }
    }
  }

  /// What `fill` writes into a buffer of `room` bytes; it answers how many, or -1.
  private func written(_ room: Int, _ fill: (UnsafeMutablePointer<UInt8>, Int) -> Int) -> [UInt8]? {
    var out = [UInt8](repeating: 0, count: room)
    // SAFETY: the buffer has `room` bytes and lives through the call.
    let n = unsafe out.withUnsafeMutableBufferPointer { buffer in unsafe buffer.baseAddress.map { unsafe fill($0, room) } ?? -1 }
    return n < 0 || n > room ? nil : Array(out.prefix(n))
  }
}

/// Digests of libcrypto.
package enum Digest {
  package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    // SAFETY: the buffers live through the call; the digest has 32 bytes.
    _ = unsafe bytes.withUnsafeBytes { bytes in unsafe out.withUnsafeMutableBufferPointer { out in unsafe out.baseAddress.map { unsafe kckeys_sha256(bytes.baseAddress, bytes.count, $0) } } }
    return out
  }

  /// Nil when libcrypto refuses.
  static func pbkdf2(_ secret: [UInt8], salt: [UInt8], rounds: Int) -> [UInt8]? {
    var out = [UInt8](repeating: 0, count: 32)
    // SAFETY: the buffers live through the call; the derived key has 32 bytes.
    let isMade = unsafe secret.withUnsafeBytes { secret in
      unsafe salt.withUnsafeBufferPointer { salt in
        unsafe out.withUnsafeMutableBufferPointer { out in
          guard let s = salt.baseAddress, let o = out.baseAddress else { return false }
          return unsafe kckeys_pbkdf2_sha256(secret.baseAddress ?? UnsafeRawPointer(s), secret.count, s, salt.count, Int32(clamping: rounds), o)
        }
      }
    }
    return isMade ? out : nil
  }

  /// Compares in a time that does not depend on where the two differ.
  static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        guard let x = a.baseAddress, let y = b.baseAddress else { return true }
        return unsafe kckeys_equal(x, y, a.count)
      }
    }
  }
}
