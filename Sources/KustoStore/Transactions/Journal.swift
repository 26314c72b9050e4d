// Role: `<database>/_journal/<operation>.json`: commits of several tables, and renames of several, as one decision. The journal's appearance is
// the commit point; the steps that follow can be repeated by anyone, and whoever opens a table next does so when the writer died.

import Columnar
#if canImport(Glibc)
import Glibc
#endif
import DataSource
import Synchronization
import Delta

/// A decided operation.
struct JournalEntry: Sendable {
  /// A version of one table's log.
  struct Commit: Sendable {
    var table: String
    var entry: String
    var version: Int64
    /// The commit file's text.
    var text: String
  }
  /// A new name of one table's directory.
  struct Rename: Sendable {
    var table: String
    var from: String
    var to: String
  }

  var id: String
  var commits: [Commit] = []
  var renames: [Rename] = []

  /// The tables concerned, in the order of their locks.
  var tables: [String] { Set(commits.map(\.table) + renames.map(\.table)).sorted() }

  var json: String {
    func entry(_ members: [(String, String)]) -> DynamicValue { .bag(members.map { DynamicEntry($0.0, .string($0.1)) }) }
    return DynamicValue.bag([
      DynamicEntry("operation", .string(id)),
      DynamicEntry(
        "commits",
        .array(commits.map { entry([("table", $0.table), ("entry", $0.entry), ("version", String($0.version)), ("text", $0.text)]) })),
      DynamicEntry("renames", .array(renames.map { entry([("table", $0.table), ("from", $0.from), ("to", $0.to)]) })),
    ]).json
  }

  init(id: String) { self.id = id }

  /// Reads a journal; throws FORMAT_CORRUPT for one that was damaged.
  init(_ text: String, path: String) throws {
    func corrupt(_ what: String) -> KConnectError {
      KConnectError(.formatCorrupt, "the journal '\(path)' is damaged: \(what)", hint: "restore it from a backup; until then its tables cannot be changed")
    }
    guard let value = DynamicValue(json: text), let id = value["operation"]?.stringValue else { throw corrupt("no operation") }
    self.id = id
    func member(_ value: DynamicValue, _ key: String) throws -> String {
      guard let text = value[key]?.stringValue else { throw corrupt("no '\(key)'") }
      return text
    }
    for item in value["commits"]?.elements ?? [] {
      guard let version = Int64(try member(item, "version")) else { throw corrupt("a version that is no number") }
      commits.append(Commit(table: try member(item, "table"), entry: try member(item, "entry"), version: version, text: try member(item, "text")))
    }
    for item in value["renames"]?.elements ?? [] {
      renames.append(Rename(table: try member(item, "table"), from: try member(item, "from"), to: try member(item, "to")))
    }
  }
}

extension Database {
  private var journalPath: String { directory.path(Self.journalDirectory) }

