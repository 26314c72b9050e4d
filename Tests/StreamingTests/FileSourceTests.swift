// Role: directories as streams: which files are taken, forgotten, reported; places that must not lie in each other; what is durable when.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import Foundation
import Streaming
import Synchronization
import Testing

/// A directory `in` of CSV files with one column, and streams over it.
struct Incoming {
  let place: Place

  init() throws {
    place = try Place()
    try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
  }

  /// A file with these ids (texts are bad records), modified so many seconds after some moment.
  func put(_ name: String, _ ids: [String], second: Int = 0) throws {
    try place.write("in/\(name)", "id\n" + ids.map { $0 + "\n" }.joined())
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 + Double(second))], ofItemAtPath: place.file("in/\(name)"))
  }

  func source(_ options: [(String, String)] = [], path: String? = nil, fileSystem: FileSystem = .system, now: @escaping @Sendable () -> Int64 = { 1_800_000_000_000 }) throws -> FileStreamSource {
    let provider = FileProvider(CSVFormat())
    let checked = try DataSourceOptions(source: "csv", specs: FileStreamOptions.specs + provider.options, given: options, use: .read)
    return try FileStreamSource(provider, path: path ?? place.file("in"), schema: try StructType(ddl: "id:long"), options: checked, fileSystem: fileSystem, now: now)
  }

  func sink(_ directory: String, _ options: [(String, String)] = [], fileSystem: FileSystem = .system) throws -> DirectoryStreamSink {
    let provider = FileProvider(CSVFormat())
    let checked = try DataSourceOptions(source: "csv", specs: provider.options, given: options, use: .write)
    return try DirectoryStreamSink(provider.format, directory: place.file(directory), partitionBy: [], options: checked, fileSystem: fileSystem)
  }

  /// Runs what is there into a sink.
  @discardableResult
  func run(_ source: any MicroBatchSource, into sink: any MicroBatchSink) throws -> Int {
    nonisolated(unsafe) let source = source
    var settings = StreamSettings()
    settings.trigger = .availableNow
    settings.retries.wait = { _ in }
    let relation = StreamRelation(schema: source.schema, description: "in") { source }
    let execution = try MicroBatchExecution(plan: .scan(relation), sink: sink, checkpoint: try Checkpoint(place.file("cp")), settings: settings) { _ in }
    try execution.run()
    return execution.batches
  }

  /// The ids in the visible files of a directory.
  func ids(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: place.file(directory)).filter { !$0.hasPrefix("_") }
      .flatMap { try place.text("\(directory)/\($0)").split(separator: "\n").filter { $0 != "id" }.map(String.init) }.sorted()
  }
}

@Suite struct FileSourceTests {
  /// Columns that directories and the reader add are not the stream's, unless it was told of them.
  @Test func columnsOfLaterPartitions() throws {
    let incoming = try Incoming()
    try FileManager.default.createDirectory(atPath: incoming.place.file("in/k=1"), withIntermediateDirectories: true)
    try incoming.put("k=1/a.csv", ["1"])
    try incoming.put("k=1/b.csv", ["2"])
    try incoming.run(try incoming.source(), into: try incoming.sink("out"))
    #expect(try incoming.ids("out") == ["1", "2"])
    let named = try incoming.source([("fileNameColumn", "f")])
    #expect(named.schema.names == ["id", "f"])
  }

  struct Nested: Sendable, CustomTestStringConvertible {
    var testDescription: String { "\(option)=\(directory) of \(source)" }
    let option: String
    let directory: String
    var source = "in"
    let isRefused: Bool
  }

