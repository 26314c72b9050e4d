// Role: temporary files for what does not fit the memory budget. A file is unlinked as soon as it is open, so that nothing stays behind a
// crash; blocks are appended by any thread and read back by position.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Synchronization

/// Where a block of rows stands in a spill file.
struct SpillBlock: Sendable {
  let offset: Int
  let byteCount: Int
  let rowCount: Int
}

/// One operator's spill file.
final class SpillFile: Sendable {
  private let descriptor: Int32
  private let directory: String
  private let end = Atomic<Int>(0)

  /// Creates the file in `directory`; throws IO, PERMISSION or DISK_FULL.
  // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once; `path` ends with 0, and mkstemp writes within it.
  init(in directory: String?) throws {
    let directory = unsafe directory ?? getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    self.directory = directory
    var path = Array("\(directory)/kconnect-spill-XXXXXX".utf8CString)
    let file = unsafe mkstemp(&path)
    guard file >= 0 else { throw Self.error("cannot create a spill file in", directory, errno) }
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    unsafe unlink(path)
    descriptor = file
  }

  deinit { close(descriptor) }

  /// Bytes written so far.
  var byteCount: Int { end.load(ordering: .relaxed) }

  /// Writes rows; any thread.
  // SAFETY: the bytes are alive for the call; `done` stays below their count, and what is left is all that is written.
  func append(_ columns: [ColumnVector], rowCount: Int) throws -> SpillBlock {
    let bytes = ColumnCodec.encode(columns, rowCount: rowCount)
    let offset = end.add(bytes.count, ordering: .relaxed).oldValue
    try unsafe bytes.withUnsafe { bytes in
      var done = 0
      while done < bytes.count, let base = bytes.baseAddress {
        let n = unsafe pwrite(descriptor, base + done, min(bytes.count - done, 1 << 30), off_t(offset + done))
        if n < 0 {
          if errno == EINTR { continue }
          throw Self.error("cannot write a spill file in", directory, errno)
        }
        done += n
      }
    }
    return SpillBlock(offset: offset, byteCount: bytes.count, rowCount: rowCount)
  }

  /// Reads a block back; any thread.
  // SAFETY: `out` has byteCount bytes of `builder`, which grows no more; `done` stays below that, and all are filled before they are handed on.
  func read(_ block: SpillBlock) throws -> [ColumnVector] {
    let builder = BufferBuilder<UInt8>(capacity: block.byteCount)
    let out = unsafe builder.appendUninitialized(block.byteCount)
    var done = 0
    while done < block.byteCount {
      let n = unsafe pread(descriptor, out + done, min(block.byteCount - done, 1 << 30), off_t(block.offset + done))
      if n < 0 {
        if errno == EINTR { continue }
        throw Self.error("cannot read a spill file in", directory, errno)
      }
      if n == 0 { throw KConnectError(.io, "a spill file in '\(directory)' ends at byte \(block.offset + done)") }
      done += n
    }
    return try ColumnCodec.decode(builder.finish(), rowCount: block.rowCount)
  }

  // SAFETY: strerror's text is static or the thread's own, and copied at once.
  private static func error(_ what: String, _ directory: String, _ code: Int32) -> KConnectError {
    let text = unsafe String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT:
      return KConnectError(
        .diskFull, "\(what) '\(directory)': \(text)", hint: "the query needs more than its memory: free space, set TMPDIR to a larger disk, or raise --memory-limit")
    case EACCES, EPERM, EROFS: return KConnectError(.permission, "\(what) '\(directory)': \(text)", hint: "set TMPDIR to a writable directory")
    default: return KConnectError(.io, "\(what) '\(directory)': \(text)")
    }
  }
}
