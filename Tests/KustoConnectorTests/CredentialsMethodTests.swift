// Each method of authentication against a scripted identity service: what is sent, what comes of refusals.

import DataSource
import Glibc
import KustoConnector
import Synchronization
import Testing

@Suite struct CredentialsMethodTests {
  private static let key = ["kustoAadAppId": "app", "kustoAadAppSecret": "s3&cr=t é", "kustoAadAuthorityID": "contoso"]

  @Test func applicationKey() throws {
    let world = World(identity)
    let provider = try world.provider(Self.key)
    #expect(try provider.token(for: help)?.secret == "T2")
    let request = world.transport.requests[1]
    #expect(request.url == "https://login.microsoftonline.com/contoso/oauth2/v2.0/token")
    #expect(
      form(request) == [
        "grant_type": "client_credentials", "client_id": "app", "client_secret": "s3&cr=t é", "scope": "https://kusto.kusto.windows.net/.default",
      ])
    #expect(provider.name.contains("app") && !provider.name.contains("s3&cr"))
  }

  @Test(arguments: [
    ("https://c.kusto.windows.net", "https://login.microsoftonline.com", "https://kusto.kusto.windows.net"),
    ("https://c.kusto.usgovcloudapi.net", "https://login.microsoftonline.us", "https://kusto.kusto.usgovcloudapi.net"),
    ("https://c.kusto.chinacloudapi.cn", "https://login.partner.microsoftonline.cn", "https://kusto.kusto.chinacloudapi.cn"),
    ("https://c.kusto.core.eaglex.ic.gov", "https://login.microsoftonline.eaglex.ic.gov", "https://kusto.kusto.core.eaglex.ic.gov"),
    ("https://c.kusto.core.microsoft.scloud", "https://login.microsoftonline.microsoft.scloud", "https://kusto.kusto.core.microsoft.scloud"),
    ("https://x.kusto.fabric.microsoft.com", "https://login.microsoftonline.com", "https://kusto.kusto.windows.net"),
    ("https://c.kusto.sovcloud-api.fr", "https://login.sovcloud-identity.fr", "https://kusto.kusto.sovcloud-api.fr"),
    ("https://C.KUSTO.USGOVCLOUDAPI.NET", "https://login.microsoftonline.us", "https://kusto.kusto.usgovcloudapi.net"),
    ("https://c.kustomfa.chinacloudapi.cn", "https://login.partner.microsoftonline.cn", "https://kusto.kusto.chinacloudapi.cn"),
    ("https://adx.monitor.azure.us", "https://login.microsoftonline.us", "https://kusto.kusto.usgovcloudapi.net"),
    ("https://c.kusto.azuresynapse.net", "https://login.microsoftonline.com", "https://kusto.kusto.windows.net"),
    ("https://ade.loganalytics.io", "https://login.microsoftonline.com", "https://kusto.kusto.windows.net"),
  ])
  func clouds(_ cluster: String, _ login: String, _ resource: String) throws {
    let world = World(identity)
    _ = try world.provider(Self.key).token(for: TokenResource(endpoint: cluster))
    #expect(world.transport.requests[1].url == login + "/contoso/oauth2/v2.0/token")
    #expect(form(world.transport.requests[1])["scope"] == resource + "/.default")
  }

  /// Storage accounts belong to the directory of their cloud, with one audience in all of them; only they may see such tokens.
  @Test(arguments: [
    ("https://a.blob.core.windows.net", "https://login.microsoftonline.com"), ("https://onelake.blob.fabric.microsoft.com", "https://login.microsoftonline.com"),
    ("https://a.blob.core.usgovcloudapi.net", "https://login.microsoftonline.us"), ("https://a.dfs.core.chinacloudapi.cn", "https://login.partner.microsoftonline.cn"),
    ("https://a.blob.core.eaglex.ic.gov", "https://login.microsoftonline.eaglex.ic.gov"), ("https://a.blob.core.microsoft.scloud", "https://login.microsoftonline.microsoft.scloud"),
    ("https://a.queue.core.sovcloud-api.fr", "https://login.sovcloud-identity.fr"),
  ])
  func cloudsOfStorage(_ account: String, _ login: String) throws {
    let world = World(identity)
    let provider = try world.provider(Self.key)
    _ = try provider.token(for: TokenResource(endpoint: account, audience: "https://storage.azure.com"))
    #expect(world.transport.requests.map(\.url) == [login + "/contoso/oauth2/v2.0/token"])
    #expect(form(world.transport.requests[0])["scope"] == "https://storage.azure.com/.default")
    let error = failure { _ = try provider.token(for: TokenResource(endpoint: account + ".evil.com", audience: "https://storage.azure.com")) }
    #expect(error.code == .authentication && world.transport.requests.count == 1)
  }

  @Test func metadataOfTheClusterDecides() throws {
    let world = World { request, number in
      if request.url.hasSuffix("/metadata") {
        return json(
          "{\"AzureAD\":{\"LoginEndpoint\":\"https://localhost:9/adfs/\",\"LoginMfaRequired\":true,\"KustoClientAppId\":\"client\",\"KustoServiceResourceId\":\"https://a.kusto.b\"}}")
      }
      return try identity(request, number)
    }
    let cluster = TokenResource(endpoint: "https://127.0.0.1:8443")
    let provider = try world.provider(Self.key, endpoint: cluster.endpoint)
    _ = try provider.token(for: cluster)
    _ = try provider.token(for: cluster)
    #expect(world.transport.requests.map(\.url) == ["https://127.0.0.1:8443/v1/rest/auth/metadata", "https://localhost:9/adfs/contoso/oauth2/token"])
    #expect(form(world.transport.requests[1])["scope"] == "https://a.kustomfa.b/.default")
  }

  @Test(arguments: [
    ("{}", "no member 'AzureAD'"), ("[", "not JSON"), ("{\"AzureAD\":{}}", "lacks 'LoginEndpoint'"),
    ("{\"AzureAD\":{\"LoginEndpoint\":\"http://evil\",\"KustoServiceResourceId\":\"x\"}}", "expected an https address"),
  ])
  func brokenMetadata(_ text: String, _ message: String) throws {
    let world = World { _, _ in json(text) }
    let error = failure { _ = try world.provider(Self.key).token(for: help) }
    #expect(error.code == .formatCorrupt && error.message.contains(message), "\(error)")
  }

  /// A host that names its own sign-in service gets nothing, neither the secret nor a token.
  @Test(arguments: ["https://evil.example.com", "http://help.kusto.windows.net", "https://kusto.windows.net.evil.com", "https://evil.com/.kusto.windows.net"])
  func untrustedHostsGetNothing(_ cluster: String) throws {
    let world = World { request, number in
      if request.url.hasSuffix("/metadata") {
        return json("{\"AzureAD\":{\"LoginEndpoint\":\"https://login.microsoftonline.com\",\"KustoServiceResourceId\":\"https://kusto.kusto.windows.net\"}}")
      }
      return try identity(request, number)
    }
    let error = failure { _ = try world.provider(Self.key, endpoint: cluster).token(for: TokenResource(endpoint: cluster)) }
    #expect(error.code == .authentication && error.message.contains("a token is not sent"), "\(error)")
    #expect(world.transport.requests.allSatisfy { $0.url.hasSuffix("/metadata") })
  }

  @Test func trustedHosts() throws {
    let world = World(identity)
    for (hosts, cluster) in [("lan.example", "https://lan.example"), (".example", "https://a.lan.example:8443")] {
      let provider = try world.provider(Self.key.merging(["trustedHosts": hosts]) { $1 }, endpoint: cluster)
      #expect(try provider.token(for: TokenResource(endpoint: cluster)) != nil)
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let status: Int
    let body: String
    let message: String
    var code: KConnectError.Code = .authentication
    var isRetryable = false
    var testDescription: String { "\(status) \(body.prefix(40))" }
  }

  @Test(arguments: [
    Refusal(status: 401, body: "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid client secret.\\r\\nTrace ID: x\"}", message: "invalid_client: AADSTS7000215: Invalid client secret."),
    Refusal(status: 400, body: "{\"error\":\"unauthorized_client\",\"error_description\":\"AADSTS700016\"}", message: "AADSTS700016"),
    Refusal(status: 400, body: "{\"error\":\"temporarily_unavailable\"}", message: "temporarily_unavailable", isRetryable: true),
    Refusal(status: 404, body: "<html>", message: "answered HTTP 404", code: .http),
    Refusal(status: 503, body: "", message: "answered HTTP 503", code: .http, isRetryable: true),
    Refusal(status: 200, body: "<html>", message: "without JSON", code: .http),
    Refusal(status: 200, body: "{\"token_type\":\"Bearer\"}", message: "holds no access_token"),
  ])
  func refusals(_ refusal: Refusal) throws {
    let world = World { request, number in
      request.url.hasSuffix("/metadata") ? HTTPResponse(status: 404) : json(refusal.body, status: refusal.status)
    }
    let error = failure { _ = try world.provider(Self.key).token(for: help) }
    #expect(error.code == refusal.code && error.message.contains(refusal.message), "\(error)")
    #expect(error.isRetryable == refusal.isRetryable)
    #expect(error.hint != nil || error.message.contains("access_token"))
    #expect(!error.description.contains("s3&cr") && !error.description.contains("Trace ID"))
  }

  // MARK: Certificates

  /// PEM and PKCS #12 files of one key, made by the openssl program.
  private func certificates(_ place: Place, password: String = "p w") throws -> (pem: String, encrypted: String, pfx: String, thumbprint: String) {
    let (key, cert) = (place("key.pem"), place("cert.pem"))
    func run(_ arguments: String...) throws -> String {
      let output = try shell(["openssl"] + arguments)
      try #require(output.status == 0, "\(output.errorOutput)")
      return output.output
    }
    _ = try run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "3650", "-subj", "/CN=kconnect")
    _ = try run("pkcs12", "-export", "-inkey", key, "-in", cert, "-out", place("id.pfx"), "-passout", "pass:\(password)")
    let encryptedKey = try run("pkcs8", "-topk8", "-in", key, "-passout", "pass:\(password)")
    let (keyText, certText) = (try #require(try SmallFile.readText(key)), try #require(try SmallFile.readText(cert)))
    let print = try run("x509", "-in", cert, "-noout", "-fingerprint", "-sha1").split(separator: "=").last.map { $0.filter(\.isHexDigit) } ?? ""
    return (place.put("id.pem", certText + keyText), place.put("encrypted.pem", encryptedKey + certText), place("id.pfx"), print)
  }

  @Test(.enabled(if: hasOpenSSL, "no openssl program to make certificates with"))
  func certificateFilesAndTheirFailures() throws {
    let place = Place()
    let files = try certificates(place)
    func ask(_ options: [String: String], connectionString: String? = nil) throws -> [String: String] {
      var world = World(identity)
      // Certificates are made now; the scripted clock must lie in their validity.
      world.clock = HandClock(seconds: Int64(time(nil)) + 60)
      _ = try world.provider(options, connectionString: connectionString).token(for: help)
      return form(world.transport.requests[1])
    }
    let base = ["kustoAadAppId": "app", "kustoAadAuthorityID": "contoso"]
    for (file, password) in [(files.pem, nil), (files.encrypted, "p w"), (files.pfx, "p w")] {
      var options = base.merging(["kutoAadAppCertPath": file]) { $1 }
      if let password { options["kustoAadAppCertPassword"] = password }
      let fields = try ask(options)
      #expect(fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" && fields["client_secret"] == nil)
      #expect(fields["client_assertion"]?.split(separator: ".").count == 3)
    }
    let blob = try #require(try SmallFile.readText(files.pem))
    let text = "https://help.kusto.windows.net;Fed=true;AppClientId=app;Tid=contoso;Application Certificate Blob='\(blob)';AppCert=\(files.thumbprint)"
    #expect(try ask([:], connectionString: text)["client_assertion"] != nil)
    let failures: [([String: String], String)] = [
      (["kutoAadAppCertPath": files.pfx], "is protected by a password"), (["kutoAadAppCertPath": files.encrypted], "is protected by a password"),
      (["kutoAadAppCertPath": files.pfx, "kutoAadAppCertPassword": "wrong"], "cannot be opened with this password"),
      (["kutoAadAppCertPath": files.encrypted, "kutoAadAppCertPassword": "wrong"], "cannot be opened with this password"),
      (["kutoAadAppCertPath": place("key.pem")], "holds no certificate"), (["kutoAadAppCertPath": place("cert.pem")], "holds no private key"),
      (["kutoAadAppCertPath": place.put("junk", "junk")], "holds no private key"), (["kutoAadAppCertPath": place.put("der", "0junk")], "is neither PEM nor PKCS #12"),
      (["kutoAadAppCertPath": place("missing.pem")], "does not exist"),
    ]
    for (options, message) in failures {
      let error = failure { _ = try ask(base.merging(options) { $1 }) }
      #expect(error.code == .configuration && error.message.contains(message), "\(error)")
      #expect(!error.description.contains("wrong\""))
    }
    var late = World(identity)
    late.clock = HandClock(seconds: Int64(time(nil)) + 20 * 365 * 86_400)
    let error = failure { _ = try late.provider(base.merging(["kutoAadAppCertPath": files.pem]) { $1 }).token(for: help) }
    #expect(error.message.contains("has expired"))
    #expect(failure { _ = try ask([:], connectionString: text.replacingLast40Hex) }.message.contains("another thumbprint"))
  }

  /// The assertion is verified by PyJWT and cryptography.
  @Test(.enabled(if: hasOpenSSL && hasJWTJudge, "KCONNECT_PYTHON is not set or has no PyJWT and cryptography"), arguments: ["", "/adfs"], [true, false])
  func assertionAsOthersReadIt(_ prefix: String, _ sendsChain: Bool) throws {
    let place = Place()
    let files = try certificates(place)
    var world = World { request, number in
      if request.url.hasSuffix("/metadata") {
        return json("{\"AzureAD\":{\"LoginEndpoint\":\"https://localhost:9\(prefix)\",\"KustoServiceResourceId\":\"https://r\"}}")
      }
      return try identity(request, number)
    }
    let now = Int64(time(nil)) - 5
    world.clock = HandClock(seconds: now)
    let options = ["kustoAadAppId": "app \"é\"", "kustoAadAuthorityID": "t", "kutoAadAppCertPath": files.pem, "kustoAadAppCertSendX5c": sendsChain ? "true" : "false"]
    _ = try world.provider(options, endpoint: "https://localhost:1").token(for: TokenResource(endpoint: "https://localhost:1"))
    let sent = world.transport.requests[1]
    let script = joinPath(parentPath(#filePath), "Judges/assertion.py")
    let output = try shell([try #require(judgePython), script, try #require(form(sent)["client_assertion"]), place("cert.pem"), sent.url, "app \"é\"", sendsChain ? "x5c" : "-"])
    #expect(output.status == 0, "\(output.errorOutput)")
    #expect(output.output.contains(prefix.isEmpty ? "PS256 ok" : "RS256 ok"), "\(output.output)")
  }

  // MARK: Managed identity

  @Test func instanceMetadata() throws {
    var world = World { request, number in
      if request.url.hasSuffix("/metadata") && request.url.contains("kusto") { return HTTPResponse(status: 404) }
      // It is slow to come up: 404 and 429 pass.
      if number < 4 { return HTTPResponse(status: number == 2 ? 404 : 429) }
      return json("{\"access_token\":\"M\",\"expires_on\":\"1700009999\",\"token_type\":\"Bearer\"}")
    }
    let token = try world.provider(["managedIdentityAuth": "true", "managedIdentityClientId": "id"]).token(for: help)
    #expect(token?.secret == "M" && token?.expiresOn == 1_700_009_999 * 10_000_000)
    let request = try #require(world.transport.requests.last)
    #expect(
      request.url == "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fkusto.kusto.windows.net&client_id=id")
    #expect(request.headers.contains { $0.name == "Metadata" && $0.value == "true" })
    #expect(world.clock.waited.count == 2)
    world = World { request, _ in
      if request.url.hasSuffix("/v1/rest/auth/metadata") { return HTTPResponse(status: 404) }
      return json("{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}", status: 400)
    }
    let error = failure { _ = try world.provider(["managedIdentityAuth": "true"]).token(for: help) }
    #expect(error.message.contains("HTTP 400: Identity not found") && error.hint?.contains("managedIdentityClientId") == true)
    world = World { request, _ in
      if request.url.hasSuffix("/v1/rest/auth/metadata") { return HTTPResponse(status: 404) }
      throw KConnectError(.http, "no route", isRetryable: true)
    }
    #expect(failure { _ = try world.provider(["managedIdentityAuth": "true"]).token(for: help) }.message.contains("cannot be reached"))
  }

  @Test func appServiceAndCloudShell() throws {
    var world = World(identity)
    world.environment = ["IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER": "H"]
    _ = try world.provider(["managedIdentityAuth": "true"]).token(for: help)
    #expect(world.transport.requests[1].url == "http://127.0.0.1:41/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fkusto.kusto.windows.net")
    #expect(world.transport.requests[1].headers.contains { $0.name == "X-IDENTITY-HEADER" && $0.value == "H" })
    world = World(identity)
    world.environment = ["MSI_ENDPOINT": "http://localhost:50342/oauth2/token"]
    _ = try world.provider(["managedIdentityAuth": "true"]).token(for: help)
    #expect(world.transport.requests[1].method == "POST" && form(world.transport.requests[1])["resource"] == "https://kusto.kusto.windows.net")
    world.environment = ["IDENTITY_ENDPOINT": "x", "IDENTITY_HEADER": "H", "IDENTITY_SERVER_THUMBPRINT": "T"]
    #expect(failure { _ = try world.provider(["managedIdentityAuth": "true"]).token(for: help) }.code == .notSupported)
  }

  @Test func arcChallenge() throws {
    let place = Place()
    let key = place.put("a.key", "proof")
    func world(_ path: String) -> World {
      var world = World { request, _ in
        if request.url.hasSuffix("/v1/rest/auth/metadata") { return HTTPResponse(status: 404) }
        guard request.headers.contains(where: { $0.name == "Authorization" && $0.value == "Basic proof" }) else {
          return HTTPResponse(status: 401, headers: ["www-authenticate": "Basic realm=\(path)"])
        }
        return json("{\"access_token\":\"ARC\",\"expires_in\":\"3600\"}")
      }
      world.environment = ["IDENTITY_ENDPOINT": "http://localhost:40342/metadata/identity/oauth2/token", "IMDS_ENDPOINT": "http://localhost:40342"]
      return world
    }
    func token(_ world: World, _ options: [String: String] = [:]) throws -> String? {
      var context = world.context
      context.arcKeyDirectory = place.path
      let given = try authenticationOptions(["managedIdentityAuth": "true"].merging(options) { $1 })
      return try Authentication.provider(options: given, endpoint: help.endpoint, context: context, cache: TokenCache()).token(for: help)?.secret
    }
    #expect(try token(world(key)) == "ARC")
    for path in ["/etc/passwd", place("../a.key"), place("a.txt"), "\(place.path)/x/../../etc/b.key"] {
      #expect(failure { _ = try token(world(path)) }.message.contains("expected one in"), "\(path)")
    }
    #expect(failure { _ = try token(world(place("b.key"))) }.message.contains("does not exist"))
    #expect(failure { _ = try token(world(place.put("c.key", String(repeating: "x", count: 5_000)))) }.message.contains("expected at most 4096"))
    #expect(failure { _ = try token(world(key), ["managedIdentityClientId": "u"]) }.message.contains("the system's identity alone"))
  }

  // MARK: Users

  @Test func deviceCode() throws {
    let world = World { request, number in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      if request.url.hasSuffix("/devicecode") {
        return json("{\"device_code\":\"D\",\"user_code\":\"ABC\",\"verification_uri\":\"https://v\",\"expires_in\":900,\"interval\":7,\"message\":\"open https://v and type ABC\"}")
      }
      switch number {
      case 3: return json("{\"error\":\"authorization_pending\"}", status: 400)
      case 4: return json("{\"error\":\"slow_down\"}", status: 400)
      case 5: throw KConnectError(.http, "connection broken", isRetryable: true)
      case 6, 7, 8: return json("{\"error\":\"authorization_pending\"}", status: 400)
      case 9: return json("{\"access_token\":\"U1\",\"expires_in\":3600,\"refresh_token\":\"R\"}")
      default: return json("{\"access_token\":\"U2\",\"expires_in\":3600}")
      }
    }
    let provider = try world.provider(["deviceAuth": "true"])
    #expect(try provider.token(for: help)?.secret == "U1")
    #expect(world.messages.all == ["open https://v and type ABC"])
    // 7 s as the server says, 5 more after slow_down; the half second belongs to the retry of the broken connection.
    #expect(world.clock.waited == [7_000, 7_000, 12_000, 500, 12_000, 12_000, 12_000])
    let poll = form(world.transport.requests[2])
    #expect(poll["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code" && poll["device_code"] == "D" && poll["client_id"] == "db662dc1-0cfe-4e1c-a843-19a68e65be58")
    world.clock.turn(seconds: 3_600)
    #expect(try provider.token(for: help)?.secret == "U2")
    #expect(form(try #require(world.transport.requests.last))["refresh_token"] == "R")
    #expect(world.messages.all.count == 1)
  }

  @Test(arguments: [("expired_token", "has expired"), ("access_denied", "was declined"), ("invalid_grant", "invalid_grant"), ("authorization_pending", "nobody signed in")])
  func deviceCodeFailures(_ code: String, _ message: String) throws {
    let world = World { request, _ in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      if request.url.hasSuffix("/devicecode") { return json("{\"device_code\":\"D\",\"user_code\":\"ABC\",\"expires_in\":60,\"interval\":5}") }
      return json("{\"error\":\"\(code)\"}", status: 400)
    }
    let error = failure { _ = try world.provider(["userPrompt": "true"]).token(for: help) }
    #expect(error.code == .authentication && error.message.contains(message), "\(error)")
    #expect(world.messages.all.first?.contains("enter the code ABC") == true)
    #expect(world.clock.waited.count <= 12)
  }

  @Test func azureCLI() throws {
    var world = World(identity)
    let asked = Mutex<[[String]]>([])
    world.run = { arguments, _ in
      asked.withLock { $0.append(arguments) }
      return ProgramOutput(status: 0, output: "{\"accessToken\":\"AZ\",\"expiresOn\":\"2031-01-01 00:00:00.000000\",\"expires_on\":1700003600,\"tokenType\":\"Bearer\"}")
    }
    let token = try world.provider(["azureCliAuth": "true", "kustoAadAuthorityID": "t"]).token(for: help)
    #expect(token?.secret == "AZ" && token?.expiresOn == 1_700_003_600 * 10_000_000)
    #expect(asked.withLock { $0 } == [["az", "account", "get-access-token", "--output", "json", "--resource", "https://kusto.kusto.windows.net", "--tenant", "t"]])
    let failures: [(@Sendable ([String], Int) throws -> ProgramOutput, String)] = [
      ({ _, _ in ProgramOutput(status: 1, output: "", errorOutput: "\nERROR: Please run 'az login' to setup account.\nmore") }, "ERROR: Please run 'az login' to setup account."),
      ({ _, _ in ProgramOutput(status: 0, output: "not json") }, "without 'accessToken'"),
      ({ a, _ in throw KConnectError(.pathNotFound, "cannot start '\(a[0])'") }, "not installed"),
      ({ a, n in throw KConnectError(.io, "'\(a[0])' did not answer within \(n / 1_000) s", hint: "run it", isRetryable: true) }, "did not answer within 30 s"),
    ]
    for (run, message) in failures {
      world.run = run
      let error = failure { _ = try world.provider(["azureCliAuth": "true"]).token(for: help) }
      #expect(error.code == .authentication && error.message.contains(message) && error.hint != nil, "\(error)")
    }
  }

  @Test func programsThatHangAreEnded() {
    let error = failure { _ = try Subprocess.run(["sh", "-c", "sleep 600 & sleep 600"], 50) }
    #expect(error.code == .io && error.isRetryable && error.message.contains("did not answer"))
    #expect(failure { _ = try Subprocess.run(["kconnect-no-such-program"], 1_000) }.code == .pathNotFound)
    #expect((try? Subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], 60_000)).map { "\($0.status) \($0.output)\($0.errorOutput)" } == "3 out\nerr\n")
  }

  @Test func workloadIdentityReadsItsFileEachTime() throws {
    let place = Place()
    var world = World(identity)
    world.environment = ["AZURE_FEDERATED_TOKEN_FILE": place.put("token", "first\n"), "AZURE_CLIENT_ID": "w", "AZURE_TENANT_ID": "t"]
    let provider = try world.provider(["workloadIdentityAuth": "true"])
    let token = try #require(try provider.token(for: help))
    #expect(form(world.transport.requests[1])["client_assertion"] == "first")
    _ = place.put("token", "second")
    #expect(provider.invalidate(token, for: help))
    _ = try provider.token(for: help)
    #expect(form(world.transport.requests[2])["client_assertion"] == "second")
    #expect(world.transport.requests[2].url == "https://login.microsoftonline.com/t/oauth2/v2.0/token")
    _ = place.put("token", "")
    #expect(failure { _ = try world.provider(["workloadIdentityAuth": "true"]).token(for: help) }.message.contains("missing or empty"))
  }

  @Test func environmentInTheOrderOfTheSDKs() throws {
    var variables = ["AZURE_CLIENT_ID": "e", "AZURE_TENANT_ID": "t", "AZURE_FEDERATED_TOKEN_FILE": "/f", "AZURE_USERNAME": "u", "AZURE_PASSWORD": "p", "AZURE_CLIENT_CERTIFICATE_PATH": "/c", "AZURE_CLIENT_SECRET": "s"]
    for (name, expected) in [("AZURE_CLIENT_SECRET", "application key"), ("AZURE_CLIENT_CERTIFICATE_PATH", "certificate"), ("AZURE_PASSWORD", "password"), ("AZURE_FEDERATED_TOKEN_FILE", "workload identity")] {
      var world = World(identity)
      world.environment = variables
      #expect(try world.provider(["environmentAuth": "true"]).name.hasPrefix(expected))
      // The same without being asked for, when nothing else is said.
      #expect(try world.provider().name.hasPrefix(expected))
      variables[name] = nil
    }
    let world = World(identity)
    #expect(failure { _ = try world.provider(["environmentAuth": "true"]) }.message.contains("describes no credential"))
  }

  @Test func closuresAreAskedAndTheirFailuresNamed() throws {
    struct Broken: Error {}
    let count = Mutex(0)
    TokenClosures.register("test-closure") { audience in
      let n = count.withLock { count in
        count += 1
        return count
      }
      if n == 3 { throw Broken() }
      return ("\(audience)#\(n)", nil)
    }
    defer { TokenClosures.remove("test-closure") }
    let world = World(identity)
    let provider = try world.provider(["tokenProvider": "test-closure"])
    #expect(try provider.token(for: help)?.secret == "https://kusto.kusto.windows.net#1")
    #expect(try provider.token(for: help)?.secret == "https://kusto.kusto.windows.net#2")
    let error = failure { _ = try provider.token(for: help) }
    #expect(error.code == .authentication && error.cause is Broken)
    #expect(failure { _ = try world.provider(["tokenProvider": "com.example.Callback"]) }.message.contains("no token provider is registered"))
  }

  @Test func keyVault() throws {
    let world = World { request, number in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      guard request.url.contains(".vault.azure.net") else { return try identity(request, number) }
      guard request.headers.contains(where: { $0.name == "Authorization" }) else {
        return HTTPResponse(
          status: 401, headers: ["www-authenticate": "Bearer authorization=\"https://login.microsoftonline.com/vault-tenant\", resource=\"https://vault.azure.net\""])
      }
      let name = request.url.contains("kustoAppId") ? "id" : request.url.contains("kustoAppKey") ? "key" : "tenant"
      return json("{\"value\":\"vault-\(name)\"}")
    }
    _ = try world.provider(["keyVaultUri": "https://v.vault.azure.net/", "keyVaultAppId": "reader", "keyVaultAppKey": "rk"]).token(for: help)
    let forms = world.transport.requests.filter { $0.method == "POST" }
    #expect(forms.map(\.url) == ["https://login.microsoftonline.com/vault-tenant/oauth2/v2.0/token", "https://login.microsoftonline.com/vault-tenant/oauth2/v2.0/token"])
    #expect(forms.map { form($0)["client_id"] } == ["reader", "vault-id"] && form(forms[0])["scope"] == "https://vault.azure.net/.default")
    #expect(form(forms[1])["client_secret"] == "vault-key")
    #expect(failure { _ = try world.provider(["keyVaultUri": "https://evil.com", "keyVaultAppId": "r", "keyVaultAppKey": "k"]).token(for: help) }.message.contains("expected https://NAME.vault.azure.net"))
  }

  @Test func defaultsWhenNothingIsSaid() throws {
    var world = World(identity)
    #expect(try world.provider(endpoint: "http://localhost:8080").token(for: TokenResource(endpoint: "http://localhost:8080")) == nil)
    #expect(world.transport.requests.isEmpty)
    let error = failure { _ = try world.provider().token(for: help) }
    #expect(error.message.contains("no method of authentication is given") && error.message.contains("not installed") && error.hint?.contains("deviceAuth=true") == true)
    world.run = { _, _ in ProgramOutput(status: 0, output: "{\"accessToken\":\"AZ\"}") }
    #expect(try world.provider().token(for: help)?.secret == "AZ")
  }
}

extension String {
  /// With another thumbprint at the end.
  fileprivate var replacingLast40Hex: String { dropLast(40) + String(repeating: "0", count: 40) }
}
