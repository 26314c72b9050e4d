// Role: the token endpoint of an authority (Entra ID, ADFS, a local identity provider): forms out, tokens or named errors in.
// Source: RFC 6749, RFC 8628, RFC 7523.

import Columnar
import DataSource

/// A token as an identity service gives it.
struct IssuedToken: Sendable {
  let secret: String
  /// Ticks of 100 ns since the Unix epoch.
  let expiresOn: Int64
  /// Ticks from which it should be renewed, when the service says so.
  var refreshOn: Int64?
  var refreshToken: Secret?
}

/// A refusal of the token endpoint.
struct OAuthError: Error, Sendable {
  /// `invalid_client`, `authorization_pending`, …
  let code: String
  /// The service's own words, first line; holds no secret.
  let text: String
}

/// A directory (tenant) at a sign-in address.
struct Authority: Sendable, Hashable {
  let loginEndpoint: String
  let tenant: String

  var address: String { loginEndpoint + "/" + tenant }

  /// ADFS (also local identity providers that take its shape): other endpoints, RS256 assertions.
  var isADFS: Bool {
    let first = (URLParts(loginEndpoint)?.path ?? "").split(separator: "/").first.map(String.init) ?? tenant
    return first.lowercased() == "adfs"
  }

  var tokenEndpoint: String { address + (isADFS ? "/oauth2/token" : "/oauth2/v2.0/token") }
  var deviceCodeEndpoint: String { address + (isADFS ? "/oauth2/devicecode" : "/oauth2/v2.0/devicecode") }
}

/// Asks a token endpoint.
struct OAuthClient: Sendable {
  let context: CredentialContext

  /// Sends a form to `url` and answers the JSON of a success. Throws `OAuthError` for refusals that the service names, HTTP for others.
  func post(_ url: String, _ fields: [(String, String)]) throws -> DynamicValue {
    let body = fields.map { FormText.encoded($0.0) + "=" + FormText.encoded($0.1) }.joined(separator: "&")
    var request = HTTPRequest(
      "POST", url, headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")], body: Array(body.utf8))
    request.timeoutMilliseconds = 60_000
    let answer = try Retry.send(request, context)
    let document = answer.body.count <= 1 << 20 ? try? DynamicValue(parsing: String(decoding: answer.body, as: UTF8.self)) : nil
    if answer.status == 200, let document { return document }
    if let code = document?["error"]?.text {
      // The description's first line names the reason; the others hold trace ids.
      let text = document?["error_description"]?.text ?? ""
      throw OAuthError(code: code, text: String(text.prefix { !$0.isNewline }.prefix(400)))
    }
    throw KConnectError(
      .http, "the identity service at '\(request.shownURL)' answered HTTP \(answer.status)" + (answer.status == 200 ? " without JSON" : ""),
      hint: "check the authority (kustoAadAuthorityID) and the network", isRetryable: answer.status == 429 || answer.status >= 500)
  }

  /// Asks for a token; `what` names the method for messages. Throws AUTHENTICATION with the service's reason.
  func token(_ authority: Authority, _ fields: [(String, String)], what: String, hint: String) throws -> IssuedToken {
    do { return try issued(try post(authority.tokenEndpoint, fields), by: authority.tokenEndpoint) } catch let error as OAuthError {
      throw Self.refusal(error, authority, what, hint)
    }
  }

  static func refusal(_ error: OAuthError, _ authority: Authority, _ what: String, _ hint: String) -> KConnectError {
    KConnectError(
      .authentication, "\(what) was refused by '\(authority.address)': \(error.code)" + (error.text.isEmpty ? "" : ": \(error.text)"), hint: hint,
      isRetryable: error.code == "temporarily_unavailable" || error.code == "server_error")
  }

  /// Reads a token answer; `expires_in` counts from now.
  func issued(_ document: DynamicValue, by url: String) throws -> IssuedToken {
    guard let secret = document["access_token"]?.text, !secret.isEmpty else {
      throw KConnectError(.authentication, "the answer of '\(url)' holds no access_token")
    }
    let now = context.nowSeconds
    let end = document["expires_in"]?.wholeNumber.map { now &+ min(max($0, 0), 10 * 365 * 86_400) } ?? document["expires_on"]?.wholeNumber ?? now + 3_600
    var token = IssuedToken(secret: secret, expiresOn: min(max(end, 0), 253_402_300_799) * 10_000_000)
    token.refreshOn = document["refresh_in"]?.wholeNumber.map { (now + min(max($0, 0), 10 * 365 * 86_400)) * 10_000_000 }
    token.refreshToken = document["refresh_token"]?.text.map { Secret($0) }
    return token
  }
}

/// `application/x-www-form-urlencoded` and query texts.
package enum FormText {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// All but letters, digits and `-._~` as `%XX`.
  package static func encoded(_ text: String, keeping extra: String = "") -> String {
    var out: [UInt8] = []
    let extra = Array(extra.utf8)
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): out.append(byte)
      case _ where extra.contains(byte): out.append(byte)
      default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
