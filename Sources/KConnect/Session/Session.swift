// Role: where work starts: a session knows the formats and how queries run. Immutable; make as many as you like.

import Columnar
public import DataSource
package import Engine
package import Expressions
import KustoStore
import PythonPlugin
import Synchronization

/// The entry point: readers, queries and DataFrames made from Swift values.
///
///     let spark = try await Session.builder.appName("storms").getOrCreate()
///     let storms = try await spark.read.csv("storms.csv")
public final class Session: Sendable {
  /// The name given to the builder, for plans and messages.
  public let appName: String
  package let registry: SourceRegistry
  package let executionOptions: ExecutionOptions
  let settings: [String: String]
  /// Settings that may change while the session runs.
  public let conf = RuntimeConfig()
  /// The streaming queries of this session, and who listens to them.
  public let streams = StreamingQueryManager()
  let memoryTables = MemoryTables()
  let pendingWrites = PendingWrites()

  package init(appName: String = "kconnect", executionOptions: ExecutionOptions = ExecutionOptions(), settings: [String: String] = [:]) {
    self.appName = appName
    self.executionOptions = executionOptions
    self.settings = settings
    registry = BuiltInSources.registry
  }

  /// Settings for a new session.
  public static var builder: SessionBuilder { SessionBuilder() }

  /// A reader of files and other sources.
  public var read: DataFrameReader { DataFrameReader(session: self) }

  /// A DataFrame from KQL text. `tables` gives names to DataFrames within the text; `print`, `range` and `datatable` need none.
  /// Throws KQL_SYNTAX, KQL_SEMANTIC, COLUMN_NOT_FOUND, … with the place in the text.
  ///
  ///     let top = try spark.kql("storms | summarize n = count() by State | top 3 by n", tables: ["storms": storms])
  public func kql(_ text: String, tables: [String: DataFrame] = [:]) throws(KConnectError) -> DataFrame {
    try publicErrors { DataFrame(session: self, plan: try KQLFrontEnd(self).query(text, tables: memoryTables.plans.merging(tables.mapValues(\.plan)) { $1 })) }
  }

  /// All tables that a KQL text gives, in order: one per query statement, several for fork, facet and their like.
  ///
  ///     for result in try spark.kqlResults("storms | facet by State, EventType", tables: ["storms": storms]) { try await result.frame.show() }
  public func kqlResults(_ text: String, tables: [String: DataFrame] = [:]) throws(KConnectError) -> [QueryResult] {
    try publicErrors { try KQLFrontEnd(self).results(text, tables: memoryTables.plans.merging(tables.mapValues(\.plan)) { $1 }) }
  }

  /// SQL text is not read; the query language is KQL. Always throws NOT_SUPPORTED.
  public func sql(_ text: String) throws(KConnectError) -> DataFrame {
    throw KConnectError(
      .notSupported, "not supported: SQL text; the query language is KQL",
      hint: "write it as KQL: spark.kql(\"T | where x > 1 | summarize count() by y\", tables: [\"T\": frame])")
  }

  /// A DataFrame of one long column `id`: `start`, `start + step`, … below `end`. Throws USAGE for a step of 0.
  public func range(_ start: Int, _ end: Int, step: Int = 1) throws(KConnectError) -> DataFrame {
    guard step != 0 else { throw KConnectError(.usage, "range: the step is 0") }
    let schema = StructType([StructField("id", .long)])
    guard step > 0 ? start < end : start > end else { return DataFrame(session: self, plan: .values(schema, [])) }
    let last = step > 0 ? end - 1 : end + 1
    return DataFrame(session: self, plan: .range(RangeNode(name: "id", start: .long(Int64(start)), end: .long(Int64(last)), step: .long(Int64(step)))))
  }

  /// A DataFrame of the numbers from 0 below `end`.
  public func range(_ end: Int) throws(KConnectError) -> DataFrame { try range(0, end) }

  /// The names of the formats that `read.format(…)` and `write.format(…)` take.
  public var formats: [String] { registry.providers.map(\.shortName) }

  /// Prepares one run of a plan; without a context `now()` and the seed are those of the run.
  package func execution(_ plan: LogicalPlan, context: EvaluationContext? = nil) throws(KConnectError) -> QueryExecution {
    try publicErrors { try QueryExecution(plan, options: executionOptions, context: context ?? Self.newContext()) }
  }

  /// The context of a query that starts now.
  static func newContext() -> EvaluationContext {
    EvaluationContext(nowTicks: WallClock.nowTicks, seed: UInt64.random(in: .min ... .max))
  }
}

/// One of the tables that a KQL text gives.
public struct QueryResult: Sendable {
  /// The name given with `as` or in front of a subquery of fork.
  public let name: String?
  public let frame: DataFrame
}

