// Role: what views keep while others write, change the views or the columns of their sources: nothing lost, nothing twice, no source blocked.

import Columnar
import DataSource
import Foundation
import KQL
import KustoStore
import Synchronization
import Testing

private final class Shared: Sendable {
  let isOver = Atomic<Bool>(false)
  let failure = Mutex<(any Error)?>(nil)
  let count = Mutex(0)
}

/// Runs bodies on threads of their own until the first has ended, which the others are asked about.
func together(_ first: @escaping @Sendable () throws -> Void, beside others: [@Sendable () throws -> Void]) throws {
  let shared = Shared()
  let group = DispatchGroup()
  for other in others {
    group.enter()
    Thread.detachNewThread {
      while !shared.isOver.load(ordering: .acquiring) { do { try other() } catch { shared.failure.withLock { $0 = error } } }
      group.leave()
    }
  }
  do { try first() } catch { shared.failure.withLock { $0 = error } }
  shared.isOver.store(true, ordering: .releasing)
  group.wait()
  if let error = shared.failure.withLock({ $0 }) { throw error }
}

@Suite struct ViewRaceTests {
  /// Rows that come while others leave are in the source or in what the view keeps.
  @Test(arguments: [".clear table T data", ".delete table T records <| T | where x == 1", ".drop extents from T", ".set-or-replace T <| T | where x > 1"])
  func rowsThatComeMeanwhile(_ departure: String) throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (x:long)")
    try store.run(".create materialized-view V on table T { T | summarize n = count() }")
    let shared = Shared()
    try together({
      for _ in 0..<12 {
        // Others' merges and rows may take an extent away in between.
        do { try store.run(departure) } catch let error as KConnectError where error.isRetryable || error.code == .pathNotFound || error.code == .usage {}
      }
      while shared.count.withLock({ $0 }) == 0 {}
    }, beside: [
      {
        try store.run(".ingest inline into table T <| 1")
        shared.count.withLock { $0 += 1 }
      },
    ])
    try store.run(".clear table T data")
    #expect(try store.run("V").rows == [[String(shared.count.withLock { $0 })]])
  }

  /// What leaves is chosen from the version that was announced.
  @Test func onlyWhatWasAnnouncedLeaves() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| print x = 1")
    let table = try store.executor.store.database("db").table("T")
    var announced: [Int] = []
    let gone = try table.clearData { snapshot in
      announced.append(snapshot.rowCount)
      if announced.count == 1 { try store.run(".append T <| print x = 2") }
    }
    #expect(announced == [1] && gone.count == 1)
    #expect(try store.run("T").rows == [["2"]])
  }

  /// A document that changes while rows leave does not forget what is stored.
  @Test func changesOfTheView() throws {
    let store = try CommandSessionTests.store()
    for i in 0..<8 {
      try store.run(".create table T\(i) (x:long)")
      try store.run(".create materialized-view V\(i) on table T\(i) { T\(i) | summarize n = count() }")
      try store.run(".ingest inline into table T\(i) <| 1")
      try together({ for _ in 0..<3 { try store.run(".clear table T\(i) data"); try store.run(".ingest inline into table T\(i) <| 1") } }, beside: [
        { try store.run(".alter materialized-view V\(i) docstring \"a\"") }, { try store.run(".alter materialized-view V\(i) folder \"b\"") },
      ])
      #expect(try store.run("V\(i)").rows == [["4"]])
    }
    #expect(try store.executor.store.collectGarbage(dryRun: true, graceMilliseconds: 0).items.filter { $0.reason == "hidden table" } == [])
  }

  /// Stored parts that no view names go.
  @Test func partsOfNothing() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| print x = 1")
    try store.run(".create materialized-view with (backfill=true) V on table T { T | summarize n = count() }")
    try store.run(".set stored_query_result R <| T")
    try store.run(".clear table T data")
    let directory = store.path + "/db"
    for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.contains("view-") {
      try FileManager.default.copyItem(atPath: directory + "/" + name, toPath: directory + "/" + name.dropLast(4) + "0000")
    }
    #expect(try store.executor.store.verify().tables == 4)
    let found = try store.executor.store.collectGarbage().items.filter { $0.reason == "hidden table" }
    #expect(found.count == 1)
    #expect(try store.executor.store.verify().tables == 3)
    #expect(try store.run("V").rows == [["1"]])
    #expect(try store.run("stored_query_result('R')").rows == [["1"]])
  }

  /// Rows leave a source whose views do not fit it any more; the views say so.
  @Test func viewsThatDoNotFit() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table W (x:long)")
    try store.run(".create table Other (a:long)")
    try store.run(".create materialized-view VW on table W { W | summarize n = count(), s = sum(x) }")
    try store.run(".ingest inline into table W <| 1")
    let notes = try store.executor.execute(".alter table W (y:string)", database: "db").notes
    #expect(notes.contains { $0.contains("'VW' is disabled") && $0.contains("'x'") }, "\(notes)")
    #expect(try store.run("union * | count").rows == [["1"]])
    let shown = ".show materialized-view VW | project LastRunResult, IsHealthy, IsEnabled"
    #expect(try store.run(shown).rows == [["Failed", "false", "false"]])
    #expect(try store.run(".show journal | where Event == 'DISABLE-MATERIALIZED-VIEW' | count").rows == [["1"]])
    let error = #expect(throws: KConnectError.self) { try store.run("VW") }
    #expect(error?.message.contains("'VW'") == true)
    try store.run(".clear table W data")
    #expect(try store.run("W | count").rows == [["0"]])
    #expect(throws: KConnectError.self) { try store.run(".enable materialized-view VW") }
    // Whoever mends it has it back.
    try store.run(".alter materialized-view VW on table W { W | summarize n = count() by y }")
    #expect(try store.run(shown).rows == [["Completed", "true", "true"]])
    try store.run(".ingest inline into table W <| a")
    try store.run(".clear table W data")
    #expect(try store.run("VW").rows == [["a", "1"]])
  }

  /// A view may be made unfit by others than its source; what leaves is not held up.
  @Test func viewsOverFunctionsThatAreGone() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (x:long)")
    try store.run(".create function F(a:long) { a * 2 }")
    try store.run(".create materialized-view V on table T { T | summarize s = sum(F(x)) }")
    try store.run(".ingest inline into table T <| 1")
    try store.run(".drop function F")
    let notes = try store.executor.execute(".clear table T data", database: "db").notes
    #expect(notes.contains { $0.contains("'V' is disabled") }, "\(notes)")
    #expect(try store.run("T | count").rows == [["0"]])
  }

  @Test func rowsThatComeBack() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (x:long)")
    try store.run(".create table A (x:long)")
    try store.run(".create materialized-view V on table T { T | summarize n = count() }")
    try store.run(".ingest inline into table T <| 1")
    try store.run(".move extents all from table T to table A")
    for command in [".move extents all from table A to table T", ".replace extents in table T <| { .show table T extents }, { .show table A extents }"] {
      let error = #expect(throws: KConnectError.self) { try store.run(command) }
      #expect(error?.code == .notSupported && error?.hint?.contains("setNewIngestionTime") == true)
    }
    #expect(try store.run("V").rows == [["1"]])
    // As new rows they count.
    try store.run(".move extents all from table A to table T with (setNewIngestionTime=true)")
    #expect(try store.run("V").rows == [["2"]])
  }
}
