// Role: environment variables and small files, for settings and secrets.

import DataSource
import FileConnector

#if canImport(Glibc)
import Glibc
#endif

enum Environment {
  /// The value of a variable, nil when unset.
  static func value(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

  /// Sets a variable of this process, before other threads run.
  static func set(_ name: String, _ value: String) {
    // SAFETY: setenv copies both zero-terminated texts during the call.
    unsafe setenv(name, value, 1)
  }

  /// The value that `env:NAME` or `file:PATH` stands for; nil for other texts. Throws CONFIGURATION.
  static func indirect(_ text: String) throws -> String? {
    if text.hasPrefix("env:") {
      let name = String(text.dropFirst(4))
      guard let value = value(name) else { throw KConnectError(.configuration, "environment variable '\(name)' is not set") }
      return value
    }
    if text.hasPrefix("file:") {
      var content = try readFile(String(text.dropFirst(5)))
      while let last = content.last, last.isNewline { content.removeLast() }
      return content
    }
    return nil
  }

  /// The text of a small file. Throws PATH_NOT_FOUND, PERMISSION, or CONFIGURATION above 16 MB.
  static func readFile(_ path: String) throws -> String {
    let file = try InputFile(path: path)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < 16 << 20 {
      let n = unsafe try buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) }
      bytes.append(contentsOf: buffer[..<n])
      if n < buffer.count { return String(decoding: bytes, as: UTF8.self) }
    }
    throw KConnectError(.configuration, "'\(path)' is larger than 16 MB")
  }
}
