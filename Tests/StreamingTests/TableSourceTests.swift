// Role: tables as streams: which rows a batch has, whatever is merged, deleted or written meanwhile, and where a stream refuses to go on.

import Columnar
import DataSource
import Expressions
import KustoStore
import Streaming
import Testing

@Suite struct StoreSourceTests {
  @Test func rowsComeOnceInOrderOfCommits() throws {
    let test = try TableInStore()
    let source = try test.source()
    var at: StreamOffset?
    #expect(try batches(source, after: &at) == [])
    try test.table.ingest([numbered(1...3)])
    try test.table.ingest([numbered(4...5)])
    #expect(try batches(source, after: &at) == [[1, 2, 3, 4, 5]])
    #expect(try batches(source, after: &at) == [])
    try test.table.ingest([numbered(6...6)])
    #expect(try batches(source, after: &at) == [[6]])
  }

  @Test(arguments: [("maxRowsPerTrigger", "4"), ("maxExtentsPerTrigger", "2")])
  func limits(_ option: String, _ value: String) throws {
    let test = try TableInStore()
    for n in 0..<5 { try test.table.ingest([numbered(2 * n..<2 * n + 2)]) }
    let source = try test.source([(option, value)])
    var at: StreamOffset?
    #expect(try batches(source, after: &at) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
    at = nil
    #expect(try batches(source, after: &at, .everything) == [Array(0..<10)])
  }

  /// A batch planned before a merge, a deletion or both has the same rows after them, but for the deleted.
  @Test func rangesAreStable() throws {
    let test = try TableInStore()
    for n in 0..<6 { try test.table.ingest([numbered(10 * n..<10 * n + 10)]) }
    let source = try test.source([("maxRowsPerTrigger", "20")])
    let first = try #require(try source.latestOffset(after: nil, .limited))
    let second = try #require(try source.latestOffset(after: first, .limited))
    #expect(try !test.table.mergeExtents().merged.isEmpty)
    #expect(try ids(source.rows(after: nil, through: first)) == Array(0..<20))
    #expect(try ids(source.rows(after: first, through: second)) == Array(20..<40))
    try test.table.deleteRows(where: .call(FunctionName.equal, [.column("id"), .literal(.long(25))]), context: EvaluationContext(nowTicks: 0, seed: 0))
    #expect(try ids(source.rows(after: first, through: second)) == Array(20..<25) + Array(26..<40))
    var at: StreamOffset? = second
    #expect(try batches(source, after: &at) == [Array(40..<60)])
    try test.table.ingest([numbered(60..<61)])
    _ = try test.table.mergeExtents()
    #expect(try batches(source, after: &at) == [[60]])
  }

  @Test func deletionsBeforeReadingAreReported() throws {
    let test = try TableInStore()
    let source = try test.source()
    try test.table.ingest([numbered(0..<5)])
    var at: StreamOffset?
    #expect(try batches(source, after: &at).count == 1)
    try test.table.ingest([numbered(5..<10)])
    try test.table.deleteRows(where: .call(FunctionName.greaterOrEqual, [.column("id"), .literal(.long(8))]), context: EvaluationContext(nowTicks: 0, seed: 0))
    #expect(try batches(source, after: &at) == [[5, 6, 7]])
    #expect(source.takeNotes().first?.hasPrefix("2 rows") == true)
  }

  @Test func startingCursor() throws {
    let test = try TableInStore()
    try test.table.ingest([numbered(0..<3)])
    let checkpoint = try Checkpoint(test.place.file("cp"))
    let source = try test.source([("startingCursor", "latest")])
    try source.attach(checkpoint, index: 0)
    try test.table.ingest([numbered(3..<5)])
    // A restart before the first batch begins at the same place.
    let again = try test.source([("startingCursor", "latest")])
    try again.attach(checkpoint, index: 0)
    var at: StreamOffset?
    #expect(try batches(again, after: &at) == [[3, 4]])
  }

  @Test func anotherTableUnderTheNameIsRefused() throws {
    let test = try TableInStore()
    try test.table.ingest([numbered(0..<3)])
    var at: StreamOffset?
    _ = try batches(test.source(), after: &at)
    try test.table.database.dropTable("T")
    _ = try test.table.database.createTable(TableDescription("T", schema: try StructType(ddl: "id:long, text:string")))
    let error = #expect(throws: KConnectError.self) { try test.source().latestOffset(after: at, .limited) }
    #expect(error?.code == .checkpointConflict)
    #expect(error?.message.contains("made anew") == true)
  }

  @Test func emptyTriggersAreCheap() throws {
    let test = try TableInStore()
    for n in 0..<40 { try test.table.ingest([numbered(n...n)]) }
    let source = try test.source()
    var at: StreamOffset?
    #expect(try batches(source, after: &at).flatMap { $0 } == Array(0..<40))
    for _ in 0..<1_000 { #expect(try source.latestOffset(after: at, .limited) == at) }
  }
}

@Suite struct DeltaSourceTests {
  private func source(_ path: String, _ options: [(String, String)] = []) throws -> DeltaStreamSource {
    try DeltaStreamSource(path, options: try checked("delta", DeltaStreamSource.specs, options))
  }

