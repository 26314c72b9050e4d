// Role: reads a file of the log whole, with a bound on its size.

import DataSource

enum WholeFile {
  /// Bytes of a log file beyond which it is refused.
  static let maxBytes = 2 << 30

  /// All bytes and the modification time (milliseconds since 1970); nil when the file does not exist.
  static func read(_ path: String, displayPath: String) throws -> [UInt8]? {
    let file: InputFile
    do { file = try InputFile(path: path, displayPath: displayPath) } catch let error as KConnectError where error.code == .pathNotFound { return nil }
    let size = file.size ?? 0
    guard size <= maxBytes else { throw DeltaError.corrupt("'\(displayPath)'", "the file has \(size) bytes, expected at most \(maxBytes)") }
    var bytes = [UInt8](repeating: 0, count: size)
    // SAFETY: the buffer is the array's own storage.
    let n = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.pread(into: $0, at: 0) }
    bytes.removeLast(size - n)
    return bytes
  }
}
