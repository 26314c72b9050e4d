// Role: writes classic checkpoints.

package import DataSource

extension DeltaLog {
  /// Writes a checkpoint of `snapshot`; answers the snapshot standing on it.
  package func writeCheckpoint(_ snapshot: DeltaSnapshot) throws -> DeltaSnapshot {
    throw DeltaError.notSupported("writing checkpoints")
  }
}
