// Role: what the user says about authentication, by layer — options, connection string, profile, environment — and what one layer means by it.

import Columnar
import DataSource

/// The methods, named as users set them.
enum AuthenticationMethod: String, Sendable {
  case application = "kustoAadAppId"
  case managedIdentity = "managedIdentityAuth"
  case accessToken = "accessToken"
  case tokenProvider = "tokenProviderCallbackClasspath"
  case keyVault = "keyVaultUri"
  case userPrompt = "userPrompt"
  case deviceCode = "deviceAuth"
  case azureCLI = "azureCliAuth"
  case workloadIdentity = "workloadIdentityAuth"
  case environment = "environmentAuth"
  case password = "Password"
  case none = "noAuth"
}

extension Authentication {
  /// Of default options those that stand beside the ones given: when these name a method of authentication, settings of other methods go.
  package static func defaults(_ pairs: [(String, String)], under given: [(String, String)]) -> [(String, String)] {
    let upper = AuthenticationLayer.profile(given)
    guard !upper.methods.isEmpty else { return pairs }
    return pairs.filter { name, value in
      let own = AuthenticationLayer.profile([(name, value)])
      guard let method = own.methods.first ?? own.companionOf else { return true }
      return upper.methods.contains(method) && !(method == .application && upper.hasProof && own.hasProof)
    }
  }
}

/// The settings of one layer. Values are held as secrets throughout: most are none, but none is ever printed.
struct AuthenticationLayer: Sendable {
  /// `the options`, `the connection string`, `the profile`.
  let origin: String
  private var values: [String: Secret] = [:]
  /// The wording of the connection string for settings, for messages.
  private var shownNames: [String: String] = [:]

  private init(origin: String) { self.origin = origin }

  /// The names that `specs` declare.
  private static let names: [String: String] = {
    var names: [String: String] = [:]
    for spec in AuthenticationOptions.specs {
      for name in [spec.name] + spec.aliases { names[name.lowercased()] = spec.name }
    }
    return names
  }()

  /// The options that were given.
  static func options(_ options: DataSourceOptions) -> AuthenticationLayer {
    var layer = AuthenticationLayer(origin: "the options")
    for spec in AuthenticationOptions.specs where options.isGiven(spec.name) { layer.values[spec.name] = options.string(spec.name).map { Secret($0) } }
    return layer
  }

  /// Pairs of a profile; names that have nothing to do with authentication are left alone.
  static func profile(_ pairs: [(String, String)]) -> AuthenticationLayer {
    var layer = AuthenticationLayer(origin: "the profile")
    for (name, value) in pairs {
      if let known = names[name.lowercased()] { layer.values[known] = Secret(value) }
    }
    return layer
  }

  static func connectionString(_ text: KustoConnectionString) throws -> AuthenticationLayer {
    var layer = AuthenticationLayer(origin: "the connection string")
    func set(_ name: String, _ keyword: ConnectionStringKeyword) {
      guard let value = text.secret(keyword) ?? text[keyword].map({ Secret($0) }) else { return }
      layer.values[name] = value
      layer.shownNames[name] = keyword.rawValue
    }
    set("kustoAadAppId", .applicationClientID)
    set("kustoAadAppSecret", .applicationKey)
    set("kustoAadAuthorityID", .authorityID)
    set("certificateBlob", .certificateBlob)
    set("certificateThumbprint", .certificateThumbprint)
    set("kustoAadAppCertSendX5c", .sendX5C)
    set("user", .userID)
    set("password", .password)
    if text.secret(.userToken) != nil, text.secret(.applicationToken) != nil {
      throw KConnectError(.configuration, "More than one authentication methods were provided in the connection string: 'User Token' and 'Application Token'", hint: "keep one")
    }
    set("accessToken", .applicationToken)
    set("accessToken", .userToken)
    if text.bool(.federatedSecurity) == false {
      guard layer.methods.isEmpty else {
        throw KConnectError(
          .configuration, "connection string: 'AAD Federated Security' is false, and '\(layer.shown(layer.methods[0]))' is given", hint: "set it to true, or leave the credentials out")
      }
      layer.values["noAuth"] = Secret("true")
      layer.shownNames["noAuth"] = "AAD Federated Security=False"
    }
    return layer
  }

  func secret(_ name: String) -> Secret? { values[name] }

  /// The text; nil when it is missing or empty.
  func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0.reveal() } }

  func isOn(_ name: String) -> Bool {
    switch text(name)?.lowercased() {
    case "true", "yes", "on", "1": true
    default: false
    }
  }

  private func shown(_ method: AuthenticationMethod) -> String { shownNames[method.rawValue] ?? method.rawValue }

  /// The methods that this layer names.
  var methods: [AuthenticationMethod] {
    var found: [AuthenticationMethod] = []
    let isWorkload = isOn("workloadIdentityAuth")
    // The application id of a workload identity is part of it.
    if hasProof || values["kustoAadAppId"] != nil && !isWorkload { found.append(.application) }
    if isOn("managedIdentityAuth") { found.append(.managedIdentity) }
    if values["accessToken"] != nil { found.append(.accessToken) }
    if values["tokenProviderCallbackClasspath"] != nil { found.append(.tokenProvider) }
    if values["keyVaultUri"] != nil { found.append(.keyVault) }
    if values["password"] != nil { found.append(.password) }
    if isWorkload { found.append(.workloadIdentity) }
    for method in [AuthenticationMethod.userPrompt, .deviceCode, .azureCLI, .environment, .none] where isOn(method.rawValue) { found.append(method) }
    // Both mean the same.
    if found.contains(.userPrompt), found.contains(.deviceCode) { found.removeAll { $0 == .userPrompt } }
    return found
  }

  /// True when it says how an application proves itself.
  var hasProof: Bool { ["kustoAadAppSecret", "kutoAadAppCertPath", "certificateBlob", "certificateThumbprint"].contains { values[$0] != nil } }

  /// Settings that mean nothing without their method.
  private static let companions: [(String, AuthenticationMethod)] = [
    ("managedIdentityClientId", .managedIdentity), ("keyVaultAppId", .keyVault), ("keyVaultAppKey", .keyVault), ("federatedTokenFile", .workloadIdentity),
  ]

  /// The method whose companion this layer has.
  var companionOf: AuthenticationMethod? { Self.companions.first { values[$0.0] != nil }?.1 }

  /// The one method of this layer; nil for none. Throws CONFIGURATION for several, and for settings that belong to a method not chosen.
  func method() throws -> AuthenticationMethod? {
    let found = methods
    if found.count > 1 {
      throw KConnectError(
        .configuration, "More than one authentication methods were provided in \(origin): \(found.map { "'\(shown($0))'" }.joined(separator: ", "))", hint: "keep one of them")
    }
    if values["kustoAadAppSecret"] != nil, let other = ["kutoAadAppCertPath", "certificateBlob"].first(where: { values[$0] != nil }) {
      throw KConnectError(
        .configuration, "More than one authentication methods were provided in \(origin): '\(shownNames["kustoAadAppSecret"] ?? "kustoAadAppSecret")' and '\(shownNames[other] ?? other)'",
        hint: "an application has a key or a certificate")
    }
    for (name, method) in Self.companions where values[name] != nil && found.first != method {
      throw KConnectError(.configuration, "'\(name)' is given in \(origin) without '\(method.rawValue)'", hint: method == .keyVault ? "add keyVaultUri" : "add \(method.rawValue)=true")
    }
    return found.first
  }
}
