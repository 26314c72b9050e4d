// Role: the token endpoint: who asks (application, by secret or assertion; user), for what, and the tokens that answer.

import Columnar
import DataSource

enum TokenRequest {
  static let deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
  static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
}

extension IdentityProvider {
  private typealias Application = ProviderDirectory.Application
  private typealias User = ProviderDirectory.User

  /// What tokens are asked for.
  struct Wanted: Sendable {
    var resource: String
    var givesRefreshToken: Bool
    var givesIdToken: Bool
    /// The scopes as they were asked for, which the answer repeats.
    var scope: String
  }

  /// The answer of the token endpoint at that address.
  func token(_ fields: FormFields, endpoint: String) throws(OAuthError) -> DynamicValue {
    guard let grant = fields["grant_type"] else { throw .invalidRequest("'grant_type' is missing") }
    switch grant {
    case "client_credentials":
      let application = try confidential(try client(fields), fields, endpoint)
      return try answer(application, nil, try wanted(fields), fields)
    case "password":
      let application = try confidential(try client(fields), fields, endpoint)
      guard let name = fields["username"], let password = fields["password"] else { throw .invalidRequest("'username' or 'password' is missing") }
      return try answer(application, try user(name, password, from: fields.peer), try wanted(fields), fields)
    case TokenRequest.deviceGrant, "device_code":
      let application = try confidential(try client(fields), fields, endpoint)
      guard let code = fields["device_code"] ?? fields["code"] else { throw .invalidRequest("'device_code' is missing") }
      let (name, wanted) = try codes.redeem(code, client: application.id, now: now())
      guard let user = directory.user(name) else { throw .invalidGrant("the user is not known any more") }
      return try answer(application, user, wanted, fields)
    case "refresh_token":
      let application = try confidential(try client(fields), fields, endpoint)
      guard let text = fields["refresh_token"] else { throw .invalidRequest("'refresh_token' is missing") }
      let (user, resource) = try refreshed(text, application)
      var wanted = fields["scope"] == nil && fields["resource"] == nil ? Wanted(resource: resource, givesRefreshToken: true, givesIdToken: true, scope: resource + "/.default") : try wanted(fields)
      wanted.givesRefreshToken = true
      return try answer(application, user, wanted, fields)
    default: throw OAuthError(code: "unsupported_grant_type", number: "AADSTS70003", description: "the grant type '\(grant.prefix(80))' is not supported")
    }
  }

  // MARK: Who asks

  func client(_ fields: FormFields) throws(OAuthError) -> ProviderDirectory.Application {
    guard let id = fields["client_id"] else { throw .invalidRequest("'client_id' is missing") }
    guard let application = directory.application(id) else {
      throw OAuthError(code: "unauthorized_client", number: "AADSTS700016", description: "the application '\(id.prefix(80))' was not found in the directory")
    }
    return application
  }

  /// The application, once it has shown that it is the one; public ones have nothing to show.
  private func confidential(_ application: Application, _ fields: FormFields, _ endpoint: String) throws(OAuthError) -> Application {
    if application.isPublic {
      guard fields["grant_type"] != "client_credentials" else { throw .invalidClient("a public application has no credentials of its own") }
      return application
    }
    if let secret = fields["client_secret"] {
      let key = "application " + application.id
      try attempts.check(key, from: fields.peer, now: now())
      guard application.secrets.contains(where: { $0.matches(secret) }) else {
        attempts.failed(key, from: fields.peer, now: now())
        throw .invalidClient("the client secret is not that of the application '\(application.id)'")
      }
      return application
    }
    guard let assertion = fields["client_assertion"] else {
      throw OAuthError(code: "invalid_client", number: "AADSTS7000218", description: "the request has neither 'client_secret' nor 'client_assertion'", status: 401)
    }
    guard fields["client_assertion_type"] == TokenRequest.assertionType else { throw .invalidRequest("'client_assertion_type' is not \(TokenRequest.assertionType)") }
    try check(assertion, application, endpoint)
    return application
  }

