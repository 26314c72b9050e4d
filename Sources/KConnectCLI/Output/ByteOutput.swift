// Role: bytes to standard output or to a file that appears under its name only when complete.

import DataSource
import FileConnector
import KConnect

#if canImport(Glibc)
import Glibc
#endif

/// The reader of standard output went away: not an error, the command just ends.
struct OutputClosed: Error {}

/// Buffered output. A file is written beside its place under a hidden name and renamed by `finish`; dropped before that, nothing is left.
final class ByteOutput {
  private let path: String
  private let temporaryPath: String?
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private static let bufferSize = 1 << 18

  /// Standard output.
  init(standardOutput: ()) throws {
    path = "-"
    temporaryPath = nil
    descriptor = 1
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
    self.path = path == "-" || pathKind(path) != .file ? path : resolvedPath(path)
    buffer.reserveCapacity(Self.bufferSize + 4_096)
    if path == "-" {
      temporaryPath = nil
      descriptor = 1
      return
    }
    switch pathKind(path) {
    case .directory: throw KConnectError(.usage, "--output '\(path)' is a directory, expected a file", hint: "kconnect write fills directories")
    case .special:
      temporaryPath = nil
      descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw SystemError.make("cannot open", path, errno) }
      return
    case .file, .missing: break
    }
    let temporary = StagedName.beside(self.path)
    temporaryPath = temporary
    descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError.make("cannot create", path, errno) }
    Interrupt.registerTemporary(temporary)
  }

  deinit { discard() }

  /// Appends text.
  func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Appends bytes.
  func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
    unsafe buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Hands the bytes to the system.
  func flush() throws {
    var done = 0
    let failure: Int32 = unsafe buffer.withUnsafeBytes { bytes in
      while done < bytes.count {
        let n = unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if n >= 0 { done += n } else if errno != EINTR { return errno }
      }
      return 0
    }
    buffer.removeAll(keepingCapacity: true)
    if failure == EPIPE, descriptor == 1 { throw OutputClosed() }
    if failure != 0 { throw SystemError.make("cannot write", path == "-" ? "standard output" : path, failure) }
  }

  /// Writes what is left; a file gets its name.
  func finish() throws {
    try flush()
    guard let temporaryPath, descriptor > 2 else { return }
    let code = close(descriptor)
    descriptor = -1
    if code != 0 {
      let number = errno
      unsafe unlink(temporaryPath)
      throw SystemError.make("cannot close", path, number)
    }
    if unsafe rename(temporaryPath, path) != 0 {
      let number = errno
      unsafe unlink(temporaryPath)
      throw SystemError.make("cannot create", path, number)
    }
    Interrupt.forgetTemporary(temporaryPath)
  }

  private func discard() {
    guard let temporaryPath, descriptor > 2 else { return }
    close(descriptor)
    descriptor = -1
    unsafe unlink(temporaryPath)
    Interrupt.forgetTemporary(temporaryPath)
  }
}
