// Role: settings of a streaming write under construction, a value. `start` opens the checkpoint and the sink and runs the query on a thread.

import Columnar
public import DataSource
import Engine
import DeltaConnector
import FileConnector
import KafkaConnector
import KustoConnector
import KustoStore
public import Streaming

/// Which rows a batch writes. Streams here are appended to.
public enum OutputMode: String, Sendable, CaseIterable {
  case append, update, complete
}

/// Writes the batches of a streaming DataFrame.
///
///     let query = try await frame.writeStream.format("parquet").option("checkpointLocation", "cp").trigger(.availableNow).start("out")
///     try await query.awaitTermination()
public struct DataStreamWriter: Sendable {
  private let frame: DataFrame
  private var target: String?
  private var name: String?
  private var partitionColumns: [String] = []
  private var options: [(String, String)] = []
  private var handler: (@Sendable (DataFrame, Int) async throws -> Void)?
  private var mode = OutputMode.append
  package var settings = StreamSettings()

  init(frame: DataFrame) {
    self.frame = frame
    settings.execution = frame.session.executionOptions
  }

  private func with(_ change: (inout Self) -> Void) -> Self {
    var copy = self
    change(&copy)
    return copy
  }

  /// The format: `parquet`, `csv`, `json`, `delta`, `kusto`, `kafka`, `console`, `memory` (a table under `queryName` for `Session.table`).
  public func format(_ target: String) -> Self { with { $0.target = target } }
  /// When batches run; without it one follows the other as soon as there is data.
  public func trigger(_ trigger: Trigger) -> Self { with { $0.settings.trigger = trigger } }
  /// `.append`, which is all that streams without aggregation have; `.update` means the same. `.complete` is refused at `start`.
  public func outputMode(_ mode: OutputMode) -> Self { with { $0.mode = mode } }
  /// A name for progress records.
  public func queryName(_ name: String) -> Self { with { $0.settings.name = name } }
  /// Columns whose values become directories `name=value`.
  public func partitionBy(_ columns: String...) -> Self { partitionBy(columns) }
  /// Columns whose values become directories `name=value`.
  public func partitionBy(_ columns: [String]) -> Self { with { $0.partitionColumns = columns } }
  /// An option by name; `checkpointLocation` names the checkpoint directory, which every query needs.
  public func option(_ key: String, _ value: String) -> Self { with { $0.options.append((key, value)) } }
  /// An option by name.
  public func option(_ key: String, _ value: Bool) -> Self { option(key, value ? "true" : "false") }
  /// An option by name.
  public func option(_ key: String, _ value: Int) -> Self { option(key, String(value)) }
  /// Several options by name.
  public func options(_ options: [String: String]) -> Self {
    options.sorted { $0.key < $1.key }.reduce(self) { $0.option($1.key, $1.value) }
  }

  /// Hands each batch to a function instead of a sink. At least once: a batch that was interrupted comes again, with the same number and rows.
  public func foreachBatch(_ body: @escaping @Sendable (DataFrame, Int) async throws -> Void) -> Self { with { $0.handler = body } }

  /// Starts the query. Throws what is wrong with options, checkpoint, plan or target before any row is read.
  public func start(_ path: String = "") async throws(KConnectError) -> StreamingQuery {
    let writer = self
    return try await BlockingThread.run { try StreamingQuery(writer, manager: writer.frame.session.streams) { try $0.execution(path, onProgress: $1) } }
  }

  /// Starts the query; as Spark spells it.
  public func start(path: String) async throws(KConnectError) -> StreamingQuery { try await start(path) }

  /// Opens everything on the calling thread.
  package func execution(
    _ path: String, onNote: (String) -> Void = { _ in }, sink: (any MicroBatchSink)? = nil,
    onProgress: @escaping @Sendable (StreamingQueryProgress) -> Void
  ) throws(KConnectError) -> MicroBatchExecution {
    try publicErrors {
      guard mode != .complete else {
        throw KConnectError(.notSupported, "output mode complete: not supported: it needs an aggregation over the whole stream", hint: "use append")
      }
      var given = options
      let chosen = given.last { $0.0.lowercased() == "checkpointlocation" }?.1
      given.removeAll { $0.0.lowercased() == "checkpointlocation" }
      let common = try frame.session.conf.get(RuntimeConfig.checkpointLocation)
      guard chosen != nil || common != nil else {
        throw KConnectError(.usage, "no checkpoint: a stream needs a directory that remembers how far it is", hint: "option(\"checkpointLocation\", DIR), or --checkpoint DIR")
      }
      if let name = settings.name, ["", ".", ".."].contains(name) {
        throw KConnectError(.usage, "a query cannot be named '\(name)': its name is that of a directory and of a table", hint: "queryName(\"NAME\")")
      }
      try StreamPlan.check(frame.plan)
      var own = settings
      if let policy = try frame.session.conf.get(RuntimeConfig.multipleWatermarkPolicy) { own.watermarkPolicy = WatermarkPolicy(rawValue: policy.lowercased()) ?? .min }
      let sink = try sink ?? makeSink(path, given, onNote: onNote)
      // Under the common place each query has a directory that is the same at every start.
      let place = chosen ?? joinPath(common ?? "", percentEncoded(settings.name ?? sink.checkpointName))
      return try MicroBatchExecution(plan: frame.plan, sink: sink, checkpoint: try Checkpoint(place), settings: own, onProgress: onProgress)
    }
  }

