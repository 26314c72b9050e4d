// Role: what the names of a query stand for: the tables given on the command line, then those of the embedded store.

import Columnar
import DataSource
import Engine
import KConnect
import KQL
import KustoConnector
import KustoStore

/// Names in reach of queries.
struct QueryScope {
  let session: Session
  /// Tables by name, from `--table` and the configuration file.
  let tables: [String: DataFrame]
  /// The database of unqualified names as asked for; nil: the store's only one.
  private(set) var database: String?
  /// Where texts run as they are; nil: here.
  private(set) var cluster: ClusterReader?

  init(session: Session, tables: [String: DataFrame], database: String?, cluster: ClusterReader? = nil) {
    self.cluster = cluster
    self.session = session
    self.tables = tables
    self.database = database
  }

  /// The store, when there is one.
  private var executor: CommandExecutor? {
    if cluster != nil { return nil }
    let path = OpenStores.defaultPath
    return OpenStores.exists(path) ? try? OpenStores.executor(path, create: false, options: session.executionOptions) : nil
  }

  /// The database in use; nil where there is none, or several and none was chosen.
  private var currentDatabase: String? {
    if let cluster { return cluster.database }
    if let database { return database }
    let names = (try? executor?.store.databaseNames()) ?? []
    return names.count == 1 ? names[0] : nil
  }

  /// Why names mean nothing where the store has several databases and none was chosen; nil: one is in use.
  var unchosen: KConnectError? {
    guard cluster == nil, database == nil, let names = try? executor?.store.databaseNames(), names.count > 1 else { return nil }
    return KConnectError(
      .usage, "no database is chosen", hint: "choose one with --database NAME, in the shell with \\c NAME; databases: \(names.prefix(12).joined(separator: ", "))")
  }

  /// What the prompt of the shell shows.
  var name: String { currentDatabase ?? "kql" }

  var catalog: any KQLCatalog {
    let own = session.catalog(tables)
    return executor?.names(in: currentDatabase, surroundings: own) ?? own
  }
  var tableNames: [String] { catalog.tableNames(database: nil) }
  var databaseNames: [String] { catalog.databaseNames }

  /// The results of a text: a query, or a management command of the store, which is made when a command needs one.
  func results(_ text: String, _ context: Context) throws -> [KQLResult] {
    if let cluster {
      return try ClusterResults.run(text, cluster).map { KQLResult(frame: DataFrame(session: session, plan: $0.plan), visualization: $0.visualization) }
    }
    let command = CommandParser.start(of: text).map { text[$0...] }
    let path = OpenStores.defaultPath
    guard command != nil || OpenStores.exists(path) else { return try session.results(text, catalog: catalog) }
    let executor = try OpenStores.executor(path, create: command.map { !$0.hasPrefix(".show") } ?? false, options: session.executionOptions)
    var properties = RequestProperties()
    properties.surroundings = session.catalog(tables)
    let answer: RequestResult
    do { answer = try executor.execute(text, database: database, properties) } catch var error as KConnectError where error.code == .kqlSemantic && error.hint == nil {
      error.hint = unchosen?.hint
      throw error
    }
    for note in answer.notes { context.note(note) }
    let limits = try AnswerLimits(statements: answer.statements)
    return try answer.tables.map { table in
      let plan = try limits.applied(
        to: table.plan, execution: answer.executionOptions, memory: session.executionOptions.memoryLimit, context: answer.context)
      return KQLResult(
        frame: DataFrame(session: session, plan: plan), name: answer.tables.count > 1 ? table.name : nil, visualization: table.visualization, context: answer.context,
        request: answer.ticket)
    }
  }

  /// The columns of a table; throws PATH_NOT_FOUND with the nearest name.
  func schema(ofTable name: String) throws -> StructType {
    if let cluster { return try cluster.probe(QueryTextShape(KQLPrinter.quoted(name: name))) }
    if let plan = try catalog.table(name, database: nil) { return plan.schema }
    if tableNames.isEmpty, let unchosen { throw unchosen }
    let near = nearestNames(to: name, among: tableNames, limit: 1).first
    throw KConnectError(.pathNotFound, "there is no table '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "tables: \(tableNames.prefix(12).joined(separator: ", "))")
  }

  /// Makes another database the current one. Throws PATH_NOT_FOUND.
  mutating func connect(_ database: String) throws {
    if let cluster {
      self.cluster = cluster.using(database)
      return
    }
    let path = OpenStores.defaultPath
    guard OpenStores.exists(path) else {
      throw KConnectError(
        .pathNotFound, "there is no database '\(database)': there is no store at '\(path)'", hint: "choose a store with --store DIR or KCONNECT_STORE; .create database makes one")
    }
    self.database = try OpenStores.executor(path, create: false, options: session.executionOptions).store.database(database).name
  }
}
