// Role: the local identity provider over its pure handlers: discovery, every grant, refusals, the key's file, and the way from a token of it to
// a principal.

import Columnar
import DataSource
import KustoAccess
import KustoStore
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A provider in a directory of its own, with a clock of the test's.
final class ProviderBench: Sendable {
  let directory: String
  let provider: IdentityProvider
  static let tenant = "11111111-1111-1111-1111-111111111111"
  static let origin = "https://localhost:8443"

  init() throws {
    directory = "/tmp/kconnect-provider-tests-" + randomIdentifier()
    let app = try SecretHash.text(of: "app-secret", rounds: 10_000), ann = try SecretHash.text(of: "ann-password", rounds: 10_000)
    let text = """
      {"tenant":"\(Self.tenant)","tenantName":"contoso.com","applications":[
        {"id":"aaaaaaaa-0000-0000-0000-000000000001","objectId":"bbbbbbbb-0000-0000-0000-000000000001","name":"loader","secrets":["\(app)"],"groups":["loaders"]},
        {"id":"aaaaaaaa-0000-0000-0000-000000000002","name":"other","secrets":["\(app)"]}],
       "users":[{"name":"ann@contoso.com","objectId":"cccccccc-0000-0000-0000-000000000001","displayName":"Ann <b>","password":"\(ann)","groups":["sales"]}]}
      """
    let known = try ProviderDirectory(text, name: "test.json", directory: "/tmp")
    let clock = Clock()
    self.time = clock
    provider = try IdentityProvider(known, keyDirectory: directory + "/identity", origin: Self.origin, now: { clock.now })
  }

  deinit { _ = FileSystem.system.removeTree(directory) }

  final class Clock: Sendable {
    private let seconds = Mutex<Int64>(1_750_000_000)
    var now: Int64 { seconds.withLock { $0 } }
    func pass(_ more: Int64) { seconds.withLock { $0 += more } }
  }
  let time: Clock

  func send(_ method: String, _ path: String, query: String = "", _ fields: [(String, String)] = [], from peer: String = "-") -> ProviderResponse? {
    let body = fields.map { "\(percentEncoded($0.0))=\(percentEncoded($0.1))" }.joined(separator: "&")
    return provider.respond(to: ProviderRequest(method: method, path: path, query: query, body: Array(body.utf8), peer: peer))
  }

