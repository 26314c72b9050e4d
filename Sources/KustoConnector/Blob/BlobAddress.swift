// Role: the addresses of Azure storage: `https://ACCOUNT.blob.core.windows.net/CONTAINER/NAME?SAS`, `wasbs://CONTAINER@ACCOUNT.blob…/NAME`,
// `abfss://FILESYSTEM@ACCOUNT.dfs…/NAME`, and emulators `http://127.0.0.1:10000/ACCOUNT/CONTAINER/NAME`. The dfs names of an account are reached
// through its blob endpoint.

import DataSource
import FileConnector

/// An address of Azure storage taken apart.
struct BlobAddress: Sendable, Hashable {
  /// Address of the account, with the account's path for emulators: no slash at the end.
  var endpoint: String
  var account: String
  var container: String
  /// Decoded; without slashes at both ends.
  var path: String
  /// The query with a shared access signature, without `?`; nil when there is none.
  var signature: Secret?

  static func == (a: BlobAddress, b: BlobAddress) -> Bool { a.endpoint == b.endpoint && a.container == b.container && a.path == b.path }
  func hash(into hasher: inout Hasher) {
    hasher.combine(endpoint)
    hasher.combine(container)
    hasher.combine(path)
  }

  /// Nil when the URL is no address of Azure storage. `isCertain`: the user gave credentials of storage, so that any host counts.
  /// `endpoint` stands in the place of the account's own address (emulators, private networks). Throws USAGE for broken addresses.
  init?(_ url: String, endpoint given: String?, isCertain: Bool) throws {
    let scheme = url.prefix { $0 != ":" }.lowercased()
    switch scheme {
    case "wasb", "wasbs", "abfs", "abfss": try self.init(hadoop: url, scheme: scheme, endpoint: given)
    case "http", "https": try self.init(web: url, endpoint: given, isCertain: isCertain)
    default: return nil
    }
  }

  /// `scheme://CONTAINER@HOST/PATH`.
  private init(hadoop url: String, scheme: String, endpoint given: String?) throws {
    func broken(_ why: String) -> KConnectError {
      KConnectError(.usage, "'\(URLText.shown(url))': \(why)", hint: "write \(scheme)://CONTAINER@ACCOUNT.\(scheme.hasPrefix("a") ? "dfs" : "blob").core.windows.net/PATH")
    }
    guard let at = url.firstIndex(of: "@"), let parts = URLParts((scheme.hasSuffix("s") ? "https://" : "http://") + url[url.index(after: at)...]) else {
      throw broken("no container and account")
    }
    let container = url[..<at].dropFirst(scheme.count + 3)
    guard !container.isEmpty, !container.contains("/"), !container.contains(":") else { throw broken("'\(container.prefix(80))' is no name of a container") }
    self.container = String(container)
    account = String(parts.host.prefix { $0 != "." })
    endpoint = (given ?? Self.blobOrigin(parts)).withoutTrailingSlashes
    // Paths of Hadoop are not percent-encoded.
    path = Self.trimmed(parts.path)
    signature = Self.signature(parts.query)
    try check(url)
  }

  private init?(web url: String, endpoint given: String?, isCertain: Bool) throws {
    guard let parts = URLParts(url) else { return nil }
    let signature = Self.signature(parts.query)
    let labels = parts.host.lowercased().split(separator: ".")
    let isAccount = labels.count > 3 && labels.contains { $0 == "blob" || $0 == "dfs" } && Cloud.storageSuffixes.contains { parts.host.lowercased().hasSuffix($0) }
    guard isAccount || isCertain || signature != nil else { return nil }
    // An account with a name of its own stands in the host, else first in the path.
    let isNumeric = parts.isLoopback || parts.host.contains(":") || labels.allSatisfy { UInt8($0) != nil }
    var segments = parts.path.split(separator: "/", omittingEmptySubsequences: true)
    if isNumeric || !isAccount && labels.count == 1 {
      guard segments.count >= 2 else { throw KConnectError(.usage, "'\(URLText.shown(url))' names no account and container", hint: "write \(parts.origin)/ACCOUNT/CONTAINER/NAME") }
      account = percentDecoded(segments.removeFirst())
      endpoint = given?.withoutTrailingSlashes ?? parts.origin + "/" + account
    } else {
      account = String(labels.first ?? "")
      endpoint = (given ?? Self.blobOrigin(parts)).withoutTrailingSlashes
    }
    guard !segments.isEmpty else { throw KConnectError(.usage, "'\(URLText.shown(url))' names no container", hint: "write \(endpoint)/CONTAINER/NAME") }
    container = percentDecoded(segments.removeFirst())
    path = Self.trimmed(segments.map { percentDecoded($0) }.joined(separator: "/"))
    self.signature = signature
    try check(url)
  }

  private func check(_ url: String) throws {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    if parts.contains(where: { $0 == "." || $0 == ".." }) || path.utf8.contains(where: { $0 < 0x20 }) || container.contains("/") || container == ".." {
      throw KConnectError(.usage, "'\(URLText.shown(url))' has '.' or '..' as a part of its path, or control characters")
    }
  }

  private static func blobOrigin(_ parts: URLParts) -> String {
    var origin = parts.origin
    if parts.host.lowercased().contains(".dfs.") { origin = origin.replacingFirst(".dfs.", with: ".blob.") }
    return origin
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.hasPrefix("/") { text.removeFirst() }
    while text.hasSuffix("/") { text.removeLast() }
    return String(text)
  }

  /// The query, when it holds a signature.
  private static func signature(_ query: String?) -> Secret? {
    guard let query, query.split(separator: "&").contains(where: { $0.lowercased().hasPrefix("sig=") }) else { return nil }
    return Secret(query)
  }
}
