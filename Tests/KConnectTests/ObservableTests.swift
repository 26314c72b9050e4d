// Role: what a user of the Spark connector can see of its features, on the embedded store: one test per feature of the connector's list that needs no
// cluster, named after it.

import KConnect
import Testing

/// A store with the table db.T (a:long, b:string), and a session.
private struct Observed {
  let place: TemporaryPlace
  let spark: Session
  var store: String { place.file("store") }

  init() async throws {
    place = try TemporaryPlace()
    spark = try await session()
    try await run(".create database db")
    try await run(".set T <| datatable(a:long, b:string)[1, 'x', 2, 'y', 3, '']")
  }

  @discardableResult
  func run(_ command: String) async throws -> [String] {
    try await texts(spark.command(command, database: "db", store: store, allowsChanges: true))
  }

  func read(_ options: [String: String]) async throws -> DataFrame {
    try await spark.read.format("kusto").option("kustoStore", store).options(options).load()
  }

  /// The sorted rows of a query.
  func rows(_ query: String) async throws -> [String] { try await sortedTexts(read(["kustoDatabase": "db", "kustoQuery": query])) }

  func frame(_ kql: String) throws -> DataFrame { try spark.kql(kql) }

  @discardableResult
  func write(_ kql: String, to table: String, _ mode: SaveMode = .append, _ options: [String: String] = [:]) async throws -> WriteSummary {
    try await frame(kql).write.format("kusto").option("kustoStore", store).option("tableCreateOptions", "CreateIfNotExist").options(options).mode(mode).save("db.\(table)")
  }

  func code(_ body: () async throws -> Void) async -> KConnectError? {
    do {
      try await body()
      return nil
    } catch { return error as? KConnectError }
  }
}

@Suite struct ObservableTests {
  @Test func batchReadByFormatAndOptions() async throws {
    let o = try await Observed()
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoQuery": "T | where a < 3 | order by a asc"])) == ["1|x", "2|y"])
    #expect(await o.code { _ = try await o.read(["kustoDatabase": "db"]) }?.message.contains("kustoQuery") == true)
    try await o.run(".create database other")
    #expect(await o.code { _ = try await o.read(["kustoQuery": "T"]) }?.message.contains("kustoDatabase") == true)
  }

  @Test func caseInsensitiveOptionKeys() async throws {
    let o = try await Observed()
    #expect(try await texts(o.read(["KUSTODATABASE": "db", "kustoquery": "T | count"])) == ["3"])
  }

  @Test func unknownOptionDetection() async throws {
    let o = try await Observed()
    let error = await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoQeury": "T"]) }
    #expect(error?.code == .optionUnknown && error?.hint?.contains("did you mean 'kustoQuery'?") == true)
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoQuery": "T | count", "kustoQeury": "T", "strict": "false"])) == ["3"])
    #expect(await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoQuery": "T", "strict": "maybe"]) }?.code == .optionInvalid)
  }

  @Test func typedHelpers() async throws {
    let o = try await Observed()
    let reader = o.spark.read.option("kustoStore", o.store)
    #expect(try await sortedTexts(reader.kusto(database: "db", table: "T")) == sortedTexts(o.read(["kustoDatabase": "db", "kustoTable": "T"])))
    #expect(try await texts(reader.kusto(database: "db", query: "T | count")) == ["3"])
    _ = try await o.frame("print a = long(4), b = 'z'").write.option("kustoStore", o.store).mode(.append).kusto(database: "db", table: "T")
    #expect(try await o.rows("T | where a == 4") == ["4|z"])
  }

  @Test func controlCommandsInQueriesAreRefused() async throws {
    let o = try await Observed()
    #expect(await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoQuery": " .drop table T"]) }?.code == .optionInvalid)
    #expect(try await o.rows("T | count") == ["3"])
  }

