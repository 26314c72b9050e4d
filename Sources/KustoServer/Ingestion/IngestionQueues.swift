// Role: the queues and keys of queued ingestion: what clients are told, who may use it, and the messages that wait.

import Columnar
import DataSource
import KustoConnector
import KustoStore
import KustoWire

/// Queues of a store, kept with its metadata.
final class IngestionQueues: IngestionService {
  static let container = "tmp"
  /// What the names of containers begin with where exports go whose readers fetch and remove them: each principal has one.
  static let exportPrefix = "export-"
  static let statusTable = "status"
  enum Queue: String, CaseIterable { case ready, failed, success }

  private struct State {
    var metadata: MetadataStore?
    var blobs: BlobStore?
    var maxInflatedBytes = 0
    var keys = ResourceKeys()
    var waiting = 0
    /// Of those that wait, messages that may be put aside.
    var aside = 0
  }
  private let state = Monitor(State())

  /// Connects with a store; called once, before anything else.
  func open(_ metadata: MetadataStore, _ blobs: BlobStore, maxInflatedBytes: Int) throws {
    var secrets: [String: Secret] = [:]
    for name in Queue.allCases.map(\.rawValue) + [Self.container, Self.exportPrefix, Self.statusTable] {
      secrets[name] = Secret(Base64.text(try metadata.secret("sas:" + name).utf8))
    }
    let keys = ResourceKeys(secrets)
    // What was put aside by a server that ended is not aside any more.
    _ = try metadata.resume(Queue.ready.rawValue, now: Int64.max)
    let waiting = try metadata.count(Queue.ready.rawValue)
    state.change { state in
      state.metadata = metadata
      state.blobs = blobs
      state.maxInflatedBytes = maxInflatedBytes
      state.keys = keys
      state.waiting = waiting
    }
  }

  private func metadata() throws -> MetadataStore {
    guard let metadata = state.change({ $0.metadata }) else { throw KConnectError(.internalError, "the queues are not open") }
    return metadata
  }

  /// Messages that wait to be ingested.
  var waiting: Int { state.change { $0.waiting } }
  /// None of them is to be worked on now.
  var areAllAside: Bool { state.change { $0.aside >= $0.waiting } }

  // MARK: What clients ask for

  private var keys: ResourceKeys { state.change { $0.keys } }

  private func root(_ name: String, _ endpoint: String?) throws -> String {
    "\(endpoint ?? "http://localhost")/\(BlobStore.account)/\(name)?\(try keys.query(name))"
  }

  func exportContainers(endpoint: String?, principal: Principal) throws -> [String] {
    let name = try metadata().secret("export:" + principal.document.json).filter { $0 != "-" }
    return [try root(Self.exportPrefix + name.prefix(32), endpoint)]
  }

  /// Whether a container is one of those whose names `exportContainers` makes.
  static func isExportContainer(_ name: some StringProtocol) -> Bool {
    name.hasPrefix(exportPrefix) && name.utf8.count == exportPrefix.utf8.count + 32 && name.utf8.dropFirst(exportPrefix.utf8.count).allSatisfy { hexDigits.contains($0) }
  }
  private static let hexDigits = Set("0123456789abcdef".utf8)

  func exportPlace(of address: String) throws -> ExportPlace? {
    guard let parts = URLParts(String(address.prefix { $0 != ";" })), let blob = BlobName(parts.path + "/x") else { return nil }
    guard try isSigned(parts.query ?? "", resource: blob.container, rights: ["w", "c"]), let blobs = state.change({ $0.blobs }) else { return nil }
    let base = blob.name.dropLast(1), shown = String(address.prefix { $0 != "?" && $0 != ";" })
    return ExportPlace(directory: blobs.directory) { name in
      guard let blob = BlobName("/\(BlobStore.account)/\(blob.container)/" + percentEncoded(base + name)) else { return nil }
      return (try blobs.placeForNew(blob), shown + "/" + name.split(separator: "/").map { FormText.encoded(String($0)) }.joined(separator: "/"))
    }
  }

  func resources(endpoint: String?) throws -> [(type: String, root: String)] {
    func root(_ name: String) throws -> String { try self.root(name, endpoint) }
    return try [
      ("SecuredReadyForAggregationQueue", root(Queue.ready.rawValue)), ("FailedIngestionsQueue", root(Queue.failed.rawValue)),
      ("SuccessfulIngestionsQueue", root(Queue.success.rawValue)), ("TempStorage", root(Self.container)), ("IngestionsStatusTable", root(Self.statusTable)),
    ]
  }

  /// The principal and a text only this store knows for it.
  func identityToken(principal: Principal) throws -> String { try identityToken(document: principal.document.json) }

  /// The secret is that of the whole document: none of it can be changed.
  private func identityToken(document: String) throws -> String {
    let digits = document.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return digits + "." + (try metadata().secret("identity:" + document))
  }

  /// The principal of a token; nil when the store did not give it out.
  func principal(ofToken token: String) throws -> Principal? {
    let parts = token.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, parts[0].utf8.count % 2 == 0, parts[0].utf8.count <= 1 << 17 else { return nil }
    let digits = Array(parts[0])
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    guard bytes.count * 2 == digits.count, let document = String(validating: bytes, as: UTF8.self),
      try Self.isSame(metadata().knownSecret("identity:" + document) ?? "", String(parts[1]))
    else { return nil }
    return DynamicValue(json: document).flatMap { Principal(document: $0) }
  }

