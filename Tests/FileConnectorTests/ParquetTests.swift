// The Parquet adapter: round trips through provider and sink, pruned = unpruned, counters, options, errors, reading in parts.

import Columnar
import DataSource
import Expressions
import FileConnector
import Glibc
import Testing

private let parquet = FileProvider(ParquetFormat())

/// Rows of every type with nulls; sorted by k.
private func sample(_ range: Range<Int>) -> RecordBatch {
  let schema = try? StructType(ddl: "k:long, i:int, r:real, b:bool, s:string, d:datetime, t:timespan, m:decimal, g:guid, j:dynamic")
  let fields = schema?.fields ?? []
  func value(_ type: DataType, _ n: Int) -> Scalar {
    switch type {
    case .long: .long(Int64(n))
    case .int: n % 7 == 3 ? .null(.int) : .int(Int32(n % 1000))
    case .real: n % 11 == 5 ? .null(.real) : .real(n % 101 == 0 ? .nan : Double(n) / 8)
    case .bool: n % 5 == 0 ? .null(.bool) : .bool(n % 3 == 0)
    case .string: n % 13 == 0 ? .null(.string) : .string(n % 17 == 0 ? "" : "name-\(n / 100)-\(n % 4)")
    case .datetime: .datetime(Int64(n) * 36_000_000_000)
    case .timespan: n % 19 == 0 ? .null(.timespan) : .timespan(Int64(n))
    case .decimal: .decimal(DecimalValue(Int128(n * 37), scale: 2))
    case .guid: .guid(GUID(high: UInt64(n), low: UInt64(n % 5)))
    case .dynamic: n % 23 == 0 ? .null(.dynamic) : .dynamic(.bag([DynamicEntry("n", .long(Int64(n)))]))
    }
  }
  return RecordBatch(
    schema: StructType(fields), columns: fields.map { field in .of(field.type, range.map { value(field.type, $0) }) }, rowCount: range.count)
}

/// NaN differs from itself; as text it does not.
private func comparable(_ rows: [[Scalar]]) -> [[Scalar]] {
  rows.map { row in row.map { value in if case .real(let v) = value, v.isNaN { .string("NaN") } else { value } } }
}

