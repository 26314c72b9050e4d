// The sink: modes, schemas, partitions, transactions, refusals, faults; what is written is judged by deltalake and Polars.

import Columnar
import DataSource
import Delta
import DeltaConnector
import Expressions
import FileConnector
import Synchronization
import Testing

private func numbers(_ values: [Int64]) throws -> RecordBatch { try batch("k:long, v:string", values.map { [.long($0), .string("v\($0)")] }) }

private func keys(_ path: String) throws -> [Int64] { try readRows(openTable(path), columns: ["k"]).compactMap { $0[0].int64Value }.sorted() }

@Suite struct SinkTests {
  @Test func modes() throws {
    let s = Scratch()
    #expect(try writeTable(s("t"), [numbers([1, 2])], mode: .error)?.rows == 2)
    #expect(thrown { try writeTable(s("t"), [numbers([3])], mode: .error) }?.code == .alreadyExists)
    #expect(try writeTable(s("t"), [numbers([3])], mode: .ignore) == nil)
    try writeTable(s("t"), [numbers([3])], mode: .append)
    #expect(try keys(s("t")) == [1, 2, 3])
    try writeTable(s("t"), [numbers([9])], mode: .overwrite)
    #expect(try keys(s("t")) == [9])
    #expect(try openTable(s("t"), options: ["versionAsOf": "1"]).exactRowCount == 3)
    let error = thrown { _ = try openTable(s("t"), options: ["versionAsOf": "9"]) }
    #expect(error?.code == .pathNotFound)
  }

  @Test func everyTypeReadsBack() throws {
    let s = Scratch()
    let rows = try batch(
      "a:bool, b:int, c:long, d:real, e:decimal, f:string, g:datetime, h:timespan, i:guid, j:dynamic",
      [
        [
          .bool(true), .int(-5), .long(1 << 60), .real(-0.5), .decimal(DecimalValue(-12345, scale: 3)), .string("größe\n\"x\""), .datetime(17_000_000_000_000_010),
          .timespan(-7), .guid(GUID(high: 1, low: 2)), .dynamic(.bag([DynamicEntry("x", .array([.long(1), .null]))])),
        ],
        [.null(.bool), .null(.int), .null(.long), .null(.real), .null(.decimal), .null(.string), .null(.datetime), .null(.timespan), .null(.guid), .null(.dynamic)],
      ])
    try writeTable(s("t"), [rows])
    let table = try openTable(s("t"))
    #expect(table.schema.fields.map(\.type) == rows.schema.fields.map(\.type))
    let back = try readRows(table)
    #expect(back.count == 2 && back[0] == rows.row(0) && back[1] == rows.row(1), "\(back)")
    #expect(thrown { try writeTable(s("u"), [batch("g:datetime", [[.datetime(3)]])]) }?.code == .valueInvalid)
    #expect(pathKind(s("u")) == .missing)
  }

  @Test func partitionsReadBack() throws {
    let s = Scratch()
    let values: [[Scalar]] = [
      [.string("a/b=c%d e"), .datetime(17_000_000_000_000_010), .real(1.5), .bool(true), .timespan(36_000_000_001)],
      [.null(.string), .null(.datetime), .null(.real), .null(.bool), .null(.timespan)],
      [.string("ü+&"), .datetime(-10), .real(.infinity), .bool(false), .timespan(-1)],
    ]
    let rows = try batch("k:long, p:string, q:datetime, r:real, b:bool, t:timespan", values.enumerated().map { [.long(Int64($0.offset))] + $0.element })
    try writeTable(s("t"), [rows], partitionBy: ["p", "q", "r", "b", "t"])
    let table = try openTable(s("t"))
    #expect(table.schema.names == rows.schema.names)
    #expect(try sorted(readRows(table)) == sorted((0..<3).map { rows.row($0) }))
    for (c, name) in ["p", "q", "r", "b", "t"].enumerated() {
      let filter = Expr.call(FunctionName.equal, [.column(name), .literal(values[0][c])])
      #expect(table.pushdown([filter]) == [.exact])
      var pruned = 0
      #expect(try readRows(table, filters: [filter]) { pruned = $0.filesPruned }.count == 1)
      #expect(pruned == 2)
    }
    #expect(thrown { try writeTable(s("t"), [rows], partitionBy: ["p"]) }?.code == .schemaMismatch)
    // Only what is written is replaced.
    let one = try batch("k:long, p:string, q:datetime, r:real, b:bool, t:timespan", [[.long(77)] + values[1]])
    try writeTable(s("t"), [one], mode: .overwrite, options: ["partitionOverwriteMode": "dynamic"])
    #expect(try keys(s("t")) == [0, 2, 77])
  }

