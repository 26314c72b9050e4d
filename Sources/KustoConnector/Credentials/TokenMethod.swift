// Role: what one method of authentication does: get a new token for an audience. Waiting threads, caches and trust are settled around it, in
// `CachedTokenProvider`.

/// What a token is asked for.
struct TokenTarget: Sendable, Hashable {
  /// Where the user's directory signs in.
  var cloud: Cloud
  /// Without `/.default`.
  var audience: String

  /// The v2 scope of the audience.
  var scope: String { audience + "/.default" }
}

/// One method of authentication. Thread-safe; blocks.
protocol TokenMethod: Sendable {
  /// The method and its public parts: `application key of 1234… (tenant contoso)`. Never a secret.
  var name: String { get }
  /// What tells two uses of the method apart in caches, secrets included; only a digest of it is kept.
  var fingerprint: [Secret] { get }
  /// True where a second attempt can give another token.
  var isRenewable: Bool { get }
  /// A fresh token. `previous` is the last one of the same target, for its refresh token. Throws `KConnectError`.
  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken
}

extension TokenMethod {
  var fingerprint: [Secret] { [] }
  var isRenewable: Bool { true }
}
