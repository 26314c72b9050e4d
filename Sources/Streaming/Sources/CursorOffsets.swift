// Role: offsets of tables that are read by database cursors, embedded or on a cluster, and where such a stream begins.

import Columnar
package import DataSource

/// The offsets of one table's stream: `{"cursor":"…","table":"…"}`.
package struct CursorOffsets: Sendable {
  /// The table as offsets name it.
  let label: String
  /// The source for messages.
  let description: String

  package init(label: String, description: String) {
    self.label = label
    self.description = description
  }

  package func offset(_ cursor: String) -> StreamOffset { StreamOffset(.object([("cursor", .string(cursor)), ("table", .string(label))])) }

  /// The cursor of an offset. Throws CHECKPOINT_CONFLICT for offsets of other sources.
  package func cursor(_ offset: StreamOffset) throws -> String {
    guard let text = try offset.value().text("cursor") else { throw conflict(offset) }
    return text
  }

  package func conflict(_ offset: StreamOffset) -> KConnectError {
    KConnectError(.checkpointConflict, "the offset \(offset) is not one of \(description)", hint: "the checkpoint belongs to a query with another source")
  }

  /// Where a query begins. It stands in the source's log, so that a restart counts from the same place; `first` is asked at the first start.
  package func start(_ checkpoint: Checkpoint, _ index: Int, first: () throws -> String) throws -> StreamOffset {
    let log = try checkpoint.sourceLog(index)
    if let line = try log.read(0)?.first { return StreamOffset(json: line) }
    let start = offset(try first())
    try log.put(0, [start.json])
    return start
  }
}