  @Test(arguments: [
    Nested(option: "sourceArchiveDir", directory: "in/archive", isRefused: true), Nested(option: "sourceArchiveDir", directory: "in", isRefused: true),
    Nested(option: "sourceArchiveDir", directory: "in/a/./b", isRefused: true), Nested(option: "sourceArchiveDir", directory: "link/new", isRefused: true),
    Nested(option: "sourceArchiveDir", directory: "in/_archive", isRefused: false), Nested(option: "sourceArchiveDir", directory: "inside", isRefused: false),
    Nested(option: "quarantinePath", directory: "in/bad", isRefused: true), Nested(option: "quarantinePath", directory: "bad", isRefused: false),
    Nested(option: "deadLetterPath", directory: "in/bad", isRefused: false),  // .jsonl files are not read as csv
    Nested(option: "sourceArchiveDir", directory: "in/archive", source: "in/*", isRefused: true), Nested(option: "sourceArchiveDir", directory: "in/archive", source: "in/*.csv", isRefused: false),
    Nested(option: "sourceArchiveDir", directory: "in", source: "in/*.csv", isRefused: true), Nested(option: "sourceArchiveDir", directory: "in/x/y", source: "in/**/*.csv", isRefused: true),
    Nested(option: "sourceArchiveDir", directory: "in/x", source: "{in,other}/x/*", isRefused: true), Nested(option: "sourceArchiveDir", directory: "in/x", source: "{in,other}/y/*", isRefused: false),
  ]) func placesInsideTheSource(_ test: Nested) throws {
    let incoming = try Incoming()
    try FileManager.default.createSymbolicLink(atPath: incoming.place.file("link"), withDestinationPath: incoming.place.file("in"))
    var options = [(test.option, incoming.place.file(test.directory))]
    if test.option == "sourceArchiveDir" { options.append(("cleanSource", "archive")) }
    if test.option == "quarantinePath" { options.append(("onBadFile", "quarantine")) }
    guard test.isRefused else {
      _ = try incoming.source(options, path: incoming.place.file(test.source))
      return
    }
    let error = #expect(throws: KConnectError.self) { try incoming.source(options, path: incoming.place.file(test.source)) }
    #expect(error?.code == .optionInvalid && error?.message.contains(test.option) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: [("in", true), ("in/out", true), ("in/_out", false), ("out", false)])
  func sinksInsideTheSource(_ directory: String, _ isRefused: Bool) throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1"])
    guard isRefused else {
      #expect(try incoming.run(incoming.source(), into: incoming.sink(directory)) == 1)
      return
    }
    let error = #expect(throws: KConnectError.self) { try incoming.run(incoming.source(), into: incoming.sink(directory)) }
    #expect(error?.code == .usage && error?.message.contains("read again") == true, "\(error?.message ?? "")")
  }

  /// Files that were forgotten do not come again when the options would let them.
  @Test(arguments: [[("maxFileAge", "7 days")], [("latestFirst", "true")], [("maxFileAge", "1000 days"), ("latestFirst", "true")]])
  func forgottenFilesStayRead(_ later: [(String, String)]) throws {
    let incoming = try Incoming()
    for n in 0..<12 { try incoming.put("f\(n).csv", [String(n)], second: n) }
    #expect(try incoming.run(incoming.source([("maxFilesPerTrigger", "1"), ("maxFileAge", "3 seconds")]), into: incoming.sink("out")) == 12)
    #expect(try incoming.place.text("cp/sources/0/9.compact").contains("\"horizonMs\":1700000006000"))
    #expect(try incoming.run(incoming.source([("maxFilesPerTrigger", "1")] + later), into: incoming.sink("out")) == 0)
    try incoming.put("new.csv", ["99"], second: 20)
    #expect(try incoming.run(incoming.source([("maxFilesPerTrigger", "1")] + later), into: incoming.sink("out")) == 1)
    #expect(try incoming.ids("out") == ((0..<12).map(String.init) + ["99"]).sorted())
  }

  @Test func changesOfReadFilesAreReportedOnce() throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1"])
    try incoming.put("b.csv", ["1"])
    let source = try incoming.source([("revalidateSeen", "true")])
    try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
    var at = try source.latestOffset(after: nil, .limited)
    func look() throws -> [String] {
      at = try source.latestOffset(after: at, .limited)
      return source.takeNotes()
    }
    #expect(try look() == [])
    try incoming.put("a.csv", ["1"], second: 5)
    try incoming.put("b.csv", ["1", "2"])  // the same time, another size
    #expect(try look().count == 2)
    for _ in 0..<5 { #expect(try look() == []) }
    try incoming.put("a.csv", ["1"], second: 6)
    let again = try look()
    #expect(again.count == 1 && again.first?.contains("a.csv' was changed") == true, "\(again)")
  }

