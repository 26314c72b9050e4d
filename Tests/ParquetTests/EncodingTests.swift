// Encodings against naive encoders written from the specification: files are put together here page by page, so that every encoding,
// bit width and page version is read whatever this project's writer chooses.
import Codecs
import Columnar
import Parquet
import Testing

/// Builds files of one column from hand-encoded pages.
struct RawFile {
  var element: SchemaElement
  var rows = 0
  var body: [UInt8] = Array("PAR1".utf8)
  var dictionaryOffset: Int?
  var dataOffset: Int?

  init(_ element: SchemaElement) { self.element = element }

  mutating func dictionary(_ values: [UInt8], count: Int) {
    dictionaryOffset = body.count
    let header = PageHeader(
      body: .dictionary(DictionaryPageHeader(valueCount: count, encoding: .plain)), uncompressedSize: values.count, compressedSize: values.count)
    body += ThriftWriter.serialize(header) + values
  }

  /// A page of `count` rows; `definition` are levels already encoded (without length), nil for required columns.
  mutating func page(_ encoding: Encoding, _ values: [UInt8], count: Int, definition: [UInt8]? = nil, nulls: Int = 0, v2: Bool = false, levelEncoding: Encoding = .rle) {
    if dataOffset == nil { dataOffset = body.count }
    rows += count
    if v2 {
      let all = (definition ?? []) + values
      let header = PageHeader(
        body: .dataV2(
          DataPageHeaderV2(
            valueCount: count, nullCount: nulls, rowCount: count, encoding: encoding, definitionLevelsByteCount: definition?.count ?? 0,
            repetitionLevelsByteCount: 0, isCompressed: false)), uncompressedSize: all.count, compressedSize: all.count)
      body += ThriftWriter.serialize(header) + all
    } else {
      var all = values
      if let definition {
        let prefix = levelEncoding == .rle ? withUnsafeBytes(of: UInt32(definition.count).littleEndian) { Array($0) } : []
        all = prefix + definition + values
      }
      var data = DataPageHeader(valueCount: count, encoding: encoding)
      data.definitionEncoding = levelEncoding
      body += ThriftWriter.serialize(PageHeader(body: .data(data), uncompressedSize: all.count, compressedSize: all.count)) + all
    }
  }

  func finished() throws -> ParquetFile {
    var metadata = FileMetadata()
    metadata.schema = [SchemaElement(name: "root", childCount: 1), element]
    var column = ColumnMetadata(type: element.type ?? .int32, codec: .uncompressed)
    column.path = [element.name]
    column.valueCount = rows
    column.dataPageOffset = dataOffset ?? 4
    column.dictionaryPageOffset = dictionaryOffset
    column.totalCompressedSize = body.count - 4
    var group = RowGroup()
    group.columns = [ColumnChunk(metadata: column)]
    group.rowCount = rows
    metadata.rowGroups = [group]
    metadata.rowCount = rows
    let footer = ThriftWriter.serialize(metadata)
    let bytes = body + footer + withUnsafeBytes(of: UInt32(footer.count).littleEndian) { Array($0) } + Array("PAR1".utf8)
    return try ParquetFile(MemorySource(bytes), options: TestFiles.lenient)
  }

  func values() throws -> [Scalar] {
    let file = try finished()
    let context = DecodeContext()
    let reader = try RowGroupReader(file, rowGroup: 0, columns: [0], context: context)
    let vector = try reader.read(column: 0, window: 0..<rows)
    #expect(vector.brokenInvariant() == nil)
    // The same through many small windows, every third of which is skipped.
    let again = try RowGroupReader(file, rowGroup: 0, columns: [0], context: context)
    var at = 0
    var step = 1
    while at < rows {
      let window = at..<min(rows, at + step)
      if step % 3 != 0 {
        let got = try again.read(column: 0, window: window)
        #expect(got.scalars == vector.slice(window).scalars)
      }
      at = window.upperBound
      step += 1
    }
    return vector.scalars
  }
}

enum Naive {
  static func varint(_ value: UInt64) -> [UInt8] {
    var out: [UInt8] = []
    var rest = value
    while rest >= 0x80 { out.append(UInt8(rest & 0x7F) | 0x80); rest >>= 7 }
    return out + [UInt8(rest)]
  }

