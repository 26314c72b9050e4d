// Role: a JSON web token as text and as parts. Nothing in it is believed here: lengths, letters and JSON are checked, signatures and claims are
// not. Source: RFC 7515, RFC 7519.

package import Columnar

/// Why a token is refused. Clients are told the reason, never what would have been accepted.
package struct TokenError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Reason: String, Sendable {
    case malformed, tooLarge, algorithm, unknownKey, signature, issuer, audience, tenant, expired, notYetValid, claims
  }

  package var reason: Reason
  package var description: String

  init(_ reason: Reason, _ description: String) {
    self.reason = reason
    self.description = description
  }
}

/// A token taken apart.
package struct WebToken: Sendable {
  /// Longer texts are refused unread.
  package static let maximumBytes = 16_384

  package let header: DynamicValue
  package let claims: DynamicValue
  let signature: [UInt8]
  /// Header and claims as they are signed.
  let signed: [UInt8]

  /// Throws `TokenError`.
  package init(_ text: String) throws(TokenError) {
    let bytes = Array(text.utf8)
    guard bytes.count <= Self.maximumBytes else { throw TokenError(.tooLarge, "the token has \(bytes.count) bytes, expected at most \(Self.maximumBytes)") }
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw TokenError(.malformed, "the token has \(parts.count) parts, expected 3") }
    header = try Self.object(parts[0], "header")
    claims = try Self.object(parts[1], "claims")
    guard let signature = Base64.bytes(parts[2], .token) else { throw TokenError(.malformed, "the token's signature is no base64url") }
    self.signature = signature
    signed = Array(bytes[..<parts[1].endIndex])
  }

  private static func object(_ part: ArraySlice<UInt8>, _ what: String) throws(TokenError) -> DynamicValue {
    guard let bytes = Base64.bytes(part, .token) else { throw TokenError(.malformed, "the token's \(what) is no base64url") }
    guard let text = String(validating: bytes, as: UTF8.self), let value = try? DynamicValue(parsing: text), case .bag = value else {
      throw TokenError(.malformed, "the token's \(what) is no JSON object")
    }
    return value
  }

  /// A text of the header; nil when it is absent. Throws for other values.
  func headerText(_ name: String) throws(TokenError) -> String? {
    switch header[name] {
    case nil, .null?: return nil
    case .string(let text)?: return text
    default: throw TokenError(.malformed, "'\(name)' in the token's header is no text")
    }
  }

  /// Throws unless the header names one of the algorithms, and asks for nothing that is not understood here.
  func algorithm(among allowed: Set<TokenAlgorithm>) throws(TokenError) -> TokenAlgorithm {
    guard let name = try headerText("alg"), let algorithm = TokenAlgorithm(rawValue: name), allowed.contains(algorithm) else {
      throw TokenError(.algorithm, "the token's algorithm is not accepted")
    }
    guard header["crit"] == nil else { throw TokenError(.algorithm, "the token asks for extensions ('crit'), none are known") }
    return algorithm
  }

  func isSigned(by key: TokenKey, _ algorithm: TokenAlgorithm) -> Bool { key.verifies(signature, of: signed, algorithm) }

  /// A new token; nil when the key cannot sign so.
  package static func make(header: [DynamicEntry], claims: DynamicValue, key: TokenKey, _ algorithm: TokenAlgorithm) -> String? {
    let header = DynamicValue.bag([DynamicEntry("typ", .string("JWT")), DynamicEntry("alg", .string(algorithm.rawValue))] + header)
    let signed = Base64.urlText(header.json.utf8) + "." + Base64.urlText(claims.json.utf8)
    return key.sign(Array(signed.utf8), algorithm).map { signed + "." + Base64.urlText($0) }
  }
}

extension DynamicValue {
  var text: String? { if case .string(let value) = self { value } else { nil } }
  var items: [DynamicValue]? { if case .array(let items) = self { items } else { nil } }

  /// Seconds since 1970; a fraction is cut.
  var seconds: Int64? {
    switch self {
    case .long(let value): value
    case .real(let value) where value.isFinite && abs(value) < 1e15: Int64(value)
    default: nil
    }
  }
}
