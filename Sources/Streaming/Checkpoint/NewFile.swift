// Role: puts a small file in place if its name is free, durably: temporary name, fsync, link, fsync of the directory. The link is the decision.

#if canImport(Glibc)
import Glibc
#endif
import DataSource

enum NewFile {
  /// Writes `bytes` as `directory/name`; false when that name is taken. Throws with nothing visible, but for a directory that cannot be
  /// synced: then the file is visible and the error says that it may not survive a power failure.
  static func put(_ bytes: [UInt8], name: String, in directory: String, _ fileSystem: FileSystem) throws -> Bool {
    let target = joinPath(directory, name)
    let draft = joinPath(directory, ".\(name).\(randomIdentifier()).tmp")
    let file = try OutputFile(creating: draft, displayPath: target, fileSystem: fileSystem)
    defer { _ = fileSystem.remove(draft) }
    // SAFETY: the bytes live for the call.
    try unsafe bytes.withUnsafeBytes { try unsafe file.write($0) }
    try Failpoint.pass("log.written")
    try file.sync()
    try file.close()
    var code = fileSystem.link(draft, target)
    if code == EPERM || code == ENOTSUP || code == ENOSYS || code == EMLINK { code = fileSystem.rename(draft, target, .noReplace) }
    if code == EEXIST { return false }
    guard code == 0 else { throw SystemError.make("cannot create", target, code) }
    try Failpoint.pass("log.linked")
    let synced = fileSystem.syncDirectory(directory)
    if synced != 0 { throw SystemError.make("written, but it may not survive a power failure: cannot sync", directory, synced) }
    return true
  }

  /// All bytes of a file of at most `limit` bytes; nil when there is none.
  static func read(_ path: String, limit: Int = 1 << 30) throws -> [UInt8]? {
    let file: InputFile
    do { file = try InputFile(path: path) } catch let error as KConnectError where error.code == .pathNotFound { return nil }
    let size = file.size ?? 0
    guard size <= limit else { throw KConnectError(.checkpointConflict, "'\(path)' has \(size) bytes, expected at most \(limit)") }
    var bytes = [UInt8](repeating: 0, count: size)
    // SAFETY: the buffer is the array's own storage.
    let n = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.pread(into: $0, at: 0) }
    bytes.removeLast(size - n)
    return bytes
  }
}
