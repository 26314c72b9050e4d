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
    let body = ([version] + lines).joined(separator: "\n") + "\n"
    return Array((body + checksumMark + hex(checksum(body))).utf8)
  }

  /// The body lines. Throws CHECKPOINT_CONFLICT that names the file.
  static func lines(_ bytes: [UInt8], path: String) throws -> [String] {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let mark = text.lastIndex(of: "\n") else { throw damaged(path, bytes.isEmpty ? "it is empty" : "it has one line") }
    let body = String(text[...mark]), last = text[text.index(after: mark)...]
    var lines = body.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    let found = lines.isEmpty ? "" : lines.removeFirst()
    guard found == version else {
      throw KConnectError(
        .checkpointConflict, "'\(path)': found version '\(found.prefix(20))', expected '\(version)'",
        hint: "it was written by a newer kconnect or by another program; use the version that wrote it")
    }
    guard last.hasPrefix(checksumMark) else { throw damaged(path, "its checksum line is missing (torn or written by another program)") }
    guard last.dropFirst(checksumMark.count) == hex(checksum(body)) else { throw damaged(path, "its checksum does not match: it was edited or damaged") }
    return lines
  }

  private static func damaged(_ path: String, _ what: String) -> KConnectError {
    KConnectError(
      .checkpointConflict, "'\(path)' cannot be trusted: \(what)",
      hint: "nothing was changed; restore the file from a copy, or see 'kconnect stream repair' for what can be saved")
  }

  private static func checksum(_ text: String) -> UInt32 {
    var text = text
    // SAFETY: the bytes live for the call.
    return text.withUTF8 { unsafe crc32Checksum(UnsafeRawBufferPointer($0)) }
  }

  private static func hex(_ value: UInt32) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 8 - text.count) + text
  }
}
