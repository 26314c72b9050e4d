// Role: the one door to a store for texts: KQL and management commands in, result tables out. Synchronous; safe from any thread.

import Columnar
import DataSource
package import Engine
import Expressions
package import KQL
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Runs requests against one store.
package final class CommandExecutor: Sendable {
  package let store: Store
  package let metadata: MetadataStore
  /// How queries run.
  package let options: ExecutionOptions
  /// Refuses paths and URLs that requests may not touch; nil: all are allowed, as for a local user.
  package let pathGuard: (@Sendable (String) throws -> Void)?
  /// Answers for queued ingestion; nil where no server runs.
  package let ingestionService: (any IngestionService)?
  /// Who may do what; nil: everybody everything, as for a local user.
  package let access: AccessControl?
  let requests: RunningRequests
  let background = BackgroundOperations()
  let streaming = StreamingStatistics()
  /// When the policies of time were last applied to all tables of a database, by its name.
  let lastSweeps = Mutex<[String: Int64]>([:])
  let startedOn = StoreClock.nowTicks

  package init(
    _ store: Store, options: ExecutionOptions = ExecutionOptions(), pathGuard: (@Sendable (String) throws -> Void)? = nil,
    ingestionService: (any IngestionService)? = nil, access: AccessControl? = nil
  ) {
    self.store = store
    self.ingestionService = ingestionService
    self.access = access
    let metadata = MetadataStore(storePath: store.path)
    self.metadata = metadata
    requests = RunningRequests(QueryLog(metadata))
    self.options = options
    self.pathGuard = pathGuard
  }

  /// The database that requests without one use.
  package static let defaultDatabase = "NetDefaultDB"

  /// What the names of texts in a database stand for, for those who write one: no rows are read of it. `surroundings`: tables that the caller brings.
  package func names(in database: String?, surroundings: any KQLCatalog) -> any KQLCatalog {
    var properties = RequestProperties()
    properties.surroundings = surroundings
    return SessionCatalog(self, Request(text: "", database: database, properties: properties), for: .metadata)
  }

  /// Runs a text. Queries are bound and their rows computed when they are read; commands have done their work on return.
  /// `database` is the one of unqualified names; nil: the store's only database, if there is just one. Throws `KConnectError`.
  package func execute(_ text: String, database: String? = nil, _ properties: RequestProperties = RequestProperties()) throws -> RequestResult {
    let request = Request(text: text, database: try resolve(database), properties: properties)
    let ticket = RequestTicket(requests, request)
    do {
      return request.isCommand ? try runCommand(request, ticket) : try bindQuery(request, ticket)
    } catch {
      ticket.end(failure: error)
      throw error
    }
  }

  /// Stops the request of that id; false when none is running.
  package func cancel(requestId: String, reason: String? = nil) -> Bool { requests.cancel(requestId, reason: reason) }

  /// Waits until all asynchronous operations of this process have ended, and brings its queries into the store's log.
  package func drain() {
    background.drain()
    logQueries()
  }

  /// Brings the queries of this process that have ended into the store's log.
  func logQueries() { requests.writeEnded() }

  private func runCommand(_ request: Request, _ ticket: RequestTicket) throws -> RequestResult {
    let command = try KQL.command(request.text)
    if request.isReadOnly, !command.kind.isReadOnly {
      throw KConnectError(.permission, "the request is read-only, '\(command.kind.shown)' changes something", hint: "drop the option request_readonly")
    }
    // What cannot be applied to the result must not come after the command has done its work.
    try KQL.checkTail(of: command, request.text)
    let run = CommandRun(executor: self, request: request, command: command)
    if ["validatepermissions", "validate_permissions"].contains(where: request.isOn) {
      return result(request, ticket, [try PermissionTrial.outcome(of: run)], isCommand: true, notes: [])
    }
    let output = try run.logged()
    var tables = [ResultTable(name: "Table_0", plan: output.plan)]
    if let tail = command.tail { tables = try run.apply(tail, to: output.plan) }
    return result(request, ticket, tables, isCommand: true, notes: run.notes.all)
  }

  private func bindQuery(_ request: Request, _ ticket: RequestTicket) throws -> RequestResult {
    let (bound, trial) = try atOneMoment(request) { catalog -> (BoundQuery?, ResultTable?) in
      try catalog.authorize()
      let trial = PermissionTrial(catalog)
      do {
        let bound = try KQL.bind(request.text, catalog: catalog, options: trial.options(request.bindOptions(self, catalog)))
        return catalog.validatesPermissions ? (nil, PermissionTrial.table("OK")) : (bound, nil)
      } catch {
        guard let table = trial.unfinished(error) else { throw error }
        return (nil, table)
      }
    }
    guard let bound else { return result(request, ticket, trial.map { [$0] } ?? [], isCommand: false, notes: []) }
    let tables = bound.results.enumerated().map { i, result in
      ResultTable(name: result.name ?? "PrimaryResult", plan: result.plan, visualization: result.visualization)
    }
    var answer = result(request, ticket, tables, isCommand: false, statements: bound.options, notes: [])
    answer.options.merge(bound.options) { $1 }
    answer.statements = bound.options
    return answer
  }

  /// Binds with all tables as of one moment: anew when commits of several tables come between. Throws LOCKED (retryable) when they never end.
  func atOneMoment<Bound>(_ request: Request, _ bind: (SessionCatalog) throws -> Bound) throws -> Bound {
    for _ in 0..<100 {
      let catalog = SessionCatalog(self, request)
      do {
        let bound = try bind(catalog)
        if try catalog.isOfOneMoment() { return bound }
      } catch {
        // A table that was not there may have been between two names.
        if try catalog.isQuiet() { throw error }
      }
      try request.properties.cancellation.check()
    }
    throw KConnectError(.locked, "the query's tables are changed together too often to be read as of one moment", hint: "try again", isRetryable: true)
  }

  private func result(
    _ request: Request, _ ticket: RequestTicket, _ tables: [ResultTable], isCommand: Bool, statements: [String: Scalar] = [:], notes: [String]
  ) -> RequestResult {
    RequestResult(
      tables: tables, context: request.context, executionOptions: options.limited(by: request.properties.options, statements), requestId: request.properties.requestId, isCommand: isCommand,
      options: request.properties.options, notes: notes, cancellation: request.properties.cancellation, ticket: ticket)
  }

  /// The store's spelling of a database name: exact, else without regard to case; nil picks the only database.
  func resolve(_ name: String?) throws -> String? {
    if let name, !name.isEmpty, try store.databaseIfExists(name) != nil { return name }
    let names = try store.databaseNames()
    guard let name, !name.isEmpty else { return names.count == 1 ? names[0] : names.first { $0 == Self.defaultDatabase } }
    return names.first { $0.lowercased() == name.lowercased() } ?? name
  }
}

