// Role: queries that ended, as other processes show them: what is told, what is kept, and what happens where nothing can be written.

import Columnar
import DataSource
import KustoStore
import Testing

@Suite struct QueryLogTests {
  /// The store as another process sees it.
  private static func rows(_ executor: CommandExecutor, _ text: String) throws -> [[String]] {
    let result = try executor.execute(text, database: "db")
    let table = try #require(result.tables.first)
    return try result.rows(of: table).map { row in row.map { ScalarText.text($0) ?? "" } }
  }

  @Test func otherProcessesShowQueriesThatEnded() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| range x from 1 to 1000 step 1")
    #expect(try store.run("T | extend y = x * 2 | where y > 1980").rows.count == 10)
    #expect(throws: KConnectError.self) { try store.run("T | where nosuch == 1") }
    _ = try store.run("T | where tostring(x) == h'open sesame' | count")
    store.executor.drain()
    let other = CommandExecutor(try Store.open(store.path))
    let told = "Text startswith 'T |' | project State, ScannedRows = tolong(ScannedExtentsStatistics.ScannedRowsCount), Rows = tolong(ResultSetStatistics.TablesStatistics[0].RowCount), IsTold = FailureReason has 'nosuch', IsHidden = Text !has 'sesame', Database"
    let expected = [["Completed", "1000", "1", "false", "true", "db"], ["Failed", "0", "", "true", "true", "db"], ["Completed", "1000", "10", "false", "true", "db"]]
    #expect(try Self.rows(other, ".show queries | where " + told) == expected)
    #expect(try Self.rows(other, ".show commands-and-queries | where " + told) == expected)
    #expect(try Self.rows(other, ".show running queries | count") == [["0"]])
    // Once here as well, where they are in memory and in the log.
    #expect(try store.run(".show queries | where " + told).rows == expected)
    // Commands are no queries, here or there.
    #expect(try Self.rows(other, ".show queries | where Text startswith '.' | count") == [["0"]])
  }

  @Test func theNewestTenThousandAreKept() throws {
    let store = try CommandSessionTests.store()
    for round in 0..<2 {
      for i in 0..<6_000 { _ = try store.executor.execute("print \(round * 6_000 + i)", database: "db") }
      store.executor.drain()
    }
    let other = CommandExecutor(try Store.open(store.path))
    #expect(try Self.rows(other, ".show queries | summarize count(), min(toint(substring(Text, 6)))") == [["10000", "2000"]])
  }

  /// A log that cannot be written takes nothing from queries, and what this process ran it still shows.
  @Test func queriesDoNotNeedTheLog() throws {
    let store = try CommandSessionTests.store()
    let place = store.path + "/_kconnect/queries.sqlite"
    #expect(FileSystem.system.makeDirectories(place + "/taken").code == 0)
    #expect(try store.run("print 42").rows == [["42"]])
    store.executor.drain()
    #expect(try store.run("print 43").rows == [["43"]])
    #expect(FileSystem.system.removeTree(place) == 0)
    #expect(try store.run(".show queries | project Text").rows == [["print 43"], ["print 42"]])
    try store.run("print 44")
    store.executor.drain()
    #expect(try Self.rows(CommandExecutor(try Store.open(store.path)), ".show queries | where Text == 'print 44' | count") == [["1"]])
  }
}
