// Role: telling whether a file or a directory has changed since it was looked at, without reading it.

#if canImport(Glibc)
package import Glibc
#endif

/// Which file stands at a path, and when it changed last; for a directory, when names came or went last.
package struct FileStamp: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  /// Bytes.
  package let size: Int64
  private let seconds: Int
  private let nanoseconds: Int

  package init(_ info: stat) {
    (device, inode, size) = (UInt64(info.st_dev), UInt64(info.st_ino), Int64(info.st_size))
    (seconds, nanoseconds) = (info.st_mtim.tv_sec, info.st_mtim.tv_nsec)
  }

  /// Of what a path leads to; nil when it leads nowhere.
  package init?(of path: String) {
    var info = stat()
    // SAFETY: stat fills `info` during the call.
    guard unsafe stat(path, &info) == 0 else { return nil }
    self.init(info)
  }

  /// Whether what was read after the stamp was taken holds for as long as the stamp does. False for what changed so lately that the next change
  /// could have the same time: file systems count in up to two seconds.
  package var isSettled: Bool { SystemClock.wallMilliseconds / 1_000 - Int64(seconds) > 2 }
}
