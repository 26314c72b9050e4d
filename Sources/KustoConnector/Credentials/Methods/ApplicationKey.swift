// Role: an application that proves itself with a key (client secret): OAuth client credentials.

/// Application id and key.
struct ApplicationKey: TokenMethod {
  let application: String
  let key: Secret
  /// Tenant id or domain; nil: `organizations`.
  let tenant: String?
  let client: OAuthClient

  var name: String { "application key of '\(application)'" + tenant.shownTenant }
  var fingerprint: [Secret] { [key] }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    try client.token(
      target.authority(tenant),
      [("grant_type", "client_credentials"), ("client_id", application), ("client_secret", key.reveal()), ("scope", target.scope)],
      what: name, hint: "check application id, key (has it expired?) and tenant (kustoAadAuthorityID)")
  }
}

/// A user's name and password (resource owner grant); works only for accounts without a second factor.
struct UserPassword: TokenMethod {
  let user: String
  let password: Secret
  let tenant: String?
  /// Nil: the application of the Kusto clients.
  let application: String?
  let client: OAuthClient

  var name: String { "password of '\(user)'" + tenant.shownTenant }
  var fingerprint: [Secret] { [password] }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    try client.token(
      target.authority(tenant),
      [
        ("grant_type", "password"), ("client_id", application ?? target.cloud.clientApplication), ("username", user), ("password", password.reveal()),
        ("scope", target.scope + " offline_access openid profile"),
      ],
      what: name, hint: "check name and password; accounts with a second factor need deviceAuth=true")
  }
}

/// A token that the user has; never renewed.
struct GivenToken: TokenMethod {
  let token: Secret
  /// What it is called: `access token`, `user token`, `application token`.
  let name: String

  var fingerprint: [Secret] { [token] }
  var isRenewable: Bool { false }

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    IssuedToken(secret: token.reveal(), expiresOn: JWTText.expiry(token.reveal()) ?? .max)
  }
}

extension TokenTarget {
  /// The directory that signs in; `organizations` where the user names none.
  func authority(_ tenant: String?) -> Authority { Authority(loginEndpoint: cloud.loginEndpoint, tenant: tenant ?? "organizations") }
}

extension String? {
  /// ` (tenant x)` for names.
  var shownTenant: String { map { " (tenant '\($0)')" } ?? "" }
}
