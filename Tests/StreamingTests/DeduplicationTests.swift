// Role: rows that come once only: within a batch, across batches, across restarts at the worst moments; what is forgotten and when.

import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import Streaming
import Testing

@Suite struct DeduplicationTests {
  private let ddl = "id:long, key:string, ts:datetime"

  private func row(_ id: Int, _ key: String, minute: Int) -> [Scalar] {
    [.long(Int64(id)), .string(key), .datetime(Int64(minute) * 600_000_000 + 16_000_000_000_000_000)]
  }

  private func within(_ minutes: Int64) -> (LogicalPlan) throws -> LogicalPlan {
    { plan in
      let dated = try LogicalPlan.custom(StreamWatermark(column: "ts", delayMs: minutes * 60_000), [plan])
      return try .custom(StreamDeduplicate(keys: ["key"], scope: .within(milliseconds: minutes * 60_000, eventTime: "ts")), [dated])
    }
  }

  @Test func withinABatch() throws {
    let place = try Place()
    let sink = ListSink()
    let lists = try [rowsOf(ddl, [row(1, "a", minute: 0), row(2, "a", minute: 0), row(3, "b", minute: 0)]), rowsOf(ddl, [row(4, "a", minute: 0)])]
    try run(lists, ddl, into: sink, checkpoint: place.file("cp")) { try .custom(StreamDeduplicate(keys: ["key"], scope: .batch), [$0]) }
    #expect(sink.ids == [[1, 3], [4]])
  }

  @Test func acrossBatchesUntilTheWatermarkHasPassed() throws {
    let place = try Place()
    let sink = ListSink()
    let lists = try [
      rowsOf(ddl, [row(1, "a", minute: 0), row(2, "b", minute: 1)]),
      rowsOf(ddl, [row(3, "a", minute: 5), row(4, "c", minute: 30)]),  // a is known; the watermark becomes minute 20
      rowsOf(ddl, [row(5, "a", minute: 25), row(6, "d", minute: 15), row(7, "c", minute: 31)]),  // a has expired, d is late, c is known
    ]
    let progress = try run(lists, ddl, into: sink, checkpoint: place.file("cp"), within(10))
    #expect(sink.ids == [[1, 2], [4], [5]])
    #expect(progress.last?.stateOperators.first?.numRowsDroppedByWatermark == 1)
    #expect(progress.last?.json.contains("\"eventTime\":{\"watermark\":") == true)
  }

  @Test func byTheClockOfBatches() throws {
    let place = try Place()
    let sink = ListSink()
    let lists = try (0..<4).map { try rowsOf(ddl, [row($0, "a", minute: 0)]) }
    nonisolated(unsafe) var now: Int64 = 0
    try run(lists, ddl, into: sink, checkpoint: place.file("cp"), clock: {
      now += 1_000
      return now
    }) { try .custom(StreamDeduplicate(keys: ["key"], scope: .within(milliseconds: 5_000, eventTime: nil)), [$0]) }
    #expect(sink.ids.first == [0])
    #expect(sink.ids.flatMap { $0 }.count < 4)
  }

  /// A batch that the sink has and the commit log has not: the state must be found again without the sink asking for rows.
  @Test func theStateSurvivesABatchThatTheSinkSkips() throws {
    let place = try Place()
    let sink = ListSink()
    let lists = try [rowsOf(ddl, [row(1, "a", minute: 0)]), rowsOf(ddl, [row(2, "b", minute: 1)]), rowsOf(ddl, [row(3, "a", minute: 2), row(4, "b", minute: 2)])]
    sink.failsOn = 1
    #expect(throws: KConnectError.self) { try run(lists, ddl, into: sink, checkpoint: place.file("cp"), within(60)) }
    try run(lists, ddl, into: sink, checkpoint: place.file("cp"), within(60))
    #expect(sink.ids == [[1], [2], []])
  }

  /// Snapshots and their clean-up, many batches, restarts in between.
  @Test func longRuns() throws {
    let place = try Place()
    let sink = ListSink()
    let lists = try (0..<45).map { n in try rowsOf(ddl, [row(2 * n, "k\(n % 30)", minute: n), row(2 * n + 1, "own\(n)", minute: n)]) }
    for end in stride(from: 4, through: 45, by: 7) { try run(Array(lists[..<end]), ddl, into: sink, checkpoint: place.file("cp"), within(100)) }
    try run(lists, ddl, into: sink, checkpoint: place.file("cp"), within(100))
    #expect(sink.ids.flatMap { $0 }.count == 30 + 45)
    let files = try FileManager.default.contentsOfDirectory(atPath: place.file("cp/state/0"))
    #expect(files.filter { $0.hasSuffix(".snapshot") }.count == 1)
    #expect(files.count <= 11)
  }

  /// The files of the state in a checkpoint, with `count` batches of ten done, each with a key of its own and one that all have.
  private func keep(_ count: Int, _ sink: ListSink, _ place: Place) throws -> [String] {
    let lists = try (0..<count).map { n in try rowsOf(ddl, [row(2 * n, "all", minute: n), row(2 * n + 1, "own\(n % 10)", minute: n)]) }
    try run(lists, ddl, into: sink, checkpoint: place.file("cp"), within(100))
    return try FileManager.default.contentsOfDirectory(atPath: place.file("cp/state/0")).sorted()
  }

