// Role: the index of terms rules out extents, row groups and blocks, and never a row that matches: every text operator gives the same with and
// without it.

import Columnar
import DataSource
import Engine
import Expressions
import KustoStore
import Testing

@Suite struct TermTests {
  static let words = ["alpha", "Beta", "gamma-delta", "x1y2z3", "naïve", "Straße", "a_b", "ab", "KELVIN", "\u{212A}elvin", "end.", "", "one two three"]
  static let operators = [
    "has", "has_cs", "contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs", "hasprefix", "hasprefix_cs", "hassuffix",
    "hassuffix_cs", "==", "=~",
  ]
  static let needles = ["alpha", "ALPHA", "alph", "pha", "gamma", "delta", "a-d", "x1y2z3", "kelvin", "naïve", "two", "two thr", "one two three", "zzz", "a", "end"]

  @Test(arguments: operators) func sameRowsWithAndWithout(_ name: String) throws {
    let test = try TestStore()
    let table = try test.table("T", "id:long, s:string")
    let schema = try table.snapshot().schema
    for (i, word) in Self.words.enumerated() {
      try table.ingest([batch(schema, [[.long(Int64(2 * i)), .string("\(word) \(i)")], [.long(Int64(2 * i + 1)), .string(word)]])])
    }
    let source = try table.snapshot().rows()
    let all = try rows(source)
    for needle in Self.needles {
      let predicate = Expr.call(name, [.column("s"), .literal(.string(needle))])
      let compiled = try CompiledExpr(predicate, schema: schema, context: anyContext)
      let expected = try all.filter { try compiled.select(batch(schema, [$0]))[0] }
      #expect(try Set(rows(source, where: predicate)) == Set(expected), "\(name) '\(needle)'")
    }
  }

  @Test func needleTouchesOneBlock() throws {
    let test = try TestStore()
    let table = try test.table("T", "id:long, s:string")
    let schema = try table.snapshot().schema
    let n = 200_000
    let texts = StringBuilder(rows: n)
    for i in 0..<n { texts.append(i == 150_000 ? "the rare needle" : "common words number \(i % 1_000)") }
    let numbers = BufferBuilder<Int64>(capacity: n)
    for i in 0..<n { numbers.append(Int64(i)) }
    try table.ingest([RecordBatch(schema: schema, columns: [.long(numbers.finish()), texts.finish()], rowCount: n)])
    for predicate in [Expr.call("has", [.column("s"), .literal(.string("NEEDLE"))]), .call("contains", [.column("s"), .literal(.string("e rare n"))])] {
      let scan = try table.snapshot().rows().scan(ScanRequest(columns: ["id"], filters: [predicate]), context: anyContext)
      var found: [Scalar] = []
      while let morsel = try scan.nextMorsel() {
        try morsel.read { batch in
          found += batch.columns[0].scalars
          return true
        }
      }
      #expect(found == [.long(150_000)])
      #expect(scan.metrics.rowsRead <= 65_536)
    }
    let scan = try table.snapshot().rows().scan(ScanRequest(columns: ["id"], filters: [equal("s", .string("absent needle"))]), context: anyContext)
    #expect(try scan.nextMorsel() == nil)
  }
}
