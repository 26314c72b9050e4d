// Role: an identity provider for one machine: speaks as much of Microsoft Entra's protocol as its client libraries ask for, so that every flow
// of them can be run without the cloud. Paths stand at the root and below `/adfs`, whose prefix keeps those libraries from asking the cloud
// whether the provider is known. Source: OpenID Connect Discovery, RFC 6749, RFC 8628, RFC 7523, Microsoft identity platform.

package import Columnar
import DataSource
import KustoStore

package final class IdentityProvider: Sendable {
  let directory: ProviderDirectory
  let key: SigningKey
  /// `https://host:port`, without a slash at the end.
  package let origin: String
  let now: @Sendable () -> Int64
  let codes: DeviceCodes
  let attempts = FailedAttempts()
  let assertions = UsedAssertions()

  /// `keyDirectory` is where the provider's key is kept; `now` gives seconds since 1970. Throws as opening the key does.
  package init(
    _ directory: ProviderDirectory, keyDirectory: String, origin: String, now: @escaping @Sendable () -> Int64 = { StoreClock.nowTicks / 10_000_000 }
  ) throws {
    self.directory = directory
    key = try SigningKey.open(in: keyDirectory)
    self.origin = origin.hasSuffix("/") ? String(origin.dropLast()) : origin
    self.now = now
    codes = DeviceCodes()
  }

  /// The tenant of its tokens.
  package var tenantId: String { directory.tenantId }

  /// Where the provider's key is kept in a store.
  package static func keyDirectory(store path: String) -> String { joinPath(joinPath(path, "_kconnect"), "identity") }

  /// The `iss` of its tokens.
  package var issuer: String { "\(origin)/adfs/\(directory.tenantId)" }

  /// What a server that trusts this provider checks tokens with.
  package func validator(leewaySeconds: Int64 = 300) -> TokenValidator {
    let trusted = TrustedIssuer(issuer, tenants: [directory.tenantId], tenantName: directory.tenantName, keys: KeyCache(KeySet(key.key, id: key.id)))
    return TokenValidator(issuers: [trusted], audiences: directory.resources, algorithms: [.rs256], leewaySeconds: leewaySeconds, now: now)
  }

  /// The answer of `/v1/rest/auth/metadata`.
  package var metadata: AuthenticationMetadata {
    AuthenticationMetadata(
      loginEndpoint: origin + "/adfs", clientId: ProviderDirectory.kustoClientId, resource: directory.resources[0], firstPartyAuthority: issuer)
  }

  // MARK: Routes

  /// The answer; nil for paths that are not the provider's.
  package func respond(to request: ProviderRequest) -> ProviderResponse? {
    guard let all = request.segments else { return nil }
    if all == ["common", "discovery", "instance"] { return request.method == "GET" ? instanceDiscovery(request) : notAllowed("GET") }
    if all.count == 3, all[0] == "common", all[1].lowercased() == "userrealm" { return request.method == "GET" ? userRealm(all[2]) : notAllowed("GET") }
    let isBelow = all.first == "adfs"
    var rest = Array(all.dropFirst(isBelow ? 1 : 0))
    if rest == ["device"] { return devicePage(request) }
    guard rest.count >= 3 else { return nil }
    let tenant = rest.removeFirst()
    let base = origin + (isBelow ? "/adfs/" : "/") + directory.tenantId
    switch rest.map({ $0.lowercased() }) {
    case [".well-known", "openid-configuration"], ["v2.0", ".well-known", "openid-configuration"]:
      guard request.method == "GET" else { return notAllowed("GET") }
      return checked(tenant) { .json(configuration(base)) }
    case ["discovery", "keys"], ["discovery", "v2.0", "keys"]:
      guard request.method == "GET" else { return notAllowed("GET") }
      return checked(tenant) { .json(.bag([DynamicEntry("keys", .array([.bag(key.published.map { DynamicEntry($0.0, .string($0.1)) })]))])) }
    case ["oauth2", "token"], ["oauth2", "v2.0", "token"]:
      guard request.method == "POST" else { return notAllowed("POST") }
      return checked(tenant) { form(request) { fields throws(OAuthError) in try self.token(fields, endpoint: base + "/" + rest.joined(separator: "/")) } }
    case ["oauth2", "devicecode"], ["oauth2", "v2.0", "devicecode"]:
      guard request.method == "POST" else { return notAllowed("POST") }
      return checked(tenant) { form(request) { fields throws(OAuthError) in try self.deviceCode(fields) } }
    case ["oauth2", "authorize"], ["oauth2", "v2.0", "authorize"]:
      return .page(DevicePage.message("Signing in through a browser window is not supported here; use the device code flow."), status: 400)
    default: return nil
    }
  }

  private func notAllowed(_ method: String) -> ProviderResponse {
    var response = ProviderResponse.failure(OAuthError(code: "invalid_request", number: "AADSTS900561", description: "the endpoint accepts \(method) only", status: 405))
    response.headers.append(("Allow", method))
    return response
  }

  private func checked(_ tenant: String, _ body: () -> ProviderResponse) -> ProviderResponse {
    guard directory.isTenant(tenant) else { return .failure(OAuthError(code: "invalid_request", number: "AADSTS90002", description: "the tenant is not known here")) }
    return body()
  }

  private func form(_ request: ProviderRequest, _ body: (FormFields) throws(OAuthError) -> DynamicValue) -> ProviderResponse {
    do throws(OAuthError) { return .json(try body(try FormFields(request.body, from: request.peer))) } catch { return .failure(error) }
  }

  // MARK: Discovery

  private func configuration(_ base: String) -> DynamicValue {
    func texts(_ values: [String]) -> DynamicValue { .array(values.map { .string($0) }) }
    return .bag([
      DynamicEntry("issuer", .string(issuer)), DynamicEntry("authorization_endpoint", .string(base + "/oauth2/authorize")),
      DynamicEntry("token_endpoint", .string(base + "/oauth2/token")), DynamicEntry("device_authorization_endpoint", .string(base + "/oauth2/devicecode")),
      DynamicEntry("jwks_uri", .string(base + "/discovery/keys")), DynamicEntry("response_types_supported", texts(["token", "id_token"])),
      DynamicEntry("subject_types_supported", texts(["public"])), DynamicEntry("id_token_signing_alg_values_supported", texts(["RS256"])),
      DynamicEntry("scopes_supported", texts(["openid", "profile", "offline_access"])),
      DynamicEntry("grant_types_supported", texts(["client_credentials", "password", "refresh_token", TokenRequest.deviceGrant])),
      DynamicEntry("token_endpoint_auth_methods_supported", texts(["client_secret_post", "client_secret_basic", "private_key_jwt"])),
      DynamicEntry("token_endpoint_auth_signing_alg_values_supported", texts(["RS256", "PS256"])),
      DynamicEntry("claims_supported", texts(["aud", "iss", "iat", "nbf", "exp", "sub", "oid", "tid", "appid", "upn", "name", "groups", "scp"])),
    ])
  }

  private func instanceDiscovery(_ request: ProviderRequest) -> ProviderResponse {
    let host = origin.split(separator: "/").last.map(String.init) ?? ""
    return .json(
      .bag([
        DynamicEntry("tenant_discovery_endpoint", .string("\(origin)/\(directory.tenantId)/v2.0/.well-known/openid-configuration")), DynamicEntry("api-version", .string("1.1")),
        DynamicEntry("metadata", .array([.bag([DynamicEntry("preferred_network", .string(host)), DynamicEntry("preferred_cache", .string(host)), DynamicEntry("aliases", .array([.string(host)]))])])),
      ]))
  }

  private func userRealm(_ name: String) -> ProviderResponse {
    let domain = name.split(separator: "@").dropFirst().last.map(String.init) ?? ""
    return .json(
      .bag([
        DynamicEntry("ver", .string("1.0")), DynamicEntry("account_type", .string("Managed")), DynamicEntry("domain_name", .string(domain)),
        DynamicEntry("cloud_instance_name", .string("local")), DynamicEntry("cloud_audience_urn", .string("urn:federation:MicrosoftOnline")),
      ]))
  }
}

/// What clients of a cluster ask for before they sign in.
package struct AuthenticationMetadata: Sendable {
  package var loginEndpoint: String
  package var clientId: String
  package var redirect = "https://microsoft/kustoclient"
  package var resource: String
  package var firstPartyAuthority: String

  package init(loginEndpoint: String, clientId: String, resource: String, firstPartyAuthority: String) {
    self.loginEndpoint = loginEndpoint
    self.clientId = clientId
    self.resource = resource
    self.firstPartyAuthority = firstPartyAuthority
  }

  package var document: DynamicValue {
    .bag([
      DynamicEntry(
        "AzureAD",
        .bag([
          DynamicEntry("LoginEndpoint", .string(loginEndpoint)), DynamicEntry("LoginMfaRequired", .bool(false)), DynamicEntry("KustoClientAppId", .string(clientId)),
          DynamicEntry("KustoClientRedirectUri", .string(redirect)), DynamicEntry("KustoServiceResourceId", .string(resource)),
          DynamicEntry("FirstPartyAuthorityUrl", .string(firstPartyAuthority)),
        ]))
    ])
  }
}