  /// The state before the batch that a snapshot follows is there until the next one is committed: a damaged commit takes the query back to it.
  @Test(arguments: 8...12) func theLastBatchCanRunAgain(_ count: Int) throws {
    let place = try Place()
    let sink = ListSink()
    let files = try keep(count, sink, place)
    #expect(files.contains("10.snapshot") == (count >= 10) && files.contains("9.delta") == (9...10).contains(count), "\(files)")
    try place.write("cp/commits/\(count - 1)", "v1")
    let findings = try CheckpointRepair.run(place.file("cp"), applies: true) { _, _ in .unknown }
    #expect(findings.count == 1 && findings.first?.remedy != nil, "\(findings)")
    _ = try keep(20, sink, place)
    let expected: [[Int]] = (0..<20).map { n in n == 0 ? [0, 1] : n < 10 ? [2 * n + 1] : [] }
    #expect(sink.ids == expected)
  }

  /// Where the state before a batch is gone, the batch is not run again, and what is left of the state stays.
  @Test func aStateThatCannotGoBackStays() throws {
    let place = try Place()
    let sink = ListSink()
    _ = try keep(10, sink, place)
    for n in 1...10 { try place.remove("cp/state/0/\(n).delta") }
    let commit = try place.text("cp/commits/9")
    try place.write("cp/commits/9", "v1")
    let findings = try CheckpointRepair.run(place.file("cp"), applies: true) { _, _ in .unknown }
    #expect(findings.count == 1 && findings.first?.remedy == nil && findings.first?.problem.contains("cannot run again") == true, "\(findings)")
    try place.remove("cp/commits/9")
    let error = #expect(throws: KConnectError.self) { try keep(11, sink, place) }
    #expect(error?.message.contains("is missing") == true)
    try place.write("cp/commits/9", commit)
    #expect(try keep(11, sink, place) == ["10.snapshot", "11.delta"])
    #expect(sink.ids.last == [])
  }

  @Test func whatMayNotChange() throws {
    let place = try Place()
    let lists = try [rowsOf(ddl, [row(1, "a", minute: 0)])]
    try run(lists, ddl, into: ListSink(), checkpoint: place.file("cp"), within(10))
    for make in [within(20), { $0 }] {
      let error = #expect(throws: KConnectError.self) { try run(lists, ddl, into: ListSink(), checkpoint: place.file("cp"), make) }
      #expect(error?.code == .checkpointConflict)
    }
  }

  @Test func damagedStateIsRefused() throws {
    let place = try Place()
    let lists = try [rowsOf(ddl, [row(1, "a", minute: 0)])]
    try run(lists, ddl, into: ListSink(), checkpoint: place.file("cp"), within(10))
    try place.write("cp/state/0/1.delta", "KCSTATE1 and more that is not state")
    let error = #expect(throws: KConnectError.self) { try run(lists, ddl, into: ListSink(), checkpoint: place.file("cp"), within(10)) }
    #expect(error?.message.contains("checksum") == true)
    try place.remove("cp/state/0/1.delta")
    let gone = #expect(throws: KConnectError.self) { try run(lists, ddl, into: ListSink(), checkpoint: place.file("cp"), within(10)) }
    #expect(gone?.message.contains("is missing") == true)
  }

  /// Keys of every type that can be one come back as they were.
  @Test func keysOfAllTypes() throws {
    let place = try Place()
    let all = "id:long, a:bool, b:int, c:long, d:real, e:decimal, f:string, g:datetime, h:timespan, i:guid"
    func rows(_ ids: Int...) throws -> RecordBatch {
      try rowsOf(all, ids.map { id in
        [.long(Int64(id)), .bool(true), .int(-3), .long(.max), .real(-0.5), .decimal(DecimalValue(12345, scale: 2)), .string("ü\"\n"), .datetime(-7), .timespan(9), .guid(GUID(high: 1, low: 2))]
      })
    }
    func nulls(_ id: Int) throws -> RecordBatch { try rowsOf(all, [[.long(Int64(id))] + StructType(ddl: all).fields.dropFirst().map { .null($0.type) }]) }
    let sink = ListSink()
    let make: (LogicalPlan) throws -> LogicalPlan = {
      try .custom(StreamDeduplicate(keys: ["a", "b", "c", "d", "e", "f", "g", "h", "i"], scope: .within(milliseconds: 1_000, eventTime: nil)), [$0])
    }
    let lists = try [rows(1), nulls(2), rows(3), nulls(4)]
    for end in 1...4 { try run(Array(lists[..<end]), all, into: sink, checkpoint: place.file("cp"), make) }
    #expect(sink.ids == [[1], [2], [], []])
  }

  @Test func stateThatDoesNotFitIsRefused() throws {
    let place = try Place()
    let many = try rowsOf("id:long", (0..<60_000).map { [.long(Int64($0) &* 0x9E37_79B9_7F4A)] })
    let error = #expect(throws: KConnectError.self) {
      try run([many], "id:long", into: ListSink(), checkpoint: place.file("cp"), memory: 1 << 20) {
        try .custom(StreamDeduplicate(keys: ["id"], scope: .within(milliseconds: 1_000, eventTime: nil)), [$0])
      }
    }
    #expect(error?.code == .lowMemory)
  }
}
