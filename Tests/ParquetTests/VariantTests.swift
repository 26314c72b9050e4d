// VARIANT columns: the encoding byte by byte, shredded columns, what is refused, changed bytes, and Apache's conformance files.
import Columnar
import Glibc
import Parquet
import Testing

private let none = Handmade.dictionary([])
private let abc = Handmade.dictionary(["a", "b", "c"])

/// The values of the first column as canonical texts.
private func values(_ bytes: [UInt8], _ options: ParquetReadOptions = ParquetReadOptions()) throws -> [String] {
  let file = try ParquetFile(MemorySource(bytes), options: options)
  return try lines(of: file).dropFirst().map { String($0.dropFirst().dropLast()) }
}

private func failure(_ bytes: [UInt8], _ options: ParquetReadOptions = ParquetReadOptions()) -> ParquetError? {
  do {
    let all = try values(bytes, options)
    Issue.record("read \(all)")
  } catch { return error as? ParquetError }
  return nil
}

/// A canonical text with the fields of its objects in order.
private func sortedFields(_ text: String) throws -> DynamicValue {
  func sorted(_ value: DynamicValue) -> DynamicValue {
    switch value {
    case .array(let items): .array(items.map(sorted))
    case .bag(let entries): .bag(entries.map { DynamicEntry($0.key, sorted($0.value)) }.sorted { $0.key < $1.key })
    default: value
    }
  }
  return sorted(try DynamicValue(parsing: text))
}

@Suite struct VariantTests {
  struct Value: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var metadata = none
    let bytes: [UInt8]
    let canonical: String

