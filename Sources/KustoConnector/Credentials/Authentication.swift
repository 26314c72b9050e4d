// Role: from what the user says to a `TokenProvider`. The highest layer that names a method decides it (options, connection string, profile,
// environment); what the method needs besides comes from that layer or, where it lacks it, from the ones below.

package import DataSource

package enum Authentication {
  /// The provider for the cluster at `endpoint` (nil: other services). Without a method anywhere: none for loopback addresses, else what
  /// AZURE_* variables describe, else the Azure CLI and then a device code. Throws CONFIGURATION for contradictions and missing parts.
  package static func provider(
    options: DataSourceOptions? = nil, connectionString: KustoConnectionString? = nil, profile: [(String, String)] = [], endpoint: String? = nil,
    context: CredentialContext, cache: TokenCache = .shared
  ) throws -> any TokenProvider {
    var layers: [AuthenticationLayer] = []
    if let options { layers.append(.options(options)) }
    var text = connectionString
    if text == nil, let given = layers.first?.text("kustoConnectionString") { text = try KustoConnectionString(given) }
    if let text { layers.append(try .connectionString(text)) }
    layers.append(.profile(profile))
    let settings = MergedSettings(layers)
    var method: AuthenticationMethod?
    for layer in layers where method == nil { method = try layer.method() }
    let maker = MethodMaker(settings: settings, context: context)
    let made: (any TokenMethod)?
    if let method {
      made = try maker.method(method)
    } else if let endpoint, URLParts(endpoint)?.isLoopback == true {
      made = nil
    } else {
      made = try maker.fromEnvironment() ?? maker.chain()
    }
    guard let made else { return NoToken() }
    let trusted = (settings.text("trustedHosts") ?? "").split { $0 == "," || $0 == " " }.map(String.init)
    let authorityHost = settings.text("authorityHost") ?? context.environment("AadAuthorityUri") ?? context.environment("AZURE_AUTHORITY_HOST")
    return CachedTokenProvider(
      made, context, cache: cache, file: settings.text("tokenCache").map { TokenFile($0) }, trustedHosts: trusted, authorityHost: try authorityHost.map(checkedAuthority))
  }

  private static func checkedAuthority(_ text: String) throws -> String {
    let full = text.contains("://") ? text : "https://" + text
    guard let address = URLParts(full), address.scheme == "https" || address.isLoopback, address.query == nil else {
      throw KConnectError(.configuration, "the sign-in address '\(text.prefix(200))' is not an https address", hint: "write https://login.microsoftonline.com")
    }
    return full.withoutTrailingSlashes
  }
}

/// The settings of all layers: the highest that has one wins.
struct MergedSettings: Sendable {
  private let layers: [AuthenticationLayer]
  init(_ layers: [AuthenticationLayer]) { self.layers = layers }

  func secret(_ name: String) -> Secret? { layers.lazy.compactMap { $0.secret(name) }.first { !$0.isEmpty } }
  func text(_ name: String) -> String? { layers.lazy.compactMap { $0.text(name) }.first }
  func isOn(_ name: String) -> Bool { layers.first { $0.secret(name) != nil }?.isOn(name) ?? false }
  /// Which of some settings stands in the highest layer.
  func highest(of names: [String]) -> String? {
    for layer in layers {
      if let found = names.first(where: { layer.text($0) != nil }) { return found }
    }
    return nil
  }
}

/// Makes a method out of settings.
struct MethodMaker {
  let settings: MergedSettings
  let context: CredentialContext

  private var client: OAuthClient { OAuthClient(context: context) }
  private var tenant: String? { settings.text("kustoAadAuthorityID") }
  /// Where Spark's options name no tenant for an application.
  private static let applicationTenant = "microsoft.com"

  /// Nil for no authentication. Throws CONFIGURATION that names what is missing.
  func method(_ method: AuthenticationMethod) throws -> (any TokenMethod)? {
    switch method {
    case .none: return nil
    case .application: return try application()
    case .managedIdentity: return ManagedIdentity(application: settings.text("managedIdentityClientId"), client: client)
    case .accessToken:
      return GivenToken(token: try required("accessToken", "a token: accessToken=env:NAME"), name: "access token")
    case .tokenProvider:
      let name = try required("tokenProviderCallbackClasspath", "the name of a registered token provider").reveal()
      return TokenCallback(registeredName: name, closure: try TokenClosures.closure(name), context: context)
    case .keyVault:
      return KeyVaultApplication(
        vault: try required("keyVaultUri", "the vault's address").reveal().withoutTrailingSlashes, reader: try required("keyVaultAppId", "the application that reads the vault").reveal(),
        key: try required("keyVaultAppKey", "that application's key"), client: client)
    case .userPrompt, .deviceCode: return DeviceCode(tenant: tenant, application: nil, client: client)
    case .azureCLI: return AzureCLI(tenant: tenant, client: client)
    case .workloadIdentity: return try workload()
    case .environment:
      guard let found = try fromEnvironment() else {
        throw KConnectError(
          .configuration, "environmentAuth=true: the environment describes no credential",
          hint: "set AZURE_TENANT_ID and AZURE_CLIENT_ID, and AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or AZURE_FEDERATED_TOKEN_FILE")
      }
      return found
    case .password:
      return UserPassword(
        user: try required("user", "the user's name: 'User ID'").reveal(), password: try required("password", "the password"), tenant: tenant,
        application: settings.text("kustoAadAppId"), client: client)
    }
  }

