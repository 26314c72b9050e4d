// Role: a file of a source in the checkpoint that is written once, such as the offsets of the first start.

import DataSource

package struct SourceFile {
  package let path: String
  private let directory: String
  private let name: String
  private let fileSystem: FileSystem

  init(_ name: String, in directory: String, _ fileSystem: FileSystem) {
    self.name = name
    self.directory = directory
    self.fileSystem = fileSystem
    path = joinPath(directory, name)
  }

  /// The lines; nil when the file is not there. Throws CHECKPOINT_CONFLICT for a damaged one.
  package func read() throws -> [String]? { try SmallFile.read(path).map { try LogText.lines($0, path: path) } }

  /// Makes the lines durable; they hold no line end. Throws CHECKPOINT_CONFLICT when the file is there.
  package func put(_ lines: [String]) throws {
    guard try SmallFile.putDurably(LogText.bytes(lines), name: name, in: directory, fileSystem) else {
      throw Checkpoint.secondWriter(path)
    }
  }

  func remove() { _ = fileSystem.remove(path) }
}

extension Checkpoint {
  /// A file of source i.
  package func sourceFile(_ i: Int, _ name: String) throws -> SourceFile { try sourceLog(i).file(name) }
}

extension NumberedLog {
  /// A file beside the entries.
  func file(_ name: String) -> SourceFile { SourceFile(name, in: directory, fileSystem) }
}
