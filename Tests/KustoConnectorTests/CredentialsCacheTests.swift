// Token caches and choices: one renewal for many threads, renewal before the end, 401, the file on disk; which layer decides, what contradicts.

import DataSource
import Glibc
import KustoConnector
import Synchronization
import Testing

/// A barrier that opens when told.
private final class Gate: Sendable {
  private let isOpen = Mutex(false)
  func open() { isOpen.withLock { $0 = true } }
  func pass() { while !isOpen.withLock({ $0 }) { sched_yield() } }
}

/// Runs `body` on `count` threads and waits for them.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Box { let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body } }
  var threads: [pthread_t] = []
  for i in 0..<count {
    var thread = pthread_t()
    pthread_create(&thread, nil, { context in
      if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(Box { body(i) }).toOpaque())
    threads.append(thread)
  }
  for thread in threads { pthread_join(thread, nil) }
}

@Suite struct CredentialsCacheTests {
  private static let key = ["kustoAadAppId": "app", "kustoAadAppSecret": "secret", "kustoAadAuthorityID": "t"]

  /// The n-th token is `Tn` and lives an hour.
  private static func world() -> World {
    let count = Mutex(0)
    return World { request, _ in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      let n = count.withLock { count in
        count += 1
        return count
      }
      return json("{\"access_token\":\"T\(n)\",\"expires_in\":3600}")
    }
  }

  @Test func renewedBeforeItEnds() throws {
    let world = Self.world()
    let provider = try world.provider(Self.key)
    var seen: [String?] = []
    for seconds in [0, 3_000, 299, 2, 3_299] as [Int64] {
      world.clock.turn(seconds: seconds)
      seen.append(try provider.token(for: help)?.secret)
    }
    #expect(seen == ["T1", "T1", "T1", "T2", "T2"])
  }

  @Test func oneRenewalForManyThreads() throws {
    let gate = Gate()
    let arrived = Mutex(0)
    let requests = Mutex(0)
    let world = World { request, _ in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      let n = requests.withLock { $0 += 1; return $0 }
      // Until all have asked; those that wait see this one's outcome.
      while arrived.withLock({ $0 }) < 16 { sched_yield() }
      gate.pass()
      return json("{\"access_token\":\"T\(n)\",\"expires_in\":3600}")
    }
    let provider = try world.provider(Self.key)
    let tokens = Mutex<[String]>([])
    gate.open()
    onThreads(16) { _ in
      arrived.withLock { $0 += 1 }
      if let token = try? provider.token(for: help)?.secret { tokens.withLock { $0.append(token) } }
    }
    #expect(tokens.withLock { $0 } == Array(repeating: "T1", count: 16))
    #expect(requests.withLock { $0 } == 1)
  }

  @Test func aFailedEarlyRenewalKeepsTheOldToken() throws {
    let isDown = Mutex(false)
    let asked = Mutex(0)
    let world = World { request, _ in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      asked.withLock { $0 += 1 }
      if isDown.withLock({ $0 }) { return json("{\"error\":\"invalid_client\"}", status: 401) }
      return json("{\"access_token\":\"T\",\"expires_in\":3600}")
    }
    let provider = try world.provider(Self.key)
    _ = try provider.token(for: help)
    isDown.withLock { $0 = true }
    world.clock.turn(seconds: 3_400)
    #expect(try provider.token(for: help)?.secret == "T")
    #expect(try provider.token(for: help)?.secret == "T")
    // The second call did not ask again: a pause follows a failure.
    #expect(asked.withLock { $0 } == 2)
    world.clock.turn(seconds: 180)
    #expect(failure { _ = try provider.token(for: help) }.code == .authentication)
  }

