// Role: the text of a file of the checkpoint: a version line as Spark writes it, the body, and a checksum line that Spark does not have.
//
//     v1
//     {…}
//     crc32:9a0b1c2d
//
// A file without its checksum, with another one or of another version is refused by name, never guessed at.

import Codecs
import DataSource

enum LogText {
  static let version = "v1"
  private static let checksumMark = "crc32:"

  /// The bytes of a file with these body lines; lines hold no newline.
  static func bytes(_ lines: [String]) -> [UInt8] {
    var body: [UInt8] = []
    for line in lines {
      body += Array(line.utf8)
      body.append(0x0A)
    }
    return bytes(body: body)
  }

  /// The bytes of a file with a body of whole lines, each with its end.
  static func bytes(body: [UInt8]) -> [UInt8] {
    var out = Array(version.utf8)
    out.reserveCapacity(body.count + 24)
    out.append(0x0A)
    out += body
    let sum = checksum(out[...])
    out += Array((checksumMark + hex(sum)).utf8)
    return out
  }

  /// The body lines. Throws CHECKPOINT_CONFLICT that names the file.
  static func lines(_ bytes: [UInt8], path: String) throws -> [String] {
    try body(bytes, path: path).split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map { String(decoding: $0, as: UTF8.self) }
  }

  /// The body: whole lines, each with its end. Throws CHECKPOINT_CONFLICT that names the file.
  static func body(_ bytes: [UInt8], path: String) throws -> ArraySlice<UInt8> {
    guard let mark = bytes.lastIndex(of: 0x0A), let head = bytes.firstIndex(of: 0x0A) else { throw damaged(path, bytes.isEmpty ? "it is empty" : "it has one line") }
    let found = String(decoding: bytes[..<head].prefix(80), as: UTF8.self), last = String(decoding: bytes[(mark + 1)...].prefix(80), as: UTF8.self)
    guard found == version else {
      throw KConnectError(
        .checkpointConflict, "'\(path)': found version '\(found.prefix(20))', expected '\(version)'",
        hint: "it was written by a newer kconnect or by another program; use the version that wrote it")
    }
    guard last.hasPrefix(checksumMark) else { throw damaged(path, "its checksum line is missing (torn or written by another program)") }
    guard last.dropFirst(checksumMark.count) == hex(checksum(bytes[...mark])) else { throw damaged(path, "its checksum does not match: it was edited or damaged") }
    return bytes[(head + 1)..<(mark + 1)]
  }

  private static func damaged(_ path: String, _ what: String) -> KConnectError {
    KConnectError(
      .checkpointConflict, "'\(path)' cannot be trusted: \(what)",
      hint: "nothing was changed; restore the file from a copy, or see 'kconnect stream repair' for what can be saved")
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    // SAFETY: the bytes live for the call.
    unsafe bytes.withUnsafeBytes { unsafe crc32Checksum($0) }
  }

  private static func hex(_ value: UInt32) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 8 - text.count) + text
  }
}
