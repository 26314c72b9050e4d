// Role: from the header of a request to its principal, and what the refusal says. Source: RFC 6750, section 3.

package import KustoStore

/// Checks the header `Authorization`.
package struct BearerAuthentication: Sendable {
  private let validator: TokenValidator
  private let metadata: AuthenticationMetadata?

  /// `metadata` tells clients without a token where to get one.
  package init(_ validator: TokenValidator, metadata: AuthenticationMetadata? = nil) {
    self.validator = validator
    self.metadata = metadata
  }

  /// The principal of the values of `Authorization`: there must be just one. Throws `TokenError`, also when there is none (reason
  /// `malformed`); CONFIGURATION or HTTP where the issuer's keys cannot be had.
  package func principal(authorization values: [String]) throws -> Principal {
    guard let value = values.first else { throw TokenError(.malformed, "the request has no token") }
    guard values.count == 1 else { throw TokenError(.malformed, "the request has \(values.count) Authorization headers") }
    let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].isEmpty else { throw TokenError(.malformed, "the Authorization header is not of the form 'Bearer TOKEN'") }
    return try validator.principal(of: String(parts[1]))
  }

  /// The value of `WWW-Authenticate` for a refusal; `error` is nil for a request that had no token.
  package func challenge(_ error: TokenError?) -> String {
    var parts: [String] = []
    if let metadata { parts = ["authorization_uri=\"\(metadata.firstPartyAuthority)\"", "resource_id=\"\(metadata.resource)\""] }
    if let error { parts += ["error=\"invalid_token\"", "error_description=\"\(error.description)\""] }
    return "Bearer " + (parts.isEmpty ? "realm=\"kusto\"" : parts.joined(separator: ", "))
  }
}
