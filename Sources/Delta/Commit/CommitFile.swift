// Role: puts a commit file in place if it is absent: temporary file, fsync, link, fsync of the directory. The link is the commit.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// What became of an attempt to write a version.
enum CommitAttempt {
  case written
  /// Another writer has that version.
  case lost
  /// In place and visible, but the directory could not be synced.
  case notDurable(KConnectError)
}

struct CommitFile {
  let log: DeltaLog

  /// Writes `text` as `version`; throws with nothing visible.
  func write(_ text: String, version: Int64) throws -> CommitAttempt {
    let name = LogFileName.commitName(version)
    let target = log.filePath(name)
    let draft = log.filePath(".\(name).\(randomIdentifier()).tmp")
    let fileSystem = log.fileSystem
    let file = try OutputFile(creating: draft, displayPath: log.display(name), fileSystem: fileSystem)
    defer { _ = fileSystem.remove(draft) }
    var text = text
    // SAFETY: the bytes live for the call.
    try text.withUTF8 { try unsafe file.write(UnsafeRawBufferPointer($0)) }
    try file.sync()
    try file.close()
    var code = fileSystem.link(draft, target)
    if code == EPERM || code == ENOTSUP || code == ENOSYS || code == EMLINK {
      // No hard links here.
      code = fileSystem.rename(draft, target, .noReplace)
    }
    if code != 0, isSameFile(draft, target) { code = 0 }
    if code == EEXIST { return .lost }
    guard code == 0 else { throw SystemError.make("cannot commit", log.display(name), code) }
    let synced = fileSystem.syncDirectory(log.directory)
    if synced != 0 {
      let cause = SystemError.make("version \(version) is committed, but it may not survive a power failure: cannot sync", log.display(""), synced)
      return .notDurable(cause)
    }
    return .written
  }

  /// True when a link that reported a failure was made all the same, as happens on network file systems.
  private func isSameFile(_ a: String, _ b: String) -> Bool {
    guard let a = FileFacts(a), let b = FileFacts(b) else { return false }
    return a.inode == b.inode && a.device == b.device
  }
}

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
