// Role: `kconnect stream status|repair|reset`: what a checkpoint says, and what may be done about it.

import ArgumentParser
import DataSource
import KConnect
import Streaming

struct StreamStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows where a stream stands; also while it runs. Changes nothing.")
  @Argument(help: "The checkpoint directory.") var directory: String

  func run() throws {
    let (id, state, isRunning) = try Checkpoint.inspect(directory)
    print("query        \(id ?? "none yet")")
    print("running      \(isRunning ? "yes" : "no")")
    print("last batch   \(state.committed.map { "\($0.batchId), begun \(StreamClock.text($0.timestampMs))" } ?? "none")")
    if let pending = state.pending { print("pending      batch \(pending.batchId) is planned and not committed; it runs at the next start") }
    for (i, end) in ((state.pending ?? state.committed)?.ends ?? []).enumerated() { print("source \(i)     \(end?.json ?? "-")") }
    for (key, value) in (state.committed ?? state.pending)?.pinned.sorted(by: { $0.key < $1.key }) ?? [] { print("\(key)  \(value)") }
  }
}

struct StreamRepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair", abstract: "Checks a checkpoint and says what is wrong and what can be saved. Changes nothing.")
  @Argument(help: "The checkpoint directory.") var directory: String

  func run() throws {
    do {
      let (_, state, _) = try Checkpoint.inspect(directory)
      print("'\(directory)' is in order: \(state.pending.map { "batch \($0.batchId) runs again at the next start" } ?? "the next batch is \(state.nextBatchId)")")
    } catch {
      let error = KConnectError(converting: error)
      guard error.code == .checkpointConflict else { throw error }
      print("'\(directory)' cannot be used as it is: \(error.message)")
      if let hint = error.hint { print("hint: \(hint)") }
      print(
        """
        What can be done:
          1. restore the directory from a copy: the sink skips batches that it has;
          2. remove only the last entry of 'offsets' when it is torn and 'commits' has no entry of its number: that batch is planned anew;
          3. start with a new checkpoint directory: everything the source has is read again, and written again as a new query.
        """)
      throw ExitCode(1)
    }
  }
}

struct StreamResetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset", abstract: "Explains how to start a stream over, and what its sink remembers. Removes nothing.")
  @Argument(help: "The checkpoint directory.") var directory: String

  func run() throws {
    let (id, state, isRunning) = try Checkpoint.inspect(directory)
    if isRunning { throw KConnectError(.locked, "the stream of '\(directory)' is running", hint: "stop it first", isRetryable: true) }
    let pinned = (state.committed ?? state.pending)?.pinned ?? [:]
    print(
      """
      To start over, remove the directory '\(directory)'. The next run is a new query: it gets a new id and reads everything its source has.
      The sink remembers query \(id ?? "none") up to batch \(state.committed.map { String($0.batchId) } ?? "none"): \(pinned["kconnect.sink"] ?? "no sink yet")
      Rows that were written stay there, and a new query writes them a second time. Empty or replace the target first if that is not wanted.
      """)
  }
}
