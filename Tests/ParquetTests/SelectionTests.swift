// Late materialisation: any windows and selections give the rows a full read gives, for every type, null pattern, codec and page size.
import Codecs
import Columnar
import Parquet
import Testing

@Suite struct SelectionTests {
  static let schema = StructType([
    StructField("bool", .bool), StructField("int", .int), StructField("long", .long), StructField("real", .real),
    StructField("money", .decimal, hint: .decimal(precision: 15, scale: 2)), StructField("wide", .decimal),
    StructField("word", .string), StructField("text", .string), StructField("when", .datetime),
    StructField("day", .datetime, hint: .date), StructField("span", .timespan), StructField("id", .guid),
    StructField("sure", .long, nullable: false), StructField("bag", .dynamic),
  ])

  static func batch(rows: Int, nullEvery: UInt64, seed: UInt64) -> RecordBatch {
    var rng = Seeded(state: seed)
    let columns = schema.fields.map { field in
      ColumnVector.of(
        field.type,
        (0..<rows).map { i in
          if field.nullable, nullEvery > 0, rng.next() % nullEvery == 0 { return .null(field.type) }
          let pick = Int64(rng.next() % 1000)
          switch field.name {
          case "bool": return .bool(pick & 1 == 0)
          case "int": return .int(Int32(i / 3))
          case "long": return .long(pick % 7)
          case "real": return .real(Double(pick) / 8)
          case "money": return .decimal(DecimalValue(Int128(pick * 12345), scale: 2))
          case "wide": return .decimal(DecimalValue(Int128(pick) * 1_000_000_000_000_000_000_000, scale: 18))
          case "word": return .string("word-\(pick % 11)")
          case "text": return .string(String(repeating: "ö\(i) ", count: Int(pick % 9)))
          case "when": return .datetime((Int64(i) * 1_000_003 - pick) * 10)
          case "day": return .datetime(Int64(i % 500) * 864_000_000_000)
          case "span": return .timespan(pick * 77)
          case "id": return .guid(GUID(high: rng.next(), low: rng.next()))
          case "bag": return .dynamic(.bag([DynamicEntry("n", .long(pick)), DynamicEntry("a", .array([.string("x"), .null, .real(0.5)]))]))
          default: return .long(Int64(truncatingIfNeeded: rng.next()))
          }
        })
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: rows)
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var nullEvery: UInt64
    var pageRows: Int
    var usesDictionary: Bool
    var codec: Codec
    var testDescription: String { "nulls 1/\(nullEvery), pages of \(pageRows), dictionary \(usesDictionary), \(codec)" }
  }

  static let cases = [
    Case(nullEvery: 0, pageRows: 20_000, usesDictionary: true, codec: .snappy),
    Case(nullEvery: 3, pageRows: 113, usesDictionary: true, codec: .zstd),
    Case(nullEvery: 3, pageRows: 64, usesDictionary: false, codec: .uncompressed),
    Case(nullEvery: 1, pageRows: 500, usesDictionary: true, codec: .gzip),
    Case(nullEvery: 50, pageRows: 1000, usesDictionary: false, codec: .lz4Raw),
  ]

  /// No page holds more bytes of values than asked for, whatever its column's form.
  @Test(arguments: [false, true]) func pagesKeepTheirBytes(_ usesDictionary: Bool) throws {
    var options = ParquetWriterOptions()
    options.pageBytes = 4_096
    options.usesDictionary = usesDictionary
    let n = 60_000
    let schema = try StructType(ddl: "l:long, r:real, b:bool, g:guid, s:string")
    let columns: [ColumnVector] = [
      .of(.long, (0..<n).map { .long(Int64(truncatingIfNeeded: UInt64($0) &* 0x9E37_79B9_7F4A_7C15)) }), .of(.real, (0..<n).map { .real(Double($0) * 1.25) }),
      .of(.bool, (0..<n).map { .bool($0 % 3 == 0) }), .of(.guid, (0..<n).map { .guid(GUID(high: UInt64($0), low: 7)) }),
      .of(.string, (0..<n).map { .string("word \($0 % 300)") }),
    ]
    let batch = RecordBatch(schema: schema, columns: columns, rowCount: n)
    let file = try ParquetFile(MemorySource(try TestFiles.write([batch], options)))
    // Rows of a page at most: 64, 64 and 1 bit; texts of 4 bytes of length and 36 of text, or codes of 9 bits.
    for (leaf, most) in [512, 512, 32_768, 4_096 / 36, usesDictionary ? 4_096 * 8 / 9 : 4_096 / 6].enumerated() {
      let pages = try #require(try file.offsetIndex(rowGroup: 0, leaf: leaf)).pages
      let ends = pages.dropFirst().map(\.firstRow) + [n]
      let longest = zip(pages, ends).map { $1 - $0.firstRow }.max() ?? 0
      #expect(longest <= min(most, options.pageRows) && longest > 1, "\(schema[leaf].name): \(longest) rows")
    }
    #expect(try lines(of: file).count == n + 1)
  }