  private func journalNames() throws -> [String] {
    let stamp = FileStamp(of: journalPath)
    if let stamp, emptyJournal.withLock({ $0 == stamp }) { return [] }
    let names: [String]
    do { names = try DirectoryReader.names(in: journalPath).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") } } catch let error as KConnectError
      where error.code == .pathNotFound
    { return [] }
    if names.isEmpty, let stamp, stamp.isSettled { emptyJournal.withLock { $0 = stamp } }
    return names
  }

  /// Decided operations that are perhaps not done yet.
  private func journal() throws -> [JournalEntry] {
    try journalNames().compactMap { name in
      let path = joinPath(journalPath, name)
      return try SmallFile.readText(path).map { try JournalEntry($0, path: joinPath(joinPath(self.path, Self.journalDirectory), name)) }
    }
  }

  /// The lock under which names are given: held from the look whether a name is free until it is taken or promised in the journal.
  func lockNames() throws -> FileLock { try lock("names.lock") }

  /// Held by whoever changes a view's document or its stored part, or a graph model, from before it was read, and between the publication of a hidden table and the
  /// entry that names it.
  func lockViews() throws -> FileLock { try lock("views.lock") }

  /// Held by whoever exports to an external table whose first file alone has a header, from before the files were counted until there are new ones.
  func lockHeadedExports() throws -> FileLock { try lock("exports.lock") }

  private func lock(_ name: String) throws -> FileLock {
    let code = store.fileSystem.makeDirectory(journalPath)
    if code != 0, code != EEXIST { throw SystemError.make("cannot create", journalPath, code) }
    return try FileLock.acquire(joinPath(journalPath, name))
  }

  /// True when a decided rename gives a table this directory name.
  func isPromised(_ entry: String) throws -> Bool { try journal().contains { $0.renames.contains { $0.to == entry } } }

  /// True when a decided operation concerns one of the tables.
  func hasPendingCommit(tables: Set<String>) throws -> Bool { try journal().contains { !tables.isDisjoint(with: $0.tables) } }

  /// The actions that decided operations give a table, by version.
  func pendingCommits(table: String) throws -> [Int64: [DeltaAction]] {
    var out: [Int64: [DeltaAction]] = [:]
    for entry in try journal() {
      for commit in entry.commits where commit.table == table {
        out[commit.version] = try commit.text.split(separator: "\n").compactMap { line in
          guard let value = DynamicValue(json: String(line)) else { throw KConnectError(.formatCorrupt, "the journal '\(entry.id)' holds a line that is no JSON") }
          return try ActionReader.action(value, place: "the journal '\(entry.id)'")
        }
      }
    }
    return out
  }

  /// Decides an operation: from here on it happens. The tables' locks are held.
  func decide(_ entry: JournalEntry) throws {
    if pathKind(journalPath) == .missing { try SystemError.check(store.fileSystem.makeDirectory(journalPath), "cannot create", journalPath) }
    switch try SmallFile.put(entry.json.utf8, name: entry.id + ".json", in: journalPath, fileSystem: store.fileSystem) {
    case .written: break
    case .taken: throw KConnectError(.internalError, "the journal '\(entry.id)' exists already")
    case .notDurable(let cause): throw cause
    }
  }

  /// Grows with every operation that is completed, before any of its commits is there.
  private var countPath: String { joinPath(journalPath, "completed.count") }

  /// Where the operations on several tables stand at a moment.
  struct JournalMark {
    fileprivate let completed: Int64
    fileprivate let decided: Set<String>

    /// Whether none was decided between this moment and a later one: what was read of several tables meanwhile belongs together, as those that were
    /// decided before are seen through the journal.
    func isQuiet(until later: JournalMark) -> Bool { completed == later.completed && later.decided.isSubset(of: decided) }
  }

  /// The moment before something is read (`first`), or after it.
  func journalMark(first: Bool) throws -> JournalMark {
    func completed() -> Int64 { FileStamp(of: countPath)?.size ?? 0 }
    let before = completed()
    let decided = Set(try journalNames())
    // An operation that is gone from the journal has been counted.
    return JournalMark(completed: first ? before : completed(), decided: decided)
  }

  /// The turn of whoever completes: operations are completed one at a time, so that nobody looks for a table while a rename carries it on.
  private func lockCompletion() throws -> FileLock { try FileLock.acquire(countPath) }

  private func countCompletion(_ turn: FileLock) throws {
    // A hole needs no room on the disk.
    var info = stat()
    // SAFETY: fstat fills `info` during the call.
    guard unsafe fstat(turn.descriptor, &info) == 0, ftruncate(turn.descriptor, info.st_size + 1) == 0 else { throw SystemError.make("cannot count in", countPath, errno) }
  }

  /// Does what was decided and forgets it. The tables' locks are held; every step may have been done before.
  func complete(_ entry: JournalEntry) throws { try complete(entry, turn: lockCompletion()) }

  private func complete(_ entry: JournalEntry, turn: FileLock) throws {
    defer { withExtendedLifetime(turn) {} }
    try countCompletion(turn)
    for commit in entry.commits {
      // A draft that was given up: nobody sees its rows.
      if commit.entry.hasPrefix(Self.temporaryPrefix), pathKind(directory.path(commit.entry)) == .missing { continue }
      let log = DeltaLog(path: directory.path(commit.entry), displayPath: joinPath(path, commit.entry), fileSystem: store.fileSystem)
      try log.putPrepared(commit.text, version: commit.version)
    }
    try completeRenames(entry.renames)
    let file = joinPath(journalPath, entry.id + ".json")
    try SystemError.check(store.fileSystem.remove(file), "cannot remove the journal", file)
  }

  /// Every table goes to a place of its own first, so that names can be exchanged.
  private func completeRenames(_ renames: [JournalEntry.Rename]) throws {
    if renames.isEmpty { return }
    func waiting(_ table: String) -> String { directory.path(".renaming-\(table)") }
    for rename in renames where !pathExists(waiting(rename.table)) && isTable(rename.table, at: rename.from) {
      try SystemError.check(store.fileSystem.rename(directory.path(rename.from), waiting(rename.table), .noReplace), "cannot rename", joinPath(path, rename.from))
    }
    for rename in renames where pathExists(waiting(rename.table)) {
      let code = store.fileSystem.rename(waiting(rename.table), directory.path(rename.to), .noReplace)
      if code == EEXIST || code == ENOTEMPTY {
        throw KConnectError(
          .alreadyExists, "a rename that was decided cannot be completed: '\(joinPath(path, rename.to))' was put there from outside", hint: "move that directory away; the table waits in '.renaming-\(rename.table)'")
      }
      try SystemError.check(code, "cannot rename to", joinPath(path, rename.to))
    }
    try SystemError.check(store.fileSystem.syncDirectory(directory.path), "cannot sync", path)
  }

  private func isTable(_ id: String, at entry: String) -> Bool {
    let log = DeltaLog(path: directory.path(entry), displayPath: joinPath(path, entry), fileSystem: store.fileSystem)
    return (try? log.snapshot())?.metadata.id == id
  }

  /// Completes operations that a dead process left half done. A living one completes its own; with `waits`, waits for that.
  func rollForward(waits: Bool = false) throws {
    for name in try journalNames() {
      let path = joinPath(journalPath, name)
      while let entry = try journal().first(where: { $0.id + ".json" == name }) {
        let turn = try lockCompletion()
        if !pathExists(path) { break }
        if let locks = try locks(of: entry) {
          defer { withExtendedLifetime(locks) {} }
          try complete(entry, turn: turn)
          break
        }
        guard waits || !entry.renames.isEmpty else { break }
        // Without the turn, which the one that holds the tables waits for.
        withExtendedLifetime(turn) {}
        usleep(500)
      }
    }
  }

  /// The locks of an operation's tables, none of which is waited for; nil when somebody holds one of them. Nobody else completes meanwhile, so that a
  /// table that is missing is gone, and not under way.
  private func locks(of entry: JournalEntry) throws -> [FileLock]? {
    var locks: [FileLock] = []
    // Directories are found by the names that commits know; renames move the lock with the directory.
    for place in lockPlaces(entry) where pathKind(place) == .directory {
      guard let lock = try FileLock.tryAcquire(place + "/" + StoreTable.ownDirectory + "/commit.lock") else { return nil }
      locks.append(lock)
    }
    return locks
  }

  private func lockPlaces(_ entry: JournalEntry) -> [String] {
    entry.tables.map { table in
      if let commit = entry.commits.first(where: { $0.table == table }) { return directory.path(commit.entry) }
      let rename = entry.renames.first { $0.table == table }
      let waiting = directory.path(".renaming-\(table)")
      if pathExists(waiting) { return waiting }
      let from = rename?.from ?? "", to = rename?.to ?? ""
      return directory.path(isTable(table, at: from) ? from : to)
    }
  }
}
