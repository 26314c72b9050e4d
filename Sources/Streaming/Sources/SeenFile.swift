// Role: a file of the source log: which bytes were planned, so that a replay reads the same or says that it cannot.

import Columnar
import DataSource
import Delta

/// One file of a batch.
struct SeenFile: Hashable {
  var path: String
  /// Milliseconds since 1970.
  var modifiedMs: Int64
  var size: Int

  var line: String {
    DynamicValue.object([("path", .string("file://" + path)), ("timestamp", .long(modifiedMs)), ("size", .long(Int64(size)))]).json
  }

  init(path: String, modifiedMs: Int64, size: Int) {
    self.path = path
    self.modifiedMs = modifiedMs
    self.size = size
  }

  /// Reads a line of the source log.
  init(line: String, place: String) throws {
    let value = try JSONTree.parse(Array(line.utf8), place: place)
    guard let uri = value.text("path"), let time = value.integer("timestamp") else {
      throw KConnectError(.checkpointConflict, "'\(place)': found \(line.prefix(80)), expected path, timestamp and size")
    }
    path = uri.hasPrefix("file://") ? String(uri.dropFirst(7)) : uri
    modifiedMs = Int64(time)
    size = value.integer("size") ?? -1
  }
}