/// Settings of a session under construction.
public struct SessionBuilder: Sendable {
  private var name = "kconnect"
  private var settings: [String: String] = [:]

  init() {}

  private static let current = Mutex<Session?>(nil)
  private static let known = ["threads", "memoryLimit", "spillDirectory", "enablePython", "python", "pythonTimeout", "pythonMemory"]

  /// The name of the program, for plans and messages.
  public func appName(_ name: String) -> Self {
    var copy = self
    copy.name = name
    return copy
  }

  /// A setting by name: `threads` (worker threads; default one per core), `memoryLimit` (such as `2g`; default 60 % of the memory),
  /// `spillDirectory` (default the system's temporary directory). `enablePython` (`true` lets queries run Python with `evaluate python`), `python`
  /// (the interpreter, default `python3`), `pythonTimeout` (seconds, default 240), `pythonMemory` (default `4g`). Names are checked by `getOrCreate`.
  public func config(_ key: String, _ value: String) -> Self {
    var copy = self
    copy.settings[key] = value
    return copy
  }

  /// Worker threads per query.
  public func threads(_ count: Int) -> Self { config("threads", String(count)) }

  /// Bytes a query may hold before it spills.
  public func memoryLimit(bytes: Int) -> Self { config("memoryLimit", String(bytes)) }

  /// The session of these settings: the last one made when its settings are the same, else a new one. Throws CONFIGURATION.
  public func getOrCreate() async throws(KConnectError) -> Session { try makeOrReuse() }

  /// The same, without waiting.
  package func makeOrReuse() throws(KConnectError) -> Session {
    let options = try Self.executionOptions(settings)
    return Self.current.withLock { current in
      if let current, current.appName == name, current.settings == settings { return current }
      let session = Session(appName: name, executionOptions: options, settings: settings)
      current = session
      return session
    }
  }

  private static func executionOptions(_ settings: [String: String]) throws(KConnectError) -> ExecutionOptions {
    var options = ExecutionOptions()
    var python = PythonSettings()
    var usesPython = false
    for (key, value) in settings {
      switch known.first(where: { $0.lowercased() == key.lowercased() }) {
      case "threads":
        guard let count = Int(value), (1...1_024).contains(count) else {
          throw KConnectError(.configuration, "setting 'threads': found '\(value)', expected a number from 1 to 1024")
        }
        options.threads = count
      case "memoryLimit":
        options.memoryLimit = try SizeText.bytes(value, setting: "memoryLimit")
      case "spillDirectory": options.spillDirectory = value
      case "enablePython":
        guard let isOn = Bool(value) else { throw KConnectError(.configuration, "setting 'enablePython': found '\(value.prefix(80))', expected true or false") }
        usesPython = isOn
      case "python": python.interpreter = value
      case "pythonTimeout": python.timeoutSeconds = try PythonSettings.timeout(value, setting: "pythonTimeout")
      case "pythonMemory": python.memoryBytes = try SizeText.bytes(value, setting: "pythonMemory")
      default:
        let near = nearestNames(to: key, among: known, limit: 1).first
        throw KConnectError(
          .configuration, "unknown setting '\(key)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "settings: \(known.joined(separator: ", "))")
      }
    }
    if usesPython {
      python.temporaryDirectory = options.spillDirectory
      python.protectedPaths = [OpenStores.defaultPath]
      options.scripts = PythonHost(python)
    }
    return options
  }
}

/// Sizes in text, for settings and flags.
package enum SizeText {
  /// Bytes of `4096`, `512m`, `2g`, `1.5gb`; powers of 1024. At least 1 MiB.
  package static func bytes(_ text: String, setting: String) throws(KConnectError) -> Int {
    let lower = text.lowercased()
    let number = lower.prefix { $0.isNumber || $0 == "." }
    let unit = lower.dropFirst(number.count).drop { $0 == " " }
    let factors: [String: Double] = [
      "": 1, "b": 1, "k": 1_024, "kb": 1_024, "kib": 1_024, "m": 1_048_576, "mb": 1_048_576, "mib": 1_048_576,
      "g": 1_073_741_824, "gb": 1_073_741_824, "gib": 1_073_741_824, "t": 1_099_511_627_776, "tb": 1_099_511_627_776, "tib": 1_099_511_627_776,
    ]
    guard let value = Double(number), let factor = factors[String(unit)], value * factor >= 1_048_576, value * factor < 1e15 else {
      throw KConnectError(.configuration, "'\(setting)': found '\(text.prefix(80))', expected a size of at least 1m, such as 512m or 2g")
    }
    return Int(value * factor)
  }
}
