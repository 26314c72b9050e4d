// Role: what the query of a materialized view may say of its source, and what of that is kept when rows leave the source.

import Columnar
import DataSource
import KustoStore
import Testing

@Suite struct ViewQueryTests {
  private static func store() throws -> TemporaryStore {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (k:string, x:int)")
    try store.run(".set D <| datatable(k:string, y:int)['a', 1, 'b', 2]")
    return store
  }

  /// The newest row of each key, by the time at which it came; what is stored has the times of the rows that left.
  @Test(arguments: [true, false]) func ingestionTimes(backfill: Bool) throws {
    let store = try Self.store()
    try store.run(".create function Newest() { T | summarize t = max(ingestion_time()) by k }")
    for (name, query) in [("Latest", "T | summarize arg_max(ingestion_time(), *) by k"), ("Times", "Newest()"), ("Rest", "T | summarize arg_max(x, *) by k")] {
      try store.run(".create materialized-view with (backfill=\(backfill)) \(name) on table T { \(query) }")
    }
    for x in [1, 3, 2] { try store.run(".ingest inline into table T <|\na,\(x)") }
    #expect(try store.run("Latest | project x").rows == [["2"]])
    #expect(try store.run("Times | project t == toscalar(T | summarize max(ingestion_time()))").rows == [["true"]])
    #expect(try store.run("Rest").columns == "k:string x:int")
    let times = try store.run("Times").rows
    try store.run(".clear table T data")
    #expect(try store.run("Latest | project x").rows == [["2"]])
    #expect(try store.run("Times").rows == times)
    try store.run(".ingest inline into table T <|\na,1\nb,7")
    #expect(try store.run("Latest | project k, x | order by k asc").rows == [["a", "1"], ["b", "7"]])
    #expect(try store.run("Times | where k == 'a' | project t > datetime(\(times[0][1]))").rows == [["true"]])
  }

  /// The rows of a view have no times at which they came.
  @Test func ingestionTimesOfAView() throws {
    let store = try Self.store()
    try store.run(".create materialized-view V on table T { T | summarize take_any(*) by k }")
    let error = #expect(throws: KConnectError.self) { try store.run(".create materialized-view W on materialized-view V { V | summarize max(ingestion_time()) by x }") }
    #expect(error?.code == .notSupported && error?.message.contains("ingestion_time()") == true)
  }

  // MARK: What a query may be

  struct Case: Sendable, CustomTestStringConvertible {
    let query: String
    let says: String
    var testDescription: String { query }
  }

  /// As in Kusto: one summarize, last, of one table, of which every row counts by itself.
  static let refused: [Case] = [
    Case(query: "T | distinct k | summarize count() by k", says: "distinct"),
    Case(query: "T | summarize n = count() by k | summarize max(n) by k", says: "a second summarize"),
    Case(query: "T | count | summarize sum(Count) by k = 1", says: "a second summarize"),
    Case(query: "T | join kind=inner (T | summarize m = max(x) by k) on k | summarize sum(m) by k", says: "a second look at 'T'"),
    Case(query: "T | lookup (T | project k, y = x) on k | summarize sum(y) by k", says: "a second look at 'T'"),
    Case(query: "T | where x in (T | project x) | summarize count() by k", says: "a second look at 'T'"),
    Case(query: "T | take 5 | summarize count() by k", says: "take"),
    Case(query: "T | sample 5 | summarize count() by k", says: "sample"),
    Case(query: "T | lookup (D | sample 1) on k | summarize sum(y) by k", says: "sample"),
    Case(query: "T | sample-distinct 2 of k | summarize count() by k", says: "take"),
    Case(query: "T | partition by k (summarize m = max(x)) | summarize count() by m", says: ""),
    Case(query: "T | top-nested 2 of k by sum(x) | summarize count() by k", says: "sort"),
    Case(query: "T | make-series n = count() on x from 0 to 10 step 1 by k | summarize count() by k", says: "make-series"),
    Case(query: "T | mv-apply y = range(1, x) on (where rand() < 0.5) | summarize count() by k", says: "rand()"),
    Case(query: "T | where x > toscalar(print r = rand() * 10) | summarize count() by k", says: "rand()"),
  ]

  @Test(arguments: refused) func whatIsNoView(_ item: Case) throws {
    let store = try Self.store()
    let error = #expect(throws: KConnectError.self) { try store.run(".create materialized-view with (backfill=true) V on table T { \(item.query) }") }
    #expect(error?.code == .notSupported)
    #expect(item.says.isEmpty || error?.message.contains(item.says) == true)
    #expect(try store.run(".show materialized-views | count").rows == [["0"]])
  }

  /// Queries whose result over all rows is not the sum of those over parts of them: nothing is kept, and what was kept before is no part of them.
  static let forgetting: [Case] = [
    Case(query: "T | join D on k | summarize n = count() by k", says: "join kind=innerunique"),
    Case(query: "T | join kind=fullouter D on k | summarize n = count() by k", says: "join kind=fullouter"),
    Case(query: "D | join kind=leftanti T on k | summarize n = count() by k", says: "join kind=leftanti"),
    Case(query: "union T, D | summarize n = count() by k", says: "union with other tables"),
    Case(query: "T | where x >= toscalar(T | summarize min(x)) | summarize n = count() by k", says: "worked out of the whole source"),
  ]

  @Test(arguments: forgetting) func whatForgetsWithItsSource(_ item: Case) throws {
    let store = try Self.store()
    try store.run(".create materialized-view with (backfill=true) V on table T { T | summarize n = count() by k }")
    try store.run(".ingest inline into table T <|\na,1\na,2")
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == [["a", "2"]])
    let notes = try store.executor.execute(".alter materialized-view V on table T { \(item.query) }", database: "db").notes
    #expect(notes.contains { $0.contains(item.says) })
    func check() throws { #expect(try store.run("V | order by k asc").rows == store.run("\(item.query) | order by k asc").rows) }
    try check()
    try store.run(".ingest inline into table T <|\na,3\na,4\nc,5")
    try check()
    #expect(try store.executor.execute(".clear table T data", database: "db").notes.contains { $0.contains("'V' keeps nothing") && $0.contains(item.says) })
    try check()
  }

  static let continued = [
    "T | lookup D on k | summarize n = count(), s = sum(y) by k", "D | join kind=rightouter T on k | summarize n = count() by k1", "T | join kind=leftsemi D on k | summarize n = count() by k",
    "T | where k in (D | project k) | summarize n = count() by k", "T | mv-expand z = range(1, x) | summarize n = count() by k",
    "T | mv-apply z = range(1, x) on (summarize m = max(toint(z))) | summarize s = sum(m) by k", "T | parse k with a 'a' * | summarize n = count() by k",
    "union (T | where x > 1), (T | where x <= 1) | summarize n = count() by k",
  ]

  @Test(arguments: continued) func whatGoesOnWithoutItsSource(_ query: String) throws {
    let store = try Self.store()
    #expect(try store.executor.execute(".create materialized-view with (backfill=true) V on table T { \(query) }", database: "db").notes == [])
    try store.run(".ingest inline into table T <|\na,1\na,2")
    try store.run(".clear table T data")
    try store.run(".ingest inline into table T <|\na,3")
    let rows = try store.run("V").rows
    #expect(rows.count == 1)
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == rows)
    try store.run(".clear materialized-view V data")
    try store.run(".ingest inline into table T <|\na,1\na,2\na,3")
    #expect(try store.run("V").rows == rows)
  }
}
