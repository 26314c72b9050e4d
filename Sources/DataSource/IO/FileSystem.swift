// Role: every system call that changes a file system, in one place, so that tests can make the k-th one fail.
// Calls answer an errno (0: done) because commit protocols branch on it; `SystemError.make` turns it into a message at the edge.

#if canImport(Glibc)
import Glibc
#endif
import CLinux

/// What a call does; tests choose faults by it.
package enum FileOperation: String, Sendable, CaseIterable {
  case makeDirectory, create, write, truncate, sync, close, syncDirectory, rename, exchange, link, remove, removeDirectory, setMode
}

/// What a rename does when the new name exists.
package enum RenameMode: Sendable {
  case replace, noReplace, exchange
}

/// The writing side of a file system. `fault` is asked before each call and may answer the errno to fail with.
package struct FileSystem: Sendable {
  package typealias Fault = @Sendable (FileOperation, String) -> Int32?
  private let fault: Fault?

  /// The real file system without faults.
  package static let system = FileSystem()

  package init(fault: Fault? = nil) { self.fault = fault }

  private func run(_ operation: FileOperation, _ path: String, _ body: () -> Int32) -> Int32 {
    if let code = fault?(operation, path) { return code }
    return body() == 0 ? 0 : errno
  }

  /// Creates one directory with the process's mask.
  // SAFETY: the path is copied for the call.
  package func makeDirectory(_ path: String) -> Int32 { run(.makeDirectory, path) { unsafe mkdir(path, 0o777) } }

  /// Creates a file that must not exist, with the mode less the process's mask; answers a descriptor or an errno.
  // SAFETY: the path is copied for the call.
  package func create(_ path: String, mode: UInt32 = 0o666) -> (descriptor: Int32, code: Int32) {
    var descriptor: Int32 = -1
    let code = run(.create, path) {
      descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      return descriptor < 0 ? -1 : 0
    }
    return (descriptor, code)
  }

  /// Writes all bytes; answers how many went out and an errno. A fault lets half of them out first, as a full disk does.
  // SAFETY: `done` stays below the count, and what is left, or half of all, is what is written; `poll` reads and fills the one structure on the stack.
  package func write(_ descriptor: Int32, _ path: String, _ bytes: UnsafeRawBufferPointer) -> (written: Int, code: Int32) {
    guard let base = bytes.baseAddress else { return (0, 0) }
    if let code = fault?(.write, path) {
      let half = unsafe Glibc.write(descriptor, base, bytes.count / 2)
      return (max(half, 0), code)
    }
    var done = 0
    while done < bytes.count {
      let n = unsafe Glibc.write(descriptor, base + done, min(bytes.count - done, 1 << 30))
      if n < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN {
          var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = unsafe Glibc.poll(&poll, 1, -1)
          continue
        }
        return (done, errno)
      }
      done += n
    }
    return (done, 0)
  }

  /// Cuts a file and goes on writing there.
  package func truncate(_ descriptor: Int32, _ path: String, to size: Int) -> Int32 {
    run(.truncate, path) { ftruncate(descriptor, off_t(size)) == 0 && lseek(descriptor, off_t(size), SEEK_SET) >= 0 ? 0 : -1 }
  }

  package func sync(_ descriptor: Int32, _ path: String) -> Int32 { run(.sync, path) { fsync(descriptor) } }

  /// Closes even when a fault is answered: a dead process closes its files too.
  package func close(_ descriptor: Int32, _ path: String) -> Int32 {
    let code = run(.close, path) { 0 }
    return Glibc.close(descriptor) == 0 ? code : errno
  }

  /// Makes the names in a directory durable.
  // SAFETY: the path is copied for the call.
  package func syncDirectory(_ path: String) -> Int32 {
    run(.syncDirectory, path) {
      let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      if descriptor < 0 { return -1 }
      let result = fsync(descriptor)
      let code = errno
      Glibc.close(descriptor)
      errno = code
      return result
    }
  }

  /// Renames a file or directory. `noReplace` falls back to link and unlink for files where the file system lacks the flag.
  // SAFETY: the paths are copied for the calls.
  package func rename(_ from: String, _ to: String, _ mode: RenameMode = .replace) -> Int32 {
    run(mode == .exchange ? .exchange : .rename, to) {
      switch mode {
      case .replace: return unsafe Glibc.rename(from, to)
      case .exchange: return unsafe kclinux_rename_exchange(from, to)
      case .noReplace:
        let result = unsafe kclinux_rename_noreplace(from, to)
        guard result != 0, errno == EINVAL else { return result }
        if unsafe Glibc.link(from, to) == 0 { return unsafe unlink(from) }
        // Directories cannot be linked; rename then replaces at most an empty directory.
        return unsafe errno == EPERM || errno == EISDIR ? Glibc.rename(from, to) : -1
      }
    }
  }

  /// Gives a file a second name, which must not exist: EEXIST otherwise.
  // SAFETY: the paths are copied for the call.
  package func link(_ from: String, _ to: String) -> Int32 { run(.link, to) { unsafe Glibc.link(from, to) } }

  // SAFETY: the path is copied for the call.
  package func remove(_ path: String) -> Int32 { run(.remove, path) { unsafe unlink(path) } }

  // SAFETY: the path is copied for the call.
  package func removeDirectory(_ path: String) -> Int32 { run(.removeDirectory, path) { unsafe rmdir(path) } }

  // SAFETY: the path is copied for the call.
  package func setMode(_ path: String, _ mode: UInt32) -> Int32 { run(.setMode, path) { unsafe chmod(path, mode) } }

  /// Removes a file or a whole tree, without following links; answers the first errno but goes on as far as it can.
  // SAFETY: the path is copied for the call, which fills the structure on the stack.
  package func removeTree(_ path: String) -> Int32 {
    var info = stat()
    guard unsafe lstat(path, &info) == 0 else { return errno == ENOENT ? 0 : errno }
    if info.st_mode & S_IFMT != S_IFDIR { return remove(path) }
    var first: Int32 = 0
    for name in (try? DirectoryReader.names(in: path)) ?? [] {
      let code = removeTree(joinPath(path, name))
      if first == 0 { first = code }
    }
    let code = removeDirectory(path)
    return first == 0 ? code : first
  }

  /// Creates a directory and those above it; answers an errno and the directories created, outermost first.
  package func makeDirectories(_ path: String) -> (created: [String], code: Int32) {
    var missing: [String] = []
    var at = path
    while !at.isEmpty, at != "/", !pathExists(at) {
      missing.append(at)
      at = parentPath(at)
    }
    var created: [String] = []
    for directory in missing.reversed() {
      let code = makeDirectory(directory)
      if code == 0 { created.append(directory) } else if code != EEXIST { return (created, code) }
    }
    return (created, 0)
  }
}
