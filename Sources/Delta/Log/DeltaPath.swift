// Role: paths in the log: URI-encoded, relative to the table or absolute (`/x`, `file:/x`, `file:///x`).

import DataSource

package enum DeltaPath {
  /// The decoded path without a `file:` scheme, the form that keys use: relative paths stay relative.
  package static func canonical(_ path: String) -> String { percentDecoded(withoutScheme(path)) }

  /// Where the file lies, for a table in `directory`; throws NOT_SUPPORTED for other schemes.
  package static func resolve(_ path: String, in directory: String) throws -> String {
    if let scheme = scheme(path), scheme != "file" {
      throw DeltaError.notSupported("a data file outside the local file system: '\(path.prefix(120))'", hint: "copy the table to local storage")
    }
    let decoded = canonical(path)
    return decoded.hasPrefix("/") ? decoded : joinPath(directory, decoded)
  }

  /// The relative path of a new file as it stands in the log.
  package static func encoded(_ path: String) -> String {
    var out: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in path.utf8 {
      if isPlain(byte) { out.append(byte) } else { out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Bytes that stand for themselves in the path of a URI.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-_.~/!$&'()*+,;=@".utf8.contains(byte)
    }
  }

  private static func scheme(_ path: String) -> String? {
    guard let colon = path.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let head = path[..<colon]
    guard let first = head.utf8.first, first | 0x20 >= 0x61, first | 0x20 <= 0x7A, head.utf8.count > 1,
      head.utf8.allSatisfy({ $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || [0x2B, 0x2D, 0x2E].contains($0) })
    else { return nil }
    return head.lowercased()
  }

  private static func withoutScheme(_ path: String) -> String {
    guard scheme(path) == "file" else { return path }
    let rest = path.dropFirst(5)
    return rest.hasPrefix("///") ? String(rest.dropFirst(2)) : String(rest)
  }
}
