// Damaged files: random changes to good files end in rows or an error, never in a crash, a hang or a huge allocation.
import Codecs
import Columnar
import Parquet
import Testing

@Suite struct HostileInputTests {
  /// Rounds per file; KCONNECT_FUZZ_ROUNDS asks for more.
  static let rounds = TestFiles.environment("KCONNECT_FUZZ_ROUNDS").flatMap { Int($0) } ?? 300

  static func files() throws -> [(name: String, bytes: [UInt8])] {
    var out: [(String, [UInt8])] = []
    for name in NestedTests.names { out.append((name, try TestFiles.bytes("\(TestFiles.folder)/Fixtures/\(name).parquet"))) }
    out += [("shredded objects", VariantTests.objectFile), ("shredded arrays", VariantTests.arrayFile)]
    for (i, codec) in [Codec.uncompressed, .snappy, .zstd].enumerated() {
      var options = ParquetWriterOptions()
      options.codec = codec
      options.pageRows = 50
      options.usesDictionary = i > 0
      options.bloomFilterColumns = ["int", "word"]
      out.append(("written \(codec)", try TestFiles.write([SelectionTests.batch(rows: 300, nullEvery: 4, seed: 5)], options)))
    }
    return out
  }

  @Test func changedBytesNeverCrash() throws {
    var rng = Seeded(state: 2024)
    for (_, bytes) in try Self.files() {
      for round in 0..<Self.rounds {
        var broken = bytes
        // Half of the changes hit the footer, where the structure is.
        let footer = min(bytes.count, 3000)
        for _ in 0...(rng.next() % 3) {
          let at = round % 2 == 0 ? bytes.count - 1 - Int(rng.next() % UInt64(footer)) : Int(rng.next() % UInt64(bytes.count))
          switch rng.next() % 3 {
          case 0: broken[at] = UInt8(truncatingIfNeeded: rng.next())
          case 1: broken[at] ^= 1 << UInt8(rng.next() % 8)
          default: broken[at] = [0, 0xFF, 0x7F, 0x80][Int(rng.next() % 4)]
          }
        }
        Self.readEverything(broken)
      }
    }
  }

  struct Claim: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let change: @Sendable (inout FileMetadata) -> Void
  }

  /// Footers that are sound but for one number: refused when the file is opened, before anybody makes memory for it or adds it to another.
  @Test(arguments: [
    Claim(testDescription: "more rows than values") { $0.rowGroups[0].rowCount += 1 },
    Claim(testDescription: "2^53 rows") { $0.rowGroups[0].rowCount = 1 << 53 },
    Claim(testDescription: "2^50 rows and values") { metadata in
      metadata.rowGroups[0].rowCount = 1 << 50
      for i in metadata.rowGroups[0].columns.indices { metadata.rowGroups[0].columns[i].metadata?.valueCount = 1 << 50 }
    },
    Claim(testDescription: "uncompressed bytes") { $0.rowGroups[0].columns[0].metadata?.totalUncompressedSize = Int.max },
    Claim(testDescription: "negative uncompressed bytes") { $0.rowGroups[0].columns[0].metadata?.totalUncompressedSize = -1 },
    Claim(testDescription: "compressed bytes") { $0.rowGroups[0].columns[0].metadata?.totalCompressedSize = Int.max },
    Claim(testDescription: "page offset") { $0.rowGroups[0].columns[0].metadata?.dataPageOffset = Int.max },
  ]) func impossibleNumbersAreRefused(_ claim: Claim) throws {
    let good = try TestFiles.write([SelectionTests.batch(rows: 300, nullEvery: 4, seed: 5)], ParquetWriterOptions())
    var metadata = try ParquetFile(MemorySource(good)).metadata
    claim.change(&metadata)
    let footer = ThriftWriter.serialize(metadata)
    let length = UInt32(footer.count)
    let oldLength = good.suffix(8).prefix(4).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let broken = good.dropLast(8 + oldLength) + footer + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array("PAR1".utf8)
    #expect { try ParquetFile(MemorySource(Array(broken))) } throws: { ($0 as? ParquetError)?.kind == .corrupt }
  }

  @Test func truncatedFilesAreRefused() throws {
    for (name, bytes) in try Self.files() {
      for count in stride(from: 0, to: bytes.count - 1, by: max(1, bytes.count / 200)) {
        #expect(throws: ParquetError.self, "\(name) cut at \(count)") { try ParquetFile(MemorySource(Array(bytes[..<count]))) }
      }
    }
  }

  @Test func unreadableNamesAreReported() {
    #expect { try ParquetFile(path: "/nonexistent/file.parquet") } throws: { ($0 as? ParquetError)?.kind == .io }
    #expect { try ParquetFile(MemorySource(Array("PAR1 but not really, no".utf8))) } throws: { ($0 as? ParquetError)?.kind == .corrupt }
  }

  /// All values, bounds and the description; errors are fine.
  static func readEverything(_ bytes: [UInt8]) {
    guard let file = try? ParquetFile(MemorySource(bytes), options: TestFiles.lenient) else { return }
    let context = DecodeContext()
    for group in 0..<min(file.rowGroupCount, 4) {
      for (c, _) in file.schema.fields.enumerated() {
        _ = file.bounds(rowGroup: group, field: c)
        _ = try? file.pageBounds(rowGroup: group, field: c)
        _ = try? file.mayContain([.int(1), .string("x")], rowGroup: group, field: c)
        guard let reader = try? RowGroupReader(file, rowGroup: group, columns: [c], context: context) else { continue }
        // A changed row count must not be trusted for long loops.
        for window in reader.batchWindows.prefix(4) {
          guard let vector = try? reader.read(column: 0, window: window) else { break }
          if let broken = vector.brokenInvariant() { Issue.record("\(broken)") }
        }
        if let reader = try? RowGroupReader(file, rowGroup: group, columns: [c], rows: RowSelection([10..<12, 200..<210]), context: context) {
          _ = try? reader.nextBatch()
          _ = try? reader.nextBatch()
        }
      }
    }
    if file.rowGroupCount < 100 { _ = file.describe().json }
  }
}
