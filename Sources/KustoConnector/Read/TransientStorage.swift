// Role: the option transientStorage: containers for exported files, by signature, account key or impersonation.
// Source: the connector's TransientStorageParameters; its rules for addresses.

import Columnar
import DataSource

/// Where a cluster exports to.
struct TransientStorage: Sendable {
  /// One container. The secret part never reaches messages.
  struct Container: Sendable {
    /// `https://ACCOUNT.blob.SUFFIX/CONTAINER`.
    var url: String
    /// `?SIGNATURE`, `;KEY` or `;impersonate`, as connection strings of clusters have it.
    var secret: String
    /// Behind the address of a file: `?SIGNATURE`; nil: the address alone does not open it.
    var readSuffix: String?
    /// The key of the account, for reading back.
    var accountKey: String?
  }

  var containers: [Container]

  /// The containers that the cluster itself has for exports. Throws NOT_SUPPORTED when it names none.
  init(of client: ClusterClient) throws {
    let answer = try client.command(".show export containers", database: nil, on: .ingestion, activity: "exportContainersShow")
    containers = answer.texts("StorageRoot").compactMap { root in
      root.firstIndex(of: "?").map { Container(url: String(root[..<$0]), secret: String(root[$0...]), readSuffix: String(root[$0...]), accountKey: nil) }
    }
    guard !containers.isEmpty else {
      throw KConnectError(.notSupported, "'\(client.address.ingestion)' has no containers for exports", hint: "name a container in transientStorage, or kustoIngestionUri")
    }
  }

  /// What tells storage apart, without secrets.
  var identity: String { containers.map(\.url).joined(separator: " ") }

  /// `{"storageCredentials": [{"sasUrl": …} | {"storageAccountName", "storageAccountKey", "blobContainer"}], "endpointSuffix": …}`. Throws
  /// OPTION_INVALID with the rule that is broken, NOT_SUPPORTED for OneLake.
  init(json text: String) throws {
    guard let value = try? DynamicValue(parsing: text), case .bag = value else { throw Self.invalid("is no JSON object") }
    guard case .array(let items)? = Self.member("storageCredentials", of: value), !items.isEmpty else { throw Self.invalid("has no storageCredentials") }
    let suffix = try Self.text("endpointSuffix", of: value) ?? "core.windows.net"
    containers = try items.map { try Self.container($0, suffix: suffix) }
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
    if try text("oneLakeUrl", of: item) != nil { throw KConnectError(.notSupported, "option 'transientStorage': not supported yet: oneLakeUrl", hint: "use a container with a signature") }
    if let sas = try text("sasUrl", of: item) { return try signed(sas) }
    guard let account = try text("storageAccountName", of: item), !account.isEmpty else { throw invalid("has a credential with neither sasUrl nor storageAccountName") }
    guard let key = try text("storageAccountKey", of: item), !key.isEmpty else { throw invalid("has a credential without storageAccountKey") }
    guard let container = try text("blobContainer", of: item), !container.isEmpty else { throw invalid("has a credential without blobContainer") }
    guard isName(account), isName(container) else { throw invalid("has an account or container whose name is not of letters, digits and '-'") }
    return Container(url: "https://\(account).blob.\(suffix)/\(container)", secret: ";" + key, readSuffix: nil, accountKey: key)
  }

  private static func signed(_ text: String) throws -> Container {
    if text.hasSuffix(";impersonate") {
      let url = String(text.dropLast(";impersonate".count))
      try check(url)
      return Container(url: url, secret: ";impersonate", readSuffix: nil, accountKey: nil)
    }
    guard let mark = text.firstIndex(of: "?") else { throw invalid("has a sasUrl without signature") }
    let url = String(text[..<mark]), signature = String(text[mark...])
    guard signature.contains("sig=") else { throw invalid("has a sasUrl without signature") }
    try check(url)
    return Container(url: url, secret: signature, readSuffix: signature, accountKey: nil)
  }

  private static func check(_ url: String) throws {
    guard ClusterAddress.isSafeForTokens(url) else { throw invalid("has an address that is not https://") }
    let parts = url.split(separator: "/", omittingEmptySubsequences: true)
    guard parts.count >= 3, !url.contains("#"), !url.contains("@"), !parts.contains(where: { $0 == "." || $0 == ".." || $0.lowercased().contains("%2e") || $0.lowercased().contains("%2f") }) else {
      throw invalid("has an address that is not https://ACCOUNT.blob.SUFFIX/CONTAINER")
    }
  }

  private static func isName(_ text: String) -> Bool { text.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D || $0 == 0x24 } }
}
