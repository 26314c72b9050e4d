// Role: a write to one file, standard output or a device. A file is staged beside its place under a hidden name and renamed at commit.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

/// Writes rows to one file. After `commit` the target has all of them; before, it is untouched.
final class SingleFileSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode touches only the writer
  private let target: WriteTarget
  private let replaces: Bool
  private let fileSystem: FileSystem
  private let file: OutputFile
  private let writer: any FileWriter
  /// Holds the staging lock beyond `close`.
  private var lockDescriptor: Int32 = -1
  private var createdParents: [String] = []
  private var rows = 0
  private var isDone = false

  /// `makeWriter` starts the format's writer on the file. Throws before anything visible exists.
  init(
    _ target: WriteTarget, replaces: Bool, fileSystem: FileSystem, makeWriter: (OutputFile) throws -> any FileWriter
  ) throws {
    self.target = target
    self.replaces = replaces
    self.fileSystem = fileSystem
    switch target {
    case .standardOutput: file = try OutputFile(creating: "-")
    case .device(let path): file = try OutputFile(device: path)
    case .file(let path), .directory(let path):
      let parent = parentPath(path)
      try StagingCleaner.clean(target: path, fileSystem)
      let made = fileSystem.makeDirectories(parent)
      createdParents = made.created
      do {
        if made.code != 0 { throw SystemError.make("cannot create the directory", parent, made.code) }
        file = try Self.stage(path, fileSystem)
      } catch {
        for path in made.created.reversed() { _ = fileSystem.removeDirectory(path) }
        throw error
      }
      lockDescriptor = file.duplicatedDescriptor()
    }
    do {
      writer = try makeWriter(file)
    } catch {
      Self.discard(file, createdParents, lockDescriptor, fileSystem)
      throw error
    }
  }

  private static func stage(_ path: String, _ fileSystem: FileSystem) throws -> OutputFile {
    while true {
      let staged = joinPath(parentPath(path), StagingNames.beside(path, StagingNames.newIdentifier()))
      let file = try OutputFile(creating: staged, displayPath: path, fileSystem: fileSystem)
      if file.lockExclusively(), file.isStillNamed(staged) { return file }
    }
  }

  deinit { abort() }

  var preferredChunkRows: Int? { writer.preferredChunkRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try writer.encode(chunk) }

  func append(_ chunk: any EncodedChunk) throws {
    try writer.append(chunk)
    rows += chunk.rowCount
  }

  func commit() throws -> WriteSummary {
    do {
      try writer.finish()
      try file.sync()
      try publish()
    } catch {
      abort()
      throw error
    }
    isDone = true
    closeLock()
    return WriteSummary(rows: rows, bytes: file.offset, files: 1)
  }

  private func publish() throws {
    guard case .file(let path) = target else {
      try file.close()
      return
    }
    var info = stat()
    if replaces, unsafe stat(path, &info) == 0 { _ = fileSystem.setMode(file.path, info.st_mode & 0o7777) }
    try file.close()
    let code = fileSystem.rename(file.path, path, replaces ? .replace : .noReplace)
    if code == EEXIST {
      throw KConnectError(.alreadyExists, "'\(path)' was created by somebody else meanwhile", hint: "use mode overwrite to replace it")
    }
    if code != 0 { throw SystemError.make("cannot create", path, code) }
    let synced = fileSystem.syncDirectory(parentPath(path))
    guard synced != 0 else { return }
    if !replaces, fileSystem.rename(path, file.path, .noReplace) == 0 { throw SystemError.make("cannot sync", parentPath(path), synced) }
    isDone = true
    throw SystemError.make("written, but it may not survive a power failure: cannot sync", parentPath(path), synced)
  }

  func abort() {
    guard !isDone else { return }
    isDone = true
    guard case .file = target else { return }
    Self.discard(file, createdParents, lockDescriptor, fileSystem)
    lockDescriptor = -1
  }

  private static func discard(_ file: OutputFile, _ parents: [String], _ lock: Int32, _ fileSystem: FileSystem) {
    if file.path != "-", file.path != file.displayPath { _ = fileSystem.remove(file.path) }
    for path in parents.reversed() { _ = fileSystem.removeDirectory(path) }
    if lock >= 0 { Glibc.close(lock) }
  }

  private func closeLock() {
    if lockDescriptor >= 0 { Glibc.close(lockDescriptor) }
    lockDescriptor = -1
  }
}
