// Role: when a checkpoint is due.

package enum CheckpointPolicy {
  /// Delta's own rule: every `delta.checkpointInterval` versions, 10 by default.
  package static func interval(_ snapshot: DeltaSnapshot) -> Bool {
    let interval = Int64(max(1, snapshot.integer("delta.checkpointInterval") ?? 10))
    return snapshot.version > 0 && snapshot.version % interval == 0
  }

  /// When the tail of the log has more than ten commits and a tenth of the last checkpoint's bytes.
  package static func tail(_ snapshot: DeltaSnapshot) -> Bool {
    snapshot.tail.commits > 10 && snapshot.tail.bytes * 10 > snapshot.tail.checkpointBytes
  }
}
