// Role: bytes to write: a new file under a temporary name, or standard output. Write errors carry the path; nothing is renamed here.

#if canImport(Glibc)
import Glibc
#endif
package import DataSource

/// An output under construction, written front to back by one thread at a time.
package final class OutputFile: @unchecked Sendable {  // one writer at a time, by the contract of FileWriter.append
  /// The path written (a temporary name), or "-".
  package let path: String
  private var descriptor: Int32
  /// Bytes written so far.
  package private(set) var offset = 0

  /// Creates the file (it must not exist), or takes standard output for "-".
  package init(creating path: String) throws {
    self.path = path
    if path == "-" {
      descriptor = 1
      return
    }
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError.make("cannot create", path, errno) }
  }

  deinit { if descriptor > 2 { Glibc.close(descriptor) } }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let n = Glibc.write(descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 30))
      if n < 0 {
        if errno == EINTR { continue }
        throw SystemError.make("cannot write", path == "-" ? "standard output" : path, errno)
      }
      done += n
      offset += n
    }
  }

  /// Makes the bytes durable; nothing to do for standard output.
  package func sync() throws {
    if descriptor > 2, fsync(descriptor) != 0 { throw SystemError.make("cannot sync", path, errno) }
  }

  /// Closes; an error here is an error of the write.
  package func close() throws {
    guard descriptor > 2 else { return }
    let code = Glibc.close(descriptor)
    descriptor = -1
    if code != 0 { throw SystemError.make("cannot close", path, errno) }
  }
}
