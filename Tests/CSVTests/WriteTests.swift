// Role: what is written, and that it reads back equal: every type, null patterns, dictionary and constant forms, all line ends and quotes.

import CSV
import Columnar
import Testing

@Suite struct WriteTests {
  static func text(_ batches: [RecordBatch], _ options: CSVWriteOptions = CSVWriteOptions()) throws -> [UInt8] {
    let encoder = CSVEncoder(schema: batches[0].schema, options: options)
    var out = try encoder.header()
    var times: [Bool] = []
    for batch in batches {
      let text = try encoder.encode([batch], withTimes: times, pieceBytes: batch.rowCount % 2 == 0 ? 256 : 1 << 20)
      times = text.hasTimes
      out += text.pieces.flatMap(\.array)
    }
    return out
  }

  static func sample(_ type: DataType, _ rng: inout Seeded) -> Scalar {
    let bits = rng.next()
    switch type {
    case .bool: return .bool(bits & 1 == 0)
    case .int: return .int(Int32(truncatingIfNeeded: bits) >> Int32(bits >> 60))
    case .long: return .long(Int64(bitPattern: bits) >> Int64(bits & 63))
    case .real:
      let value = Double(bitPattern: bits)
      return .real(value.isNaN ? .nan : bits % 3 == 0 ? value : bits % 31 == 1 ? -.infinity : Double(Int64(bits % 10_000_000)) / 100)
    case .decimal: return .decimal(DecimalValue(bits % 5 == 0 ? Int128(Int64(bitPattern: bits)) * 1_000_003 : Int128(bits % 100_000), scale: bits % 7 == 0 ? 5 : 2))
    case .string:
      let pieces = ["", "a", "ü", "\"", ",", "\n", "\r\n", " ", "NULL", "long text without anything special in it, but with one comma", "0123456789", "\u{1F600}"]
      return .string((0..<Int(bits % 6)).map { _ in pieces.randomElement(using: &rng) ?? "" }.joined())
    case .datetime:
      let range = UInt64(CivilTime.maxTicks - CivilTime.minTicks)
      let ticks = CivilTime.minTicks + Int64(bits % range)
      return .datetime(bits % 2 == 0 ? ticks : Int64(CivilTime.day(ofTicks: ticks)) * CivilTime.ticksPerDay)
    case .timespan: return .timespan(Int64(bitPattern: bits) >> Int64(bits & 31))
    case .guid: return .guid(GUID(high: bits, low: rng.next()))
    case .dynamic: return .dynamic(bits % 3 == 0 ? .string("x\"y") : bits % 3 == 1 ? .array([.long(Int64(bits % 100)), .null]) : .bag([DynamicEntry("k,", .real(1.5))]))
    }
  }

  /// Columns in small ranges, whose texts are kept from chunk to chunk while the ranges grow, leave the tables and come back: the same text as
  /// of chunks too short for tables.
  @Test(arguments: [false, true]) func rangesAreWrittenAsValues(_ hasNulls: Bool) throws {
    var rng = Seeded(state: 5)
    let schema = try StructType(ddl: "i:int, l:long, d:decimal, day:datetime")
    let extents: [(low: Int64, count: UInt64)] = [(-40, 30), (-60, 200), (0, 7), (-8_000, 16_100), (5, 40_000), (-3, 3), (0, 1)]
    let batches = extents.map { low, count -> RecordBatch in
      let numbers = (0..<8_192).map { _ in low + Int64(rng.next() % count) }
      let validity = hasNulls ? Bitmap(numbers.map { $0 % 5 != 0 }) : nil
      return RecordBatch(schema: schema, columns: [
        .int(Buffer(numbers.map { Int32($0) }), validity: validity), .long(Buffer(numbers), validity: validity),
        .decimal(Buffer(numbers), scale: 2, validity: validity),
        .long(Buffer(numbers.map { ($0 + 719_162) * CivilTime.ticksPerDay }), validity: validity, type: .datetime),
      ])
    }
    let whole = try Self.text(batches)
    let pieces = try Self.text(batches.flatMap { batch in stride(from: 0, to: batch.rowCount, by: 512).map { batch.slice($0..<$0 + 512) } })
    #expect(whole == pieces)
    #expect(whole.count > 7 * 8_192 * 10)
  }

  /// Batches of a decimal column may differ in scale: equal coefficients are other values then.
  @Test func rangesOfSeveralScales() throws {
    let schema = try StructType(ddl: "d:decimal")
    let numbers = (0..<8_192).map { Int64($0 % 900) }
    let batches = [1, 2, 0, 1].map { RecordBatch(schema: schema, columns: [.decimal(Buffer(numbers), scale: $0)]) }
    let lines = String(decoding: try Self.text(batches), as: UTF8.self).split(separator: "\n").dropFirst()
    let expected = [1, 2, 0, 1].flatMap { scale in numbers.map { DecimalValue(Int128($0), scale: scale) } }
    #expect(lines.count == expected.count)
    #expect(zip(lines, expected).allSatisfy { ScalarText.parse(String($0), as: .decimal) == .decimal($1) })
  }

  /// Ranges at the ends of 64 bits, in one writer.
  @Test func extremesAreWritten() throws {
    let schema = try StructType(ddl: "l:long")
    let values: [Int64] = [.max, .min, 0, .max - 3, .min + 3]
    let batches = values.map { RecordBatch(schema: schema, columns: [.long(Buffer([Int64](repeating: $0, count: 2_048)))]) }
    let lines = String(decoding: try Self.text(batches), as: UTF8.self).split(separator: "\n")
    #expect(lines.dropFirst().map { Int64($0) } == values.flatMap { [Int64?](repeating: $0, count: 2_048) })
  }

