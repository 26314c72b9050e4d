// Role: `flock` locks on files of the store. The kernel frees them when the holder dies, so that no lock outlives its process.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// A held lock; freed with the object.
final class FileLock: Sendable {
  let descriptor: Int32

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Which file is locked.
  var identity: Directory.Identity? { Directory.identity(ofDescriptor: descriptor) }

  /// Waits for the exclusive lock of a file, which is made when it is missing.
  static func acquire(_ path: String) throws -> FileLock {
    let descriptor = try openFile(path)
    while flock(descriptor, LOCK_EX) != 0 {
      if errno == EINTR { continue }
      let code = errno
      close(descriptor)
      throw SystemError.make("cannot lock", path, code)
    }
    return FileLock(descriptor: descriptor)
  }

  /// The exclusive lock of a file, or nil when somebody holds it.
  static func tryAcquire(_ path: String) throws -> FileLock? {
    let descriptor = try openFile(path)
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return FileLock(descriptor: descriptor) }
    let code = errno
    close(descriptor)
    if code == EWOULDBLOCK || code == EINTR { return nil }
    throw SystemError.make("cannot lock", path, code)
  }

  private static func openFile(_ path: String) throws -> Int32 {
    // SAFETY: open reads the zero-terminated bridged path during the call.
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw SystemError.make("cannot open the lock", path, errno) }
    return descriptor
  }
}
