// Role: readStream and writeStream as a Swift job uses them.

import Foundation
import KConnect
import Synchronization
import Testing

@Suite struct StreamTests {
  private func place() throws -> String {
    let path = NSTemporaryDirectory() + "kconnect-streams-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path + "/in", withIntermediateDirectories: true)
    return path
  }

  private func put(_ place: String, _ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: place + "/in/" + name)) }

  @Test func filesToParquet() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    try put(place, "a.csv", "a,b\n1,x\n2,y\n")
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let frame = try await spark.readStream.format("csv").schema("a:long, b:string").load(place + "/in").filter("a > 1").withColumn("c", col("a") * 2)
    #expect(frame.isStreaming)
    let query = try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp").queryName("q").start(place + "/out")
    try await query.processAllAvailable()
    try put(place, "b.csv", "a,b\n3,z\n")
    try await query.processAllAvailable()
    try await query.stop()
    #expect(!query.isActive)
    #expect(query.exception == nil)
    #expect(query.recentProgress.map(\.batchId) == [0, 1])
    #expect(query.recentProgress.map(\.numInputRows) == [2, 1])
    #expect(query.recentProgress.map(\.numOutputRows) == [1, 1])
    #expect(query.lastProgress?.json.contains("\"name\":\"q\"") == true)
    let rows = try await spark.read.parquet(place + "/out").orderBy("a").collect()
    #expect(try rows.map { try $0["c", as: Int.self] } == [4, 6])
    // A second run of the same checkpoint has nothing to do.
    let again = try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp").trigger(.availableNow).start(place + "/out")
    try await again.awaitTermination()
    #expect(again.id == query.id)
    #expect(again.runId != query.runId)
    #expect(again.lastProgress == nil)
  }

  /// Waiting for what is there works under every trigger that does not end by itself.
  @Test func processAllAvailableOnAnInterval() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    try put(place, "a.csv", "a\n1\n2\n")
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let frame = try await spark.readStream.format("csv").schema("a:long").load(place + "/in")
    let query = try await frame.writeStream.format("parquet").option("checkpointLocation", place + "/cp").trigger(.processingTime(milliseconds: 20)).start(place + "/out")
    try await query.processAllAvailable()
    #expect(query.recentProgress.map(\.numOutputRows) == [2])
    try await query.stop()
  }

  @Test func eventTimesAreNamedOnce() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let frame = try await spark.readStream.format("csv").schema("a:long, ts:datetime").load(place + "/in").withWatermark("ts", "1 minute")
    let error = #expect(throws: KConnectError.self) { try frame.withWatermark("ts", "2 minutes") }
    #expect(error?.code == .notSupported)
    #expect(throws: KConnectError.self) { try spark.conf.set("spark.sql.streaming.multipleWatermarkPolicy", "mean") }
    try spark.conf.set("spark.sql.streaming.multipleWatermarkPolicy", "max")
    try spark.conf.unset("spark.sql.streaming.multipleWatermarkPolicy")
  }

  @Test func foreachBatchComesAgainAfterAFailure() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    try put(place, "a.json", "{\"n\":1}\n{\"n\":2}\n")
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let seen = Mutex<[String]>([])
    for attempt in 0..<2 {
      let query = try await spark.readStream.json(place + "/in").writeStream.option("checkpointLocation", place + "/cp").trigger(.once)
        .foreachBatch { batch, id in
          let rows = try await batch.collect().count
          seen.withLock { $0.append("\(id):\(rows)") }
          if attempt == 0 { throw KConnectError(.io, "no") }
        }.start()
      do { try await query.awaitTermination() } catch { #expect(attempt == 0) }
    }
    #expect(seen.withLock { $0 } == ["0:2", "0:2"])
  }

  @Test func refusals() async throws {
    let place = try place()
    defer { try? FileManager.default.removeItem(atPath: place) }
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let stream = try await spark.readStream.format("csv").schema("a:long").load(place + "/in")
    await #expect(throws: KConnectError.self) { try await stream.collect() }
    await #expect(throws: KConnectError.self) { try await stream.writeStream.format("parquet").start(place + "/out") }
    let counted = try stream.groupBy("a").count()
    let error = await #expect(throws: KConnectError.self) {
      try await counted.writeStream.format("parquet").option("checkpointLocation", place + "/cp").start(place + "/out")
    }
    #expect(error?.code == .notSupported)
    await #expect(throws: KConnectError.self) { try await spark.readStream.format("csv").load(place + "/in") }
    await #expect(throws: KConnectError.self) { try await spark.readStream.format("csv").schema("a:long").option("maxFilePerTrigger", 1).load(place + "/in") }
  }
}