  static func zigzag(_ value: Int64) -> [UInt8] { varint(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

  static func pack(_ values: [UInt64], width: Int) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: (values.count * width + 7) / 8)
    for (i, value) in values.enumerated() {
      for b in 0..<width where value >> UInt64(b) & 1 == 1 { out[(i * width + b) / 8] |= 1 << UInt8((i * width + b) % 8) }
    }
    return out
  }

  /// Alternating RLE and bit-packed runs of random lengths; bit-packed ones hold multiples of eight values, the last is padded.
  static func hybrid(_ values: [UInt64], width: Int, _ rng: inout Seeded) -> [UInt8] {
    var out: [UInt8] = []
    var at = 0
    while at < values.count {
      var run = 1
      while at + run < values.count, values[at + run] == values[at] { run += 1 }
      if run >= 4 || rng.next() % 7 == 0 {
        out += varint(UInt64(run) << 1)
        for b in 0..<(width + 7) / 8 { out.append(UInt8(truncatingIfNeeded: values[at] >> UInt64(8 * b))) }
        at += run
      } else {
        let groups = 1 + Int(rng.next() % 9)
        var chunk = Array(values[at..<min(values.count, at + groups * 8)])
        at += chunk.count
        while chunk.count % 8 != 0 { chunk.append(0) }
        out += varint(UInt64(chunk.count / 8) << 1 | 1) + pack(chunk, width: width)
      }
    }
    return out
  }

  /// DELTA_BINARY_PACKED with blocks of 128 values in four miniblocks, in the arithmetic of `bits` bits.
  static func delta(_ values: [Int64], bits: Int) -> [UInt8] {
    var out = varint(128) + varint(4) + varint(UInt64(values.count)) + zigzag(values.first ?? 0)
    let mask: UInt64 = bits == 64 ? ~0 : (1 << UInt64(bits)) - 1
    func wrap(_ v: Int64) -> Int64 { bits == 64 ? v : Int64(Int32(truncatingIfNeeded: v)) }
    var at = 1
    while at < values.count {
      let end = min(values.count, at + 128)
      let deltas = (at..<end).map { wrap(values[$0] &- values[$0 - 1]) }
      let least = deltas.min() ?? 0
      let relative = deltas.map { UInt64(bitPattern: $0 &- least) & mask }
      out += zigzag(least)
      var widths: [UInt8] = []
      var data: [UInt8] = []
      for m in 0..<4 {
        let part = Array(relative.dropFirst(m * 32).prefix(32))
        if part.isEmpty { widths.append(0); continue }
        let width = part.map { 64 - $0.leadingZeroBitCount }.max() ?? 0
        widths.append(UInt8(width))
        data += pack(part + Array(repeating: 0, count: 32 - part.count), width: width)
      }
      out += widths + data
      at = end
    }
    return out
  }

  static func bytes<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] { values.flatMap { v in withUnsafeBytes(of: v.littleEndian) { Array($0) } } }
}

@Suite struct EncodingTests {
  @Test(arguments: 0...31)
  func dictionaryCodesOfEveryWidth(_ width: Int) throws {
    var rng = Seeded(state: UInt64(width) + 100)
    // Codes stay small (the dictionary has 1000 entries at most), the width they are stored in does not.
    let entries = min(1000, 1 << min(width, 12))
    let codes = (0..<3000).map { i in i % 400 < 90 ? UInt64(entries - 1) : rng.next() % UInt64(entries) }
    for optional in [false, true] {
      var file = RawFile(SchemaElement(name: "c", type: .int64, repetition: optional ? .optional : .required))
      file.dictionary(Naive.bytes((0..<entries).map { Int64($0) * 7 }), count: entries)
      var expected: [Scalar] = []
      for page in 0..<3 {
        let part = Array(codes[page * 1000..<page * 1000 + 1000])
        if optional {
          let levels = (0..<1000).map { _ in rng.next() % 4 == 0 ? UInt64(0) : 1 }
          let present = zip(part, levels).filter { $0.1 == 1 }.map(\.0)
          file.page(
            page == 1 ? .plainDictionary : .rleDictionary, [UInt8(width)] + Naive.hybrid(present, width: width, &rng), count: 1000,
            definition: Naive.hybrid(levels, width: 1, &rng), v2: page == 2)
          expected += zip(part, levels).map { $0.1 == 1 ? .long(Int64($0.0) * 7) : .null(.long) }
        } else {
          file.page(.rleDictionary, [UInt8(width)] + Naive.hybrid(part, width: width, &rng), count: 1000, v2: page == 2)
          expected += part.map { .long(Int64($0) * 7) }
        }
      }
      #expect(try file.values() == expected)
    }
  }

