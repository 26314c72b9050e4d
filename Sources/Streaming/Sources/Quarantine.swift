// Role: files that cannot be read at all. When a batch fails on one, each file of the batch is read by itself; those that fail are written
// down in the source's log (`K.bad`) and left out, so that the batch and every replay of it go on without them. When the batch is done they
// are moved away, each with a `.reason` beside it.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Delta

/// A file that was left out, and why.
struct BadFile: Hashable {
  var path: String
  var reason: String

  var line: String { DynamicValue.object([("path", .string(path)), ("reason", .string(reason))]).json }

  init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  init(line: String, place: String) throws {
    let value = try JSONTree.parse(Array(line.utf8), place: place)
    guard let path = value.text("path"), let reason = value.text("reason") else {
      throw KConnectError(.checkpointConflict, "'\(place)': found \(line.prefix(80)), expected path and reason")
    }
    self.path = absolutePath(path)
    self.reason = reason
  }
}

struct Quarantine {
  let directory: String
  private let log: NumberedLog
  private let fileSystem: FileSystem

  init(_ directory: String, log: NumberedLog, _ fileSystem: FileSystem) {
    self.directory = directory
    self.log = log
    self.fileSystem = fileSystem
  }

  /// True for errors that a file's bytes can cause.
  static func isAboutBytes(_ error: KConnectError) -> Bool {
    [.formatCorrupt, .valueInvalid, .schemaMismatch, .typeMismatch].contains(error.code)
  }

  private func record(_ step: Int) -> SourceFile { log.file("\(step).bad") }

  /// The files of a step that were left out.
  func bad(_ step: Int) throws -> [BadFile] {
    let file = record(step)
    return try file.read()?.map { try BadFile(line: $0, place: file.path) } ?? []
  }

  /// Leaves out those of `files` on which `read` fails; false when there is none, or the step has its record already.
  func examine(_ step: Int, _ files: [SeenFile], _ read: (SeenFile) throws -> Void) throws -> Bool {
    guard try bad(step).isEmpty else { return false }
    var found: [BadFile] = []
    for file in files {
      do { try read(file) } catch let error as KConnectError where Quarantine.isAboutBytes(error) {
        found.append(BadFile(path: file.path, reason: "\(error.code): \(error.message)"))
      }
    }
    guard !found.isEmpty else { return false }
    try record(step).put(found.map(\.line))
    return true
  }

  /// The batch is done: moves its bad files away. What cannot be moved stays, with a note.
  func move(_ step: Int) throws -> [String] {
    var notes: [String] = []
    for file in try bad(step) where pathKind(file.path) == .file {
      let made = fileSystem.makeDirectories(directory)
      if made.code != 0 { throw SystemError.make("cannot create the directory", directory, made.code) }
      var name = lastPathComponent(file.path)
      if pathExists(joinPath(directory, name)) { name = "\(step)-\(name)" }
      let code = fileSystem.rename(file.path, joinPath(directory, name), .noReplace)
      if code != 0 {
        notes.append("'\(file.path)' cannot be read and was left out, and cannot be moved to '\(directory)' (errno \(code)): \(file.reason)")
        continue
      }
      _ = try? SmallFile.putDurably(Array((file.reason + "\n").utf8), name: name + ".reason", in: directory, fileSystem)
      notes.append("'\(file.path)' cannot be read and is now in '\(directory)': \(file.reason)")
    }
    return notes
  }

  /// Forgets the records of steps below k.
  func forget(below k: Int) throws {
    for name in try DirectoryReader.names(in: log.directory) where name.hasSuffix(".bad") {
      if let n = Int(name.dropLast(4)), n < k { log.file(name).remove() }
    }
  }
}
