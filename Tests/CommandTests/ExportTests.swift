// Role: what the properties of `.export` do to the files, and which are refused or said to do nothing.

import Columnar
import DataSource
import Foundation
import KQL
import KustoStore
import Testing

private enum FileListingOfTests {
  /// With hidden ones.
  static func names(_ directory: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] }
}

@Suite struct ExportTests {
  /// The files of an export: names, and bytes.
  private static func export(_ format: String, _ properties: String, _ query: String) throws -> (files: [(name: String, bytes: [UInt8])], notes: [String]) {
    let store = try CommandSessionTests.store()
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    let result = try store.executor.execute(".export to \(format) (@'\(directory)') with (\(properties)) <| \(query)", database: "db")
    let paths = try result.rows(of: result.tables[0]).compactMap { ScalarText.text($0[0]) }
    return (try paths.map { (lastPathComponent($0), try SmallFile.read($0) ?? []) }, result.notes)
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  static let many = "range x from 1 to 200000 step 1"

  @Test(arguments: [("all", true, true), ("firstFile", true, false), ("none", false, false)]) func headers(_ word: String, _ first: Bool, _ later: Bool) throws {
    let (files, _) = try Self.export("csv", "includeHeaders='\(word)', sizeLimit=1000", Self.many)
    #expect(files.count > 1)
    #expect(files.enumerated().allSatisfy { i, file in file.bytes.starts(with: Array("x\n".utf8)) == (i == 0 ? first : later) })
    #expect(files.reduce(0) { $0 + $1.bytes.count { $0 == 10 } } == 200_000 + (first ? 1 : 0) + (later ? files.count - 1 : 0))
  }

  @Test(arguments: [
    ("csv", "namePrefix='p'", "p_1_", ".csv"), ("tsv", "namePrefix='p'", "p_1_", ".tsv"), ("json", "fileExtension='.log'", "export_1_", ".log"),
    ("csv", "fileExtension='txt', compressionType='gzip'", "export_1_", ".txt.gz"), ("parquet", "compressionType='zstd'", "export_1_", ".parquet"),
    ("parquet", "fileExtension='.pq'", "export_1_", ".pq"),
  ]) func names(_ format: String, _ properties: String, _ prefix: String, _ ending: String) throws {
    let (files, _) = try Self.export(format, properties, "print x = 1")
    #expect(files.count == 1)
    #expect(files[0].name.hasPrefix(prefix) && files[0].name.hasSuffix(ending) && files[0].name.count == prefix.count + ending.count + 36)
  }

  @Test func textEncodings() throws {
    #expect(try Self.text(Self.export("csv", "encoding='UTF8NoBOM'", "print x = 'ä'").files[0].bytes) == "ä\n")
    let marked = try Self.export("csv", "encoding='UTF8BOM', includeHeaders='all', sizeLimit=1000", Self.many).files
    #expect(marked.count > 1 && marked.allSatisfy { $0.bytes.starts(with: [0xEF, 0xBB, 0xBF, 0x78, 0x0A]) })
  }

  @Test func rowGroups() throws {
    let store = try CommandSessionTests.store()
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".export to parquet (@'\(directory)') with (parquetRowGroupSize=1000, parquetDatetimePrecision='millisecond') <| range x from 1 to 2500 step 1 | extend d = datetime(2024-01-01T00:00:00.1234567)")
    try store.run(".create external table E (x:long, d:datetime) kind=storage dataformat=parquet (@'\(directory)')")
    #expect(try store.run("external_table('E') | summarize count(), min(d)").rows == [["2500", "2024-01-01T00:00:00.1230000Z"]])
  }

  @Test(arguments: [
    ("csv", "includeHeaders='sometimes'"), ("csv", "encoding='latin1'"), ("parquet", "encoding='UTF8BOM'"), ("csv", "encoding='UTF8BOM', compressionType='gzip'"),
    ("csv", "fileExtension='a/b'"), ("csv", "namePrefix='../p'"), ("csv", "compressionType='snappy'"), ("parquet", "parquetDatetimePrecision='nanosecond'"),
    ("csv", "sizeLimit=0"), ("csv", "prefix='p'"), ("csv", "namePrefix='x\\u0000y'"), ("csv", "namePrefix='x\\ny'"), ("csv", "fileExtension='.\\u0000'"),
    ("csv", "namePrefix='\(String(repeating: "n", count: 300))'"), ("parquet", "parquetRowGroupSize=0"), ("parquet", "parquetRowGroupSize=-1"),
  ]) func refused(_ format: String, _ properties: String) throws {
    let store = try CommandSessionTests.store()
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    #expect(throws: KConnectError.self) { try store.run(".export to \(format) (@'\(directory)') with (\(properties)) <| print x = 1") }
    // Nothing is left.
    #expect(pathKind(directory) == .missing || FileListingOfTests.names(directory) == [])
  }

  /// Moments are as fine as Kusto makes them unless somebody asks for more.
  @Test func defaultPrecision() throws {
    let store = try CommandSessionTests.store()
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".export to parquet (@'\(directory)') <| print d = datetime(2024-01-01T00:00:00.1234567)")
    try store.run(".create external table E (d:datetime) kind=storage dataformat=parquet (@'\(directory)')")
    #expect(try store.run("external_table('E')").rows == [["2024-01-01T00:00:00.1230000Z"]])
  }

  /// `compressed` alone is gzip, in Parquet files as in others.
  @Test func compressedIsGzip() throws {
    let store = try CommandSessionTests.store()
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    let rows = try store.run(".export compressed to parquet (@'\(directory)') <| range x from 1 to 10000 step 1 | extend s = strcat('a text that is rather long ', x)").rows
    let bytes = try SmallFile.read(rows[0][0], limit: 1 << 24) ?? []
    #expect(bytes.indices.dropLast(3).contains { bytes[$0] == 0x1F && bytes[$0 + 1] == 0x8B && bytes[$0 + 2] == 0x08 })
  }

  @Test func whatDoesNothingSaysSo() throws {
    let notes = try Self.export("csv", "distributed=false, distribution='single', parquetRowGroupSize=10", "print x = 1").notes
    for name in ["distributed", "distribution", "parquetRowGroupSize"] { #expect(notes.contains { $0.contains("'\(name)'") }) }
  }
}
