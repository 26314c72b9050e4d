// Role: names of databases and tables as directory names. A directory is the percent-encoded name, so that every name can stand on disk and
// none can climb out of its directory or look like one of the store's own.

import DataSource

/// Encoding of Kusto names as directory names, both ways.
package enum StoreNames {
  /// Longest name in bytes after encoding; file systems allow 255, the journal and `.dropped` add to it.
  private static let maxEncodedBytes = 240
  /// Kusto's limit on entity names.
  private static let maxCharacters = 1_024

  /// The directory of a name: letters, digits, space, `-`, `_` (not first), `.` (not first) stand for themselves, every other byte is `%XX`.
  /// Throws USAGE for names that are empty, too long or hold control characters.
  package static func encode(_ name: String, kind: String) throws -> String {
    guard !name.isEmpty else { throw KConnectError(.usage, "the \(kind) name is empty") }
    guard name.count <= maxCharacters, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw KConnectError(.usage, "'\(name.prefix(80))' cannot be a \(kind) name: it holds control characters or more than \(maxCharacters) characters")
    }
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for (i, byte) in name.utf8.enumerated() {
      let isWord = (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
      let isMark = byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: " ")
      if isWord || isMark && i > 0 && !(byte == UInt8(ascii: " ") && i == name.utf8.count - 1) {
        out.append(byte)
      } else {
        out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    guard out.count <= maxEncodedBytes else {
      throw KConnectError(.usage, "'\(name.prefix(80))' is too long for a \(kind) name: \(out.count) bytes encoded, expected at most \(maxEncodedBytes)")
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The name of a directory; nil for directories that are the store's own (`_…`, `.…`) or no encoded name.
  package static func decode(_ directory: String) -> String? {
    guard let first = directory.utf8.first, first != UInt8(ascii: "_"), first != UInt8(ascii: ".") else { return nil }
    let name = percentDecoded(directory)
    guard let back = try? encode(name, kind: "directory"), back == directory else { return nil }
    return name
  }
}
