// Writes to a cluster that is a few lines of state: what is sent in which order, and what happens when something fails on the way.

import Columnar
import DataSource
import KustoConnector
import KustoStore
import KustoWire
import Synchronization
import Testing

/// Tables by row count, blobs, queue messages; commands are understood by their beginnings.
private final class StateCluster: Sendable {
  struct State {
    var tables: [String: (schema: String, rows: Int)] = [:]
    var blobs: [String: [UInt8]] = [:]
    var messages: [String] = []
    var streamed: [[UInt8]] = []
    var hasStorage = true
    /// Rows found in a part.
    var rowsPerPart = 0
    /// Answers to `.move` that are lost after the move was carried out.
    var lostMoves = 0
    var streamingStatus = 200
    var blobStatus = 201, queueStatus = 201
    var makesTables = true
    /// Rows that somebody else puts into a table in the moment in which it is made.
    var rowsOfOthers = 0
    /// Chunks and messages that are taken while the answer is lost.
    var lostAnswers = 0

    mutating func losesAnswer() -> Bool {
      lostAnswers -= 1
      return lostAnswers >= 0
    }
  }

  let state: Mutex<State>
  init(_ change: (inout State) -> Void = { _ in }) {
    var state = State()
    change(&state)
    self.state = Mutex(state)
  }

  private func quoted(_ text: String, after word: String) -> String {
    guard let start = text.firstRange(of: word)?.upperBound else { return "" }
    let rest = text[start...].drop { $0 == " " }
    guard rest.hasPrefix("['"), let end = rest.firstRange(of: "']") else { return "" }
    return String(rest.dropFirst(2)[..<end.lowerBound])
  }

  private static func one(_ columns: String, _ row: String) -> ScriptedTransport.Reply { .init(body: Answers.v1(columns, row)) }

  func answer(_ request: HTTPRequest) throws -> ScriptedTransport.Reply {
    if request.method == "PUT" {
      let status = state.withLock { $0.blobStatus }
      if status != 201 { return .init(status: status, body: Answers.error("X", "no room", permanent: true)) }
      let name = request.url.split(separator: "?")[0].split(separator: "/").last.map { String($0) } ?? ""
      state.withLock { $0.blobs[name] = request.body ?? [] }
      return .init(status: 201)
    }
    if request.url.contains("/messages?") {
      let status = state.withLock { $0.queueStatus }
      if status != 201 { return .init(status: status, body: Answers.error("X", "not yours", permanent: true)) }
      let isLost = state.withLock { state in
        state.messages.append(String(decoding: request.body ?? [], as: UTF8.self))
        return state.losesAnswer()
      }
      if isLost { throw KConnectError(.http, "cut", isRetryable: true) }
      return .init(status: 201, body: "<QueueMessagesList/>")
    }
    if request.url.contains("/v1/rest/ingest/") {
      let status = state.withLock { $0.streamingStatus }
      if status != 200 { return .init(status: status, body: Answers.error("X", "not now", permanent: status == 400)) }
      let isLost = state.withLock { state in
        state.streamed.append(request.body ?? [])
        return state.losesAnswer()
      }
      if isLost { throw KConnectError(.http, "cut", isRetryable: true) }
      return .init(body: Answers.v1("n:long", ""))
    }
    guard let text = ScriptedTransport.text(request) else { return .init(status: 400, body: Answers.error("X", "no text", permanent: true)) }
    return try command(text)
  }

