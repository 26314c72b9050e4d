// Role: settings of a read under construction, a value. `load` resolves source, options and schema at once; data moves later, at an action.

public import Columnar
public import DataSource
import Engine
import Expressions
import KQL

/// Reads files and other sources into DataFrames.
///
///     let df = try await spark.read.format("csv").option("header", "true").load("in.csv")
public struct DataFrameReader: Sendable {
  private let session: Session
  private var source: String?
  private var userSchema: StructType?
  private var options: [(String, String)] = []

  init(session: Session) { self.session = session }

  private func with(_ change: (inout Self) -> Void) -> Self {
    var copy = self
    change(&copy)
    return copy
  }

  /// The format: `parquet`, `csv`, `json`. Without it the extension of the first path decides.
  public func format(_ source: String) -> Self { with { $0.source = source } }

  /// The schema to read with, instead of discovering it.
  public func schema(_ schema: StructType) -> Self { with { $0.userSchema = schema } }

  /// The schema as text, `State:string, n:long` or `State string, n long`. Throws USAGE with the place of the mistake.
  public func schema(_ text: String) throws(KConnectError) -> Self {
    let parsed = try publicErrors { try StructType(ddl: text) }
    return schema(parsed)
  }

  /// An option by name; names are checked when the source is opened.
  public func option(_ key: String, _ value: String) -> Self { with { $0.options.append((key, value)) } }
  /// An option by name.
  public func option(_ key: String, _ value: Bool) -> Self { option(key, value ? "true" : "false") }
  /// An option by name.
  public func option(_ key: String, _ value: Int) -> Self { option(key, String(value)) }
  /// An option by typed key.
  public func option<Value>(_ key: OptionKey<Value>, _ value: Value) -> Self { option(key.name, key.text(value)) }
  /// Several options by name.
  public func options(_ options: [String: String]) -> Self {
    options.sorted { $0.key < $1.key }.reduce(self) { $0.option($1.key, $1.value) }
  }

  /// Opens files, directories or globs as one table. Throws PATH_NOT_FOUND, OPTION_UNKNOWN, FORMAT_CORRUPT, ….
  public func load(_ paths: String...) async throws(KConnectError) -> DataFrame { try await load(paths: paths) }

  /// Opens files, directories or globs as one table.
  public func load(paths: [String]) async throws(KConnectError) -> DataFrame {
    let reader = self
    return try await BlockingThread.run { try reader.open(paths) }
  }

  /// Opens Parquet files.
  public func parquet(_ paths: String...) async throws(KConnectError) -> DataFrame { try await format("parquet").load(paths: paths) }

  /// Opens CSV files.
  public func csv(_ paths: String...) async throws(KConnectError) -> DataFrame { try await format("csv").load(paths: paths) }

  /// Opens JSON files.
  public func json(_ paths: String...) async throws(KConnectError) -> DataFrame { try await format("json").load(paths: paths) }

  /// Reads a table of a Kusto database: of the embedded store, or of the cluster in the option `kustoCluster`.
  public func kusto(database: String, table: String) async throws(KConnectError) -> DataFrame {
    try await format("kusto").option("kustoDatabase", database).option("kustoTable", table).load()
  }

  /// Reads the rows of a KQL query over a Kusto database, as `kusto(database:table:)`.
  public func kusto(database: String, query: String) async throws(KConnectError) -> DataFrame {
    try await format("kusto").option("kustoDatabase", database).option("kustoQuery", query).load()
  }

  /// Opens on the calling thread; `onNote` gets remarks such as options without effect.
  package func open(_ paths: [String], onNote: (String) -> Void = { _ in }) throws(KConnectError) -> DataFrame {
    try publicErrors {
      let noPath = KConnectError(.usage, "load: no path given")
      guard let format = try source ?? paths.first.map({ try BuiltInSources.format(ofPath: $0) }) else { throw noPath }
      let provider = try session.registry.provider(format)
      if paths.isEmpty, provider.needsPath { throw noPath }
      let options = try DataSourceOptions(source: provider.shortName, specs: provider.options(for: paths, given: options), given: options, use: .read)
      for note in options.notes { onNote(note) }
      if let planner = provider as? any PlanProvider {
        let plan = try planner.plan(paths, schema: userSchema, options: options, execution: session.executionOptions, context: Session.newContext())
        return DataFrame(session: session, plan: plan)
      }
      return DataFrame(session: session, plan: .scan(try provider.open(paths, schema: userSchema, options: options)))
    }
  }
}