  /// Nulls: none, some, many, all.
  @Test(arguments: DataType.allCases, [0, 3, 30, 100]) func writtenIsRead(_ type: DataType, _ nullPercent: Int) throws {
    var rng = Seeded(state: UInt64(nullPercent) &+ 77)
    var scalars: [Scalar] = []
    for _ in 0..<1_500 { scalars.append(Int(rng.next() % 100) < nullPercent ? .null(type) : Self.sample(type, &rng)) }
    let others = (0..<1_500).map { Scalar.long(Int64($0)) }
    let schema = StructType([StructField("x", type), StructField("n", .long)])
    let flat = RecordBatch(schema: schema, columns: [.of(type, scalars), .of(.long, others)])
    var distinct: [Scalar] = []
    var codes: [Int32] = []
    for _ in 0..<20 { distinct.append(Self.sample(type, &rng)) }
    for _ in 0..<1_500 { codes.append(Int32(rng.next() % 20)) }
    let validity = nullPercent == 0 ? nil : Bitmap(scalars.map { !$0.isNull })
    let dictionary = ColumnVector.dictionary(codes: Buffer(codes), values: .of(type, distinct), validity: validity)
    let batches = [
      flat, RecordBatch(schema: schema, columns: [dictionary, .of(.long, others)]),
      RecordBatch(schema: schema, columns: [.constant(scalars[7], count: 1_500), .of(.long, others)]),
      flat.slice(100..<1_111),
    ]
    let expected = batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } }
    for (index, options) in Self.optionForms.enumerated() {
      var reading = Reading(schema: schema)
      reading.dialect.separator = options.separator
      reading.dialect.escape = options.escape
      reading.words.null = options.null
      reading.words.nan = options.nan
      reading.words.positiveInfinity = options.positiveInfinity
      reading.words.negativeInfinity = options.negativeInfinity
      reading.blockSize = 10_000
      let result = try reading.read(try Self.text(batches, options))
      #expect(result.bad.isEmpty, "form \(index): \(result.bad.first.map { "\($0)" } ?? "")")
      #expect(result.rows.count == expected.count)
      for (i, (got, want)) in zip(result.rows, expected).enumerated() where !Self.same(got, want) {
        Issue.record("form \(index), row \(i): \(got) for \(want)")
        break
      }
    }
  }

  static func same(_ a: [Scalar], _ b: [Scalar]) -> Bool {
    zip(a, b).allSatisfy { x, y in
      if case .real(let v) = x, case .real(let w) = y { return v == w || v.isNaN && w.isNaN }
      return x == y
    }
  }

  static let optionForms: [CSVWriteOptions] = {
    var pipes = CSVWriteOptions()
    pipes.separator = 0x7C
    pipes.null = Array("NULL".utf8)
    pipes.lineEnd = [0x0D, 0x0A]
    var quoted = CSVWriteOptions()
    quoted.quotesAll = true
    var escaped = CSVWriteOptions()
    escaped.escape = 0x5C
    escaped.nan = Array("-nan".utf8)
    escaped.positiveInfinity = Array("oo".utf8)
    escaped.negativeInfinity = Array("-oo".utf8)
    return [CSVWriteOptions(), pipes, quoted, escaped]
  }()

  @Test func forms() throws {
    let schema = StructType([StructField("a,b", .string), StructField("d", .datetime), StructField("t", .datetime), StructField("r", .real)])
    func ticks(_ text: String) -> Scalar { ScalarText.parse(text, as: .datetime) ?? .null(.datetime) }
    let batch = RecordBatch(
      schema: schema,
      columns: [
        .of(.string, [.string("x"), .string(""), .null(.string), .string("say \"hi\"")]),
        .of(.datetime, [ticks("2020-01-02"), .null(.datetime), ticks("0001-01-01"), ticks("9999-12-31")]),
        .of(.datetime, [ticks("2020-01-02"), ticks("2020-01-02T03:04:05.67"), .null(.datetime), ticks("2020-01-02T03:04")]),
        .of(.real, [.real(17), .real(0.05), .real(1e20), .null(.real)]),
      ])
    #expect(
      String(decoding: try Self.text([batch]), as: UTF8.self) == #"""
        "a,b",d,t,r
        x,2020-01-02,2020-01-02T00:00:00Z,17.0
        "",,2020-01-02T03:04:05.67Z,0.05
        ,0001-01-01,,1E+20
        "say ""hi""",9999-12-31,2020-01-02T03:04:00Z,

        """#)
    var options = CSVWriteOptions()
    options.hasHeader = false
    options.quotesAll = true
    options.dateFormat = try DateTimePattern("dd.MM.yyyy")
    options.timestampFormat = try DateTimePattern("M/d/yyyy h:mm a")
    #expect(
      String(decoding: try Self.text([batch.slice(0..<2)], options), as: UTF8.self)
        == "\"x\",\"02.01.2020\",\"1/2/2020 12:00 AM\",\"17.0\"\n\"\",,\"1/2/2020 3:04 AM\",\"0.05\"\n")
  }

  @Test func unquotableTextIsRefused() throws {
    var options = CSVWriteOptions()
    options.quote = nil
    let batch = RecordBatch(schema: StructType([StructField("a", .string)]), columns: [.of(.string, [.string("x,y")])])
    #expect(throws: CSVWriteError.self) { try Self.text([batch], options) }
  }

  /// One nullable column: a null is an empty line.
  @Test func nullsOfOneColumn() throws {
    let schema = StructType([StructField("a", .string)])
    let rows: [Scalar] = [.null(.string), .string("x"), .string(""), .null(.string)]
    let text = try Self.text([RecordBatch(schema: schema, columns: [.of(.string, rows)])])
    #expect(try Reading(schema: schema).read(text).rows.map { $0[0] } == rows)
  }
}