  @Test func textDictionariesMixWithPlainPages() throws {
    var rng = Seeded(state: 4)
    let words = (0..<37).map { i in "word\(i)" + String(repeating: "é", count: i) }
    func plain(_ texts: [String]) -> [UInt8] { texts.flatMap { Naive.bytes([UInt32($0.utf8.count)]) + Array($0.utf8) } }
    var file = RawFile(SchemaElement(name: "c", type: .byteArray, repetition: .required, logical: .string))
    file.dictionary(plain(words), count: words.count)
    var expected: [Scalar] = []
    for page in 0..<6 {
      let codes = (0..<500).map { _ in rng.next() % 37 }
      let texts = codes.map { words[Int($0)] }
      switch page {
      case 0, 1, 4: file.page(.rleDictionary, [6] + Naive.hybrid(codes, width: 6, &rng), count: 500)
      case 2: file.page(.plain, plain(texts), count: 500)
      case 3: file.page(.deltaLengthByteArray, Naive.delta(texts.map { Int64($0.utf8.count) }, bits: 32) + texts.flatMap { Array($0.utf8) }, count: 500)
      default:
        var prefixes: [Int64] = []
        var suffixes: [[UInt8]] = []
        var previous: [UInt8] = []
        for text in texts {
          let bytes = Array(text.utf8)
          let shared = zip(bytes, previous).prefix { $0 == $1 }.count
          prefixes.append(Int64(shared))
          suffixes.append(Array(bytes[shared...]))
          previous = bytes
        }
        file.page(
          .deltaByteArray, Naive.delta(prefixes, bits: 32) + Naive.delta(suffixes.map { Int64($0.count) }, bits: 32) + suffixes.flatMap { $0 },
          count: 500)
      }
      expected += texts.map { .string($0) }
    }
    #expect(try file.values() == expected)
  }

  @Test(arguments: [0, 1, 2, 3, 4])
  func deltaIntegers(_ shape: Int) throws {
    var rng = Seeded(state: UInt64(shape) + 50)
    for bits in [32, 64] {
      for count in [1, 2, 33, 129, 1000] {
        let values: [Int64] = (0..<count).map { i in
          let raw: Int64 = switch shape {
          case 0: 42
          case 1: Int64(i) * 3 - 100
          case 2: Int64(truncatingIfNeeded: rng.next())
          case 3: i % 2 == 0 ? .min : .max
          default: Int64(rng.next() % 100)
          }
          if bits == 64 { return raw }
          return shape == 3 ? (i % 2 == 0 ? Int64(Int32.min) : Int64(Int32.max)) : Int64(Int32(truncatingIfNeeded: raw))
        }
        var file = RawFile(SchemaElement(name: "c", type: bits == 32 ? .int32 : .int64, repetition: .required))
        file.page(.deltaBinaryPacked, Naive.delta(values, bits: bits), count: count)
        #expect(try file.values() == values.map { bits == 32 ? .int(Int32($0)) : .long($0) })
      }
    }
  }

