// Role: one management command while it is carried out: what it may reach, and the lookups all commands share.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Synchronization

/// Remarks collected during a request.
final class RequestNotes: Sendable {
  private let notes = Mutex<[String]>([])
  func add(_ note: String) { notes.withLock { if !$0.contains(note) { $0.append(note) } } }
  var all: [String] { notes.withLock { $0 } }
}

/// A command with its surroundings.
struct CommandRun: Sendable {
  let executor: CommandExecutor
  let request: Request
  let command: Command
  let notes = RequestNotes()
  /// The id under which the command is logged.
  let operationId: GUID

  init(executor: CommandExecutor, request: Request, command: Command, operationId: GUID? = nil) {
    self.executor = executor
    self.request = request
    self.command = command
    self.operationId = operationId ?? GUID(randomIdentifier()) ?? GUID(high: 0, low: 0)
  }

  var store: Store { executor.store }
  var metadata: MetadataStore { executor.metadata }
  var cancellation: RequestCancellation { request.properties.cancellation }

  // MARK: Entities

  /// The current database.
  func database() throws -> Database {
    guard let name = request.database else {
      let names = try databases("none").map(\.name)
      throw KConnectError(
        .usage, "the command needs a database and none is chosen",
        hint: names.isEmpty ? "create one: .create database NAME" : "choose one with --database NAME; databases: \(names.prefix(12).joined(separator: ", "))")
    }
    return try store.database(name)
  }

  /// The database a command names, or the current one.
  func database(_ key: String) throws -> Database {
    guard let name = command.name(key) else { return try database() }
    return try namedDatabase(name.text)
  }

  func namedDatabase(_ name: String) throws -> Database {
    try store.database(try executor.resolve(name) ?? name)
  }

  /// The databases a command lists in parentheses, or all that the caller knows.
  func databases(_ key: String = "databases") throws -> [Database] {
    let names = command.names(key)
    if names.isEmpty {
      let all = try store.databaseNames().map { try store.database($0) }
      guard let access = try executor.requestAccess(request.properties) else { return all }
      return try all.filter { try access.knows($0) }
    }
    return try names.map { try namedDatabase($0.text) }
  }

  /// The table under a capture; `Database.Table` reaches another database.
  func table(_ key: String = "table") throws -> StoreTable {
    let parts = command.path(key)
    guard let last = parts.last else { throw KConnectError(.internalError, "the command '\(command.kind.shown)' names no table") }
    let home = try parts.count > 1 ? namedDatabase(parts[parts.count - 2].text) : database()
    return try home.table(last.text)
  }

  func table(named name: String) throws -> StoreTable { try database().table(name) }

  /// The tables a command lists, or all of the current database.
  func tables(_ key: String = "tables") throws -> [StoreTable] {
    let names = command.names(key)
    let database = try database()
    return try names.isEmpty ? database.tables() : names.map { try database.table($0.text) }
  }

  // MARK: Properties

  /// The checked `with (...)` properties of the command.
  func properties(_ allowed: [String]) throws -> CommandProperties { try CommandProperties(command.properties(), allowed: allowed, command: command) }

  /// The number behind `limit`; nil when there is none. Throws VALUE_INVALID for a negative one.
  func limit() throws -> Int? {
    guard case .literal(.long(let limit), _)? = command.arguments["limit"] else { return nil }
    guard limit >= 0 else { throw KConnectError(.valueInvalid, "limit \(limit): expected 0 or more") }
    return Int(clamping: limit)
  }

  func schema(_ columns: RowSchema) -> StructType {
    StructType(columns.columns.map { StructField($0.name.text, DataType(rawValue: $0.type.type.rawValue) ?? .dynamic) })
  }

  /// The schema under `columns`.
  func declaredSchema() throws -> StructType {
    guard let columns = command.schema() else { throw KConnectError(.internalError, "the command declares no columns") }
    return schema(columns)
  }

  // MARK: Queries

  func catalog(for purpose: SessionCatalog.Purpose = .query) -> SessionCatalog { SessionCatalog(executor, request, for: purpose) }

  /// Binds the query behind `<|`.
  func query(_ key: String = "query", catalog: SessionCatalog? = nil) throws -> LogicalPlan {
    guard let (_, span) = command.source(key) else { throw KConnectError(.internalError, "the command has no query") }
    if CommandParser.isCommand(String(decoding: Array(request.text.utf8)[Int(span.start)...], as: UTF8.self)) { return try nested(span).plan }
    func bind(_ catalog: SessionCatalog) throws -> BoundQuery {
      try KQL.bind(request.text, from: Int(span.start), catalog: catalog, options: request.bindOptions(executor, catalog))
    }
    let bound = try catalog.map(bind) ?? executor.atOneMoment(request, bind)
    guard bound.results.count == 1, let result = bound.results.first else {
      throw KConnectError(.notSupported, "the text after '<|' has \(bound.results.count) queries, expected one", hint: "combine them with union")
    }
    return result.plan
  }

  /// A command as the input of another: `.set T <| .show tables`.
  private func nested(_ span: SourceSpan) throws -> CommandOutput {
    let text = String(decoding: Array(request.text.utf8)[Int(span.start)...], as: UTF8.self)
    let command = try KQL.command(text)
    guard command.kind.isReadOnly else {
      throw KConnectError(.notSupported, "a command behind '<|' may only show something, found '\(command.kind.shown)'")
    }
    let inner = Request(text: text, database: request.database, properties: request.properties)
    let run = CommandRun(executor: executor, request: inner, command: command)
    let output = try run.perform()
    guard let tail = command.tail else { return output }
    let tables = try run.apply(tail, to: output.plan)
    return try run.rows(of: tables[0].plan)
  }

