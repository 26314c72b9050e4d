// Role: what a process has in use: the tables it reads since when, and the files it writes, so that garbage collection of any process leaves
// them alone. One file per open database, locked while the process lives: `<database>/_journal/leases/<id>`. It stands beside the tables and not
// in the store, because a database may be attached to several stores.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Synchronization

/// The lease of one open database.
final class LeaseHolder: Sendable {
  private let database: Directory
  private let state = Mutex(State())

  private struct State {
    var identifier: String?
    /// Nil where the database cannot be written to: then nothing is kept.
    var lock: FileLock?
    var isUnavailable = false
    /// By table id: when each running read began, in milliseconds since 1970.
    var reads: [String: [Int: Int64]] = [:]
    var nextRead = 0
  }

  init(_ database: Directory) { self.database = database }

  deinit {
    state.withLock { state in
      if state.lock != nil, let identifier = state.identifier { _ = FileSystem.system.remove(joinPath(Self.directory(database), identifier)) }
    }
  }

  static func directory(_ database: Directory) -> String { database.path(Database.journalDirectory + "/leases") }

  /// What the names of this process's files end in. Throws when the database cannot be written to.
  func identifier() throws -> String {
    try state.withLock { state in
      try open(&state)
      return state.identifier ?? ""
    }
  }

  private func open(_ state: inout State) throws {
    if state.lock != nil { return }
    let place = Self.directory(database)
    try SystemError.check(FileSystem.system.makeDirectories(place).code, "cannot create", place)
    while true {
      let identifier = String(randomIdentifier().filter { $0 != "-" }.prefix(12))
      let path = joinPath(place, identifier)
      guard let lock = try FileLock.tryAcquire(path) else { continue }
      // A cleaner may have taken the file away between its making and the lock.
      guard Directory.identity(of: path) == lock.identity else { continue }
      state.lock = lock
      state.identifier = identifier
      return
    }
  }

  /// Announces a read of a table that begins now; it ends with the object. Nil where the database cannot be written to.
  func read(table: String) throws -> ReadLease? {
    let now = StoreClock.nowMilliseconds
    return state.withLock { state in
      if state.isUnavailable { return nil }
      do { try open(&state) } catch {
        state.isUnavailable = true
        return nil
      }
      let number = state.nextRead
      state.nextRead += 1
      let before = state.reads[table]?.values.min()
      state.reads[table, default: [:]][number] = now
      if before == nil { Self.write(state) }
      return ReadLease(holder: self, table: table, number: number)
    }
  }

  fileprivate func end(table: String, number: Int) {
    state.withLock { state in
      let before = state.reads[table]?.values.min()
      state.reads[table]?[number] = nil
      let after = state.reads[table]?.values.min()
      if after == nil { state.reads[table] = nil }
      if before != after { Self.write(state) }
    }
  }

  /// Readers of a file half written keep everything, so that writing in place is enough.
  private static func write(_ state: State) {
    guard let lock = state.lock else { return }
    let entries = state.reads.compactMap { id, times in times.values.min().map { DynamicEntry(id, .long($0)) } }
    let text = Array(DynamicValue.bag(entries).json.utf8)
    // SAFETY: the array's bytes live for the call.
    unsafe text.withUnsafeBytes { raw in
      _ = unsafe pwrite(lock.descriptor, raw.baseAddress, raw.count, 0)
      _ = ftruncate(lock.descriptor, off_t(raw.count))
    }
  }

  // MARK: What others have in use

  /// The leases of all living processes.
  struct Census: Sendable {
    var identifiers: Set<String> = []
    /// By table: when the oldest running read began; for all tables where some lease could not be read.
    var oldestRead: [String: Int64] = [:]
    var isComplete = true

    /// When the oldest running read of a table began, milliseconds since 1970; nil when there is none.
    func oldest(_ table: String) -> Int64? { isComplete ? oldestRead[table] : 0 }
  }

  /// Reads all leases; those of dead processes are removed.
  static func census(_ database: Directory) throws -> Census {
    var census = Census()
    let place = directory(database)
    guard pathKind(place) == .directory else { return census }
    for identifier in try DirectoryReader.names(in: place) {
      let path = joinPath(place, identifier)
      guard pathExists(path) else { continue }
      if let lock = try FileLock.tryAcquire(path) {
        if Directory.identity(of: path) == lock.identity { _ = FileSystem.system.remove(path) }
        continue
      }
      census.identifiers.insert(identifier)
      guard let text = try? SmallFile.readText(path) else { continue }
      if text.isEmpty { continue }
      guard let entries = DynamicValue(json: text)?.entries else {
        census.isComplete = false
        continue
      }
      for entry in entries {
        guard let time = entry.value.longValue else { continue }
        census.oldestRead[entry.key] = min(time, census.oldestRead[entry.key] ?? .max)
      }
    }
    return census
  }
}

/// A read under way.
final class ReadLease: Sendable {
  private let holder: LeaseHolder
  private let table: String
  private let number: Int

  init(holder: LeaseHolder, table: String, number: Int) {
    self.holder = holder
    self.table = table
    self.number = number
  }

  deinit { holder.end(table: table, number: number) }
}
