// Role: writes of the `kusto` sink as operations: one each, with how it ended.

import Columnar
import DataSource
import Engine
import KustoStore
import Testing

@Suite struct WriteOperationTests {
  private let provider = KustoProvider()

  private func sink(_ s: TestStore, _ mode: SaveMode, _ schema: StructType, _ more: [(String, String)] = []) throws -> any TableSink {
    let options = try DataSourceOptions(
      source: "kusto", specs: provider.options, given: [("kustoStore", s.path), ("tableCreateOptions", "CreateIfNotExist"), ("requestId", "job-1")] + more, use: .write)
    return try #require(try provider.makeSink("db.T", schema: schema, mode: mode, partitionBy: [], options: options))
  }

  private func write(_ s: TestStore, _ mode: SaveMode, _ batches: [RecordBatch], _ more: [(String, String)] = []) throws {
    let open = try sink(s, mode, batches[0].schema, more)
    do { for batch in batches { try open.append(try open.encode([batch])) } } catch {
      open.abort()
      throw error
    }
    _ = try open.commit()
  }

  private func rows(_ s: TestStore, _ text: String) throws -> [[String]] {
    let result = try CommandExecutor(s.store).execute(text, database: "db")
    return try result.rows(of: try #require(result.tables.first)).map { row in row.map { ScalarText.text($0) ?? "" } }
  }

  @Test func aWriteIsOneOperation() throws {
    let s = try TestStore()
    try write(s, .append, [numbered(0..<3), numbered(3..<5)])
    try write(s, .overwrite, [numbered(0..<3)])
    let once = [("sparkIngestionPropertiesJson", #"{"ingestByTags":["a"],"ingestIfNotExists":["a"]}"#)]
    for _ in 0..<2 { try write(s, .append, [numbered(5..<6)], once) }
    try sink(s, .append, numbered(0..<1).schema).abort()
    let shown = try rows(s, ".show operations | order by StartedOn asc | project Operation, State, Database")
    #expect(shown == [
      ["DataIngestPull", "Completed", "db"], ["TableSetOrReplace", "Completed", "db"], ["DataIngestPull", "Completed", "db"], ["DataIngestPull", "Skipped", "db"],
      ["DataIngestPull", "Abandoned", "db"],
    ])
    #expect(try rows(s, ".show commands | where ClientActivityId == 'job-1' and Text has 'T' | count") == [["5"]])
    #expect(try rows(s, ".show ingestion failures | count") == [["0"]])
  }

  @Test func aWriteThatFailsSaysWhy() throws {
    let s = try TestStore()
    try write(s, .append, [numbered(0..<3)])
    let wrong = batch(StructType([StructField("id", .string), StructField("text", .string)]), [[.string("x"), .string("y")]])
    #expect(throws: KConnectError.self) { try write(s, .append, [wrong]) }
    let other = batch(StructType([StructField("nosuch", .long)]), [[.long(1)]])
    #expect(throws: KConnectError.self) { try write(s, .append, [other], [("adjustSchema", "FailIfNotMatch")]) }
    #expect(try rows(s, ".show operations | where State == 'Failed' | order by StartedOn asc | project Status contains 'is no long', Status contains 'nosuch'") == [["true", "false"], ["false", "true"]])
    let failures = try rows(s, ".show ingestion failures | order by FailedOn asc | project Database, Table, OperationKind, Details contains 'is no long', FailureKind")
    #expect(failures == [["db", "T", "DataIngestPull", "true", "Permanent"], ["db", "T", "DataIngestPull", "false", "Permanent"]])
  }
}
