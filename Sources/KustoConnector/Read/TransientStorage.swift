// Role: the option transientStorage: containers for exported files, by signature, account key, impersonation, or in OneLake.
// Source: the connector's TransientStorageParameters; its rules for addresses.

import Columnar
import DataSource

/// Where a cluster exports to.
package struct TransientStorage: Sendable {
  /// What opens an exported file.
  enum ReadBack: Sendable {
    /// `?SIGNATURE`.
    case signature(String)
    case accountKey(String)
    /// A token of the caller, for whom the cluster wrote it.
    case identity
  }

  /// One container. The secret part never reaches messages.
  struct Container: Sendable {
    /// `https://ACCOUNT.blob.SUFFIX/CONTAINER`, or a directory in OneLake.
    var url: String
    var readBack: ReadBack

    /// `?SIGNATURE`, `;KEY` or `;impersonate`, as connection strings of clusters have it.
    var secret: String {
      switch readBack {
      case .signature(let text): text
      case .accountKey(let key): ";" + key
      case .identity: ";impersonate"
      }
    }

    /// What stands behind the address of a file.
    var suffix: String { if case .signature(let text) = readBack { text } else { "" } }
  }

  /// At least one.
  private(set) var containers: [Container]

  /// The container an address without a signature lies in; the first for addresses that a cluster spells otherwise.
  func container(of address: String) -> Container {
    containers.filter { address == $0.url || address.hasPrefix($0.url + "/") }.max { $0.url.utf8.count < $1.url.utf8.count } ?? containers[0]
  }

  /// A container that is opened by the caller's token, if there is one.
  var opensByIdentity: Container? { containers.first { if case .identity = $0.readBack { true } else { false } } }

  /// The containers that the cluster itself has for exports. Throws NOT_SUPPORTED when it names none.
  init(of client: ClusterClient) throws {
    let answer = try client.command(".show export containers", database: nil, on: .ingestion, activity: "exportContainersShow")
    containers = answer.texts("StorageRoot").compactMap { root in
      root.firstIndex(of: "?").map { Container(url: String(root[..<$0]), readBack: .signature(String(root[$0...]))) }
    }
    guard !containers.isEmpty else {
      throw KConnectError(.notSupported, "'\(client.address.ingestion)' has no containers for exports", hint: "name a container in transientStorage, or kustoIngestionUri")
    }
  }

  /// What tells storage apart, without secrets.
  var identity: String { containers.map(\.url).joined(separator: " ") }

  /// `{"storageCredentials": [{"sasUrl"} | {"storageAccountName", "storageAccountKey", "blobContainer"} | {"oneLakeUrl"}], "endpointSuffix": …}`.
  /// Throws OPTION_INVALID with the rule that is broken.
  package init(json text: String) throws {
    guard let value = try? DynamicValue(parsing: text), case .bag = value else { throw Self.invalid("is no JSON object") }
    guard case .array(let items)? = Self.member("storageCredentials", of: value), !items.isEmpty else { throw Self.invalid("has no storageCredentials") }
    let suffix = try Self.text("endpointSuffix", of: value) ?? "core.windows.net"
    guard Self.isDomain(suffix) else { throw Self.invalid("has an endpointSuffix that is no domain") }
    containers = try items.map { try Self.container($0, suffix: suffix) }
    let lakes = try items.filter { try Self.text("oneLakeUrl", of: $0) != nil }.count
    guard lakes == 0 || lakes == items.count else { throw Self.invalid("has OneLake beside other storage") }
  }

  private static func invalid(_ what: String) -> KConnectError { KConnectError(.optionInvalid, "option 'transientStorage' \(what)") }

  private static func member(_ name: String, of value: DynamicValue) -> DynamicValue? {
    guard case .bag(let entries) = value else { return nil }
    return entries.first { $0.key.lowercased() == name.lowercased() && $0.value != .null }?.value
  }

  private static func text(_ name: String, of value: DynamicValue) throws -> String? {
    guard let found = member(name, of: value) else { return nil }
    guard case .string(let text) = found else { throw invalid("has a member '\(name)' that is no text") }
    return text
  }

  private static func container(_ item: DynamicValue, suffix: String) throws -> Container {
    guard case .bag = item else { throw invalid("has a credential that is no object") }
    if let lake = try text("oneLakeUrl", of: item) {
      if let other = ["sasUrl", "storageAccountName", "storageAccountKey", "blobContainer"].first(where: { member($0, of: item) != nil }) { throw invalid("has oneLakeUrl and \(other) in one credential") }
      return Container(url: try OneLakeAddress(lake).url, readBack: .identity)
    }
    if let sas = try text("sasUrl", of: item) { return try signed(sas) }
    guard let account = try text("storageAccountName", of: item), !account.isEmpty else { throw invalid("has a credential with neither sasUrl nor storageAccountName") }
    guard let key = try text("storageAccountKey", of: item), !key.isEmpty else { throw invalid("has a credential without storageAccountKey") }
    guard let container = try text("blobContainer", of: item), !container.isEmpty else { throw invalid("has a credential without blobContainer") }
    guard isName(account), isName(container) else { throw invalid("has an account or container whose name is not of letters, digits and '-'") }
    guard Base64.bytes(key) != nil else { throw invalid("has a storageAccountKey that is not Base64") }
    return Container(url: "https://\(account).blob.\(suffix)/\(container)", readBack: .accountKey(key))
  }

  private static func signed(_ text: String) throws -> Container {
    if text.hasSuffix(";impersonate") {
      let url = String(text.dropLast(";impersonate".count))
      try check(url)
      return Container(url: url, readBack: .identity)
    }
    guard let mark = text.firstIndex(of: "?") else { throw invalid("has a sasUrl without signature") }
    let url = String(text[..<mark]), signature = String(text[mark...])
    guard signature.contains("sig=") else { throw invalid("has a sasUrl without signature") }
    try check(url)
    return Container(url: url, readBack: .signature(signature))
  }

  private static func check(_ url: String) throws {
    guard ClusterAddress.isSafeForTokens(url) else { throw invalid("has an address that is not https://") }
    let parts = url.split(separator: "/", omittingEmptySubsequences: true)
    guard parts.count >= 3, !url.contains("#"), !url.contains("@"), !parts.contains(where: { $0 == "." || $0 == ".." || $0.lowercased().contains("%2e") || $0.lowercased().contains("%2f") }) else {
      throw invalid("has an address that is not https://ACCOUNT.blob.SUFFIX/CONTAINER")
    }
  }

  private static func isDomain(_ text: String) -> Bool { !text.isEmpty && isName(text.filter { $0 != "." }) && !text.hasPrefix(".") }

  private static func isName(_ text: String) -> Bool { text.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D || $0 == 0x24 } }
}
