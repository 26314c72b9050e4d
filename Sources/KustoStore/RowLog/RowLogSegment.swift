// Role: one file of a row log while its owner writes it, and the same file as others find it.
//
//   <table>/_kconnect/rows/<segment>.log     locked by the process that writes it; sealed and removed by whoever finds it unlocked

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

enum RowLogPlace {
  static let directory = StoreTable.ownDirectory + "/rows"
  private static let ending = ".log"

  static func name(_ segment: Int64) -> String {
    let digits = String(segment)
    return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits + ending
  }

  /// The segments that stand in a table's directory, in their order.
  static func segments(_ table: StoreTable) throws -> [Int64] {
    do {
      return try DirectoryReader.names(in: table.directory.path(directory)).compactMap { name in
        name.hasSuffix(ending) ? Int64(name.dropLast(ending.utf8.count)) : nil
      }.sorted()
    } catch let error as KConnectError where error.code == .pathNotFound { return [] }
  }

  static func path(_ table: StoreTable, _ segment: Int64) -> String { table.directory.path(directory) + "/" + name(segment) }

  static func displayPath(_ table: StoreTable, _ segment: Int64) -> String { joinPath(joinPath(table.displayPath, directory), name(segment)) }
}

/// A segment under construction. Its file is written by one thread at a time; its rows are shared.
final class RowLogSegment: @unchecked Sendable {  // the file by the log's leader, `frames` behind the log's monitor
  let number: Int64
  let schema: StructType
  private let table: StoreTable
  private let path: String
  private let descriptor: Int32
  private let fileSystem: FileSystem
  /// Bytes that are durable.
  private var size = 0
  private var lastFrame: UInt64 = 0
  /// A write failed and could not be taken back: nothing is appended any more.
  private(set) var isBroken = false
  /// What readers see; changed by the log.
  var frames: [RowLogFrame] = []
  var byteCount = 0
  var rowCount = 0
  /// The commit that has the rows, once there is one.
  var version: Int64?

  /// Makes the file, with its header on the way to the disk; locked from the beginning.
  init(_ table: StoreTable, _ number: Int64, schema: StructType) throws {
    self.table = table
    self.number = number
    self.schema = StructType(schema.fields.map { StructField($0.name, $0.type) })
    fileSystem = table.database.store.fileSystem
    path = RowLogPlace.path(table, number)
    let shown = RowLogPlace.displayPath(table, number)
    let directory = table.directory.path(RowLogPlace.directory)
    let code = fileSystem.makeDirectory(directory)
    if code != 0, code != EEXIST { throw SystemError.make("cannot create", shown, code) }
    descriptor = try Self.claim(path, shown, fileSystem)
    do {
      try write(RowLogFormat.encode(RowLogHeader(table: table.id, segment: number, schema: self.schema)))
      try SystemError.check(fileSystem.syncDirectory(directory), "cannot sync", shown)
    } catch {
      remove()
      throw error
    }
  }

  deinit { close(descriptor) }

  /// A new file that is locked and has its name: others take files away that they find unlocked, also this one in its first moment.
  private static func claim(_ path: String, _ shown: String, _ fileSystem: FileSystem) throws -> Int32 {
    while true {
      let (descriptor, code) = fileSystem.create(path)
      try SystemError.check(code, "cannot create", shown)
      var isLocked = flock(descriptor, LOCK_EX) == 0
      while !isLocked, errno == EINTR { isLocked = flock(descriptor, LOCK_EX) == 0 }
      if isLocked, Directory.identity(of: path) == Directory.identity(ofDescriptor: descriptor) { return descriptor }
      let failure = errno
      close(descriptor)
      if !isLocked { throw SystemError.make("cannot lock", shown, failure) }
    }
  }

  /// Appends rows; durable when it returns. What could not be written is cut off again.
  func append(_ rows: [RowLogFrame]) throws {
    var bytes: [UInt8] = []
    var frame = lastFrame
    for row in rows {
      frame += 1
      RowLogFormat.encode(row, number: frame, durable: lastFrame, segment: number, to: &bytes)
    }
    try write(bytes)
    lastFrame = frame
  }

  private func write(_ bytes: [UInt8]) throws {
    // SAFETY: the array's bytes live for the call.
    var code = unsafe bytes.withUnsafeBytes { unsafe fileSystem.write(descriptor, path, $0).code }
    var isWritten = code == 0
    if isWritten {
      code = fileSystem.sync(descriptor, path)
      // What a failed sync left on the disk cannot be known.
      if code != 0 { isBroken = true }
      isWritten = code == 0
    }
    guard isWritten else {
      if fileSystem.truncate(descriptor, path, to: size) != 0 { isBroken = true }
      throw SystemError.make("cannot append to the row log", RowLogPlace.displayPath(table, number), code)
    }
    size += bytes.count
  }

  func remove() { _ = fileSystem.remove(path) }
}

/// A segment's file as any process finds it.
final class RowLogFile: Sendable {
  let number: Int64
  private let descriptor: Int32
  private let file: InputFile
  private let size: Int

  /// Nil when there is no such file (any more).
  init?(_ table: StoreTable, _ number: Int64) throws {
    self.number = number
    let shown = RowLogPlace.displayPath(table, number)
    // SAFETY: open reads the zero-terminated bridged path during the call.
    descriptor = unsafe open(RowLogPlace.path(table, number), O_RDONLY | O_CLOEXEC)
    if descriptor < 0, errno == ENOENT { return nil }
    guard descriptor >= 0 else { throw SystemError.make("cannot open the row log", shown, errno) }
    var info = stat()
    // SAFETY: fstat fills `info` during the call.
    guard unsafe fstat(descriptor, &info) == 0 else {
      let code = errno
      close(descriptor)
      throw SystemError.make("cannot stat", shown, code)
    }
    size = Int(info.st_size)
    file = InputFile(descriptor: descriptor, path: shown, size: size)
  }

  /// Takes the lock; false while the process that writes the file lives. Freed with the object.
  func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// The rows that stood in it when it was opened.
  func read() throws -> (schema: StructType, frames: [RowLogFrame]) {
    guard let (header, frames) = try RowLogFormat.read(file, size: size) else { return (StructType(), []) }
    return (header.schema, frames)
  }
}
