// Role: settings of a write under construction, a value; `save` runs the plan into the sink and commits.

import Columnar
public import DataSource
package import Engine

/// Writes the rows of a DataFrame. Readers see nothing before the write is complete; a failed write leaves nothing behind.
///
///     try await df.write.mode(.overwrite).partitionBy("Year").parquet("out")
public struct DataFrameWriter: Sendable {
  private let frame: DataFrame
  private var target: String?
  private var saveMode = SaveMode.error
  private var partitionColumns: [String] = []
  private var options: [(String, String)] = []

  init(frame: DataFrame) { self.frame = frame }

  private func with(_ change: (inout Self) -> Void) -> Self {
    var copy = self
    change(&copy)
    return copy
  }

  /// The format: `parquet`, `csv`, `json`. Without it the extension of the path decides.
  public func format(_ target: String) -> Self { with { $0.target = target } }

  /// What happens when the target exists: `.error` (the default), `.append`, `.overwrite`, `.ignore`.
  public func mode(_ mode: SaveMode) -> Self { with { $0.saveMode = mode } }

  /// The same by Spark's word: `append`, `overwrite`, `error`, `errorifexists`, `ignore`. Throws USAGE.
  public func mode(_ word: String) throws(KConnectError) -> Self {
    let lower = word.lowercased()
    guard let mode = SaveMode(rawValue: lower == "errorifexists" || lower == "default" ? "error" : lower) else {
      throw KConnectError(.usage, "unknown save mode '\(word)'", hint: "modes: \(SaveMode.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return self.mode(mode)
  }

  /// Columns whose values become directories `name=value`.
  public func partitionBy(_ columns: String...) -> Self { partitionBy(columns) }
  /// Columns whose values become directories `name=value`.
  public func partitionBy(_ columns: [String]) -> Self { with { $0.partitionColumns = columns } }

  /// An option by name; names are checked when the sink is opened.
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

  /// Runs the plan and writes to a file or directory. With the option `writeEnableAsync` (kusto) it returns when the write has begun: its end is that
  /// of a handle of `Session.takePendingWrites`. Throws ALREADY_EXISTS, PERMISSION, DISK_FULL, ….
  @discardableResult
  public func save(_ path: String) async throws(KConnectError) -> WriteSummary {
    let writer = self
    let execution = try frame.session.execution(frame.plan)
    return try await BlockingThread.run(cancel: { execution.cancel() }) { try writer.run(execution, path) }
  }

  /// Runs the plan and writes where the options say (`kustoDatabase`, `kustoTable`).
  @discardableResult
  public func save() async throws(KConnectError) -> WriteSummary { try await save("") }

  /// Writes Parquet.
  @discardableResult
  public func parquet(_ path: String) async throws(KConnectError) -> WriteSummary { try await format("parquet").save(path) }

  /// Writes CSV.
  @discardableResult
  public func csv(_ path: String) async throws(KConnectError) -> WriteSummary { try await format("csv").save(path) }

  /// Writes JSON lines.
  @discardableResult
  public func json(_ path: String) async throws(KConnectError) -> WriteSummary { try await format("json").save(path) }

  /// Writes to a table of a Kusto database: of the embedded store, or of the cluster in the option `kustoCluster`.
  @discardableResult
  public func kusto(database: String, table: String) async throws(KConnectError) -> WriteSummary {
    try await format("kusto").option("kustoDatabase", database).option("kustoTable", table).save()
  }

  /// Opens the sink and runs `execution` (of this frame's plan) into it, on the calling thread.
  package func run(_ execution: QueryExecution, _ path: String, onNote: (String) -> Void = { _ in }) throws(KConnectError) -> WriteSummary {
    try publicErrors {
      let provider = try frame.session.registry.provider(try target ?? BuiltInSources.format(ofTarget: path))
      if path.isEmpty, provider.needsPath { throw KConnectError(.usage, "save: no path given") }
      let specs = provider.options(for: path.isEmpty ? [] : [path], given: options)
      let options = try DataSourceOptions(source: provider.shortName, specs: specs, given: options, use: .write)
      for note in options.notes { onNote(note) }
      for name in partitionColumns where frame.schema.index(of: name) == nil {
        throw KConnectError(
          .columnNotFound, "partitionBy: column '\(name)' not found", hint: "columns: \(frame.columns.prefix(8).joined(separator: ", "))")
      }
      guard let sink = try provider.makeSink(path, schema: frame.schema, mode: saveMode, partitionBy: partitionColumns, options: options) else {
        return WriteSummary(isSkipped: true, skipReason: saveMode == .ignore ? nil : "the rows of this write are there already")
      }
      if specs.contains(where: { $0.name == "writeEnableAsync" }), options.bool("writeEnableAsync") {
        frame.session.pendingWrites.add(try WriteHandle(cancel: { execution.cancel() }) { try execution.write(to: sink) })
        return WriteSummary()
      }
      return try execution.write(to: sink)
    }
  }
}
