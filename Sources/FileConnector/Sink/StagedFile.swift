// Role: one file that grows beside its place under a hidden name and gets its name when it is complete. A `flock` shows that its writer is
// alive; the next writer of the same place removes what dead ones left.

#if canImport(Glibc)
import Glibc
#endif
package import DataSource
import Synchronization

/// A file under construction. Nobody sees it before `publish`; `discard`, or letting go of it, leaves nothing.
package final class StagedFile: @unchecked Sendable {  // used by one thread at a time, as its file is
  /// What is written to.
  package let file: OutputFile
  private let path: String
  private let fileSystem: FileSystem
  /// Holds the staging lock beyond `close`.
  private var lockDescriptor: Int32
  private var createdParents: [String] = []
  private var isDone = false

  /// Hidden files of this process.
  private static let live = Mutex<Set<String>>([])

  /// Starts the file that will stand at `path`; directories that lack on the way are made. Throws PATH_NOT_FOUND, PERMISSION, DISK_FULL or IO.
  package init(_ path: String, fileSystem: FileSystem = .system) throws {
    self.path = path
    self.fileSystem = fileSystem
    let parent = parentPath(path)
    try StagingCleaner.clean(target: path, fileSystem)
    let made = fileSystem.makeDirectories(parent)
    do {
      if made.code != 0 { throw SystemError.make("cannot create the directory", parent, made.code) }
      file = try Self.stage(path, fileSystem)
    } catch {
      for path in made.created.reversed() { _ = fileSystem.removeDirectory(path) }
      throw error
    }
    createdParents = made.created
    lockDescriptor = file.duplicatedDescriptor()
    Self.live.withLock { _ = $0.insert(file.path) }
  }

  deinit { discard() }

  private static func stage(_ path: String, _ fileSystem: FileSystem) throws -> OutputFile {
    while true {
      let staged = joinPath(parentPath(path), StagingNames.beside(path, StagingNames.newIdentifier()))
      let file = try OutputFile(creating: staged, displayPath: path, fileSystem: fileSystem)
      if file.lockExclusively(), file.isStillNamed(staged) { return file }
    }
  }

  /// Makes the file durable and gives it its name; with `replaces` in place of one that is there, whose owner and mode it takes. Throws ALREADY_EXISTS without.
  package func publish(replaces: Bool) throws {
    do {
      try file.sync()
      try rename(replaces)
    } catch {
      discard()
      throw error
    }
    end()
  }

  private func rename(_ replaces: Bool) throws {
    var info = stat()
    // SAFETY: the paths are copied for the calls; `stat` fills a live variable.
    if replaces, unsafe stat(path, &info) == 0 {
      // Root writes other users' files; who may not give files away keeps them.
      if info.st_uid != geteuid() { _ = unsafe chown(file.path, info.st_uid, info.st_gid) }
      _ = fileSystem.setMode(file.path, info.st_mode & 0o7777)
    }
    try file.close()
    let code = fileSystem.rename(file.path, path, replaces ? .replace : .noReplace)
    if code == EEXIST {
      throw KConnectError(.alreadyExists, "'\(path)' was created by somebody else meanwhile", hint: "use mode overwrite to replace it")
    }
    if code != 0 { throw SystemError.make("cannot create", path, code) }
    let synced = fileSystem.syncDirectory(parentPath(path))
    guard synced != 0 else { return }
    if !replaces, fileSystem.rename(path, file.path, .noReplace) == 0 { throw SystemError.make("cannot sync", parentPath(path), synced) }
    end()
    throw SystemError.make("written, but it may not survive a power failure: cannot sync", parentPath(path), synced)
  }

  /// Removes it, and the directories made for it.
  package func discard() {
    guard !isDone else { return }
    _ = fileSystem.remove(file.path)
    for path in createdParents.reversed() { _ = fileSystem.removeDirectory(path) }
    end()
  }

  private func end() {
    isDone = true
    Self.live.withLock { _ = $0.remove(file.path) }
    if lockDescriptor >= 0 { Glibc.close(lockDescriptor) }
    lockDescriptor = -1
  }

  /// Removes all hidden files of a process that must end at once.
  package static func removeAll() {
    // SAFETY: the path is copied for the call.
    for path in live.withLock({ $0 }) { unsafe unlink(path) }
  }
}
