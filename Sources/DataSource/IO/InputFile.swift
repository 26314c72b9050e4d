// Role: bytes to read, wherever they are: a regular file (random access), a remote object (random access), or a stream (stdin, pipe). Streams
// and http bodies become random-access by spooling them to an unlinked temporary file.

#if canImport(Glibc)
import Glibc
#endif
import CLinux

/// The bytes of an object of a remote store, read at random. Thread-safe.
package protocol RemoteBytes: Sendable {
  var size: Int { get }
  /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end. Throws `KConnectError`.
  func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int
}

/// An open input. A regular file has a size and `pread`; a stream has only `read`. Closed when released.
package final class InputFile: Sendable {
  /// As the user named it, for messages; its extension tells the compression (the query of a URL is cut off).
  package let path: String
  /// Bytes, nil for a stream.
  package let size: Int?
  private let descriptor: Int32
  private let closes: Bool
  private let remote: (any RemoteBytes)?

  /// Opens a regular file or a pipe; `-` is standard input. Throws PATH_NOT_FOUND, PERMISSION or IO.
  package convenience init(path: String) throws { try self.init(path: path, displayPath: path) }

  /// Opens `path`, which messages call `displayPath`.
  // SAFETY: the path is copied for the call; the calls fill the structure, which lives on the stack.
  package init(path: String, displayPath: String) throws {
    self.path = displayPath
    remote = nil
    if path == "-" {
      descriptor = 0
      closes = false
      var info = stat()
      // `kconnect … < file`: standard input may be a regular file; it is still read as a stream, from its current position.
      guard unsafe fstat(0, &info) == 0 else { throw SystemError.make("cannot read", "standard input", errno) }
      size = nil
      return
    }
    descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    closes = true
    guard descriptor >= 0 else { throw SystemError.make("cannot open", displayPath, errno) }
    var info = stat()
    guard unsafe fstat(descriptor, &info) == 0 else {
      let code = errno
      close(descriptor)
      throw SystemError.make("cannot stat", displayPath, code)
    }
    if info.st_mode & S_IFMT == S_IFDIR {
      close(descriptor)
      throw KConnectError(.io, "'\(displayPath)' is a directory, expected a file")
    }
    size = info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : nil
  }

  /// Takes over an open regular file of `size` bytes.
  package init(descriptor: Int32, path: String, size: Int) {
    self.descriptor = descriptor
    self.path = path
    self.size = size
    closes = true
    remote = nil
  }

  /// The bytes of a remote object.
  package init(remote: any RemoteBytes, path: String) {
    self.remote = remote
    self.path = path
    size = remote.size
    descriptor = -1
    closes = false
  }

  deinit { if closes { close(descriptor) } }

  /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
  // SAFETY: `done` stays below the buffer's count, and what is left is all that is read.
  package func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    if let remote { return try unsafe remote.pread(into: buffer, at: offset) }
    guard let base = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let n = unsafe Glibc.pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
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
  // SAFETY: as in `pread`.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let n = unsafe Glibc.read(descriptor, base + done, buffer.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        throw SystemError.make("cannot read", path == "-" ? "standard input" : path, errno)
      }
      if n == 0 { break }
      done += n
    }
    return done
  }

  /// The same open file under another name for messages and extensions.
  package func renamed(_ name: String) throws -> InputFile {
    if let remote { return InputFile(remote: remote, path: name) }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw SystemError.make("cannot duplicate the descriptor of", path, errno) }
    return InputFile(descriptor: copy, path: name, size: size ?? 0)
  }

  /// The same bytes with random access: itself for a regular file, else a copy in an unlinked temporary file.
  // SAFETY: the block is this function's, freed at its end; at most n of its bytes, which were read, are written on.
  package func spooled() throws -> InputFile {
    if size != nil { return self }
    let spool = try SpoolFile()
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { unsafe block.deallocate() }
    while true {
      let n = try unsafe read(into: block)
      if n == 0 { break }
      try unsafe spool.append(UnsafeRawBufferPointer(rebasing: block[0..<n]))
    }
    return spool.finish(path: path)
  }
}

/// A temporary file without a name, filled front to back. Lies in `TMPDIR`, else `/tmp`; vanishes when released.
package final class SpoolFile {
  private var descriptor: Int32
  private var size = 0

  // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once; the directory is copied for the call. `name` ends with 0, and the
  // call writes within it.
  package init() throws {
    let directory = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    descriptor = unsafe kclinux_open_unnamed(directory)
    if descriptor < 0 {
      // Not every file system has O_TMPFILE.
      var name = Array(joinPath(directory, ".kconnect-spool-XXXXXX").utf8CString)
      descriptor = unsafe name.withUnsafeMutableBufferPointer { buffer in unsafe buffer.baseAddress.map { unsafe kclinux_make_temporary($0) } ?? -1 }
      guard descriptor >= 0 else { throw SystemError.make("cannot create a temporary file in", directory, errno) }
      unsafe name.withUnsafeBufferPointer { buffer in _ = unsafe buffer.baseAddress.map { unsafe unlink($0) } }
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  // SAFETY: the bytes live for the call.
  package func append(_ bytes: UnsafeRawBufferPointer) throws {
    let (written, code) = unsafe FileSystem.system.write(descriptor, "the temporary file", bytes)
    size += written
    if code != 0 { throw SystemError.make("cannot write", "the temporary file of an input", code) }
  }

  /// Forgets what was written, for a new attempt.
  package func truncate() throws {
    size = 0
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw SystemError.make("cannot truncate", "the temporary file of an input", errno)
    }
  }

  /// Hands the descriptor over as an input called `path`.
  package func finish(path: String) -> InputFile {
    let file = InputFile(descriptor: descriptor, path: path, size: size)
    descriptor = -1
    return file
  }
}
