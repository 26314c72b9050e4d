// Role: digests, message authentication over libcrypto, which is loaded at the first use.

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
