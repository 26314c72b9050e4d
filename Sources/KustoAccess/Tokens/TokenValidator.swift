// Role: from a bearer token to the principal it stands for, or the reason why it stands for nobody. Checks, in this order: size and form,
// algorithm, issuer, signature, times, audience, tenant, identity. Source: RFC 8725 (best practices), Microsoft Entra's access tokens.

import Columnar
import DataSource
package import KustoStore
import Synchronization

/// An issuer whose tokens count.
package struct TrustedIssuer: Sendable {
  /// The exact text of `iss`; `{tenantid}` in it stands for the token's `tid`.
  package var issuer: String
  /// Tenants whose tokens count, lower-cased. Empty: any, where the issuer's text names none itself.
  package var tenants: Set<String>
  package var keys: KeyCache
  /// What its one tenant is called besides its id.
  package var tenantName: String?

  package init(_ issuer: String, tenants: Set<String> = [], tenantName: String? = nil, keys: KeyCache) {
    self.tenantName = tenantName
    self.issuer = issuer
    self.tenants = Set(tenants.map { $0.lowercased() })
    self.keys = keys
  }

  /// Whether the token says that it comes from here. Throws where it does, for a tenant that does not count.
  func matches(_ claimed: String, tenant: String) throws(TokenError) -> Bool {
    guard issuer.split(separator: "{tenantid}", omittingEmptySubsequences: false).joined(separator: tenant) == claimed else { return false }
    let isOpen = tenants.isEmpty && !issuer.contains("{tenantid}")
    guard isOpen || tenants.contains(tenant.lowercased()) else { throw TokenError(.tenant, "tokens of this tenant are not accepted") }
    return true
  }
}

package final class TokenValidator: Sendable {
  private let issuers: [TrustedIssuer]
  private let audiences: Set<String>
  private let algorithms: Set<TokenAlgorithm>
  /// Seconds by which clocks may differ.
  private let leeway: Int64
  private let now: @Sendable () -> Int64
  /// Tokens found good, by their digest, until they expire: a client sends the same one with every request.
  private let known = Mutex<[[UInt8]: (principal: Principal, expires: Int64)]>([:])
  private static let maximumKnown = 4_096

  /// `audiences` are compared as they are; a slash at the end does not count. `now` gives seconds since 1970.
  package init(
    issuers: [TrustedIssuer], audiences: [String], algorithms: Set<TokenAlgorithm> = [.rs256, .ps256, .es256], leewaySeconds: Int64 = 300,
    now: @escaping @Sendable () -> Int64 = { StoreClock.nowTicks / 10_000_000 }
  ) {
    self.issuers = issuers
    self.audiences = Set(audiences.map(Self.trimmed))
    self.algorithms = algorithms
    leeway = leewaySeconds
    self.now = now
  }

  private static func trimmed(_ audience: String) -> String { audience.hasSuffix("/") ? String(audience.dropLast()) : audience }

  /// Throws `TokenError`; CONFIGURATION or HTTP where the issuer's keys cannot be had.
  package func principal(of text: String) throws -> Principal {
    guard text.utf8.count <= WebToken.maximumBytes else { throw TokenError(.tooLarge, "the token has more than \(WebToken.maximumBytes) bytes") }
    let now = now()
    let digest = Digest.sha256(Array(text.utf8))
    if let found = known.withLock({ $0[digest] }), now < found.expires + leeway { return found.principal }
    let token = try WebToken(text)
    let claims = try check(token, now: now)
    var principal = try PrincipalClaims.principal(of: claims.value)
    principal.tenantName = claims.tenantName
    let found = principal
    known.withLock { known in
      if known.count >= Self.maximumKnown {
        known = known.filter { now < $0.value.expires }
        if known.count >= Self.maximumKnown { known = [:] }
      }
      known[digest] = (found, claims.expires)
    }
    return principal
  }

  private func check(_ token: WebToken, now: Int64) throws -> (value: DynamicValue, expires: Int64, tenantName: String?) {
    let claims = token.claims
    let algorithm = try token.algorithm(among: algorithms)
    if let type = try token.headerText("typ"), !["jwt", "at+jwt"].contains(type.lowercased()) { throw TokenError(.malformed, "the token is of another type") }
    let id = try token.headerText("kid")
    guard let claimed = claims["iss"]?.text else { throw TokenError(.issuer, "the token names no issuer") }
    let tenant = claims["tid"]?.text ?? ""
    guard let issuer = try issuers.first(where: { issuer in try issuer.matches(claimed, tenant: tenant) }) else { throw TokenError(.issuer, "the token's issuer is not accepted") }
    let keys = try issuer.keys.candidates(id, algorithm, now: now)
    guard !keys.isEmpty else { throw TokenError(.unknownKey, "the token's key is not known") }
    guard keys.contains(where: { token.isSigned(by: $0, algorithm) }) else { throw TokenError(.signature, "the token's signature is wrong") }
    guard let expires = claims["exp"]?.seconds else { throw TokenError(.expired, "the token has no time of expiry") }
    guard now < expires.addingReportingOverflow(leeway).partialValue, expires < .max - leeway else { throw TokenError(.expired, "the token has expired") }
    for name in ["nbf", "iat"] where claims[name] != nil {
      guard let start = claims[name]?.seconds, start > .min + leeway, start - leeway <= now else { throw TokenError(.notYetValid, "the token is not valid yet") }
    }
    let wanted: [String]
    switch claims["aud"] {
    case .string(let one)?: wanted = [one]
    case .array(let several)?: wanted = several.compactMap(\.text)
    default: wanted = []
    }
    guard wanted.contains(where: { audiences.contains(Self.trimmed($0)) }) else { throw TokenError(.audience, "the token is for another audience") }
    return (claims, expires, issuer.tenantName)
  }
}

