// Role: a directory of numbered files, each put once and never changed: `offsets/`, `commits/`, `sources/i/`.

import DataSource

/// A log of entries 0, 1, 2, …. One writer by the checkpoint's lock; a second one is found out by the put that fails.
struct NumberedLog {
  let directory: String
  let fileSystem: FileSystem

  init(_ directory: String, _ fileSystem: FileSystem) throws {
    self.directory = directory
    self.fileSystem = fileSystem
    try fileSystem.makeDurably(directory)
  }

  /// A log that is looked at, not made.
  init(unopened directory: String, _ fileSystem: FileSystem) {
    self.directory = directory
    self.fileSystem = fileSystem
  }

  /// The numbers present, ascending. Changes nothing: a writer may be at work.
  func numbers() throws -> [Int] {
    try DirectoryReader.names(in: directory).compactMap { name in Int(name).flatMap { $0 >= 0 && String($0) == name ? $0 : nil } }.sorted()
  }

  func path(_ n: Int) -> String { joinPath(directory, String(n)) }

  /// The body lines of entry n; nil when there is none.
  func read(_ n: Int) throws -> [String]? { try SmallFile.read(path(n)).map { try LogText.lines($0, path: path(n)) } }

  /// Writes entry n. Throws CHECKPOINT_CONFLICT when it exists: somebody else writes this log.
  func put(_ n: Int, _ lines: [String]) throws { try put(n, LogText.bytes(lines)) }

  /// Writes entry n of whole lines, as above.
  func put(_ n: Int, body: [UInt8]) throws { try put(n, LogText.bytes(body: body)) }

  private func put(_ n: Int, _ bytes: [UInt8]) throws {
    guard try SmallFile.putDurably(bytes, name: String(n), in: directory, fileSystem) else {
      throw Checkpoint.secondWriter(path(n))
    }
  }

  /// Removes entries below `first`.
  func purge(below first: Int, _ numbers: [Int]) {
    for n in numbers where n < first { _ = fileSystem.remove(path(n)) }
  }

  /// Removes the file of that name.
  func remove(_ name: String) { _ = fileSystem.remove(joinPath(directory, name)) }
}
