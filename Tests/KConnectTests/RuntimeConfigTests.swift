// Role: settings of a session that change while it runs.

import Foundation
import KConnect
import Testing

@Suite struct RuntimeConfigTests {
  @Test func unknownNames() async throws {
    let spark = try await Session.builder.appName("conf names").getOrCreate()
    let error = #expect(throws: KConnectError.self) { try spark.conf.set("spark.sql.streaming.checkpointLocaton", "x") }
    #expect(error?.hint?.contains("did you mean 'spark.sql.streaming.checkpointLocation'?") == true)
    #expect(throws: KConnectError.self) { try spark.conf.get("spark.nothing") }
  }

  /// Queries without a checkpoint of their own have one that is theirs at every start.
  @Test func commonCheckpoint() async throws {
    let place = NSTemporaryDirectory() + "kconnect-conf-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: place + "/in", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    try Data("a\n1\n".utf8).write(to: URL(fileURLWithPath: place + "/in/a.csv"))
    let spark = try await Session.builder.appName("conf checkpoint").getOrCreate()
    let frame = try await spark.readStream.schema(StructType().add("a", .long)).csv(place + "/in")
    await #expect(throws: KConnectError.self) { try await frame.writeStream.format("parquet").trigger(.once).start(place + "/out") }
    try spark.conf.set("spark.sql.streaming.checkpointLocation", place + "/cps")
    for (name, rows) in [("one", 1), ("two", 1), ("one", 0)] {
      let query = try await frame.writeStream.format("parquet").queryName(name).trigger(.once).start(place + "/" + name)
      try await query.awaitTermination()
      #expect(query.recentProgress.map(\.numOutputRows).reduce(0, +) == rows)
    }
    // A name is that of a directory below the common place, never of one above it.
    for name in ["..", ".", ""] {
      let error = await #expect(throws: KConnectError.self) { try await frame.writeStream.format("parquet").queryName(name).trigger(.once).start(place + "/out") }
      #expect(error?.code == .usage)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: place + "/cps").sorted() == ["one", "two"])
    try spark.conf.unset("spark.sql.streaming.checkpointLocation")
    #expect(try spark.conf.get("spark.sql.streaming.checkpointLocation") == nil)
  }
}