  @Test func controlCommandAPI() async throws {
    let o = try await Observed()
    #expect(try await texts(o.spark.command(".show tables | project TableName", database: "db", store: o.store)) == ["T"])
    #expect(await o.code { _ = try await o.spark.command(".drop table T", database: "db", store: o.store) }?.code == .permission)
    #expect(await o.code { _ = try await o.spark.command("T | count", database: "db", store: o.store) }?.code == .usage)
    #expect(try await o.rows("T | count") == ["3"])
  }

  @Test func customSchema() async throws {
    let o = try await Observed()
    let frame = try await o.read(["kustoDatabase": "db", "kustoTable": "T", "customSchema": "b STRING, a STRING"])
    #expect(frame.schema.description == "b:string, a:string" || frame.schema.fields.map(\.name) == ["b", "a"])
    #expect(await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoTable": "T", "customSchema": "a INT, b STRNG"]) }?.message.contains("character") == true)
    try await o.run(".set S <| print t = 1s")
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoTable": "S", "customSchema": "t timespan"])) == ["00:00:01"])
  }

  @Test func emptyResultsKeepTheirSchema() async throws {
    let o = try await Observed()
    let frame = try await o.read(["kustoDatabase": "db", "kustoQuery": "T | where a > 99"])
    #expect(try await frame.count() == 0)
    #expect(frame.columns == ["a", "b"])
  }

