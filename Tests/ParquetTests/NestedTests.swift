// Nested columns: values, windows and selections of lists, maps and structs.
import Columnar
import Glibc
import Parquet
import Testing

@Suite struct NestedTests {
  static let names = ["nested-v1", "nested-v2-index"]

  static func open(_ name: String) throws -> ParquetFile {
    try ParquetFile(path: "\(TestFiles.folder)/Fixtures/\(name).parquet")
  }

  @Test(arguments: names)
  func valuesAreTheRecordedOnes(_ name: String) throws {
    let expected = String(decoding: try TestFiles.bytes("\(TestFiles.folder)/Fixtures/nested.ndjson"), as: UTF8.self)
    #expect(try lines(of: Self.open(name)).joined(separator: "\n") + "\n" == expected)
  }

  @Test(arguments: names)
  func windowsAndSelectionsGiveTheSameRows(_ name: String) throws {
    let file = try Self.open(name)
    let columns = Array(file.schema.fields.indices)
    let context = DecodeContext()
    var rng = Seeded(state: 77)
    for group in 0..<file.rowGroupCount {
      let whole = try #require(try RowGroupReader(file, rowGroup: group, columns: columns, context: context).nextBatch())
      for round in 0..<60 {
        let n = whole.rowCount
        let start = Int(rng.next() % UInt64(n))
        let end = start + 1 + Int(rng.next() % UInt64(n - start))
        let selection = Bitmap((start..<end).map { _ in rng.next() % 3 == 0 })
        let pruned = round % 2 == 0 ? RowSelection([start..<end]) : nil
        let reader = try RowGroupReader(file, rowGroup: group, columns: columns, rows: pruned, context: context)
        for column in columns {
          let got = try reader.read(column: column, window: start..<end, selection: selection)
          #expect(got.scalars == whole.columns[column].slice(start..<end).filter(selection).scalars)
          #expect(got.brokenInvariant() == nil)
        }
      }
    }
  }

  /// PyArrow writes maps as they are given. Every second one here has a key twice; its bag has the last value, behind the keys that came between.
  @Test(.enabled(if: TestFiles.python != nil, "KCONNECT_PYTHON is not set: no PyArrow to write files")) func theLastOfEqualKeysStays() throws {
    let python = try #require(TestFiles.python)
    let path = "/tmp/kconnect-equal-keys-\(UInt64.random(in: 0 ... .max)).parquet"
    let maps = "[[('k', i), ('l', 0)] + [('k', -i)] * (i % 2) for i in range(3000)]"
    let script = "import pyarrow as pa, pyarrow.parquet as pq; "
      + "pq.write_table(pa.table({'m': pa.array(\(maps), pa.map_(pa.string(), pa.int64()))}), '\(path)')"
    #expect(system("'\(python)' -c \"\(script)\"") == 0)
    defer { _ = unlink(path) }
    let expected = (0..<3000).map { (i: Int64) -> Scalar in
      let k = DynamicEntry("k", .long(i % 2 == 0 ? i : -i)), l = DynamicEntry("l", .long(0))
      return .dynamic(.bag(i % 2 == 0 ? [k, l] : [l, k]))
    }
    let batch = try RowGroupReader(try ParquetFile(path: path), rowGroup: 0, columns: [0], context: DecodeContext()).nextBatch()
    #expect(batch?.columns[0].scalars == expected)
  }
}
