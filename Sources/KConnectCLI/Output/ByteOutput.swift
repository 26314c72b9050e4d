// Role: bytes to standard output or to a file that appears under its name only when complete.

import DataSource
import FileConnector
import KConnect

#if canImport(Glibc)
import Glibc
#endif

/// The reader of standard output went away: not an error, the command just ends.
struct OutputClosed: Error {}

/// Buffered output. A file is staged beside its place and gets its name by `finish`; dropped before that, nothing is left.
final class ByteOutput {
  /// Nil: standard output.
  private let file: OutputFile?
  private let staged: StagedFile?
  private var buffer: [UInt8] = []
  private static let bufferSize = 1 << 18

  /// Standard output.
  init(standardOutput: ()) throws {
    file = nil
    staged = nil
    buffer.reserveCapacity(Self.bufferSize + 4_096)
  }

  /// Writes a text to standard output at once.
  static func print(_ text: String) throws {
    let output = try ByteOutput(standardOutput: ())
    try output.write(text)
    try output.finish()
  }

  /// A file; `-` is standard output. Throws PATH_NOT_FOUND, PERMISSION, DISK_FULL or IO.
  init(path: String) throws {
    switch try WriteTarget(output: path) {
    case .standardOutput:
      file = nil
      staged = nil
    case .device(let place):
      file = try OutputFile(device: place)
      staged = nil
    case .file(let place), .directory(let place):
      let beside = try StagedFile(place)
      file = beside.file
      staged = beside
    }
    buffer.reserveCapacity(Self.bufferSize + 4_096)
  }

  /// Appends text.
  func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Appends bytes.
  // SAFETY: the bytes are the caller's for the call and are copied.
  func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
    unsafe buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Hands the bytes to the system.
  // SAFETY: the buffer's bytes live for the closures; `done` stays below their count.
  func flush() throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    if let file { return try unsafe buffer.withUnsafeBytes { try unsafe file.write($0) } }
    var done = 0
    let failure: Int32 = unsafe buffer.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      while done < bytes.count {
        let n = unsafe Glibc.write(1, start + done, bytes.count - done)
        if n >= 0 { done += n } else if errno != EINTR { return errno }
      }
      return 0
    }
    if failure == EPIPE { throw OutputClosed() }
    if failure != 0 { throw SystemError.make("cannot write", "standard output", failure) }
  }

  /// Writes what is left; a file gets its name.
  func finish() throws {
    try flush()
    if let staged { try staged.publish(replaces: true) } else { try file?.close() }
  }
}

extension WriteTarget {
  /// Where `--output` leads: a file of any name, a device, or `-` for standard output. Throws USAGE for a directory, PATH_NOT_FOUND where it would stand in none.
  init(output path: String) throws {
    if path == "-" {
      self = .standardOutput
      return
    }
    switch pathKind(path) {
    case .directory: throw KConnectError(.usage, "--output '\(path)' is a directory, expected a file", hint: "kconnect write fills directories")
    case .special: self = .device(path)
    case .file: self = .file(resolvedPath(path))
    case .missing:
      guard pathKind(parentPath(path)) == .directory else { throw SystemError.make("cannot create", path, ENOENT) }
      self = .file(path)
    }
  }
}