    init(_ name: String, _ bytes: [UInt8], _ canonical: String, metadata: [UInt8] = none) {
      testDescription = name
      self.bytes = bytes
      self.canonical = canonical
      self.metadata = metadata
    }
  }

  static let table: [Value] = {
    func p(_ type: UInt8, _ data: [UInt8] = []) -> [UInt8] { Handmade.primitive(type, data) }
    func le(_ value: Int64, _ size: Int) -> [UInt8] { Handmade.little(value, size) }
    let long = String(repeating: "é", count: 200)
    let day: Int64 = 864_000_000_000
    return [
      Value("null", p(0), "null"), Value("true", p(1), "true"), Value("false", p(2), "false"),
      Value("int8", p(3, [0xFE]), "\"i-2\""), Value("int16", p(4, le(-300, 2)), "\"i-300\""), Value("int32", p(5, le(1 << 20, 4)), "\"i1048576\""),
      Value("int64", p(6, le(.min, 8)), "\"i-9223372036854775808\""),
      Value("double", p(7, le(Int64(bitPattern: (-0.0).bitPattern), 8)), "\"r8000000000000000\""),
      Value("decimal4", p(8, [2] + le(-1234, 4)), "\"m-1234e-2\""), Value("decimal8", p(9, [18] + le(123_456_789_012, 8)), "\"m123456789012e-18\""),
      Value("decimal16", p(10, [0] + [UInt8](repeating: 0xFF, count: 16)), "\"m-1e0\""),
      Value("decimal of 38 digits behind the point", p(10, [38] + le(7, 16)), "\"m7e-38\""),
      Value("date", p(11, le(-1, 4)), "\"t\(-day)\""), Value("timestamp", p(12, le(-1, 8)), "\"t-10\""), Value("timestamp, local", p(13, le(1_500_000, 8)), "\"t15000000\""),
      Value("float", p(14, le(Int64(Float(0.5).bitPattern), 4)), "\"r3fe0000000000000\""), Value("binary", p(15, le(3, 4) + [1, 2, 255]), "\"sAQL/\""),
      Value("binary that is text", p(15, le(2, 4) + Array("ab".utf8)), "\"sYWI=\""),
      Value("string", p(16, le(Int64(long.utf8.count), 4) + Array(long.utf8)), "\"s\(long)\""), Value("empty string", p(16, le(0, 4)), "\"s\""),
      Value("short string", Handmade.text("héllo"), "\"shéllo\""), Value("empty short string", [1], "\"s\""),
      Value("time", p(17, le(61_000_001, 8)), "\"d610000010\""), Value("timestamp in ns", p(18, le(-100, 8)), "\"t-1\""),
      Value("timestamp in ns, local", p(19, le(1_700_000_000_000_000_100, 8)), "\"t17000000000000001\""),
      Value(
        "uuid", p(20, [0xF2, 0x4F, 0x9B, 0x64, 0x81, 0xFA, 0x49, 0xD1, 0xB7, 0x4E, 0x8C, 0x09, 0xA6, 0xE3, 0x1C, 0x56]),
        "\"gf24f9b64-81fa-49d1-b74e-8c09a6e31c56\""),
      Value("empty array", Handmade.array([]), "[]"), Value("empty object", Handmade.object([]), "{}"),
      Value("array", Handmade.array([p(0), Handmade.text("x"), Handmade.array([p(1)])]), "[null,\"sx\",[true]]"),
      Value("large array of wide offsets", Handmade.array([p(3, [1]), p(3, [2])], offsetSize: 4, isLarge: true), "[\"i1\",\"i2\"]"),
      Value("object", Handmade.object([(0, p(3, [1])), (1, Handmade.object([(2, p(2))]))]), "{\"a\":\"i1\",\"b\":{\"c\":false}}", metadata: abc),
      Value(
        "large object of wide numbers", Handmade.object([(0, p(1)), (2, p(2))], idSize: 3, offsetSize: 2, isLarge: true), "{\"a\":true,\"c\":false}",
        metadata: Handmade.dictionary(["a", "b", "c"], offsetSize: 4)),
      // The values stand in another order than the fields: a is behind b.
      Value("values in any order", [2, 2, 0, 1, 2, 0, 4] + p(3, [2]) + p(3, [1]), "{\"a\":\"i1\",\"b\":\"i2\"}", metadata: abc),
      Value("keys of other scripts", Handmade.object([(0, p(0))]), "{\"ключ😀\":null}", metadata: Handmade.dictionary(["ключ😀"], offsetSize: 2)),
      // Writers that sort by UTF-16 put these the other way round.
      Value("fields out of order", Handmade.object([(1, p(1)), (0, p(2))]), "{\"b\":true,\"a\":false}", metadata: abc),
      Value("reserved bits", [0xE3, 0, 0], "[]"),
    ]
  }()

  @Test(arguments: table) func encoding(_ value: Value) throws {
    // Also behind other rows, and under another dictionary of the same file.
    let rows: [(metadata: [UInt8], value: [UInt8])?] = [nil, (none, [0]), (value.metadata, value.bytes), (value.metadata, value.bytes), nil]
    #expect(try values(Handmade.variants(rows)) == ["null", "null", value.canonical, value.canonical, "null"])
  }

  struct Bad: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var metadata = abc
    let bytes: [UInt8]
    let words: String
    var kind = ParquetError.Kind.corrupt

    init(_ name: String, _ bytes: [UInt8], _ words: String, metadata: [UInt8] = abc, kind: ParquetError.Kind = .corrupt) {
      testDescription = name
      self.bytes = bytes
      self.words = words
      self.metadata = metadata
      self.kind = kind
    }
  }

  @Test(arguments: [
    Bad("no bytes", [], "no bytes"),
    Bad("cut number", [6 << 2, 1, 2], "ends within a number"),
    Bad("cut date", [11 << 2, 1], "ends within a number"),
    Bad("cut short string", [5 << 2 | 1, 65], "5 bytes where 1 are left"),
    Bad("cut string", [16 << 2, 9, 0, 0, 0, 65], "9 bytes where 1 are left"),
    Bad("string of 4 GiB", [16 << 2, 255, 255, 255, 255, 65], "4294967295 bytes where 1 are left"),
    Bad("string that is no UTF-8", [2 << 2 | 1, 0xC3, 0x28], "not valid UTF-8"),
    Bad("bytes behind the value", [0, 0], "1 bytes follow the value"),
    Bad("decimal of scale 39", [8 << 2, 39, 0, 0, 0, 0], "scale 39"),
    Bad("unknown primitive", [21 << 2], "primitive type 21", kind: .notSupported),
    Bad("year 20000", Handmade.primitive(12, Handmade.little(Int64(568_000_000_000_000_000), 8)), "outside the years 1 to 9999", kind: .inexact),
    Bad("nanoseconds", Handmade.primitive(18, Handmade.little(Int64(1), 8)), "not a whole number of 100 ns ticks", kind: .inexact),
    Bad("array of 2^32 elements", [7 << 2 | 3, 255, 255, 255, 255], "4294967295 children"),
    Bad("array without offsets", [3, 3, 0], "3 children"),
    Bad("array whose values end outside", [3, 1, 0, 9, 0], "children of 9 bytes"),
    Bad("offset behind the values", [3, 1, 5, 1, 0], "a child at byte"),
    Bad("elements that share bytes", [3, 2, 0, 0, 2, 3 << 2, 7], "without bytes"),
    Bad("key beyond the dictionary", Handmade.object([(3, [0])]), "key 3 of a dictionary of 3"),
    Bad("one field twice", Handmade.object([(0, [0]), (0, [0])]), "'a' comes twice"),
    Bad("one name twice", Handmade.object([(0, [0]), (1, [0])]), "'x' comes twice", metadata: Handmade.dictionary(["x", "x"])),
    Bad("too deep", (0..<600).reduce([UInt8(0)]) { inner, _ in Handmade.array([inner], offsetSize: 4) }, "nested deeper"),
    Bad("no metadata", [0], "is empty", metadata: []),
    Bad("metadata of version 2", [0], "version 2", metadata: [2, 0, 0], kind: .notSupported),
    Bad("cut metadata", [0], "ends within its size", metadata: [0x81, 1]),
    Bad("more keys than bytes", [0], "claims 200 keys", metadata: [1, 200, 0]),
    Bad("keys that go back", [0], "key 2 at byte 1", metadata: [1, 2, 0, 2, 1, 65, 65]),
    Bad("keys behind the bytes", [0], "key 1 at byte 9", metadata: [1, 1, 0, 9, 65]),
    Bad("bytes behind the keys", [0], "1 bytes behind its keys", metadata: [1, 1, 0, 1, 65, 65]),
    Bad("a key that is no UTF-8", [0], "not valid UTF-8", metadata: [1, 1, 0, 1, 0xFF]),
  ]) func malformed(_ bad: Bad) {
    let error = failure(Handmade.variants([(none, [0]), nil, (bad.metadata, bad.bytes)]))
    #expect(error?.kind == bad.kind && error?.message.contains(bad.words) == true, "\(error?.description ?? "no error")")
    #expect(error?.row == 3 && error?.column == "v" && error?.file != nil, "\(error?.description ?? "no error")")
  }

  @Test func truncationIsAChoice() throws {
    let ns = Handmade.primitive(18, Handmade.little(Int64(-1), 8))
    #expect(try values(Handmade.variants([(none, ns)]), TestFiles.lenient) == ["\"t-1\""])
  }

  // MARK: Shredding

  /// `v` with `typed` behind metadata and value, one entry each per row; levels are relative to the group, which is level 1.
  private static func shredded(_ typed: [SchemaElement], rows: Int, metadata: [UInt8] = abc, value: [(Int, [UInt8]?)], _ leaves: [HandmadeLeaf]) -> [UInt8] {
    let present = value.map { $0.0 > 0 ? (1, Handmade.bytes(metadata)) : (0, nil) } as [(Int, [UInt8]?)]
    return Handmade.file(
      [Handmade.group("v", 3, .optional, .variant(version: 1)), Handmade.leaf("metadata", .byteArray, .required), Handmade.leaf("value", .byteArray)] + typed,
      rows: rows,
      [
        HandmadeLeaf("v.metadata", .byteArray, maxDefinition: 1, present),
        HandmadeLeaf("v.value", .byteArray, maxDefinition: 2, value.map { ($0.0, $0.1.map(Handmade.bytes)) }),
      ] + leaves)
  }

  @Test func primitives() throws {
    let bytes = Self.shredded(
      [Handmade.leaf("typed_value", .int64, .optional, .timestamp(unit: .micros, isUTC: true))], rows: 4,
      value: [(1, nil), (2, Handmade.text("n/a")), (1, nil), (0, nil)],
      [HandmadeLeaf("v.typed_value", .int64, maxDefinition: 2, [(2, Handmade.little(Int64(5), 8)), (1, nil), (1, nil), (0, nil)])])
    #expect(try values(bytes) == ["\"t50\"", "\"sn/a\"", "null", "null"])
  }

  @Test func bothValuesAreRefused() {
    let bytes = Self.shredded(
      [Handmade.leaf("typed_value", .int32)], rows: 2, value: [(1, nil), (2, [0])],
      [HandmadeLeaf("v.typed_value", .int32, maxDefinition: 2, [(2, Handmade.little(1, 4)), (2, Handmade.little(1, 4))])])
    let error = failure(bytes)
    #expect(error?.kind == .corrupt && error?.row == 2 && error?.message.contains("beside a typed_value") == true, "\(error?.description ?? "")")
  }

  /// An object with the fields b (long) and a (without a typed column), in that order, shredded.
  static let objectSchema = [
    Handmade.group("typed_value", 2), Handmade.group("b", 2, .required), Handmade.leaf("value", .byteArray), Handmade.leaf("typed_value", .int64),
    Handmade.group("a", 1, .required), Handmade.leaf("value", .byteArray),
  ]

  static let objectFile: [UInt8] = {
    let typed = objectSchema
    func five(_ n: Int64) -> [UInt8] { Handmade.little(n, 8) }
    let c = Handmade.object([(2, Handmade.primitive(1))])
    let all = Handmade.object([(0, Handmade.primitive(1)), (1, Handmade.primitive(1)), (2, Handmade.primitive(2))])
    // Rows: both fields; b of another type, a missing; nothing shredded but c beside; no object; null group; conflicting fields in the value.
    return shredded(
      typed, rows: 6, value: [(1, nil), (1, nil), (2, c), (2, Handmade.text("no object")), (0, nil), (2, all)],
      [
        HandmadeLeaf("v.typed_value.b.value", .byteArray, maxDefinition: 3, [(2, nil), (3, Handmade.bytes(Handmade.text("x"))), (2, nil), (1, nil), (0, nil), (2, nil)]),
        HandmadeLeaf("v.typed_value.b.typed_value", .int64, maxDefinition: 3, [(3, five(7)), (2, nil), (2, nil), (1, nil), (0, nil), (3, five(9))]),
        HandmadeLeaf("v.typed_value.a.value", .byteArray, maxDefinition: 3, [(3, Handmade.bytes([0])), (2, nil), (2, nil), (1, nil), (0, nil), (2, nil)]),
      ])
  }()

  @Test func objects() throws {
    let bytes = Self.objectFile, typed = Self.objectSchema
    #expect(
      try values(bytes) == [
        "{\"a\":null,\"b\":\"i7\"}", "{\"b\":\"sx\"}", "{\"c\":true}", "\"sno object\"", "null", "{\"b\":\"i9\",\"c\":false}",
      ])
    let wrong = Self.shredded(
      typed, rows: 1, value: [(2, [0])],
      [
        HandmadeLeaf("v.typed_value.b.value", .byteArray, maxDefinition: 3, [(2, nil)]),
        HandmadeLeaf("v.typed_value.b.typed_value", .int64, maxDefinition: 3, [(2, nil)]),
        HandmadeLeaf("v.typed_value.a.value", .byteArray, maxDefinition: 3, [(2, nil)]),
      ])
    #expect(failure(wrong)?.message.contains("no object") == true)
  }

  static let arrayFile: [UInt8] = {
    let typed = [
      Handmade.group("typed_value", 1, .optional, .list), Handmade.group("list", 1, .repeated), Handmade.group("element", 2, .required),
      Handmade.leaf("value", .byteArray), Handmade.leaf("typed_value", .byteArray, .optional, .string),
    ]
    func s(_ text: String) -> [UInt8] { Handmade.bytes(Array(text.utf8)) }
    // Rows: two texts and a number; empty; no array; an element that is nothing, which is null.
    return shredded(
      typed, rows: 4, value: [(1, nil), (1, nil), (2, Handmade.primitive(2)), (1, nil)],
      [
        HandmadeLeaf(
          "v.typed_value.list.element.value", .byteArray, maxDefinition: 4,
          repeated: [(0, 3, nil), (1, 3, nil), (1, 4, Handmade.bytes(Handmade.primitive(3, [4]))), (0, 2, nil), (0, 1, nil), (0, 3, nil)]),
        HandmadeLeaf(
          "v.typed_value.list.element.typed_value", .byteArray, maxDefinition: 4,
          repeated: [(0, 4, s("x")), (1, 4, s("y")), (1, 3, nil), (0, 2, nil), (0, 1, nil), (0, 3, nil)]),
      ])
  }()

  @Test func arrays() throws {
    let bytes = Self.arrayFile
    #expect(try values(bytes) == ["[\"sx\",\"sy\",\"i4\"]", "[]", "false", "[null]"])
  }

  /// VARIANT in a list in a struct: the places of values are told by levels of other columns.
  @Test func variantsWithinColumns() throws {
    let elements = [
      Handmade.group("s", 2), Handmade.leaf("n", .int32), Handmade.group("l", 1, .optional, .list), Handmade.group("list", 1, .repeated),
      Handmade.group("element", 2, .optional, .variant(version: 1)), Handmade.leaf("metadata", .byteArray, .required), Handmade.leaf("value", .byteArray, .required),
    ]
    let one = Handmade.bytes(Handmade.object([(0, Handmade.primitive(3, [1]))])), dictionary = Handmade.bytes(abc)
    let bytes = Handmade.file(
      elements, rows: 3,
      [
        HandmadeLeaf("s.n", .int32, maxDefinition: 2, [(2, Handmade.little(7, 4)), (0, nil), (1, nil)]),
        HandmadeLeaf("s.l.list.element.metadata", .byteArray, maxDefinition: 4, repeated: [(0, 4, dictionary), (1, 3, nil), (0, 0, nil), (0, 2, nil)]),
        HandmadeLeaf("s.l.list.element.value", .byteArray, maxDefinition: 4, repeated: [(0, 4, one), (1, 3, nil), (0, 0, nil), (0, 2, nil)]),
      ])
    #expect(try values(bytes) == ["{\"n\":\"i7\",\"l\":[{\"a\":\"i1\"},null]}", "null", "{\"n\":null,\"l\":[]}"])
  }

  struct Shape: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let members: [SchemaElement]
    let words: String
    var version = 1
  }

  /// Schemas that are no VARIANT: the column is refused with a reason, the others of the file are read.
  @Test(arguments: [
    Shape(testDescription: "no metadata", members: [Handmade.leaf("value", .byteArray)], words: "without a metadata column"),
    Shape(testDescription: "no value", members: [Handmade.leaf("metadata", .byteArray)], words: "neither value nor typed_value"),
    Shape(testDescription: "value of another type", members: [Handmade.leaf("metadata", .byteArray), Handmade.leaf("value", .int32)], words: "expected a BYTE_ARRAY"),
    Shape(
      testDescription: "a further member", members: [Handmade.leaf("metadata", .byteArray), Handmade.leaf("value", .byteArray), Handmade.leaf("x", .int32)],
      words: "unexpected member 'x'"),
    Shape(
      testDescription: "unsigned", members: [Handmade.leaf("metadata", .byteArray), Handmade.leaf("typed_value", .int32, .optional, .integer(bitWidth: 32, isSigned: false))],
      words: "shredded as INT32 UINT32"),
    Shape(
      testDescription: "milliseconds", members: [Handmade.leaf("metadata", .byteArray), Handmade.leaf("typed_value", .int64, .optional, .timestamp(unit: .millis, isUTC: true))],
      words: "shredded as INT64 TIMESTAMP"),
    Shape(
      testDescription: "fixed bytes", members: [Handmade.leaf("metadata", .byteArray), Handmade.leaf("typed_value", .fixedLenByteArray, .optional, length: 4)],
      words: "shredded as FIXED_LEN_BYTE_ARRAY"),
    Shape(
      testDescription: "version 2", members: [Handmade.leaf("metadata", .byteArray), Handmade.leaf("value", .byteArray)], words: "VARIANT of version 2", version: 2),
  ]) func otherSchemas(_ shape: Shape) throws {
    let leaves = shape.members.map { HandmadeLeaf("v.\($0.name)", $0.type ?? .int32, maxDefinition: 2, [(0, nil)]) }
    let bytes = Handmade.file(
      [Handmade.group("v", shape.members.count, .optional, .variant(version: shape.version))] + shape.members + [Handmade.leaf("n", .int32)], rows: 1,
      leaves + [HandmadeLeaf("n", .int32, maxDefinition: 1, [(1, Handmade.little(3, 4))])])
    let error = failure(bytes)
    #expect(error?.column == "v" && error?.message.contains(shape.words) == true, "\(error?.description ?? "")")
    let reader = try RowGroupReader(try ParquetFile(MemorySource(bytes)), rowGroup: 0, columns: [1], context: DecodeContext())
    #expect(try reader.nextBatch()?.columns[0].scalars == [.int(3)])
  }

  /// Selections and pruned rows give what a filter of all rows gives.
  @Test func selections() throws {
    let n = 500
    let values = (0..<n).map { i -> [UInt8] in
      switch i % 4 {
      case 0: Handmade.primitive(6, Handmade.little(i, 8))
      case 1: Handmade.text("row \(i)")
      case 2: Handmade.object([(0, Handmade.primitive(4, Handmade.little(i, 2)))])
      default: Handmade.array((0..<i % 5).map { Handmade.primitive(3, [UInt8($0)]) })
      }
    }
    let file = try ParquetFile(MemorySource(Handmade.variants(values.enumerated().map { $0.offset % 7 == 3 ? nil : (abc, $0.element) })))
    let whole = try #require(try RowGroupReader(file, rowGroup: 0, columns: [0], context: DecodeContext()).nextBatch()).columns[0]
    #expect(whole.brokenInvariant() == nil && whole.count == n)
    var rng = Seeded(state: 5)
    for round in 0..<40 {
      let start = Int(rng.next() % UInt64(n)), end = start + 1 + Int(rng.next() % UInt64(n - start))
      let selection = Bitmap((start..<end).map { _ in rng.next() % 3 == 0 })
      let pruned = round % 2 == 0 ? RowSelection([start..<end]) : nil
      let reader = try RowGroupReader(file, rowGroup: 0, columns: [0], rows: pruned, context: DecodeContext())
      let got = try reader.read(column: 0, window: start..<end, selection: selection)
      #expect(got.scalars == whole.slice(start..<end).filter(selection).scalars)
    }
    #expect(file.bounds(rowGroup: 0, field: 0)?.min == nil)
  }

  @Test func inspection() throws {
    let description = try ParquetFile(MemorySource(Handmade.variants([(none, [0])]))).describe()
    #expect(description.text.contains("v      VARIANT(1)  optional"), "\(description.text)")
    #expect(description.json.contains(#""groups":[{"path":"v","logicalType":"VARIANT(1)","repetition":"optional"}]"#))
  }

  // MARK: Hostile bytes

  @Test func changedBytesNeverCrash() throws {
    var rng = Seeded(state: 31)
    let rounds = 20 * HostileInputTests.rounds
    func changed(_ bytes: [UInt8]) -> [UInt8] {
      var bytes = bytes
      for _ in 0...(rng.next() % 3) where !bytes.isEmpty {
        let at = Int(rng.next() % UInt64(bytes.count))
        switch rng.next() % 4 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: rng.next())
        case 1: bytes[at] ^= 1 << UInt8(rng.next() % 8)
        case 2: bytes[at] = [0, 0xFF, 0x7F, 0x80][Int(rng.next() % 4)]
        default: bytes.removeLast(Int(rng.next() % UInt64(min(bytes.count, 4))))
        }
      }
      return bytes
    }
    let deep = Handmade.object([
      (0, Handmade.array([Handmade.primitive(3, [1]), Handmade.text("xyz"), Handmade.object([(1, Handmade.primitive(0)), (2, Handmade.array([]))])])),
      (2, Handmade.primitive(10, [3] + Handmade.little(12_345, 16))),
    ])
    let inputs = Self.table.map { ($0.metadata, $0.bytes) } + [(abc, deep)]
    var read = 0
    for round in 0..<rounds {
      let (metadata, value) = inputs[round % inputs.count]
      let bytes = Handmade.variants([(round % 3 == 0 ? changed(metadata) : metadata, round % 3 == 0 ? value : changed(value))])
      if (try? values(bytes, TestFiles.lenient)) != nil { read += 1 }
    }
    #expect(read > 0 && read < rounds)
  }

  /// Objects that use the same bytes for all their fields would grow exponentially with depth.
  @Test func sharedBytesDoNotMultiply() {
    let keys = (0..<8).map { "k\($0)" }
    var value: [UInt8] = [0]
    for _ in 0..<40 {
      let size = value.count
      value = [3 << 2 | 2, UInt8(keys.count)] + keys.indices.map { UInt8($0) } + keys.flatMap { _ in Handmade.little(0, 4) } + Handmade.little(size, 4) + value
    }
    #expect(failure(Handmade.variants([(Handmade.dictionary(keys), value)]))?.kind == .corrupt)
  }

  // MARK: Conformance

  /// The length of the dictionary that a conformance file begins with.
  private static func metadataLength(_ bytes: [UInt8]) -> Int {
    let size = Int(bytes[0] >> 6) + 1
    func number(_ at: Int) -> Int { (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
    let n = number(1)
    return 1 + (n + 2) * size + number(1 + (n + 1) * size)
  }

  /// What Apache's cases expect for each row: encoded values beside the file, none for null rows and for files that must fail.
  @Test(.enabled(if: TestFiles.sharedData != nil, "no conformance files beside the checkout (../shared/data)"))
  func shreddedFiles() throws {
    let root = try #require(TestFiles.conformance)
    var failed: [String] = []
    let files = TestFiles.list("\(root)/shredded_variant", suffix: ".parquet")
    #expect(files.count > 130)
    var dumps = ""
    for path in files {
      let name = String(path.dropLast(8))
      let expected = TestFiles.list("\(root)/shredded_variant", suffix: ".variant.bin").filter { $0.hasPrefix(name + "_row-") }
      guard !expected.isEmpty else {
        let error = failure(try TestFiles.bytes(path), TestFiles.lenient)
        #expect(error?.column == "var", "\(path): \(error?.description ?? "read")")
        failed.append(String(name.suffix(8)))
        continue
      }
      let got = try lines(of: try ParquetFile(path: path, options: TestFiles.lenient)).dropFirst().map { String($0.drop { $0 != "," }.dropFirst().dropLast()) }
      var wanted = [String](repeating: "null", count: got.count)
      for file in expected {
        let row = Int(file.dropFirst(name.count + 5).prefix { $0 != "." }) ?? -1
        let bytes = try TestFiles.bytes(file)
        let cut = Self.metadataLength(bytes)
        wanted[row] = try values(Handmade.variants([(Array(bytes[..<cut]), Array(bytes[cut...]))]), TestFiles.lenient)[0]
        dumps += "\(file)\t\(got[row])\n"
      }
      #expect(got == wanted, "\(path)")
    }
    #expect(failed == ["case-040", "case-042", "case-087", "case-127", "case-128", "case-137"])
    // A decoder written apart from this one has the last word.
    guard let python = TestFiles.python else { return }
    let list = "\(root)/variants.tsv"
    let out = try #require(fopen(list, "w"))
    fputs(dumps, out)
    fclose(out)
    #expect(system("'\(python)' '\(TestFiles.folder)/Judges/variants.py' '\(list)' >&2") == 0)
  }

  /// Files that another program wrote, every member of objects shredded, or some.
  @Test(.enabled(if: TestFiles.python != nil, "KCONNECT_PYTHON is not set: no DuckDB to write files")) func filesOfDuckDB() throws {
    let folder = "/tmp/kconnect-duckdb-variants-\(UInt64.random(in: 0 ... .max))"
    let python = try #require(TestFiles.python)
    #expect(system("mkdir -p '\(folder)' && '\(python)' '\(TestFiles.folder)/Judges/duckdb_variants.py' '\(folder)'") == 0)
    for name in ["own", "told"] {
      let expected = String(decoding: try TestFiles.bytes("\(folder)/\(name).txt"), as: UTF8.self).split(separator: "\n").map(String.init)
      let got = try values(try TestFiles.bytes("\(folder)/\(name).parquet"))
      #expect(got.count == 3000 && expected.count == 3000)
      // The order of fields is the writer's, which is not that of the format.
      for (row, pair) in zip(got, expected).enumerated() where try sortedFields(pair.0) != sortedFields(pair.1) {
        Issue.record("\(name), row \(row): \(pair.0), DuckDB \(pair.1)")
        break
      }
    }
    _ = system("rm -r '\(folder)'")
  }

  /// Apache's encoded values of every kind.
  @Test(.enabled(if: TestFiles.conformance.map { access($0 + "/variant/primitive_int8.value", R_OK) == 0 } ?? false, "the conformance archive has no folder variant/"))
  func encodedFiles() throws {
    let root = try #require(TestFiles.conformance)
    let expected: [String: String] = [
      "array_empty": "[]", "array_primitive": #"["i2","i1","i5","i9"]"#, "object_empty": "{}", "primitive_boolean_false": "false", "primitive_boolean_true": "true",
      "array_nested": #"[{"id":"i1","thing":{"names":["sContrarian","sSpider"]}},null,{"id":"i2","names":["sApple","sRay",null],"type":"sif"}]"#,
      "object_nested":
        #"{"id":"i1","observation":{"location":"sIn the Volcano","time":"s12:34:56","value":{"humidity":"i456","temperature":"i123"}},"species":{"name":"slava monster","population":"i6789"}}"#,
      "primitive_binary": #""sAxM33q2+78r+""#, "primitive_date": #""t17447616000000000""#, "primitive_decimal4": #""m1234e-2""#, "primitive_decimal8": #""m123456789e-1""#,
      "primitive_double": #""r41d26580b487e5c9""#, "primitive_int16": #""i1234""#, "primitive_int32": #""i123456""#, "primitive_int64": #""i1234567890123456789""#,
      "primitive_int8": #""i42""#, "primitive_null": "null", "primitive_time": #""d452341234560""#, "primitive_timestamp": #""t17448212967800000""#,
      "primitive_timestampntz": #""t17448068967800000""#, "primitive_timestamp_nanos": #""t17309828341234567""#, "primitive_timestampntz_nanos": #""t17309828341234567""#,
      "primitive_uuid": #""gf24f9b64-81fa-49d1-b74e-8c09a6e31c56""#, "short_string": "\"sLess than 64 bytes (❤️ with utf8)\"",
    ]
    var seen = 0
    for path in TestFiles.list("\(root)/variant", suffix: ".value") {
      let stem = String(path.dropLast(6))
      let name = String(stem.suffix(stem.count - root.count - 9))
      let got = try values(Handmade.variants([(try TestFiles.bytes(stem + ".metadata"), try TestFiles.bytes(path))]), TestFiles.lenient)
      if let wanted = expected[name] { #expect(got == [wanted], "\(name)") }
      seen += expected[name] == nil ? 0 : 1
    }
    #expect(seen == expected.count)
  }
}
