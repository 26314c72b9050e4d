// Role: an application that proves itself with a certificate: a signed client assertion instead of a key.

import Columnar
import DataSource

/// Where a certificate stands.
enum CertificateSource: Sendable {
  /// A PEM, PFX or P12 file, read anew for each token, so that a renewed certificate is found.
  case file(String)
  /// PEM text, or Base64 of PKCS #12.
  case content(Secret)

  var shown: String {
    switch self {
    case .file(let path): "'\(path)'"
    case .content: "given as text"
    }
  }

  /// Bytes of a certificate file at most.
  private static let limit = 1 << 20

  func read() throws -> [UInt8] {
    switch self {
    case .file(let path):
      guard let bytes = try SmallFile.read(path, limit: Self.limit, tooLarge: .configuration) else {
        throw KConnectError(.configuration, "the certificate '\(path)' does not exist", hint: "kutoAadAppCertPath names a PEM, PFX or P12 file")
      }
      return bytes
    case .content(let text):
      let text = text.reveal()
      if text.contains("-----BEGIN") { return Array(text.utf8) }
      guard let bytes = Base64.bytes(text) else { throw KConnectError(.configuration, "the certificate given as text is neither PEM nor Base64") }
      return bytes
    }
  }
}

/// Application id and certificate.
struct ApplicationCertificate: TokenMethod {
  let application: String
  let source: CertificateSource
  let password: Secret?
  /// SHA-1 in hexadecimal, which the certificate must have; nil: any.
  let thumbprint: String?
  /// True: the assertion carries the certificates (subject name / issuer authentication).
  let sendsChain: Bool
  let tenant: String?
  let client: OAuthClient

  var name: String { "certificate of '\(application)'" + tenant.shownTenant }
  var fingerprint: [Secret] {
    switch source {
    case .file(let path): [Secret(path)] + (password.map { [$0] } ?? [])
    case .content(let text): [text] + (password.map { [$0] } ?? [])
    }
  }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    let authority = target.authority(tenant)
    let identity = try CertificateIdentity(try source.read(), password: password, source: source.shown)
    try check(identity)
    let assertion = try identity.assertion(
      application: application, audience: authority.tokenEndpoint, algorithm: authority.isADFS ? .rs256 : .ps256, sendsChain: sendsChain,
      now: client.context.nowSeconds)
    return try client.token(
      authority, ClientAssertion.fields(application, assertion, target), what: name,
      hint: "check application id and tenant, and that this certificate is registered with the application")
  }

  private func check(_ identity: CertificateIdentity) throws {
    if let end = identity.notAfter, end < client.context.nowSeconds {
      throw KConnectError(.authentication, "the certificate \(source.shown) of '\(application)' has expired", hint: "register a new one with the application")
    }
    guard let thumbprint, let own = identity.certificates.first else { return }
    let digits = try Crypto.sha1(own).map { String(0x100 + Int($0), radix: 16).dropFirst() }.joined()
    let wanted = thumbprint.lowercased().filter { $0.isHexDigit }
    guard digits == wanted else {
      throw KConnectError(.configuration, "the certificate \(source.shown) has another thumbprint than the one given", hint: "its SHA-1 thumbprint is \(digits)")
    }
  }
}

/// The form of client credentials with an assertion.
enum ClientAssertion {
  static func fields(_ application: String, _ assertion: String, _ target: TokenTarget) -> [(String, String)] {
    [
      ("grant_type", "client_credentials"), ("client_id", application),
      ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", assertion), ("scope", target.scope),
    ]
  }
}
