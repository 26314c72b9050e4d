// Role: what commands say of the service and of views comes of what there is and of what happened.

import DataSource
import KustoStore
import Testing

@Suite struct ServiceAnswerTests {
  @Test func pluginsAreThoseOfQueries() throws {
    let store = try CommandSessionTests.store()
    let names = ".show plugins | where PluginName in ('basket', 'estimate_rows_count', 'ipv4_lookup', 'python') | order by PluginName asc"
    #expect(try store.run(names).rows == [["basket", "true"], ["estimate_rows_count", "true"], ["ipv4_lookup", "true"], ["python", "false"]])
  }

  @Test func whatIsStoredOfViews() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| range k from 1 to 3 step 1")
    try store.run(".create materialized-view with (backfill=true) MV on table T { T | summarize count() by k }")
    #expect(try store.run(".show materialized-view MV extents").rows == [])
    try store.run(".clear table T data")
    #expect(try store.run(".show materialized-view MV extents | project DatabaseName, TableName, RowCount").rows == [["db", "MV", "3"]])
    #expect(try store.run(".show materialized-view MV failures").rows == [])
    try store.run(".rename column T.k to j")
    #expect(try store.run(".show materialized-view MV failures | project Name, FailureKind, isnotempty(Details)").rows == [["MV", "Permanent", "true"]])
    let attention = try store.run(".show diagnostics | project IsAttentionRequired, AttentionRequiredReason").rows
    #expect(attention == [["true", "materialized views take in no more rows: db.MV"]])
  }

  @Test func whatRunsIsCounted() throws {
    let store = try CommandSessionTests.store()
    let consumed = "| where Resource == 'Ingestions' | project Consumed, IsLess = Remaining == Total - Consumed"
    #expect(try store.run(".show capacity \(consumed)").rows == [["0", "true"]])
    try store.run(".set C <| .show capacity \(consumed)")
    #expect(try store.run("C").rows == [["1", "true"]])
    #expect(throws: KConnectError.self) { try store.run(".ingest into table C (@'/nowhere.csv')") }
    #expect(try store.run(".show diagnostics | project FailedIngestOperations, tolong(IngestionsSuccessRate), IngestionsInProgress").rows == [["1", "50", "0"]])
  }

  @Test func sizesOfColumns() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set S <| range a from 1 to 1000 step 1 | extend t = strcat('text', a), b = a % 2 == 0")
    let sizes = "| project ColumnName, ColumnType, IsFixed = OriginalSize in (8000, 1000), ExtentSize > 0 and ExtentSize == DataCompressedSize + IndexSize, CompressionRatio > 0, SharedIndexSize > 0, PresentRowCount, tolong(SamplePercent)"
    let expected = [["a", "long", "true"], ["t", "string", "false"], ["b", "bool", "true"]].map { $0 + ["true", "true", "true", "1000", "100"] }
    #expect(try store.run(".show table S data statistics with (samplepercent=50, scope='all') \(sizes)").rows == expected)
    #expect(try store.run(".show table S data statistics with (from=datetime(2100-01-01)) | project PresentRowCount, OriginalSize | take 1").rows == [["0", "0"]])
    #expect(try store.run(".show table S | summarize countif(ExtentSize > 0 and OriginalSize > 0 and CompressionRatio > 0)").rows == [["3"]])
    #expect(throws: KConnectError.self) { try store.run(".show table S data statistics with (samplepercnt=50)") }
    #expect(try store.run(".show databases datastats | project RowCount, TotalExtents, HotExtents").rows == [["1000", "1", "1"]])
  }

  @Test func whatIsSkippedSaysSo() throws {
    let store = try CommandSessionTests.store()
    let text = ".set-or-append T with (tags='[\"ingest-by:a\"]', ingestIfNotExists='[\"a\"]') <| print x = 1"
    #expect(try store.executor.execute(text, database: "db").notes == [])
    #expect(try store.executor.execute(text, database: "db").notes.contains { $0.hasPrefix("nothing was ingested") })
    #expect(try store.run("T | count").rows == [["1"]])
  }

  @Test func queriesTellWhatTheyTook() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| range x from 1 to 1000 step 1")
    #expect(try store.run("T | extend y = x * 2 | where y > 1980").rows.count == 10)
    let took = "project ScannedExtentsStatistics.ScannedExtentsCount, ScannedExtentsStatistics.ScannedRowsCount, ResultSetStatistics.TableCount, ResultSetStatistics.TablesStatistics[0].RowCount, TotalCpu > 0s"
    #expect(try store.run(".show queries | where Text startswith 'T |' | \(took)").rows == [["1", "1000", "1", "10", "true"]])
    #expect(try store.run(".show commands-and-queries | where CommandType == 'Query' and Text startswith 'T |' | \(took)").rows == [["1", "1000", "1", "10", "true"]])
  }

  @Test func endedOperationsAreNotCancelled() throws {
    let store = try CommandSessionTests.store()
    let id = try store.run(".set async A <| print a = 1").rows[0][0]
    store.executor.drain()
    #expect(try store.run(".cancel operation \(id) with (reason='too long') | project CancellationState, ReasonPhrase").rows == [["Cancel failed", "it is Completed"]])
  }

  @Test func streamsAreAddedUp() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table S (a:long)")
    #expect(try store.run(".show streamingingestion statistics").rows == [])
    let table = try store.executor.store.database("db").table("S")
    for text in ["1\n", "2\n3\n"] {
      var data = ReceivedData(.bodies([Array(text.utf8)]), format: "csv", name: "request")
      data.isStreaming = true
      try store.executor.append(data, to: table, RequestProperties())
    }
    let sums = ".show streamingingestion statistics | summarize sum(Count), sum(TotalDataSize), min(MinDataSize), max(MaxRowCount), sum(TotalRowCount) by Database, Table, IngestionStatus"
    #expect(try store.run(sums).rows == [["db", "S", "Success", "2", "6", "2", "2", "3"]])
  }
}
