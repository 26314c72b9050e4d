// Role: bytes to write: a new file under a temporary name, a device or pipe, or standard output. Write errors carry the path; nothing is
// renamed here.

#if canImport(Glibc)
import Glibc
#endif
import CLinux

/// An object of a remote store under construction, written front to back by one thread at a time.
package protocol RemoteOutput: AnyObject, Sendable {
  /// Takes the next bytes; throws `KConnectError`.
  func write(_ bytes: UnsafeRawBufferPointer) throws
  /// All bytes have reached the store; the object is not visible yet.
  func finish() throws
}

/// An output under construction, written front to back by one thread at a time.
package final class OutputFile: @unchecked Sendable {  // one writer at a time, by the contract of FileWriter.append
  /// The path written (a temporary name with the target's extension), or "-".
  package let path: String
  /// The name messages show: the target the user asked for.
  package let displayPath: String
  private let fileSystem: FileSystem
  private var descriptor: Int32
  private let isDurable: Bool
  private var remote: (any RemoteOutput)?
  /// Bytes written so far.
  package private(set) var offset = 0
  /// Bytes whose way to the disk has been started.
  private var writebackOffset = 0
  /// The disk is kept busy while the rest is made: the final fsync then waits for the last stretch only.
  private static let writebackStretch = 16 << 20

  /// Creates the file (it must not exist) with the mode less the process's mask, or takes standard output for "-".
  package init(creating path: String, displayPath: String? = nil, mode: UInt32 = 0o666, fileSystem: FileSystem = .system) throws {
    self.path = path
    self.displayPath = path == "-" ? "standard output" : displayPath ?? path
    self.fileSystem = fileSystem
    if path == "-" {
      descriptor = 1
      isDurable = false
      return
    }
    let (descriptor, code) = fileSystem.create(path, mode: mode)
    guard code == 0 else { throw SystemError.make("cannot create", displayPath ?? path, code) }
    self.descriptor = descriptor
    isDurable = true
  }

  /// Opens an existing device or pipe, such as `/dev/null`.
  // SAFETY: the path is copied for the call.
  package init(device path: String) throws {
    self.path = path
    displayPath = path
    fileSystem = .system
    isDurable = false
    descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.make("cannot open", path, errno) }
  }

  /// Writes to an object of a remote store, which messages call `displayPath`.
  package init(remote: any RemoteOutput, path: String, displayPath: String) {
    self.remote = remote
    self.path = path
    self.displayPath = displayPath
    fileSystem = .system
    isDurable = false
    descriptor = -1
  }

  deinit { if descriptor > 2 { Glibc.close(descriptor) } }

  /// Takes `flock(LOCK_EX)`, by which cleaners see that the writer is alive; false when somebody else holds it.
  package func lockExclusively() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Another descriptor of the same open file: it keeps the lock after `close`.
  package func duplicatedDescriptor() -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }

  /// True while the name still leads to this file.
  // SAFETY: the path is copied for the call; the calls fill the two structures, which live on the stack.
  package func isStillNamed(_ path: String) -> Bool {
    var named = stat()
    var own = stat()
    return unsafe stat(path, &named) == 0 && fstat(descriptor, &own) == 0 && named.st_ino == own.st_ino && named.st_dev == own.st_dev
  }

  // SAFETY: the bytes live for the call.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    if let remote {
      try unsafe remote.write(bytes)
      offset += bytes.count
      return
    }
    let (written, code) = unsafe fileSystem.write(descriptor, path, bytes)
    offset += written
    if code != 0 { throw SystemError.make("cannot write", displayPath, code) }
    if isDurable, offset - writebackOffset >= Self.writebackStretch {
      kclinux_start_writeback(descriptor, writebackOffset, offset - writebackOffset)
      writebackOffset = offset
    }
  }

  /// Makes the bytes durable; nothing to do for standard output, devices and pipes.
  package func sync() throws {
    guard isDurable else { return }
    let code = fileSystem.sync(descriptor, path)
    if code != 0 { throw SystemError.make("cannot sync", displayPath, code) }
  }

  /// Closes; an error here is an error of the write.
  package func close() throws {
    if let remote {
      self.remote = nil
      return try remote.finish()
    }
    guard descriptor > 2 else { return }
    let code = fileSystem.close(descriptor, path)
    descriptor = -1
    if code != 0 { throw SystemError.make("cannot close", displayPath, code) }
  }
}
