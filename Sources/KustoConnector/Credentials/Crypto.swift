// Role: digests, message authentication and Base64 over libcrypto, which is loaded at the first use.

import COpenSSL
import DataSource

/// Access to libcrypto. Throws CONFIGURATION where it is not installed.
enum Crypto {
  static func load() throws {
    guard kcssl_load() else {
      throw KConnectError(.configuration, unsafe "signing needs libcrypto, which is not available: \(String(cString: kcssl_load_error()))", hint: "install libssl3")
    }
  }

  private typealias Digest = (UnsafeRawBufferPointer, UnsafeMutablePointer<UInt8>) -> Bool

  private static func digest(_ count: Int, _ bytes: [UInt8], _ body: Digest) throws -> [UInt8] {
    try load()
    var out = [UInt8](repeating: 0, count: count)
    // SAFETY: `out` has as many bytes as the digest; both buffers live for the call.
    let isDone = unsafe bytes.withUnsafeBytes { input in
      unsafe out.withUnsafeMutableBufferPointer { target in unsafe target.baseAddress.map { unsafe body(input, $0) } ?? false }
    }
    guard isDone else { throw KConnectError(.internalError, "libcrypto refused a digest") }
    return out
  }

  static func sha256(_ bytes: [UInt8]) throws -> [UInt8] { try unsafe digest(32, bytes) { unsafe kcssl_sha256($0.baseAddress, $0.count, $1) } }

  static func sha1(_ bytes: [UInt8]) throws -> [UInt8] { try unsafe digest(20, bytes) { unsafe kcssl_sha1($0.baseAddress, $0.count, $1) } }

  static func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) throws -> [UInt8] {
    try unsafe digest(32, bytes) { input, out in
      unsafe key.withUnsafeBytes { key in unsafe kcssl_hmac_sha256(key.baseAddress, key.count, input.baseAddress, input.count, out) }
    }
  }
}

/// Base64 of RFC 4648: the plain alphabet with padding, and the URL one without.
enum Base64 {
  private static let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let url = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func text(_ bytes: [UInt8]) -> String { encoded(bytes, plain, isPadded: true) }

  static func urlText(_ bytes: [UInt8]) -> String { encoded(bytes, url, isPadded: false) }

  private static func encoded(_ bytes: [UInt8], _ alphabet: [UInt8], isPadded: Bool) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var i = 0
    while i < bytes.count {
      let n = min(3, bytes.count - i)
      let word = UInt32(bytes[i]) << 16 | (n > 1 ? UInt32(bytes[i + 1]) << 8 : 0) | (n > 2 ? UInt32(bytes[i + 2]) : 0)
      for k in 0...n { out.append(alphabet[Int(word >> UInt32(18 - 6 * k)) & 63]) }
      if isPadded { for _ in n..<3 { out.append(UInt8(ascii: "=")) } }
      i += 3
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The bytes of a text in either alphabet, white space and padding left out; nil for other characters.
  static func bytes(_ text: String) -> [UInt8]? {
    var out: [UInt8] = []
    var word: UInt32 = 0
    var bits = 0
    for c in text.utf8 {
      let digit: UInt32
      switch c {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(c) - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(c) - 71
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(c) + 4
      case UInt8(ascii: "+"), UInt8(ascii: "-"): digit = 62
      case UInt8(ascii: "/"), UInt8(ascii: "_"): digit = 63
      case UInt8(ascii: "="), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: " "): continue
      default: return nil
      }
      word = word << 6 | digit
      bits += 6
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
      }
    }
    return out
  }
}
