// Role: faults at every call that changes the file system, for every kind of commit: from the k-th call on all fail, as in a process that was
// killed, or only the k-th fails, as on a full disk. Afterwards another process finds the state before or the state after, never another.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Expressions
import KustoStore
import Synchronization
import Testing

/// Counts calls and fails some.
final class Faults: Sendable {
  enum Kind: String, Sendable, CaseIterable { case killed, diskFull }
  private let state = Mutex((count: 0, at: Int.max, kind: Kind.killed))

  func arm(at k: Int, _ kind: Kind) { state.withLock { $0 = (0, k, kind) } }
  func disarm() -> Int { state.withLock { state in defer { state = (0, .max, .killed) }; return state.count } }

  var fileSystem: FileSystem {
    FileSystem { [self] operation, _ in
      state.withLock { state in
        state.count += 1
        switch state.kind {
        case .killed: return state.count >= state.at ? EIO : nil
        case .diskFull:
          // Space is needed to create, write, sync and name; removing works.
          let needsSpace = operation != .remove && operation != .removeDirectory && operation != .close
          return state.count >= state.at && needsSpace ? ENOSPC : nil
        }
      }
    }
  }
}

struct CrashCase: CustomTestStringConvertible, Sendable {
  let name: String
  let kind: Faults.Kind
  let run: @Sendable (Database) throws -> Void
  var testDescription: String { "\(name), \(kind.rawValue)" }

  static let operations: [(String, @Sendable (Database) throws -> Void)] = [
    ("ingest", { try $0.table("A").ingest([numbered(100..<110)]) }),
    ("replace", { try $0.table("A").ingest([numbered(100..<110)], mode: .replace) }),
    ("merge", { _ = try $0.table("A").mergeExtents() }),
    ("delete", { _ = try $0.table("A").deleteRows(where: .call(FunctionName.less, [.column("id"), .literal(.long(15))]), context: anyContext) }),
    ("drop extents", { _ = try $0.table("A").dropExtents { $0.rowCount == 10 } }),
    ("alter", { try $0.table("A").alter { try $0.drop("text") } }),
    ("drop table", { try $0.dropTable("A") }),
    ("rename", { try $0.renameTables([("A", "C")]) }),
    ("rename three", { try $0.renameTables([("A", "B"), ("B", "C"), ("D", "A")]) }),
    ("create", { try $0.createTable(TableDescription("N", schema: StructType([StructField("x", .int)]))) }),
    (
      "move",
      { database in
        let transaction = StoreTransaction(database)
        let snapshot = try database.table("A").snapshot()
        try transaction.move(snapshot.extents, of: snapshot, to: database.table("B"), setNewIngestionTime: false)
        try transaction.commit()
      }
    ),
    (
      "ingest two",
      { database in
        let transaction = StoreTransaction(database)
        for name in ["A", "B"] {
          let sink = try database.table(name).ingest(schema: numbered(0..<0).schema)
          try sink.append(try sink.encode([numbered(200..<205)]))
          try transaction.append(try sink.stage())
        }
        try transaction.commit()
      }
    ),
  ]

  static let all = operations.flatMap { operation in Faults.Kind.allCases.map { CrashCase(name: operation.0, kind: $0, run: operation.1) } }
}

@Suite struct CrashTests {
  /// What a reader sees: tables with their columns and rows.
  private func state(_ store: Store) throws -> [String: [[Scalar]]] {
    let database = try store.database("db")
    var out: [String: [[Scalar]]] = [:]
    for table in try database.tables() {
      let snapshot = try table.snapshot()
      out["\(table.name)(\(snapshot.schema))"] = try rows(snapshot.rows()).sorted { ($0[0].int64Value ?? 0) < ($1[0].int64Value ?? 0) }
    }
    return out
  }

  private func prepare(_ faults: Faults) throws -> (TestStore, Store) {
    let test = try TestStore()
    for name in ["A", "B", "D"] {
      let table = try test.table(name)
      try table.ingest([numbered(0..<10)])
      try table.ingest([numbered(10..<30)])
    }
    return (test, try test.reopened(fileSystem: faults.fileSystem))
  }

