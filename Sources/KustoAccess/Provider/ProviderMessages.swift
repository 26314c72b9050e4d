// Role: what the identity provider is asked and what it answers: HTTP without a transport.

import Columnar
import DataSource

/// A request for the identity provider. The body is whole.
package struct ProviderRequest: Sendable {
  package var method: String
  /// Without the query, as it was sent.
  package var path: String
  /// Behind the question mark.
  package var query: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// The address of who asks.
  package var peer: String

  package init(method: String, path: String, query: String = "", headers: [(name: String, value: String)] = [], body: [UInt8] = [], peer: String = "-") {
    self.peer = peer
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
  }

  /// The segments of the path, decoded; nil when one of them goes up, or holds a slash or a control character.
  var segments: [String]? {
    let segments = path.split(separator: "/").map { percentDecoded($0) }
    let isClean = segments.allSatisfy { segment in segment != "." && segment != ".." && segment.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") } }
    return isClean ? segments : nil
  }
}

/// The answer of the identity provider.
package struct ProviderResponse: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  private static let always = [("Cache-Control", "no-store"), ("Pragma", "no-cache"), ("X-Content-Type-Options", "nosniff")]

  static func json(_ value: DynamicValue, status: Int = 200) -> ProviderResponse {
    ProviderResponse(status: status, headers: [("Content-Type", "application/json; charset=utf-8")] + always, body: Array(value.json.utf8))
  }

  /// A page that may show text and send forms to where it came from, and nothing else.
  static func page(_ html: String, status: Int = 200) -> ProviderResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return ProviderResponse(
      status: status, headers: [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", policy), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer")] + always,
      body: Array(html.utf8))
  }

  static func failure(_ error: OAuthError) -> ProviderResponse {
    json(
      .bag([DynamicEntry("error", .string(error.code)), DynamicEntry("error_description", .string("\(error.number): \(error.description)")), DynamicEntry("error_codes", .array([.long(Int64(error.number.dropFirst(5)) ?? 0)]))]),
      status: error.status)
  }
}

/// A refusal of the token endpoints. Source: RFC 6749, RFC 8628, Microsoft's AADSTS codes.
struct OAuthError: Error {
  var code: String
  /// Such as `AADSTS700016`.
  var number: String
  var description: String
  var status = 400

  static func invalidRequest(_ what: String) -> OAuthError { OAuthError(code: "invalid_request", number: "AADSTS900144", description: what) }
  static func invalidGrant(_ what: String) -> OAuthError { OAuthError(code: "invalid_grant", number: "AADSTS50126", description: what) }
  static func invalidClient(_ what: String) -> OAuthError { OAuthError(code: "invalid_client", number: "AADSTS7000215", description: what, status: 401) }
}

/// `a=b&c=d` of bodies and queries.
struct FormFields {
  private let fields: [String: String]
  /// Who sent them.
  let peer: String

  /// Throws for a body that is too large, has too many fields, or names one twice.
  init(_ bytes: [UInt8], from peer: String) throws(OAuthError) {
    self.peer = peer
    guard bytes.count <= 1 << 16 else { throw .invalidRequest("the form has \(bytes.count) bytes, expected at most 65536") }
    var fields: [String: String] = [:]
    for pair in bytes.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      func decoded(_ part: ArraySlice<UInt8>) -> String { percentDecoded(String(decoding: part.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }, as: UTF8.self)) }
      let name = decoded(parts[0])
      guard fields.count < 64 else { throw .invalidRequest("the form has more than 64 fields") }
      guard fields.updateValue(parts.count > 1 ? decoded(parts[1]) : "", forKey: name) == nil else { throw .invalidRequest("the form names '\(name.prefix(40))' twice") }
    }
    self.fields = fields
  }

  /// Nil also for an empty value.
  subscript(_ name: String) -> String? { fields[name].flatMap { $0.isEmpty ? nil : $0 } }
}