  @Test func refusedTokensAreNotGivenAgain() throws {
    let world = Self.world()
    let provider = try world.provider(Self.key)
    let first = try #require(try provider.token(for: help))
    #expect(provider.invalidate(first, for: help))
    let second = try #require(try provider.token(for: help))
    #expect(second.secret == "T2")
    // Another thread reports the old one late: the new one stays.
    #expect(provider.invalidate(first, for: help))
    #expect(try provider.token(for: help)?.secret == "T2")
    let given = try world.provider(["accessToken": "G"])
    let token = try #require(try given.token(for: help))
    #expect(token.secret == "G" && !given.invalidate(token, for: help))
  }

  @Test func audiencesAndRotatedKeysHaveTokensOfTheirOwn() throws {
    let world = Self.world()
    let cache = TokenCache()
    func provider(_ secret: String) throws -> any TokenProvider {
      try Authentication.provider(options: try authenticationOptions(Self.key.merging(["kustoAadAppSecret": secret]) { $1 }), context: world.context, cache: cache)
    }
    let storage = TokenResource(endpoint: "https://a.blob.core.windows.net", audience: "https://storage.azure.com/")
    #expect(try provider("a").token(for: help)?.secret == "T1")
    #expect(try provider("a").token(for: storage)?.secret == "T2")
    #expect(form(try #require(world.transport.requests.last))["scope"] == "https://storage.azure.com/.default")
    #expect(try provider("b").token(for: help)?.secret == "T3")
    #expect(try provider("a").token(for: help)?.secret == "T1")
    #expect(failure { _ = try provider("a").token(for: TokenResource(endpoint: "https://evil.com", audience: "https://storage.azure.com")) }.code == .authentication)
  }

  // MARK: On disk

  @Test func tokensOnDisk() throws {
    let place = Place()
    let path = place("deep/tokens.json")
    let world = Self.world()
    let options = Self.key.merging(["tokenCache": path]) { $1 }
    #expect(try world.provider(options).token(for: help)?.secret == "T1")
    var info = stat()
    #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
    // Another process finds it; one with another key does not.
    let second = try world.provider(options)
    let token = try #require(try second.token(for: help))
    #expect(token.secret == "T1")
    #expect(try world.provider(options.merging(["kustoAadAppSecret": "other"]) { $1 }).token(for: help)?.secret == "T2")
    let text = try #require(try SmallFile.readText(path))
    #expect(!text.contains("secret") && text.contains("\"version\":1"))
    #expect(second.invalidate(token, for: help))
    #expect(try world.provider(options).token(for: help)?.secret == "T3")
    world.clock.turn(seconds: 4_000)
    #expect(try world.provider(options).token(for: help)?.secret == "T4")
    #expect(try SmallFile.readText(path)?.contains("T3") == false)
    #expect(try DirectoryReader.names(in: place("deep")) == ["tokens.json", "tokens.json.lock"])
  }

  /// What another process has renewed meanwhile is not thrown away with the token that was refused, nor is the refresh token.
  @Test func refusedTokensOnDisk() throws {
    let place = Place()
    let path = place("tokens.json")
    let world = Self.world()
    let options = Self.key.merging(["tokenCache": path]) { $1 }
    let first = try world.provider(options)
    let second = try world.provider(options)
    let token = try #require(try first.token(for: help))
    #expect(try second.token(for: help)?.secret == "T1")
    #expect(first.invalidate(token, for: help))
    #expect(try first.token(for: help)?.secret == "T2")
    #expect(second.invalidate(token, for: help))
    #expect(try SmallFile.readText(path)?.contains("T2") == true)
    #expect(try second.token(for: help)?.secret == "T2")
    // A token that came with a refresh token leaves it behind.
    let text = try #require(try SmallFile.readText(path)).replacing("\"accessToken\":\"T2\"", with: "\"accessToken\":\"T2\",\"refreshToken\":\"R\"")
    _ = place.put("tokens.json", text)
    let third = try world.provider(options)
    let renewed = try #require(try third.token(for: help))
    #expect(third.invalidate(renewed, for: help))
    let left = try #require(try SmallFile.readText(path))
    #expect(left.contains("\"refreshToken\":\"R\"") && !left.contains("T2"))
  }

