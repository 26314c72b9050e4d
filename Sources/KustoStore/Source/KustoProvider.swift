// Role: the `kusto` source and sink on the embedded store, under the option names of the Spark connector.
// Source: the connector's KustoSourceOptions and KustoSinkOptions; what it leaves undone (save modes, top and aggregates below the source) is done here.

package import Columnar
package import DataSource
package import Engine
package import Expressions
import KQL
import KustoWire

/// The embedded store as source and sink.
package struct KustoProvider: PlanProvider {
  package init() {}

  package var shortName: String { "kusto" }
  package var aliases: [String] {
    ["com.microsoft.kusto.spark.datasource", "com.microsoft.kusto.spark.datasource.DefaultSource", "com.microsoft.kusto.spark.datasink.KustoSinkProvider"]
  }
  package var summary: String { "Tables and queries of the embedded store." }
  package var options: [OptionSpec] { KustoOptions.specs }
  package var needsPath: Bool { false }

  // MARK: Reading

  package func plan(
    _ paths: [String], schema: StructType?, options: DataSourceOptions, execution: ExecutionOptions, context: EvaluationContext
  ) throws -> LogicalPlan {
    try options.string("kustoExportOptionsJson").map(ConnectorTexts.checkExportOptions)
    let target = try KustoTarget(paths, options, hasQuery: options.isGiven("kustoQuery"))
    let executor = try OpenStores.executor(target.store, create: false, options: execution)
    var properties = RequestProperties()
    if let id = options.string("requestId") { properties.requestId = id }
    let asked = try KustoRequest.read(options, into: &properties)
    let database = try target.existingDatabase(executor.store)
    let result: RequestResult
    do { result = try executor.execute(try target.query(options), database: database, properties) } catch {
      if !options.isGiven("kustoQuery"), let missing = target.missingTable(executor, Request(text: "", database: database, properties: properties)) { throw missing }
      throw error
    }
    guard result.tables.count == 1, var plan = result.tables.first?.plan else {
      throw KConnectError(.optionInvalid, "kustoQuery has \(result.tables.count) results, expected one")
    }
    if !options.bool("queryFilterPushDown") { plan = Self.unpushed(plan) }
    plan = try AnswerLimits(asked, statements: result.statements, hasDefaults: false).applied(
      to: plan, seconds: asked.flag("norequesttimeout") ? nil : try AnswerLimits.timeout(asked), execution: result.executionOptions,
      memory: executor.options.memoryLimit, context: result.context, needsRun: asked["query_now"] != nil)
    let wanted = try schema ?? options.string("customSchema").map { try StructType(ddl: $0) }
    return try wanted.map { try Self.cast(plan, to: $0) } ?? plan
  }

  package func open(_ paths: [String], schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable {
    throw KConnectError(.internalError, "the kusto source gives plans")
  }

  /// The columns of a schema, converted where their types differ.
  private static func cast(_ plan: LogicalPlan, to schema: StructType) throws -> LogicalPlan {
    try plan.project(
      schema.fields.map { field in
        guard let found = plan.schema.field(field.name) else {
          let near = nearestNames(to: field.name, among: plan.schema.names, limit: 1).first
          throw KConnectError(.columnNotFound, "customSchema: column '\(field.name)' not found", hint: near.map { "did you mean '\($0)'?" } ?? "columns: \(plan.schema.names.joined(separator: ", "))")
        }
        return NamedExpr(field.name, found.type == field.type ? .column(field.name) : .call("to\(field.type)", [.column(field.name)]))
      })
  }

  /// The plan over tables that take no filters.
  private static func unpushed(_ plan: LogicalPlan) -> LogicalPlan {
    if case .scan(var scan) = plan.node {
      scan.table = UnpushedTable(table: scan.table)
      return LogicalPlan(node: .scan(scan), schema: plan.schema)
    }
    let inputs = plan.inputs
    return inputs.isEmpty ? plan : plan.withInputs(inputs.map(unpushed))
  }

  // MARK: Writing

  package func makeSink(
    _ path: String, schema: StructType, mode: SaveMode, partitionBy: [String], options: DataSourceOptions
  ) throws -> (any TableSink)? {
    if !partitionBy.isEmpty { throw KConnectError(.notSupported, "kusto: not supported: partition columns", hint: "extents keep minima and maxima of every column") }
    if let limit = options.string("writeResultLimit") { try ConnectorTexts.checkResultLimit(limit) }
    if options.word("writeMode") == "KustoStreaming" { throw KConnectError(.notSupported, "option 'writeMode': not supported yet: KustoStreaming", hint: "Transactional and Queued are") }
    let target = try KustoTarget(path.isEmpty ? [] : [path], options)
    guard let tableName = target.name.table else {
      throw KConnectError(.usage, "kusto: no table to write to is named", hint: "write kusto:DATABASE.TABLE, or the option kustoTable")
    }
    return try KustoWrite(target: target, tableName: tableName, schema: schema, mode: mode, options: options).sink()
  }
}

/// What path and options name.
struct KustoTarget {
  var store: String
  var name: KustoName

  /// `hasQuery`: a query says what is read, the path names its database at most; so it may where the option `kustoTable` is given. Throws USAGE for a bad path or one that contradicts the
  /// options, NOT_SUPPORTED for addresses of clusters.
  init(_ paths: [String], _ options: DataSourceOptions, hasQuery: Bool = false) throws {
    store = options.string("kustoStore") ?? OpenStores.defaultPath
    name = KustoName()
    if paths.count > 1 { throw KConnectError(.usage, "kusto: \(paths.count) paths, expected one table") }
    if let path = paths.first, !path.isEmpty {
      if path.lowercased().hasPrefix("http") { throw KConnectError(.notSupported, "'kusto:\(path)': not supported yet: remote clusters", hint: "kusto:DATABASE.TABLE is a table of the embedded store") }
      name = try KustoName(path: path, namesDatabase: hasQuery || options.string("kustoTable") != nil)
    }
    for (option, known) in [("kustoDatabase", name.database), ("kustoTable", name.table)] {
      if let given = options.string(option), let known, given != known {
        throw KConnectError(.usage, "kusto: the path names '\(known)', the option \(option) '\(given)'")
      }
    }
    name.database = name.database ?? options.string("kustoDatabase")
    name.table = name.table ?? options.string("kustoTable")
  }

  /// The database to read in; throws PATH_NOT_FOUND.
  func existingDatabase(_ store: Store) throws -> String {
    if let database = name.database { return try store.database(database).name }
    let names = try store.databaseNames()
    guard names.count == 1, let only = names.first else {
      throw KConnectError(.usage, "kusto: the option kustoDatabase is missing", hint: names.isEmpty ? "the store has no databases" : "databases: \(names.prefix(12).joined(separator: ", "))")
    }
    return only
  }

  /// That the table is not there, with the names that are; nil when the name stands for something.
  func missingTable(_ executor: CommandExecutor, _ request: Request) -> KConnectError? {
    guard let table = name.table else { return nil }
    let catalog = SessionCatalog(executor, request)
    do {
      if try catalog.table(table, database: nil) != nil { return nil }
      if try catalog.functionText(table, database: nil) != nil { return nil }
    } catch { return nil }
    let names = catalog.tableNames(database: nil)
    let near = nearestNames(to: table, among: names, limit: 1).first.map { "did you mean '\($0)'?" }
    return KConnectError(
      .pathNotFound, "there is no table '\(table)' in the database '\(request.database ?? "")'",
      hint: near ?? (names.isEmpty ? "the database has no tables" : "tables: \(names.prefix(12).joined(separator: ", "))"))
  }

  /// The text to run.
  func query(_ options: DataSourceOptions) throws -> String {
    guard let query = options.string("kustoQuery") else {
      guard let table = name.table else {
        throw KConnectError(.usage, "kusto: neither kustoQuery nor a table is given", hint: "read kusto:DATABASE.TABLE, or set the option kustoQuery")
      }
      return "table(\(KQLPrinter.quoted(string: table)))"
    }
    if name.table != nil { throw KConnectError(.usage, "kusto: both kustoQuery and a table are given") }
    guard let first = query.first(where: { !$0.isWhitespace }) else { throw KConnectError(.optionInvalid, "option 'kustoQuery' is empty") }
    if first == "." { throw KConnectError(.optionInvalid, "option 'kustoQuery' is a management command, expected a query", hint: "run it with kconnect query") }
    return query
  }
}

/// Options that change nothing here and must make sense all the same: the job may go to a cluster next.
enum ConnectorTexts {
  /// `kustoExportOptionsJson` is a map of names to words and numbers.
  static func checkExportOptions(_ text: String) throws {
    guard let value = try? DynamicValue(parsing: text), case .bag(let entries) = value else {
      throw KConnectError(.optionInvalid, "option 'kustoExportOptionsJson' cannot be parsed as a map: '\(text.prefix(80))'", hint: #"as in {"sizeLimit": "100"}"#)
    }
    for entry in entries {
      switch entry.value {
      case .array, .bag, .null: throw KConnectError(.optionInvalid, "option 'kustoExportOptionsJson': '\(entry.key)' is \(entry.value.json.prefix(80)), expected a word or a number")
      default: continue
      }
    }
  }

  /// `writeResultLimit` is `none` or a number of rows.
  static func checkResultLimit(_ text: String) throws {
    guard text.lowercased() == "none" || Int(text).map({ $0 > 0 }) ?? false else {
      throw KConnectError(.optionInvalid, "option 'writeResultLimit': found '\(text.prefix(80))', expected none or a number of rows")
    }
  }
}

/// `clientRequestPropertiesJson`.
enum KustoRequest {
  /// Puts request options and values of query parameters into `properties`; the options as given are the result. Texts are literals of the
  /// parameters' declared types, as all clients write them. Throws OPTION_INVALID.
  static func read(_ options: DataSourceOptions, into properties: inout RequestProperties) throws -> RequestOptions {
    var asked = RequestOptions()
    guard let text = options.string("clientRequestPropertiesJson") else { return asked }
    guard let value = try? DynamicValue(parsing: text), case .bag(let parts) = value else { throw KConnectError(.optionInvalid, "clientRequestPropertiesJson is no JSON object") }
    for part in parts {
      guard case .bag(let entries) = part.value else { throw KConnectError(.optionInvalid, "clientRequestPropertiesJson: '\(part.key)' is no object") }
      switch part.key.lowercased() {
      case "parameters":
        for entry in entries { if case .string(let text) = entry.value { properties.parameterTexts[entry.key] = text } else { properties.parameters[entry.key] = scalar(entry.value) } }
      case "options": asked = RequestOptions(entries)
      default: throw KConnectError(.optionInvalid, "clientRequestPropertiesJson: unknown part '\(part.key)'", hint: "parts: Options, Parameters")
      }
    }
    properties.options = try asked.settings()
    return asked
  }

  private static func scalar(_ value: DynamicValue) -> Scalar {
    switch value {
    case .bool(let v): .bool(v)
    case .long(let v): .long(v)
    case .real(let v): .real(v)
    default: .dynamic(value)
    }
  }
}

/// A table whose filters are the engine's business.
private struct UnpushedTable: BatchReadable {
  let table: any BatchReadable
  var schema: StructType { table.schema }
  var description: String { table.description }
  var exactRowCount: Int? { table.exactRowCount }
  func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }
  func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan { try table.scan(request, context: context) }
}
