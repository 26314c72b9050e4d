// Role: `kconnect stream status|repair|reset`: what a checkpoint says, and what may be done about it.

import ArgumentParser
import Columnar
import DataSource
import KConnect
import Streaming

struct StreamStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows where a stream stands; also while it runs. Changes nothing.")
  @Argument(help: "The checkpoint directory.", completion: .directory) var directory: String

  func run() throws {
    let (id, state, isRunning) = try Checkpoint.inspect(directory)
    print("query        \(id ?? "none yet")")
    print("running      \(isRunning ? "yes" : "no")")
    print("last batch   \(state.committed.map { "\($0.batchId), begun \(StreamClock.text($0.timestampMs))" } ?? "none")")
    if let pending = state.pending { print("pending      batch \(pending.batchId) is planned and not committed; it runs at the next start") }
    for (i, end) in ((state.pending ?? state.committed)?.ends ?? []).enumerated() { print("source \(i)     \(end?.json ?? "-")") }
    if let status = StatusFile.read(directory) {
      if let progress = status.progress { print("progress     \(Self.summary(progress))") }
      if let failure = status.failure { print("last error   \(status.failureTime.map { "\($0) " } ?? "")\(failure)") }
    }
    let pinned = (state.committed ?? state.pending)?.pinned ?? [:]
    for (i, waiting) in StreamSources.waitingFiles(pinned, checkpoint: directory) { print("waiting \(i)    \(waiting)") }
    for (key, value) in pinned.sorted(by: { $0.key < $1.key }) { print("\(key)  \(value)") }
  }

  /// `batch 4 of 2024-05-01T10:00:00.000Z: 1000 rows in, 990 out, 5000.0 rows a second; 3 files outstanding`.
  private static func summary(_ progress: DynamicValue) -> String {
    func text(_ value: DynamicValue?) -> String {
      if case .string(let text)? = value { return text }
      return value?.json ?? "?"
    }
    var out = "batch \(text(progress["batchId"])) of \(text(progress["timestamp"])): \(text(progress["numInputRows"])) rows in, "
    out += "\(text(progress["sink"]?["numOutputRows"])) out, \(text(progress["processedRowsPerSecond"])) rows a second"
    guard case .array(let sources)? = progress["sources"] else { return out }
    for case .bag(let metrics)? in sources.map({ $0["metrics"] }) {
      for metric in metrics where metric.key.hasSuffix("Outstanding") {
        out += "; \(text(metric.value)) \(metric.key.dropFirst(3).dropLast("Outstanding".count).lowercased()) outstanding then"
      }
    }
    return out
  }
}

struct StreamRepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair", abstract: "Repairs a checkpoint where the rest of it, or the sink, proves what must have stood there.",
    discussion: """
      Files that are taken out are kept in the checkpoint's directory 'repaired'. What cannot be proven is named and left as it is; the \
      exit code is then 1.
      """)
  @Argument(help: "The checkpoint directory.", completion: .directory) var directory: String
  @Option(help: ArgumentHelp("Directory of the embedded store, for streams into it; else the one that the checkpoint names, else $KCONNECT_STORE, else ./kustodata.", valueName: "dir"), completion: .directory)
  var store: String?
  @Flag(help: "Say what would be done and change nothing.") var dryRun = false

  func run() throws {
    let findings = try CheckpointRepair.run(directory, applies: !dryRun) { try SinkMemory(pins: $0, queryId: $1, store: store) }
    for finding in findings {
      print("found: \(finding.problem)")
      if let remedy = finding.remedy { print("  \(dryRun ? "would be " : "")\(remedy)") } else { print("  nothing safe can be done about it") }
    }
    let isLeft = findings.contains { $0.remedy == nil }
    if !isLeft, !(dryRun && !findings.isEmpty) {
      do {
        let (_, state, _) = try Checkpoint.inspect(directory)
        print("'\(directory)' is in order: \(state.pending.map { "batch \($0.batchId) runs again at the next start" } ?? "the next batch is \(state.nextBatchId)")")
        return
      } catch {
        let error = KConnectError(converting: error)
        guard error.code == .checkpointConflict else { throw error }
        print("'\(directory)' cannot be used as it is: \(error.message)")
        if let hint = error.hint { print("hint: \(hint)") }
      }
    }
    if dryRun, !isLeft { return }
    print(
      """
      What else can be done:
        1. restore the directory from a copy: the sink skips batches that it has;
        2. start with a new checkpoint directory: everything the source has is read again, and written again as a new query (see 'kconnect stream reset').
      """)
    throw ExitCode(1)
  }
}

struct StreamResetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset", abstract: "Explains how to start a stream over, and what its sink remembers. Removes nothing.")
  @Argument(help: "The checkpoint directory.", completion: .directory) var directory: String
  @Option(help: ArgumentHelp("Directory of the embedded store, for streams into it; else the one that the checkpoint names, else $KCONNECT_STORE, else ./kustodata.", valueName: "dir"), completion: .directory)
  var store: String?

  func run() throws {
    let (id, state, isRunning) = try Checkpoint.inspect(directory)
    if isRunning { throw KConnectError(.locked, "the stream of '\(directory)' is running", hint: "stop it first", isRetryable: true) }
    let pinned = (state.committed ?? state.pending)?.pinned ?? [:]
    let sink = pinned["kconnect.sink"] ?? "no sink yet"
    let memory = try id.map { try SinkMemory(pins: pinned, queryId: $0, store: store) } ?? .unknown
    let remembered = switch memory {
    case .newest(let newest?): "\(sink) has batches of query \(id ?? "") up to \(newest)"
    case .newest(nil): "\(sink) has no batch of query \(id ?? "none")"
    case .unknown: "\(sink) keeps no record of batches, or is not to be found from here"
    }
    print(
      """
      To start over, remove the directory '\(directory)'. The next run is a new query: it gets a new id and reads everything its source has.
      The checkpoint has batches up to \(state.committed.map { String($0.batchId) } ?? "none"); \(remembered).
      \(Self.advice(sink))
      """)
  }

  /// What becomes of the rows that are there.
  private static func advice(_ sink: String) -> String {
    let path = sink.firstIndex(of: ":").map { String(sink[sink.index(after: $0)...]) } ?? sink
    switch sink.prefix(while: { $0 != ":" }) {
    case "parquet", "csv", "json":
      return "Files that were written stay in '\(path)', and a new query writes their rows a second time. If that is not wanted, move the files away first; '\(path)/_kconnect' holds the lists of batches and may go with them."
    case "delta":
      return "Rows that were written stay in the table, which remembers the old query's id (txn) and not the new one's: a new query adds them a second time. If that is not wanted, replace the table's rows first (kconnect write --mode overwrite), or write by --key."
    case "kusto":
      return "Rows that were written stay in the table, which remembers the old query's id and not the new one's: a new query adds them a second time. If that is not wanted, empty it first (.clear table T data), or write by --key."
    default: return "Whatever got the rows gets them a second time."
    }
  }
}
