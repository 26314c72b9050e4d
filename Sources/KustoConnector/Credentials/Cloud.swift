// Role: the clouds that run Kusto: where each signs users in, which hosts belong to it, and which audience tokens need there.
// Source: the list of well-known endpoints that the Kusto SDKs share, and the reference's default metadata document.

package import DataSource

/// A cloud with its sign-in address.
package struct Cloud: Sendable, Hashable {
  /// Without a slash at the end.
  package var loginEndpoint: String
  /// The audience of cluster tokens.
  package var kustoResource: String
  /// The application that signs users in.
  package var clientApplication = "db662dc1-0cfe-4e1c-a843-19a68e65be58"
  package var requiresMultiFactor = false
  /// The audience of storage tokens.
  package var storageResource = "https://storage.azure.com"

  package init(loginEndpoint: String, kustoResource: String) {
    self.loginEndpoint = loginEndpoint
    self.kustoResource = kustoResource
  }

  /// What a token for a cluster must name.
  var clusterAudience: String { requiresMultiFactor ? kustoResource.replacingFirst(".kusto.", with: ".kustomfa.") : kustoResource }

  package static let publicCloud = Cloud(loginEndpoint: "https://login.microsoftonline.com", kustoResource: "https://kusto.kusto.windows.net")

  private struct Known: Sendable {
    let login: String
    let resource: String
    let suffixes: [String]
    let hosts: [String]
  }

  private static let known: [Known] = [
    Known(
      login: "https://login.microsoftonline.com", resource: "https://kusto.kusto.windows.net",
      suffixes: [
        ".dxp.aad.azure.com", ".dxp-dev.aad.azure.com", ".kusto.azuresynapse.net", ".kusto.windows.net", ".kustodev.azuresynapse-dogfood.net",
        ".kustodev.windows.net", ".kustomfa.windows.net", ".playfabapi.com", ".playfab.com", ".azureplayfab.com", ".kusto.data.microsoft.com",
        ".kusto.fabric.microsoft.com", ".api.securityplatform.microsoft.com", ".securitycenter.windows.com", ".arg-int.core.windows.net",
        ".arg-df.core.windows.net", ".arg.core.windows.net",
      ],
      hosts: [
        "ade.applicationinsights.io", "ade.loganalytics.io", "adx.aimon.applicationinsights.azure.com", "adx.applicationinsights.azure.com",
        "adx.int.applicationinsights.azure.com", "adx.int.loganalytics.azure.com", "adx.int.monitor.azure.com", "adx.loganalytics.azure.com",
        "adx.monitor.azure.com", "kusto.aria.microsoft.com", "eu.kusto.aria.microsoft.com", "api.securityplatform.microsoft.com",
      ]),
    Known(
      login: "https://login.microsoftonline.us", resource: "https://kusto.kusto.usgovcloudapi.net",
      suffixes: [".kusto.usgovcloudapi.net", ".kustomfa.usgovcloudapi.net", ".arg.core.usgovcloudapi.net"],
      hosts: ["adx.applicationinsights.azure.us", "adx.loganalytics.azure.us", "adx.monitor.azure.us"]),
    Known(
      login: "https://login.partner.microsoftonline.cn", resource: "https://kusto.kusto.chinacloudapi.cn",
      suffixes: [".kusto.azuresynapse.azure.cn", ".kusto.chinacloudapi.cn", ".kustomfa.chinacloudapi.cn", ".playfab.cn", ".arg.core.chinacloudapi.cn"],
      hosts: ["adx.applicationinsights.azure.cn", "adx.loganalytics.azure.cn", "adx.monitor.azure.cn"]),
    Known(
      login: "https://login.microsoftonline.eaglex.ic.gov", resource: "https://kusto.kusto.core.eaglex.ic.gov",
      suffixes: [".kusto.core.eaglex.ic.gov", ".kustomfa.core.eaglex.ic.gov", ".arg.core.eaglex.ic.gov"],
      hosts: ["adx.applicationinsights.azure.eaglex.ic.gov", "adx.loganalytics.azure.eaglex.ic.gov", "adx.monitor.azure.eaglex.ic.gov"]),
    Known(
      login: "https://login.microsoftonline.microsoft.scloud", resource: "https://kusto.kusto.core.microsoft.scloud",
      suffixes: [".kusto.core.microsoft.scloud", ".kustomfa.core.microsoft.scloud", ".arg.core.microsoft.scloud"],
      hosts: ["adx.applicationinsights.azure.microsoft.scloud", "adx.loganalytics.azure.microsoft.scloud", "adx.monitor.azure.microsoft.scloud"]),
    Known(
      login: "https://login.sovcloud-identity.fr", resource: "https://kusto.kusto.sovcloud-api.fr",
      suffixes: [".kusto.sovcloud-api.fr", ".kustomfa.sovcloud-api.fr"], hosts: ["adx.applicationinsights.azure.fr"]),
  ]

  /// The cloud a cluster's host belongs to by its name; nil for hosts of no known cloud.
  package static func ofHost(_ host: String) -> Cloud? {
    let host = host.lowercased()
    guard let found = known.first(where: { cloud in cloud.hosts.contains(host) || cloud.suffixes.contains { host.hasSuffix($0) } }) else { return nil }
    return Cloud(loginEndpoint: found.login, kustoResource: found.resource)
  }

  /// Hosts of storage accounts, in all clouds.
  static let storageSuffixes: [String] = ["blob", "dfs", "queue", "table"].flatMap { service in
    ["core.windows.net", "storage.azure.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "core.eaglex.ic.gov", "core.microsoft.scloud", "core.sovcloud-api.fr", "fabric.microsoft.com"]
      .map { ".\(service).\($0)" }
  }

  /// Where a storage account's users sign in, by the suffix of its host; the public cloud for unknown ones.
  static func ofStorageHost(_ host: String) -> Cloud {
    let logins = [("usgovcloudapi.net", 1), ("chinacloudapi.cn", 2), ("eaglex.ic.gov", 3), ("microsoft.scloud", 4), ("sovcloud-api.fr", 5)]
    guard let place = logins.first(where: { host.lowercased().hasSuffix($0.0) })?.1 else { return publicCloud }
    return Cloud(loginEndpoint: known[place].login, kustoResource: known[place].resource)
  }

  /// Throws AUTHENTICATION unless tokens of this cloud may be sent to `address`: a loopback host, a host of the cloud, one of its storage
  /// accounts, or a host that the user trusts by name. Plain http is for loopback hosts alone.
  package func checkTrust(_ address: URLParts, trustedHosts: [String]) throws {
    let host = address.host.lowercased()
    let isLoopback = address.isLoopback
    guard isLoopback || address.scheme == "https" else {
      throw KConnectError(.authentication, "a token is not sent to '\(address.origin)': the address is not https", hint: "write https://, or use noAuth=true")
    }
    func matches(_ pattern: String) -> Bool { pattern.hasPrefix(".") ? host.hasSuffix(pattern) : host == pattern }
    if isLoopback || trustedHosts.contains(where: { matches($0.lowercased()) }) { return }
    let own = Self.known.first { $0.login == loginEndpoint }
    if let own, own.suffixes.contains(where: matches) || own.hosts.contains(host) { return }
    throw KConnectError(
      .authentication, "a token is not sent to '\(host)': it is no known Kusto host of '\(loginEndpoint)'",
      hint: "trustedHosts=\(host) trusts it; a leading point trusts all hosts below a domain")
  }
}

extension String {
  /// The text with the first occurrence of `part` replaced.
  func replacingFirst(_ part: String, with other: String) -> String {
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(part) { return String(self[..<at]) + other + String(self[index(at, offsetBy: part.count)...]) }
      at = index(after: at)
    }
    return self
  }
}
