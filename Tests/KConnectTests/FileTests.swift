// Role: reading and writing files through the public API: every type there and back, save modes, partitions, errors that leave nothing.

import KConnect
import Testing

@Suite struct FileTests {
  private static let schema = "b:bool, i:int, l:long, r:real, d:decimal, s:string, t:datetime, p:timespan, g:guid, y:dynamic"

  private func typed() async throws -> DataFrame {
    let rows: [[Scalar]] = [
      [
        .bool(true), .int(-1), .long(.max), .real(0.5), .decimal(DecimalValue(12_345, scale: 2)), .string("a,\"b\"\nc"),
        .datetime(DateTime("2024-02-29T12:30:00.123456Z")!.ticks), .timespan(36_000_000_000), .guid(GUID("74be27de-1e4e-49d9-b579-fe0b331d3642")!),
        .dynamic(.bag([DynamicEntry("k", .array([.long(1), .null]))])),
      ],
      [.null(.bool), .null(.int), .null(.long), .null(.real), .null(.decimal), .null(.string), .null(.datetime), .null(.timespan), .null(.guid), .null(.dynamic)],
      [
        .bool(false), .int(.min), .long(.min), .real(-0.0), .decimal(DecimalValue(-1, scale: 2)), .string("ü"), .datetime(0), .timespan(-10),
        .guid(GUID(high: 0, low: 0)), .dynamic(.array([])),
      ],
    ]
    return try await session().createDataFrame(rows: rows, schema: StructType(ddl: Self.schema))
  }

  @Test func parquetKeepsEveryType() async throws {
    let place = try TemporaryPlace()
    let frame = try await typed()
    let summary = try await frame.write.parquet(place.file("t.parquet"))
    #expect(summary.rows == 3 && summary.files == 1 && summary.bytes > 0)
    let back = try await session().read.parquet(place.file("t.parquet"))
    #expect(back.schema.fields.map(\.type) == frame.schema.fields.map(\.type))
    #expect(try await texts(back) == texts(frame))
  }

  @Test(arguments: ["csv", "json"]) func textFormatsWithASchema(_ format: String) async throws {
    let place = try TemporaryPlace()
    let frame = try await typed().select("i", "l", "r", "t", "g")
    var writer = frame.write.format(format)
    var reader = try await session().read.format(format).schema(frame.schema)
    if format == "csv" {
      writer = writer.option(.header, true)
      reader = reader.option(.header, true)
    }
    try await writer.save(place.file("t.\(format)"))
    #expect(try await texts(reader.load(place.file("t.\(format)"))) == texts(frame))
  }

  @Test func saveModes() async throws {
    let place = try TemporaryPlace()
    let spark = try await session()
    let path = place.file("out")
    try await spark.range(3).write.parquet(path)
    await #expect { try await spark.range(1).write.parquet(path) } throws: { ($0 as? KConnectError)?.code == .alreadyExists }
    #expect(try await spark.range(1).write.mode(.ignore).parquet(path).isSkipped)
    try await spark.range(4).write.mode(.append).parquet(path)
    #expect(try await spark.read.parquet(path).count() == 7)
    try await spark.range(2).write.mode(.overwrite).parquet(path)
    #expect(try await spark.read.parquet(path).count() == 2)
  }

  @Test func partitions() async throws {
    let place = try TemporaryPlace()
    let spark = try await session()
    let frame = try spark.createDataFrame(events)
    try await frame.write.partitionBy("kind").parquet(place.file("p"))
    #expect(TemporaryPlace.names(place.file("p")).filter { !$0.hasPrefix("_") && !$0.hasPrefix(".") } == ["kind=Flood", "kind=Hail", "kind=Wind"])
    let back = try await spark.read.parquet(place.file("p"))
    #expect(try await sortedTexts(back.filter(col("kind") == "Hail").select("state", "deaths", "kind")) == ["OHIO|2|Hail", "TEXAS|1|Hail"])
  }

  @Test func failedWriteLeavesNothing() async throws {
    let place = try TemporaryPlace()
    let source = try place.write("in.csv", "n\n1\n2\nthree\n")
    let frame = try await session().read.schema("n:long").option(.header, true).option(.parseMode, "FAILFAST").csv(source)
    await #expect(throws: KConnectError.self) { try await frame.write.parquet(place.file("out.parquet")) }
    #expect(place.names == ["in.csv"])
  }

  @Test func inference() async throws {
    let place = try TemporaryPlace()
    let source = try place.write("in.csv", "a,b,c,d\n1,1.5,x,2024-01-01\n2,,y,2024-01-02\n")
    let frame = try await session().read.option(.header, true).option(.inferSchema, true).csv(source)
    #expect(frame.schema.description == "a:long, b:real, c:string, d:datetime" || frame.schema.description == "a:int, b:real, c:string, d:datetime")
    #expect(try await frame.agg(sum("a"), sum("b")).first()?["sum(b)", as: Double.self] == 1.5)
  }

  /// The plugin recommends types by names and by what the values could count.
  @Test func storageSchemasComeWithSuggestions() async throws {
    let place = try TemporaryPlace()
    _ = try place.write(
      "posts.json",
      """
      {"source": "feed", "at": "2023-05-06 07:08:09", "author_id": 739144091473215488, "seen": 1683356889000, "posted": 1683356889, "likes": 12}
      {"source": "feed", "at": "2023-05-07 07:08:09", "author_id": 739144091473215489, "seen": 1683443289000, "posted": 1683443289, "likes": 1683356889}

      """)
    let frame = try await session().kql(
      """
      evaluate infer_storage_schema_with_suggestions(dynamic({"StorageContainers": ["\(place.path)/"], "FileExtension": ".json", "DataFormat": "json"}))
      | extend s = parse_json(SuggestedTableSchema) | mv-expand c = s.Columns
      | project strcat(c.OriginalColumn.Name, ' ', c.OriginalColumn.CslType.type, ' ', c.RecommendedColumn.CslType.type, ' ',
          c.RecommendedColumn.CslType.IsNumeric, ' ', c.RecommendedColumn.CslType.IsSummable, ' ', c.ApplicableTransformationMapping)
      """)
    #expect(
      try await sortedTexts(frame) == [
        "at datetime datetime false true None", "author_id long string false false None", "likes long long true true None",
        "posted long datetime false true DateTimeFromUnixSeconds", "seen long datetime false true DateTimeFromUnixMilliseconds",
        "source string string false false None",
      ])
  }
}
