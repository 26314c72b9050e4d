// Role: stored functions that are views: which wildcards find them, and what is asked of them.

import DataSource
import KustoStore
import Testing

@Suite struct StoredViewTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var query: String
    var rows: [[String]]
    init(_ query: String, _ rows: [[String]]) {
      self.query = query
      self.rows = rows
    }
    var testDescription: String { query }
  }

  /// T has 1 to 5, the view VW those above 2; `plain` is no view, `Whole` reads all that there is but itself.
  private func store() throws -> TemporaryStore {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| range id from 1 to 5 step 1")
    try store.run(".create function with (view=true) VW() { T | where id > 2 }")
    try store.run(".create function plain() { T }")
    return store
  }

  static let cases = [
    Case("union withsource=s * | summarize count() by s | order by s asc", [["T", "5"], ["VW", "3"]]),
    Case("union V* | count", [["3"]]),
    Case("union withsource=s database('db').* | summarize count() by s | order by s asc", [["T", "5"], ["VW", "3"]]),
    Case("find in (V*) where id > 3 project id | order by id asc | project id", [["4"], ["5"]]),
    Case("search in (V*) '5' | count", [["1"]]),
    Case("search '5' | order by $table asc", [["T", "5"], ["VW", "5"]]),
    Case("VW | count", [["3"]]),
  ]

  @Test(arguments: cases) func wildcardsFindViews(_ item: Case) throws { #expect(try store().run(item.query).rows == item.rows) }

  /// A view of everything is none of its own parts, called by name or found by a wildcard.
  @Test func aViewOfEverything() throws {
    let store = try store()
    try store.run(".create-or-alter function with (view=true) Whole() { union * | summarize n = count() }")
    #expect(try store.run("Whole").rows == [["8"]])
    #expect(try store.run("union Who*").rows == [["8"]])
    #expect(try store.run("union * | where isnull(id) | project n").rows == [["8"]])
  }

  @Test func whatViewsAre() throws {
    let store = try store()
    // What is altered without the property stays a view; one that takes arguments is not found; a scalar is none.
    try store.run(".create-or-alter function VW() { T | where id > 4 }")
    #expect(try store.run("union V* | count").rows == [["1"]])
    try store.run(".create function with (view=true) VA(n:long = 1) { T | where id > n }")
    #expect(try store.run("union V* | count").rows == [["1"]])
    try store.run(".create-or-alter function with (view=false) VW() { T }")
    #expect(throws: KConnectError.self) { try store.run("union V*") }
    #expect(throws: KConnectError.self) { try store.run(".create function with (view=true) VS() { 1 }") }
  }
}
