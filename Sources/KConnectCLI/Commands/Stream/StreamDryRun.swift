// Role: what a run of a stream would do: the plan, where the stream stands, what the next batch would read. Nothing is written, not even a
// checkpoint.

import Columnar
import DataSource
import Engine
import KConnect
import Streaming

struct StreamDryRun {
  let frame: DataFrame
  let checkpoint: String

  func print() throws {
    try PlanPrinter.print(frame, mode: .simple)
    let relations = StreamPlan.relations(frame.plan)
    guard pathKind(checkpoint) == .directory else {
      Swift.print("checkpoint '\(checkpoint)' does not exist: the first batch would be 0, from where the source begins")
      try preview(relations, checkpoint: nil)
      return
    }
    let (id, state, isRunning) = try Checkpoint.inspect(checkpoint)
    Swift.print("query \(id ?? "new"), \(isRunning ? "running now" : "not running"), next batch \(state.nextBatchId)")
    for (i, end) in ((state.pending ?? state.committed)?.ends ?? []).enumerated() {
      Swift.print("source \(i): \(state.pending == nil ? "reads on after" : "would read again up to") \(end?.json ?? "the beginning")")
    }
    if state.pending == nil { try preview(relations, checkpoint: checkpoint) }
  }

  /// What waits in each source that can say so without taking it.
  private func preview(_ relations: [StreamRelation], checkpoint: String?) throws {
    for (i, relation) in relations.enumerated() {
      guard let source = try relation.makeSource() as? any PreviewingSource else { continue }
      let waiting = try source.preview(checkpoint: checkpoint, index: i)
      Swift.print("source \(i): the next batch would read \(waiting.summary)")
      for line in waiting.items.prefix(Self.shownItems) { Swift.print("  \(line)") }
      if waiting.items.count > Self.shownItems { Swift.print("  … and \(waiting.items.count - Self.shownItems) more") }
    }
  }

  private static let shownItems = 20
}
