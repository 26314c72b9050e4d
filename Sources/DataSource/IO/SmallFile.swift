// Role: small files whole: read with a bound on their size, or put in place if their name is free.

#if canImport(Glibc)
import Glibc
#endif

package enum SmallFile {
  /// What became of an attempt to put a file in place.
  package enum Outcome {
    case written
    /// Somebody else has the name.
    case taken
    /// In place and visible, but the directory could not be synced: the file may not survive a power failure.
    case notDurable(KConnectError)
  }

  /// Moments of `put` between its calls, for tests that make the process die there.
  package enum Moment { case written, linked }

  /// All bytes; nil when there is no such file. Throws `code` for files of more than `limit` bytes.
  package static func read(_ path: String, displayPath: String? = nil, limit: Int = 1 << 30, tooLarge code: KConnectError.Code = .formatCorrupt) throws -> [UInt8]? {
    let file: InputFile
    do { file = try InputFile(path: path, displayPath: displayPath ?? path) } catch let error as KConnectError where error.code == .pathNotFound { return nil }
    let size = file.size ?? 0
    guard size <= limit else { throw KConnectError(code, "'\(displayPath ?? path)' has \(size) bytes, expected at most \(limit)") }
    // SAFETY: the buffer has `size` bytes; what `pread` filled is declared initialised.
    return try unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      initialized = try unsafe file.pread(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
  }

  /// The whole text, as `read`.
  package static func readText(_ path: String, limit: Int = 1 << 28) throws -> String? {
    try read(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Puts `directory/name` in place, durably: temporary name, fsync, link, fsync of the directory. The link is the decision. Throws with
  /// nothing visible, but for errors that `at` throws after it.
  package static func put(
    _ bytes: some Collection<UInt8>, name: String, in directory: String, displayPath: String? = nil, fileSystem: FileSystem,
    at moment: (Moment) throws -> Void = { _ in }
  ) throws -> Outcome {
    let target = joinPath(directory, name)
    let shown = displayPath ?? target
    let draft = joinPath(directory, ".\(name).\(randomIdentifier()).tmp")
    let file = try OutputFile(creating: draft, displayPath: shown, fileSystem: fileSystem)
    defer { _ = fileSystem.remove(draft) }
    // SAFETY: the bytes live for the call.
    try unsafe ContiguousArray(bytes).withUnsafeBytes { try unsafe file.write($0) }
    try moment(.written)
    try file.sync()
    try file.close()
    var code = fileSystem.link(draft, target)
    if code == EPERM || code == ENOTSUP || code == ENOSYS || code == EMLINK {
      // No hard links here.
      code = fileSystem.rename(draft, target, .noReplace)
    }
    if code != 0, isSameFile(draft, target) { code = 0 }
    if code == EEXIST { return .taken }
    guard code == 0 else { throw SystemError.make("cannot create", shown, code) }
    try moment(.linked)
    let synced = fileSystem.syncDirectory(directory)
    if synced != 0 { return .notDurable(SystemError.make("'\(shown)' is in place, but it may not survive a power failure: cannot sync", directory, synced)) }
    return .written
  }

  /// Replaces a file at once, so that nobody reads half of it; it need not survive a power failure. One writer at a time. Throws IO and the like,
  /// with the old file in place.
  package static func replace(_ path: String, with bytes: some Collection<UInt8>, fileSystem: FileSystem = .system) throws {
    let draft = joinPath(parentPath(path), ".\(lastPathComponent(path)).tmp")
    // What a run that was killed left.
    _ = fileSystem.remove(draft)
    let file = try OutputFile(creating: draft, displayPath: path, fileSystem: fileSystem)
    defer { _ = fileSystem.remove(draft) }
    // SAFETY: the bytes live for the call.
    try unsafe ContiguousArray(bytes).withUnsafeBytes { try unsafe file.write($0) }
    try file.close()
    try SystemError.check(fileSystem.rename(draft, path), "cannot create", path)
  }

  /// True when a link that reported a failure was made all the same, as happens on network file systems.
  private static func isSameFile(_ a: String, _ b: String) -> Bool {
    var first = stat(), second = stat()
    // SAFETY: the calls fill the two structures, which live on the stack.
    guard unsafe stat(a, &first) == 0, unsafe stat(b, &second) == 0 else { return false }
    return first.st_ino == second.st_ino && first.st_dev == second.st_dev
  }
}
