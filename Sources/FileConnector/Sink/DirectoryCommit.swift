// Role: how the parts of a write become the contents of a directory, all at once.
//
// A new directory is staged beside its place and renamed into it. An existing one that is replaced is staged beside it too and exchanged
// (renameat2), then the old one is removed. Where that cannot be done (parent not writable, mount point, no exchange), and for appends, parts
// are staged in `_temporary-<id>` inside the directory and a `CommitJournal` moves them. Order everywhere: fsync files, fsync directories,
// the one rename that is the commit, fsync, clean up.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

/// How the target's old contents are treated.
enum DirectoryChange {
  /// The target does not exist.
  case create
  /// Files are added.
  case add
  /// Everything goes.
  case replace
  /// Files in directories that receive new ones go.
  case replaceTouched
}

/// The staging of one directory write.
final class DirectoryCommit: PartCommit {
  private let target: String
  private let change: DirectoryChange
  private let fileSystem: FileSystem
  private let staging: StagingDirectory
  private var isBeside: Bool
  private var createdParents: [String] = []
  private var isDone = false
  private var parts: [String] = []
  private let onPart: ((FinishedPart) -> Void)?
  private var madeDirectories: Set<TextKey> = []

  /// Creates the staging place; `onPart` hears of each finished part. Throws PERMISSION, DISK_FULL, IO.
  init(target: String, change: DirectoryChange, fileSystem: FileSystem, onPart: ((FinishedPart) -> Void)? = nil) throws {
    self.onPart = onPart
    self.target = target
    self.change = change
    self.fileSystem = fileSystem
    try StagingCleaner.clean(target: target, fileSystem)
    let parent = parentPath(target)
    if case .create = change {
      let made = fileSystem.makeDirectories(parent)
      createdParents = made.created
      if made.code != 0 {
        for path in made.created.reversed() { _ = fileSystem.removeDirectory(path) }
        throw SystemError.make("cannot create the directory", parent, made.code)
      }
    }
    var wantsBeside = false
    switch change {
    case .create, .replace: wantsBeside = true
    case .add, .replaceTouched: break
    }
    if wantsBeside {
      let (made, code) = StagingDirectory.create(fileSystem) { joinPath(parent, StagingNames.beside(target, $0)) }
      if let made {
        staging = made
        isBeside = true
        return
      }
      guard case .replace = change, code == EACCES || code == EPERM || code == EROFS else {
        for path in createdParents.reversed() { _ = fileSystem.removeDirectory(path) }
        throw SystemError.make("cannot create files in", parent, code)
      }
    }
    let (made, code) = StagingDirectory.create(fileSystem) { joinPath(target, StagingNames.inside($0)) }
    guard let made else { throw SystemError.make("cannot create files in", target, code) }
    staging = made
    isBeside = false
  }

  deinit { abort() }

  /// The path to write a part of that relative name to; its directories exist then. Call `add` once it is closed.
  func pathForPart(_ name: String) throws -> String {
    let path = joinPath(staging.path, name)
    let parent = parentPath(path)
    if parent != staging.path, !madeDirectories.contains(TextKey(parent)) {
      let made = fileSystem.makeDirectories(parent)
      if made.code != 0 { throw SystemError.make("cannot create the directory", joinPath(target, parentPath(name)), made.code) }
      madeDirectories.insert(TextKey(parent))
    }
    return path
  }

  /// Records a finished, synced part.
  func add(_ part: FinishedPart) {
    parts.append(part.name)
    onPart?(part)
  }

  /// Makes the parts visible; throws with nothing visible, unless the message says otherwise.
  func commit() throws -> Bool {
    for directory in ([staging.path] + madeDirectories.map(\.text).sorted()) {
      let code = fileSystem.syncDirectory(directory)
      if code != 0 { throw SystemError.make("cannot sync", target, code) }
    }
    if isBeside, try commitByRename() {
      isDone = true
      return true
    }
    try commitByJournal()
    isDone = true
    return true
  }

  /// Removes every trace of an uncommitted write.
  func abort() {
    guard !isDone else { return }
    isDone = true
    staging.remove()
    for path in createdParents.reversed() { _ = fileSystem.removeDirectory(path) }
  }

  // MARK: One rename

