// Role: bytes to read, wherever they are: a regular file (random access), or a stream (stdin, pipe, http body spooled or not).

#if canImport(Glibc)
import Glibc
#endif
package import DataSource

/// An open input. A regular file has a size and `pread`; a stream has only `read`. Closed when released.
package final class InputFile: Sendable {
  /// As the user named it, for messages.
  package let path: String
  /// Bytes, nil for a stream.
  package let size: Int?
  private let descriptor: Int32
  private let closes: Bool

  /// Opens a regular file; `-` is standard input. Throws PATH_NOT_FOUND, PERMISSION or IO.
  package init(path: String) throws {
    self.path = path
    if path == "-" {
      descriptor = 0
      closes = false
      size = nil
      return
    }
    descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    closes = true
    guard descriptor >= 0 else { throw SystemError.make("cannot open", path, errno) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else {
      let code = errno
      close(descriptor)
      throw SystemError.make("cannot stat", path, code)
    }
    if info.st_mode & S_IFMT == S_IFDIR {
      close(descriptor)
      throw KConnectError(.io, "'\(path)' is a directory, expected a file")
    }
    size = info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : nil
  }

  deinit { if closes { close(descriptor) } }

  /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
  package func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    var done = 0
    while done < buffer.count {
      let n = Glibc.pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if n < 0 {
        if errno == EINTR { continue }
        throw SystemError.make("cannot read at byte \(offset + done) of", path, errno)
      }
      if n == 0 { break }
      done += n
    }
    return done
  }

  /// Reads the next bytes of the stream; fewer than asked only at the end.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < buffer.count {
      let n = Glibc.read(descriptor, buffer.baseAddress! + done, buffer.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        throw SystemError.make("cannot read", path, errno)
      }
      if n == 0 { break }
      done += n
    }
    return done
  }
}