  @Test func tokenFilesOfOthersAreNotTrusted() throws {
    let place = Place()
    let world = Self.world()
    func token(_ path: String) throws -> String? { try world.provider(Self.key.merging(["tokenCache": path]) { $1 }).token(for: help)?.secret }
    let open = place.put("open", "{\"version\":1,\"tokens\":[]}")
    chmod(open, 0o644)
    #expect(failure { _ = try token(open) }.code == .permission)
    symlink(place.put("target", "{}"), place("link"))
    #expect(failure { _ = try token(place("link")) }.code == .permission)
    #expect(failure { _ = try token(place.put("newer", "{\"version\":2,\"tokens\":[]}")) }.message.contains("version 2"))
    #expect(try token(place.put("torn", "{\"version\":1,\"tok")) != nil)
  }

  // MARK: Layers and contradictions

  struct Conflict: Sendable, CustomTestStringConvertible {
    let options: [String: String]
    let names: [String]
    var testDescription: String { options.keys.sorted().joined(separator: "+") }
  }

  private static let methods: [String: [String: String]] = [
    "kustoAadAppId": ["kustoAadAppId": "a", "kustoAadAppSecret": "HUSH"], "managedIdentityAuth": ["managedIdentityAuth": "true"], "accessToken": ["accessToken": "HUSH"],
    "tokenProviderCallbackClasspath": ["tokenProvider": "x"], "keyVaultUri": ["keyVaultUri": "https://v.vault.azure.net", "keyVaultAppId": "r", "keyVaultAppKey": "HUSH"],
    "userPrompt": ["userPrompt": "true"], "azureCliAuth": ["azureCliAuth": "true"], "environmentAuth": ["environmentAuth": "true"], "noAuth": ["noAuth": "true"],
    "deviceAuth": ["deviceAuth": "true"],
  ]

  @Test func everyPairOfMethodsIsRefusedByName() throws {
    let world = Self.world()
    for (a, first) in Self.methods {
      for (b, second) in Self.methods where a < b {
        if a == "deviceAuth", b == "userPrompt" { continue }
        let error = failure { _ = try world.provider(first.merging(second) { $1 }) }
        #expect(error.code == .configuration && error.message.hasPrefix("More than one authentication methods were provided"), "\(a) \(b): \(error)")
        #expect(error.message.contains("'\(a)'") && error.message.contains("'\(b)'") && !error.description.contains("HUSH"), "\(error)")
      }
    }
  }

  @Test(arguments: [
    (["kustoAadAppId": "a"], "without 'kustoAadAppSecret'"), (["kustoAadAppSecret": "s"], "without 'kustoAadAppId'"), (["kutoAadAppCertPath": "c"], "without 'kustoAadAppId'"),
    (["kustoAadAppId": "a", "kustoAadAppSecret": "s", "kustoAadAppCertPath": "c"], "'kustoAadAppSecret' and 'kutoAadAppCertPath'"),
    (["managedIdentityClientId": "m"], "without 'managedIdentityAuth'"), (["managedIdentityClientId": "m", "managedIdentityAuth": "false"], "without 'managedIdentityAuth'"),
    (["keyVaultAppId": "m"], "without 'keyVaultUri'"), (["keyVaultUri": "https://v.vault.azure.net"], "'keyVaultAppId' is missing"), (["accessToken": ""], "'accessToken' is missing"),
    (["workloadIdentityAuth": "true", "kustoAadAppId": "a"], "AZURE_TENANT_ID"), (["federatedTokenFile": "/f"], "without 'workloadIdentityAuth'"),
    (["kustoConnectionString": "https://c;Fed=false;AppToken=x"], "'Application Token' is given"), (["kustoConnectionString": "https://c;UsrToken=x;AppToken=y"], "'User Token' and 'Application Token'"),
    (["kustoConnectionString": "https://c;AppClientId=x;AppCert=y"], "looking a certificate up"), (["authorityHost": "http://login.example", "azureCliAuth": "true"], "not an https address"),
  ] as [([String: String], String)])
  func incompleteOnesAreRefused(_ options: [String: String], _ message: String) throws {
    let world = Self.world()
    let error = failure { _ = try world.provider(options) }
    #expect([.configuration, .notSupported].contains(error.code) && error.message.contains(message), "\(error)")
  }

