// Role: the keywords of Kusto connection strings with all their aliases, compared without case and spaces. Source: the list that the Kusto SDKs share.

/// What a pair of a connection string sets.
package enum ConnectionStringKeyword: String, Sendable, CaseIterable {
  case dataSource = "Data Source"
  case initialCatalog = "Initial Catalog"
  case federatedSecurity = "AAD Federated Security"
  case authorityID = "Authority Id"
  case userID = "User ID"
  case password = "Password"
  case applicationClientID = "Application Client Id"
  case applicationKey = "Application Key"
  case certificateBlob = "Application Certificate Blob"
  case certificateThumbprint = "Application Certificate Thumbprint"
  case sendX5C = "Application Certificate SendX5c"
  case applicationToken = "Application Token"
  case userToken = "User Token"
  case applicationName = "Application Name for Tracing"
  case userName = "User Name for Tracing"
  // Known, and refused by name.
  case dstsFederatedSecurity = "dSTS Federated Security"
  case streaming = "Streaming"
  case uncompressed = "Uncompressed"
  case enforceMultiFactor = "EnforceMfa"
  case accept = "Accept"
  case queryConsistency = "Query Consistency"
  case dataSourceURI = "Data Source Uri"
  case azureRegion = "Azure Region"
  case namespace = "Namespace"
  case certificateIssuer = "Application Certificate Issuer Distinguished Name"
  case certificateSubject = "Application Certificate Subject Distinguished Name"

  /// Other spellings, as the SDKs list them.
  package var aliases: [String] {
    switch self {
    case .dataSource: ["Server", "Addr", "Address", "Network Address"]
    case .initialCatalog: ["Database"]
    case .federatedSecurity: ["Federated Security", "AAD Fed", "Fed", "Federated"]
    case .authorityID: ["TenantId", "Tid", "Tenant", "Authority", "Domain Hint"]
    case .userID: ["User", "Uid", "Login Hint", "AAD User Id"]
    case .password: ["Pwd"]
    case .applicationClientID: ["AppClientId"]
    case .applicationKey: ["AppKey"]
    case .certificateThumbprint: ["AppCert"]
    case .sendX5C: ["Application Certificate x5c", "SendX5c", "Application Certificate Send Public Certificate", "Send Certificate Chain"]
    case .applicationToken: ["AppToken"]
    case .userToken: ["UsrToken"]
    case .applicationName: ["TraceAppName"]
    case .userName: ["TraceUserName"]
    case .dstsFederatedSecurity: ["dstsFed", "dstsTokenType"]
    case .dataSourceURI: ["ServerUri", "ClusterUri"]
    case .azureRegion: ["Region"]
    case .namespace: ["Ns"]
    case .certificateIssuer: ["Application Certificate Issuer"]
    case .certificateSubject: ["Application Certificate Subject"]
    case .certificateBlob, .streaming, .uncompressed, .enforceMultiFactor, .accept, .queryConsistency: []
    }
  }

  /// True for values that are never shown.
  package var isSecret: Bool {
    switch self {
    case .password, .applicationKey, .certificateBlob, .certificateThumbprint, .applicationToken, .userToken, .certificateIssuer, .certificateSubject: true
    default: false
    }
  }

  package var isBool: Bool {
    switch self {
    case .federatedSecurity, .sendX5C: true
    default: false
    }
  }

  package var isSupported: Bool {
    switch self {
    case .dstsFederatedSecurity, .streaming, .uncompressed, .enforceMultiFactor, .accept, .queryConsistency, .dataSourceURI, .azureRegion, .namespace,
      .certificateIssuer, .certificateSubject:
      false
    default: true
    }
  }

  private static let byName: [String: ConnectionStringKeyword] = {
    var names: [String: ConnectionStringKeyword] = [:]
    for keyword in allCases {
      for name in [keyword.rawValue] + keyword.aliases { names[folded(name)] = keyword }
    }
    return names
  }()

  /// All spellings, for "did you mean".
  static var spellings: [String] { allCases.flatMap { [$0.rawValue] + $0.aliases } }

  private static func folded(_ name: some StringProtocol) -> String { name.lowercased().filter { !$0.isWhitespace } }

  /// The keyword of a spelling; nil for unknown ones.
  package init?(spelling: some StringProtocol) {
    guard let found = Self.byName[Self.folded(spelling)] else { return nil }
    self = found
  }
}