  private func command(_ text: String) throws -> ScriptedTransport.Reply {
    if text.hasPrefix(".show table ["), text.hasSuffix("schema as json") {
      guard let table = state.withLock({ $0.tables[quoted(text, after: ".show table")] }) else {
        return .init(status: 400, body: Answers.error("BadRequest_EntityNotFound", "Entity ID 'X' of kind 'Table' was not found.", permanent: true))
      }
      let columns = table.schema.split(separator: ",").map { $0.split(separator: ":").map { $0.filter { $0 != " " } } }.map { "{\\\"Name\\\":\\\"\($0[0])\\\",\\\"CslType\\\":\\\"\($0[1])\\\"}" }
      return Self.one("TableName:string,Schema:string", "[\"T\",\"{\\\"Name\\\":\\\"T\\\",\\\"OrderedColumns\\\":[\(columns.joined(separator: ","))]}\"]")
    }
    if text.hasPrefix(".show table ["), text.contains(" ingestion csv mapping ") {
      return Self.one("Name:string,Kind:string,Mapping:string", text.contains("known") ? "[\"known\",\"Csv\",\"[{\\\"Column\\\":\\\"n\\\"}]\"]" : "")
    }
    if text.hasPrefix(".create-merge table") {
      if !state.withLock({ $0.makesTables }) { return .init(status: 403, body: Answers.error("Forbidden", "no right", permanent: true)) }
      let schema = text[(text.firstIndex(of: "(").map { text.index(after: $0) } ?? text.startIndex)...].prefix { $0 != ")" }
      let name = quoted(text, after: "table")
      state.withLock { $0.tables[name] = (String(schema), $0.tables[name]?.rows ?? $0.rowsOfOthers) }
      return Self.one("TableName:string", "[\"\(name)\"]")
    }
    if text.hasPrefix(".drop table"), !text.contains("extent tags") {
      state.withLock { $0.tables[quoted(text, after: "table")] = nil }
      return Self.one("TableName:string", "")
    }
    if text.hasPrefix(".get ingestion resources") {
      guard state.withLock({ $0.hasStorage }) else { return .init(status: 400, body: Answers.error("BadRequest_SyntaxError", "Syntax error: ", permanent: true)) }
      return Self.one("ResourceTypeName:string,StorageRoot:string", "[\"TempStorage\",\"https://acct.blob.example/tmp?sig=a\"],[\"SecuredReadyForAggregationQueue\",\"https://acct.queue.example/ready?sig=b\"]")
    }
    if text.hasPrefix(".get kusto identity token") { return Self.one("AuthorizationContext:string", "[\"CTX\"]") }
    if text.hasPrefix(".ingest inline into table") {
      let rows = text.split(separator: "<|\n")[1].split(separator: "\n").count
      let name = quoted(text, after: "table")
      state.withLock { $0.tables[name]?.rows += rows }
      return Self.one("ExtentId:guid", "[\"74be27de-1e4e-49d9-b579-fe0b331d3642\"]")
    }
    if text.hasPrefix(".ingest async into table") {
      let name = quoted(text, after: "table")
      state.withLock { state in
        // Parts are gzip, which this cluster does not read: the rows are lost unless the test says how many there are.
        state.tables[name]?.rows += state.rowsPerPart
      }
      return Self.one("OperationId:guid", "[\"74be27de-1e4e-49d9-b579-fe0b331d3642\"]")
    }
    if text.hasPrefix(".show operations") { return Self.one("State:string,Status:string,ShouldRetry:bool", "[\"Completed\",\"\",false]") }
    if text.hasPrefix(".show operation ") { return Self.one("OriginalExtentId:string,ResultExtentId:string,Details:string", "[\"a\",\"b\",\"\"]") }
    if text.hasPrefix(".move async extents all from table") || text.hasPrefix(".replace async extents in table") {
      let isMove = text.hasPrefix(".move")
      let target = quoted(text, after: isMove ? "to table" : "in table")
      let source = isMove ? quoted(text, after: "from table") : quoted(text, after: "{.show table \(String(text.split(separator: "table ")[1].prefix { $0 != " " })) extents}, {.show table")
      let isLost = state.withLock { state in
        let rows = state.tables[source]?.rows ?? 0
        state.tables[source]?.rows = 0
        let before = isMove ? state.tables[target]?.rows ?? 0 : 0
        state.tables[target]?.rows = before + rows
        state.lostMoves -= 1
        return state.lostMoves >= 0
      }
      if isLost { return .init(status: 504, body: Answers.error("Timeout", "gone", permanent: false)) }
      return Self.one("OperationId:guid", "[\"74be27de-1e4e-49d9-b579-fe0b331d3642\"]")
    }
    if text.hasSuffix("| count") {
      let rows = state.withLock { $0.tables[quoted("x " + text, after: "x")]?.rows ?? 0 }
      return .init(body: Answers.v2("Count:long", "[\(rows)]"))
    }
    if text.hasSuffix("extents") { return Self.one("ExtentId:string,Tags:string", "[\"a\",\"ingest-by:old\\r\\ndrop-by:x\"]") }
    return Self.one("Result:string", "")
  }
}

