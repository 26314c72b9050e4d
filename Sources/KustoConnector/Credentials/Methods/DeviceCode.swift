// Role: a user signs in with a browser on any device: a code is shown on standard error, and the token endpoint is polled at the server's pace
// until the user is done. Source: RFC 8628.

import Columnar
import DataSource

/// Sign-in by code; later tokens come from the refresh token without asking again.
struct DeviceCode: TokenMethod {
  let tenant: String?
  /// Nil: the application of the Kusto clients.
  let application: String?
  let client: OAuthClient

  var name: String { "device code" + tenant.shownTenant }

  private static let grant = "urn:ietf:params:oauth:grant-type:device_code"
  private static let hint = "start again and sign in with the code shown, or use an application key, certificate or azureCliAuth=true"

  func acquire(_ target: TokenTarget, previous: IssuedToken?) throws -> IssuedToken {
    let application = application ?? target.cloud.clientApplication
    let authority = target.authority(tenant)
    let scope = target.scope + " offline_access openid profile"
    if let refresh = previous?.refreshToken, let token = try refreshed(refresh, application, authority, scope) { return token }
    let start: DynamicValue
    do { start = try client.post(authority.deviceCodeEndpoint, [("client_id", application), ("scope", scope)]) } catch let error as OAuthError {
      throw OAuthClient.refusal(error, authority, name, "check the tenant (kustoAadAuthorityID) and that it allows device codes")
    }
    guard let code = start["device_code"]?.text, let userCode = start["user_code"]?.text else {
      throw KConnectError(.authentication, "the answer of '\(authority.deviceCodeEndpoint)' holds no device_code")
    }
    let address = start["verification_uri"]?.text ?? start["verification_url"]?.text ?? authority.loginEndpoint
    client.context.tell(start["message"]?.text ?? "To sign in, open \(address) in a browser and enter the code \(userCode).")
    return try poll(
      code, application, authority, seconds: max(1, min(start["interval"]?.wholeNumber ?? 5, 300)),
      until: client.context.nowSeconds + max(1, min(start["expires_in"]?.wholeNumber ?? 900, 86_400)))
  }

  private func poll(_ code: String, _ application: String, _ authority: Authority, seconds: Int64, until end: Int64) throws -> IssuedToken {
    var interval = seconds
    let fields = [("grant_type", Self.grant), ("client_id", application), ("device_code", code)]
    while client.context.nowSeconds < end {
      try client.context.wait(Int(interval) * 1_000)
      do {
        return try client.issued(try client.post(authority.tokenEndpoint, fields), by: authority.tokenEndpoint)
      } catch let error as OAuthError {
        switch error.code {
        case "authorization_pending": continue
        case "slow_down": interval += 5
        case "authorization_declined", "access_denied": throw KConnectError(.authentication, "the sign-in with the device code was declined", hint: Self.hint)
        case "expired_token", "code_expired": throw expired
        default: throw OAuthClient.refusal(error, authority, name, Self.hint)
        }
      } catch let error as KConnectError where error.isRetryable {
        // A connection that breaks while the user signs in is no refusal (RFC 8628, 3.5): go on more slowly.
        interval = min(interval * 2, 60)
      }
    }
    throw expired
  }

  private var expired: KConnectError { KConnectError(.authentication, "the device code has expired: nobody signed in with it in time", hint: Self.hint) }

  /// A token from the refresh token; nil when that has ended and the user must sign in again.
  private func refreshed(_ refresh: Secret, _ application: String, _ authority: Authority, _ scope: String) throws -> IssuedToken? {
    let fields = [("grant_type", "refresh_token"), ("client_id", application), ("refresh_token", refresh.reveal()), ("scope", scope)]
    do {
      var token = try client.issued(try client.post(authority.tokenEndpoint, fields), by: authority.tokenEndpoint)
      if token.refreshToken == nil { token.refreshToken = refresh }
      return token
    } catch is OAuthError {
      return nil
    }
  }
}
