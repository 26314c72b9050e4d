// Role: the directive `#Fields:` of a log file in W3C's format, which names the fields of the records behind it.

import CSV
import Codecs
import DataSource

/// The fields of a file's records.
struct FieldsDirective {
  private(set) var names: [String] = []
  private(set) var usesTabs = false

  private static let prefix = "#fields:"
  /// Bytes of a line that are looked at.
  private static let mostBytes = 1 << 16

  /// Looks at all lines: the directive may stand there several times. Throws FORMAT_CORRUPT for a file without one, or with a name twice, NOT_SUPPORTED for one
  /// whose fields change on the way.
  init(of file: InputFile, compression: StreamFormat?) throws {
    // SAFETY: readers fill no more than the buffer they are given, which lives for the call.
    let read = try unsafe TextInput(file, compression: compression, encoding: nil, sampleBytes: 4_096).reader()
    var block = [UInt8](repeating: 0, count: 1 << 20)
    var line: [UInt8] = []
    var isAtStart = true, isDirective = false
    while true {
      let n = try unsafe block.withUnsafeMutableBytes { try unsafe read($0) }
      for i in 0..<n {
        let byte = block[i]
        if byte == UInt8(ascii: "\n") {
          if isDirective { try take(line, file) }
          line = []
          (isAtStart, isDirective) = (true, false)
          continue
        }
        if isAtStart { isDirective = byte == UInt8(ascii: "#") }
        isAtStart = false
        if isDirective, line.count < Self.mostBytes { line.append(byte) }
      }
      if n < block.count { break }
    }
    if isDirective { try take(line, file) }
    if names.isEmpty { throw KConnectError(.formatCorrupt, "'\(file.path)' has no line '#Fields: …', which names the fields of a log file in W3C's format") }
  }

  private mutating func take(_ line: [UInt8], _ file: InputFile) throws {
    let text = String(decoding: line, as: UTF8.self)
    guard text.lowercased().hasPrefix(Self.prefix) else { return }
    let found = text.dropFirst(Self.prefix.count).split { $0 == " " || $0 == "\t" || $0 == "\r" }.map { String($0) }
    if found.isEmpty || found == names { return }
    guard names.isEmpty else { throw KConnectError(.notSupported, "not supported: '\(file.path)', whose fields change", hint: "cut it where another '#Fields:' begins") }
    guard Set(found).count == found.count else { throw KConnectError(.formatCorrupt, "'\(file.path)' has a field twice: \(text.prefix(200))") }
    names = found
    usesTabs = text.utf8.contains(UInt8(ascii: "\t"))
  }
}