/// One request on its way.
final class Request: Sendable {
  let text: String
  /// A management command, no query.
  let isCommand: Bool
  /// The database of unqualified names; may not exist.
  let database: String?
  let properties: RequestProperties
  let context: EvaluationContext
  let startedOn = StoreClock.nowTicks
  let activityId = GUID(randomIdentifier()) ?? GUID(high: 0, low: 0)

  init(text: String, database: String?, properties: RequestProperties) {
    self.text = text
    isCommand = CommandParser.isCommand(text)
    self.database = database
    self.properties = properties
    var now = startedOn
    if case .datetime(let fixed)? = properties.options["query_now"] { now = fixed }
    context = EvaluationContext(nowTicks: now, seed: UInt64.random(in: .min ... .max))
  }

  /// The same request where another database is the current one.
  init(_ other: Request, in database: String) {
    text = other.text
    isCommand = other.isCommand
    self.database = database
    properties = other.properties
    context = other.context
  }

  var caller: Principal { properties.principal ?? .process }

  /// The caller's fully qualified name.
  var principal: String { caller.fullyQualifiedName }

  static var userName: String {
    // SAFETY: getpwuid answers nil or a record that is valid until the next call; the name is copied at once.
    guard let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name else { return "uid-\(geteuid())" }
    return unsafe String(cString: name)
  }

  /// Whether an option of the request is set to something else than false; `set` statements do not count.
  func isOn(_ name: String) -> Bool { properties.options[name].map { !RequestSettings.isOff($0) } ?? false }

  var isReadOnly: Bool { isOn("request_readonly") || isOn("request_readonly_hardline") }

  func bindOptions(_ executor: CommandExecutor, _ catalog: SessionCatalog) -> BindOptions {
    var options = BindOptions(context: context)
    options.execution = executor.options.limited(by: properties.options)
    if isOn("best_effort") { options.isBestEffort = true }
    options.settings = properties.options
    // Plugins are not known to change nothing. Source: Kusto, "Request properties".
    if isOn("request_readonly_hardline") { options.execution.scripts = nil }
    options.parameters = properties.parameters
    options.parameterTexts = properties.parameterTexts
    let cancellation = properties.cancellation
    options.supervise = { execution, body in try cancellation.running(execution, body) }
    return options
  }

  /// The options for a text that is checked before it is stored.
  func definitionOptions(_ executor: CommandExecutor, _ catalog: SessionCatalog) -> BindOptions {
    var options = bindOptions(executor, catalog)
    options.isDefinition = true
    return options
  }
}
