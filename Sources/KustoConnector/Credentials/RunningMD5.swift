// Role: the digest by which storage services check that bytes arrived as they were sent (Content-MD5).

import COpenSSL
import DataSource

/// An MD5 over bytes as they come. One thread at a time.
// SAFETY: owns the handle from init to deinit.
@safe package final class RunningMD5 {
  private let handle: OpaquePointer

  /// Throws CONFIGURATION where libcrypto is not installed.
  package init() throws {
    try Crypto.load()
    guard let handle = unsafe kcssl_md5_new() else { throw Self.refusal }
    unsafe self.handle = unsafe handle
  }

  deinit { unsafe kcssl_md5_free(handle) }

  package func add(_ bytes: [UInt8]) throws {
    // SAFETY: the array's bytes live for the call.
    let isTaken = unsafe bytes.withUnsafeBytes { unsafe kcssl_md5_add(handle, $0.baseAddress, $0.count) }
    guard isTaken else { throw Self.refusal }
  }

  /// The 16 bytes of the digest; called once.
  package func finish() throws -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 16)
    // SAFETY: the array has as many bytes as the digest, and lives for the call.
    let isDone = unsafe out.withUnsafeMutableBufferPointer { target in unsafe target.baseAddress.map { unsafe kcssl_md5_finish(handle, $0) } ?? false }
    guard isDone else { throw Self.refusal }
    return out
  }

  private static var refusal: KConnectError { KConnectError(.internalError, "libcrypto refused a digest") }
}