  // MARK: Keys

  /// Throws 403 unless a query string has the resource's key, and the key one of the rights.
  func check(_ query: String, resource: String, rights: Set<Character>) throws {
    func refused(_ code: String, _ detail: String) -> WireError {
      WireError(status: 403, code: code, type: "KustoRequestDeniedException", detail: detail, isPermanent: true)
    }
    switch try keys.answer(query, resource: resource, rights: rights) {
    case .allowed: return
    case .unknown:
      throw refused(
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the address has the signature given by .get ingestion resources, which ends after a day.")
    case .forbidden: throw refused("AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")
    }
  }

  /// Whether an address is one of this server's own, with one of the rights. `isTimeless`: also when its time is over.
  func isSigned(_ query: String, resource: String, rights: Set<Character>, isTimeless: Bool = false) throws -> Bool {
    try keys.answer(query, resource: resource, rights: rights, isTimeless: isTimeless) == .allowed
  }

  /// Compares in a time that does not tell where the texts differ.
  private static func isSame(_ a: String, _ b: String) -> Bool {
    let a = Array(a.utf8), b = Array(b.utf8)
    guard a.count == b.count, !a.isEmpty else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  func ownFile(of address: String) throws -> ServedFile? {
    // Only this server's own addresses have its key.
    guard let parts = URLParts(String(address.prefix { $0 != ";" })), let blob = BlobName(parts.path) else { return nil }
    // A message may wait longer than the address in it lasts.
    guard try isSigned(parts.query ?? "", resource: blob.container, rights: ["r"], isTimeless: true) else { return nil }
    let (blobs, limit) = state.change { ($0.blobs, $0.maxInflatedBytes) }
    guard let blobs else { return nil }
    let path = try blobs.path(of: blob)
    try ReceivedFile.checkInflation(path, limit: limit)
    let alias = try ReceivedFile.alias(of: path, in: blobs.directory)
    return ServedFile(path: alias?.path ?? path, holder: alias)
  }

  // MARK: Messages

  func post(_ text: String, to queue: Queue) throws -> QueuedMessage {
    let message = try metadata().post(text, to: queue.rawValue)
    if queue == .ready { state.change { $0.waiting += 1 } }
    return message
  }

  /// The first messages to work on, whoever received and hid them meanwhile: a table takes none with a number below its last, so none may be
  /// passed over.
  func first(limit: Int) throws -> [QueuedMessage] { try metadata().first(Queue.ready.rawValue, limit: limit) }

  /// Removes a message that is done, and says how it went. False when somebody removed it meanwhile.
  func conclude(_ message: QueuedMessage, _ outcome: MetadataStore.Outcome) throws -> Bool {
    guard try metadata().conclude(message, in: Queue.ready.rawValue, outcome) else { return false }
    state.change { $0.waiting = max(0, $0.waiting - 1) }
    return true
  }

  /// Puts a message aside for so many seconds.
  func postpone(_ message: QueuedMessage, seconds: Int) throws {
    try metadata().postpone(message, in: Queue.ready.rawValue, for: Int64(seconds) * 10_000_000)
    state.change { $0.aside += 1 }
  }

  /// Brings back messages that were put aside and are due.
  func resume() throws {
    guard state.change({ $0.aside }) > 0 else { return }
    let aside = try metadata().resume(Queue.ready.rawValue)
    state.change { $0.aside = aside }
  }

  /// Forgets what has expired.
  func sweep() throws { try metadata().sweepMessages() }

  func count(_ queue: Queue) throws -> Int { try metadata().count(queue.rawValue) }

  func peek(_ queue: Queue, limit: Int) throws -> [QueuedMessage] { try metadata().peek(queue.rawValue, limit: limit) }

  func receive(_ queue: Queue, limit: Int, hiddenForSeconds seconds: Int) throws -> [QueuedMessage] {
    try metadata().receive(queue.rawValue, limit: limit, hiddenFor: Int64(seconds) * 10_000_000)
  }

  func delete(_ id: String, from queue: Queue, receipt: String) throws -> Bool {
    guard try metadata().delete(id, from: queue.rawValue, receipt: receipt) else { return false }
    if queue == .ready { state.change { $0.waiting = max(0, $0.waiting - 1) } }
    return true
  }

  func clear(_ queue: Queue) throws {
    try metadata().clear(queue.rawValue)
    if queue == .ready { state.change { ($0.waiting, $0.aside) = (0, 0) } }
  }

  // MARK: Status table

  func status(_ key: String) throws -> DynamicValue? { try metadata().ingestionStatus(key) }
  /// False where the row is there already.
  func addStatus(_ key: String, _ row: DynamicValue) throws -> Bool { try metadata().addIngestionStatus(key, row) }
  func putStatus(_ key: String, _ row: DynamicValue) throws { try metadata().putIngestionStatus(key, row) }

  // MARK: Waiting

  /// Waits until there may be messages, at most a while.
  func waitForMessages(milliseconds: Int) { _ = state.wait(milliseconds: milliseconds) { $0.waiting > 0 ? true : nil } }

  /// Ends a wait.
  func wake() { state.change { $0.waiting += 1 } }
}
