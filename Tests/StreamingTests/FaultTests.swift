// Role: the fault plan for sources and sinks: each system call that writes fails once with a full disk; a run with space afterwards ends with
// every row once. Inputs rewritten under a stream, and two streams into one place.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import KustoStore
import Foundation
import Streaming
import Synchronization
import Testing

/// Fails the k-th call that changes something, and counts them all.
private final class FullDisk: Sendable {
  private let count = Mutex(0)
  private let at: Int?

  init(at: Int?) { self.at = at }

  var calls: Int { count.withLock { $0 } }

  var fileSystem: FileSystem {
    FileSystem { [self] operation, _ in
      guard [.makeDirectory, .create, .write, .sync, .link, .rename].contains(operation) else { return nil }
      return count.withLock { count in
        defer { count += 1 }
        return count == at ? ENOSPC : nil
      }
    }
  }
}

@Suite struct FaultTests {
  enum Input: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case files, delta, store, stdin
    var testDescription: String { rawValue }
  }

  private static let parquet = FileProvider(ParquetFormat())
  private static let csv = FileProvider(CSVFormat())
  private static let schema = StructType([StructField("id", .long), StructField("text", .string)])

  private func source(_ input: Input, _ place: Place, _ fileSystem: FileSystem) throws -> any MicroBatchSource {
    switch input {
    case .files:
      let specs = FileStreamOptions.specs + Self.csv.options
      return try FileStreamSource(Self.csv, path: place.file("in"), schema: Self.schema, options: try checked("csv", specs, [("maxFilesPerTrigger", "1")]), fileSystem: fileSystem)
    case .delta: return try DeltaStreamSource(place.file("t"), options: try checked("delta", DeltaStreamSource.specs, [("maxFilesPerTrigger", "1")]))
    case .store:
      return try StoreStreamSource("db.T", options: try checked("kusto", StoreStreamSource.specs, [("kustoStore", place.file("store")), ("maxRowsPerTrigger", "2")]))
    case .stdin:
      let options = try checked("csv", Self.csv.options, [("header", "false")])
      return try StdinStreamSource(
        .records(Self.csv, options), json: FileProvider(JSONFormat()), schema: Self.schema, maxBytes: 10, descriptor: open(place.file("lines"), O_RDONLY), fileSystem: fileSystem)
    }
  }

  /// Puts 0..<6 there.
  private func fill(_ input: Input, _ place: Place) throws {
    switch input {
    case .files:
      try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
      for n in 0..<3 { try place.write("in/\(n).csv", "id,text\n\(2 * n),a\n\(2 * n + 1),b\n") }
    case .delta: for n in 0..<3 { _ = try write(numbered(2 * n..<2 * n + 2), delta: place.file("t")) }
    case .store:
      let table = try storeTable(place)
      for n in 0..<3 { try table.ingest([numbered(2 * n..<2 * n + 2)]) }
    case .stdin: try place.write("lines", (0..<6).map { "\($0),x\n" }.joined())
    }
  }

  private func runOnce(_ input: Input, _ place: Place, _ fileSystem: FileSystem) throws {
    let checkpoint = try Checkpoint(place.file("cp"), fileSystem: fileSystem)
    nonisolated(unsafe) let source = try source(input, place, fileSystem)
    let sink = try DirectoryStreamSink(
      ParquetFormat(), directory: place.file("out"), partitionBy: [],
      options: try DataSourceOptions(source: "parquet", specs: Self.parquet.options, given: [], use: .write), fileSystem: fileSystem)
    var settings = StreamSettings()
    settings.trigger = input == .stdin ? .asFastAsPossible : .availableNow
    settings.clock = StreamClock(now: { 1_000 })
    let plan = LogicalPlan.scan(StreamRelation(schema: source.schema, description: "input") { source })
    try MicroBatchExecution(plan: plan, sink: sink, checkpoint: checkpoint, settings: settings) { _ in }.run()
  }

  private func found(_ place: Place) throws -> [Int] {
    let options = try checked("parquet", Self.parquet.options, [])
    do { return try ids(.scan(Self.parquet.open([place.file("out")], schema: nil, options: options))) } catch let error as KConnectError where error.code == .pathNotFound { return [] }
  }

  @Test(arguments: Input.allCases) func fullDisk(_ input: Input) throws {
    let clean = try Place()
    try fill(input, clean)
    let all = FullDisk(at: nil)
    try runOnce(input, clean, all.fileSystem)
    #expect(try found(clean) == Array(0..<6))
    #expect(all.calls > 10)
    for k in 0..<all.calls {
      let place = try Place()
      try fill(input, place)
      var failed = false
      do { try runOnce(input, place, FullDisk(at: k).fileSystem) } catch let error as KConnectError {
        failed = true
        #expect(error.code == .diskFull, "call \(k): \(error)")
      }
      let before = try found(place)
      #expect(Set(before).count == before.count, "call \(k)")
      // What came through a pipe before its piece was safe is gone with the pipe; here the file is read again from its start only where nothing was kept.
      if input == .stdin, failed { try place.write("lines", "") }
      try runOnce(input, place, .system)
      let after = try found(place)
      if input == .stdin { #expect(after == Array(0..<after.count), "call \(k)") } else { #expect(after == Array(0..<6), "call \(k)") }
      #expect(Set(before).isSubset(of: after), "call \(k)")
    }
  }

  /// Files that change between the plan of a batch and its reading: refused, left out or read as they are, as the option says.
  @Test(arguments: [("fail", nil), ("skip", [1]), ("reread", [1, 5])] as [(String, [Int]?)]) func inputRewrittenUnderTheStream(_ option: String, _ expected: [Int]?) throws {
    let place = try Place()
    try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
    try place.write("in/a.csv", "id,text\n0,a\n")
    try place.write("in/b.csv", "id,text\n1,a\n")
    let specs = FileStreamOptions.specs + Self.csv.options
    let source = try FileStreamSource(Self.csv, path: place.file("in"), schema: Self.schema, options: try checked("csv", specs, [("onSourceChange", option)]))
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    let end = try #require(try source.latestOffset(after: nil, .limited))
    try place.write("in/a.csv", "id,text\n5,another\n")
    guard let expected else {
      let error = #expect(throws: KConnectError.self) { try ids(source.rows(after: nil, through: end)) }
      #expect(error?.code == .checkpointConflict)
      return
    }
    #expect(try ids(source.rows(after: nil, through: end)) == expected)
  }

  /// A Delta table that is vacuumed or made anew under its stream is told, not guessed at.
  @Test func deltaFilesGoneUnderTheStream() throws {
    let place = try Place()
    try fill(.delta, place)
    let source = try source(.delta, place, .system)
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    let end = try #require(try source.latestOffset(after: nil, .limited))
    for name in try FileManager.default.contentsOfDirectory(atPath: place.file("t")) where name.hasSuffix(".parquet") { try place.remove("t/" + name) }
    let error = #expect(throws: KConnectError.self) { try ids(source.rows(after: nil, through: end)) }
    #expect(error?.code == .checkpointConflict)
  }

  /// Torn logs of a source are refused by name.
  @Test func tornSourceLog() throws {
    let place = try Place()
    try fill(.files, place)
    try runOnce(.files, place, .system)
    try place.write("cp/sources/0/1", String(try place.text("cp/sources/0/1").dropLast(5)))
    let error = #expect(throws: KConnectError.self) { try runOnce(.files, place, .system) }
    #expect(error?.code == .checkpointConflict)
    #expect(error?.message.contains("sources/0/1") == true)
    #expect(try found(place) == Array(0..<6))
  }

  /// A piece of standard input that was changed in the checkpoint is refused.
  @Test func tornPiece() throws {
    let place = try Place()
    try fill(.stdin, place)
    let checkpoint = try Checkpoint(place.file("cp"))
    let source = try source(.stdin, place, .system)
    try source.attach(checkpoint, index: 0)
    let end = try #require(try source.latestOffset(after: nil, .limited))
    let names = try FileManager.default.contentsOfDirectory(atPath: place.file("cp/sources/0")).filter { $0.hasSuffix(".csv") }
    try place.write("cp/sources/0/" + (try #require(names.first)), "7,x\n")
    let error = #expect(throws: KConnectError.self) { try ids(source.rows(after: nil, through: end)) }
    #expect(error?.code == .checkpointConflict)
  }

  /// Two streams of their own into one directory: both are there whole.
  @Test func twoWriters() throws {
    let first = try Place()
    try fill(.files, first)
    try runOnce(.files, first, .system)
    try first.remove("cp")
    try runOnce(.files, first, .system)
    #expect(try found(first) == (0..<6).flatMap { [$0, $0] })
  }
}
