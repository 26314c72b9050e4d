// Role: the provider's own key: made once, kept in the store for its owner's eyes only.

import Columnar
import DataSource

#if canImport(Glibc)
import Glibc
#endif

/// An RSA key with the id under which it is published.
struct SigningKey: Sendable {
  let key: TokenKey
  let id: String

  private static let bits = 2_048

  init(_ key: TokenKey) throws {
    guard let (modulus, exponent) = key.rsaNumbers else { throw KConnectError(.formatCorrupt, "the identity provider's key is no RSA key") }
    self.key = key
    // The key's thumbprint, by RFC 7638.
    id = Base64.urlText(Digest.sha256(Array(#"{"e":"\#(Base64.urlText(exponent))","kty":"RSA","n":"\#(Base64.urlText(modulus))"}"#.utf8)))
  }

  /// The key in `directory/key.pem`, made if it is not there; of two processes that make one the first wins. Throws CONFIGURATION for a file
  /// that others may read, FORMAT_CORRUPT for one that holds no key.
  static func open(in directory: String) throws -> SigningKey {
    let path = joinPath(directory, "key.pem")
    if !pathExists(path) { try make(in: directory, path) }
    var status = stat()
    // SAFETY: stat fills the structure during the call.
    guard unsafe stat(path, &status) == 0 else { throw SystemError.make("cannot read", path, errno) }
    guard status.st_mode & 0o077 == 0 else {
      throw KConnectError(.configuration, "'\(path)' may be read by others than its owner", hint: "chmod 600 '\(path)', and make a new key if somebody had a look")
    }
    guard let bytes = try SmallFile.read(path, limit: 1 << 20), let key = TokenKey(privatePEM: bytes) else { throw KConnectError(.formatCorrupt, "'\(path)' holds no private key") }
    return try SigningKey(key)
  }

  private static func make(in directory: String, _ path: String) throws {
    let (_, code) = FileSystem.system.makeDirectories(directory)
    try SystemError.check(code, "cannot create", directory)
    try SystemError.check(FileSystem.system.setMode(directory, 0o700), "cannot close to others", directory)
    guard let pem = TokenKey(generatingBits: bits)?.privatePEM else { throw KConnectError(.internalError, "libcrypto made no key") }
    let draft = joinPath(directory, ".key.\(randomIdentifier()).tmp")
    // SAFETY: the path is copied by the system; the bytes live through the call.
    let descriptor = unsafe Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError.make("cannot create", draft, errno) }
    defer { _ = FileSystem.system.remove(draft) }
    let written = unsafe pem.withUnsafeBytes { unsafe FileSystem.system.write(descriptor, draft, $0) }
    let synced = FileSystem.system.sync(descriptor, draft)
    let closed = FileSystem.system.close(descriptor, draft)
    for code in [written.code, synced, closed] { try SystemError.check(code, "cannot write", draft) }
    let linked = FileSystem.system.link(draft, path)
    if linked != EEXIST { try SystemError.check(linked, "cannot create", path) }
    _ = FileSystem.system.syncDirectory(directory)
  }

  /// As a member of a JWKS document.
  var published: [(String, String)] {
    guard let (modulus, exponent) = key.rsaNumbers else { return [] }
    return [("kty", "RSA"), ("use", "sig"), ("alg", "RS256"), ("kid", id), ("n", Base64.urlText(modulus)), ("e", Base64.urlText(exponent))]
  }
}
