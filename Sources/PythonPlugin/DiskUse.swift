// Role: how much a script has written: its files, and those that it removed but still has open.

import CSandbox

#if canImport(Glibc)
import Glibc
#endif

enum DiskUse {
  private static let maxDepth = 32
  private static let maxEntries = 100_000

  /// Bytes on disk below a directory and behind the open descriptors of a process. Above `limit` it is not exact; more files than anyone
  /// needs count as too much.
  static func bytes(below directory: String, process: pid_t, limit: Int) -> Int {
    var walk = Walk(limit: limit)
    // SAFETY: the text lives for the call.
    let root = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if root >= 0 { walk.directory(root, depth: 0) }
    // SAFETY: as above.
    let descriptors = unsafe open("/proc/\(process)/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptors >= 0 { walk.descriptors(descriptors) }
    return walk.bytes
  }

  private struct Walk {
    let limit: Int
    var bytes = 0
    var entries = 0

    /// Takes the descriptor over.
    mutating func directory(_ descriptor: Int32, depth: Int) {
      unsafe each(descriptor) { walk, name, parent in
        var info = stat()
        // SAFETY: the name is an entry of the open directory; the call fills the structure.
        guard unsafe fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        walk.bytes += Int(info.st_blocks) * 512
        guard info.st_mode & S_IFMT == S_IFDIR else { return }
        let child = unsafe depth < DiskUse.maxDepth ? kcsandbox_open_directory(parent, name) : -1
        if child >= 0 { walk.directory(child, depth: depth + 1) } else { walk.bytes = walk.limit + 1 }
      }
    }

    /// Files without a name; takes the descriptor over.
    mutating func descriptors(_ descriptor: Int32) {
      unsafe each(descriptor) { walk, name, parent in
        var info = stat()
        // SAFETY: as above; the entry is a link to the open file.
        guard unsafe fstatat(parent, name, &info, 0) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_nlink == 0 else { return }
        walk.bytes += Int(info.st_blocks) * 512
      }
    }

    private mutating func each(_ descriptor: Int32, _ body: (inout Walk, UnsafePointer<CChar>, Int32) -> Void) {
      guard let stream = unsafe fdopendir(descriptor) else {
        close(descriptor)
        return
      }
      defer { unsafe closedir(stream) }
      while bytes <= limit, let entry = unsafe readdir(stream) {
        entries += 1
        if entries > DiskUse.maxEntries { bytes = limit + 1 }
        // SAFETY: the name ends with 0 and lives until the next readdir.
        unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
          unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { name in
            let isSelf = unsafe name[0] == 0x2E && (name[1] == 0 || name[1] == 0x2E && name[2] == 0)
            if !isSelf { unsafe body(&self, name, descriptor) }
          }
        }
      }
    }
  }
}