  /// An assertion that the application signed with the key of one of its certificates. Source: RFC 7523, section 3.
  private func check(_ text: String, _ application: Application, _ endpoint: String) throws(OAuthError) {
    func refused(_ why: String) -> OAuthError { OAuthError(code: "invalid_client", number: "AADSTS700027", description: "the client assertion is refused: \(why)", status: 401) }
    let now = now()
    do {
      let token = try WebToken(text)
      let algorithm = try token.algorithm(among: [.rs256, .ps256])
      // Some libraries pad the digests.
      func digest(_ name: String) throws(TokenError) -> String? { try token.headerText(name).map { String($0.prefix { $0 != "=" }) } }
      let sha1 = try digest("x5t"), sha256 = try digest("x5t#S256")
      guard sha1 != nil || sha256 != nil else { throw refused("its header names no certificate") }
      let certificates = application.certificates.filter { certificate in
        guard let prints = certificate.thumbprints, certificate.validity?.contains(now) ?? false else { return false }
        return sha1.map { $0 == Base64.urlText(prints.sha1) } ?? true && sha256.map { $0 == Base64.urlText(prints.sha256) } ?? true
      }
      guard let certificate = certificates.first else { throw refused("its certificate is not one of the application's, or not valid now") }
      guard token.isSigned(by: certificate, algorithm) else { throw refused("its signature is wrong") }
      let claims = token.claims
      guard claims["iss"]?.text?.lowercased() == application.id, claims["sub"]?.text?.lowercased() == application.id else { throw refused("it is not of this application") }
      let audiences = claims["aud"]?.items?.compactMap(\.text) ?? claims["aud"]?.text.map { [$0] } ?? []
      guard audiences.contains(where: { isOwn($0, endpoint) }) else { throw refused("it is for another audience") }
      guard let expires = claims["exp"]?.seconds, expires > now - 300, expires < now + 86_400 else { throw refused("it has expired, or is valid for more than a day") }
      guard (claims["nbf"]?.seconds ?? now) <= now + 300 else { throw refused("it is not valid yet") }
      guard let id = claims["jti"]?.text, id.utf8.count <= 256 else { throw refused("it has no 'jti'") }
      guard assertions.use(application.id + " " + id, until: expires + 300, now: now) else { throw refused("it was used before") }
    } catch let error as TokenError {
      throw refused(error.description)
    } catch let error as OAuthError {
      throw error
    } catch {
      throw refused("\(error)")
    }
  }

  /// The endpoint itself, another spelling of it, or the issuer.
  private func isOwn(_ audience: String, _ endpoint: String) -> Bool {
    let bases = ["\(origin)/adfs/", "\(origin)/"].flatMap { base in [directory.tenantId, directory.tenantName, "organizations", "common"].map { base + $0 } }
    return audience == endpoint || audience == issuer || bases.contains { base in audience == base || audience == base + "/oauth2/token" || audience == base + "/oauth2/v2.0/token" || audience == base + "/v2.0" }
  }

  func user(_ name: String, _ password: String, from peer: String) throws(OAuthError) -> ProviderDirectory.User {
    let key = "user " + name.lowercased()
    guard let user = directory.user(name) else { throw .invalidGrant("the user name or password is wrong") }
    try attempts.check(key, from: peer, now: now())
    guard let hash = user.password, hash.matches(password) else {
      attempts.failed(key, from: peer, now: now())
      throw .invalidGrant("the user name or password is wrong")
    }
    return user
  }

  // MARK: For what

  /// The resource of `scope` (`https://resource/.default`) or `resource`. Throws for resources that are not this provider's.
  func wanted(_ fields: FormFields) throws(OAuthError) -> Wanted {
    let scope = fields["scope"] ?? ""
    let scopes = scope.split(separator: " ").map(String.init)
    let named = scopes.filter { !["openid", "profile", "offline_access", "email"].contains($0) }
    var candidates = fields["resource"].map { [$0] } ?? []
    for name in named {
      guard let slash = name.lastIndex(of: "/"), !name[name.index(after: slash)...].isEmpty else { throw .invalidRequest("the scope '\(name.prefix(200))' is not of the form resource/.default") }
      candidates.append(String(name[..<slash]))
    }
    guard let first = candidates.first else { throw .invalidRequest("neither 'scope' nor 'resource' names a resource") }
    func trimmed(_ text: String) -> Substring { text.hasSuffix("/") ? text.dropLast() : text[...] }
    guard candidates.allSatisfy({ trimmed($0) == trimmed(first) }), let resource = directory.resources.first(where: { trimmed($0) == trimmed(first) }) else {
      throw OAuthError(code: "invalid_resource", number: "AADSTS500011", description: "the resource '\(first.prefix(200))' is not known here, or several were named")
    }
    return Wanted(resource: resource, givesRefreshToken: scopes.contains("offline_access"), givesIdToken: scopes.contains("openid") || scopes.contains("offline_access"), scope: scope.isEmpty ? resource + "/.default" : scope)
  }

  // MARK: Tokens

