// Role: what a process has in use: the tables it reads since when, and the files it writes, so that garbage collection of any process leaves
// them alone. One file per open store, locked while the process lives: `<store>/_kconnect/leases/<id>`.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Synchronization

/// The lease of one open store.
final class LeaseHolder: Sendable {
  private let store: String
  private let state = Mutex(State())

  private struct State {
    var identifier: String?
    /// Nil where the store cannot be written to: then nothing is kept.
    var lock: FileLock?
    var isUnavailable = false
    /// By table id: when each running read began, in milliseconds since 1970.
    var reads: [String: [Int: Int64]] = [:]
    var nextRead = 0
  }

  init(store: String) { self.store = store }

  deinit {
    state.withLock { state in
      if state.lock != nil, let identifier = state.identifier { _ = FileSystem.system.remove(Self.path(store, identifier)) }
    }
  }

  static func directory(_ store: String) -> String { joinPath(joinPath(store, StoreFormat.directory), "leases") }
  static func path(_ store: String, _ identifier: String) -> String { joinPath(directory(store), identifier) }

  /// What the names of this process's files end in. Throws when the store cannot be written to.
  func identifier() throws -> String {
    try state.withLock { state in
      try open(&state)
      return state.identifier ?? ""
    }
  }

  private func open(_ state: inout State) throws {
    if state.lock != nil { return }
    let code = FileSystem.system.makeDirectory(Self.directory(store))
    if code != 0, code != EEXIST { throw SystemError.make("cannot create", Self.directory(store), code) }
    while true {
      let identifier = String(randomIdentifier().filter { $0 != "-" }.prefix(12))
      let path = Self.path(store, identifier)
      guard let lock = try FileLock.tryAcquire(path) else { continue }
      // A cleaner may have taken the file away between its making and the lock.
      guard Directory.identity(of: path) == lock.identity else { continue }
      state.lock = lock
      state.identifier = identifier
      return
    }
  }

  /// Announces a read of a table that begins now; it ends with the object. Nil where the store cannot be written to.
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
  static func census(_ store: String) throws -> Census {
    var census = Census()
    guard pathKind(directory(store)) == .directory else { return census }
    for identifier in try DirectoryReader.names(in: directory(store)) {
      let path = path(store, identifier)
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