@Suite(.serialized) struct SinkTests {
  private static let schema = StructType([StructField("n", .long), StructField("s", .string)])

  private func batch(_ count: Int) -> RecordBatch {
    RecordBatch(
      schema: Self.schema,
      columns: [
        .of(.long, (0..<count).map { $0 % 7 == 3 ? .null(.long) : .long(Int64($0)) }), .of(.string, (0..<count).map { .string("row, \"\($0)\"\n") }),
      ])
  }

  private func write(
    _ cluster: StateCluster, _ options: [(String, String)], mode: SaveMode = .append, rows: Int = 10
  ) throws -> (summary: WriteSummary?, transport: ScriptedTransport) {
    let transport = ScriptedTransport { request, _ in try cluster.answer(request) }
    let provider = KustoSource()
    let given = [("kustoCluster", "https://c.r.kusto.windows.net"), ("kustoDatabase", "db"), ("kustoTable", "T")] + options
    let checked = try DataSourceOptions(source: "kusto", specs: provider.options(for: [], given: given), given: given, use: .write)
    let client = ClusterClient(try ClusterAddress("https://c.r.kusto.windows.net"), transport: transport, retry: RetryPolicy(clock: ManualClock()))
    guard let sink = try ClusterWrite(client: client, database: "db", table: "T", schema: Self.schema, mode: mode, options: checked).sink() else { return (nil, transport) }
    do {
      try sink.append(try sink.encode([batch(rows)]))
      try sink.endOfRows()
      while let work = sink.takeWork() { try work() }
      return (try sink.commit(), transport)
    } catch {
      sink.abort()
      throw error
    }
  }

  @Test func inlineWhereThereIsNoStorage() throws {
    let cluster = StateCluster { $0.hasStorage = false }
    // Rows without line breaks, so that the fake can count lines.
    let transport = ScriptedTransport { request, _ in try cluster.answer(request) }
    let schema = StructType([StructField("n", .long)])
    let given = [("kustoCluster", "https://c.r.kusto.windows.net"), ("tableCreateOptions", "CreateIfNotExist")]
    let checked = try DataSourceOptions(source: "kusto", specs: KustoSource().options(for: [], given: given), given: given, use: .write)
    let client = ClusterClient(try ClusterAddress("https://c.r.kusto.windows.net"), transport: transport, retry: RetryPolicy(clock: ManualClock()))
    let sink = try #require(try ClusterWrite(client: client, database: "db", table: "T", schema: schema, mode: .append, options: checked).sink())
    try sink.append(try sink.encode([RecordBatch(schema: schema, columns: [.of(.long, (0..<100).map { .long($0) })])]))
    #expect(cluster.state.withLock { $0.tables["T"] == nil })
    #expect(try sink.commit().rows == 100)
    #expect(cluster.state.withLock { $0.tables["T"]?.rows } == 100)
    // The staging table is gone; it was hidden, and would have gone by itself.
    #expect(cluster.state.withLock { $0.tables.count } == 1)
    let texts = transport.texts
    #expect(texts.contains { $0.hasPrefix(".create-merge table ['kconnectTemp_T_") && $0.hasSuffix("with (hidden=true)") })
    #expect(texts.contains { $0.contains("policy auto_delete") && $0.contains("ExpiryDate") })
    #expect(texts.filter { $0.hasPrefix(".move async extents all from table") }.count == 1)
  }

  @Test func lostRowsLeaveNothing() throws {
    let cluster = StateCluster { $0.tables["T"] = ("n:long,s:string", 5) }
    // The staging table ends up with none of the rows.
    #expect(throws: KConnectError.self) { try write(cluster, []) }
    #expect(cluster.state.withLock { $0.tables["T"]?.rows } == 5)
    #expect(cluster.state.withLock { $0.tables.count } == 1)
  }