  private func makeSink(_ path: String, _ given: [(String, String)], onNote: (String) -> Void) throws -> any MicroBatchSink {
    if let handler {
      let session = frame.session
      return CallbackSink(description: "foreachBatch") { batch in
        let plan = batch.execution.plan, id = batch.id
        try BlockingThread.wait { try await handler(DataFrame(session: session, plan: plan), id) }
        return WriteSummary(rows: 0)
      }
    }
    for name in partitionColumns where frame.schema.index(of: name) == nil {
      throw KConnectError(.columnNotFound, "partitionBy: column '\(name)' not found", hint: "columns: \(frame.columns.prefix(8).joined(separator: ", "))")
    }
    let format = try target?.lowercased() ?? BuiltInSources.format(ofTarget: path)
    if format == "console" { return StreamSinks.console(path) }
    if format == "memory" {
      guard let name = settings.name, !name.isEmpty else { throw KConnectError(.usage, "the memory sink needs a name for its table", hint: "queryName(\"NAME\")") }
      if let option = given.first { throw KConnectError(.optionUnknown, "unknown option '\(option.0)' for the memory sink", hint: "it has none but checkpointLocation") }
      return frame.session.memoryTables.sink(name, schema: frame.schema)
    }
    let provider = try frame.session.registry.provider(format)
    if provider is KafkaProvider {
      // Sent messages cannot be taken back: a batch that runs again sends its rows again.
      let options = try DataSourceOptions(source: format, specs: provider.options, given: given, use: .write)
      onNote("kafka as a target is at least once: a batch that is interrupted is sent again")
      return CallbackSink(description: "kafka \(path)") { batch in
        try batch.execution.write(to: try KafkaSink(path, schema: batch.schema, options: options))
      }
    }
    guard !path.isEmpty || !provider.needsPath else { throw KConnectError(.usage, "no path given for the \(provider.shortName) sink", hint: "start(\"DIRECTORY\")") }
    if let files = provider as? FileProvider {
      let checked = try DataSourceOptions(source: format, specs: provider.options, given: given, use: .write)
      for note in checked.notes { onNote(note) }
      return try DirectoryStreamSink(files.format, directory: path, partitionBy: partitionColumns, options: checked)
    }
    let specs = provider.options(for: path.isEmpty ? [] : [path], given: given), keys = partitionColumns
    guard specs.contains(where: { $0.name == "txnAppId" }) else {
      throw KConnectError(.notSupported, "not supported yet: '\(provider.shortName)' as the target of a stream", hint: "streams are written to parquet, csv, json, delta and kusto")
    }
    let checked = try DataSourceOptions(source: format, specs: specs, given: given, use: .write)
    for note in checked.notes { onNote(note) }
    let isKusto = provider.shortName == "kusto"
    if isKusto, checked.bool("writeEnableAsync") {
      throw KConnectError(.optionInvalid, "writeEnableAsync as the target of a stream: a checkpoint may not pass a batch that is not written", hint: "leave it out")
    }
    if isKusto, let way = checked.word("writeMode"), way != "Transactional", ConnectionOptions.leadsOut(provider.shortName, path, given) {
      onNote("writeMode=\(way) is at least once: a batch that is interrupted is sent again; Transactional writes each batch once")
      return CallbackSink(description: "\(provider.shortName) \(path)") { batch in
        guard let sink = try provider.makeSink(path, schema: batch.schema, mode: .append, partitionBy: keys, options: checked) else { return WriteSummary(isSkipped: true) }
        return try batch.execution.write(to: sink)
      }
    }
    // A table named by options alone has no path.
    let target = path.isEmpty ? given.filter { ["kustodatabase", "kustotable"].contains($0.0.lowercased()) }.map(\.1).joined(separator: ".") : path
    let name = "\(provider.shortName):\(target)"
    let isElsewhere = target.contains("://") || given.contains { ["kustocluster", "kustoconnectionstring"].contains($0.0.lowercased()) }
    let directory = provider.shortName == "delta" && !isElsewhere ? absolutePath(try DeltaProvider.directory(target)) : nil
    return TransactionalSink(
      description: "\(provider.shortName) \(target)", identity: directory.map { "\(provider.shortName):\($0)" } ?? name, checkpointName: name, directory: directory,
      store: provider.shortName == "kusto" && !isElsewhere ? StoreTables.place(checked) : nil
    ) { schema, query, batch in
      let options = try DataSourceOptions(
        source: format, specs: specs, given: given + [("txnAppId", query), ("txnVersion", String(batch))], use: .write)
      return try provider.makeSink(path, schema: schema, mode: .append, partitionBy: keys, options: options)
    }
  }
}

extension DataFrame {
  /// True when the rows come from a stream.
  public var isStreaming: Bool { !StreamPlan.relations(plan).isEmpty }

  /// A writer of the batches of this streaming frame.
  public var writeStream: DataStreamWriter { DataStreamWriter(frame: self) }
}

extension Session {
  /// A reader of streams.
  public var readStream: DataStreamReader { DataStreamReader(session: self) }
}
