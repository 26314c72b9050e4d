// Listing: paths, patterns, hidden names, order, partition columns, schema merge, pruning.

import Columnar
import DataSource
import Expressions
import FileConnector
import Glibc
import Testing

private let lines = FileProvider(LinesFormat())

@Suite struct ListingTests {
  struct GlobCase: Sendable, CustomTestStringConvertible {
    var pattern: String
    var name: String
    var matches: Bool
    var testDescription: String { "\(pattern) \(matches ? "~" : "!~") \(name)" }
  }

  @Test(arguments: [
    GlobCase(pattern: "*.csv", name: "a.csv", matches: true), GlobCase(pattern: "*.csv", name: "a.csv.gz", matches: false),
    GlobCase(pattern: "a?c", name: "abc", matches: true), GlobCase(pattern: "a?c", name: "ac", matches: false),
    GlobCase(pattern: "a?c", name: "aéc", matches: true), GlobCase(pattern: "[a-c]x", name: "bx", matches: true),
    GlobCase(pattern: "[!a-c]x", name: "bx", matches: false), GlobCase(pattern: "[^a-c]x", name: "dx", matches: true),
    GlobCase(pattern: "[]]", name: "]", matches: true), GlobCase(pattern: "a[b", name: "a[b", matches: true),
    GlobCase(pattern: "\\*", name: "*", matches: true), GlobCase(pattern: "\\*", name: "x", matches: false),
    GlobCase(pattern: "*a*b*c*", name: "xxaxxbxxcxx", matches: true), GlobCase(pattern: "*a*b*c*", name: "xxaxxcxxbxx", matches: false),
    GlobCase(pattern: "", name: "", matches: true), GlobCase(pattern: "*", name: "", matches: true), GlobCase(pattern: "[a-", name: "[a-", matches: true),
  ]) func glob(_ c: GlobCase) { #expect(GlobPattern(c.pattern).matches(c.name) == c.matches) }

  @Test(arguments: [
    ("a{b,c}d", ["abd", "acd"]), ("{a,b{1,2}}", ["a", "b1", "b2"]), ("x{a}", ["x{a}"]), ("{a,b", ["{a,b"]), ("{,x}y", ["y", "xy"]),
    ("a{1,2}b{3,4}", ["a1b3", "a1b4", "a2b3", "a2b4"]),
  ]) func braces(_ text: String, _ expected: [String]) { #expect(GlobPattern.expandingBraces(text) == expected) }

  /// Linux names are bytes: one that is no text cannot be a path here, and is not left out in silence.
  @Test(arguments: [("in", true), ("in/*", true), ("in/*.lines", true), ("in/a*", false), ("in/**", true)]) func namesThatAreNotUTF8(_ path: String, _ isMet: Bool) throws {
    let s = Scratch()
    s.put("in/a.lines", "1\n")
    var bytes = Array(s("in/").utf8)
    bytes.append(0xE9)
    bytes += Array(".lines\u{0}".utf8)
    let name = bytes.map { CChar(bitPattern: $0) }
    let descriptor = open(name, O_WRONLY | O_CREAT, 0o600)
    try #require(descriptor >= 0)
    close(descriptor)
    defer { unlink(name) }
    guard isMet else {
      #expect(try FileListing.files([s(path)], ListingOptions()).count == 1)
      return
    }
    let error = thrown { _ = try FileListing.files([s(path)], ListingOptions()) }
    #expect(error?.code == .notSupported && error?.message.contains("in/\\xE9.lines'") == true, "\(error?.message ?? "")")
    var named = ListingOptions()
    named.fileNamePattern = "a*"
    #expect(try FileListing.files([s("in")], named).count == 1)
  }

  @Test func manyStarsEnd() {
    let name = String(repeating: "a", count: 300)
    #expect(!GlobPattern(String(repeating: "*a", count: 40) + "b").matches(name))
  }

  @Test func directoriesPatternsAndHiddenNames() throws {
    let s = Scratch()
    for name in ["t/b.lines", "t/a.lines", "t/sub/c.lines", "t/.hidden.lines", "t/_temporary-1/x.lines", "t/_SUCCESS", "t/README.md"] { s.put(name, "x:string\n\(name)\n") }
    s.put("t/empty.lines", "")
    func names(_ paths: [String], _ options: [String: String] = [:]) throws -> [String] {
      try readRows(try openTable(lines, paths.map { s($0) }, options: options)).map { row in
        if case .string(let v) = row[0] { v } else { "" }
      }
    }
    #expect(try names(["t"]) == ["t/a.lines", "t/b.lines", "t/sub/c.lines"])
    #expect(try names(["t/b.lines", "t/a.lines"]) == ["t/b.lines", "t/a.lines"])
    #expect(try names(["t/*.lines"]) == ["t/a.lines", "t/b.lines"])
    #expect(try names(["t/**/*.lines"]) == ["t/a.lines", "t/b.lines", "t/sub/c.lines"])
    #expect(try names(["t/{b,sub/c}.lines"]) == ["t/b.lines", "t/sub/c.lines"])
    #expect(try names(["*/[a]*.lines"]) == ["t/a.lines"])
    #expect(try names(["t/.hidden.lines"]) == ["t/.hidden.lines"])
    #expect(try names(["t"], ["pathGlobFilter": "[bc].*"]) == ["t/b.lines", "t/sub/c.lines"])
    #expect(try names(["t"], ["modifiedAfter": "2001-01-01"]).count == 3)
    #expect(thrown { _ = try names(["t"], ["modifiedBefore": "2001-01-01"]) }?.code == .pathNotFound)
    let missing = thrown { _ = try names(["tt"]) }
    #expect(missing?.code == .pathNotFound && missing?.hint?.contains("did you mean") == true)
    #expect(thrown { _ = try names(["t/*.nothing"]) }?.code == .pathNotFound)
    #expect(thrown { _ = try openTable(lines, ["s3://bucket/x"]) }?.code == .notSupported)
    #expect(thrown { _ = try openTable(lines, [s("t/empty.lines")]) }?.code == .formatCorrupt)
  }

  @Test func linksInCirclesEnd() throws {
    let s = Scratch()
    s.put("t/a.lines", "x:long\n1\n")
    symlink(s("t"), s("t/loop"))
    #expect(try readRows(try openTable(lines, [s("t")])).count == 1)
    symlink(s("nowhere"), s("t/broken.lines"))
    #expect(thrown { _ = try openTable(lines, [s("t")]) }?.code == .pathNotFound)
  }

  @Test func partitionColumns() throws {
    let s = Scratch()
    s.put("t/year=2024/city=K%C3%B6ln%2FX/a.lines", "x:long\n1\n")
    s.put("t/year=2025/city=__HIVE_DEFAULT_PARTITION__/a.lines", "x:long\n2\n")
    let table = try openTable(lines, [s("t")])
    #expect(table.schema.description == "x:long, year:long, city:string")
    #expect(try readRows(table) == [[.long(1), .long(2024), .string("Köln/X")], [.long(2), .long(2025), .null(.string)]])
    #expect(try readRows(table, columns: ["city"]) == [[.string("Köln/X")], [.null(.string)]])
    let text = try openTable(lines, [s("t")], options: ["partitionColumnTypeInference": "false"])
    #expect(text.schema.field("year")?.type == .string)
    let plain = try openTable(lines, [s("t")], options: ["recursiveFileLookup": "true"])
    #expect(plain.schema.names == ["x"])
    let one = try openTable(lines, [s("t/year=2024")], options: ["basePath": s("t")])
    #expect(one.schema.names == ["x", "year", "city"])
    let globbed = try openTable(lines, [s("t/year=*/*/a.lines")])
    #expect(globbed.schema.names == ["x", "year", "city"])
    let declared = try openTable(lines, [s("t")], schema: StructType(ddl: "year:string, x:long"))
    #expect(declared.schema.description == "x:long, year:string, city:string")
    s.put("t/month=1/a.lines", "x:long\n1\n")
    #expect(thrown { _ = try openTable(lines, [s("t")]) }?.code == .schemaMismatch)
  }

  @Test(arguments: [
    (["1", "2"], DataType.long), (["1", "2.5"], .real), (["2024-01-01", "2024-02-01T10:00:00Z"], .datetime), (["1", "x"], .string), (["NaN"], .string),
    (["99999999999999999999"], .real), (["__HIVE_DEFAULT_PARTITION__"], .string),
  ]) func partitionTypes(_ values: [String], _ type: DataType) throws {
    let s = Scratch()
    for value in values { s.put("t/k=\(percentEncoded(value))/a.lines", "x:long\n1\n") }
    #expect(try openTable(lines, [s("t")]).schema.field("k")?.type == type)
  }

  @Test func partitionPruningAndFilters() throws {
    let s = Scratch()
    for year in 2020...2025 { s.put("t/year=\(year)/a.lines", "x:long\n\(year - 2000)\n\(year - 1000)\n") }
    let table = try openTable(lines, [s("t")])
    let filter = Expr.call(">=", [.column("year"), .literal(.long(2024))])
    guard (try? CompiledExpr(filter, schema: table.schema, context: context)) != nil else { return }
    #expect(table.pushdown([filter]) == [.exact])
    var counted = ScanMetrics()
    let rows = try readRows(table, columns: ["x"], filters: [filter]) { counted = $0 }
    #expect(rows == [[.long(24)], [.long(1024)], [.long(25)], [.long(1025)]])
    #expect(counted.filesPruned == 4 && counted.files == 2)
    let mixed = Expr.call(">", [.column("x"), .call("-", [.column("year"), .literal(.long(1001))])])
    if table.pushdown([mixed]) == [.exact] { #expect(try readRows(table, columns: ["x"], filters: [mixed]) == (2020...2025).map { [.long($0 - 1000)] }) }
  }

  @Test func schemaMerge() throws {
    let s = Scratch()
    s.put("t/a.lines", "x:int, y:string\n1\ta\n")
    s.put("t/b.lines", "y:string, z:long\nb\t2\n")
    s.put("u/a.lines", "x:int\n1\n")
    s.put("u/b.lines", "x:long\n5000000000\n")
    s.put("u/c.lines", "x:real\n0.5\n")
    s.put("v/a.lines", "x:int\n1\n")
    s.put("v/b.lines", "x:string\nq\n")
    let plain = try openTable(lines, [s("t")])
    #expect(try readRows(plain) == [[.int(1), .string("a")], [.null(.int), .string("b")]])
    let merged = try openTable(lines, [s("t")], options: ["mergeSchema": "true"])
    #expect(try readRows(merged) == [[.int(1), .string("a"), .null(.long)], [.null(.int), .string("b"), .long(2)]])
    #expect(thrown { _ = try readRows(try openTable(lines, [s("u")])) }?.code == .schemaMismatch)
    let wide = try openTable(lines, [s("u")], options: ["mergeSchema": "true"])
    #expect(try readRows(wide) == [[.real(1)], [.real(5e9)], [.real(0.5)]])
    let conflict = thrown { _ = try openTable(lines, [s("v")], options: ["mergeSchema": "true"]) }
    #expect(conflict?.code == .schemaMismatch && conflict?.message.contains("'x' is int") == true)
    let named = try openTable(lines, [s("t")], options: ["fileNameColumn": "file"])
    #expect(try readRows(named, columns: ["file"]) == [[.string(s("t/a.lines"))], [.string(s("t/b.lines"))]])
    #expect(merged.exactRowCount == 2)
    #expect(try readBatches(merged, columns: []).reduce(0) { $0 + $1.rowCount } == 2)
  }

  /// Files that differ in columns, types and partition: pushed filters give the rows that the evaluator keeps of all rows.
  @Test func filtersOverUnlikeFiles() throws {
    let s = Scratch()
    s.put("t/p=1/a.lines", "x:int, y:string\n" + (0..<20).map { "\($0)\ts\($0 % 3)\n" }.joined())
    s.put("t/p=1/b.lines", "y:string, z:long\n" + (0..<20).map { "s\($0 % 4)\t\($0)\n" }.joined())
    s.put("t/p=2/c.lines", "z:long, x:long\n" + (0..<20).map { "\($0 * 2)\t\($0 + 5_000_000_000)\n" }.joined())
    s.put("t/p=__HIVE_DEFAULT_PARTITION__/d.lines", "x:long, y:string, z:long\n1\ts1\t1\n\\N\t\\N\t\\N\n")
    let table = try openTable(lines, [s("t")], options: ["mergeSchema": "true", "fileNameColumn": "f"])
    #expect(table.schema.description == "x:long, y:string, z:long, p:long, f:string")
    let all = try readBatches(table)
    func c(_ name: String) -> Expr { .column(name) }
    func l(_ v: Int64) -> Expr { .literal(.long(v)) }
    let filters: [Expr] = [
      .call("==", [c("p"), l(1)]), .call("!=", [c("p"), l(1)]), .call("isnull", [c("p")]), .call(">", [c("x"), l(10)]), .call("isnull", [c("x")]),
      .call("==", [c("y"), .literal(.string("s1"))]), .call("!=", [c("y"), .literal(.string("s1"))]), .call("<", [c("z"), c("x")]),
      .call("==", [c("z"), c("p")]), .call("or", [.call("==", [c("p"), l(2)]), .call("==", [c("z"), l(3)])]), .call("endswith", [c("f"), .literal(.string("b.lines"))]),
      .call("and", [.call(">=", [c("z"), l(4)]), .call("==", [c("p"), l(2)])]),
    ]
    for filter in filters {
      let compiled = try CompiledExpr(filter, schema: table.schema, context: context)
      let wanted = try all.flatMap { batch -> [[Scalar]] in
        let kept = batch.filter(try compiled.select(batch))
        return (0..<kept.rowCount).map { kept.row($0) }
      }
      guard table.pushdown([filter]) != [.unsupported] else { continue }
      for columns in [table.schema.names, ["z"], ["f", "y"]] {
        let read = try readRows(table, columns: columns, filters: [filter])
        let projected = wanted.map { row in columns.compactMap { table.schema.index(of: $0) }.map { row[$0] } }
        if table.pushdown([filter]) == [.exact] { #expect(read == projected, "\(filter)") } else { #expect(read.count >= projected.count, "\(filter)") }
      }
    }
  }

  @Test func guessing() throws {
    let s = Scratch()
    s.put("t/a.lines", "x:int\n")
    s.put("u/a.txt", "x")
    let formats: [any FileFormat] = [LinesFormat()]
    #expect(try FileFormats.guess(s("t"), among: formats).shortName == "lines")
    #expect(try FileFormats.guess(s("t/*"), among: formats).shortName == "lines")
    #expect(try FileFormats.guess("x.lines.gz", among: formats).shortName == "lines")
    #expect(thrown { _ = try FileFormats.guess(s("u"), among: formats) }?.code == .usage)
    #expect(thrown { _ = try FileFormats.guess("-", among: formats) }?.code == .usage)
  }
}
