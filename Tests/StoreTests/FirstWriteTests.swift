// Role: writes that make their table: nobody sees it before its rows, and what others put there meanwhile stays.

import Columnar
import DataSource
import Expressions
import KustoStore
import Testing

@Suite struct FirstWriteTests {
  private let provider = KustoProvider()

  private func sink(_ s: TestStore, _ mode: SaveMode, _ rows: RecordBatch) throws -> any TableSink {
    let options = try DataSourceOptions(
      source: "kusto", specs: provider.options, given: [("kustoStore", s.path), ("tableCreateOptions", "CreateIfNotExist")], use: .write)
    let sink = try provider.makeSink("db.T", schema: rows.schema, mode: mode, partitionBy: [], options: options)
    let open = try #require(sink)
    try open.append(try open.encode([rows]))
    return open
  }

  private func names(_ s: TestStore) throws -> [String] { try s.reopened().databaseIfExists("db")?.tableNames() ?? [] }

  private func count(_ s: TestStore) throws -> Int { try s.reopened().database("db").table("T").snapshot().rowCount }

  @Test(arguments: [SaveMode.error, .ignore, .overwrite]) func tableAppearsWithItsRows(_ mode: SaveMode) throws {
    let s = try TestStore()
    let aborted = try sink(s, mode, numbered(0..<5))
    #expect(try names(s) == [])
    aborted.abort()
    let done = try sink(s, mode, numbered(0..<5))
    #expect(try names(s) == [])
    // Garbage collection leaves the draft of a living process alone.
    _ = try s.reopened().collectGarbage(graceMilliseconds: -1)
    _ = try done.commit()
    #expect(try names(s) == ["T"] && count(s) == 5)
    #expect(try s.store.collectGarbage(dryRun: true, graceMilliseconds: -1).items == [])
  }

  @Test func abortedAppendKeepsWhatOthersAppended() throws {
    let s = try TestStore()
    let first = try sink(s, .append, numbered(0..<5))
    #expect(try names(s) == ["T"])
    _ = try sink(s, .append, numbered(5..<7)).commit()
    first.abort()
    #expect(try names(s) == ["T"] && count(s) == 2)
  }

  @Test func abortedAppendTakesItsEmptyTableBack() throws {
    let s = try TestStore()
    try sink(s, .append, numbered(0..<5)).abort()
    #expect(try names(s) == [])
  }

  @Test func tableMadeMeanwhile() throws {
    let s = try TestStore()
    let (fails, skips, retries) = (try sink(s, .error, numbered(0..<1)), try sink(s, .ignore, numbered(0..<1)), try sink(s, .overwrite, numbered(0..<1)))
    _ = try sink(s, .append, numbered(5..<7)).commit()
    #expect(throws: KConnectError.self) { _ = try fails.commit() }
    #expect(try skips.commit().isSkipped)
    let error = #expect(throws: KConnectError.self) { _ = try retries.commit() }
    #expect(error?.isRetryable == true)
    #expect(try count(s) == 2)
  }
}
