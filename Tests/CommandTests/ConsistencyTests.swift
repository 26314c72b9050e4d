// Role: changes of several tables, and of one document by several callers: whoever reads sees all of a change or nothing, and no change is lost.

import Columnar
import DataSource
import KustoStore
import Synchronization
import Testing

@Suite struct ConsistencyTests {
  struct Change: CustomTestStringConvertible, Sendable {
    let name: String
    let setUp: [String]
    let changes: [String]
    let query: String
    let rows: [[String]]
    var testDescription: String { name }
  }

  static let changes: [Change] = [
    Change(
      name: "moves", setUp: [".set A <| range x from 1 to 5 step 1", ".create table B (x:long)"], changes: [".move extents all from table A to table B", ".move extents all from table B to table A"],
      query: "union A, B | summarize count(), count_distinct(x)", rows: [["5", "5"]]),
    Change(
      name: "renames", setUp: [".set A <| range x from 1 to 2 step 1", ".set B <| print x = 3"], changes: [".rename tables A = B, B = A"],
      query: "union A, B | summarize count(), sum(x)", rows: [["3", "6"]]),
    Change(
      name: "update policies",
      setUp: [
        ".create table A (x:long)", ".create table B (x:long)",
        ".alter table B policy update @'[{\"IsEnabled\":true,\"Source\":\"A\",\"Query\":\"A\",\"IsTransactional\":true}]'",
      ], changes: [".append A <| print x = 1"], query: "print toscalar(A | count) - toscalar(B | count)", rows: [["0"]]),
  ]

  /// Queries and copies of several tables, here and in another process.
  @Test(arguments: changes) func tablesOfOneMoment(_ c: Change) throws {
    let store = try CommandSessionTests.store()
    for text in c.setUp { try store.run(text) }
    let other = CommandExecutor(try Store.open(store.path))
    defer { other.store.close() }
    @Sendable func check(_ found: [[String]]) throws {
      if found != c.rows { throw KConnectError(.internalError, "\(found) was seen, which never was") }
    }
    let reads = Mutex(0)
    try together({
      var i = 0
      while i < 40 || reads.withLock({ $0 }) < 40 {
        do { try store.run(c.changes[i % c.changes.count]) } catch let error as KConnectError where error.isRetryable { continue }
        i += 1
      }
    }, beside: [
      {
        let result = try other.execute(c.query, database: "db")
        try check(try result.rows(of: result.tables[0]).map { $0.map { $0.int64Value.map { String($0) } ?? "" } })
        reads.withLock { $0 += 1 }
      },
      {
        try store.run(".set-or-replace C <| \(c.query)")
        try check(try store.run("C").rows)
      },
    ])
  }

  /// Several who exchange two names, and one who writes under them: whoever is in another's way is told so at most, and no row is lost.
  @Test func namesExchangedByMany() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set A <| range x from 1 to 2 step 1")
    try store.run(".set B <| print x = 3")
    let other = CommandExecutor(try Store.open(store.path))
    defer { other.store.close() }
    let exchange = ".rename tables A = B, B = A"
    let appended = Mutex(0)
    @Sendable func unlessInTheWay(_ body: () throws -> Void) throws {
      do { try body() } catch let error as KConnectError where error.isRetryable {}
    }
    try together({
      for _ in 0..<100 { try unlessInTheWay { try store.run(exchange) } }
    }, beside: [
      { try unlessInTheWay { _ = try other.execute(exchange, database: "db") } },
      {
        try unlessInTheWay {
          try store.run(".append A <| print x = 4")
          appended.withLock { $0 += 1 }
        }
      },
    ])
    #expect(try store.run("union A, B | count").rows == [["\(3 + appended.withLock { $0 })"]])
  }

  /// Who merges a policy adds to what others made of it meanwhile.
  @Test func mergedPolicies() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table Target (x:long)")
    for i in 0..<8 { try store.run(".create table S\(i) (x:long)") }
    let next = Mutex(0)
    let merge: @Sendable () throws -> Void = {
      while true {
        let i = next.withLock { n in
          defer { n += 1 }
          return n
        }
        guard i < 8 else { return }
        try store.run(".alter-merge table Target policy update @'[{\"IsEnabled\":true,\"Source\":\"S\(i)\",\"Query\":\"S\(i)\"}]'")
      }
    }
    try together(merge, beside: [merge, merge])
    let found = try store.run(".show table Target policy update | project n = array_length(parse_json(Policy))")
    #expect(found.rows == [["8"]])
  }
}