  /// A table that the write makes is there with its rows or not at all.
  @Test func aFailedWriteMakesNoTable() throws {
    let failing = StateCluster()
    #expect(throws: KConnectError.self) { try write(failing, [("tableCreateOptions", "CreateIfNotExist")]) }
    #expect(failing.state.withLock { $0.tables.isEmpty })
    for mode in [SaveMode.append, .overwrite, .error, .ignore] {
      let cluster = StateCluster { $0.rowsPerPart = 10 }
      #expect(try write(cluster, [("tableCreateOptions", "CreateIfNotExist")], mode: mode).summary?.rows == 10)
      #expect(cluster.state.withLock { $0.tables.mapValues { $0.rows } } == ["T": 10])
    }
    let empty = StateCluster()
    #expect(try write(empty, [("tableCreateOptions", "CreateIfNotExist")], rows: 0).summary?.rows == 0)
    #expect(empty.state.withLock { $0.tables.mapValues { $0.rows } } == ["T": 0])
  }

  private struct NewTableCase: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var mode: String
    var change: @Sendable (inout StateCluster.State) -> Void = { _ in }
    var rows = 10
    /// Rows of the table afterwards; nil: there is none.
    var left: Int?
    /// In the error; nil: there is none.
    var message: String?
  }

  private static let newTables: [NewTableCase] = [
    NewTableCase(testDescription: "queued", mode: "Queued", left: 0), NewTableCase(testDescription: "queued, no rows", mode: "Queued", rows: 0, left: 0),
    NewTableCase(testDescription: "queued, no storage takes the rows", mode: "Queued", change: { $0.blobStatus = 403 }, left: nil, message: ""),
    NewTableCase(testDescription: "queued, no queue takes them", mode: "Queued", change: { $0.queueStatus = 403 }, left: 0, message: "the table 'T', which this write made, stays"),
    NewTableCase(testDescription: "queued, somebody uses it", mode: "Queued", change: { ($0.queueStatus, $0.rowsOfOthers) = (403, 3) }, left: 3, message: "the table 'T', which this write made, stays"),
    NewTableCase(testDescription: "queued, the table cannot be made", mode: "Queued", change: { $0.makesTables = false }, left: nil, message: "no right"),
    NewTableCase(testDescription: "queued, nobody knows", mode: "Queued", change: { $0.lostAnswers = 1 }, left: 0, message: "not known whether part 1 of 1 is queued"),
    NewTableCase(testDescription: "streaming", mode: "KustoStreaming", left: 0), NewTableCase(testDescription: "streaming, no rows", mode: "KustoStreaming", rows: 0, left: 0),
    NewTableCase(testDescription: "streaming, by the queue", mode: "KustoStreaming", change: { $0.streamingStatus = 429 }, left: 0),
    NewTableCase(testDescription: "streaming, refused", mode: "KustoStreaming", change: { $0.streamingStatus = 400 }, left: 0, message: "the table 'T', which this write made, stays"),
    NewTableCase(testDescription: "streaming, by a queue that refuses", mode: "KustoStreaming", change: { ($0.streamingStatus, $0.queueStatus) = (429, 403) }, left: 0, message: "the table 'T', which this write made, stays"),
    NewTableCase(testDescription: "streaming, somebody uses it", mode: "KustoStreaming", change: { ($0.streamingStatus, $0.rowsOfOthers) = (400, 3) }, left: 3, message: "the table 'T', which this write made, stays"),
    NewTableCase(testDescription: "streaming, the table cannot be made", mode: "KustoStreaming", change: { $0.makesTables = false }, left: nil, message: "no right"),
    NewTableCase(testDescription: "streaming, nobody knows", mode: "KustoStreaming", change: { $0.lostAnswers = 1 }, left: 0, message: "not known whether 10 rows"),
  ]

  /// A write that fails before its first rows leave makes no table; one that is made stays, for others may have rows under way to it.
  @Test(arguments: newTables.indices) func tablesOfFailedWrites(_ index: Int) throws {
    let item = Self.newTables[index]
    let cluster = StateCluster(item.change)
    func run() throws { #expect(try write(cluster, [("writeMode", item.mode), ("tableCreateOptions", "CreateIfNotExist")], rows: item.rows).summary?.rows == item.rows) }
    if let message = item.message {
      let error = #expect(throws: KConnectError.self, "\(item)") { try run() }
      #expect(message.isEmpty || error?.message.contains(message) == true, "\(item): \(error?.message ?? "")")
      #expect(item.left != nil || error?.message.contains("stays") == false, "\(item): \(error?.message ?? "")")
    } else {
      try run()
    }
    #expect(cluster.state.withLock { $0.tables.mapValues { $0.rows } } == (item.left.map { ["T": $0] } ?? [:]), "\(item)")
  }

  @Test func movesAreAtomicAndFoundAgain() throws {
    // The answer to the move is lost, the move was carried out: the rows are there once.
    let cluster = StateCluster { state in
      state.tables["T"] = ("n:long,s:string", 5)
      state.rowsPerPart = 10
      state.lostMoves = 1
    }
    let (summary, transport) = try write(cluster, [])
    #expect(summary?.rows == 10)
    #expect(cluster.state.withLock { $0.tables["T"]?.rows } == 15)
    #expect(cluster.state.withLock { $0.tables.count } == 1)
    #expect(transport.texts.filter { $0.hasPrefix(".move") }.count == 1)
    #expect(transport.texts.contains { $0.hasPrefix(".ingest async into table") && $0.contains("h'https://acct.blob.example/tmp/") })
  }

  @Test func overwriteReplaces() throws {
    let cluster = StateCluster { state in
      state.tables["T"] = ("n:long,s:string", 5)
      state.rowsPerPart = 10
    }
    #expect(try write(cluster, [], mode: .overwrite).summary?.rows == 10)
    #expect(cluster.state.withLock { $0.tables["T"]?.rows } == 10)
  }

  @Test func queuedPostsWhenAllPartsAreThere() throws {
    let cluster = StateCluster { $0.tables["T"] = ("n:long,s:string", 0) }
    let options = [("writeMode", "Queued"), ("sparkIngestionPropertiesJson", "{\"dropByTags\":[\"d\"],\"additionalTags\":[\"x\"],\"flushImmediately\":true}")]
    let (summary, transport) = try write(cluster, options)
    #expect(summary?.rows == 10)
    let (blobs, messages) = cluster.state.withLock { ($0.blobs, $0.messages) }
    #expect(blobs.count == 1)
    #expect(blobs.values.first?.prefix(2) == [0x1F, 0x8B])
    #expect(messages.count == 1)
    let order = transport.requests.map { $0.method + ($0.url.contains("/messages?") ? " queue" : "") }
    #expect(order.lastIndex(of: "PUT") ?? 0 < order.firstIndex(of: "POST queue") ?? 0)
    let put = try #require(transport.requests.first { $0.method == "PUT" })
    #expect(put.url.hasPrefix("https://acct.blob.example/tmp/db__T__") && put.url.hasSuffix(".csv.gz?sig=a"))
    #expect(!put.headers.contains { $0.name == "Authorization" })
  }

  @Test func streamingFallsBackToTheQueue() throws {
    let streams = StateCluster { $0.tables["T"] = ("n:long,s:string", 0) }
    #expect(try write(streams, [("writeMode", "KustoStreaming")]).summary?.rows == 10)
    #expect(streams.state.withLock { $0.streamed.count } == 1)
    #expect(streams.state.withLock { $0.messages.count } == 0)
    let busy = StateCluster { state in
      state.tables["T"] = ("n:long,s:string", 0)
      state.streamingStatus = 429
    }
    #expect(try write(busy, [("writeMode", "KustoStreaming")]).summary?.rows == 10)
    #expect(busy.state.withLock { $0.messages.count } == 1)
    let refusing = StateCluster { state in
      state.tables["T"] = ("n:long,s:string", 0)
      state.streamingStatus = 400
    }
    #expect(throws: KConnectError.self) { try write(refusing, [("writeMode", "KustoStreaming")]) }
    #expect(refusing.state.withLock { $0.messages.count } == 0)
  }

  /// A mapping of the table goes along to the staging table.
  @Test func mappingsOfTheTable() throws {
    func write(_ name: String) throws -> ScriptedTransport {
      let cluster = StateCluster { state in
        state.tables["T"] = ("n:long,s:string", 0)
        state.rowsPerPart = 10
      }
      return try self.write(cluster, [("sparkIngestionPropertiesJson", "{\"csvMappingNameReference\":\"\(name)\"}")]).transport
    }
    let texts = try write("known").texts
    let made = texts.firstIndex { $0.hasPrefix(".create-or-alter table ['kconnectTemp_T_") && $0.contains("ingestion csv mapping") && $0.contains("Column") }
    let ingested = texts.firstIndex { $0.hasPrefix(".ingest async into table ['kconnectTemp_T_") && $0.contains("ingestionMappingReference") }
    #expect(made != nil && ingested != nil && (made ?? 0) < (ingested ?? 0), "\(texts)")
    #expect(throws: KConnectError.self) { try write("none") }
  }

  /// Rows whose arrival is not known are not sent again; the write says so. What can be repeated is.
  @Test func lostAnswers() throws {
    func cluster() -> StateCluster {
      StateCluster { state in
        state.tables["T"] = ("n:long,s:string", 0)
        state.lostAnswers = 1
      }
    }
    let streams = cluster()
    let streamed = #expect(throws: KConnectError.self) { try write(streams, [("writeMode", "KustoStreaming")]) }
    #expect(streamed?.message.contains("not known whether 10 rows") == true && streamed?.isRetryable == false)
    #expect(streams.state.withLock { ($0.streamed.count, $0.messages.count) } == (1, 0))
    let queue = cluster()
    let queued = #expect(throws: KConnectError.self) { try write(queue, [("writeMode", "Queued")]) }
    #expect(queued?.message.contains("not known whether part 1 of 1 is queued") == true)
    #expect(queue.state.withLock { $0.messages.count } == 1)
    let marked = cluster()
    #expect(try write(marked, [("writeMode", "Queued"), ("ensureNoDuplicatedBlobs", "true")]).summary?.rows == 10)
    #expect(marked.state.withLock { Set($0.messages).count } == 1)
    #expect(marked.state.withLock { $0.messages.count } == 2)
  }

  @Test(arguments: [
    ("timeoutLimit", "9223372036854775807"), ("timeoutLimit", "-2"), ("clientBatchingLimit", "9223372036854775807"), ("clientBatchingLimit", "0"),
    ("maxRetriesOnMoveExtents", "9223372036854775807"), ("stagingResourcesAutoCleanupTimeout", "9223372036854775807"), ("stagingResourcesAutoCleanupTimeout", "0"),
  ]) func numbersOutOfRange(_ name: String, _ value: String) {
    let error = #expect(throws: KConnectError.self) { try write(StateCluster { $0.tables["T"] = ("n:long,s:string", 0) }, [(name, value)]) }
    #expect(error?.code == .optionInvalid && error?.message.contains(name) == true)
  }

  @Test func missingTablesAndModes() throws {
    #expect(throws: KConnectError.self) { try write(StateCluster(), []) }
    let there = StateCluster { $0.tables["T"] = ("n:long,s:string", 0) }
    #expect(throws: KConnectError.self) { try write(there, [], mode: .error) }
    #expect(try write(there, [], mode: .ignore).summary == nil)
    #expect(throws: KConnectError.self) { try write(there, [("writeMode", "Queued")], mode: .overwrite) }
  }

  @Test func rowsThatAreThereAreSkipped() throws {
    let cluster = StateCluster { $0.tables["T"] = ("n:long,s:string", 0) }
    let (summary, transport) = try write(cluster, [("sparkIngestionPropertiesJson", "{\"ingestByTags\":[\"old\"],\"ingestIfNotExists\":[\"old\"]}")])
    #expect(summary == nil)
    #expect(!transport.texts.contains { $0.hasPrefix(".create-merge") })
  }

  @Test func conflictingOptions() {
    let there = { StateCluster { $0.tables["T"] = ("n:long,s:string", 0) } }
    for options in [
      [("writeMode", "KustoStreaming"), ("sparkIngestionPropertiesJson", "{\"ingestByTags\":[\"a\"]}")],
      [("writeMode", "Queued"), ("tempTableName", "x")],
      [("adjustSchema", "GenerateDynamicCsvMapping"), ("writeMode", "Queued"), ("sparkIngestionPropertiesJson", "{\"csvMappingNameReference\":\"m\"}")],
      [("kustoIngestionStorageContainer", "[{\"storageUrl\":\"https://a.blob\"}]"), ("writeMode", "Queued")],
    ] {
      #expect(throws: KConnectError.self, "\(options)") { try write(there(), options) }
    }
  }
}