  /// What is too young is told by the query's clock.
  @Test func freshFilesWait() throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1"])
    let time = Mutex<Int64>(1_700_000_004_000)
    let source = try incoming.source([("minFileAge", "5 seconds")], now: { time.withLock { $0 } })
    try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
    #expect(try source.latestOffset(after: nil, .limited) == nil)
    time.withLock { $0 += 1_000 }
    #expect(try source.latestOffset(after: nil, .limited) != nil)
  }

  /// A try that fails in the middle of its moves leaves nothing when the next one cuts the rows into fewer files.
  @Test func aRetryReplacesTheFilesOfTheFailedTry() throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1", "2"])
    try incoming.put("b.csv", ["3", "4"], second: 1)
    let removed = incoming.place.file("in/b.csv")
    let moves = Mutex(0)
    let faulty = FileSystem { operation, path in
      guard operation == .rename, path.contains("/part-") else { return nil }
      let count = moves.withLock { count in
        count += 1
        return count
      }
      guard count == 4 else { return nil }
      try? FileManager.default.removeItem(atPath: removed)
      return EIO
    }
    try incoming.run(incoming.source([("onSourceChange", "skip")]), into: try Retrying(incoming.sink("out", [("maxRecordsPerFile", "1")], fileSystem: faulty)))
    #expect(moves.withLock { $0 } > 4)
    #expect(try incoming.ids("out") == ["1", "2"])
  }

  /// Passes batches on; calls a failure one that may pass.
  private final class Retrying: MicroBatchSink {
    let inner: any MicroBatchSink
    init(_ inner: any MicroBatchSink) throws { self.inner = inner }
    var description: String { inner.description }
    var identity: String { inner.identity }
    func start(queryId: String, schema: StructType) throws { try inner.start(queryId: queryId, schema: schema) }
    func add(_ batch: MicroBatch) throws -> WriteSummary {
      do { return try inner.add(batch) } catch let error as KConnectError {
        var error = error
        error.isRetryable = true
        throw error
      }
    }
  }

  /// The records of bad rows are on the disk before the rows beside them can be seen.
  @Test func deadLettersAreDurableBeforeTheRows() throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1", "two", "3"])
    let calls = Mutex<[String]>([])
    let recording = FileSystem { operation, path in
      calls.withLock { $0.append("\(operation.rawValue) \(lastPathComponent(path).prefix { $0 != "0" })") }
      return nil
    }
    try incoming.run(
      incoming.source([("deadLetterPath", incoming.place.file("bad"))], fileSystem: recording), into: incoming.sink("out", fileSystem: recording))
    let all = calls.withLock { $0 }
    let synced = try #require(all.firstIndex(of: "sync .bad-"), "\(all)")
    let moved = try #require(all.firstIndex(of: "rename part-"), "\(all)")
    #expect(synced < moved)
    #expect(try FileManager.default.contentsOfDirectory(atPath: incoming.place.file("bad")).count == 1)
  }
}

/// What a listing meets in a directory that others use.
@Suite struct StreamListingTests {
  private func batch(_ source: FileStreamSource, _ place: Place, after start: inout StreamOffset?) throws -> [Int] {
    guard let end = try source.latestOffset(after: start, .limited), end != start else { return [] }
    defer { start = end }
    return try ids(source.rows(after: start, through: end))
  }

