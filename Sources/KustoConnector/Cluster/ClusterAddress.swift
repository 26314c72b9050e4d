// Role: what users write for a cluster to the addresses that requests go to.
// Source: the connector's cluster name rules; unlike it, a sovereign domain behind `ingest-` is kept, and any other address is taken as it is.

import DataSource

/// A cluster's addresses.
package struct ClusterAddress: Sendable, Hashable {
  /// Scheme, host and port of the query endpoint, without a slash at the end.
  package let engine: String
  /// The same of the data management endpoint.
  package let ingestion: String
  /// Short name for messages and object names.
  package let alias: String
  /// The path behind the host, without slashes at its ends: a database, or empty.
  package let path: String

  /// Takes `name.region`, a host, or an address with `http(s)://`. `ingestion`: the option kustoIngestionUri. Throws CONFIGURATION.
  package init(_ text: String, ingestion: String? = nil) throws {
    let (base, path) = try Self.split(text)
    self.path = path
    let (scheme, host) = try Self.parts(base, of: text)
    let engineHost = host.hasPrefix("ingest-") ? String(host.dropFirst("ingest-".count)) : host
    engine = scheme + engineHost
    alias = Self.alias(engineHost)
    if let ingestion {
      let (base, rest) = try Self.split(ingestion)
      guard rest.isEmpty else { throw KConnectError(.configuration, "kustoIngestionUri '\(ingestion)': found a path, expected https://HOST") }
      self.ingestion = base
    } else {
      self.ingestion = Self.hasOneEndpoint(engineHost) ? engine : scheme + "ingest-" + engineHost
    }
  }

  /// Scheme and authority in lower case, and the path.
  private static func split(_ text: String) throws -> (base: String, path: String) {
    var rest = Substring(text)
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    guard !rest.isEmpty else { throw KConnectError(.configuration, "the address of the cluster is empty") }
    var scheme = "https://"
    for known in ["https://", "http://"] where rest.lowercased().hasPrefix(known) {
      scheme = known
      rest = rest.dropFirst(known.count)
    }
    if scheme == "https://", let range = rest.firstIndex(of: ":"), rest[range...].hasPrefix("://") {
      throw KConnectError(.configuration, "'\(text)' is no address of a cluster", hint: "write https://HOST or NAME.REGION")
    }
    let cut = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    let authority = rest[..<cut].lowercased()
    var path = rest[cut...]
    if let first = path.first, first != "/" { throw KConnectError(.configuration, "'\(rest[..<cut])…': found '\(first)' behind the host, expected a database") }
    if path.contains("?") || path.contains("#") { throw KConnectError(.configuration, "'\(scheme)\(authority)/…': a query or fragment has no place in the address of a cluster") }
    while path.first == "/" { path.removeFirst() }
    while path.last == "/" { path.removeLast() }
    return (scheme + authority, String(path))
  }

  private static func parts(_ base: String, of text: String) throws -> (scheme: String, host: String) {
    let scheme = base.hasPrefix("http://") ? "http://" : "https://"
    var host = String(base.dropFirst(scheme.count))
    if host.contains("@") { throw KConnectError(.configuration, "the address of the cluster holds a user name or password", hint: "credentials are options of their own") }
    let isAllowed = !host.isEmpty && host.utf8.allSatisfy {
      $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D || $0 == 0x2E || $0 == 0x3A || $0 == 0x5B || $0 == 0x5D || $0 == 0x5F
    }
    guard isAllowed else { throw KConnectError(.configuration, "'\(text)' is no address of a cluster", hint: "write https://HOST or NAME.REGION") }
    // A bare name belongs to the public cloud.
    let isBare = !text.contains("://")
    if isBare, !hasOneEndpoint(host), !host.contains(".kusto."), !host.contains(".kustodev."), !host.contains(":"), host != "kusto.aria.microsoft.com", host != "insights.playfab.com" {
      host += ".kusto.windows.net"
    }
    return (scheme, host)
  }

  /// Hosts whose one endpoint takes queries and ingestion.
  private static func hasOneEndpoint(_ host: String) -> Bool {
    let name = host.hasPrefix("[") ? host : String(host.prefix { $0 != ":" })
    return isLoopback(host) || name.hasPrefix("[") || name.allSatisfy { $0.isNumber || $0 == "." } || name == "onebox.dev.kusto.windows.net"
      || name == "kusto.aria.microsoft.com" || name == "insights.playfab.com"
  }

  private static func isLoopback(_ host: String) -> Bool { URLParts("http://" + host)?.isLoopback ?? false }

  private static func alias(_ host: String) -> String {
    switch host {
    case "kusto.aria.microsoft.com": return "Aria proxy"
    case "insights.playfab.com": return "PlayFab proxy"
    default:
      for domain in [".kusto.", ".kustodev."] {
        let parts = host.split(separator: ".")
        if let i = parts.firstIndex(where: { "." + $0 + "." == domain }), i > 0 { return parts[..<i].joined(separator: ".") }
      }
      return host
    }
  }

  /// True where nobody can listen on the way: a token may go there without TLS.
  package static func isSafeForTokens(_ url: String) -> Bool {
    let lower = url.lowercased()
    if lower.hasPrefix("https://") { return true }
    return lower.hasPrefix("http://") && isOnThisMachine(lower)
  }

  /// True when the host of an address is this machine.
  static func isOnThisMachine(_ url: String) -> Bool { URLParts(url)?.isLoopback ?? false }

  /// Proxies that know queries only.
  package var isReadOnly: Bool { alias == "Aria proxy" || alias == "PlayFab proxy" }
}