  @Test func snapshotThenChanges() throws {
    let place = try Place()
    let path = place.file("t")
    for n in 0..<3 { _ = try write(numbered(2 * n..<2 * n + 2), delta: path) }
    let source = try source(path, [("maxFilesPerTrigger", "2")])
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    var at: StreamOffset?
    #expect(try batches(source, after: &at) == [[0, 1, 2, 3], [4, 5]])
    #expect(at?.json.contains("\"reservoirVersion\":3,\"index\":-1,\"isStartingVersion\":false") == true)
    _ = try write(numbered(6..<8), delta: path)
    _ = try write(numbered(8..<9), delta: path)
    #expect(try batches(source, after: &at) == [[6, 7, 8]])
    #expect(try batches(source, after: &at) == [])
  }

  @Test(arguments: [("1", [[2, 3, 4, 5]]), ("0", [[0, 1, 2, 3, 4, 5]]), ("latest", []), ("3", [])] as [(String, [[Int]])])
  func startingVersions(_ version: String, _ expected: [[Int]]) throws {
    let place = try Place()
    let path = place.file("t")
    for n in 0..<3 { _ = try write(numbered(2 * n..<2 * n + 2), delta: path) }
    let source = try source(path, [("startingVersion", version)])
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    var at: StreamOffset?
    #expect(try batches(source, after: &at) == expected)
    _ = try write(numbered(6..<7), delta: path)
    #expect(try batches(source, after: &at) == [[6]])
  }

  @Test func startingTimestamps() throws {
    let place = try Place()
    let path = place.file("t")
    _ = try write(numbered(0..<2), delta: path)
    let source = try source(path, [("startingTimestamp", "2000-01-01T00:00:00Z")])
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    var at: StreamOffset?
    #expect(try batches(source, after: &at) == [[0, 1]])
    #expect(throws: KConnectError.self) {
      try self.source(path, [("startingTimestamp", "2200-01-01")]).attach(try Checkpoint(place.file("cp2")), index: 0)
    }
  }

  /// Times of commits are compared in a datetime's finer units, up to the last one there is.
  @Test(arguments: [(253_402_300_799_999, [[0, 1]]), (253_402_300_800_000, nil), (Int64.max, nil)] as [(Int64, [[Int]]?)])
  func startingTimestampsOfFarCommits(_ time: Int64, _ expected: [[Int]]?) throws {
    let place = try Place()
    let path = place.file("t")
    _ = try write(numbered(0..<2), delta: path)
    let commit = "t/_delta_log/00000000000000000000.json"
    // The first one counts.
    try place.write(commit, "{\"commitInfo\":{\"inCommitTimestamp\":\(time)}}\n" + place.text(commit))
    func begin() throws -> DeltaStreamSource {
      let source = try source(path, [("startingTimestamp", "9999-12-31T00:00:00Z")])
      try source.attach(try Checkpoint(place.file("cp")), index: 0)
      return source
    }
    if let expected {
      var at: StreamOffset?
      #expect(try batches(begin(), after: &at) == expected)
    } else {
      #expect(throws: KConnectError.self) { try begin() }
    }
  }

  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let options: [(String, String)]
    let isUpdate: Bool
    /// Nil: refused.
    let expected: [[Int]]?
  }

  @Test(arguments: [
    Change(testDescription: "deletion", options: [], isUpdate: false, expected: nil),
    Change(testDescription: "deletion, ignoreDeletes", options: [("ignoreDeletes", "true")], isUpdate: false, expected: [[9]]),
    Change(testDescription: "update", options: [], isUpdate: true, expected: nil),
    Change(testDescription: "update, ignoreDeletes", options: [("ignoreDeletes", "true")], isUpdate: true, expected: nil),
    Change(testDescription: "update, ignoreChanges", options: [("ignoreChanges", "true")], isUpdate: true, expected: [[0, 1, 2, 9]]),
    Change(testDescription: "update, skipChangeCommits", options: [("skipChangeCommits", "true")], isUpdate: true, expected: [[9]]),
  ]) func changes(_ test: Change) throws {
    let place = try Place()
    let path = place.file("t")
    _ = try write(numbered(0..<3), delta: path)
    let source = try source(path, test.options)
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    var at: StreamOffset?
    #expect(try batches(source, after: &at) == [[0, 1, 2]])
    if test.isUpdate { _ = try write(numbered(1..<2), delta: path, [("upsertKey", "id")]) } else {
      _ = try write(numbered(0..<0), delta: path, mode: .overwrite)
    }
    _ = try write(numbered(9..<10), delta: path)
    if let expected = test.expected {
      #expect(try batches(source, after: &at) == expected)
    } else {
      let error = #expect(throws: KConnectError.self) { try batches(source, after: &at) }
      #expect(error?.code == .checkpointConflict)
      #expect(error?.hint?.contains("skipChangeCommits") == true || error?.hint?.contains("ignoreDeletes") == true)
    }
  }

  @Test func newColumnsNeedARestart() throws {
    let place = try Place()
    let path = place.file("t")
    _ = try write(numbered(0..<2), delta: path)
    let checkpoint = try Checkpoint(place.file("cp"))
    let running = try source(path)
    try running.attach(checkpoint, index: 0)
    var at: StreamOffset?
    #expect(try batches(running, after: &at) == [[0, 1]])
    _ = try write(try rowsOf("id:long, text:string, more:real", [[.long(2), .string("b"), .real(1)]]), delta: path, [("mergeSchema", "true")])
    let error = #expect(throws: KConnectError.self) { try running.latestOffset(after: at, .limited) }
    #expect(error?.code == .schemaMismatch)
    #expect(error?.hint?.contains("start the query again") == true)
    let restarted = try source(path)
    try restarted.attach(checkpoint, index: 0)
    #expect(restarted.schema.names == ["id", "text", "more"])
    #expect(try batches(restarted, after: &at) == [[2]])
  }
}