  @Test(arguments: CrashCase.all)
  func atEveryCall(_ it: CrashCase) throws {
    let faults = Faults()
    // How many calls, and the state after.
    let (whole, store) = try prepare(faults)
    let before = try state(whole.store)
    faults.arm(at: .max, it.kind)
    try it.run(store.database("db"))
    let calls = faults.disarm()
    let after = try state(whole.reopened())
    #expect(calls > 0)
    #expect(it.name == "merge" || before != after)
    for k in 1...calls {
      let (test, store) = try prepare(faults)
      let database = try store.database("db")
      faults.arm(at: k, it.kind)
      let failed: Bool
      do {
        try it.run(database)
        failed = false
      } catch { failed = true }
      _ = faults.disarm()
      // Another process, then a writer among them.
      let found = try state(test.reopened())
      #expect(found == before || found == after, "call \(k) of \(calls)")
      if !failed { #expect(found == after, "call \(k) of \(calls) was reported done") }
      let other = try test.reopened()
      #expect(try other.verify().problems == [])
      if let table = try other.database("db").tableIfExists("B") {
        try table.ingest([batch(StructType([StructField("id", .long)]), [[.long(999)]])])
        #expect(try ids(table).last == 999)
      }
    }
  }

  /// What died with its process goes, what is committed stays.
  @Test func garbageAfterAKill() throws {
    let faults = Faults()
    let (test, _) = try prepare(faults)
    // As a process leaves it that died before its commit: nobody holds the lease in the name.
    let left = try OutputFile(creating: test.path + "/db/A/4e3fb489-5c74-ea3a-98de-f185f31a5e88-0123456789ab.parquet")
    try left.close()
    let before = try state(test.store)
    let dry = try test.store.collectGarbage(dryRun: true)
    #expect(dry.items.contains { $0.reason == "uncommitted extent" })
    let done = try test.store.collectGarbage()
    #expect(done.items == dry.items)
    #expect(try test.store.collectGarbage(dryRun: true).items.isEmpty)
    #expect(try state(test.store) == before)
    #expect(try test.store.verify(deep: true).problems == [])
  }

  @Test func garbageSparesReaders() throws {
    let test = try TestStore()
    let table = try test.table()
    try table.ingest([numbered(0..<10)])
    let reader = try test.reopened().database("db").table("T").snapshot()
    try table.clearData()
    try table.ingest([numbered(50..<60)])
    #expect(try test.store.collectGarbage(graceMilliseconds: -1).items.isEmpty)
    #expect(try rows(reader.rows()).count == 10)
    try table.database.dropTable("T")
    #expect(try test.store.collectGarbage(graceMilliseconds: -1).items.isEmpty)
    #expect(try rows(reader.rows()).count == 10)
  }

  @Test func garbageTakesRemovedAndDropped() throws {
    let test = try TestStore()
    let table = try test.table()
    try table.ingest([numbered(0..<10)])
    try table.clearData()
    #expect(try test.store.collectGarbage().items.isEmpty)
    #expect(try test.store.collectGarbage(graceMilliseconds: -1).items.map(\.reason) == ["removed extent"])
    try table.ingest([numbered(0..<10)])
    #expect(try ids(table).count == 10)
    try table.database.dropTable("T")
    #expect(try test.store.collectGarbage().items.map(\.reason) == ["dropped table"])
  }

  @Test func backupAndRestore() throws {
    let test = try TestStore()
    let table = try test.table()
    for i in 0..<15 { try table.ingest([numbered(i * 10..<i * 10 + 10)]) }
    let cursor = try table.database.currentCursor()
    let copy = try TestStore()
    let place = copy.path + "/backup"
    #expect(try test.store.backup(to: place).tables == 1)
    try table.clearData()
    let restored = copy.path + "/restored"
    _ = try Store.restore(from: place, to: restored)
    let again = try Store.open(restored).database("db").table("T")
    #expect(try ids(again) == Array(0..<150))
    #expect(try again.database.currentCursor() == cursor)
    try again.ingest([numbered(1_000..<1_001)])
    #expect(try ids(Store.open(restored).database("db").table("T")).count == 151)
    #expect(throws: KConnectError.self) { try test.store.backup(to: place) }
  }
}
