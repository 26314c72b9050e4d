// Role: what the query of a materialized view may say of its source, and what of that is kept when rows leave the source.

import Columnar
import DataSource
import KustoStore
import Testing

@Suite struct ViewQueryTests {
  private static func store() throws -> TemporaryStore {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (k:string, x:int)")
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
}
