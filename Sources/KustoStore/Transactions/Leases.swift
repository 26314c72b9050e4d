// Role: what a process has in use: versions it reads and files it writes, so that others' garbage collection leaves them alone.

import DataSource

/// The lease of one open store.
final class LeaseHolder: Sendable {
  let store: String
  let fileSystem: FileSystem

  init(store: String, fileSystem: FileSystem) {
    self.store = store
    self.fileSystem = fileSystem
  }
}