  func json(_ response: ProviderResponse?) throws -> DynamicValue { try DynamicValue(parsing: String(decoding: try #require(response).body, as: UTF8.self)) }

  static let scope = "https://kusto.kusto.windows.net/.default"
  static let tokenPath = "/adfs/\(tenant)/oauth2/token"
  static let loader: [(String, String)] = [("grant_type", "client_credentials"), ("client_id", "aaaaaaaa-0000-0000-0000-000000000001"), ("client_secret", "app-secret"), ("scope", scope)]

  func token(_ fields: [(String, String)], from peer: String = "-") throws -> (status: Int, value: DynamicValue) {
    let response = try #require(send("POST", Self.tokenPath, fields, from: peer))
    return (response.status, try json(response))
  }
}

extension DynamicValue {
  fileprivate var string: String? { if case .string(let text) = self { text } else { nil } }
}

@Suite struct ProviderTests {
  @Test func discovery() throws {
    let bench = try ProviderBench()
    for path in ["/adfs/\(ProviderBench.tenant)/.well-known/openid-configuration", "/\(ProviderBench.tenant)/v2.0/.well-known/openid-configuration", "/adfs/contoso.com/.well-known/openid-configuration", "/adfs/organizations/.well-known/openid-configuration"] {
      let document = try bench.json(bench.send("GET", path))
      for member in ["issuer", "authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "jwks_uri"] {
        #expect(document[member]?.string?.hasPrefix(ProviderBench.origin + "/") == true, "\(path): \(member)")
      }
    }
    #expect(bench.send("GET", "/adfs/someone-else/.well-known/openid-configuration")?.status == 400)
    #expect(bench.send("POST", "/adfs/\(ProviderBench.tenant)/.well-known/openid-configuration")?.status == 405)
    #expect(bench.send("GET", "/v1/rest/ping") == nil)
    #expect(bench.send("GET", "/adfs/..%2f..%2fetc/passwd/x") == nil)
    let instance = try bench.json(bench.send("GET", "/common/discovery/instance", query: "authorization_endpoint=x"))
    #expect(instance["tenant_discovery_endpoint"]?.string?.hasSuffix("/v2.0/.well-known/openid-configuration") == true)
    #expect(try bench.json(bench.send("GET", "/common/userrealm/ann@contoso.com"))["account_type"]?.string == "Managed")
    let keys = String(decoding: try #require(bench.send("GET", "/adfs/\(ProviderBench.tenant)/discovery/keys")).body, as: UTF8.self)
    #expect(keys.contains("\"kid\"") && !keys.contains("\"d\""))
  }

  @Test func applicationBySecret() throws {
    let bench = try ProviderBench()
    let (status, answer) = try bench.token(ProviderBench.loader)
    #expect(status == 200 && answer["token_type"]?.string == "Bearer")
    let principal = try bench.provider.validator().principal(of: try #require(answer["access_token"]?.string))
    #expect(principal.fullyQualifiedName == "aadapp=aaaaaaaa-0000-0000-0000-000000000001;\(ProviderBench.tenant)")
    #expect(principal.groups == ["loaders"] && principal.displayName == "loader" && principal.tenantName == "contoso.com")
    // A server that fetches the published keys comes to the same.
    let keys = try KeySet(try #require(bench.send("GET", "/adfs/\(ProviderBench.tenant)/discovery/keys")).body, name: "keys")
    let time = bench.time
    let far = TokenValidator(issuers: [TrustedIssuer(bench.provider.issuer, tenantName: "contoso.com", keys: KeyCache(keys))], audiences: ["https://kusto.kusto.windows.net"], now: { time.now })
    #expect(try far.principal(of: try #require(answer["access_token"]?.string)) == principal)
    // It expires.
    time.pass(3_600 + 301)
    #expect(throws: TokenError.self) { try far.principal(of: try #require(answer["access_token"]?.string)) }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let fields: [(String, String)]
    let error: String
  }

  static func changed(_ change: [String: String?]) -> [(String, String)] {
    ProviderBench.loader.filter { field in !change.contains { $0.key == field.0 } } + change.sorted { $0.key < $1.key }.compactMap { name, value in value.map { (name, $0) } }
  }

  static let refusals = [
    Refusal(testDescription: "wrong secret", fields: changed(["client_secret": "app-secre"]), error: "invalid_client"),
    Refusal(testDescription: "no secret", fields: changed(["client_secret": nil]), error: "invalid_client"),
    Refusal(testDescription: "unknown application", fields: changed(["client_id": "aaaaaaaa-0000-0000-0000-0000000000ff"]), error: "unauthorized_client"),
    Refusal(testDescription: "no application", fields: changed(["client_id": nil]), error: "invalid_request"),
    Refusal(testDescription: "another resource", fields: changed(["scope": "https://storage.azure.com/.default"]), error: "invalid_resource"),
    Refusal(testDescription: "two resources", fields: changed(["scope": "https://kusto.kusto.windows.net/.default https://other/.default"]), error: "invalid_resource"),
    Refusal(testDescription: "no resource", fields: changed(["scope": nil]), error: "invalid_request"),
    Refusal(testDescription: "no grant", fields: changed(["grant_type": nil]), error: "invalid_request"),
    Refusal(testDescription: "another grant", fields: changed(["grant_type": "authorization_code"]), error: "unsupported_grant_type"),
    Refusal(testDescription: "a public application has no credentials", fields: changed(["client_id": "db662dc1-0cfe-4e1c-a843-19a68e65be58"]), error: "invalid_client"),
    Refusal(testDescription: "an assertion that is none", fields: changed(["client_secret": nil, "client_assertion": "a.b.c", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]), error: "invalid_client"),
    Refusal(testDescription: "a field twice", fields: ProviderBench.loader + [("client_id", "x")], error: "invalid_request"),
    Refusal(testDescription: "wrong password", fields: [("grant_type", "password"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("username", "ann@contoso.com"), ("password", "x"), ("scope", ProviderBench.scope)], error: "invalid_grant"),
    Refusal(testDescription: "unknown user", fields: [("grant_type", "password"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("username", "eve@contoso.com"), ("password", "x"), ("scope", ProviderBench.scope)], error: "invalid_grant"),
    Refusal(testDescription: "invented device code", fields: [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("device_code", "x")], error: "invalid_grant"),
    Refusal(testDescription: "invented refresh token", fields: [("grant_type", "refresh_token"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("refresh_token", "x")], error: "invalid_grant"),
  ]

  @Test(arguments: refusals) func refuses(_ refusal: Refusal) throws {
    let (status, answer) = try ProviderBench().token(refusal.fields)
    #expect((400...401).contains(status))
    #expect(answer["error"]?.string == refusal.error)
    #expect(answer["access_token"] == nil)
  }

  @Test func secretsCannotBeTriedAtWill() throws {
    let bench = try ProviderBench()
    for _ in 0..<10 { #expect(try bench.token(Self.changed(["client_secret": "guess"])).value["error"]?.string == "invalid_client") }
    #expect(try bench.token(ProviderBench.loader).status == 429)
    // Nor can others be kept out by trying.
    #expect(try bench.token(ProviderBench.loader, from: "192.0.2.7").status == 200)
    bench.time.pass(61)
    #expect(try bench.token(ProviderBench.loader).status == 200)
  }

  @Test func userByPasswordAndRefresh() throws {
    let bench = try ProviderBench()
    let fields = [("grant_type", "password"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("username", "Ann@contoso.com"), ("password", "ann-password"), ("scope", ProviderBench.scope + " offline_access openid profile"), ("client_info", "1")]
    let (status, answer) = try bench.token(fields)
    #expect(status == 200 && answer["id_token"] != nil && answer["client_info"] != nil)
    let validator = bench.provider.validator()
    let principal = try validator.principal(of: try #require(answer["access_token"]?.string))
    #expect(principal.userPrincipalName == "ann@contoso.com" && principal.groups == ["sales"] && principal.kind == .user)
    // Neither the refresh token nor the id token opens anything.
    let refresh = try #require(answer["refresh_token"]?.string)
    for other in [refresh, try #require(answer["id_token"]?.string)] {
      let error = #expect(throws: TokenError.self) { try validator.principal(of: other) }
      #expect(error?.reason == .audience || error?.reason == .tenant)
    }
    bench.time.pass(4_000)
    let again = try bench.token([("grant_type", "refresh_token"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("refresh_token", refresh), ("scope", ProviderBench.scope)])
    #expect(again.status == 200)
    #expect(try validator.principal(of: try #require(again.value["access_token"]?.string)).userPrincipalName == "ann@contoso.com")
    // An access token is no refresh token, another application cannot use it, and it ends.
    let access = try #require(again.value["access_token"]?.string)
    #expect(try bench.token([("grant_type", "refresh_token"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("refresh_token", access)]).status == 400)
    #expect(try bench.token([("grant_type", "refresh_token"), ("client_id", "aaaaaaaa-0000-0000-0000-000000000001"), ("client_secret", "app-secret"), ("refresh_token", refresh)]).status == 400)
    bench.time.pass(86_400)
    #expect(try bench.token([("grant_type", "refresh_token"), ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58"), ("refresh_token", refresh)]).status == 400)
  }

  @Test func deviceCode() throws {
    let bench = try ProviderBench()
    let client = ("client_id", "db662dc1-0cfe-4e1c-a843-19a68e65be58")
    func ask() throws -> (device: String, user: String) {
      let answer = try bench.json(bench.send("POST", "/adfs/organizations/oauth2/devicecode", [client, ("scope", ProviderBench.scope + " openid profile offline_access")]))
      return (try #require(answer["device_code"]?.string), try #require(answer["user_code"]?.string))
    }
    func poll(_ device: String, _ client: (String, String) = client) throws -> DynamicValue {
      bench.time.pass(2)
      return try bench.token([("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), client, ("device_code", device)]).value
    }
    func approve(_ code: String, _ name: String, _ password: String, _ more: [(String, String)] = []) -> Int? {
      bench.send("POST", "/adfs/device", [("code", code), ("username", name), ("password", password)] + more)?.status
    }
    let (device, code) = try ask()
    #expect(try poll(device)["error"]?.string == "authorization_pending")
    #expect(try bench.token([("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), client, ("device_code", device)]).value["error"]?.string == "slow_down")
    #expect(approve(code, "ann@contoso.com", "wrong") == 400)
    #expect(approve("BCDFGHJKL", "ann@contoso.com", "ann-password") == 400)
    #expect(try poll(device)["error"]?.string == "authorization_pending")
    #expect(approve(code.lowercased(), "ann@contoso.com", "ann-password") == 200)
    // Another application cannot fetch it.
    #expect(try poll(device, ("client_id", "aaaaaaaa-0000-0000-0000-000000000002"))["access_token"] == nil)
    let answer = try poll(device)
    #expect(answer["id_token"] != nil && answer["refresh_token"] != nil)
    #expect(try bench.provider.validator().principal(of: try #require(answer["access_token"]?.string)).userPrincipalName == "ann@contoso.com")
    // It is given once.
    #expect(try poll(device)["error"]?.string == "invalid_grant")
    let declined = try ask()
    #expect(approve(declined.user, "ann@contoso.com", "ann-password", [("decline", "1")]) == 200)
    #expect(try poll(declined.device)["error"]?.string == "authorization_declined")
    let late = try ask()
    bench.time.pass(901)
    #expect(approve(late.user, "ann@contoso.com", "ann-password") == 400)
    #expect(try poll(late.device)["error"]?.string == "expired_token")
  }

  @Test func pagesAreInert() throws {
    let bench = try ProviderBench()
    let response = try #require(bench.send("GET", "/adfs/device", query: "code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"))
    let html = String(decoding: response.body, as: UTF8.self)
    #expect(response.status == 200 && !html.contains("<script") && html.contains("&lt;script"))
    #expect(response.headers.contains { $0.name == "Content-Security-Policy" && $0.value.contains("default-src 'none'") })
    for header in response.headers { #expect(header.value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }) }
  }

  @Test func theKeyIsKeptForItsOwnerOnly() throws {
    let bench = try ProviderBench()
    let path = bench.directory + "/identity/key.pem"
    var status = stat()
    #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    let known = try ProviderDirectory(#"{"tenant":"t"}"#, name: "t", directory: "/tmp")
    // The same key after a restart; refused when others may read it, or when it is none.
    #expect(try IdentityProvider(known, keyDirectory: bench.directory + "/identity", origin: "https://a").respond(to: ProviderRequest(method: "GET", path: "/adfs/t/discovery/keys"))?.body
      == bench.send("GET", "/adfs/\(ProviderBench.tenant)/discovery/keys")?.body)
    _ = FileSystem.system.setMode(path, 0o644)
    #expect(throws: KConnectError.self) { try IdentityProvider(known, keyDirectory: bench.directory + "/identity", origin: "https://a") }
  }

  @Test(arguments: [
    #"{"applications":[]}"#, "{", "[]", #"{"tenant":"t","applicatons":[]}"#, #"{"tenant":"t","applications":[{"id":"a","secrets":["clear"]}]}"#,
    #"{"tenant":"t","applications":[{"id":"a","certificates":["/nowhere.pem"]}]}"#, #"{"tenant":"t","users":[{"name":"ann","objectId":"o"}]}"#,
    #"{"tenant":"t","tokenLifetime":1}"#, #"{"tenant":"t","applications":[{"id":"a"},{"id":"A"}]}"#, #"{"tenant":"t","applications":[{"id":"a","public":"yes"}]}"#,
  ]) func filesWithMistakesAreRefused(_ text: String) {
    let error = #expect(throws: KConnectError.self) { try ProviderDirectory(text, name: "test.json", directory: "/tmp") }
    #expect(error?.code == .configuration)
    #expect(error?.message.contains("clear") == false)
  }
}