/// Claims of an access token as an identity.
enum PrincipalClaims {
  /// Throws `TokenError` with reason `claims`.
  static func principal(of claims: DynamicValue) throws(TokenError) -> Principal {
    let tenant = try name(claims, "tid") ?? ""
    let application = try first(claims, "appid", "azp")
    let userName = try first(claims, "upn", "unique_name")
    let isUser = switch claims["idtyp"]?.text {
    case "user": true
    case "app": false
    default: claims["scp"] != nil || userName != nil
    }
    let subject = try first(claims, "oid", "sub")
    guard let object = subject ?? (isUser ? nil : application) else { throw TokenError(.claims, "the token names nobody: it has neither 'oid' nor 'sub'") }
    let shown = try name(claims, isUser ? "name" : "app_displayname") ?? ""
    var principal = Principal(isUser ? .user : .application, objectId: object, tenantId: tenant, applicationId: application, userPrincipalName: isUser ? userName : nil, displayName: shown)
    principal.identityProvider = claims["iss"]?.text ?? ""
    principal.usedMultipleFactors = claims["amr"]?.items?.contains(.string("mfa")) ?? false
    for case .string(let group) in claims["groups"]?.items ?? [] where isClean(group) { principal.groups.append(group) }
    return principal
  }

  /// The first of two claims that is there.
  private static func first(_ claims: DynamicValue, _ a: String, _ b: String) throws(TokenError) -> String? {
    if let found = try name(claims, a) { return found }
    return try name(claims, b)
  }

  /// A claim that is shown and compared: without control characters, and without the letters that separate parts of a principal's name.
  private static func name(_ claims: DynamicValue, _ key: String) throws(TokenError) -> String? {
    guard let value = claims[key], value != .null else { return nil }
    guard let text = value.text, isClean(text), key == "name" || key == "app_displayname" || !text.contains(where: { $0 == ";" || $0 == "=" || $0 == "'" }) else {
      throw TokenError(.claims, "the token's '\(key)' is no name")
    }
    return text.isEmpty ? nil : text
  }

  private static func isClean(_ text: String) -> Bool { text.utf8.count <= 1_024 && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && !(0x80..<0xA0).contains($0.value) } }
}
