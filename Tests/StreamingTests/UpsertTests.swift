// Role: writes by key, the same for tables of the store and Delta tables: which row stays, what a commit holds, what is too old.

import Columnar
import DataSource
import Delta
import DeltaConnector
import Engine
import Expressions
import KustoStore
import Testing

/// A table that is written by key.
enum KeyedTarget: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case kusto, delta
  var testDescription: String { rawValue }

  private var provider: any DataSourceProvider { self == .kusto ? KustoProvider() : DeltaProvider() }
  private func path(_ place: Place) -> String { self == .kusto ? "db.T" : place.file("t") }

  @discardableResult
  func write(_ batches: [RecordBatch], _ place: Place, _ options: [(String, String)] = [("upsertKey", "id")]) throws -> WriteSummary {
    let own = self == .kusto ? [("kustoStore", place.file("store")), ("tableCreateOptions", "CreateIfNotExist")] : []
    let checked = try DataSourceOptions(source: rawValue, specs: provider.options, given: own + options, use: .write)
    let schema = batches[0].schema
    guard let sink = try provider.makeSink(path(place), schema: schema, mode: .append, partitionBy: [], options: checked) else { return WriteSummary(isSkipped: true) }
    return try QueryExecution(.values(schema, batches), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).write(to: sink)
  }

  /// The rows as text, sorted.
  func rows(_ place: Place) throws -> [String] {
    let plan: LogicalPlan
    if self == .kusto {
      plan = .scan(try OpenStores.executor(place.file("store"), create: false).store.database("db").table("T").snapshot().rows())
    } else {
      plan = .scan(try DeltaProvider().open([path(place)], schema: nil, options: try DataSourceOptions(source: "delta", specs: DeltaProvider().options, given: [], use: .read)))
    }
    var out: [String] = []
    try QueryExecution(plan, options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
      for i in 0..<batch.rowCount { out.append(batch.columns.map { $0.scalar(i).isNull ? "null" : ScalarText.text($0.scalar(i)) ?? "" }.joined(separator: " ")) }
      return true
    }
    return out.sorted()
  }
}

@Suite struct UpsertTests {
  private func people(_ rows: [(Int64?, String)]) throws -> RecordBatch {
    try rowsOf("id:long, name:string", rows.map { [$0.0.map { .long($0) } ?? .null(.long), .string($0.1)] })
  }

  @Test(arguments: KeyedTarget.allCases) func theLastRowOfAKeyStays(_ target: KeyedTarget) throws {
    let place = try Place()
    let first = try target.write([people([(1, "a"), (2, "b"), (1, "c")]), people([(3, "d"), (2, "e")])], place)
    #expect(first.rows == 3)
    #expect(try target.rows(place) == ["1 c", "2 e", "3 d"])
    try target.write([people([(2, "f"), (4, "g")])], place)
    #expect(try target.rows(place) == ["1 c", "2 f", "3 d", "4 g"])
    // Plain appends go on beside it; the next write by key finds their rows, too.
    try target.write([people([(4, "twice")])], place, [])
    try target.write([people([(4, "h")])], place)
    #expect(try target.rows(place) == ["1 c", "2 f", "3 d", "4 h"])
    try target.write([people([])], place)
    #expect(try target.rows(place).count == 4)
  }

  @Test(arguments: KeyedTarget.allCases) func manyKeysOfSeveralColumns(_ target: KeyedTarget) throws {
    let place = try Place()
    func rows(_ range: Range<Int>, _ mark: String) throws -> RecordBatch {
      try rowsOf("id:long, part:string, mark:string", range.map { [.long(Int64($0 % 500)), .string("p\($0 / 500)"), .string(mark)] })
    }
    let key = [("upsertKey", "id, part")]
    try target.write([rows(0..<2_000, "old")], place, key)
    try target.write([rows(900..<1_400, "new")], place, key)
    let found = try target.rows(place)
    #expect(found.count == 2_000)
    #expect(found.filter { $0.hasSuffix("new") }.count == 500)
    #expect(Set(found.map { $0.split(separator: " ").prefix(2).joined() }).count == 2_000)
  }

