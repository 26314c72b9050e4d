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

  /// The order of reading: by time, then name.
  static func isEarlier(_ a: SeenFile, _ b: SeenFile) -> Bool {
    a.modifiedMs != b.modifiedMs ? a.modifiedMs < b.modifiedMs : a.path.utf8.lexicographicallyPrecedes(b.path.utf8)
  }

  /// Reads a line of the source log. Logs of early versions have paths as they were typed: they are taken from the working directory.
  init(line: String, place: String) throws {
    let value = try JSONTree.parse(Array(line.utf8), place: place)
    guard let uri = value.text("path"), let time = value.integer("timestamp") else {
      throw KConnectError(.checkpointConflict, "'\(place)': found \(line.prefix(80)), expected path, timestamp and size")
    }
    let typed = uri.hasPrefix("file://") ? String(uri.dropFirst(7)) : uri
    path = typed.hasPrefix("/") ? typed : absolutePath(typed)
    modifiedMs = Int64(time)
    size = value.integer("size") ?? -1
  }
}
