// Role: small files of checkpoints and manifests put in place, with the places where a test makes the process die; directories that are there
// after a power failure.

import DataSource

extension SmallFile {
  /// Writes `bytes` as `directory/name`; false when that name is taken. Throws with nothing visible, but for a directory that cannot be
  /// synced: then the file is visible and the error says that it may not survive a power failure.
  static func putDurably(_ bytes: [UInt8], name: String, in directory: String, _ fileSystem: FileSystem) throws -> Bool {
    let outcome = try put(bytes, name: name, in: directory, fileSystem: fileSystem) { moment in
      switch moment {
      case .written: try Failpoint.pass("log.written")
      case .linked: try Failpoint.pass("log.linked")
      }
    }
    switch outcome {
    case .written: return true
    case .taken: return false
    case .notDurable(let cause): throw cause
    }
  }
}

extension FileSystem {
  /// Makes a directory and those above it; what was made is durable when this returns: each one's parent is synced.
  func makeDurably(_ directory: String) throws {
    let made = makeDirectories(directory)
    if made.code != 0 { throw SystemError.make("cannot create the directory", directory, made.code) }
    for path in made.created { try syncParent(of: path) }
  }

  /// Makes the entry of a path in its directory durable.
  func syncParent(of path: String) throws {
    let parent = parentPath(path)
    let code = syncDirectory(parent)
    if code != 0 { throw SystemError.make("cannot sync", parent, code) }
  }
}