  @Test(arguments: ["{bad", "[1]", #"{"a": {"b": 1}}"#]) func exportOptions(_ text: String) async throws {
    let o = try await Observed()
    #expect(await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoTable": "T", "kustoExportOptionsJson": text]) }?.code == .optionInvalid)
    #expect(try await o.read(["kustoDatabase": "db", "kustoTable": "T", "kustoExportOptionsJson": #"{"sizeLimit": "100", "namePrefix": "p"}"#]).count() == 3)
  }

  @Test func resultLimitOfWrites() async throws {
    let o = try await Observed()
    #expect(await o.code { try await o.write("print a = 9, b = 'q'", to: "T", .append, ["writeResultLimit": "abc"]) }?.code == .optionInvalid)
    #expect(try await o.rows("T | count") == ["3"])
    for limit in ["none", "7"] { try await o.write("print a = 9, b = 'q'", to: "T", .append, ["writeResultLimit": limit]) }
    #expect(try await o.rows("T | count") == ["5"])
  }

  @Test(arguments: ["true", "false"]) func filterPushDown(_ pushes: String) async throws {
    let o = try await Observed()
    let frame = try await o.read(["kustoDatabase": "db", "kustoTable": "T", "queryFilterPushDown": pushes])
    #expect(try await sortedTexts(frame.filter("a > 1").select("b")) == ["", "y"])
    #expect(try await frame.filter("a == 1").count() == 1)
    // Nulls of strings: the same either way.
    try await o.write("range i from 1 to 4 step 1 | project a = i, b = tostring(i)", to: "N")
    let nulls = try o.spark.createDataFrame(rows: [[.long(5), .null(.string)], [.long(6), .string("")]], schema: StructType([StructField("a", .long), StructField("b", .string)]))
    _ = try await nulls.write.format("kusto").option("kustoStore", o.store).mode(.append).save("db.N")
    let texts = try await o.read(["kustoDatabase": "db", "kustoTable": "N", "queryFilterPushDown": pushes])
    #expect(try await texts.filter(col("b").isNull()).collect().map { try $0["a", as: Int.self] } == [5])
    #expect(try await texts.filter(col("b").isNotNull()).count() == 5)
  }

  @Test func escapingAndNamesThatNeedQuotes() async throws {
    let o = try await Observed()
    let values = ["it's", #"back\slash"#, "new\nline", "brack]et", "ünï", "') | where 1 == 1 //", "\"quoted\""]
    let schema = StructType([StructField("by", .string), StructField("my column", .long)])
    let frame = try o.spark.createDataFrame(rows: values.enumerated().map { [.string($1), .long(Int64($0))] }, schema: schema)
    _ = try await frame.write.format("kusto").option("kustoStore", o.store).option("tableCreateOptions", "CreateIfNotExist").mode(.append).save("db.['my-table']")
    let table = try await o.read(["kustoDatabase": "db", "kustoTable": "my-table"])
    for (i, value) in values.enumerated() {
      #expect(try await table.filter(col("by") == value).collect().map { try $0["my column", as: Int.self] } == [i])
    }
  }

  @Test func limitsTopAndAggregates() async throws {
    let o = try await Observed()
    try await o.run(".set Many <| range x from 1 to 100000 step 1")
    let many = try await o.read(["kustoDatabase": "db", "kustoTable": "Many"])
    #expect(try await many.limit(20).count() == 20)
    #expect(try await many.count() == 100_000)
    #expect(try await texts(many.orderBy(col("x").desc()).limit(2)) == ["100000", "99999"])
  }

  @Test func clientRequestProperties() async throws {
    let o = try await Observed()
    let query = "declare query_parameters(n:long = 1); T | where a == n | project b"
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoQuery": query])) == ["x"])
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoQuery": query, "clientRequestPropertiesJson": #"{"Parameters": {"n": 2}}"#])) == ["y"])
    #expect(await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoQuery": query, "clientRequestPropertiesJson": "{"]) }?.code == .optionInvalid)
  }

  /// Clients send the values of parameters as texts: literals in KQL, or bare.
  @Test(arguments: [("long", "2", "a == n"), ("long", "long(2)", "a == n"), ("string", "y", "b == n"), ("string", "'y'", "b == n"), ("timespan", "2s", "a * 1s == n"), ("bool", "true", "n and a == 2")])
  func parametersAsTexts(_ type: String, _ value: String, _ condition: String) async throws {
    let o = try await Observed()
    let query = "declare query_parameters(n:\(type)); T | where \(condition) | project b"
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoQuery": query, "clientRequestPropertiesJson": "{\"Parameters\": {\"n\": \"\(value)\"}}"])) == ["y"])
  }

  @Test func requestLimits() async throws {
    let o = try await Observed()
    func read(_ query: String, _ options: String) async throws -> [String] {
      try await sortedTexts(o.read(["kustoDatabase": "db", "kustoQuery": query, "clientRequestPropertiesJson": "{\"Options\": {\(options)}}"]))
    }
    func code(_ query: String, _ options: String) async -> KConnectError? { await o.code { _ = try await read(query, options) } }
    #expect(await code("range x from 1 to 1000000000000 step 1 | summarize sum(x % 7)", #""servertimeout": "00:00:01""#)?.code == .timeout)
    #expect(await code("T", #""servertimeout": "soon""#)?.code == .optionInvalid)
    #expect(try await read("T | project a", #""servertimeout": "00:10:00", "norequesttimeout": false"#) == ["1", "2", "3"])
    #expect(await code("T", #""truncationmaxrecords": 2"#)?.message.contains("truncationmaxrecords") == true)
    #expect(await code("set truncationmaxrecords = 2; T", "")?.message.contains("truncationmaxrecords") == true)
    #expect(try await read("T | project a", #""TruncationMaxRecords": "3""#) == ["1", "2", "3"])
    // A limit that is named counts although notruncation is; of two, the lower. Source: Kusto, "Query limits".
    #expect(await code("T", #""truncationmaxrecords": 2, "notruncation": true"#)?.message.contains("truncationmaxrecords") == true)
    #expect(await code("set truncationmaxrecords = 2; T", #""truncationmaxrecords": 3"#)?.message.contains("2 records") == true)
    #expect(await code("set servertimeout = 1s; T", "") != nil)
    #expect(try await read("T | order by a asc | project a", #""truncationmaxrecords": 2, "deferpartialqueryfailures": true"#) == ["1", "2"])
    #expect(await code("range x from 1 to 10000 step 1 | project strcat('a long text ', x)", #""truncationmaxsize": 1000"#)?.message.contains("truncationmaxsize") == true)
    #expect(try await read("T | order by a asc | project a", #""query_take_max_records": 1"#) == ["1"])
    #expect(await code("T", #""maxoutputcolumns": 1"#)?.message.contains("maxoutputcolumns") == true)
    #expect(await code("range x from 1 to 900000 step 1 | summarize make_list(x)", #""max_memory_consumption_per_query_per_node": 100000"#)?.code == .lowMemory)
    #expect(try await read("T | where now() == datetime(2024-01-31) | count", #""query_now": "2024-01-31""#) == ["3"])
  }

  @Test func readingATableThatIsNotThere() async throws {
    let o = try await Observed()
    try await o.run(".set Orders <| print x = 1")
    let near = await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoTable": "Order"]) }
    #expect(near?.code == .pathNotFound && near?.message.contains("'Order'") == true && near?.hint == "did you mean 'Orders'?" && near?.excerpt == nil)
    let far = await o.code { _ = try await o.read(["kustoDatabase": "db", "kustoTable": "Invoices2024"]) }
    #expect(far?.hint?.contains("Orders") == true && far?.hint?.contains("T") == true)
    // Functions are read as tables are; what is wrong inside one is told as it is.
    try await o.run(".create function F() { T | where a == 2 | project b }")
    #expect(try await texts(o.read(["kustoDatabase": "db", "kustoTable": "F"])) == ["y"])
  }

  @Test func queriesThatEndInACommentOrASemicolon() async throws {
    let o = try await Observed()
    for query in ["T // all", "T;", "T ; // all\n"] {
      #expect(try await o.read(["kustoDatabase": "db", "kustoQuery": query]).filter("a > 1").count() == 2)
    }
  }

  @Test func appendWriteAndTableCreation() async throws {
    let o = try await Observed()
    try await o.write("print i = int(1), l = 2, r = 1.5, s = 'x', d = datetime(2024-01-01), t = 1s, g = guid(00000000-0000-0000-0000-000000000001), m = decimal(1.5), y = dynamic({'a': 1}), b = true", to: "New")
    #expect(try await o.run(".show table New cslschema | project Schema") == ["i:int,l:long,r:real,s:string,d:datetime,t:timespan,g:guid,m:decimal,y:dynamic,b:bool"])
    #expect(await o.code { try await o.write("print x = 1", to: "Missing", .append, ["tableCreateOptions": "FailIfNotExist"]) }?.code == .pathNotFound)
    #expect(try await o.run(".show tables | where TableName == 'Missing'") == [])
  }

  @Test func saveModes() async throws {
    let o = try await Observed()
    try await o.write("print a = 9, b = 'n'", to: "T")
    #expect(try await o.rows("T | count") == ["4"])
    #expect(await o.code { try await o.write("print a = 9, b = 'n'", to: "T", .error) }?.code == .alreadyExists)
    #expect(try await o.write("print a = 9, b = 'n'", to: "T", .ignore).isSkipped)
    try await o.write("print a = 7, b = 'n'", to: "T", .overwrite)
    #expect(try await o.rows("T") == ["7|n"])
  }

  @Test func transactionalWrites() async throws {
    let o = try await Observed()
    // The last row does not fit: nothing of the write is there, and no table that it made.
    let bad = "range i from 1 to 100000 step 1 | project a = iff(i == 100000, 'text', tostring(i)), b = 'n'"
    #expect(await o.code { try await o.write(bad, to: "T") }?.code == .valueInvalid)
    #expect(try await o.rows("T | count") == ["3"])
    #expect(await o.code { try await o.write("range i from 1 to 10 step 1 | extend x = assert(i < 10, 'no')", to: "Made") } != nil)
    #expect(try await o.run(".show tables | project TableName") == ["T"])
  }

  @Test func userStagingTablesAndBatchingHaveNoEffect() async throws {
    let o = try await Observed()
    for (option, value) in [("tempTableName", "x"), ("clientBatchingLimit", "1"), ("pollingOnDriver", "true"), ("writeMode", "Queued")] {
      try await o.write("print a = 9, b = 'n'", to: "T", .append, [option: value])
    }
    #expect(try await o.rows("T | count") == ["7"])
  }

  @Test func asyncWrites() async throws {
    let o = try await Observed()
    _ = try await o.write("print a = 9, b = 'n'", to: "T", .append, ["writeEnableAsync": "true"])
    for handle in o.spark.takePendingWrites() { #expect(try await handle.wait().rows == 1) }
    #expect(try await o.rows("T | count") == ["4"])
  }

  @Test func nullAndEmptyStrings() async throws {
    let o = try await Observed()
    let schema = StructType([StructField("s", .string), StructField("n", .long)])
    let frame = try o.spark.createDataFrame(rows: [[.null(.string), .long(1)], [.string(""), .null(.long)]], schema: schema)
    _ = try await frame.write.format("kusto").option("kustoStore", o.store).option("tableCreateOptions", "CreateIfNotExist").mode(.append).save("db.N")
    #expect(try await sortedTexts(o.read(["kustoDatabase": "db", "kustoTable": "N"])) == ["null|1", "|null"].sorted())
    // A null number in a column of text stays null.
    try await o.run(".create table S (s:string)")
    _ = try await frame.select("n").write.format("kusto").option("kustoStore", o.store).mode(.append).save("db.S")
    #expect(try await sortedTexts(o.read(["kustoDatabase": "db", "kustoTable": "S"])) == ["1", "null"])
    #expect(try await o.rows("S | summarize count() by s") == ["1|1", "|1"].sorted())
  }

  @Test func nestedValuesAreDynamic() async throws {
    let o = try await Observed()
    try await o.write(#"print d = dynamic({"a": [1, {"b": "\u0001\n"}], "1": null})"#, to: "D")
    #expect(try await o.rows("D | project tostring(d.a[1].b), array_length(d.a), isnull(d['1'])") == ["\u{1}\n|2|true"])
  }

  @Test func schemaAdjustment() async throws {
    let o = try await Observed()
    let swapped = "print b = 'nine', a = 9"
    let error = await o.code { try await o.write(swapped, to: "T", .append, ["adjustSchema": "FailIfNotMatch"]) }
    #expect(error?.message.contains("(b, a)") == true && error?.message.contains("(a, b)") == true)
    try await o.write(swapped, to: "T", .append, ["adjustSchema": "GenerateDynamicCsvMapping"])
    #expect(try await o.rows("T | where a == 9") == ["9|nine"])
    try await o.write("print b = '5', a = 6", to: "T", .append, ["adjustSchema": "NoAdjustment"])
    #expect(try await o.rows("T | where a == 5") == ["5|6"])
    #expect(await o.code { try await o.write("print a = 1, z = 2", to: "T", .append, ["adjustSchema": "GenerateDynamicCsvMapping"]) }?.code == .schemaMismatch)
    try await o.write("print b = 'only'", to: "T", .append, ["adjustSchema": "GenerateDynamicCsvMapping"])
    #expect(try await o.rows("T | where isnull(a)") == ["null|only"])
  }

  @Test func schemaEvolution() async throws {
    let o = try await Observed()
    try await o.write("print a = 9, c = 2.5", to: "T", .append, ["mergeSchema": "true"])
    #expect(try await o.rows("T | where a in (1, 9)") == ["1|x|null", "9|null|2.5"])
  }

  @Test func extentTagsAndCreationTime() async throws {
    let o = try await Observed()
    let properties = #"{"dropByTags": ["d"], "ingestByTags": ["i"], "additionalTags": ["more"], "creationTime": "2020-01-01T00:00:00Z"}"#
    try await o.write("print a = 9, b = 'n'", to: "T", .append, ["sparkIngestionPropertiesJson": properties])
    #expect(try await o.run(".show table T extents | where Tags has 'drop-by:d' and Tags has 'ingest-by:i' and Tags has 'more' and MaxCreatedOn == datetime(2020-01-01) | count") == ["1"])
    try await o.run(".alter-merge table T policy retention softdelete = 365d")
    try await o.write("print a = 10, b = 'n'", to: "T")
    try await o.run(".append T <| print a = 11, b = 'n'")
    #expect(try await o.rows("T | where a == 9 | count") == ["0"])
  }

  /// Writes are followed by the policies of time, as ingestions by command are.
  @Test func retentionActsOnWrites() async throws {
    let o = try await Observed()
    try await o.run(".alter-merge table T policy retention softdelete = 365d")
    let properties = ["sparkIngestionPropertiesJson": #"{"creationTime": "2020-01-01T00:00:00Z"}"#]
    for _ in 0..<2 { try await o.write("print a = 9, b = 'n'", to: "T", .append, properties) }
    #expect(try await o.rows("T | summarize count(), countif(a == 9)") == ["3|0"])
  }

  @Test func tablesMadeByWritesStandInTheJournal() async throws {
    let o = try await Observed()
    for mode in [SaveMode.append, .overwrite] { try await o.write("print a = 9, b = 'n'", to: "New_\(mode)", mode) }
    try await o.write("print a = 9, b = 'n'", to: "T")
    #expect(try await o.run(".show database db journal | where Event == 'ADD-TABLE' and EntityName startswith 'New_' | project UpdatedEntityState") == ["a:long,b:string", "a:long,b:string"])
    #expect(try await o.run(".show database db journal | where Event == 'ADD-TABLE' and EntityName == 'T' | count") == ["1"])
  }

  /// Where the option names the table, the path may name its database alone.
  @Test func pathAndOptionTogetherNameTheTable() async throws {
    let o = try await Observed()
    _ = try await o.frame("print a = 9, b = 'n'").write.format("kusto").option("kustoStore", o.store).option("kustoTable", "T").mode(.append).save("db")
    let read = try await o.spark.read.format("kusto").option("kustoStore", o.store).option("kustoTable", "T").load("db")
    #expect(try await texts(read).count == 4)
  }

  @Test func ingestIfNotExists() async throws {
    let o = try await Observed()
    let properties = ["sparkIngestionPropertiesJson": #"{"ingestByTags": ["v1"], "ingestIfNotExists": ["v1"]}"#]
    #expect(try await !o.write("print a = 9, b = 'n'", to: "T", .append, properties).isSkipped)
    let second = try await o.write("print a = 9, b = 'n'", to: "T", .append, properties)
    #expect(second.isSkipped && second.skipReason == "rows with ingest-by:v1 are there already")
    #expect(try await o.rows("T | count") == ["4"])
    let ignored = try await o.write("print a = 9, b = 'n'", to: "T", .ignore)
    #expect(ignored.isSkipped && ignored.skipReason == nil)
  }

  @Test func mappingsThatSayNothingOrTooMuch() async throws {
    let o = try await Observed()
    let mapping = #"{"csvMapping": "[{\"Column\": \"a\", \"Ordinal\": 0}]"}"#
    for properties in [#"{"csvMapping": "[]"}"#, #"{"csvMapping": []}"#] {
      #expect(await o.code { try await o.write("print a = 9, b = 'n'", to: "T", .append, ["sparkIngestionPropertiesJson": properties]) }?.code == .optionInvalid)
    }
    let both = ["sparkIngestionPropertiesJson": mapping, "adjustSchema": "GenerateDynamicCsvMapping"]
    #expect(await o.code { try await o.write("print a = 9, b = 'n'", to: "T", .append, both) }?.message.contains("adjustSchema") == true)
    #expect(try await o.rows("T | count") == ["3"])
    try await o.write("print x = 9, y = 'n'", to: "T", .append, ["sparkIngestionPropertiesJson": mapping])
    #expect(try await o.rows("T | where a == 9 | project a") == ["9"])
  }

  @Test func restartsOfAWriterAreIdempotent() async throws {
    let o = try await Observed()
    for version in [1, 1, 2, 1] { try await o.write("print a = 9, b = 'n'", to: "T", .append, ["txnAppId": "job", "txnVersion": "\(version)"]) }
    #expect(try await o.rows("T | count") == ["5"])
    for _ in 0..<2 { try await o.write("print a = 1, b = 'o'", to: "T", .overwrite, ["txnAppId": "job", "txnVersion": "3"]) }
    #expect(try await o.rows("T") == ["1|o"])
  }

  @Test func writeReport() async throws {
    let o = try await Observed()
    let summary = try await o.write("range a from 1 to 1000 step 1 | extend b = 'n'", to: "T")
    #expect(summary.rows == 1_000 && summary.files == 1 && summary.bytes > 0 && !summary.isSkipped)
  }

  @Test func sqlIsRefusedByName() async throws {
    let o = try await Observed()
    #expect(await o.code { _ = try o.spark.sql("SELECT * FROM T") }?.code == .notSupported)
  }

  @Test func badRows() async throws {
    let o = try await Observed()
    let file = try o.place.write("bad.csv", "a,b\n1,x\nno,y\n3,z\n")
    func rows(_ mode: String, _ more: [String: String] = [:]) async throws -> [String] {
      try await texts(o.spark.read.schema("a:long, b:string").option("mode", mode).options(more).csv(file))
    }
    #expect(await o.code { _ = try await rows("FAILFAST") }?.message.contains("3") == true)
    #expect(try await rows("DROPMALFORMED") == ["1|x", "3|z"])
    #expect(try await rows("PERMISSIVE", ["badRecordsPath": o.place.file("letters")]).count >= 2)
  }

  @Test func namesTheStoreCannotTake() async throws {
    let o = try await Observed()
    // A directory that is no table: said at once, and not as a lock that another try may find free.
    try await o.run(".create database other")
    _ = try o.place.write("store/other/note", "")
    #expect(await o.code { _ = try await o.spark.command(".create table note (a:long)", database: "other", store: o.store, allowsChanges: true) }.map { $0.code == .usage && !$0.isRetryable } == true)
  }

  @Test func upsertsAndUpdatePolicies() async throws {
    let o = try await Observed()
    try await o.write("print a = 1, b = 'new'", to: "T", .append, ["upsertKey": "a"])
    #expect(try await o.rows("T | where a == 1") == ["1|new"])
    try await o.run(".create table Target (a:long, b:string)")
    try await o.run(#".alter table Target policy update @'[{"IsEnabled":true,"Source":"T","Query":"T","IsTransactional":true}]'"#)
    // The policy sees the rows written; what it made of rows that they replace stays.
    try await o.write("print a = 1, b = 'newer'", to: "T", .append, ["upsertKey": "a"])
    try await o.write("datatable(a: long, b: string)[1, 'newest', 7, 'other']", to: "T", .append, ["upsertKey": "a"])
    #expect(try await o.rows("T | where a in (1, 7) | order by a asc") == ["1|newest", "7|other"])
    #expect(try await o.rows("Target | order by a asc, b asc") == ["1|newer", "1|newest", "7|other"])
    // A transactional policy that fails keeps the rows out of both tables.
    try await o.run(".alter-merge table Target (c:long)")
    #expect(await o.code { try await o.write("print a = 1, b = 'never'", to: "T", .append, ["upsertKey": "a"]) }?.code == .valueInvalid)
    #expect(try await o.rows("T | where a == 1") == ["1|newest"])
    // Another policy runs behind the commit.
    try await o.run(#".alter table Target policy update @'[{"IsEnabled":true,"Source":"T","Query":"T | extend c = 5","IsTransactional":false}]'"#)
    try await o.write("print a = 1, b = 'last'", to: "T", .append, ["upsertKey": "a"])
    #expect(try await o.rows("Target | where b == 'last'") == ["1|last|5"])
  }
}
