// Role: what listeners of streaming queries hear, and the queries of a session.

import Foundation
import KConnect
import Synchronization
import Testing

private final class Recorder: StreamingQueryListener {
  let events = Mutex<[String]>([])
  private func note(_ text: String) { events.withLock { $0.append(text) } }
  func onQueryStarted(_ event: QueryStartedEvent) { note("started \(event.name ?? "-")") }
  func onQueryProgress(_ event: QueryProgressEvent) { note("batch \(event.progress.batchId) \(event.progress.numOutputRows)") }
  func onQueryTerminated(_ event: QueryTerminatedEvent) { note("terminated \(event.exception.map { "\($0.code)" } ?? "normally")") }
}

@Suite struct ListenerTests {
  private func place() throws -> String {
    let path = NSTemporaryDirectory() + "kconnect-listeners-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path + "/in", withIntermediateDirectories: true)
    try Data("a\n1\n2\n".utf8).write(to: URL(fileURLWithPath: path + "/in/a.csv"))
    return path
  }

  private func session(_ name: String) async throws -> Session { try await Session.builder.appName("listeners \(name)").getOrCreate() }

  @Test func hearsAQuery() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let spark = try await session("hears")
    let recorder = Recorder(), other = Recorder()
    spark.streams.addListener(recorder)
    spark.streams.addListener(other)
    spark.streams.removeListener(other)
    let frame = try await spark.readStream.format("csv").schema("a:long").load(place + "/in")
    let query = try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp").queryName("q").trigger(.availableNow).start(place + "/out")
    try await query.awaitTermination()
    #expect(recorder.events.withLock { $0 } == ["started q", "batch 0 2", "terminated normally"])
    #expect(other.events.withLock { $0 }.isEmpty)
    #expect(spark.streams.active.isEmpty)
  }

  @Test func hearsAFailure() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let spark = try await session("failure")
    let recorder = Recorder()
    spark.streams.addListener(recorder)
    let query = try await spark.readStream.format("csv").schema("a:long").load(place + "/in").writeStream.option("checkpointLocation", place + "/cp")
      .foreachBatch { _, _ in throw KConnectError(.valueInvalid, "no") }.start()
    await #expect(throws: KConnectError.self) { try await spark.streams.awaitAnyTermination() ; try await query.awaitTermination() }
    #expect(recorder.events.withLock { $0 }.last == "terminated VALUE_INVALID")
  }

  @Test func oneQueryOfAName() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let spark = try await session("names")
    let frame = try await spark.readStream.format("csv").schema("a:long").load(place + "/in")
    let first = try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp").queryName("q").start(place + "/out")
    #expect(spark.streams.get(first.id) === first)
    let error = await #expect(throws: KConnectError.self) {
      try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp2").queryName("q").start(place + "/out2")
    }
    #expect(error?.code == .alreadyExists)
    try await first.stop()
    let again = try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp").queryName("q").start(place + "/out")
    try await again.stop()
    #expect(spark.streams.active.isEmpty)
  }
}