/// What reads what it is made of itself.
@Suite struct CircleTests {
  /// A chain of update policies ends where it comes back: each table of it gets the rows once.
  @Test(arguments: [true, false]) func updatePolicies(isTransactional: Bool) throws {
    let store = try CommandSessionTests.store()
    for name in ["P", "Q", "R"] { try store.run(".create table \(name) (x:long)") }
    for (target, source) in [("Q", "P"), ("R", "Q"), ("P", "R")] {
      try store.run(".alter table \(target) policy update @'[{\"IsEnabled\":true,\"Source\":\"\(source)\",\"Query\":\"\(source) | project x = x * 10\",\"IsTransactional\":\(isTransactional)}]'")
    }
    try store.run(".append P <| print x = 1")
    #expect(try store.run("union withsource = t P, Q, R | project t, x | sort by x asc").rows == [["P", "1"], ["Q", "10"], ["R", "100"]])
    try store.run(".append R <| print x = 7")
    #expect(try store.run("union withsource = t P, Q, R | project t, x | where x in (7, 70, 700) | sort by x asc").rows == [["R", "7"], ["P", "70"], ["Q", "700"]])
    #expect(try store.run(".show ingestion failures | count").rows == [["0"]])
  }

  @Test func views() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table T (x:long, y:long)")
    try store.run(".create materialized-view V on table T { T | summarize take_any(*) by x }")
    try store.run(".create materialized-view W on materialized-view V { V | summarize take_any(*) by x }")
    // Another source than the one whose rows it holds is refused, which keeps views from circles.
    for source in ["materialized-view W", "materialized-view V", "table U"] {
      try store.run(".create-merge table U (x:long)")
      let name = String(source.split(separator: " ")[1])
      #expect(throws: KConnectError.self) { try store.run(".create-or-alter materialized-view V on \(source) { \(name) | summarize take_any(x) by x }") }
    }
    #expect(try store.run(".show materialized-view V | project SourceTable").rows == [["T"]])
  }

  @Test func graphModels() throws {
    let store = try CommandSessionTests.store()
    func model(_ name: String, reading other: String) -> String {
      ".create-or-alter graph_model \(name) ```{\"Definition\":{\"Steps\":[{\"Kind\":\"AddEdges\",\"Query\":\"graph(\\\"\(other)\\\") | graph-to-table edges\",\"SourceColumn\":\"a\",\"TargetColumn\":\"b\"}]}}```"
    }
    try store.run(model("G", reading: "H"))
    try store.run(model("H", reading: "G"))
    for name in ["G", "H"] {
      #expect { try store.run("graph(\"\(name)\") | graph-match (a)-[e]->(b) project e") } throws: { "\($0)".contains("reads itself") }
    }
  }
}

@Suite struct ExternalNameTests {
  /// Files whose names begin or end otherwise than asked are none of the table's.
  @Test func namesOfFiles() throws {
    let store = try CommandSessionTests.store()
    let place = store.path + "-files"
    defer { _ = FileSystem.system.removeTree(place) }
    for (prefix, value) in [("keep", 1), ("other", 2)] {
      for ending in [".csv", ".txt"] {
        try store.run(".export to csv (@'\(place)') with (namePrefix='\(prefix)', fileExtension='\(ending)', includeHeaders='none') <| print a = \(value)\(ending == ".csv" ? "" : "0")")
      }
    }
    for (properties, rows) in [("", ["1", "10", "2", "20"]), ("namePrefix='keep'", ["1", "10"]), ("fileExtension='.csv'", ["1", "2"]), ("namePrefix='keep', fileExtension='csv'", ["1"]), ("namePrefix='k*'", [])] {
      try store.run(".create-or-alter external table E (a:long) kind=storage dataformat=csv (h@'\(place)')" + (properties.isEmpty ? "" : " with (\(properties))"))
      let found = try store.run("external_table('E') | project t = tostring(a) | sort by t asc").rows
      #expect(found == rows.map { [$0] }, "\(properties)")
      if !properties.isEmpty { #expect(try store.run(".show external table E artifacts | count").rows == [[String(rows.count)]], "\(properties)") }
    }
    #expect(throws: KConnectError.self) { try store.run(".create-or-alter external table E (a:long) kind=storage dataformat=csv (h@'\(place)') with (encoding='UTF8BOM')") }
  }
}