  /// Header and claims signed with the provider's key.
  private func signed(_ claims: [DynamicEntry], type: String? = nil) throws(OAuthError) -> String {
    var header = [DynamicEntry("kid", .string(key.id)), DynamicEntry("x5t", .string(key.id))]
    if let type { header = [DynamicEntry("kid", .string(key.id)), DynamicEntry("use", .string(type))] }
    guard let token = WebToken.make(header: header, claims: .bag(claims), key: key.key, .rs256) else {
      throw OAuthError(code: "server_error", number: "AADSTS90033", description: "the token could not be signed", status: 500)
    }
    return token
  }

  private func answer(_ application: Application, _ user: User?, _ wanted: Wanted, _ fields: FormFields) throws(OAuthError) -> DynamicValue {
    let now = now()
    func claim(_ name: String, _ value: String) -> DynamicEntry { DynamicEntry(name, .string(value)) }
    func times(_ lifetime: Int64) -> [DynamicEntry] { [DynamicEntry("iat", .long(now)), DynamicEntry("nbf", .long(now)), DynamicEntry("exp", .long(now + lifetime))] }
    var claims = [claim("aud", wanted.resource), claim("iss", issuer), claim("tid", directory.tenantId)] + times(directory.tokenLifetime)
    claims += [claim("appid", application.id), claim("appidacr", application.isPublic ? "0" : fields["client_secret"] == nil ? "2" : "1"), claim("ver", "1.0"), claim("uti", Random.text(16))]
    let groups: [String]
    if let user {
      claims += [claim("oid", user.objectId), claim("sub", user.objectId), claim("upn", user.name), claim("unique_name", user.name), claim("idtyp", "user"), claim("scp", "user_impersonation")]
      if !user.displayName.isEmpty { claims.append(claim("name", user.displayName)) }
      groups = user.groups
    } else {
      claims += [claim("oid", application.objectId), claim("sub", application.objectId), claim("idtyp", "app"), claim("app_displayname", application.name)]
      groups = application.groups
    }
    if !groups.isEmpty { claims.append(DynamicEntry("groups", .array(groups.map { .string($0) }))) }
    var answer = [
      claim("token_type", "Bearer"), claim("scope", wanted.scope), DynamicEntry("expires_in", .long(directory.tokenLifetime)), DynamicEntry("ext_expires_in", .long(directory.tokenLifetime)),
      DynamicEntry("expires_on", .string(String(now + directory.tokenLifetime))), claim("resource", wanted.resource), claim("access_token", try signed(claims)),
    ]
    guard let user else { return .bag(answer) }
    if wanted.givesRefreshToken {
      // Its audience is this endpoint alone: no server takes it for an access token.
      let claims = [claim("aud", issuer + "/refresh"), claim("iss", issuer), claim("sub", user.name), claim("azp", application.id), claim("res", wanted.resource), claim("jti", Random.text(16))]
      answer.append(claim("refresh_token", try signed(claims + times(Self.refreshLifetime), type: "refresh")))
      answer.append(DynamicEntry("refresh_token_expires_in", .long(Self.refreshLifetime)))
    }
    if wanted.givesIdToken {
      var claims = [claim("aud", application.id), claim("iss", issuer), claim("sub", user.objectId), claim("oid", user.objectId), claim("tid", directory.tenantId), claim("ver", "1.0")] + times(directory.tokenLifetime)
      claims += [claim("upn", user.name), claim("preferred_username", user.name), claim("name", user.displayName.isEmpty ? user.name : user.displayName)]
      answer.append(claim("id_token", try signed(claims)))
    }
    if fields["client_info"] == "1" {
      answer.append(claim("client_info", Base64.urlText(DynamicValue.bag([claim("uid", user.objectId), claim("utid", directory.tenantId)]).json.utf8)))
    }
    return .bag(answer)
  }

  private static let refreshLifetime: Int64 = 86_400

  /// The user and resource of a refresh token that this provider gave to the application.
  private func refreshed(_ text: String, _ application: Application) throws(OAuthError) -> (ProviderDirectory.User, String) {
    let refused = OAuthError(code: "invalid_grant", number: "AADSTS70008", description: "the refresh token is not valid, or has expired")
    guard let token = try? WebToken(text), (try? token.algorithm(among: [.rs256])) != nil, token.isSigned(by: key.key, .rs256) else { throw refused }
    let claims = token.claims
    guard claims["aud"]?.text == issuer + "/refresh", claims["iss"]?.text == issuer, let expires = claims["exp"]?.seconds, now() < expires, claims["azp"]?.text == application.id,
      let user = claims["sub"]?.text.flatMap({ directory.user($0) }), let resource = claims["res"]?.text, directory.resources.contains(resource)
    else { throw refused }
    return (user, resource)
  }
}