  @Test func byteStreamSplitOfEveryWidth() throws {
    var rng = Seeded(state: 8)
    for (type, width) in [(PhysicalType.int32, 4), (.int64, 8), (.float, 4), (.double, 8), (.fixedLenByteArray, 5), (.fixedLenByteArray, 16)] {
      let raw = (0..<777).map { _ in (0..<width).map { _ in UInt8(truncatingIfNeeded: rng.next() & 0x3F) } }
      var split: [UInt8] = []
      for k in 0..<width { split += raw.map { $0[k] } }
      let element = SchemaElement(name: "c", type: type, typeLength: type == .fixedLenByteArray ? width : nil, repetition: .required)
      var file = RawFile(element)
      file.page(.byteStreamSplit, split, count: 777)
      var plain = RawFile(element)
      plain.page(.plain, raw.flatMap { $0 }, count: 777)
      #expect(try file.values() == plain.values())
    }
  }

  @Test func booleansInBothEncodings() throws {
    var rng = Seeded(state: 12)
    let bits = (0..<2000).map { i in i % 300 < 70 ? UInt64(1) : rng.next() & 1 }
    let levels = (0..<2000).map { _ in rng.next() % 3 == 0 ? UInt64(0) : 1 }
    let present = zip(bits, levels).filter { $0.1 == 1 }.map(\.0)
    let runs = Naive.hybrid(present, width: 1, &rng)
    for rle in [false, true] {
      var file = RawFile(SchemaElement(name: "c", type: .boolean, repetition: .optional))
      file.page(
        rle ? .rle : .plain, rle ? Naive.bytes([UInt32(runs.count)]) + runs : Naive.pack(present, width: 1), count: 2000,
        definition: Naive.hybrid(levels, width: 1, &rng))
      #expect(try file.values() == zip(bits, levels).map { $0.1 == 1 ? .bool($0.0 == 1) : .null(.bool) })
    }
  }

