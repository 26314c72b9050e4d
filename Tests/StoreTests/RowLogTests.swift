// Role: the row log: acknowledged rows are seen at once, by every process, once; nothing that happens to the table or to the machine changes that.

import Columnar
import DataSource
import Expressions
import Foundation
import KustoStore
import Synchronization
import Testing

@Suite struct RowLogTests {
  private func append(_ table: StoreTable, _ ids: some Sequence<Int>) throws { try table.rowLog().append([numbered(ids)]) }

  private func origin(_ table: StoreTable) throws -> [[Scalar]] {
    try rows(table.snapshot().rows(), columns: ["id", HiddenColumns.ingestionTime]).sorted { ($0[0].int64Value ?? 0) < ($1[0].int64Value ?? 0) }
  }

  @Test func rowsAreSeenOnceBeforeAndAfterSealing() throws {
    let store = try TestStore()
    let table = try store.table()
    try table.ingest([numbered(0..<5)])
    try append(table, 5..<8)
    try append(table, 8..<10)
    let other = try store.reopened().database("db").table("T")
    #expect(try ids(table) == Array(0..<10))
    #expect(try ids(other) == Array(0..<10))
    #expect(try table.snapshot().rowCount == 10)
    #expect(try table.snapshot().extents.count == 1)
    #expect(try rows(table.snapshot().rows(), columns: ["id"], where: equal("id", .long(7))).count == 1)
    #expect(try rows(table.snapshot().rows(), columns: []).count == 10)
    let held = try table.snapshot()
    let before = try origin(table)
    try table.rowLog().seal()
    #expect(try ids(table) == Array(0..<10))
    #expect(try ids(other) == Array(0..<10))
    #expect(try origin(table) == before)
    #expect(try table.snapshot().extents.reduce(0) { $0 + $1.rowCount } == 10)
    // What a query began with it keeps.
    #expect(try rows(held.rows(), columns: ["id"]).count == 10)
    try table.rowLog().seal()
    #expect(try ids(table) == Array(0..<10))
    #expect(store.store.rowLogs.closeAll() == [])
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.path + "/db/T/_kconnect/rows") == [])
  }

  /// A row's place in the history is that of its commit, whenever it is asked for; a cursor covers what was there.
  @Test func placeInTheHistory() throws {
    let store = try TestStore()
    let table = try store.table()
    try append(table, 0..<3)
    let start = try table.database.currentCursor().version(of: table.id)
    try append(table, 3..<6)
    let found = try rows(table.snapshot().rows(), columns: ["id", HiddenColumns.rowVersion])
    let now = try table.database.currentCursor().version(of: table.id)
    #expect(found.count == 6)
    for row in found {
      let version = row[1].int64Value ?? -1
      #expect((row[0].int64Value ?? 0) < 3 ? version <= start : version > start && version <= now)
    }
    #expect(try rows(table.snapshot().rows(), columns: ["id", HiddenColumns.rowVersion]).map { $0[1] }.sorted { ($0.int64Value ?? 0) < ($1.int64Value ?? 0) }
      == found.map { $0[1] }.sorted { ($0.int64Value ?? 0) < ($1.int64Value ?? 0) })
  }

  struct Change: CustomTestStringConvertible, Sendable {
    var name: String
    /// The columns and the ids afterwards, of ids 0 to 5 in an extent and 6 to 9 in the log.
    var columns = ["id", "text"]
    var ids = Array(0..<10)
    var run: @Sendable (StoreTable) throws -> Void
    var testDescription: String { name }
  }

  static let changes: [Change] = [
    Change(name: "add a column", columns: ["id", "text", "more"]) { try $0.alter { try $0.merge(StructType([StructField("more", .long)])) } },
    Change(name: "drop a column", columns: ["id"]) { try $0.alter { try $0.drop("text") } },
    Change(name: "drop a column and add it again") { table in
      try table.alter { try $0.drop("text") }
      try table.alter { try $0.merge(StructType([StructField("text", .string)])) }
    },
    Change(name: "delete rows", ids: Array(8..<10)) { try $0.deleteRows(where: .call(FunctionName.less, [.column("id"), .literal(.long(8))]), context: anyContext) },
    Change(name: "clear", ids: []) { try $0.clearData() },
    Change(name: "replace", ids: [77]) { try $0.ingest([numbered(77..<78)], mode: .replace) },
    Change(name: "merge") { _ = try $0.mergeExtents() },
    Change(name: "rename") { try $0.database.renameTables([("T", "R")]) },
    Change(name: "append") { try $0.ingest([numbered(10..<10)]) },
  ]

  /// Changes of the table find the rows of its log in it.
  @Test(arguments: changes) func changesFindTheRows(_ c: Change) throws {
    let store = try TestStore()
    let table = try store.table()
    try table.ingest([numbered(0..<6)])
    try append(table, 6..<10)
    try c.run(table)
    let name = c.name == "rename" ? "R" : "T"
    for database in [table.database, try store.reopened().database("db")] {
      let found = try database.table(name)
      #expect(try found.snapshot().schema.names == c.columns)
      #expect(try ids(found) == c.ids)
      if c.name.hasSuffix("again") { #expect(try rows(found.snapshot().rows(), columns: ["text"]).allSatisfy { $0[0].isNull }) }
    }
    // The log goes on, also with rows that were made for the columns before.
    try append(try table.database.table(name), 90..<92)
    #expect(try ids(try table.database.table(name)) == (c.ids + [90, 91]).sorted())
    try table.database.table(name).sealRows()
    #expect(try ids(try table.database.table(name)) == (c.ids + [90, 91]).sorted())
  }

  @Test func dropped() throws {
    let store = try TestStore()
    let table = try store.table()
    try append(table, 0..<3)
    try table.database.dropTable("T")
    #expect(throws: KConnectError.self) { try append(table, 3..<4) }
    let again = try store.table()
    #expect(try ids(again) == [])
    try append(again, 5..<6)
    #expect(try ids(again) == [5])
    #expect(store.store.rowLogs.closeAll() == [])
    #expect(try ids(again) == [5])
  }

  /// Another process may not take out what is not in the table yet; it may rename the table and add to it.
  @Test func otherProcesses() throws {
    let store = try TestStore()
    let table = try store.table()
    try append(table, 0..<3)
    let other = try store.reopened().database("db").table("T")
    for change in [{ try other.clearData() }, { try other.deleteRows(where: .literal(.bool(true)), context: anyContext) }, { try other.alter { try $0.drop("text") } }] as [() throws -> Any] {
      #expect { _ = try change() } throws: { ($0 as? KConnectError).map { $0.code == .locked && $0.isRetryable } ?? false }
    }
    try other.ingest([numbered(10..<12)])
    #expect(try ids(table) == [0, 1, 2, 10, 11])
    try table.rowLog().seal()
    try other.clearData()
    #expect(try ids(table) == [])
  }

  // MARK: Crashes

  /// Faults at every call from the first append on: as in a process that was killed, and as on a full disk. Another process finds every row that
  /// was acknowledged once, and of the others at most those that were on their way.
  @Test(arguments: Faults.Kind.allCases) func faults(_ kind: Faults.Kind) throws {
    var k = 1
    while true {
      let faults = Faults()
      let store = try TestStore(fileSystem: faults.fileSystem)
      let table = try store.table()
      try table.ingest([numbered(0..<2)])
      faults.arm(at: k, kind)
      var acknowledged = [0, 1], tried = [0, 1]
      for i in 1...4 {
        let next = Array(i * 10..<i * 10 + 3)
        tried += next
        do {
          try append(table, next)
          acknowledged += next
        } catch {}
        if i == 2 { try? table.rowLog().seal() }
      }
      #expect(Set(acknowledged).isSubset(of: Set(try ids(table))), "\(kind) \(k)")
      let calls = faults.disarm()
      // The process ends without committing anything.
      faults.arm(at: 1, .killed)
      _ = store.store.rowLogs.closeAll()
      let reopened = try store.reopened()
      let found = try ids(try reopened.database("db").table("T"))
      #expect(Set(found).count == found.count && Set(acknowledged).isSubset(of: found) && Set(found).isSubset(of: tried), "\(kind) \(k): \(acknowledged) \(found)")
      try reopened.database("db").table("T").sealRows()
      #expect(try ids(try reopened.database("db").table("T")) == found, "\(kind) \(k)")
      #expect(try reopened.verify().problems == [])
      if calls < k { return }
      k += 1
    }
  }

  /// What two segments of a dead process hold is committed in their order: who finds the first one taken by somebody else leaves the second.
  @Test func segmentsInTheirOrder() throws {
    let faults = Faults()
    let store = try TestStore(fileSystem: faults.fileSystem)
    let table = try store.table()
    try append(table, 0..<3)
    faults.arm(at: 1, .diskFull)
    #expect(throws: KConnectError.self) { try table.rowLog().seal() }
    _ = faults.disarm()
    try append(table, 3..<5)
    faults.arm(at: 1, .killed)
    _ = store.store.rowLogs.closeAll()
    let directory = store.path + "/db/T/_kconnect/rows"
    let segments = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    try #require(segments.count == 2)
    let found = try store.reopened().database("db").table("T")
    let holder = open(directory + "/" + segments[0], O_RDONLY)
    try #require(flock(holder, LOCK_EX | LOCK_NB) == 0)
    try found.sealAbandonedRows()
    #expect(try ids(found) == Array(0..<5))
    #expect { try found.sealRows() } throws: { ($0 as? KConnectError)?.code == .locked }
    close(holder)
    try found.sealRows()
    #expect(try ids(found) == Array(0..<5))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
  }

  /// Every new segment is another process's to see, however that one looks for segments of the dead at the same moment.
  @Test func segmentsWhileOthersLookForTheDead() async throws {
    let store = try TestStore()
    let table = try store.table()
    let other = try store.reopened().database("db").table("T")
    let isOver = Flag()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await onThread { while !isOver.isSet.withLock({ $0 }) { try other.sealAbandonedRows() } } }
      group.addTask {
        await onThread {
          defer { isOver.isSet.withLock { $0 = true } }
          for i in 0..<40 {
            try table.rowLog().append([numbered(i..<i + 1)])
            #expect(try ids(other) == Array(0...i))
            try table.rowLog().seal()
          }
        }
      }
    }
  }

  /// Rows of other columns wait for a turn of their own, and are there when their caller is answered.
  @Test func rowsOfSeveralShapesAtOnce() async throws {
    let store = try TestStore()
    let table = try store.table()
    let log = try table.rowLog()
    let narrow = StructType([StructField("id", .long)])
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<6 {
        group.addTask {
          await onThread {
            for i in 0..<30 {
              let id = writer * 1_000 + i
              try log.append([writer % 2 == 0 ? numbered([id]) : batch(narrow, [[.long(Int64(id))]])])
              #expect(try ids(table).contains(id))
            }
          }
        }
      }
      group.addTask { await onThread { for _ in 0..<8 { try log.seal() } } }
    }
    let expected = (0..<6).flatMap { writer in (0..<30).map { writer * 1_000 + $0 } }
    #expect(try ids(table) == expected)
    #expect(store.store.rowLogs.closeAll() == [])
    #expect(try ids(table) == expected)
  }

  /// A log as a dead process leaves it: its file, and what is in it.
  private func deadLog(_ appends: [Range<Int>]) throws -> (store: TestStore, path: String, bytes: [UInt8], ends: [Int]) {
    let faults = Faults()
    let store = try TestStore(fileSystem: faults.fileSystem)
    let table = try store.table()
    let directory = store.path + "/db/T/_kconnect/rows"
    var ends: [Int] = []
    var path = ""
    for range in appends {
      try append(table, range)
      path = directory + "/" + (try FileManager.default.contentsOfDirectory(atPath: directory)[0])
      ends.append(try Data(contentsOf: URL(fileURLWithPath: path)).count)
    }
    faults.arm(at: 1, .killed)
    _ = store.store.rowLogs.closeAll()
    return (store, path, Array(try Data(contentsOf: URL(fileURLWithPath: path))), ends)
  }

  /// Cut anywhere: the frames that are whole are read, the rest is nobody's.
  @Test func tornEnd() throws {
    let log = try deadLog([0..<3, 3..<5, 5..<9])
    for cut in stride(from: 0, through: log.bytes.count, by: 7) {
      try Data(log.bytes[..<cut]).write(to: URL(fileURLWithPath: log.path))
      let found = try ids(try log.store.reopened().database("db").table("T"))
      #expect([0, 3, 5, 9].contains(found.count) && found == Array(0..<found.count), "cut at \(cut): \(found)")
      if let last = log.ends.lastIndex(where: { $0 <= cut }) { #expect(found.count >= [3, 5, 9][last], "cut at \(cut): \(found)") }
    }
  }

  /// A changed byte: in the last frame its rows are left out, in front of others the log is refused with its file.
  @Test func changedBytes() throws {
    let log = try deadLog([0..<3, 3..<5, 5..<9])
    for at in stride(from: 0, to: log.bytes.count, by: 5) where log.bytes[at] != 0 || at % 64 < 44 {
      var bytes = log.bytes
      bytes[at] ^= 0x5A
      try Data(bytes).write(to: URL(fileURLWithPath: log.path))
      let table = try log.store.reopened().database("db").table("T")
      do {
        let found = try ids(table)
        // Padding says nothing; the end is left out.
        #expect(found == Array(0..<9) || found == Array(0..<5) && at >= log.ends[1], "byte \(at): \(found)")
      } catch let error as KConnectError {
        #expect(error.code == .formatCorrupt && error.message.contains(".log") && at < log.ends[1], "byte \(at): \(error)")
      }
    }
  }

  /// Many at once, while the log is sealed and read: no row is missing or doubled at any time.
  @Test func atOnce() async throws {
    let store = try TestStore()
    let table = try store.table()
    let log = try table.rowLog()
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          await onThread {
            for i in 0..<25 { try log.append([numbered([writer * 1_000 + i * 2, writer * 1_000 + i * 2 + 1])]) }
          }
        }
      }
      group.addTask { await onThread { for _ in 0..<8 { try log.seal() } } }
      group.addTask {
        await onThread {
          for _ in 0..<10 {
            let found = try ids(table)
            #expect(Set(found).count == found.count)
            for writer in 0..<4 {
              let own = found.filter { $0 / 1_000 == writer }
              #expect(own == Array(writer * 1_000..<writer * 1_000 + own.count))
            }
          }
        }
      }
    }
    let expected = (0..<4).flatMap { writer in (0..<50).map { writer * 1_000 + $0 } }
    #expect(try ids(table) == expected)
    try log.seal()
    #expect(try ids(table) == expected)
  }
}

private final class Flag: Sendable { let isSet = Mutex(false) }

/// Runs blocking work on a thread of its own.
private func onThread(_ body: @escaping @Sendable () throws -> Void) async {
  await withCheckedContinuation { done in
    Thread.detachNewThread {
      #expect(throws: Never.self) { try body() }
      done.resume()
    }
  }
}