  /// Partitions are encoded as work for any thread, also when columns are converted on the way.
  @Test func convertedRowsAreWorkToo() throws {
    let s = Scratch()
    try writeTable(s("t"), [batch("k:long, p:string", [[.long(0), .string("x")]])], partitionBy: ["p"])
    let rows = try batch("k:int, p:string", (1...4).map { [.int(Int32($0)), .string("p\($0)")] })
    let sink = try #require(try DeltaProvider().makeSink(s("t"), schema: rows.schema, mode: .append, partitionBy: ["p"], options: makeOptions([:], .write)))
    try sink.append(try sink.encode([rows]))
    try sink.endOfRows()
    var pieces = 0
    while let work = sink.takeWork() {
      try work()
      pieces += 1
    }
    #expect(pieces == 4)
    #expect(try sink.commit().rows == 4)
    #expect(try keys(s("t")) == [0, 1, 2, 3, 4])
  }

  struct Misfit: CustomTestStringConvertible {
    let ddl: String
    var options: [String: String] = [:]
    var mode = SaveMode.append
    var says: String?
    var testDescription: String { "\(ddl) \(mode) \(options)" }
  }

  @Test(arguments: [
    Misfit(ddl: "k:long"), Misfit(ddl: "v:string, k:long"), Misfit(ddl: "k:int, v:string"), Misfit(ddl: "k:long, v:guid"),
    Misfit(ddl: "k:real, v:string", says: "'k' is long there, real here"), Misfit(ddl: "k:long, w:int", says: "'w' (int) is new"),
    Misfit(ddl: "k:long, w:int", options: ["mergeSchema": "true"]), Misfit(ddl: "K:long", options: ["mergeSchema": "true"], says: "'K' is called 'k' there"),
    Misfit(ddl: "k:string", options: ["mergeSchema": "true"], mode: .overwrite, says: "'k' is long there"),
    Misfit(ddl: "x:string", options: ["overwriteSchema": "true"], mode: .overwrite), Misfit(ddl: "x:string", mode: .overwrite, says: "'x' (string) is new"),
  ]) func schemas(_ c: Misfit) throws {
    let s = Scratch()
    try writeTable(s("t"), [numbers([1])])
    let schema = try StructType(ddl: c.ddl)
    let rows = RecordBatch(
      schema: schema, columns: schema.fields.map { .of($0.type, [$0.type == .int ? .int(5) : $0.type == .long ? .long(5) : .null($0.type)]) }, rowCount: 1)
    let error = thrown { try writeTable(s("t"), [rows], mode: c.mode, options: c.options) }
    if let says = c.says {
      #expect(error?.code == .schemaMismatch && error?.message.contains(says) == true, "\(String(describing: error))")
      #expect(s.dataFiles("t").count == 1)
    } else {
      #expect(error == nil)
      let table = try openTable(s("t"))
      #expect(try readRows(table).count == (c.mode == .append ? 2 : 1))
    }
  }

  struct Guarded: CustomTestStringConvertible {
    let feature: String
    var configuration: [String: String] = [:]
    let says: String
    var testDescription: String { feature }
  }