  private func commitByRename() throws -> Bool {
    let parent = parentPath(target)
    if case .create = change {
      let code = fileSystem.rename(staging.path, target, .noReplace)
      if code == EEXIST || code == ENOTEMPTY {
        throw KConnectError(.alreadyExists, "'\(target)' was created by somebody else meanwhile", hint: "use mode append or overwrite")
      }
      if code != 0 { throw SystemError.make("cannot create", target, code) }
      let synced = fileSystem.syncDirectory(parent)
      if synced != 0 {
        // Not durable: take it back, so that the error means "nothing was written".
        if fileSystem.rename(target, staging.path, .noReplace) == 0 { throw SystemError.make("cannot sync", parent, synced) }
        isDone = true
        throw SystemError.make("written, but it may not survive a power failure: cannot sync", parent, synced)
      }
      return true
    }
    var info = stat()
    // SAFETY: the path is copied for the call, which fills a live variable.
    if unsafe stat(target, &info) == 0 { _ = fileSystem.setMode(staging.path, info.st_mode & 0o7777) }
    let code = fileSystem.rename(staging.path, target, .exchange)
    switch code {
    case 0: break
    case EINVAL, EBUSY, EXDEV, ENOSYS, EACCES, EPERM, EROFS:
      // No exchange here: move the staging directory into the target and go by journal.
      let inside = joinPath(target, StagingNames.inside(staging.identifier))
      let moved = fileSystem.rename(staging.path, inside, .noReplace)
      if moved != 0 { throw SystemError.make("cannot replace", target, code) }
      staging.moved(to: inside)
      isBeside = false
      return false
    default: throw SystemError.make("cannot replace", target, code)
    }
    let synced = fileSystem.syncDirectory(parent)
    if synced != 0 {
      if fileSystem.rename(staging.path, target, .exchange) == 0 { throw SystemError.make("cannot sync", parent, synced) }
      isDone = true
      throw SystemError.make("written, but it may not survive a power failure: cannot sync", parent, synced)
    }
    // The old contents now stand under the hidden name; what cannot be removed is removed by the next write.
    staging.remove()
    return true
  }

  // MARK: Journal

  private func commitByJournal() throws {
    let lock = try DirectoryLock(target)
    defer { lock.release() }
    let stagingName = StagingNames.inside(staging.identifier)
    var removals: [String] = []
    switch change {
    case .create, .add: break
    case .replace: removals = try TargetContents.files(target)
    case .replaceTouched:
      let touched = Set(parts.map { TextKey(parentPath($0)) })
      removals = try TargetContents.files(target).filter { touched.contains(TextKey(parentPath($0))) }
    }
    let journal = CommitJournal(
      identifier: staging.identifier, moves: parts.map { CommitJournal.Move(from: joinPath(stagingName, $0), to: $0) }, removals: removals)
    if journal.moves.isEmpty, journal.removals.isEmpty {
      staging.remove()
      return
    }
    let journalPath = joinPath(target, journal.fileName)
    let isSimple = journal.moves.count == 1 && journal.removals.isEmpty
    if !isSimple { try write(journal, to: journalPath) }
    if let failed = journal.apply(in: target, fileSystem) {
      try undo(journal, journalPath, hasJournal: !isSimple, failed)
    }
    if let failed = journal.applyRemovals(in: target, fileSystem) {
      isDone = true
      throw SystemError.make("the new files are in place, but an old file could not be removed (the next write removes it):", failed.path, failed.code)
    }
    if !isSimple {
      let code = fileSystem.remove(journalPath)
      if code != 0 {
        isDone = true
        throw SystemError.make("the write is complete, but its journal could not be removed (the next write removes it):", journalPath, code)
      }
    }
    staging.remove()
  }

  private func write(_ journal: CommitJournal, to path: String) throws {
    let draft = joinPath(staging.path, "journal")
    let file = try OutputFile(creating: draft, displayPath: path, fileSystem: fileSystem)
    var text = journal.text
    // SAFETY: the bytes live for the call.
    try text.withUTF8 { try unsafe file.write(UnsafeRawBufferPointer($0)) }
    try file.sync()
    try file.close()
    let code = fileSystem.rename(draft, path, .noReplace)
    if code != 0 { throw SystemError.make("cannot create", path, code) }
    let synced = fileSystem.syncDirectory(target)
    if synced != 0 {
      let removed = fileSystem.remove(path)
      if removed != 0 { isDone = true }
      throw SystemError.make("cannot sync", target, synced)
    }
  }

  /// A move failed: put everything back and throw; where that fails too, the journal stays and the write counts as committed.
  private func undo(_ journal: CommitJournal, _ journalPath: String, hasJournal: Bool, _ failed: (path: String, code: Int32)) throws -> Never {
    let undone = journal.rollBack(in: target, fileSystem)
    if undone == 0, !hasJournal || fileSystem.remove(journalPath) == 0 { throw SystemError.make("cannot move a part to", failed.path, failed.code) }
    isDone = true
    throw SystemError.make(
      hasJournal
        ? "the write is committed, but not all parts are in place (readers of kconnect see them; the next write finishes it): cannot move a part to"
        : "written, but it may not survive a power failure:", failed.path, failed.code)
  }
}
