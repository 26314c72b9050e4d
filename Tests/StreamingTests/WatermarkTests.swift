// Role: several event times in one query, and the triggers that find nothing.

import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import Streaming
import Synchronization
import Testing

@Suite struct WatermarkTests {
  private static let ddl = "id:long, ts:datetime"

  private func rows(_ list: [(id: Int, minute: Int)]) throws -> RecordBatch {
    try rowsOf(Self.ddl, list.map { [.long(Int64($0.id)), .datetime(Int64($0.minute) * 600_000_000)] })
  }

  /// Two streams with event times of their own, delays of 0 and 5 minutes, under one list of rows that come once within an hour.
  private func run(
    _ place: Place, _ a: [[(id: Int, minute: Int)]], _ b: [[(id: Int, minute: Int)]], _ policy: WatermarkPolicy, into sink: ListSink
  ) throws -> [StreamingQueryProgress] {
    let schema = try StructType(ddl: Self.ddl)
    nonisolated(unsafe) let sources = [try ListSource(a.map(rows), schema: schema), try ListSource(b.map(rows), schema: schema)]
    let inputs = try sources.indices.map { i in
      try LogicalPlan.custom(
        StreamWatermark(column: "ts", delayMs: Int64(i) * 300_000), [.scan(StreamRelation(schema: schema, description: "list \(i)") { sources[i] })])
    }
    let union = try LogicalPlan.union(inputs)
    let watermark = try #require(try union.streamWatermark)
    #expect(watermark == StreamWatermark(column: "ts", delayMs: 300_000))
    let plan = try LogicalPlan.custom(StreamDeduplicate(keys: ["id"], scope: .within(milliseconds: watermark.delayMs, eventTime: "ts")), [union])
    var settings = StreamSettings()
    settings.trigger = .availableNow
    settings.clock = StreamClock(now: { 1_000 })
    settings.watermarkPolicy = policy
    let seen = Mutex<[StreamingQueryProgress]>([])
    try MicroBatchExecution(plan: plan, sink: sink, checkpoint: try Checkpoint(place.file("cp")), settings: settings) { progress in seen.withLock { $0.append(progress) } }.run()
    return seen.withLock { $0 }
  }

  private func committed(_ place: Place, _ batch: Int) throws -> Int? {
    let line = try place.text("cp/commits/\(batch)").split(separator: "\n")[1]
    let value = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    return (value?["nextBatchWatermarkMs"] as? Int).map { $0 / 60_000 }
  }

  /// The first stream is at minute 100, the second at 35 - 5: a row of minute 40 is late by the faster one only.
  @Test(arguments: [(WatermarkPolicy.min, 30, [[1, 2], [3]]), (.max, 100, [[1, 2], []])]) func policies(_ policy: WatermarkPolicy, _ minute: Int, _ expected: [[Int]]) throws {
    let place = try Place()
    let sink = ListSink()
    let progress = try run(place, [[(1, 100)], []], [[(2, 35)], [(3, 40)]], policy, into: sink)
    #expect(sink.ids == expected)
    #expect(try committed(place, 0) == minute)
    #expect(progress.last?.stateOperators.first?.numRowsDroppedByWatermark == (policy == .max ? 1 : 0))
    // Another policy would make other rows late: refused.
    let error = #expect(throws: KConnectError.self) { try run(place, [[(1, 100)], []], [[(2, 35)], [(3, 40)]], policy == .min ? .max : .min, into: sink) }
    #expect(error?.code == .checkpointConflict && error?.message.contains("watermarkPolicy") == true, "\(error?.message ?? "")")
  }

  /// What each stream has reached is known again after a restart: the slower one alone moves the watermark.
  @Test func restart() throws {
    let place = try Place()
    let sink = ListSink()
    _ = try run(place, [[(1, 100)]], [[(2, 35)]], .min, into: sink)
    #expect(try committed(place, 0) == 30)
    _ = try run(place, [[(1, 100)], []], [[(2, 35)], [(3, 75)]], .min, into: sink)
    #expect(try committed(place, 1) == 70)
    _ = try run(place, [[(1, 100)], [], []], [[(2, 35)], [(3, 75)], [(4, 200)]], .min, into: sink)
    #expect(try committed(place, 2) == 100)
  }

  /// A stream without rows so far holds the watermark back, unless the fastest decides.
  @Test(arguments: [(WatermarkPolicy.min, 0), (.max, 100)]) func aStreamWithoutRows(_ policy: WatermarkPolicy, _ minute: Int) throws {
    let place = try Place()
    _ = try run(place, [[(1, 100)]], [[]], policy, into: ListSink())
    #expect(try committed(place, 0) == minute)
  }

  @Test func eventTimesOfDifferentNames() throws {
    let schema = try StructType(ddl: "a:datetime, b:datetime")
    func stream(_ column: String) throws -> LogicalPlan {
      try .custom(StreamWatermark(column: column, delayMs: 0), [.scan(StreamRelation(schema: schema, description: "list") { ListSource([], schema: schema) })])
    }
    let error = #expect(throws: KConnectError.self) { try LogicalPlan.union([stream("a"), stream("b")]).streamWatermark }
    #expect(error?.code == .notSupported)
  }
}

@Suite struct EmptyTriggerTests {
  /// Triggers on an interval count what they find, and tell when nothing came.
  @Test(arguments: [Trigger.asFastAsPossible, .processingTime(milliseconds: 1)]) func emptyTriggersAreCounted(_ trigger: Trigger) throws {
    let place = try Place()
    let schema = try StructType(ddl: "id:long")
    let stop = Mutex<(@Sendable () -> Void)?>(nil)
    let idle = Mutex(0)
    var settings = StreamSettings()
    settings.trigger = trigger
    settings.idleEventMs = 0
    settings.timeoutMs = 60_000
    settings.onIdle = {
      let calls = idle.withLock { calls in
        calls += 1
        return calls
      }
      if calls == 3 { stop.withLock { $0 }?() }
    }
    let plan = LogicalPlan.scan(StreamRelation(schema: schema, description: "list") { ListSource([], schema: schema) })
    let execution = try MicroBatchExecution(plan: plan, sink: ListSink(), checkpoint: try Checkpoint(place.file("cp")), settings: settings) { _ in }
    stop.withLock { $0 = { execution.stop() } }
    try execution.run()
    #expect(idle.withLock { $0 } == 3)
    #expect(execution.emptyTriggerCount == 3)
  }
}