  private func required(_ name: String, _ what: String) throws -> Secret {
    guard let found = settings.secret(name) else { throw KConnectError(.configuration, "'\(name)' is missing or empty", hint: "give \(what)") }
    return found
  }

  private func application() throws -> any TokenMethod {
    let proofs = ["kustoAadAppSecret", "kutoAadAppCertPath", "certificateBlob"]
    guard let id = settings.text("kustoAadAppId") else {
      throw KConnectError(.configuration, "'\(settings.highest(of: proofs) ?? proofs[0])' is given without 'kustoAadAppId'", hint: "add the application's id")
    }
    let tenant = tenant ?? Self.applicationTenant
    switch settings.highest(of: proofs) {
    case "kustoAadAppSecret":
      return ApplicationKey(application: id, key: try required("kustoAadAppSecret", "the key"), tenant: tenant, client: client)
    case let proof?:
      let source: CertificateSource = proof == "certificateBlob" ? .content(try required(proof, "the certificate")) : .file(try required(proof, "a file").reveal())
      return ApplicationCertificate(
        application: id, source: source, password: settings.secret("kutoAadAppCertPassword"), thumbprint: settings.text("certificateThumbprint"),
        sendsChain: settings.isOn("kustoAadAppCertSendX5c"), tenant: tenant, client: client)
    case nil:
      if settings.text("certificateThumbprint") != nil {
        throw KConnectError(
          .notSupported, "'Application Certificate Thumbprint' alone: not supported: looking a certificate up in a system's store", hint: "add 'Application Certificate Blob', or kutoAadAppCertPath")
      }
      throw KConnectError(
        .configuration, "'kustoAadAppId' is given without 'kustoAadAppSecret' and without 'kutoAadAppCertPath'", hint: "an application proves itself with a key or a certificate")
    }
  }

  private func workload() throws -> any TokenMethod {
    func part(_ name: String, _ variable: String) throws -> String {
      guard let found = settings.text(name) ?? context.environment(variable) else {
        throw KConnectError(.configuration, "workloadIdentityAuth=true: neither '\(name)' nor \(variable) is set", hint: "the platform sets \(variable) for workloads with an identity")
      }
      return found
    }
    return WorkloadIdentity(
      application: try part("kustoAadAppId", "AZURE_CLIENT_ID"), tenant: try part("kustoAadAuthorityID", "AZURE_TENANT_ID"),
      tokenFile: try part("federatedTokenFile", "AZURE_FEDERATED_TOKEN_FILE"), authorityHost: nil, client: client)
  }

  /// What AZURE_* variables describe, in the order of the Azure SDKs: key, certificate, password, federated token. Nil: nothing complete.
  func fromEnvironment() throws -> (any TokenMethod)? {
    guard let id = context.environment("AZURE_CLIENT_ID"), let tenant = context.environment("AZURE_TENANT_ID") else { return nil }
    if let key = context.environment("AZURE_CLIENT_SECRET") { return ApplicationKey(application: id, key: Secret(key), tenant: tenant, client: client) }
    if let path = context.environment("AZURE_CLIENT_CERTIFICATE_PATH") {
      let sendsChain = ["1", "true"].contains(context.environment("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")?.lowercased() ?? "")
      return ApplicationCertificate(
        application: id, source: .file(path), password: context.environment("AZURE_CLIENT_CERTIFICATE_PASSWORD").map { Secret($0) }, thumbprint: nil, sendsChain: sendsChain,
        tenant: tenant, client: client)
    }
    if let user = context.environment("AZURE_USERNAME"), let password = context.environment("AZURE_PASSWORD") {
      return UserPassword(user: user, password: Secret(password), tenant: tenant, application: id, client: client)
    }
    guard let file = context.environment("AZURE_FEDERATED_TOKEN_FILE") else { return nil }
    return WorkloadIdentity(application: id, tenant: tenant, tokenFile: file, authorityHost: nil, client: client)
  }

  /// What remains when nothing is said.
  func chain() -> any TokenMethod {
    var methods: [any TokenMethod] = [AzureCLI(tenant: tenant, client: client)]
    if context.isInteractive { methods.append(DeviceCode(tenant: tenant, application: nil, client: client)) }
    return SignInChain(methods: methods)
  }
}
