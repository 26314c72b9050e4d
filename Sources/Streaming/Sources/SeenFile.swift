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

  /// Its line of the source log, with the line end.
  func append(to out: inout [UInt8]) {
    guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) else {
      let members: [(String, DynamicValue)] = [("path", .string("file://" + path)), ("timestamp", .long(modifiedMs)), ("size", .long(Int64(size)))]
      out += Array(DynamicValue.object(members).json.utf8)
      return out.append(0x0A)
    }
    out += Array(LineForm.head.utf8)
    out += Array(path.utf8)
    out += Array("\(LineForm.time)\(modifiedMs)\(LineForm.size)\(size)}\n".utf8)
  }

  /// The lines of an entry of the source log.
  static func body(_ files: some Sequence<SeenFile>) -> [UInt8] {
    var out: [UInt8] = []
    for file in files { file.append(to: &out) }
    return out
  }

  /// Bytes of files together; at most the greatest number.
  static func bytes(_ files: some Sequence<SeenFile>) -> Int { files.reduce(0) { sum, file in sum > .max - file.size ? .max : sum + max(0, file.size) } }

  /// What stands around the values of a line that was written here.
  private enum LineForm {
    static let head = "{\"path\":\"file://", time = "\",\"timestamp\":", size = ",\"size\":"
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

  /// Reads a line of the source log, without its end. Logs of early versions have paths as they were typed: they are taken from the working
  /// directory.
  init(line: ArraySlice<UInt8>, place: String) throws {
    if let own = Self.inOwnForm(line) {
      self = own
      return
    }
    let value = try JSONTree.parse(Array(line), place: place)
    guard let uri = value.text("path"), let time = value.integer("timestamp") else {
      throw KConnectError(.checkpointConflict, "'\(place)': found \(String(decoding: line.prefix(80), as: UTF8.self)), expected path, timestamp and size")
    }
    let typed = uri.hasPrefix("file://") ? String(uri.dropFirst(7)) : uri
    path = typed.hasPrefix("/") ? typed : absolutePath(typed)
    modifiedMs = Int64(time)
    size = value.integer("size") ?? -1
  }

  /// A line as `append` writes it, without escapes, which a hundred thousand of are read at every start; nil for others.
  private static func inOwnForm(_ line: ArraySlice<UInt8>) -> SeenFile? {
    var rest = line
    func skip(_ text: String) -> Bool {
      guard rest.starts(with: text.utf8) else { return false }
      rest = rest.dropFirst(text.utf8.count)
      return true
    }
    func number() -> Int64? {
      var value: Int64 = 0
      var digits = 0
      while let byte = rest.first, byte >= 0x30, byte <= 0x39, digits < 18 {
        value = value * 10 + Int64(byte - 0x30)
        digits += 1
        rest = rest.dropFirst()
      }
      return digits > 0 ? value : nil
    }
    guard skip(LineForm.head), rest.first == UInt8(ascii: "/"), let end = rest.firstIndex(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else { return nil }
    let path = rest[..<end]
    rest = rest[end...]
    guard skip(LineForm.time), let time = number(), skip(LineForm.size), let size = number(), rest.elementsEqual(CollectionOfOne(UInt8(ascii: "}"))) else { return nil }
    return SeenFile(path: String(decoding: path, as: UTF8.self), modifiedMs: time, size: Int(size))
  }
}
