// Role: what the file system knows of a name: identity, bytes, modification time.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

/// The facts of a file or directory.
struct FileFacts {
  var device: Int
  var inode: Int
  var links: Int
  var size: Int64
  /// Milliseconds since 1970; times beyond those of a datetime count as its first or last second.
  var modified: Int64

  /// Nil when there is no such name.
  init?(_ path: String) {
    var info = stat()
    // SAFETY: `info` is filled by the call and lives on the stack.
    guard unsafe stat(path, &info) == 0 else { return nil }
    device = Int(info.st_dev)
    inode = Int(info.st_ino)
    links = Int(info.st_nlink)
    size = Int64(info.st_size)
    let seconds = min(max(Int64(info.st_mtim.tv_sec), DeltaClock.times.lowerBound / 1000), DeltaClock.times.upperBound / 1000)
    modified = seconds * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000
  }
}

/// The wall clock, and what times of commits can be.
package enum DeltaClock {
  /// The times of a datetime in milliseconds since 1970.
  package static let times = CivilTime.minTicks / CivilTime.ticksPerMillisecond...CivilTime.maxTicks / CivilTime.ticksPerMillisecond

  /// Milliseconds since 1970.
  package static var milliseconds: Int64 { SystemClock.wallMilliseconds }
}
