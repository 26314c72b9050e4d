// Role: bad records of a file stream: for each step a file of JSON lines (file, line, offset, reason, record) in a directory. Its name says
// query and step, so that a batch that runs again replaces it; it gets its name when the batch is done.

#if canImport(Glibc)
import Glibc
#endif
import DataSource
import FileConnector

struct DeadLetters {
  let directory: String
  private let queryMark: String
  private let fileSystem: FileSystem

  /// Makes the directory.
  init(_ directory: String, queryId: String, _ fileSystem: FileSystem) throws {
    self.directory = directory
    self.fileSystem = fileSystem
    queryMark = String(queryId.prefix(8))
    let made = fileSystem.makeDirectories(directory)
    if made.code != 0 { throw SystemError.make("cannot create the directory", directory, made.code) }
  }

  private func name(_ step: Int) -> String {
    let digits = String(step)
    return "bad-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + "-\(queryMark).jsonl"
  }

  /// Where the records of a step are written while it runs.
  func draft(_ step: Int) -> String { joinPath(directory, ".\(name(step)).tmp") }

  /// The step is done: its records, if there are any, get their name. Done twice, it does nothing.
  func finish(_ step: Int) throws {
    let draft = draft(step)
    guard pathKind(draft) == .file else { return }
    var info = stat()
    // SAFETY: the call fills the structure.
    if unsafe stat(draft, &info) == 0, info.st_size == 0 {
      _ = fileSystem.remove(draft)
      return
    }
    // SAFETY: the path lives for the call.
    let descriptor = unsafe open(draft, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.make("cannot open", draft, errno) }
    let synced = fsync(descriptor) == 0 ? 0 : errno
    close(descriptor)
    if synced != 0 { throw SystemError.make("cannot sync", draft, synced) }
    let code = fileSystem.rename(draft, joinPath(directory, name(step)), .replace)
    if code != 0 { throw SystemError.make("cannot rename", draft, code) }
    _ = fileSystem.syncDirectory(directory)
  }
}
