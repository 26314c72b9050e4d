// Role: one process per checkpoint: flock on `.lock`, which the kernel frees when the holder dies. The file says who holds it, for messages.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

package final class CheckpointLock {
  private let descriptor: Int32

  /// Takes the lock of a directory; `what` names it in messages. Throws LOCKED (transient: exit code 75) when another process has it.
  package init(_ checkpoint: String, what: String? = nil, makesDirectory: Bool = false) throws {
    if makesDirectory { try FileSystem.system.makeDurably(checkpoint) }
    let path = joinPath(checkpoint, ".lock")
    // SAFETY: the path is copied by the call.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw SystemError.make("cannot open the lock", path, errno) }
    var looks = 0, waits = 0
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      guard code == EWOULDBLOCK else { throw SystemError.make("cannot lock", path, code) }
      // Those who only ask whether it is held share it for a moment: a holder does not.
      if looks < Self.maxLooks, flock(descriptor, LOCK_SH | LOCK_NB) == 0 {
        looks += 1
        _ = flock(descriptor, LOCK_UN)
        sched_yield()
        continue
      }
      // A child of this process on its way to another program keeps what this process has just let go of.
      let own = "pid \(getpid())"
      if CheckpointLock.holder(checkpoint) == own, waits < Self.maxWaits {
        waits += 1
        usleep(10_000)
        continue
      }
      let holder = CheckpointLock.holder(checkpoint).map { " (\($0))" } ?? ""
      throw KConnectError(
        .locked, "\(what ?? "the checkpoint '\(checkpoint)'") is in use by another process\(holder)",
        hint: "one runs at a time; try again when it has ended",
        isRetryable: true)
    }
    var text = "pid \(getpid())\n"
    _ = ftruncate(descriptor, 0)
    // SAFETY: the bytes live for the call.
    _ = text.withUTF8 { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  private static let maxLooks = 10_000
  private static let maxWaits = 50

  deinit { close(descriptor) }

  /// What the file says of the holder.
  static func holder(_ checkpoint: String) -> String? {
    guard let bytes = try? SmallFile.read(joinPath(checkpoint, ".lock"), limit: 4_096) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    return text
  }

  /// True while some process holds the lock. Keeps nobody from taking it, see `init`.
  package static func isHeld(_ checkpoint: String) -> Bool {
    // SAFETY: the path is copied by the call.
    let descriptor = unsafe open(joinPath(checkpoint, ".lock"), O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }
}
