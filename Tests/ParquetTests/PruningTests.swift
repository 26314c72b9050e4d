// Statistics, page bounds and bloom filters never exclude a value that is there.
import Codecs
import Columnar
import Parquet
import Testing

@Suite struct PruningTests {
  static func check(_ bounds: ColumnBounds, _ vector: ColumnVector, _ what: String) {
    #expect(bounds.rowCount == vector.count, "\(what)")
    if let nulls = bounds.nullCount { #expect(nulls == vector.nullCount, "\(what)") }
    for i in 0..<vector.count {
      let value = vector.scalar(i)
      if value.isNull { continue }
      if case .real(let number) = value, number.isNaN {
        #expect(bounds.mayHaveNaN, "\(what)")
        continue
      }
      if let min = bounds.min { #expect(!isLess(value, min), "\(what): \(value) below \(min)") }
      if let max = bounds.max { #expect(!isLess(max, value), "\(what): \(value) above \(max)") }
    }
  }

  static func isLess(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a, b) {
    case (.bool(let x), .bool(let y)): !x && y
    case (.real(let x), .real(let y)): x < y
    case (.decimal(let x), .decimal(let y)): x < y
    case (.string(let x), .string(let y)): x.utf8.lexicographicallyPrecedes(y.utf8)
    case (.guid(let x), .guid(let y)): x < y
    default: (a.int64Value ?? 0) < (b.int64Value ?? 0)
    }
  }

  static func check(_ file: ParquetFile) throws {
    let context = DecodeContext()
    for group in 0..<file.rowGroupCount {
      for (c, field) in file.schema.fields.enumerated() {
        guard case .flat = field.decoding else {
          #expect(file.bounds(rowGroup: group, field: c) == nil)
          continue
        }
        let reader = try RowGroupReader(file, rowGroup: group, columns: [c], context: context)
        let whole = try reader.read(column: 0, window: 0..<reader.rowCount)
        if let bounds = file.bounds(rowGroup: group, field: c) { check(bounds, whole, "\(file.name) \(field.name)") }
        for page in try file.pageBounds(rowGroup: group, field: c) ?? [] {
          check(page.bounds, whole.slice(page.rows), "\(file.name) \(field.name) rows \(page.rows)")
        }
        for i in stride(from: 0, to: whole.count, by: max(1, whole.count / 50)) where whole.isValid(i) {
          #expect(try file.mayContain([whole.scalar(i)], rowGroup: group, field: c), "\(file.name) \(field.name) \(whole.scalar(i))")
        }
      }
    }
  }

  @Test(arguments: [0, 4] as [UInt64])
  func boundsCoverWhatTheWriterWrote(_ nullEvery: UInt64) throws {
    var options = ParquetWriterOptions()
    options.pageRows = 200
    options.bloomFilterColumns = ["int", "long", "real", "word", "when", "day", "id", "money", "text"]
    let batch = SelectionTests.batch(rows: 2500, nullEvery: nullEvery, seed: 31)
    let file = try ParquetFile(MemorySource(try TestFiles.write([batch], options)))
    try Self.check(file)
    // Bounds and filters are there, and tight enough to exclude.
    let int = try #require(file.schema.index(of: "int"))
    #expect(file.bounds(rowGroup: 0, field: int)?.max != nil)
    #expect(try file.pageBounds(rowGroup: 0, field: int)?.count == 13)
    let word = try #require(file.schema.index(of: "word"))
    #expect(try !file.mayContain([.string("absent"), .string("also absent")], rowGroup: 0, field: word))
    #expect(try !file.mayContain([.datetime(5)], rowGroup: 0, field: try #require(file.schema.index(of: "day"))))
  }

  @Test(.enabled(if: TestFiles.sharedData != nil, "no conformance files beside the checkout (../shared/data)"))
  func boundsCoverWhatOthersWrote() throws {
    let root = try #require(TestFiles.conformance)
    var options = TestFiles.lenient
    options.verifiesChecksums = false
    for path in TestFiles.list("\(root)/data", suffix: ".parquet") where !path.hasSuffix(ConformanceTests.oversized) {
      try Self.check(try ParquetFile(path: path, options: options))
    }
    let shared = try #require(TestFiles.sharedData)
    for name in ["green_tripdata_2025-11", "hits_mini"] { try Self.check(try ParquetFile(path: "\(shared)/\(name).parquet")) }
  }
}
