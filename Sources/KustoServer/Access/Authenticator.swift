// Role: who asks. The server calls one authenticator for each request and passes the principal on; without one everybody is the process's user.

package import KustoWire

/// Who sent a request.
package struct Principal: Sendable, Hashable {
  /// Fully qualified: `aaduser=a@b.c;tenant`, `aadapp=id;tenant`.
  package var name: String
  /// For people.
  package var displayName: String

  package init(name: String, displayName: String? = nil) {
    self.name = name
    self.displayName = displayName ?? name
  }
}

/// Finds out who sent a request.
package protocol Authenticator: Sendable {
  /// The principal; nil: a request without one is welcome. Throws a `WireError` with status 401 or 403 for requests that are not.
  func principal(of request: ServerRequest) throws -> Principal?
}

extension WireError {
  /// The answer to a missing or wrong token.
  package static func unauthorized(_ detail: String) -> WireError {
    WireError(status: 401, code: "Unauthorized", type: "KustoUnauthorizedException", detail: detail, isPermanent: true)
  }
}
