// Role: tables, memory and event time in streams as a Swift job uses them.

import Foundation
import KConnect
import Testing

@Suite struct TableStreamTests {
  private final class Scratch {
    let path = NSTemporaryDirectory() + "kconnect-tables-" + UUID().uuidString
    init() throws { try FileManager.default.createDirectory(atPath: path + "/in", withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    func put(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/in/" + name)) }
  }

  private func finish(_ writer: DataStreamWriter, _ target: String = "") async throws { try await writer.trigger(.availableNow).start(target).awaitTermination() }

  @Test func filesToStoreToMemory() async throws {
    let place = try Scratch()
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let store = place.path + "/store"
    func ingest() async throws {
      try await finish(
        spark.readStream.schema("a:long, b:string").csv(place.path + "/in").writeStream.format("kusto").option("kustoStore", store)
          .option("tableCreateOptions", "CreateIfNotExist").option("sparkIngestionPropertiesJson", #"{"dropByTags":["day1"]}"#)
          .option("checkpointLocation", place.path + "/cp"), "db.T")
    }
    try place.put("a.csv", "a,b\n1,x\n2,y\n")
    try await ingest()
    try place.put("b.csv", "a,b\n3,z\n")
    try await ingest()
    // The table has batch 1, the commit log has not: it runs again and writes nothing.
    try FileManager.default.removeItem(atPath: place.path + "/cp/commits/1")
    try await ingest()
    let rows = try await spark.read.format("kusto").option("kustoStore", store).option("kustoQuery", "T | order by a asc | extend tags = tostring(extent_tags())").option("kustoDatabase", "db").load().collect()
    #expect(try rows.map { try $0["a", as: Int.self] } == [1, 2, 3])
    #expect(try rows.allSatisfy { try $0["tags", as: String.self]?.contains("drop-by:day1") == true })

    let table = try await spark.readStream.format("kusto").option("kustoStore", store).option("maxRowsPerTrigger", 2).load("db.T")
    let query = try await table.writeStream.format("memory").queryName("seen").option("checkpointLocation", place.path + "/cp2").trigger(.availableNow).start()
    try await query.awaitTermination()
    #expect(query.recentProgress.map(\.numOutputRows) == [2, 1])
    #expect(try await spark.table("seen").count() == 3)
    #expect(try await spark.kql("seen | where a > 1 | count").collect().first?["Count", as: Int.self] == 2)
    #expect(throws: KConnectError.self) { try spark.table("unseen") }
  }

  @Test func duplicatesWithinTheWatermark() async throws {
    let place = try Scratch()
    let spark = try await Session.builder.appName("streams").getOrCreate()
    func once() async throws {
      let frame = try await spark.readStream.schema("k:string, ts:datetime").csv(place.path + "/in").withWatermark("ts", "1 hour").dropDuplicatesWithinWatermark("k")
      try await finish(frame.writeStream.format("csv").option("checkpointLocation", place.path + "/cp"), place.path + "/out")
    }
    try place.put("a.csv", "k,ts\nx,2024-01-01T00:00:00Z\nx,2024-01-01T00:01:00Z\ny,2024-01-01T00:02:00Z\n")
    try await once()
    try place.put("b.csv", "k,ts\nx,2024-01-01T00:30:00Z\nz,2024-01-01T00:31:00Z\n")
    try await once()
    let rows = try await spark.read.csv(place.path + "/out").orderBy("k").collect()
    #expect(try rows.map { try $0["k", as: String.self] } == ["x", "y", "z"])
    let frame = try await spark.readStream.schema("k:string, ts:datetime").csv(place.path + "/in")
    #expect(throws: KConnectError.self) { try frame.dropDuplicatesWithinWatermark("k") }
    #expect(throws: KConnectError.self) { try frame.withWatermark("k", "1 hour") }
  }

  @Test func laterFilesMustBeLikeTheFirst() async throws {
    let place = try Scratch()
    let spark = try await Session.builder.appName("streams").getOrCreate()
    func once() async throws {
      try await finish(spark.readStream.csv(place.path + "/in").writeStream.format("parquet").option("checkpointLocation", place.path + "/cp"), place.path + "/out")
    }
    try place.put("a.csv", "a,b\n1,2\n")
    try await once()
    // Its columns come in another order: by position its values would change places.
    try place.put("b.csv", "b,a\n20,10\n")
    let error = await #expect(throws: KConnectError.self) { try await once() }
    #expect(error?.code == .schemaMismatch && error?.message.contains("b.csv") == true, "\(error?.message ?? "no error")")
    #expect(try await spark.read.parquet(place.path + "/out").count() == 1)
  }

  @Test(arguments: ["delta", "kusto"]) func upserts(_ format: String) async throws {
    let place = try Scratch()
    let spark = try await Session.builder.appName("streams").getOrCreate()
    let target = format == "delta" ? place.path + "/t" : "db.t"
    let options = format == "delta" ? [:] : ["kustoStore": place.path + "/store"]
    func once() async throws {
      var writer = try await spark.readStream.schema("id:long, v:string").csv(place.path + "/in").writeStream.format(format).option("upsertKey", "id")
        .option("checkpointLocation", place.path + "/cp")
      for (name, value) in options { writer = writer.option(name, value) }
      if format == "kusto" { writer = writer.option("tableCreateOptions", "CreateIfNotExist") }
      try await finish(writer, target)
    }
    try place.put("a.csv", "id,v\n1,a\n2,b\n")
    try await once()
    try place.put("b.csv", "id,v\n2,c\n3,d\n")
    try await once()
    var reader = spark.read.format(format)
    for (name, value) in options { reader = reader.option(name, value) }
    let rows = try await reader.load(target).orderBy("id").collect()
    #expect(try rows.map { try $0["v", as: String.self] } == ["a", "c", "d"])
  }
}