  @Test func higherLayersDecide() throws {
    var world = Self.world()
    world.environment = ["AZURE_CLIENT_ID": "env", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_SECRET": "s"]
    let text = "https://c.kusto.windows.net;Fed=true;AppClientId=cs;AppKey=k;Tid=cst"
    let profile = ["managedIdentityAuth": "true", "header": "true"]
    #expect(try world.provider(["accessToken": "T"], connectionString: text, profile: profile).name == "access token")
    #expect(try world.provider(connectionString: text, profile: profile).name == "application key of 'cs' (tenant 'cst')")
    #expect(try world.provider(profile: profile).name == "managed identity of the system")
    #expect(try world.provider().name == "application key of 'env' (tenant 't')")
    // The tenant of a lower layer completes a method; that of a higher one wins.
    #expect(try world.provider(["kustoAadAppId": "o", "kustoAadAppSecret": "s"], connectionString: text).name == "application key of 'o' (tenant 'cst')")
    #expect(try world.provider(["kustoAadAuthorityID": "top"], connectionString: text).name == "application key of 'cs' (tenant 'top')")
    // An id from the options, the key from the profile.
    #expect(try world.provider(["kustoAadAppId": "o"], profile: ["kustoAadAppSecret": "p"]).name == "application key of 'o' (tenant 'microsoft.com')")
    #expect(try world.provider(["kustoConnectionString": text]).name.contains("'cs'"))
    #expect(try world.provider(["noAuth": "true"], connectionString: text).token(for: help) == nil)
    #expect(try world.provider(connectionString: "https://c;Fed=False", profile: profile).name == "none")
    #expect(try world.provider(connectionString: "https://c;Fed=true;User ID=u;Password=p").name == "password of 'u'")
    world.environment["AZURE_AUTHORITY_HOST"] = "login.microsoftonline.us/"
    _ = try world.provider(["kustoAadAppId": "o", "kustoAadAppSecret": "s"]).token(for: help)
    #expect(world.transport.requests.last?.url == "https://login.microsoftonline.us/microsoft.com/oauth2/v2.0/token")
  }

  @Test func defaultsGiveWayToAnotherMethod() {
    let defaults = [("managedIdentityAuth", "true"), ("managedIdentityClientId", "m"), ("kustoAadAuthorityID", "t"), ("header", "true"), ("kustoAadAppSecret", "s")]
    func kept(_ given: [(String, String)]) -> [String] { Authentication.defaults(defaults, under: given).map(\.0) }
    #expect(kept([]) == defaults.map(\.0))
    #expect(kept([("header", "false")]) == defaults.map(\.0))
    #expect(kept([("accessToken", "x")]) == ["kustoAadAuthorityID", "header"])
    #expect(kept([("kustoAadAppId", "a")]) == ["kustoAadAuthorityID", "header", "kustoAadAppSecret"])
    #expect(kept([("kustoAadAppId", "a"), ("kustoAadAppCertPath", "c")]) == ["kustoAadAuthorityID", "header"])
    #expect(kept([("managedIdentityAuth", "true")]) == ["managedIdentityAuth", "managedIdentityClientId", "kustoAadAuthorityID", "header"])
  }

  // MARK: Secrecy

  /// Everything that can be printed is, and searched for what must not be in it.
  @Test func nothingPrintsSecrets() throws {
    let hush = "HUSH-7f3a"
    var printed: [String] = []
    func show(_ value: Any) {
      var text = ""
      dump(value, to: &text)
      printed += [text, "\(value)", String(reflecting: value)]
    }
    let world = World { request, _ in
      if request.url.hasSuffix("/metadata") { return HTTPResponse(status: 404) }
      return json("{\"error\":\"invalid_client\",\"error_description\":\"no\"}", status: 401)
    }
    show(Secret(hush))
    for options in [
      ["kustoAadAppId": "a", "kustoAadAppSecret": hush], ["accessToken": hush], ["kustoConnectionString": "https://c;Fed=true;AppClientId=a;AppKey=\(hush)"],
      ["keyVaultUri": "https://v.vault.azure.net", "keyVaultAppId": "r", "keyVaultAppKey": hush], ["kustoConnectionString": "https://c;Fed=true;User ID=u;Pwd=\(hush)"],
    ] {
      let given = try authenticationOptions(options)
      show(given)
      let provider = try world.provider(options)
      show(provider)
      printed.append(provider.name)
      do {
        if let token = try provider.token(for: help) { show(token) }
      } catch { show(error) }
    }
    // What platforms hand to their programs: headers, files, answers of programs and services.
    let place = Place()
    TokenClosures.register("hush-closure") { _ in (hush, nil) }
    defer { TokenClosures.remove("hush-closure") }
    let platforms: [(options: [String: String], environment: [String: String])] = [
      (["managedIdentityAuth": "true"], ["IDENTITY_ENDPOINT": "http://127.0.0.1:1/x", "IDENTITY_HEADER": hush]), (["managedIdentityAuth": "true"], ["MSI_ENDPOINT": "http://127.0.0.1:1/x", "MSI_SECRET": hush]),
      (["managedIdentityAuth": "true"], [:]), (["workloadIdentityAuth": "true"], ["AZURE_CLIENT_ID": "w", "AZURE_TENANT_ID": "t", "AZURE_FEDERATED_TOKEN_FILE": place.put("token", hush)]),
      (["environmentAuth": "true"], ["AZURE_CLIENT_ID": "e", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_SECRET": hush]),
      (["environmentAuth": "true"], ["AZURE_CLIENT_ID": "e", "AZURE_TENANT_ID": "t", "AZURE_USERNAME": "u", "AZURE_PASSWORD": hush]),
      (["azureCliAuth": "true"], [:]), (["tokenProvider": "hush-closure"], [:]), (["deviceAuth": "true"], [:]),
    ]
    for refuses in [true, false] {
      for (options, environment) in platforms {
        var world = World { request, _ in
          if request.url.hasSuffix("/v1/rest/auth/metadata") { return HTTPResponse(status: 404) }
          if request.url.hasSuffix("/devicecode") { return json("{\"device_code\":\"\(hush)\",\"user_code\":\"ABC\",\"expires_in\":60,\"interval\":5,\"verification_uri\":\"https://v\"}") }
          return refuses ? json("{\"error\":\"invalid_client\",\"error_description\":\"no\"}", status: 401) : json("{\"access_token\":\"\(hush)\",\"refresh_token\":\"\(hush)\",\"expires_in\":3600}")
        }
        world.environment = environment
        world.run = { _, _ in refuses ? ProgramOutput(status: 1, output: hush, errorOutput: "ERROR: no") : ProgramOutput(status: 0, output: "{\"accessToken\":\"\(hush)\"}") }
        let provider = try world.provider(options)
        show(provider)
        printed.append(provider.name)
        do {
          if let token = try provider.token(for: help) { show(token) }
          show(provider)
        } catch { show(error) }
        printed += world.messages.all
        // The secret travels in headers and bodies, never in an address.
        printed += world.transport.requests.map(\.url)
      }
    }
    for message in world.messages.all { printed.append(message) }
    #expect(printed.count > 120)
    for text in printed { #expect(!text.contains(hush), "\(text.prefix(300))") }
  }
}

