// Role: the hidden places where output grows before it is committed. Each is held by a `flock`, which the kernel gives back when the writer
// dies; the next writer removes places whose lock is free.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

/// Names of staging places.
package enum StagingNames {
  /// A directory inside an existing target directory.
  package static func inside(_ identifier: String) -> String { "_temporary-\(identifier)" }

  /// A file or directory beside its target; keeps the target's extension, so that a writer can see the compression.
  package static func beside(_ target: String, _ identifier: String) -> String { ".\(identifier).tmp-\(lastPathComponent(target))" }

  static func isBeside(_ name: String, target: String) -> Bool {
    let end = ".tmp-" + lastPathComponent(target)
    guard name.hasPrefix("."), name.hasSuffix(end), name.utf8.count == 1 + 12 + end.utf8.count else { return false }
    return name.dropFirst().prefix(12).utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }
  }

  static func newIdentifier() -> String { String(randomIdentifier().utf8.filter { $0 != UInt8(ascii: "-") }.prefix(12).map { Character(UnicodeScalar($0)) }) }
}

/// A locked staging directory. Removed with `remove`; the lock is freed with the object.
final class StagingDirectory {
  private(set) var path: String
  let identifier: String
  private let descriptor: Int32
  private let fileSystem: FileSystem

  private init(path: String, identifier: String, descriptor: Int32, fileSystem: FileSystem) {
    self.path = path
    self.identifier = identifier
    self.descriptor = descriptor
    self.fileSystem = fileSystem
  }

  deinit { close(descriptor) }

  /// Creates and locks; `name` gives the path for an identifier. Answers the errno of a failed creation.
  static func create(_ fileSystem: FileSystem, _ name: (String) -> String) -> (StagingDirectory?, Int32) {
    for _ in 0..<100 {
      let identifier = StagingNames.newIdentifier()
      let path = name(identifier)
      let code = fileSystem.makeDirectory(path)
      if code == EEXIST { continue }
      if code != 0 { return (nil, code) }
      // SAFETY: the path is copied for the call.
      let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      if descriptor < 0 {
        // A cleaner was faster than our lock.
        if errno == ENOENT { continue }
        let code = errno
        _ = fileSystem.removeDirectory(path)
        return (nil, code)
      }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0, isSame(descriptor, path) {
        return (StagingDirectory(path: path, identifier: identifier, descriptor: descriptor, fileSystem: fileSystem), 0)
      }
      close(descriptor)
    }
    return (nil, EBUSY)
  }

  /// Tells the object that its directory was renamed.
  func moved(to path: String) { self.path = path }

  func remove() { _ = fileSystem.removeTree(path) }

  static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var named = stat(), own = stat()
    // SAFETY: the path is copied for the call; both calls fill live variables.
    return unsafe lstat(path, &named) == 0 && fstat(descriptor, &own) == 0 && named.st_ino == own.st_ino && named.st_dev == own.st_dev
  }
}

/// Clears away what dead writers left.
enum StagingCleaner {
  /// Removes dead staging places beside `target`, and inside it when it is a directory; finishes journals whose writers died.
  static func clean(target: String, _ fileSystem: FileSystem) throws {
    let parent = parentPath(target)
    for name in (try? DirectoryReader.names(in: parent)) ?? [] where StagingNames.isBeside(name, target: target) {
      removeIfDead(joinPath(parent, name), fileSystem)
    }
    guard pathKind(target) == .directory else { return }
    try finishCommits(in: target, fileSystem)
    for name in (try? DirectoryReader.names(in: target)) ?? [] where name.hasPrefix("_temporary-") {
      removeIfDead(joinPath(target, name), fileSystem)
    }
  }

  /// Carries out journals of dead writers; the lock of the directory keeps two from doing it at once.
  private static func finishCommits(in target: String, _ fileSystem: FileSystem) throws {
    guard try !CommitJournal.pending(in: target).isEmpty else { return }
    let lock = try DirectoryLock(target)
    defer { lock.release() }
    for journal in try CommitJournal.pending(in: target) {
      if let failed = journal.apply(in: target, fileSystem) ?? journal.applyRemovals(in: target, fileSystem) {
        throw SystemError.make("cannot finish an interrupted commit at", failed.path, failed.code)
      }
      let path = joinPath(target, journal.fileName)
      let code = fileSystem.remove(path)
      if code != 0 { throw SystemError.make("cannot remove", path, code) }
    }
  }

  private static func removeIfDead(_ path: String, _ fileSystem: FileSystem) {
    // SAFETY: the path is copied for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, StagingDirectory.isSame(descriptor, path) else { return }
    _ = fileSystem.removeTree(path)
  }
}

/// `flock` on a directory: one committer at a time.
final class DirectoryLock {
  private var descriptor: Int32

  init(_ path: String) throws {
    // SAFETY: the path is copied for the call.
    descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.make("cannot open", path, errno) }
    while flock(descriptor, LOCK_EX) != 0 {
      if errno != EINTR { throw SystemError.make("cannot lock", path, errno) }
    }
  }

  deinit { release() }

  func release() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }
}
