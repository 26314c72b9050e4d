// Role: the server without a network: a store with everything that answers requests, and the work that goes on beside them.

import Columnar
import DataSource
import Engine
import Expressions
import KConnect
import KQL
package import KustoAccess
package import KustoStore
import KustoWire
import PythonPlugin

/// Answers requests over one store. Safe from any thread.
package final class KustoService: Sendable {
  package let configuration: ServerConfiguration
  package let executor: CommandExecutor
  let authenticator: (any Authenticator)?
  /// The identity provider that this server is too.
  let identity: IdentityProvider?
  /// What `/v1/rest/auth/metadata` says; nil: the public cloud's values.
  let metadata: AuthenticationMetadata?
  let accessLog: AccessLog
  let externalFiles: any KQLCatalog
  let pathGuard: PathGuard
  let permits: Permits
  /// Requests whose bodies are on their way.
  let uploads: Permits
  let deadlines = Deadlines()
  let metrics = Metrics()
  let memoryReturn = MemoryReturn()
  let blobs: BlobStore
  let queues: IngestionQueues
  let streaming = GroupIngestion()
  let startedOn = StoreClock.nowTicks
  private let lock: ServingLock
  private let upkeep = Monitor(UpkeepState())

  private struct UpkeepState {
    var isStopping = false
    var running = 0
  }

  /// Opens the store, which is made when it is missing, with a first database when it has none. Throws LOCKED when another process serves it.
  package init(
    _ configuration: ServerConfiguration, authenticator: (any Authenticator)? = nil, access: AccessControl? = nil, identity: IdentityProvider? = nil,
    metadata: AuthenticationMetadata? = nil, accessLog: AccessLog? = nil
  ) throws {
    self.configuration = configuration
    self.authenticator = authenticator
    self.identity = identity
    self.metadata = metadata ?? identity?.metadata
    self.accessLog = try accessLog ?? AccessLog(path: nil, showsText: false)
    let store = try Store.open(configuration.storePath, create: true, fileSystem: configuration.fileSystem)
    lock = try ServingLock(store)
    if try store.databaseNames().isEmpty { try store.createDatabase(CommandExecutor.defaultDatabase, ifNotExists: true) }
    var options = ExecutionOptions()
    options.threads = configuration.threads
    options.memoryLimit = configuration.requestMemory
    options.spillDirectory = configuration.spillDirectory
    let guarded = try PathGuard(paths: configuration.allowedPaths, urls: configuration.allowedURLs)
    pathGuard = guarded
    if var python = configuration.python {
      python.temporaryDirectory = configuration.spillDirectory
      python.protectedPaths = [configuration.storePath]
      python.requiresConfinement = true
      python.checkArtifact = { try guarded.check($0) }
      let host = PythonHost(python)
      // Better at the start than in somebody's query.
      try host.prepare()
      options.scripts = host
    }
    let queues = IngestionQueues()
    self.queues = queues
    executor = CommandExecutor(store, options: options, pathGuard: { try guarded.check($0) }, ingestionService: queues, access: access)
    blobs = try BlobStore(store: store)
    try queues.open(executor.metadata, blobs, maxInflatedBytes: configuration.maxBlobInflatedBytes)
    externalFiles = GuardedFiles(files: try Session.builder.appName("kconnect serve").makeOrReuse().catalog([:]), pathGuard: guarded)
    permits = Permits(limit: configuration.maxRequests, principalLimit: configuration.maxRequestsPerPrincipal)
    uploads = Permits(limit: 8 * configuration.maxRequests, principalLimit: 4 * configuration.maxRequestsPerPrincipal)
  }

  /// Memory that requests are done with goes back to the system in this process. For programs that do little else.
  package static func returnMemory() { MemoryReturn.atOnce() }

  /// Starts the threads that drain the ingestion queue and look after the store.
  package func start() {
    run { [self] in IngestionWorker(self).drain(until: { self.isStopping }) }
    run { [self] in sealRows() }
    if configuration.upkeepInterval > 0 { run { [self] in maintain() } }
  }

  private func run(_ body: @escaping @Sendable () -> Void) {
    upkeep.change { $0.running += 1 }
    let started = SystemThread.start { [self] in
      body()
      upkeep.change { $0.running -= 1 }
    }
    if !started { upkeep.change { $0.running -= 1 } }
  }

  var isStopping: Bool { upkeep.change { $0.isStopping } }

  /// Ends the work beside requests and waits for it and for asynchronous commands.
  package func stop() {
    upkeep.change { $0.isStopping = true }
    queues.wake()
    _ = upkeep.wait { $0.running == 0 ? true : nil }
    executor.drain()
    for failure in executor.store.rowLogs.closeAll() { AccessLog.say(failure) }
  }

  /// Commits rows of streaming ingestion: first those of a server that died, then what is due. Gives memory back between the commits.
  private func sealRows() {
    for name in (try? executor.store.databaseNames()) ?? [] {
      for table in (try? executor.store.databaseIfExists(name)?.tables()) ?? [] {
        do { try table.sealAbandonedRows() } catch { AccessLog.say("the rows that a server left for '\(table.name)' could not be committed: \(error)") }
      }
    }
    var pause = 250
    while true {
      let stops = upkeep.wait(milliseconds: pause) { $0.isStopping ? true : nil } ?? false
      if stops { return }
      let failures = executor.store.rowLogs.sealDue()
      memoryReturn.work(now: Deadlines.now)
      // A full disk is not asked four times a second.
      pause = failures.isEmpty ? 250 : 5_000
      metrics.add("kconnect_rowlog_seal_failures_total", failures.count)
      for failure in failures { AccessLog.say(failure) }
    }
  }

  private func maintain() {
    var round = 0
    while true {
      let stops = upkeep.wait(milliseconds: configuration.upkeepInterval * 1_000) { $0.isStopping ? true : nil } ?? false
      if stops { return }
      round += 1
      let done = executor.maintain(collectsGarbage: round % 20 == 0)
      metrics.add("kconnect_upkeep_rounds_total")
      metrics.add("kconnect_upkeep_actions_total", done.count)
      // Messages that wait may name any of them.
      if queues.waiting == 0 { blobs.removeOld(olderThan: configuration.blobLifetime) }
      do { try queues.sweep() } catch { AccessLog.say("messages that have expired could not be removed: \(error)") }
    }
  }
}

/// Files that queries name, where the operator allows it.
private struct GuardedFiles: KQLCatalog {
  let files: any KQLCatalog
  let pathGuard: PathGuard

  func table(_ name: String, database: String?) throws -> LogicalPlan? { nil }
  func tableNames(database: String?) -> [String] { [] }

  func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan? {
    try files.externalData(checked(request))
  }

  func externalSchema(_ request: ExternalDataRequest) throws -> StructType? {
    try files.externalSchema(checked(request))
  }

  /// The request with its addresses checked; where they would lead is not checked, so that nobody goes there.
  private func checked(_ request: ExternalDataRequest) throws -> ExternalDataRequest {
    for source in request.sources { try check(source) }
    var request = request
    request.followsRedirects = false
    return request
  }

  /// The address without the credentials behind it.
  private func check(_ source: String) throws {
    try pathGuard.check(source.contains("://") ? String(source.prefix { $0 != ";" }) : source)
  }
}
