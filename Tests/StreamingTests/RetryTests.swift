// Role: what a failing batch does: again with growing pauses for a passing reason, without its bad files, or an error that says what is left.

import Columnar
import DataSource
import Engine
import Expressions
import Streaming
import Synchronization
import Testing

/// Three rows once; fails as told before that.
private final class FlakySource: MicroBatchSource {
  let schema = StructType([StructField("n", .long)])
  let description = "flaky"
  let identity = "flaky"
  private var failures: [KConnectError]
  private let setsAside: Bool

  init(_ failures: [KConnectError], setsAside: Bool) {
    self.failures = failures
    self.setsAside = setsAside
  }

  func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? { start ?? StreamOffset(json: "1") }

  func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    if !failures.isEmpty { throw failures.removeFirst() }
    return .values(schema, [RecordBatch(schema: schema, columns: [.of(.long, [.long(1), .long(2), .long(3)])], rowCount: 3)])
  }

  func setAside(after start: StreamOffset?, through end: StreamOffset, _ error: KConnectError) throws -> Bool { setsAside }
}

@Suite struct RetryTests {
  private static let passing = KConnectError(.io, "the network is away", isRetryable: true)
  private static let lasting = KConnectError(.formatCorrupt, "no such bytes", hint: "mend it")

  /// Runs once; the pauses taken, and what ended the run.
  private func run(_ failures: [KConnectError], setsAside: Bool = false, in place: Place) throws -> (pauses: [Int64], error: KConnectError?, rows: Int) {
    let pauses = Mutex<[Int64]>([])
    var settings = StreamSettings()
    settings.trigger = .availableNow
    settings.retries.wait = { milliseconds in pauses.withLock { $0.append(milliseconds) } }
    let rows = Mutex(0)
    let sink = CallbackSink(description: "count") { batch in
      try batch.execution.run { part in
        rows.withLock { $0 += part.rowCount }
        return true
      }
      return WriteSummary(rows: 3)
    }
    nonisolated(unsafe) let flaky = FlakySource(failures, setsAside: setsAside)
    let relation = StreamRelation(schema: flaky.schema, description: "flaky") { flaky }
    let execution = try MicroBatchExecution(plan: .scan(relation), sink: sink, checkpoint: try Checkpoint(place.file("cp")), settings: settings) { _ in }
    var failure: KConnectError?
    do { try execution.run() } catch let error as KConnectError { failure = error }
    return (pauses.withLock { $0 }, failure, rows.withLock { $0 })
  }

  @Test func passingFailuresAreTriedAgain() throws {
    let place = try Place()
    let result = try run(Array(repeating: Self.passing, count: 3), in: place)
    #expect(result.error == nil)
    #expect(result.pauses == [1_000, 2_000, 4_000])
    #expect(result.rows == 3)
  }

  @Test func thenTheBatchStaysPlanned() throws {
    let place = try Place()
    let result = try run(Array(repeating: Self.passing, count: 9), in: place)
    #expect(result.pauses == [1_000, 2_000, 4_000, 8_000, 16_000])
    let error = try #require(result.error)
    #expect(error.isRetryable)
    #expect(error.hint?.contains("batch 0 stays planned in '\(place.file("cp"))'") == true, "\(error)")
    #expect(try Checkpoint(place.file("cp")).recover().pending?.batchId == 0)
    // The next start runs it.
    #expect(try run([], in: place).rows == 3)
    #expect(try Checkpoint(place.file("cp")).recover().committed?.batchId == 0)
  }

  @Test func lastingFailuresAreNot() throws {
    let place = try Place()
    let result = try run([Self.lasting], in: place)
    #expect(result.pauses.isEmpty)
    #expect(result.error?.code == .formatCorrupt)
    #expect(result.error?.hint?.hasPrefix("mend it; batch 0 stays planned") == true, "\(result.error?.hint ?? "")")
    #expect(result.rows == 0)
  }

  @Test func badFilesAreSetAside() throws {
    let place = try Place()
    let result = try run([Self.lasting], setsAside: true, in: place)
    #expect(result.error == nil)
    #expect(result.rows == 3)
  }

  @Test func pausesHaveAnEnd() {
    let policy = RetryPolicy()
    #expect((1...40).map(policy.pauseMs).max() == 60_000)
  }
}