  @Test(arguments: cases)
  func everyWindowAndSelection(_ test: Case) throws {
    var options = ParquetWriterOptions()
    options.pageRows = test.pageRows
    options.usesDictionary = test.usesDictionary
    options.codec = test.codec
    options.checksums = true
    let original = Self.batch(rows: 3000, nullEvery: test.nullEvery, seed: 9)
    let file = try ParquetFile(MemorySource(try TestFiles.write([original, original.slice(0..<700)], options)))
    #expect(file.structType.fields.map(\.type) == Self.schema.fields.map(\.type))
    #expect(file.structType.fields.map(\.name) == Self.schema.names)
    let columns = Array(file.schema.fields.indices)
    let context = DecodeContext()
    let whole = try #require(try RowGroupReader(file, rowGroup: 0, columns: columns, context: context).nextBatch())
    #expect(whole.brokenInvariant() == nil)
    for c in columns { #expect(whole.columns[c].scalars == original.columns[c].scalars) }

    var rng = Seeded(state: 21)
    for round in 0..<40 {
      let windows = Self.windows(3000, &rng)
      let pruned = round % 3 == 0 ? RowSelection(windows) : nil
      let reader = try RowGroupReader(file, rowGroup: 0, columns: columns, rows: pruned, context: context)
      for window in windows {
        let density = [1, 2, 20, 300][Int(rng.next() % 4)]
        let bits = Bitmap(window.map { _ in rng.next() % UInt64(density) == 0 })
        let selection = rng.next() % 5 == 0 ? nil : bits
        for c in columns where rng.next() % 3 > 0 {
          let got = try reader.read(column: c, window: window, selection: selection)
          let slice = whole.columns[c].slice(window)
          let expected = selection.map { slice.filter($0) } ?? slice
          #expect(got.brokenInvariant() == nil)
          #expect(got.scalars == expected.scalars, "column \(file.schema.fields[c].name), rows \(window)")
        }
      }
    }
  }

  @Test func pagesOutsideTheSelectionAreNotRead() throws {
    var options = ParquetWriterOptions()
    options.pageRows = 1000
    options.usesDictionary = false
    options.codec = .uncompressed
    let file = try ParquetFile(MemorySource(try TestFiles.write([Self.batch(rows: 60_000, nullEvery: 0, seed: 3)], options)))
    let column = try #require(file.schema.index(of: "id"))
    let context = DecodeContext()
    let reader = try RowGroupReader(file, rowGroup: 0, columns: [column], rows: RowSelection([30_500..<30_510]), context: context)
    let batch = try #require(try reader.nextBatch())
    #expect(batch.rowCount == 10)
    #expect(context.counters.pagesDecoded == 1)
    #expect(context.counters.bytesRead < 100_000)
  }

  /// Ascending windows with gaps.
  static func windows(_ rows: Int, _ rng: inout Seeded) -> [Range<Int>] {
    var out: [Range<Int>] = []
    var at = Int(rng.next() % 50)
    while at < rows {
      let end = min(rows, at + 1 + Int(rng.next() % 900))
      out.append(at..<end)
      at = end + Int(rng.next() % 3 == 0 ? rng.next() % 1200 : 0)
    }
    return out
  }
}
