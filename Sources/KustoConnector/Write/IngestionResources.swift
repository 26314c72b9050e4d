// Role: where a cluster takes data in: containers and queues with their signatures, and the token that goes with queue messages. Asked once an hour.
// Source: ".get ingestion resources", ".get kusto identity token"; the connector's kustoIngestionStorageContainer.

import Columnar
import DataSource
import Synchronization

/// Storage of one cluster.
final class IngestionResources: Sendable {
  private struct State {
    var containers: [String] = []
    var queues: [String] = []
    var identityToken: String?
    var askedAt: Int64 = .min
    var next = 0
  }

  private let client: ClusterClient
  /// The user's own containers: address with signature.
  private let own: [String]
  private let state = Mutex(State())

  /// - Parameter own: the option kustoIngestionStorageContainer. Throws OPTION_INVALID and NOT_SUPPORTED.
  init(_ client: ClusterClient, own text: String?) throws {
    self.client = client
    own = try text.map(Self.parse) ?? []
  }

  /// `[{"storageUrl", "containerName", "sas"}]`.
  private static func parse(_ text: String) throws -> [String] {
    func invalid(_ what: String) -> KConnectError { KConnectError(.optionInvalid, "kustoIngestionStorageContainer: \(what)") }
    guard let value = try? DynamicValue(parsing: text), case .array(let items) = value, !items.isEmpty else { throw invalid("is no JSON array of containers") }
    return try items.map { item in
      guard case .string(var url)? = item["storageUrl"], !url.isEmpty else { throw invalid("a container has no storageUrl") }
      guard case .string(let container)? = item["containerName"], !container.isEmpty else { throw invalid("a container has no containerName") }
      guard case .string(var sas)? = item["sas"], !sas.isEmpty else {
        throw KConnectError(.notSupported, "kustoIngestionStorageContainer: not supported yet: containers without sas", hint: "make a signature with write and read rights and give it as sas")
      }
      while url.hasSuffix("/") { url.removeLast() }
      if sas.hasPrefix("?") { sas.removeFirst() }
      guard url.hasPrefix("https://") || ClusterAddress.isSafeForTokens(url) else { throw invalid("storageUrl needs https://") }
      return "\(url)/\(container)?\(sas)"
    }
  }

  private static let lifeTicks: Int64 = 3_600 * 10_000_000

  private func refresh() throws {
    let now = client.retry.clock.nowTicks
    let askedAt = state.withLock { $0.askedAt }
    if askedAt != .min, now - askedAt < Self.lifeTicks { return }
    let answer = try client.command(".get ingestion resources", database: nil, on: .ingestion, activity: "resourcesGet", isRepeatable: true)
    let kinds = answer.texts("ResourceTypeName"), roots = answer.texts("StorageRoot")
    state.withLock { state in
      state.containers = zip(kinds, roots).filter { $0.0 == "TempStorage" }.map(\.1)
      state.queues = zip(kinds, roots).filter { $0.0 == "SecuredReadyForAggregationQueue" }.map(\.1)
      state.identityToken = nil
      state.askedAt = now
    }
  }

  /// The container for the next part, round robin. Throws when the cluster has none.
  func container() throws -> String {
    let found: String?
    if own.isEmpty {
      try refresh()
      found = state.withLock { state in
        defer { state.next &+= 1 }
        return state.containers.isEmpty ? nil : state.containers[state.next % state.containers.count]
      }
    } else {
      found = state.withLock { state in
        defer { state.next &+= 1 }
        return own[state.next % own.count]
      }
    }
    guard let found else { throw KConnectError(.notSupported, "'\(client.address.ingestion)' has no storage for ingestion", hint: "kustoIngestionUri names the ingestion endpoint") }
    return found
  }

  /// The queue for the next message.
  func queue() throws -> String {
    try refresh()
    let found = state.withLock { state in state.queues.isEmpty ? nil : state.queues[state.next % state.queues.count] }
    guard let found else { throw KConnectError(.notSupported, "'\(client.address.ingestion)' has no queue for ingestion", hint: "kustoIngestionUri names the ingestion endpoint") }
    return found
  }

  func identityToken() throws -> String {
    try refresh()
    if let known = state.withLock({ $0.identityToken }) { return known }
    let answer = try client.command(".get kusto identity token", database: nil, on: .ingestion, activity: "identityGet", isRepeatable: true)
    guard let token = answer.texts("AuthorizationContext").first else { throw KConnectError(.formatCorrupt, "the answer to .get kusto identity token has no AuthorizationContext") }
    state.withLock { $0.identityToken = token }
    return token
  }
}
