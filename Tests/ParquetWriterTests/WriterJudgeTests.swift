// Files of every type × null pattern × codec × encoding, judged by PyArrow, DuckDB and Polars.

import Codecs
import Columnar
import Glibc
import Parquet
import Testing

/// A small seeded generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct WriterJudgeTests {
  /// Shapes of values that lead to different encodings.
  enum Shape: String, CaseIterable { case few, sorted, random, extreme }
  enum Nulls: String, CaseIterable { case none, some, all, first }

  static func scalar(_ type: DataType, _ shape: Shape, _ i: Int, _ rng: inout SeededGenerator) -> Scalar {
    let pick: Int64 = switch shape {
    case .few: Int64(rng.next() % 5)
    case .sorted: Int64(i * 3)
    case .random: Int64(truncatingIfNeeded: rng.next() >> 20)
    case .extreme: [Int64.min, .max, 0, -1, 1][Int(rng.next() % 5)]
    }
    switch type {
    case .bool: return .bool(pick & 1 == 1)
    case .int: return .int(Int32(truncatingIfNeeded: shape == .extreme ? (pick == .min ? Int64(Int32.min) : pick == .max ? Int64(Int32.max) : pick) : pick))
    case .long: return .long(pick)
    case .timespan: return .timespan(pick)
    case .real: return .real(shape == .extreme ? [0.0, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude][Int(rng.next() % 5)] : Double(pick) / 100)
    case .decimal: return .decimal(DecimalValue(Int128(pick % 1_000_000_000_000), scale: 2))
    case .datetime:
      let extremes: [Int64] = [-621_355_968_000_000_000, 2_534_023_007_999_999_990, 0, -10, 10]
      return .datetime(shape == .extreme ? extremes[Int(rng.next() % 5)] : (pick % 1_000_000_000_000) * 10)
    case .string:
      if shape == .extreme { return .string(["", "\u{0}", "äöü€𝄞", String(repeating: "z", count: 300), "\u{10FFFF}"][Int(rng.next() % 5)]) }
      return .string(shape == .sorted ? "https://example.org/path/\(100_000 + i)" : "v\(pick)")
    case .guid: return .guid(GUID(high: UInt64(bitPattern: pick), low: UInt64(i)))
    case .dynamic: return .null(.dynamic)
    }
  }

  static func isNull(_ nulls: Nulls, _ i: Int, _ rng: inout SeededGenerator) -> Bool {
    switch nulls {
    case .none: false
    case .some: rng.next() % 4 == 0
    case .all: true
    case .first: i < 140
    }
  }

  static func json(_ scalar: Scalar) -> String {
    switch scalar {
    case .null: "null"
    case .bool(let v): "\"\(v)\""
    case .int(let v): "\"\(v)\""
    case .long(let v), .datetime(let v), .timespan(let v): "\"\(v)\""
    case .real(let v):
      "\"" + String(repeating: "0", count: 16 - String(v.bitPattern, radix: 16).count) + String(v.bitPattern, radix: 16) + "\""
    case .decimal(let v): "\"\(v.coefficient)e\(-Int(v.scale))\""
    case .guid(let v): "\"\(v)\""
    case .string(let v):
      "\"" + v.unicodeScalars.map { $0.value < 32 || $0 == "\"" || $0 == "\\" ? "\\u00" + ($0.value < 16 ? "0" : "") + String($0.value, radix: 16) : String($0) }.joined() + "\""
    case .dynamic: "null"
    }
  }

  static let types: [(name: String, field: StructField)] = [
    ("bool", StructField("bool", .bool)), ("int", StructField("int", .int)), ("long", StructField("long", .long)),
    ("real", StructField("real", .real)), ("decimal", StructField("decimal", .decimal, hint: .decimal(precision: 18, scale: 2))),
    ("bigdecimal", StructField("bigdecimal", .decimal)), ("string", StructField("string", .string)),
    ("datetime", StructField("datetime", .datetime)), ("timespan", StructField("timespan", .timespan)), ("guid", StructField("guid", .guid)),
  ]

  /// Where the virtual environment with the judges' packages is: KCONNECT_PYTHON, as scripts/test sets it.
  static var python: String? { getenv("KCONNECT_PYTHON").map { String(cString: $0) } }

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON is not set: no PyArrow, DuckDB and Polars to judge"))
  func judgesReadEveryTypeNullPatternCodecAndEncoding() throws {
    let folder = "/tmp/kconnect-writer-\(UInt64.random(in: 0 ... .max))"
    mkdir(folder, 0o755)
    defer { system("rm -rf \(folder)") }
    let codecs: [Codec] = [.zstd, .snappy, .gzip, .lz4Raw, .brotli, .uncompressed]
    var k = 0
    for shape in Shape.allCases {
      for nulls in Nulls.allCases {
        for (codec, usesDictionary) in codecs.flatMap({ [($0, true), ($0, false)] }) {
          var options = ParquetWriterOptions()
          options.codec = codec
          options.usesDictionary = usesDictionary
          options.pageRows = [60, 20_480][k / 2 % 2]
          options.checksums = k % 3 == 0
          k += 1
          try Self.write("\(folder)/\(shape)-\(nulls)-\(options.codec)-\(usesDictionary)", shape, nulls, options, seed: UInt64(k))
        }
      }
    }
    guard let script = Bundle.judge, let python = Self.python else { return }
    #expect(system("'\(python)' '\(script)' '\(folder)' >&2") == 0)
  }

  static func write(_ base: String, _ shape: Shape, _ nulls: Nulls, _ options: ParquetWriterOptions, seed: UInt64) throws {
    var rng = SeededGenerator(state: seed)
    let schema = StructType(types.map(\.field))
    let encoder = try ParquetEncoder(schema: schema, options: options)
    var bytes: [UInt8] = []
    let writer = try ParquetFileWriter(encoder, createdBy: "kconnect test") { bytes.append(contentsOf: $0) }
    var values = [[Scalar]](repeating: [], count: types.count)
    for group in 0..<2 {
      var batches: [RecordBatch] = []
      for rows in [1, 140, 87] {
        var columns: [ColumnVector] = []
        for (c, type) in types.enumerated() {
          let scalars = (0..<rows).map { i in
            isNull(nulls, group == 0 ? i : 1_000, &rng) ? Scalar.null(type.field.type) : scalar(type.field.type, shape, i, &rng)
          }
          values[c] += scalars
          columns.append(.of(type.field.type, scalars))
        }
        batches.append(RecordBatch(schema: schema, columns: columns))
      }
      try writer.append(try encoder.encode(batches))
    }
    try writer.finish()
    writeFile(base + ".parquet", bytes)
    let columns = types.enumerated().map { c, type in
      "{\"name\":\"\(type.field.name)\",\"type\":\"\(type.name)\",\"values\":[\(values[c].map(json).joined(separator: ","))]}"
    }
    writeFile(base + ".json", Array("{\"columns\":[\(columns.joined(separator: ","))]}".utf8))
  }

  static func writeFile(_ path: String, _ bytes: [UInt8]) {
    guard let file = fopen(path, "wb") else { return }
    bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
    fclose(file)
  }
}
