// Avro container files: values of every type written by hand, damaged and hostile files, files of fastavro with each codec.

import Columnar
import DataSource
import FileConnector
import Glibc
import Testing

private let avro = FileProvider(AvroFormat())

/// Values in Avro's binary form.
private enum Bytes {
  static func long(_ value: Int64) -> [UInt8] {
    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
    var out: [UInt8] = []
    while rest >= 0x80 {
      out.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return out + [UInt8(rest)]
  }

  static func join(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }
  static func counted(_ bytes: [UInt8]) -> [UInt8] { long(Int64(bytes.count)) + bytes }
  static func text(_ text: String) -> [UInt8] { counted(Array(text.utf8)) }

  private static let marker: [UInt8] = Array(0xA0...0xAF)

  static func header(_ schema: String, codec: String? = nil) -> [UInt8] {
    var out: [UInt8] = [0x4F, 0x62, 0x6A, 0x01]
    out += long(codec == nil ? 1 : 2)
    out += text("avro.schema")
    out += text(schema)
    if let codec {
      out += text("avro.codec")
      out += text(codec)
    }
    out.append(0)
    return out + marker
  }

  static func block(_ count: Int64, _ data: [UInt8]) -> [UInt8] { join(long(count), counted(data), marker) }

  /// A file with one record of one field `v`.
  static func file(_ type: String, _ value: [UInt8]) -> [UInt8] { header(#"{"type":"record","name":"Row","fields":[{"name":"v","type":\#(type)}]}"#) + block(1, value) }
}

extension Scratch {
  fileprivate func put(_ name: String, _ bytes: [UInt8]) -> String {
    let path = self(name)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    return path
  }
}

@Suite struct AvroTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var type: String
    var bytes: [UInt8]
    /// Nil: `code` is thrown.
    var value: Scalar?
    var code = KConnectError.Code.formatCorrupt

    init(_ testDescription: String, _ type: String, _ bytes: [UInt8], _ value: Scalar) {
      self.testDescription = testDescription
      self.type = type
      self.bytes = bytes
      self.value = value
    }

    init(_ testDescription: String, _ type: String, _ bytes: [UInt8], fails code: KConnectError.Code = .formatCorrupt) {
      self.testDescription = testDescription
      self.type = type
      self.bytes = bytes
      self.code = code
    }
  }

  private static func logical(_ type: String, _ name: String, _ more: String = "") -> String { #"{"type":"\#(type)","logicalType":"\#(name)"\#(more)}"# }
  private static let point = #"{"type":"record","name":"P","fields":[{"name":"x","type":"double"},{"name":"day","type":{"type":"int","logicalType":"date"}},{"name":"next","type":["null","P"]}]}"#

  static let scalars: [Case] = [
    Case("null", #""null""#, [], .null(.string)), Case("boolean", #""boolean""#, [1], .bool(true)), Case("boolean of two", #""boolean""#, [2]),
    Case("int", #""int""#, [1], .int(-1)), Case("int of 33 bits", #""int""#, Bytes.long(1 << 32)), Case("long", #""long""#, Bytes.long(.min), .long(.min)),
    Case("long of eleven bytes", #""long""#, Bytes.join([UInt8](repeating: 0xFF, count: 10), [1])), Case("a number that breaks off", #""long""#, [0x80]),
    Case("float", #""float""#, [0, 0, 0xC0, 0x3F], .real(1.5)), Case("double", #""double""#, [0, 0, 0, 0, 0, 0, 0x04, 0xC0], .real(-2.5)), Case("half a double", #""double""#, [0, 0, 0, 0]),
    Case("string", #""string""#, Bytes.text("é"), .string("é")), Case("string that is not UTF-8", #""string""#, [2, 0xFF], .string("\u{FFFD}")), Case("string of negative length", #""string""#, [1]),
    Case("string of any length", #""string""#, Bytes.long(.max)), Case("bytes of text", #""bytes""#, Bytes.text("ab"), .string("ab")), Case("bytes", #""bytes""#, [2, 0xFF], .string("/w==")),
    Case("fixed", #"{"type":"fixed","name":"F","size":2}"#, [0x61, 0x62], .string("ab")), Case("enum", #"{"type":"enum","name":"E","symbols":["A","B"]}"#, [2], .string("B")),
    Case("no symbol", #"{"type":"enum","name":"E","symbols":["A","B"]}"#, [4]), Case("a type with a word of its own", #"{"type":"int","doc":"x"}"#, [2], .int(1)),
  ]

  static let times: [Case] = [
    Case("date", logical("int", "date"), Bytes.long(19_000), .datetime(19_000 * 864_000_000_000)), Case("date of no calendar", logical("int", "date"), Bytes.long(2_147_483_647), fails: .valueInvalid),
    Case("time in milliseconds", logical("int", "time-millis"), Bytes.long(1), .timespan(10_000)), Case("time in microseconds", logical("long", "time-micros"), Bytes.long(1), .timespan(10)),
    Case("timestamp in milliseconds", logical("long", "timestamp-millis"), Bytes.long(-1), .datetime(-10_000)), Case("timestamp in microseconds", logical("long", "timestamp-micros"), Bytes.long(1), .datetime(10)),
    Case("timestamp in nanoseconds", logical("long", "timestamp-nanos"), Bytes.long(200), .datetime(2)), Case("between two ticks", logical("long", "timestamp-nanos"), Bytes.long(150), fails: .valueInvalid),
    Case("local timestamp", logical("long", "local-timestamp-micros"), Bytes.long(1), .datetime(10)), Case("the last timestamp", logical("long", "timestamp-millis"), Bytes.long(.max), fails: .valueInvalid),
    Case("a logical type on another type", logical("long", "date"), Bytes.long(7), .long(7)), Case("an unknown logical type", logical("string", "mood"), Bytes.text("x"), .string("x")),
    Case("decimal", logical("bytes", "decimal", #","precision":10,"scale":2"#), [4, 0x04, 0xD2], .decimal(DecimalValue(1_234, scale: 2))),
    Case("a negative decimal", logical("bytes", "decimal", #","precision":10,"scale":2"#), [2, 0xFF], .decimal(DecimalValue(-1, scale: 2))), Case("a decimal without bytes", logical("bytes", "decimal", #","precision":10"#), [0], .decimal(DecimalValue(0))),
    Case("a decimal with zeros in front", logical("bytes", "decimal", #","precision":30"#), Bytes.counted(Bytes.join([UInt8](repeating: 0, count: 20), [5])), .decimal(DecimalValue(5))),
    Case("a decimal that is too wide", logical("bytes", "decimal", #","precision":60"#), Bytes.counted([UInt8](repeating: 0x7F, count: 17)), fails: .valueInvalid),
    Case("a decimal of 39 digits", logical("bytes", "decimal", #","precision":39"#), Bytes.counted(Bytes.join([0x7F], [UInt8](repeating: 0xFF, count: 15))), fails: .valueInvalid),
    Case("a fixed decimal", #"{"type":"fixed","name":"D","size":3,"logicalType":"decimal","precision":5,"scale":1}"#, [0xFF, 0xFF, 0xF6], .decimal(DecimalValue(-10, scale: 1))),
    Case("a decimal without precision", logical("bytes", "decimal"), Bytes.text("ab"), .string("ab")),
    Case("uuid", logical("string", "uuid"), Bytes.text("74be27de-1e4e-49d9-b579-fe0b331d3642"), .guid(GUID(high: 0x74BE_27DE_1E4E_49D9, low: 0xB579_FE0B_331D_3642))),
    Case("no uuid", logical("string", "uuid"), Bytes.text("74be"), fails: .valueInvalid),
    Case("a fixed uuid", #"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#, Array(0...15), .guid(GUID(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F))),
  ]

  static let nested: [Case] = [
    Case("null of a union", #"["null","long"]"#, [0], .null(.long)), Case("value of a union", #"["long","null"]"#, Bytes.join([0], Bytes.long(9)), .long(9)), Case("no branch", #"["null","long"]"#, [4]),
    Case("ints and longs", #"["int","long"]"#, Bytes.join([0], Bytes.long(9)), .long(9)), Case("a mixed union", #"["string","long"]"#, Bytes.join([0], Bytes.text("x")), .dynamic(.string("x"))),
    Case("null of a mixed union", #"["string","long","null"]"#, [4], .null(.dynamic)), Case("a negative branch", #"["null","long"]"#, [1]),
    Case("array", #"{"type":"array","items":"long"}"#, [4, 2, 4, 2, 6, 0], .dynamic(.array([.long(1), .long(2), .long(3)]))),
    Case("array with its size", #"{"type":"array","items":"long"}"#, [3, 4, 2, 4, 0], .dynamic(.array([.long(1), .long(2)]))),
    Case("array of more items than a record has", #"{"type":"array","items":"boolean"}"#, Bytes.join(Bytes.long(5 << 20), [UInt8](repeating: 1, count: 5 << 20), [0]), fails: .notSupported),
    Case("array without an end", #"{"type":"array","items":"long"}"#, Bytes.long(1 << 40)), Case("array of very many nulls", #"{"type":"array","items":"null"}"#, Bytes.join(Bytes.long(1 << 40), [0])),
    Case("array of the least length", #"{"type":"array","items":"long"}"#, Bytes.join(Bytes.long(.min), [0, 0])),
    Case("map, of equal keys the last", #"{"type":"map","values":"int"}"#, Bytes.join([4], Bytes.text("a"), [2], Bytes.text("b"), [4], [2], Bytes.text("a"), [6, 0]),
      .dynamic(.bag([DynamicEntry("a", .long(3)), DynamicEntry("b", .long(2))]))),
    Case("a record that has its own type", point, [0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0],
      .dynamic(.bag([
        DynamicEntry("x", .real(0)), DynamicEntry("day", .datetime(864_000_000_000)),
        DynamicEntry("next", .bag([DynamicEntry("x", .real(1)), DynamicEntry("day", .datetime(0)), DynamicEntry("next", .null)])),
      ]))),
    Case("a record inside itself for ever", #"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#, [], fails: .notSupported),
    Case("nesting without an end", point, [UInt8](repeating: 2, count: 5_000), fails: .notSupported),
    Case("a union in a union", #"["null",["int"]]"#, [0]), Case("a type that is not declared", #""Nope""#, [0]), Case("an empty union", "[]", [0]), Case("no type", "7", [0]),
    Case("a fixed type of negative size", #"{"type":"fixed","name":"F","size":-1}"#, []),
  ]

  @Test(arguments: scalars + times + nested) func values(_ c: Case) throws {
    let s = Scratch()
    let path = s.put("x.avro", Bytes.file(c.type, c.bytes))
    guard let value = c.value else {
      let error = thrown { _ = try readRows(try openTable(avro, [path])) }
      #expect(error?.code == c.code && error?.message.contains("x.avro") == true, "\(String(describing: error))")
      return
    }
    let table = try openTable(avro, [path])
    #expect(table.schema.fields.map(\.type) == [value.type])
    #expect(try readRows(table) == [[value]])
    #expect(try readBatches(table, columns: []).reduce(0) { $0 + $1.rowCount } == 1)
  }

  /// Fields that nobody asked for are passed over, whatever their type.
  @Test(arguments: (scalars + times + nested).filter { $0.value != nil }) func fieldsPassedOver(_ c: Case) throws {
    let s = Scratch()
    let schema = #"{"type":"record","name":"Row","fields":[{"name":"first","type":"int"},{"name":"v","type":\#(c.type)},{"name":"last","type":"string"}]}"#
    let record = Bytes.join([2], c.bytes, Bytes.text("end"))
    let path = s.put("x.avro", Bytes.join(Bytes.header(schema), Bytes.block(2, Bytes.join(record, record)), Bytes.block(0, []), Bytes.block(1, record)))
    let batches = try readBatches(try openTable(avro, [path]), columns: ["last", "first"])
    #expect(batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0) } } == [[Scalar]](repeating: [.string("end"), .int(1)], count: 3))
  }

  struct Damage: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var code = KConnectError.Code.formatCorrupt
  }

  private static let schema = #"{"type":"record","name":"Row","fields":[{"name":"v","type":"long"}]}"#

  private static let deep = String(repeating: #"{"type":"array","items":"#, count: 500) + "1" + String(repeating: "}", count: 500)

  static let damages: [Damage] = [
    Damage(testDescription: "another format", bytes: Array("PAR1 and more".utf8)), Damage(testDescription: "three bytes", bytes: [0x4F, 0x62, 0x6A]),
    Damage(testDescription: "half a header", bytes: Array(Bytes.header(schema).prefix(30))), Damage(testDescription: "no schema", bytes: Bytes.join([0x4F, 0x62, 0x6A, 0x01, 0], [UInt8](repeating: 0, count: 16))),
    Damage(testDescription: "a header of very many entries", bytes: Bytes.join([0x4F, 0x62, 0x6A, 0x01], Bytes.long(1 << 50))), Damage(testDescription: "a key of any length", bytes: Bytes.join([0x4F, 0x62, 0x6A, 0x01, 2], Bytes.long(1 << 50))),
    Damage(testDescription: "a schema that is no JSON", bytes: Bytes.header("{\"type\"")), Damage(testDescription: "a root that is no record", bytes: Bytes.header("\"string\""), code: .notSupported),
    Damage(testDescription: "a schema of deep nesting", bytes: Bytes.header(deep)),
    Damage(testDescription: "a codec that is not read", bytes: Bytes.header(schema, codec: "xz"), code: .notSupported), Damage(testDescription: "a codec that is none", bytes: Bytes.header(schema, codec: "zip"), code: .notSupported),
    Damage(testDescription: "two fields of one name", bytes: Bytes.header(#"{"type":"record","name":"R","fields":[{"name":"v","type":"long"},{"name":"v","type":"int"}]}"#)),
    Damage(testDescription: "a name declared twice", bytes: Bytes.header(#"{"type":"record","name":"R","fields":[{"name":"v","type":{"type":"fixed","name":"R","size":1}}]}"#)),
    Damage(testDescription: "a record too few", bytes: Bytes.join(Bytes.header(schema), Bytes.block(2, [2]))), Damage(testDescription: "a record too many", bytes: Bytes.join(Bytes.header(schema), Bytes.block(1, [2, 4]))),
    Damage(testDescription: "a negative count", bytes: Bytes.join(Bytes.header(schema), Bytes.block(-1, [2]))), Damage(testDescription: "very many records without bytes", bytes: Bytes.join(Bytes.header(#"{"type":"record","name":"R","fields":[{"name":"v","type":"null"}]}"#), Bytes.block(1 << 40, []))),
    Damage(testDescription: "a block of any length", bytes: Bytes.join(Bytes.header(schema), Bytes.long(1), Bytes.long(1 << 60))), Damage(testDescription: "a block longer than the file", bytes: Bytes.join(Bytes.header(schema), Bytes.long(1), Bytes.long(100 << 20))),
    Damage(testDescription: "very many records within a record", bytes: Bytes.file(tower(60), []), code: .notSupported),
    Damage(testDescription: "records with long names", bytes: Bytes.file(#"{"type":"array","items":{"type":"record","name":"N","fields":[{"name":"\#(String(repeating: "n", count: 100_000))","type":"null"}]}}"#, Bytes.join([UInt8](Array(repeating: Bytes.long(100), count: 100).joined()), [0])), code: .notSupported),
    Damage(testDescription: "another marker", bytes: Bytes.join(Bytes.header(schema), Bytes.long(1), Bytes.counted([2]), [UInt8](repeating: 1, count: 16))),
    Damage(testDescription: "half a marker", bytes: Array(Bytes.join(Bytes.header(schema), Bytes.block(1, [2])).dropLast(8))), Damage(testDescription: "no deflate", bytes: Bytes.join(Bytes.header(schema, codec: "deflate"), Bytes.block(1, [0xFF, 0xFF]))),
    Damage(testDescription: "no snappy", bytes: Bytes.join(Bytes.header(schema, codec: "snappy"), Bytes.block(1, [1, 2]))), Damage(testDescription: "snappy of any length", bytes: Bytes.join(Bytes.header(schema, codec: "snappy"), Bytes.block(1, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0, 0]))),
    Damage(testDescription: "snappy with another checksum", bytes: Bytes.join(Bytes.header(schema, codec: "snappy"), Bytes.block(1, [1, 0, 2, 0, 0, 0, 0]))), Damage(testDescription: "no zstandard", bytes: Bytes.join(Bytes.header(schema, codec: "zstandard"), Bytes.block(1, [1, 2, 3, 4, 5]))),
  ]

  /// A record of two records of two records and so on, of which none has a byte.
  private static func tower(_ height: Int) -> String {
    var type = #"{"type":"record","name":"R0","fields":[]}"#
    for i in 1...height { type = #"{"type":"record","name":"R\#(i)","fields":[{"name":"a","type":\#(type)},{"name":"b","type":"R\#(i - 1)"}]}"# }
    return type
  }

  /// Nor may passing over it take for ever.
  @Test func manyRecordsPassedOver() throws {
    let s = Scratch()
    let schema = #"{"type":"record","name":"Row","fields":[{"name":"v","type":\#(Self.tower(60))},{"name":"last","type":"int"}]}"#
    let path = s.put("x.avro", Bytes.join(Bytes.header(schema), Bytes.block(1, [2])))
    let error = thrown { _ = try readBatches(try openTable(avro, [path]), columns: ["last"]) }
    #expect(error?.code == .notSupported)
  }

  @Test(arguments: damages) func damagedFiles(_ damage: Damage) throws {
    let s = Scratch()
    let path = s.put("x.avro", damage.bytes)
    let error = thrown { _ = try readRows(try openTable(avro, [path])) }
    #expect(error?.code == damage.code && error?.message.contains("x.avro") == true, "\(String(describing: error))")
  }

  /// Whatever bytes are changed, cut or put in: rows, or an error with the file's name.
  @Test func mutations() throws {
    let s = Scratch()
    var random = SystemLike(state: 17)
    let type = #"{"type":"record","name":"In","fields":[{"name":"a","type":["null","string","long"]},{"name":"b","type":{"type":"map","values":{"type":"array","items":"bytes"}}},{"name":"c","type":["null","In"]}]}"#
    let inner = Bytes.join([2], Bytes.text("text"), [2], Bytes.text("k"), [4, 2, 0xFF, 2, 0x61, 0, 0])
    let record = Bytes.join(inner, [2], inner, [0])
    let whole = Bytes.join(Bytes.file(type, record), Bytes.block(3, Bytes.join(record, record, record)))
    _ = try readRows(try openTable(avro, [s.put("whole.avro", whole)]))
    for round in 0..<3_000 {
      var bytes = whole
      for _ in 0..<1 + random.next() % 3 {
        guard !bytes.isEmpty else { break }
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[at] ^= 1 << UInt8(random.next() % 8)
        case 2: bytes.remove(at: at)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
        }
      }
      if round % 10 == 0 { bytes.removeLast(min(bytes.count, Int(random.next() % 40))) }
      if bytes.isEmpty { continue }
      let path = s.put("x.avro", bytes)
      do { _ = try readRows(try openTable(avro, [path])) } catch let error as KConnectError {
        #expect(error.message.contains("x.avro"), "round \(round): \(error)")
      }
    }
  }

  /// Many small blocks come together in batches, with several files behind each other.
  @Test func batches() throws {
    let s = Scratch()
    let blocks = (0..<5_000).flatMap { Bytes.block(2, Bytes.long(Int64($0)) + Bytes.long(-1)) }
    let paths = ["a", "b"].map { s.put("\($0).avro", Bytes.header(Self.schema) + blocks) }
    let batches = try readBatches(try openTable(avro, paths))
    #expect(batches.count <= 2 + 20_000 / RecordBatch.maxRows)
    #expect(batches.flatMap { batch in (0..<batch.rowCount).map { batch.row($0)[0] } }.prefix(4) == [.long(0), .long(-1), .long(1), .long(-1)])
    #expect(batches.reduce(0) { $0 + $1.rowCount } == 20_000)
  }

  static let python = getenv("KCONNECT_PYTHON").map { String(cString: $0) }

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON is not set: no fastavro to write files")) func filesOfFastavro() throws {
    let s = Scratch()
    let here: String = #filePath
    let script = here.replacing("AvroTests.swift", with: "avro_files.py")
    let status = system("'\(Self.python ?? "")' '\(script)' '\(s.path)'")
    if status >> 8 == 77 { return print("skipped: no fastavro") }
    try #require(status == 0)
    let columns = try StructType(ddl: try SmallFile.readText(s("columns.txt")) ?? "")
    let wanted = try readRows(try openTable(FileProvider(JSONFormat()), [s("rows.json")], schema: columns))
    #expect(wanted.count == 3_000)
    try #require(system("gzip -k '\(s("null.avro"))'") == 0)
    for name in ["null.avro", "null.avro.gz", "deflate.avro", "deflate-bare.avro", "snappy.avro", "zstandard.avro"] {
      let table = try openTable(avro, [s(name)])
      #expect(table.schema.names == columns.names && table.schema.fields.map(\.type) == columns.fields.map(\.type), "\(name): \(table.schema)")
      let rows = try readRows(table)
      #expect(rows.count == wanted.count, "\(name)")
      if let wrong = zip(rows, wanted).first(where: { $0 != $1 }) { Issue.record("\(name): found \(wrong.0), expected \(wrong.1)") }
    }
    #expect(try readRows(try openTable(avro, [s("none.avro")])).isEmpty)
    #expect(thrown { _ = try openTable(avro, [s("bzip2.avro")]) }?.code == .notSupported)
  }
}

/// A generator with a fixed seed.
private struct SystemLike {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}
