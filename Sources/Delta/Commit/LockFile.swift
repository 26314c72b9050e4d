// Role: the lock by which writers of one table queue.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// An exclusive lock on a file, by which writers queue; released with the object, or by the system when the process dies.
package final class LockFile {
  private let descriptor: Int32

  /// Waits for the lock, or with `waits` off answers nil when somebody else has it.
  package init?(_ path: String, waits: Bool) throws {
    // SAFETY: the path is copied by the call.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw SystemError.make("cannot open the lock", path, errno) }
    while flock(descriptor, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      if code == EWOULDBLOCK { return nil }
      throw SystemError.make("cannot lock", path, code)
    }
  }

  deinit { close(descriptor) }
}