  @Test(arguments: ["in", "in/*.csv"]) func namesThatAreNotUTF8AreToldOnce(_ path: String) throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1"])
    var bytes = Array("\(incoming.place.file("in"))/".utf8)
    bytes.append(0xE9)
    bytes += Array(".csv\u{0}".utf8)
    let name = bytes.map { CChar(bitPattern: $0) }
    let descriptor = open(name, O_WRONLY | O_CREAT, 0o600)
    defer { unlink(name) }
    try #require(descriptor >= 0)
    close(descriptor)
    let source = try incoming.source(path: incoming.place.file(path))
    try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
    var at: StreamOffset?
    #expect(try batch(source, incoming.place, after: &at) == [1])
    let notes = source.takeNotes()
    #expect(notes.count == 1 && notes[0].contains("in/\\xE9.csv' is not read"), "\(notes)")
    #expect(try batch(source, incoming.place, after: &at) == [])
    #expect(source.takeNotes() == [])
  }

  /// Listings remember the names they need not look at again; others add and remove files between them, here and below.
  @Test(arguments: 1...6) func everyFileIsFoundOnceAmongComingAndGoing(_ seed: UInt64) throws {
    let incoming = try Incoming()
    let source = try incoming.source()
    try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
    var state = seed
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for name in ["p1", "p2", "p2/q1"] { try FileManager.default.createDirectory(atPath: incoming.place.file("in/\(name)"), withIntermediateDirectories: true) }
    var present: [String] = []
    var next = 0
    var at: StreamOffset?
    for step in 0..<30 {
      var expected: [Int] = []
      for _ in 0..<random(step == 0 ? 60 : 8) {
        let name = ["", "p1/", "p2/", "p2/q1/"][random(4)] + "\(String(next * 7_919 % 1_000, radix: 36))-\(next)" + String(repeating: "x", count: random(200)) + ".csv"
        try incoming.put(name, ["\(next)"], second: random(100))
        present.append(name)
        expected.append(next)
        next += 1
      }
      if random(3) == 0 { try incoming.place.write("in/p1/note\(step).txt.tmp", "") }
      #expect(try batch(source, incoming.place, after: &at).sorted() == expected, "step \(step)")
      for _ in 0..<random(6) where !present.isEmpty {
        try FileManager.default.removeItem(atPath: incoming.place.file("in/\(present.remove(at: random(present.count)))"))
      }
    }
    #expect(next > 60)
  }

  /// A file that was read and forgotten, because far newer ones came, is read again when it is written anew.
  @Test func forgottenFilesThatAreWrittenAnew() throws {
    let incoming = try Incoming()
    let source = try incoming.source([("maxFileAge", "1h"), ("maxFilesPerTrigger", "1")])
    try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
    var at: StreamOffset?
    func next() throws -> [Int] {
      let rows = try batch(source, incoming.place, after: &at)
      if let at { try source.commit(through: at) }
      return rows
    }
    try incoming.put("a.csv", ["0"])
    #expect(try next() == [0])
    for k in 1...11 {
      try incoming.put("n\(k).csv", ["\(k)"], second: 10_000 * k)
      #expect(try next() == [k])
    }
    try incoming.put("a.csv", ["100"], second: 200_000)
    #expect(try next() == [100])
  }

  /// A subdirectory goes while the listing of the one above it still names it.
  @Test func aDirectoryThatVanishes() throws {
    let incoming = try Incoming()
    func settle() throws {
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)], ofItemAtPath: incoming.place.file("in"))
    }
    try FileManager.default.createDirectory(atPath: incoming.place.file("in/sub"), withIntermediateDirectories: true)
    try settle()
    let source = try incoming.source()
    try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
    var at: StreamOffset?
    #expect(try batch(source, incoming.place, after: &at) == [])
    try FileManager.default.removeItem(atPath: incoming.place.file("in/sub"))
    try settle()
    #expect(try batch(source, incoming.place, after: &at) == [])
    try incoming.put("a.csv", ["1"])
    #expect(try batch(source, incoming.place, after: &at) == [1])
    try FileManager.default.removeItem(atPath: incoming.place.file("in"))
    #expect(throws: KConnectError.self) { try batch(source, incoming.place, after: &at) }
  }

  @Test(arguments: [
    ("modifiedAfter", "2023-11-14T22:13:21", [3]), ("modifiedBefore", "2023-11-14T22:13:21", [1]), ("modifiedAfter", "2099-01-01", []), ("modifiedBefore", "2000-01-01", []),
  ] as [(String, String, [Int])]) func times(_ option: String, _ value: String, _ expected: [Int]) throws {
    for path in ["in", "in/*.csv"] {
      let incoming = try Incoming()
      for n in 0..<3 { try incoming.put("f\(n).csv", [String(n + 1)], second: n) }
      let source = try incoming.source([(option, value)], path: incoming.place.file(path))
      try source.attach(try Checkpoint(incoming.place.file("cp")), index: 0)
      var at: StreamOffset?
      #expect(try batch(source, incoming.place, after: &at) == expected)
    }
  }

  @Test func partitionsAboveThePlace() throws {
    let incoming = try Incoming()
    try FileManager.default.createDirectory(atPath: incoming.place.file("in/k=7"), withIntermediateDirectories: true)
    try incoming.put("k=7/a.csv", ["1"])
    let provider = FileProvider(CSVFormat())
    for (path, expected) in [("in/k=7", ["id", "k"]), ("in/k=7/*.csv", ["id", "k"])] {
      let checked = try DataSourceOptions(source: "csv", specs: FileStreamOptions.specs + provider.options, given: [("basePath", incoming.place.file("in"))], use: .read)
      #expect(try FileStreamSource(provider, path: incoming.place.file(path), schema: nil, options: checked).schema.names == expected)
    }
    let error = #expect(throws: KConnectError.self) { try incoming.source([("basePath", incoming.place.file("other"))]) }
    #expect(error?.code == .optionInvalid && error?.message.contains("basePath") == true)
  }

  @Test(arguments: ["maxFilesPerTrigger", "maxBytesPerTrigger"]) func limitsBelowZero(_ option: String) throws {
    let incoming = try Incoming()
    let error = #expect(throws: KConnectError.self) { try incoming.source([(option, "-5")]) }
    #expect(error?.code == .optionInvalid && error?.message.contains(option) == true)
  }
}