  @Test(arguments: KeyedTarget.allCases) func nullsAreOneKey(_ target: KeyedTarget) throws {
    let place = try Place()
    try target.write([people([(nil, "a"), (1, "b")])], place)
    try target.write([people([(nil, "c")])], place)
    #expect(try target.rows(place) == ["1 b", "null c"])
  }

  @Test(arguments: KeyedTarget.allCases) func writtenOnceByTransaction(_ target: KeyedTarget) throws {
    let place = try Place()
    let options = [("upsertKey", "id"), ("txnAppId", "q"), ("txnVersion", "0")]
    #expect(try !target.write([people([(1, "a")])], place, options).isSkipped)
    #expect(try target.write([people([(1, "b")])], place, options).isSkipped)
    #expect(try target.rows(place) == ["1 a"])
  }

  @Test(arguments: KeyedTarget.allCases) func oldRowsGo(_ target: KeyedTarget) throws {
    let place = try Place()
    func row(_ id: Int64, _ time: Int64) throws -> RecordBatch { try rowsOf("id:long, at:datetime", [[.long(id), .datetime(time)]]) }
    let now = StoreClock.nowTicks / 10 * 10, hour = Int64(36_000_000_000)
    let options = [("upsertKey", "id"), ("ttl", "2 hours"), ("ttlColumn", "at")]
    try target.write([row(1, now - 3 * hour), row(2, now - hour)], place, [("upsertKey", "id")])
    try target.write([row(3, now)], place, options)
    #expect(try target.rows(place).map { $0.prefix(1) } == ["2", "3"])
  }

  @Test(arguments: KeyedTarget.allCases) func otherColumnsStay(_ target: KeyedTarget) throws {
    let place = try Place()
    try target.write([try rowsOf("id:long, a:string, b:int", [[.long(1), .string("x"), .int(7)], [.long(2), .string("y"), .int(8)]])], place)
    let options = [("upsertKey", "id")] + (target == .kusto ? [("adjustSchema", "GenerateDynamicCsvMapping")] : [])
    try target.write([try rowsOf("a:string, id:long", [[.string("z"), .long(1)]])], place, options)
    #expect(try target.rows(place) == ["1 z null", "2 y 8"])
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let options: [(String, String)]
    let code: KConnectError.Code
    var testDescription: String { options.map { "\($0.0)=\($0.1)" }.joined(separator: " ") }
  }

  @Test(arguments: [
    Refusal(options: [("upsertKey", "nope")], code: .columnNotFound), Refusal(options: [("upsertKey", "")], code: .optionInvalid),
    Refusal(options: [("upsertKey", "id,id")], code: .optionInvalid), Refusal(options: [("ttl", "1 hour")], code: .optionInvalid),
    Refusal(options: [("upsertKey", "id"), ("ttl", "1 hour"), ("ttlColumn", "name")], code: .optionInvalid),
  ]) func refusals(_ test: Refusal) throws {
    for target in KeyedTarget.allCases {
      let place = try Place()
      let error = #expect(throws: KConnectError.self) { try target.write([people([(1, "a")])], place, test.options) }
      #expect(error?.code == test.code, "\(target): \(error?.message ?? "")")
    }
  }

  /// Rows keep their commit version where they stay: a stream over the table sees what is new, and nothing again.
  @Test func streamsSeeWhatChanged() throws {
    let place = try Place()
    try KeyedTarget.kusto.write([people([(1, "a"), (2, "b")])], place)
    let table = try OpenStores.executor(place.file("store"), create: false).store.database("db").table("T")
    let before = try table.newestVersion()
    try KeyedTarget.kusto.write([people([(2, "c"), (3, "d")])], place)
    #expect(try ids(table.snapshot().rows(after: before, through: table.newestVersion())) == [2, 3])
  }

  /// Several writers at once: every key once, and the last writer of a key wins in some order.
  @Test(arguments: KeyedTarget.allCases) func sideBySide(_ target: KeyedTarget) async throws {
    let place = try Place()
    try target.write([people([(0, "x")])], place)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<3 { group.addTask { for n in 0..<4 { try target.write([try people([(Int64(n), "w\(writer)"), (Int64(100 + writer), "own")])], place) } } }
      try await group.waitForAll()
    }
    let found = try target.rows(place)
    #expect(found.count == 4 + 3)
    #expect(Set(found.map { $0.prefix { $0 != " " } }).count == 7)
  }
}