  @Test func deprecatedBitPackedLevels() throws {
    var rng = Seeded(state: 13)
    let levels = (0..<1001).map { _ in rng.next() % 3 == 0 ? UInt8(0) : 1 }
    var packed = [UInt8](repeating: 0, count: (1001 + 7) / 8)
    for (i, level) in levels.enumerated() where level == 1 { packed[i / 8] |= 0x80 >> UInt8(i % 8) }
    let present = levels.filter { $0 == 1 }.indices.map { Int32($0) }
    var file = RawFile(SchemaElement(name: "c", type: .int32, repetition: .optional))
    file.page(.plain, Naive.bytes(present), count: 1001, definition: packed, levelEncoding: .bitPacked)
    var next: Int32 = -1
    #expect(
      try file.values()
        == levels.map { level in
          if level == 0 { return .null(.int) }
          next += 1
          return .int(next)
        })
  }

  struct Conversion: Sendable, CustomTestStringConvertible {
    var element: SchemaElement
    var bytes: [UInt8]
    var expected: Scalar
    var testDescription: String { "\(element.type.map { "\($0)" } ?? "") \(element.logical.map { "\($0)" } ?? "")" }
    init(_ type: PhysicalType, _ logical: LogicalType?, length: Int? = nil, _ bytes: [UInt8], _ expected: Scalar) {
      element = SchemaElement(name: "c", type: type, typeLength: length, repetition: .required, logical: logical)
      self.bytes = bytes
      self.expected = expected
    }
  }

  @Test(arguments: [
    Conversion(.int32, .integer(bitWidth: 32, isSigned: false), [0xFF, 0xFF, 0xFF, 0xFF], .long(4_294_967_295)),
    Conversion(.int64, .integer(bitWidth: 64, isSigned: false), Array(repeating: 0xFF, count: 8), .decimal(DecimalValue(18_446_744_073_709_551_615))),
    Conversion(.int32, .date, Naive.bytes([Int32(-1)]), .datetime(-864_000_000_000)),
    Conversion(.int32, .time(unit: .millis, isUTC: true), Naive.bytes([Int32(5)]), .timespan(50_000)),
    Conversion(.int64, .time(unit: .nanos, isUTC: false), Naive.bytes([Int64(1500)]), .timespan(15)),
    Conversion(.int64, .timestamp(unit: .micros, isUTC: false), Naive.bytes([Int64(-3)]), .datetime(-30)),
    Conversion(.int64, .timestamp(unit: .nanos, isUTC: true), Naive.bytes([Int64(-101)]), .datetime(-2)),
    Conversion(.int64, .timestamp(unit: .millis, isUTC: true), Naive.bytes([Int64.max]), .datetime(2_534_023_007_999_999_999)),
    Conversion(.int96, nil, Naive.bytes([Int64(0)]) + Naive.bytes([Int32(1_721_426)]), .datetime(-621_355_968_000_000_000)),
    Conversion(.int32, .decimal(scale: 2, precision: 5), Naive.bytes([Int32(-12345)]), .decimal(DecimalValue(-12345, scale: 2))),
    Conversion(.fixedLenByteArray, .decimal(scale: 3, precision: 10), length: 5, [0xFF, 0xFF, 0xFF, 0xFF, 0xFE], .decimal(DecimalValue(-2, scale: 3))),
    Conversion(.byteArray, .decimal(scale: 0, precision: 38), Naive.bytes([UInt32(3)]) + [1, 0, 0], .decimal(DecimalValue(65536))),
    Conversion(.fixedLenByteArray, .decimal(scale: 0, precision: 40), length: 20, Array(repeating: 0, count: 19) + [9], .decimal(DecimalValue(9))),
    Conversion(.fixedLenByteArray, .uuid, length: 16, Array(0..<16), .guid(GUID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F))),
    Conversion(.fixedLenByteArray, .float16, length: 2, [0x00, 0xC2], .real(-3)),
    Conversion(.fixedLenByteArray, .interval, length: 12, Naive.bytes([UInt32(14), 3, 4005]), .string("P14M3DT4.005S")),
    Conversion(.fixedLenByteArray, nil, length: 3, [0, 1, 255], .string("AAH/")),
    Conversion(.byteArray, nil, Naive.bytes([UInt32(2)]) + Array("hi".utf8), .string("hi")),
    Conversion(.byteArray, nil, Naive.bytes([UInt32(2)]) + [0xFF, 0xFE], .string("//4=")),
    Conversion(.byteArray, .bson, Naive.bytes([UInt32(2)]) + Array("hi".utf8), .string("aGk=")),
    Conversion(.byteArray, .json, Naive.bytes([UInt32(9)]) + Array(#"{"a":[1]}"#.utf8), .dynamic(.bag([DynamicEntry("a", .array([.long(1)]))]))),
    Conversion(.byteArray, .enumeration, Naive.bytes([UInt32(1)]) + Array("E".utf8), .string("E")),
  ])
  func conversions(_ test: Conversion) throws {
    var file = RawFile(test.element)
    file.page(.plain, test.bytes, count: 1)
    #expect(try file.values() == [test.expected])
  }

  @Test func whatDoesNotFitIsRefusedByDefault() throws {
    for test in [
      Conversion(.int64, .timestamp(unit: .nanos, isUTC: true), Naive.bytes([Int64(101)]), .null(.datetime)),
      Conversion(.int64, .timestamp(unit: .millis, isUTC: true), Naive.bytes([Int64.max]), .null(.datetime)),
      Conversion(.fixedLenByteArray, .decimal(scale: 0, precision: 40), length: 20, [1] + Array(repeating: 0, count: 19), .null(.decimal)),
    ] {
      var raw = RawFile(test.element)
      raw.page(.plain, test.bytes, count: 1)
      let lenient = try raw.finished()
      let strict = try ParquetFile(lenient.source)
      let reader = try RowGroupReader(strict, rowGroup: 0, columns: [0], context: DecodeContext())
      #expect { try reader.nextBatch() } throws: { ($0 as? ParquetError)?.kind == .inexact }
    }
  }

  @Test func codesBeyondTheDictionaryAndBadTextAreRefused() throws {
    var codes = RawFile(SchemaElement(name: "c", type: .int32, repetition: .required))
    codes.dictionary(Naive.bytes([Int32(1), 2, 3]), count: 3)
    codes.page(.rleDictionary, [2, 6, 3], count: 3)
    #expect(throws: ParquetError.self) { try codes.values() }
    var text = RawFile(SchemaElement(name: "c", type: .byteArray, repetition: .required, logical: .string))
    text.page(.plain, Naive.bytes([UInt32(1)]) + [0xC0], count: 1)
    #expect(throws: ParquetError.self) { try text.values() }
  }
}
