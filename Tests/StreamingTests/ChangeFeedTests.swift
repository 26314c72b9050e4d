// Role: the change data feed of Delta tables as a stream, with deltalake as writer and judge.

import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import Streaming
import Testing

/// Python with deltalake: KCONNECT_PYTHON.
private let python = ProcessInfo.processInfo.environment["KCONNECT_PYTHON"]

@Suite struct ChangeFeedTests {
  /// Runs a script with deltalake as D and pyarrow as pa; `sys.argv[1]` is the path. What it prints.
  private func judged(_ script: String, _ path: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(python))
    process.arguments = ["-c", "import sys, datetime, deltalake as D, pyarrow as pa\npath = sys.argv[1]\n" + script, path]
    let out = Pipe()
    process.standardOutput = out
    try process.run()
    let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return text.split(separator: "\n").map(String.init)
  }

  /// `type version id text part` of every change, sorted.
  private static let judge = """
    rows = pa.table(D.DeltaTable(path).load_cdf(starting_version=START)).to_pylist()
    for line in sorted("%s %d %s %s %s" % (r["_change_type"], r["_commit_version"], r["id"], r["text"], r["part"]) for r in rows): print(line)
    """

  private static let table = """
    def rows(*ids): return pa.table({"id": pa.array(ids, pa.int64()), "text": ["t%d" % i for i in ids], "part": [str(i % 2) for i in ids]})
    D.write_deltalake(path, rows(1, 2, 3, 4), partition_by=["part"], configuration={"delta.enableChangeDataFeed": "true"})
    D.write_deltalake(path, rows(5), mode="append")
    t = D.DeltaTable(path)
    t.update(updates={"text": "'new'"}, predicate="id = 2")
    D.DeltaTable(path).delete("id = 3")
    D.DeltaTable(path).merge(rows(1, 9), "t.id = s.id", source_alias="s", target_alias="t").when_matched_update_all().when_not_matched_insert_all().execute()
    D.write_deltalake(path, rows(6, 7), mode="append")
    D.DeltaTable(path).delete("part = '0'")
    """

  private func source(_ path: String, _ options: [(String, String)] = []) throws -> DeltaStreamSource {
    try DeltaStreamSource(path, options: try checked("delta", DeltaStreamSource.specs, [("readChangeFeed", "true")] + options))
  }

  private func lines(_ plan: LogicalPlan) throws -> [String] {
    var out: [String] = []
    try QueryExecution(try plan.select(["_change_type", "_commit_version", "id", "text", "part", "_commit_timestamp"]), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
      for i in 0..<batch.rowCount {
        #expect(!batch.columns[5].scalar(i).isNull)
        out.append(batch.columns[..<5].map { ScalarText.text($0.scalar(i)) ?? "None" }.joined(separator: " "))
      }
      return true
    }
    return out.sorted()
  }

  private func all(_ source: DeltaStreamSource, _ admission: Admission = .limited) throws -> (batches: Int, rows: [String]) {
    var at: StreamOffset?
    var out: [String] = []
    var count = 0
    while let end = try source.latestOffset(after: at, admission), end != at {
      out += try lines(source.rows(after: at, through: end))
      at = end
      count += 1
    }
    return (count, out.sorted())
  }

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON is not set: no deltalake to write and judge"), arguments: [0, 1, 3])
  func everyKindOfChange(_ start: Int) throws {
    let place = try Place()
    let path = place.file("t")
    _ = try judged(Self.table, path)
    let expected = try judged(Self.judge.replacingOccurrences(of: "START", with: String(start)), path)
    let source = try source(path, [("startingVersion", String(start))])
    #expect(source.schema.names.suffix(3) == ["_change_type", "_commit_version", "_commit_timestamp"])
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    #expect(try all(source).rows == expected)
    // One version a batch gives the same rows; a version is never cut.
    let slow = try self.source(path, [("startingVersion", String(start)), ("maxFilesPerTrigger", "1")])
    try slow.attach(try Checkpoint(place.file("cp2")), index: 0)
    let one = try all(slow)
    #expect(one.rows == expected)
    #expect(one.batches == 7 - start)
  }

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON is not set: no deltalake to write and judge")) func firstTheTableThenChanges() throws {
    let place = try Place()
    let path = place.file("t")
    _ = try judged("D.write_deltalake(path, pa.table({'id': [1, 2], 'text': ['a', 'b'], 'part': ['x', 'x']}), configuration={'delta.enableChangeDataFeed': 'true'})", path)
    let source = try source(path)
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    let first = try #require(try source.latestOffset(after: nil, .limited))
    #expect(try lines(source.rows(after: nil, through: first)) == ["insert 0 1 a x", "insert 0 2 b x"])
    _ = try judged("D.DeltaTable(path).update(updates={'text': \"'c'\"}, predicate='id = 1')", path)
    let second = try #require(try source.latestOffset(after: first, .limited))
    #expect(try lines(source.rows(after: first, through: second)) == ["update_postimage 1 1 c x", "update_preimage 1 1 a x"])
  }

  @Test func tablesWithoutAFeedAreRefused() throws {
    let place = try Place()
    let path = place.file("t")
    _ = try write(numbered(0..<2), delta: path)
    let source = try source(path, [("startingVersion", "0")])
    let error = #expect(throws: KConnectError.self) { try source.attach(try Checkpoint(place.file("cp")), index: 0) }
    #expect(error?.code == .notSupported)
    #expect(error?.message.contains("delta.enableChangeDataFeed") == true)
    #expect(throws: KConnectError.self) { try self.source(path, [("ignoreChanges", "true")]) }
  }
}
