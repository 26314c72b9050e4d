// Role: secrets of the server, and the modes of the file that holds them: it is its owner's alone from the first secret on, and with it the log of
// queries. A store without secrets is as readable as its tables are.

import Columnar
import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

extension MetadataStore {
  /// The secret of that name; nil when it was never given out.
  package func knownSecret(_ name: String) throws -> String? { try entry(.secret, name, in: .cluster)?.document.stringValue }

  /// The secret of that name, made when it is missing.
  package func secret(_ name: String) throws -> String {
    try protect()
    if let found = try entry(.secret, name, in: .cluster)?.document.stringValue { return found }
    let made = randomIdentifier() + randomIdentifier()
    try put(.secret, name, in: .cluster, .string(made))
    return made
  }

  /// Closes the file, and what SQLite keeps beside it, to others than its owner; one that is not there yet is made closed. SQLite makes what it keeps
  /// beside a file with the mode of that file: when all were closed once, it is enough to look at the file itself.
  private func protect() throws {
    if let status = Self.status(path), status.st_mode & 0o077 == 0, protected.withLock({ $0 == Self.identity(status) }) { return }
    if !pathExists(path) { try Self.makeEmpty(path) }
    for file in [path, QueryLog.path(besides: path)] {
      for name in [file, file + "-wal", file + "-shm"] {
        guard let status = Self.status(name), status.st_mode & 0o077 != 0, status.st_uid == geteuid() else { continue }
        try SystemError.check(FileSystem.system.setMode(name, 0o600), "cannot close to others", name)
      }
    }
    let seen = Self.status(path).map(Self.identity)
    protected.withLock { $0 = seen }
  }

  private static func identity(_ status: stat) -> Directory.Identity { Directory.Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) }

  /// Whether others than its owner are kept from the file.
  var isClosed: Bool { (Self.status(path)?.st_mode ?? 0o777) & 0o077 == 0 }

  /// A file without bytes, which SQLite takes for a new one and whose mode it keeps; one that is there stays.
  static func makeEmpty(_ path: String) throws {
    // SAFETY: the path is copied for the call.
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError.make("cannot create", path, errno) }
    _ = Glibc.close(descriptor)
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    // SAFETY: the path is copied for the call, which fills the structure on the stack.
    return unsafe stat(path, &status) == 0 ? status : nil
  }
}
