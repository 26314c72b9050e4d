// Role: an open directory. Whoever holds it sees the same directory when others rename it: paths below go through the descriptor
// (`/proc/self/fd/N/…`, the kernel's openat for code that takes paths), never through the name.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// A directory held open. Closed with the last reference.
package final class Directory: Sendable {
  /// The descriptor, for fstat and flock.
  let descriptor: Int32
  /// The path it was opened by, for messages.
  package let displayPath: String

  /// Throws PATH_NOT_FOUND, PERMISSION or IO.
  init(_ path: String) throws {
    // SAFETY: open reads the zero-terminated bridged path during the call.
    descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    displayPath = path
    guard descriptor >= 0 else { throw SystemError.make("cannot open the directory", path, errno) }
  }

  deinit { close(descriptor) }

  /// The directory's own path, valid in this process while the object lives.
  var path: String { "/proc/self/fd/\(descriptor)" }

  /// The path of a name in the directory.
  func path(_ name: String) -> String { "/proc/self/fd/\(descriptor)/\(name)" }

  /// Device and inode: what makes a directory the same whatever its name.
  struct Identity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
  }

  var identity: Identity { Self.identity(ofDescriptor: descriptor) ?? Identity(device: 0, inode: 0) }

  /// The identity of an open file.
  static func identity(ofDescriptor descriptor: Int32) -> Identity? { identity { unsafe fstat(descriptor, &$0) } }

  /// The identity of what stands at a path; nil when nothing does.
  static func identity(of path: String) -> Identity? { identity { unsafe stat(path, &$0) } }

  private static func identity(_ call: (inout stat) -> Int32) -> Identity? {
    var info = stat()
    guard call(&info) == 0 else { return nil }
    return Identity(device: UInt64(info.st_dev), inode: UInt64(info.st_ino))
  }
}