  @Test(arguments: [
    Guarded(feature: "checkConstraints", configuration: ["delta.constraints.positive": "k > 0"], says: "CHECK constraint 'positive'"),
    Guarded(feature: "changeDataFeed", configuration: ["delta.enableChangeDataFeed": "true"], says: "change data feed"),
    Guarded(feature: "icebergCompatV2", says: "'icebergCompatV2'"), Guarded(feature: "clustering", says: "'clustering'"),
  ]) func featuresRefusedByName(_ c: Guarded) throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    _ = try log.commit(firstActions("k:long, v:string", features: [c.feature], configuration: c.configuration), on: nil, rebase: conflict)
    let error = try #require(thrown { try writeTable(s("t"), [numbers([1])]) })
    #expect(error.code == .notSupported && error.message.contains(c.says), "\(error)")
    #expect(try readRows(openTable(s("t"))).isEmpty)
  }

  @Test func transactionsAreWrittenOnce() throws {
    let s = Scratch()
    let options = { (n: Int) in ["txnAppId": "job", "txnVersion": "\(n)"] }
    for n in [1, 2, 2, 1, 3] { try writeTable(s("t"), [numbers([Int64(n)])], options: options(n)) }
    #expect(try keys(s("t")) == [1, 2, 3])
    #expect(thrown { try writeTable(s("t"), [numbers([4])], options: ["txnAppId": "job"]) }?.code == .optionInvalid)
  }

  @Test func appendOnlyTablesAreNotOverwritten() throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    _ = try log.commit(firstActions("k:long, v:string", configuration: ["delta.appendOnly": "true"]), on: nil, rebase: conflict)
    try writeTable(s("t"), [numbers([1])])
    #expect(thrown { try writeTable(s("t"), [numbers([1])], mode: .overwrite) }?.code == .usage)
  }

  /// What comes of a write that was to make the table and found it made.
  struct Second: CustomTestStringConvertible {
    var ddl = "k:long, v:string"
    let mode: SaveMode
    var partitionBy: [String] = []
    var options: [String: String] = [:]
    /// The keys then; nil: refused.
    let keys: [Int64]?
    var hint = "repeat the write"
    var testDescription: String { "\(mode) \(ddl) \(partitionBy) \(options)" }
  }

  @Test(arguments: [
    Second(mode: .append, keys: [1, 2]), Second(mode: .ignore, keys: [1]), Second(mode: .error, keys: nil, hint: "use mode append or overwrite"),
    Second(mode: .overwrite, keys: nil), Second(ddl: "k:long, w:string", mode: .append, keys: nil), Second(mode: .append, partitionBy: ["v"], keys: nil),
    Second(mode: .append, options: ["txnAppId": "q", "txnVersion": "4"], keys: [1, 2]), Second(mode: .append, options: ["txnAppId": "q", "txnVersion": "3"], keys: [1]),
  ]) func writersThatBothMakeTheTable(_ c: Second) throws {
    let s = Scratch()
    let rows = try batch(c.ddl, [[.long(2), .string("x")]])
    let sink = try #require(try DeltaProvider().makeSink(s("t"), schema: rows.schema, mode: c.mode, partitionBy: c.partitionBy, options: makeOptions(c.options, .write)))
    try sink.append(try sink.encode([rows]))
    try writeTable(s("t"), [numbers([1])], options: ["txnAppId": "q", "txnVersion": "3"])
    var summary: WriteSummary?
    let error = thrown { summary = try sink.commit() }
    if error != nil { sink.abort() }
    #expect(summary?.isSkipped == c.keys.map { $0 == [1] })
    #expect(try keys(s("t")) == c.keys ?? [1])
    #expect((error == nil) == (c.keys != nil))
    if c.keys == nil { #expect(error?.code == .alreadyExists && error?.isRetryable == true && error?.hint == c.hint, "\(String(describing: error))") }
    // Nothing is left of a write that brought nothing.
    #expect(s.dataFiles("t").count == (c.keys == [1, 2] ? 2 : 1))
  }

  @Test func aDirectoryOfOtherFilesDoesNotBecomeATable() throws {
    let s = Scratch()
    s.put("t/x.csv", "a\n")
    #expect(thrown { try writeTable(s("t"), [numbers([1])], mode: .overwrite) }?.code == .alreadyExists)
  }

  /// A process that died before the first commit leaves parts; an empty log says so, and they are nobody's rows.
  @Test func partsOfAWriteThatDied() throws {
    let s = Scratch()
    s.put("t/part-00000-x.parquet", "PAR1")
    #expect(thrown { try writeTable(s("t"), [numbers([1])]) }?.code == .alreadyExists)
    let rows = try numbers([1])
    let sink = try #require(try DeltaProvider().makeSink(s("u"), schema: rows.schema, mode: .append, partitionBy: [], options: makeOptions([:], .write)))
    try sink.append(try sink.encode([rows]))
    // As a process leaves it that dies here.
    let left = try DirectoryReader.names(in: s("u"))
    #expect(left.contains("_delta_log"), "\(left)")
    try writeTable(s("u"), [numbers([2])])
    sink.abort()
    #expect(try readRows(openTable(s("u"))).count == 1)
    _ = try DeltaLog(path: s("t")).makeDirectories()
    try writeTable(s("t"), [numbers([1])])
    #expect(try readRows(openTable(s("t"))).count == 1)
  }

  @Test func statisticsSkipFiles() throws {
    let s = Scratch()
    for i in 0..<10 {
      try writeTable(
        s("t"), [batch("k:long, v:string, g:datetime", (0..<100).map { [.long(Int64(i * 100 + $0)), .string("name of row \(i) is rather long, longer than statistics keep"), .datetime(Int64(i) * 864_000_000_000 + 10)] })])
    }
    let table = try openTable(s("t"))
    func pruned(_ filter: Expr, rows: Int) throws {
      var files = 0
      #expect(try readRows(table, filters: [filter]) { files = $0.filesPruned }.count == rows)
      #expect(files == 9, "\(filter)")
    }
    try pruned(.call(FunctionName.equal, [.column("k"), .literal(.long(555))]), rows: 1)
    try pruned(.call(FunctionName.equal, [.column("v"), .literal(.string("name of row 4 is rather long, longer than statistics keep"))]), rows: 100)
    try pruned(.call(FunctionName.equal, [.column("g"), .literal(.datetime(864_000_000_010))]), rows: 100)
    #expect(table.exactRowCount == 1_000)
  }

  @Test(arguments: [false, true], [SaveMode.append, .overwrite, .error]) func everyCallFailing(_ isCrash: Bool, _ mode: SaveMode) throws {
    var k = 1
    while true {
      let s = Scratch()
      if mode != .error { for i in 1...9 { try writeTable(s("t"), [numbers([Int64(i)])]) } }
      let before: [Int64]? = mode == .error ? nil : Array(1...9)
      let after: [Int64] = mode == .append ? Array(1...9) + [100, 101] : [100, 101]
      let plan = FaultPlan(failAt: k, isCrash: isCrash)
      let error = thrown { try writeTable(s("t"), [numbers([100, 101])], mode: mode, partitionBy: [], fileSystem: plan.fileSystem) }
      if plan.calls < k {
        #expect(error == nil)
        break
      }
      let seen = pathKind(s("t/_delta_log")) == .directory && DeltaLog(path: s("t")).exists ? try keys(s("t")) : nil
      let isVisible = error == nil || error?.message.contains("may not survive") == true
      #expect(seen == (isVisible ? after : before), "\(mode) call \(k) \(String(describing: plan.failed)): \(String(describing: error))")
      // A failure that is no crash leaves no file behind.
      if !isCrash, !isVisible { #expect(s.dataFiles("t").count == (before?.count ?? 0), "\(mode) call \(k): \(s.dataFiles("t"))") }
      if isCrash, mode == .error { _ = FileSystem.system.removeTree(s("t")) }
      try writeTable(s("t"), [numbers([7])])
      k += 1
      if k > 200 { Issue.record("no end of calls"); break }
    }
    #expect(k > 10)
  }

  @Test func appendersAndAnOverwriterAtOnce() throws {
    let s = Scratch()
    try writeTable(s("t"), [numbers([0])])
    let failures = Mutex<[String]>([])
    let path = s("t")
    runThreads(3) { thread in
      do {
        for i in 0..<10 { try writeTable(path, [numbers([Int64(thread * 100 + i)])], mode: thread == 2 && i == 5 ? .overwrite : .append) }
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    let snapshot = try DeltaLog(path: path).snapshot()
    #expect(snapshot.version == 30)
    #expect(try keys(path).suffix(5) == [205, 206, 207, 208, 209])
  }

  @Test(.enabled(if: Judges.python != nil, "KCONNECT_PYTHON is not set: no deltalake and Polars to judge"))
  func othersReadWhatIsWritten() throws {
    let s = Scratch()
    for i in 0..<25 {
      let rows = try batch(
        "k:long, d:decimal, r:real, s:string, w:datetime, b:bool, n:int, p:string",
        (0..<4).map { j in
          [
            .long(Int64(i * 4 + j)), .decimal(DecimalValue(Int128(i * 1_000 + j), scale: 3)), j == 3 ? .null(.real) : .real(Double(i) / 8), j == 0 ? .null(.string) : .string("s\(j)"),
            .datetime(Int64(i) * 36_000_000_000 + 10), .bool(j == 1), .int(Int32(j)), j == 2 ? .null(.string) : .string("p \(j)/ü"),
          ]
        })
      try writeTable(s("t"), [rows], mode: i == 17 ? .overwrite : .append, partitionBy: ["p"])
    }
    let table = try openTable(s("t"))
    try copyTable(table, to: s("copy.parquet"))
    #expect(try Judges.run(["written", s("t"), s("copy.parquet")]) == ["deltalake equal", "polars equal"])
  }
}
