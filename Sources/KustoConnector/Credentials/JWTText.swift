// Role: JSON Web Tokens: reads the expiry of one, and writes the signed assertion by which an application proves that it holds a certificate.
// Source: RFC 7515, RFC 7518 (RS256, PS256), RFC 7523; the header names are those that Entra ID and ADFS ask for.

import COpenSSL
import Columnar
import DataSource

enum JWTText {
  /// The `exp` of a token in ticks; nil for tokens that are not JWTs. The signature is the service's business.
  static func expiry(_ token: String) -> Int64? {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, token.utf8.count < 1 << 16, let bytes = Base64.bytes(String(parts[1])),
      let claims = try? DynamicValue(parsing: String(decoding: bytes, as: UTF8.self)), let end = claims["exp"]?.wholeNumber, (0..<253_402_300_800).contains(end)
    else { return nil }
    return end * 10_000_000
  }
}

/// How an assertion is signed.
enum AssertionAlgorithm: String, Sendable {
  /// PKCS #1 v1.5 with the certificate's SHA-1 as `x5t`: what ADFS knows.
  case rs256 = "RS256"
  /// PSS with the certificate's SHA-256 as `x5t#S256`: what Entra ID asks for.
  case ps256 = "PS256"
}

/// A private key with its certificates. The key stays in libcrypto's memory.
// SAFETY: owns the handle from init to deinit; libcrypto only reads it in between.
@safe final class CertificateIdentity: @unchecked Sendable {  // immutable
  private let handle: OpaquePointer
  /// The own certificate first, in DER.
  let certificates: [[UInt8]]
  /// Seconds since 1970; nil when not told.
  let notAfter: Int64?

  /// Reads PEM (key and certificate in one text) or PKCS #12. `source` names it in messages. Throws CONFIGURATION.
  init(_ bytes: [UInt8], password: Secret?, source: String) throws {
    try Crypto.load()
    var status = KCSSL_MALFORMED
    let handle = unsafe bytes.withUnsafeBytes { content -> OpaquePointer? in
      guard let base = content.baseAddress else { return nil }
      guard let password else { return unsafe kcssl_identity_read(base, content.count, nil, &status) }
      return unsafe password.reveal().withCString { unsafe kcssl_identity_read(base, content.count, $0, &status) }
    }
    guard let handle = unsafe handle else { throw Self.failure(status, source, hasPassword: password != nil) }
    unsafe self.handle = unsafe handle
    certificates = unsafe (0..<kcssl_certificate_count(handle)).map { i in
      let n = unsafe max(0, Int(kcssl_certificate_der(handle, i, nil, 0)))
      var der = [UInt8](repeating: 0, count: n)
      _ = unsafe der.withUnsafeMutableBufferPointer { unsafe kcssl_certificate_der(handle, i, $0.baseAddress, Int32(n)) }
      return der
    }
    let end = unsafe kcssl_not_after(handle)
    notAfter = end == 0 ? nil : end
  }

  deinit { unsafe kcssl_identity_free(handle) }

  private static func failure(_ status: kcssl_status, _ source: String, hasPassword: Bool) -> KConnectError {
    let (what, hint): (String, String?) =
      switch status {
      case KCSSL_NO_KEY: ("holds no private key", "a PEM file needs the key and the certificate, one behind the other")
      case KCSSL_NO_CERTIFICATE: ("holds no certificate", "a PEM file needs the key and the certificate, one behind the other")
      case KCSSL_BAD_PASSWORD: (hasPassword ? "cannot be opened with this password" : "is protected by a password", "give it as kutoAadAppCertPassword=env:NAME or file:PATH")
      case KCSSL_MISMATCH: ("holds a key and a certificate that do not belong together", nil)
      case KCSSL_NOT_RSA: ("holds no RSA key; not supported: other kinds of keys", "the identity service accepts RSA certificates")
      default: ("is neither PEM nor PKCS #12", "convert it with openssl pkcs12 or openssl x509")
      }
    return KConnectError(.configuration, "the certificate \(source) \(what)", hint: hint)
  }

  /// The signature of `text`.
  func signature(_ text: String, _ algorithm: AssertionAlgorithm) throws -> [UInt8] {
    let input = Array(text.utf8)
    var out = [UInt8](repeating: 0, count: 2_048)
    // SAFETY: both buffers live for the call, which writes at most as many bytes as there is room.
    let n = unsafe input.withUnsafeBytes { bytes in
      unsafe out.withUnsafeMutableBufferPointer { target -> Int in
        guard let from = bytes.baseAddress, let to = target.baseAddress else { return -1 }
        return unsafe kcssl_sign(handle, algorithm == .ps256, from, bytes.count, to, target.count)
      }
    }
    guard n > 0 else { throw KConnectError(.configuration, "libcrypto could not sign with the certificate's key") }
    return Array(out.prefix(n))
  }

  /// The client assertion for a token endpoint, valid for ten minutes from `now` (seconds since 1970).
  func assertion(application: String, audience: String, algorithm: AssertionAlgorithm, sendsChain: Bool, now: Int64) throws -> String {
    let own = certificates.first ?? []
    var header = "{\"alg\":\"\(algorithm.rawValue)\",\"typ\":\"JWT\","
    switch algorithm {
    case .rs256: header += "\"x5t\":\"\(Base64.urlText(try Crypto.sha1(own)))\""
    case .ps256: header += "\"x5t#S256\":\"\(Base64.urlText(try Crypto.sha256(own)))\""
    }
    if sendsChain { header += ",\"x5c\":[" + certificates.map { "\"\(Base64.text($0))\"" }.joined(separator: ",") + "]" }
    header += "}"
    let claims =
      "{\"aud\":\(DynamicValue.string(audience).json),\"iss\":\(DynamicValue.string(application).json),\"sub\":\(DynamicValue.string(application).json),"
      + "\"jti\":\"\(randomIdentifier())\",\"nbf\":\(now - 60),\"iat\":\(now),\"exp\":\(now + 600)}"
    let signed = Base64.urlText(Array(header.utf8)) + "." + Base64.urlText(Array(claims.utf8))
    return signed + "." + Base64.urlText(try signature(signed, algorithm))
  }
}
