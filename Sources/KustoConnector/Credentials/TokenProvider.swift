// Role: what every method of authentication gives: a bearer token for a resource. The transport asks before each request and once more after a 401;
// methods, caches and option parsing live beside this file.

/// What a token is wanted for.
package struct TokenResource: Sendable, Hashable {
  /// Address of the service without path, such as `https://help.kusto.windows.net`.
  package var endpoint: String
  /// The audience to ask for, such as `https://storage.azure.com`; nil: the one that `GET endpoint/v1/rest/auth/metadata` names, for clusters.
  package var audience: String?

  package init(endpoint: String, audience: String? = nil) {
    self.endpoint = endpoint
    self.audience = audience
  }
}

/// An access token. Prints without its text.
package struct Token: Sendable, CustomStringConvertible, CustomReflectable {
  /// What stands behind `Authorization: Bearer`.
  package let secret: String
  /// Ticks of 100 ns since the Unix epoch at which it ends; nil: not known.
  package let expiresOn: Int64?

  package init(secret: String, expiresOn: Int64? = nil) {
    self.secret = secret
    self.expiresOn = expiresOn
  }

  package var description: String { "token(…)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A method of authentication. Thread-safe.
package protocol TokenProvider: Sendable {
  /// Names the method and its public parts (application id, authority), never a secret; equal texts may share connections.
  var name: String { get }
  /// A token that is still valid for a while; nil: requests go without one. May wait for an identity service. Throws `KConnectError`.
  func token(for resource: TokenResource) throws -> Token?
  /// The service has refused `token` (401): the next call must not answer with it again. False: there is no other one to get.
  func invalidate(_ token: Token, for resource: TokenResource) -> Bool
}

/// No authentication.
package struct NoToken: TokenProvider {
  package init() {}
  package var name: String { "none" }
  package func token(for resource: TokenResource) throws -> Token? { nil }
  package func invalidate(_ token: Token, for resource: TokenResource) -> Bool { false }
}

/// A token the user gave; never renewed.
package struct FixedToken: TokenProvider {
  private let fixed: Token
  package init(_ secret: String) { fixed = Token(secret: secret) }
  package var name: String { "token" }
  package func token(for resource: TokenResource) throws -> Token? { fixed }
  package func invalidate(_ token: Token, for resource: TokenResource) -> Bool { false }
}