@Suite struct SeenLogTests {
  /// Names of every kind, through entries and compactions: a restart knows all of them.
  @Test func namesSurviveRestarts() throws {
    let incoming = try Incoming()
    let names = ["plain.csv", "with space.csv", "quote\".csv", "back\\slash.csv", "ünï.csv", "line\nend.csv", "tab\t.csv", "😀.csv", "per%20cent.csv", "a,b.csv", "{\"path\":.csv", "x.csv"]
    for (n, name) in names.enumerated() { try incoming.put(name, [String(n)], second: n) }
    #expect(try incoming.run(incoming.source([("maxFilesPerTrigger", "1")]), into: incoming.sink("out")) == names.count)
    let log = try FileManager.default.contentsOfDirectory(atPath: incoming.place.file("cp/sources/0"))
    #expect(log.contains("9.compact") && log.contains("11"), "\(log)")
    #expect(try incoming.run(incoming.source([("maxFilesPerTrigger", "1")]), into: incoming.sink("out")) == 0)
    #expect(try incoming.ids("out") == (0..<names.count).map(String.init).sorted())
    // A log that others wrote: escapes, spaces, other orders of members.
    let place = try Incoming()
    try place.put("a.csv", ["1"])
    try place.put("b.csv", ["2"])
    try FileManager.default.createDirectory(atPath: place.place.file("cp/sources/0"), withIntermediateDirectories: true)
    let path = place.place.file("in/a.csv").replacingOccurrences(of: "/in/", with: "/i\\u006e/")
    try place.place.write("cp/sources/0/0", LogLines.text(["{ \"size\": 5, \"timestamp\": 1700000000000, \"path\": \"file://\(path)\" }"]))
    let source = try place.source()
    try source.attach(try Checkpoint(place.place.file("cp")), index: 0)
    let first = try #require(try source.latestOffset(after: nil, .limited))
    #expect(try ids(source.rows(after: nil, through: first)) == [1])
    let second = try #require(try source.latestOffset(after: first, .limited))
    #expect(try ids(source.rows(after: first, through: second)) == [2])
  }

  /// Each directory of a checkpoint is durable in the one above it before the first batch is planned.
  @Test func newDirectoriesAreSynced() throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1"])
    let calls = Mutex<[(FileOperation, String)]>([])
    let recording = FileSystem { operation, path in
      calls.withLock { $0.append((operation, path)) }
      return nil
    }
    let checkpoint = try Checkpoint(incoming.place.file("new/deep/cp"), fileSystem: recording)
    let source = try incoming.source(fileSystem: recording)
    try source.attach(checkpoint, index: 0)
    _ = try source.latestOffset(after: nil, .limited)
    let all = calls.withLock { $0 }
    let made = all.enumerated().filter { $0.element.0 == .makeDirectory }
    #expect(made.map { lastPathComponent($0.element.1) } == ["new", "deep", "cp", "offsets", "commits", "sources", "0"])
    let linked = try #require(all.firstIndex { $0.0 == .link && $0.1.hasSuffix("sources/0/0") })
    for (i, call) in made {
      #expect(all[i..<linked].contains { $0.0 == .syncDirectory && $0.1 == parentPath(call.1) }, "\(call.1)")
    }
  }
}

