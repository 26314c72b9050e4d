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
    try fileSystem.makeDurably(directory)
  }

  private func name(_ step: Int) -> String {
    let digits = String(step)
    return "bad-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + "-\(queryMark).jsonl"
  }

  /// A name like those of the files.
  static let exampleName = "bad-00000000000000000000-00000000.jsonl"

  /// Where one try of a step writes its records.
  func draft(_ step: Int) -> String { joinPath(directory, ".\(name(step)).\(randomIdentifier().prefix(8)).tmp") }

  /// What tries of a step have written, with its size.
  private func drafts(_ step: Int) throws -> [(path: String, size: Int)] {
    let start = ".\(name(step))."
    return try DirectoryReader.names(in: directory).compactMap { name in
      guard name.hasPrefix(start), name.hasSuffix(".tmp") else { return nil }
      var info = stat()
      let path = joinPath(directory, name)
      // SAFETY: the call fills the structure.
      return unsafe stat(path, &info) == 0 ? (path, Int(info.st_size)) : nil
    }
  }

  /// Makes the records of a step durable, before the rows beside them are.
  func sync(_ step: Int) throws {
    for draft in try drafts(step) where draft.size > 0 { try sync(draft.path) }
    let code = fileSystem.syncDirectory(directory)
    if code != 0 { throw SystemError.make("cannot sync", directory, code) }
  }

  private func sync(_ draft: String) throws {
    // SAFETY: the path lives for the call.
    let descriptor = unsafe open(draft, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.make("cannot open", draft, errno) }
    defer { close(descriptor) }
    let code = fileSystem.sync(descriptor, draft)
    if code != 0 { throw SystemError.make("cannot sync", draft, code) }
  }

  /// The step is done: its records, if there are any, get their name. Of the drafts of several tries the largest is whole: those of tries that
  /// died hold some of its records, and one that the sink did not want, having the batch already, none.
  func finish(_ step: Int) throws {
    let drafts = try drafts(step)
    guard let whole = drafts.max(by: { $0.size < $1.size }) else { return }
    defer { for draft in drafts { _ = fileSystem.remove(draft.path) } }
    guard whole.size > 0 else { return }
    try sync(whole.path)
    let code = fileSystem.rename(whole.path, joinPath(directory, name(step)), .replace)
    if code != 0 { throw SystemError.make("cannot rename", whole.path, code) }
    _ = fileSystem.syncDirectory(directory)
  }
}