@Suite struct ParquetTests {
  @Test(arguments: ["zstd", "snappy", "gzip", "lz4", "brotli", "none"]) func roundTrip(_ codec: String) throws {
    let s = Scratch()
    let batches = [sample(0..<3000), sample(3000..<5000)]
    let summary = try writeRows(parquet, s("x"), batches, options: ["compression": codec, "rowGroupRows": "1000", "pageRows": "300"])
    #expect(summary?.rows == 5000)
    let table = try openTable(parquet, [s("x")])
    #expect(table.schema.names == batches[0].schema.names && table.exactRowCount == 5000)
    #expect(table.schema.fields.map(\.type) == batches[0].schema.fields.map(\.type))
    let read = try readRows(table)
    let wanted = batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } }
    #expect(read.count == wanted.count && comparable(read) == comparable(wanted))
    #expect(try readBatches(table, columns: []).reduce(0) { $0 + $1.rowCount } == 5000)
  }

  /// Filters over every kind of column; the same rows must come out of the scan and of the evaluator over all rows.
  static let filters: [Expr] = {
    func c(_ name: String) -> Expr { .column(name) }
    func l(_ v: Scalar) -> Expr { .literal(v) }
    let date = Scalar.datetime(36_000_000_000 * 2500)
    let k = Expr.call("and", [.call(">=", [c("k"), l(.long(1234))]), .call("<", [c("k"), l(.long(1240))])])
    return [
      k, .call("==", [c("k"), l(.long(77))]), .call("==", [c("k"), l(.long(-1))]), .call("between", [c("k"), l(.long(4990)), l(.long(6000))]),
      .call("==", [c("i"), l(.long(500))]), .call("!=", [c("i"), l(.int(500))]), .call("<", [c("r"), l(.real(10))]), .call(">", [c("r"), l(.long(600))]),
      .call("==", [c("s"), l(.string("name-20-1"))]), .call("startswith", [c("s"), l(.string("name-4"))]), .call("contains", [c("s"), l(.string("-49-"))]),
      .call("in", [c("s"), l(.string("name-1-1")), l(.string("name-33-2"))]), .call(">=", [c("d"), l(date)]), .call("==", [c("d"), l(date)]),
      .call(">", [c("m"), l(.decimal(DecimalValue(180_000, scale: 2)))]), .call("==", [c("g"), l(.guid(GUID(high: 4321, low: 1)))]),
      .call("isnull", [c("i")]), .call("isnotnull", [c("t")]), .call("isempty", [c("s")]), c("b"), .call("not", [c("b")]),
      .call("or", [.call("<", [c("k"), l(.long(10))]), .call(">", [c("d"), l(.datetime(36_000_000_000 * 4995))])]),
      .call("and", [.call("<", [c("k"), l(.long(3000))]), .call("and", [c("b"), .call("==", [.call("%", [c("i"), l(.long(10))]), l(.long(3))])])]),
      .call(">", [.call("+", [c("k"), c("i")]), l(.long(5500))]), .call("<", [c("t"), l(.timespan(100))]),
    ]
  }()

  @Test(arguments: [("", "2000"), ("k, s, g, i, d", "700"), ("s", "5000")]) func prunedEqualsUnpruned(_ bloom: String, _ groupRows: String) throws {
    let s = Scratch()
    try writeRows(parquet, s("x.parquet"), [sample(0..<5000)], options: ["rowGroupRows": groupRows, "pageRows": "97", "bloomFilterColumns": bloom])
    let table = try openTable(parquet, [s("x.parquet")])
    let all = try readBatches(table)
    for filter in Self.filters {
      guard let compiled = try? CompiledExpr(filter, schema: table.schema, context: context) else { continue }
      #expect(table.pushdown([filter]) == [.exact], "\(filter)")
      let wanted = try all.flatMap { batch in
        let kept = batch.filter(try compiled.select(batch))
        return (0..<kept.rowCount).map { kept.row($0) }
      }
      for columns in [table.schema.names, ["s"], ["j", "k"], []] {
        let batches = try readBatches(table, columns: columns, filters: [filter])
        #expect(batches.reduce(0) { $0 + $1.rowCount } == wanted.count, "\(filter)")
        let read = batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } }
        let projected = wanted.map { row in columns.compactMap { table.schema.index(of: $0) }.map { row[$0] } }
        #expect(comparable(read) == comparable(projected), "\(filter) \(columns)")
      }
    }
  }

  @Test func countersTellWhatWasSkipped() throws {
    let s = Scratch()
    try writeRows(parquet, s("x.parquet"), (0..<5).map { sample($0 * 1000..<$0 * 1000 + 1000) }, options: ["pageRows": "100", "bloomFilterColumns": "s"])
    let table = try openTable(parquet, [s("x.parquet")])
    func counted(_ filter: Expr) throws -> ScanMetrics {
      var metrics = ScanMetrics()
      _ = try readRows(table, columns: ["s"], filters: [filter]) { metrics = $0 }
      return metrics
    }
    let filter = Expr.call("==", [.column("k"), .literal(.long(2345))])
    let metrics = try counted(filter)
    #expect(metrics.rowGroups == 5)
    if !PruningPredicate(filter).mayMatch({ _ in ColumnStatistics(type: .long, min: .long(0), max: .long(9), nullCount: 0, rowCount: 10) }) {
      #expect(metrics.rowGroupsPruned == 4 && metrics.pages == 10 && metrics.pagesPruned == 9)
      #expect(metrics.bytesRead < metrics.bytesTotal)
      #expect(try counted(.call("==", [.column("s"), .literal(.string("name-20-9"))])).rowGroupsPruned == 5)
    }
  }

  @Test func largeGroupsAreReadInParts() throws {
    let s = Scratch()
    let n = 400_000
    let k = BufferBuilder<Int64>()
    for i in 0..<n { k.append(Int64(i)) }
    let big = RecordBatch(schema: StructType([StructField("k", .long)]), columns: [.long(k.finish())])
    try writeRows(parquet, s("x.parquet"), [big], options: ["rowGroupRows": "1000000"])
    let table = try openTable(parquet, [s("x.parquet")])
    let scan = try table.scan(ScanRequest(columns: ["k"]), context: context)
    var morsels = 0, next: Int64 = 0
    while let morsel = try scan.nextMorsel() {
      morsels += 1
      try morsel.read { batch in
        guard case .long(let values) = batch.columns[0].flattened.storage else { return false }
        for i in 0..<batch.rowCount {
          if values[i] != next { Issue.record("row \(next)"); return false }
          next += 1
        }
        return true
      }
    }
    #expect(morsels == 4 && next == 400_000)
    let limited = try table.scan(ScanRequest(columns: ["k"], limit: 10), context: context)
    var rows = 0
    while let morsel = try limited.nextMorsel() { try morsel.read { rows += $0.rowCount; return true } }
    #expect(rows == 10)
  }

  @Test func errorsNameTheFile() throws {
    let s = Scratch()
    s.put("bad.parquet", "this is not a parquet file at all")
    let bad = thrown { _ = try openTable(parquet, [s("bad.parquet")]) }
    #expect(bad?.code == .formatCorrupt && bad?.message.contains("bad.parquet") == true)
    #expect(thrown { try writeRows(parquet, s("y"), [sample(0..<1)], options: ["compressionLevel": "99"]) }?.code == .optionInvalid)
    #expect(thrown { try writeRows(parquet, s("y"), [sample(0..<1)], options: ["compresion": "zstd"]) }?.code == .optionUnknown)
    #expect(thrown { try writeRows(parquet, s("y"), [sample(0..<1)], options: ["bloomFilterColumns": "nope"]) }?.code == .usage)
    #expect(s.tree == ["bad.parquet"])
    let fine = try batch("d:datetime", [[.datetime(7)]])
    #expect(thrown { try writeRows(parquet, s("y"), [fine]) }?.code == .valueInvalid)
    #expect(s.tree == ["bad.parquet"])
    try writeRows(parquet, s("y"), [fine], options: ["timestampUnit": "nanos"])
    #expect(try readRows(try openTable(parquet, [s("y")])) == [[.datetime(7)]])
    #expect(thrown { _ = try openTable(parquet, [s("y")], options: ["int96RebaseMode": "LEGACY"]) }?.code == .notSupported)
    #expect(try FileFormats.guess(s("y")).shortName == "parquet")
  }

  @Test func emptyResultsKeepTheirSchema() throws {
    let s = Scratch()
    let sink = try parquet.makeSink(s("x"), schema: sample(0..<1).schema, mode: .error, partitionBy: [], options: makeOptions(parquet, [:], .write))
    #expect(try sink?.commit().files == 1)
    let table = try openTable(parquet, [s("x")])
    #expect(table.schema.count == 10)
    #expect(try readRows(table).isEmpty)
  }

  @Test func partitionsAndHints() throws {
    let s = Scratch()
    let schema = StructType([StructField("day", .datetime, hint: .date), StructField("v", .decimal, hint: .decimal(precision: 10, scale: 2)), StructField("k", .long)])
    let rows = (0..<100).map { n -> [Scalar] in [.datetime(Int64(n) * 864_000_000_000), .decimal(DecimalValue(Int128(n), scale: 2)), .long(Int64(n % 3))] }
    let data = RecordBatch(schema: schema, columns: (0..<3).map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: 100)
    try writeRows(parquet, s("x"), [data], partitionBy: ["k"])
    let table = try openTable(parquet, [s("x")])
    #expect(table.schema.field("day")?.hint == .date && table.schema.field("v")?.hint == .decimal(precision: 10, scale: 2))
    #expect(try Set(readRows(table, columns: ["day", "v", "k"])) == Set(rows))
  }
}