@Suite struct RateTests {
  private func source(_ perBatch: Bool, _ options: [(String, String)], now: Int64 = 0) throws -> RateSource {
    try RateSource(perBatch: perBatch, options: checked("rate", RateSource.specs, options), now: { now })
  }

  @Test(arguments: [
    (true, [("rowsPerBatch", "9223372036854775807")]), (true, [("rowsPerBatch", "0")]), (true, [("rowsPerBatch", "1"), ("startTimestamp", "9223372036854775807")]),
    (true, [("rowsPerBatch", "1"), ("advanceMillisPerBatch", "-1")]), (false, [("rowsPerSecond", "9223372036854775807")]), (false, [("rowsPerSecond", "0")]),
  ]) func wrongOptions(_ perBatch: Bool, _ options: [(String, String)]) {
    let error = #expect(throws: KConnectError.self) { try source(perBatch, options) }
    #expect(error?.code == .optionInvalid)
  }

  @Test func timesEndWithTheYear9999() throws {
    let source = try source(true, [("rowsPerBatch", "1"), ("advanceMillisPerBatch", "253402300799999")])
    let first = try source.latestOffset(after: nil, .limited)
    #expect(first != nil)
    let error = #expect(throws: KConnectError.self) { try source.latestOffset(after: first, .limited) }
    #expect(error?.code == .valueInvalid)
  }

  /// More rows than memory holds: the first ones come at once.
  @Test func rowsAreMadeAsTheyAreRead() throws {
    let source = try source(true, [("rowsPerBatch", "1000000000"), ("startTimestamp", "7")])
    let end = try #require(try source.latestOffset(after: nil, .limited))
    let plan = try source.rows(after: nil, through: end)
    var values: [Int64] = []
    try QueryExecution(plan.limit(3), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
      for i in 0..<batch.rowCount { values.append(batch.columns[1].scalar(i).int64Value ?? -1) }
      return true
    }
    #expect(values == [0, 1, 2])
  }

  @Test func rowsOfASecondAreSpread() throws {
    let clock = Mutex<Int64>(5_000)
    let source = try RateSource(perBatch: false, options: checked("rate", RateSource.specs, [("rowsPerSecond", "4")]), now: { clock.withLock { $0 } })
    let place = try Place()
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    clock.withLock { $0 = 7_000 }
    let end = try #require(try source.latestOffset(after: nil, .limited))
    var rows: [[Int64]] = []
    try QueryExecution(source.rows(after: nil, through: end), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
      for i in 0..<batch.rowCount { rows.append([batch.columns[1].scalar(i).int64Value ?? -1, (batch.columns[0].scalar(i).int64Value ?? -1) / 10_000]) }
      return true
    }
    let expected: [[Int64]] = [[0, 5_000], [1, 5_250], [2, 5_500], [3, 5_750], [4, 6_000], [5, 6_250], [6, 6_500], [7, 6_750]]
    #expect(rows == expected)
  }
}

@Suite struct StreamPlanTests {
  private func stream() throws -> LogicalPlan {
    let schema = try StructType(ddl: "id:long, text:string")
    return .scan(StreamRelation(schema: schema, description: "list") { ListSource([], schema: schema) })
  }

  @Test func unionsWithTablesAreRefused() throws {
    let table = LogicalPlan.values(try StructType(ddl: "id:long, text:string"), [numbered(0..<1)])
    try StreamPlan.check(try .union([stream(), stream()]))
    try StreamPlan.check(try .union([table, table]))
    for plan in [try LogicalPlan.union([stream(), table]), try .union([table, stream()]).select(["id"])] {
      let error = #expect(throws: KConnectError.self) { try StreamPlan.check(plan) }
      #expect(error?.code == .notSupported && error?.message.contains("union") == true)
    }
  }
}
