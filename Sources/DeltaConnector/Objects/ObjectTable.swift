// Role: a Delta table in a store of objects: its log is read from a copy in a directory of this process, commits are put into the store if nobody
// else has the version, data files are read where they are and sent there before the commit that names them.

#if canImport(Glibc)
import Glibc
#endif
import DataSource
import Delta
import FileConnector
import Synchronization

/// The table behind a copy of its log. Thread-safe.
final class ObjectTable: LogOrigin {
  private let place: ObjectPlace
  /// The table's directory as this process sees it: a copy of the log, and data files on their way into the store.
  let directory: String
  /// Names of the log that the copy has.
  private let known = Mutex<Set<String>>([])
  private static let largestLogFile = 4 << 30
  private static let pieceSize = 4 << 20

  /// Throws what the store says. `whole`: the log from its beginning, for older versions.
  init(_ place: ObjectPlace, whole: Bool, fileSystem: FileSystem) throws {
    self.place = place
    // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
    let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    directory = joinPath(base, "kconnect-delta-" + randomIdentifier())
    let made = fileSystem.makeDirectories(joinPath(directory, "_delta_log"))
    if made.code != 0 { throw SystemError.make("cannot create the directory", directory, made.code) }
    try pull(whole: whole)
  }

  deinit { _ = FileSystem.system.removeTree(directory) }

  var shown: String { place.shown }
  private var prefix: String { place.path.isEmpty ? "" : place.path + "/" }

  // MARK: The log

  func pull(whole: Bool) throws {
    let prefix = self.prefix + "_delta_log/"
    let objects = try place.container.list(prefix)
    let names = objects.map { String($0.name.dropFirst(prefix.count)) }
    // Commits that a checkpoint stands for are not needed; the one of its version tells that the log was not cleaned up beyond it.
    let first = whole ? 0 : LogListing(directory: directory, names: names).checkpoints.last?.version ?? 0
    for (object, name) in zip(objects, names) where Self.isNeeded(name, from: first) && !known.withLock({ $0.contains(name) }) {
      try copy(object, to: joinPath(joinPath(directory, "_delta_log"), name))
      known.withLock { _ = $0.insert(name) }
    }
  }

  private static func isNeeded(_ name: String, from first: Int64) -> Bool {
    guard !name.split(separator: "/").contains("..") else { return false }
    if name.hasPrefix("_sidecars/") { return true }
    return switch LogFileName(name) {
    case .commit(let version), .checkpoint(let version), .checkpointPart(let version, _, _), .uuidCheckpoint(let version): version >= first
    case .compacted(_, let last): last >= first
    case .checksum, nil: false
    }
  }

  /// Copies an object, with its time, which stands for that of the commit.
  private func copy(_ object: StoredObject, to path: String) throws {
    guard object.size <= Self.largestLogFile else { throw KConnectError(.formatCorrupt, "'\(place.container.address)/\(object.name)' has \(object.size) bytes, expected at most \(Self.largestLogFile)") }
    let fileSystem = FileSystem.system
    let made = fileSystem.makeDirectories(parentPath(path))
    if made.code != 0 { throw SystemError.make("cannot create the directory", parentPath(path), made.code) }
    let draft = joinPath(parentPath(path), ".\(randomIdentifier()).tmp")
    let source = InputFile(remote: place.container.bytes(of: object), path: place.container.address + "/" + object.name)
    let file = try OutputFile(creating: draft, displayPath: path)
    do {
      var at = 0
      while at < object.size {
        let count = min(Self.pieceSize, object.size - at)
        // SAFETY: the buffer has `count` bytes; what `pread` filled is declared initialised.
        let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
          initialized = try unsafe source.pread(into: UnsafeMutableRawBufferPointer(buffer), at: at)
        }
        guard !bytes.isEmpty else { throw KConnectError(.io, "'\(place.container.address)/\(object.name)' ends at byte \(at) of \(object.size)", isRetryable: true) }
        // SAFETY: the bytes live for the call.
        try unsafe bytes.withUnsafeBytes { try unsafe file.write($0) }
        at += bytes.count
      }
      try file.close()
      let time = timespec(tv_sec: Int(object.modified / 1_000_000_000), tv_nsec: Int(object.modified % 1_000_000_000))
      var times = [time, time]
      // SAFETY: the path is copied for the call, and the array has the two times it reads.
      _ = unsafe utimensat(AT_FDCWD, draft, &times, 0)
      try SystemError.check(fileSystem.rename(draft, path), "cannot create", path)
    } catch {
      _ = fileSystem.remove(draft)
      throw error
    }
  }

  func put(_ text: String, name: String) throws -> Bool {
    let output = try place.container.output(prefix + "_delta_log/" + name, .fail)
    do {
      var text = text
      // SAFETY: the bytes live for the call.
      try text.withUTF8 { try unsafe output.write(UnsafeRawBufferPointer($0)) }
      try output.finish()
      try output.commit()
    } catch let error as KConnectError where error.code == .alreadyExists {
      output.abort()
      return false
    } catch {
      output.abort()
      throw error
    }
    return true
  }

  // MARK: Files

  func send(_ name: String, replaces: Bool) throws {
    let file = try InputFile(path: joinPath(directory, name))
    let output = try place.container.output(prefix + name, replaces ? .replace : .fail)
    do {
      let size = file.size ?? 0
      var at = 0
      while at < size {
        let count = min(Self.pieceSize, size - at)
        // SAFETY: the buffer has `count` bytes; what `pread` filled is declared initialised.
        let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
          initialized = try unsafe file.pread(into: UnsafeMutableRawBufferPointer(buffer), at: at)
        }
        guard !bytes.isEmpty else { throw KConnectError(.io, "'\(name)' ends at byte \(at) of \(size)") }
        // SAFETY: the bytes live for the call.
        try unsafe bytes.withUnsafeBytes { try unsafe output.write($0) }
        at += bytes.count
      }
      try output.finish()
      try output.commit()
    } catch {
      output.abort()
      throw error
    }
  }

  func remove(_ name: String) { try? place.container.remove(prefix + name) }

  /// A data file of the table as scans open it. Throws NOT_SUPPORTED for files elsewhere.
  func entry(_ add: AddFile) throws -> FileEntry {
    let name = DeltaPath.canonical(add.path)
    guard !name.hasPrefix("/"), !add.path.contains("://"), !name.split(separator: "/").contains("..") else {
      throw DeltaError.notSupported("a data file outside the table: '\(add.path.prefix(120))'", hint: "copy the table to local storage")
    }
    guard add.deletionVector == nil else { throw DeltaError.notSupported("deletion vectors of tables in a store of objects ('\(add.path.prefix(120))')") }
    let object = StoredObject(name: prefix + name, size: Int(add.size), modified: add.modificationTime &* 1_000_000, tag: "")
    let container = place.container, path = container.address + "/" + object.name
    return FileEntry(path: path, size: max(1, object.size), modified: object.modified, source: .url(path), open: { InputFile(remote: container.bytes(of: object), path: path) })
  }

  /// The name of an object that belongs to no table; nil when there is none.
  func foreignFile() throws -> String? {
    try place.container.list(prefix).map { String($0.name.dropFirst(prefix.count)) }.first { !$0.split(separator: "/").contains { FileListing.isHidden(String($0)) } }
  }
}

extension DeltaLog {
  /// The store behind the log; nil for tables in directories.
  var objects: ObjectTable? { origin as? ObjectTable }
}
