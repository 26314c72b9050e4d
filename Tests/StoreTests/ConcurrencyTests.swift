// Role: several writers, a merger, a replacer and readers on one store, each with a store handle of its own, as processes have. The script
// `scripts/store-stress` runs the same with processes and for longer.

import Columnar
import DataSource
import Engine
import Expressions
import Dispatch
import KustoStore
import Synchronization
import Testing

@Suite struct ConcurrencyTests {
  @Test func writersReadersAndMergers() throws {
    let test = try TestStore()
    let table = try test.table()
    try test.table("R")
    let path = test.path
    let writers = 6, appends = 25
    let failures = Mutex<[String]>([])
    typealias Work = @Sendable (StoreTable, StoreTable) throws -> Void
    var works: [(String, Work)] = []
    for writer in 0..<writers {
      works.append(("writer \(writer)", { table, _ in
        for i in 0..<appends { try table.ingest([numbered((writer * appends + i) * 10..<(writer * appends + i) * 10 + 10)]) }
      }))
    }
    works.append(("merger", { table, _ in for _ in 0..<10 { _ = try? table.mergeExtents() } }))
    works.append(("replacer", { _, replaced in
      for i in 0..<20 { try replaced.ingest([numbered(i * 100..<i * 100 + 100)], mode: .replace) }
    }))
    works.append(("reader", { table, replaced in
      for _ in 0..<30 {
        let found = try ids(table)
        // Whole appends only, none twice.
        if found.count % 10 != 0 || Set(found).count != found.count { throw KConnectError(.internalError, "\(found.count) rows, \(Set(found).count) different") }
        let other = try ids(replaced)
        if !other.isEmpty, other.count != 100 || other[99] - other[0] != 99 { throw KConnectError(.internalError, "a mixture of replacements: \(other.count) rows") }
      }
    }))
    let all = works
    DispatchQueue.concurrentPerform(iterations: all.count) { i in
      do {
        let database = try Store.open(path).database("db")
        try all[i].1(try database.table("T"), try database.table("R"))
      } catch { failures.withLock { $0.append("\(all[i].0): \(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(try ids(table) == Array(0..<writers * appends * 10))
    #expect(try test.reopened().verify(deep: true).problems == [])
  }
}
