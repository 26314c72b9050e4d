// Role: who asks. The server calls one authenticator for each request and passes the principal on; without one everybody is the process's user.

package import KustoAccess
package import KustoStore
package import KustoWire

/// Finds out who sent a request.
package protocol Authenticator: Sendable {
  /// The principal; nil: a request without one is welcome. Throws a `WireError` with status 401 or 403 for requests that are not.
  func principal(of request: ServerRequest) throws -> Principal?
}

extension WireError {
  /// The answer to a missing or wrong token; `challenge` is the value of WWW-Authenticate.
  package static func unauthorized(_ detail: String, challenge: String = "Bearer") -> WireError {
    var error = WireError(status: 401, code: "Unauthorized", type: "KustoUnauthorizedException", detail: detail, isPermanent: true)
    error.challenge = challenge
    return error
  }
}

/// Principals by bearer tokens.
package struct TokenAuthenticator: Authenticator {
  private let authentication: BearerAuthentication

  package init(_ authentication: BearerAuthentication) { self.authentication = authentication }

  package func principal(of request: ServerRequest) throws -> Principal? {
    let values = request.headers.filter { $0.name == "authorization" }.map(\.value)
    do {
      return try authentication.principal(authorization: values)
    } catch let error as TokenError {
      throw WireError.unauthorized(
        "Authentication is needed: \(error.description)", challenge: authentication.challenge(values.isEmpty ? nil : error))
    }
  }
}