  /// Runs a plan whole, for commands that need its rows.
  func rows(of plan: LogicalPlan) throws -> CommandOutput {
    var rows: [[Scalar]] = []
    let execution = try QueryExecution(plan, options: executor.options, context: request.context)
    try cancellation.running(execution) { execution in
      try execution.run { batch in
        for i in 0..<batch.rowCount { rows.append(batch.row(i)) }
        return true
      }
    }
    return CommandOutput(schema: plan.schema, rows: rows)
  }

  /// What stands behind the command, applied to its result.
  func apply(_ tail: CommandTail, to plan: LogicalPlan) throws -> [ResultTable] {
    let catalog = catalog()
    let options = request.bindOptions(executor, catalog)
    let bound: BoundQuery
    switch tail {
    case .operators(let offset): bound = try KQL.bindFragment(request.text, from: offset, input: plan, catalog: catalog, options: options)
    case .statements(let offset):
      bound = try KQL.bind(request.text, from: offset, catalog: catalog.adding("$command_results", plan), options: options)
    }
    return bound.results.enumerated().map { i, result in
      ResultTable(name: result.name ?? "Table_\(i)", plan: result.plan, visualization: result.visualization)
    }
  }
}

/// The properties of a command by name, any case.
struct CommandProperties: Sendable {
  /// A property as it was given; the literal is known where it stood in a command.
  struct Given: Sendable {
    var name: String
    var text: String
    var literal: Literal?
  }

  private let byName: [String: Given]

  /// Throws OPTION_UNKNOWN with the nearest name.
  init(_ list: [CommandProperty], allowed: [String], command: Command) throws {
    var byName: [String: Given] = [:]
    for property in list {
      let key = property.name.text.lowercased()
      guard allowed.contains(where: { $0.lowercased() == key }) else {
        throw KConnectError(
          .optionUnknown, "unknown property '\(property.name.text)' of '\(command.kind.shown)'",
          hint: (nearestNames(to: property.name.text, among: allowed, limit: 1).first.map { "did you mean '\($0)'? " } ?? "") + "properties: \(allowed.joined(separator: ", "))")
      }
      byName[key] = Given(name: property.name.text, text: property.text, literal: property.literal)
    }
    self.byName = byName
  }

  /// Properties that come as texts, such as those of a queued ingestion; names that are not allowed are ignored, as Kusto does.
  init(_ texts: [(name: String, value: String)], allowed: [String]) {
    // Most have none.
    let known: Set<String> = texts.isEmpty ? [] : Set(allowed.map { $0.lowercased() })
    byName = Dictionary(
      texts.filter { known.contains($0.name.lowercased()) }.map { ($0.name.lowercased(), Given(name: $0.name, text: $0.value, literal: nil)) }
    ) { $1 }
  }

  /// As JSON, for logs.
  var json: String {
    DynamicValue.bag(byName.values.sorted { $0.name < $1.name }.map { DynamicEntry($0.name, .string($0.text)) }).json
  }

  subscript(_ name: String) -> Given? { byName[name.lowercased()] }
  func text(_ name: String) -> String? { self[name]?.text }

  /// Throws OPTION_INVALID for anything but true and false.
  func bool(_ name: String) throws -> Bool? {
    guard let property = self[name] else { return nil }
    switch property.text.lowercased() {
    case "true", "1": return true
    case "false", "0": return false
    default: throw KConnectError(.optionInvalid, "property '\(name)': found '\(property.text.prefix(80))', expected true or false")
    }
  }

  func integer(_ name: String) throws -> Int? {
    guard let property = self[name] else { return nil }
    guard let value = Int(property.text) else {
      throw KConnectError(.optionInvalid, "property '\(name)': found '\(property.text.prefix(80))', expected a number")
    }
    return value
  }

  /// Ticks of a datetime.
  func datetime(_ name: String) throws -> Int64? {
    guard let property = self[name] else { return nil }
    let text = if case .typed(_, let inside)? = property.literal { inside } else { property.text }
    guard case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else {
      throw KConnectError(.optionInvalid, "property '\(name)': found '\(property.text.prefix(80))', expected a datetime", hint: "as in 2024-01-31T12:00:00Z")
    }
    return ticks
  }

  /// Ticks of a timespan, with a unit or as `d.hh:mm:ss`.
  func timespan(_ name: String) throws -> Int64? {
    guard let property = self[name] else { return nil }
    if case .timespan(let ticks)? = property.literal { return ticks }
    guard case .timespan(let ticks)? = ScalarText.parse(property.text, as: .timespan) else {
      throw KConnectError(.optionInvalid, "property '\(name)': found '\(property.text.prefix(80))', expected a timespan", hint: "as in 1d or 1.00:00:00")
    }
    return ticks
  }

  /// A JSON list of strings: `tags='["a","b"]'`.
  func texts(_ name: String) throws -> [String]? {
    guard let property = self[name] else { return nil }
    guard let list = DynamicValue(lenientJSON: property.text)?.elements else {
      throw KConnectError(.optionInvalid, "property '\(name)': found '\(property.text.prefix(80))', expected a JSON list of strings", hint: #"as in '["a","b"]'"#)
    }
    return try list.map { value in
      guard let text = value.stringValue else { throw KConnectError(.optionInvalid, "property '\(name)': expected a list of strings, found \(value.json.prefix(80))") }
      return text
    }
  }
}
