// Where the bytes of a file come from: a small random-access protocol, a descriptor read with pread, and memory.
#if canImport(Glibc)
import Glibc
#endif

/// Bytes that can be read at any offset, by several threads at once.
package protocol RandomAccess: Sendable {
  /// Size in bytes; fixed while the file is open.
  var byteCount: Int { get }
  /// Name for messages.
  var name: String { get }
  /// Fills `target` from `offset` on. Throws `io` when the system refuses or the file ends early.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(ParquetError)
}

/// A regular file read with pread; closed with the last reference.
package final class FileDescriptorSource: RandomAccess {
  package let byteCount: Int
  package let name: String
  private let descriptor: Int32

  /// Opens `path` for reading; messages call it `displayPath`.
  // SAFETY: the path is copied for the call; `fstat` fills a live variable; strerror's text is copied at once.
  package init(path: String, displayPath: String? = nil) throws(ParquetError) {
    name = displayPath ?? path
    let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw ParquetError(.io, unsafe "cannot open: \(String(cString: strerror(errno)))", file: name) }
    var status = stat()
    guard unsafe fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw ParquetError(.io, "not a regular file", file: name)
    }
    descriptor = opened
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  // SAFETY: `pread` fills at most the `target.count - done` bytes behind `done`; strerror's text is copied at once.
  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(ParquetError) {
    var done = 0
    while done < target.count {
      let got = unsafe pread(descriptor, target.baseAddress.map { unsafe $0 + done }, target.count - done, off_t(offset + done))
      if got < 0 {
        if errno == EINTR { continue }
        throw ParquetError(.io, unsafe "cannot read: \(String(cString: strerror(errno)))", byteOffset: offset + done, file: name)
      }
      if got == 0 {
        throw ParquetError(.io, "the file ended early: \(target.count - done) bytes missing", byteOffset: offset + done, file: name)
      }
      done += got
    }
  }
}

/// A file whose bytes are in memory.
package struct MemorySource: RandomAccess {
  private let bytes: [UInt8]
  package let name: String
  package var byteCount: Int { bytes.count }

  package init(_ bytes: [UInt8], name: String = "memory") {
    self.bytes = bytes
    self.name = name
  }

  package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(ParquetError) {
    guard offset >= 0, offset <= bytes.count, target.count <= bytes.count - offset else {
      throw ParquetError(.io, "the file ended early", byteOffset: offset, file: name)
    }
    // SAFETY: the guard keeps the slice within `bytes`; it is as long as `target`.
    unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + target.count])) }
  }
}
