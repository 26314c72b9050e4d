// Role: settings of a streaming read under construction, a value. `load` settles options and schema; rows come when a query is started.

import Columnar
public import DataSource
import Engine
import FileConnector
import KafkaConnector
import Streaming

/// Reads directories and other growing sources as streams.
///
///     let lines = try await spark.readStream.format("csv").schema("t:datetime, v:real").load("incoming")
public struct DataStreamReader: Sendable {
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

  /// The format: `csv`, `json`, `parquet`, `delta`, `kusto`, `kafka`, `rate`, `rate-micro-batch`.
  public func format(_ source: String) -> Self { with { $0.source = source } }

  /// The schema to read with. Without it the files that are there now tell; a directory without files needs it.
  public func schema(_ schema: StructType) -> Self { with { $0.userSchema = schema } }

  /// The schema as text, `State:string, n:long`. Throws USAGE with the place of the mistake.
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
  /// Several options by name.
  public func options(_ options: [String: String]) -> Self {
    options.sorted { $0.key < $1.key }.reduce(self) { $0.option($1.key, $1.value) }
  }

  /// A stream as a DataFrame: transformations apply to each batch. Throws PATH_NOT_FOUND, OPTION_UNKNOWN, ….
  public func load(_ path: String = "") async throws(KConnectError) -> DataFrame {
    let reader = self
    return try await BlockingThread.run { try reader.open(path) }
  }

  /// A stream of CSV files.
  public func csv(_ path: String) async throws(KConnectError) -> DataFrame { try await format("csv").load(path) }
  /// A stream of JSON files.
  public func json(_ path: String) async throws(KConnectError) -> DataFrame { try await format("json").load(path) }
  /// A stream of Parquet files.
  public func parquet(_ path: String) async throws(KConnectError) -> DataFrame { try await format("parquet").load(path) }

  /// Opens on the calling thread. Where no schema is given and a query has read the same files with `checkpoint`, they have the columns that it
  /// found: what is there now need not tell them.
  package func open(_ path: String, checkpoint: String? = nil, onNote: (String) -> Void = { _ in }) throws(KConnectError) -> DataFrame {
    try publicErrors {
      let known = try checkpoint.flatMap { pathKind($0) == .directory ? try Checkpoint.inspect($0).state : nil }
      let relation = try StreamSources.relation(
        format: source, path: path, schema: userSchema, options: options, registry: session.registry,
        pinned: (known?.committed ?? known?.pending)?.pinned ?? [:], onNote: onNote)
      return DataFrame(session: session, plan: .scan(relation))
    }
  }
}

/// From a format and options to a streaming source.
package enum StreamSources {
  /// The streaming options of a format, with those of reading it; nil when it cannot be read as a stream.
  package static func options(_ format: String, path: String, given: [(String, String)], _ registry: SourceRegistry) -> [OptionSpec]? {
    if format == "rate" || format == "rate-micro-batch" { return RateSource.specs }
    if format == "kafka" { return KafkaOptions.specs }
    if let specs = TableStreams.options(format, path: path, given: given) { return specs }
    guard let provider = try? registry.provider(format) as? FileProvider else { return nil }
    return FileStreamOptions.specs + provider.options
  }

  /// What waits now in the directories that a query reads, as one without options of its own lists them: `3 of 12 files, 4096 bytes` by number
  /// of source. Sources that are not of files, or that cannot be listed, are left out.
  package static func waitingFiles(_ pinned: [String: String], checkpoint: String) -> [(source: Int, summary: String)] {
    pinned.keys.compactMap { $0.hasPrefix("kconnect.source.") ? Int($0.dropFirst("kconnect.source.".count)) : nil }.sorted().compactMap { i in
      guard let identity = pinned["kconnect.source.\(i)"], let colon = identity.firstIndex(of: ":"), let ddl = pinned["kconnect.schema.\(i)"],
        let provider = (try? BuiltInSources.registry.provider(String(identity[..<colon]))) as? FileProvider,
        let options = try? DataSourceOptions(source: provider.shortName, specs: FileStreamOptions.specs + provider.options, given: [], use: .read),
        let source = try? FileStreamSource(provider, path: String(identity[identity.index(after: colon)...]), schema: try StructType(ddl: ddl), options: options),
        let waiting = try? source.preview(checkpoint: checkpoint, index: i)
      else { return nil }
      return (i, waiting.summary)
    }
  }

  static func relation(
    format: String?, path: String, schema: StructType?, options: [(String, String)], registry: SourceRegistry, pinned: [String: String] = [:],
    onNote: (String) -> Void
  ) throws -> StreamRelation {
    let name = try format?.lowercased() ?? BuiltInSources.format(ofPath: path)
    guard let specs = Self.options(name, path: path, given: options, registry) else {
      let known = try registry.provider(name).shortName
      throw KConnectError(.notSupported, "not supported yet: '\(known)' as a stream", hint: "streams are read from directories of csv, json or parquet files, delta and kusto tables, kafka and rate")
    }
    let checked = try DataSourceOptions(source: name, specs: specs, given: options, use: .read)
    for note in checked.notes { onNote(note) }
    if let relation = try TableStreams.relation(name, path: path, schema: schema, options: checked, given: options) { return relation }
    if name.hasPrefix("rate") {
      if schema != nil { throw KConnectError(.usage, "the source '\(name)' has a schema of its own: \(RateSource.columns)") }
      let isPerBatch = name == "rate-micro-batch"
      let open: @Sendable () throws -> any MicroBatchSource = {
        try RateSource(perBatch: isPerBatch, options: checked, now: StreamClock.system.now)
      }
      _ = try open()
      return StreamRelation(schema: RateSource.columns, description: name, open: open)
    }
    if name == "kafka" {
      try KafkaProvider.refuse(schema, includesHeaders: checked.bool("includeHeaders"))
      let open: @Sendable () throws -> any MicroBatchSource = { try KafkaStreamSource(path, options: checked, now: StreamClock.system.now) }
      return StreamRelation(schema: KafkaProvider.schema(checked), description: try open().description, open: open)
    }
    guard !path.isEmpty else { throw KConnectError(.usage, "no path given for the stream of \(name) files", hint: "load(\"DIRECTORY\")") }
    guard let provider = try registry.provider(name) as? FileProvider else { throw KConnectError(.internalError, "a stream of \(name)") }
    if path == "-" { return try TableStreams.standardInput(provider, schema: schema, options: checked) }
    var settled = schema
    if schema == nil, let known = try pinned["kconnect.schema.0"].map({ try StructType(ddl: $0) }),
      try FileStreamSource(provider, path: path, schema: known, options: checked).identity == pinned["kconnect.source.0"] {
      settled = known
    }
    let first = try FileStreamSource(provider, path: path, schema: settled, options: checked)
    settled = first.schema
    return StreamRelation(schema: first.schema, description: first.description) { [settled] in
      try FileStreamSource(provider, path: path, schema: settled, isGuessed: schema == nil, options: checked)
    }
  }
}
