// What is written without rows is read again; files that differ in type or case; bytes that are not text; options of old calendars;
// too many open files.

import Columnar
import DataSource
import Expressions
import FileConnector
import Glibc
import Testing

private let csv = FileProvider(CSVFormat())
private let json = FileProvider(JSONFormat())
private let parquet = FileProvider(ParquetFormat())

@Suite struct NoRowsTests {
  private static let ddl = "k:long, v:string, day:datetime, x:dynamic"
  private static let row: [Scalar] = [.long(1), .string("a"), .datetime(864_000_000_000), .dynamic(.array([.long(1)]))]

  @Test(arguments: [[], ["k"], ["day", "v"]]) func parquetKeepsColumnsAndTypes(_ keys: [String]) throws {
    let s = Scratch()
    let none = try batch(Self.ddl, [])
    let summary = try writeRows(parquet, s("t"), [none], partitionBy: keys)
    #expect(summary?.rows == 0 && summary?.files == 1)
    let table = try openTable(parquet, [s("t")])
    #expect(table.schema.fields.map(\.description) == none.schema.fields.map(\.description))
    #expect(try readRows(table).isEmpty)
    // The day after: rows come, and are all there is.
    try writeRows(parquet, s("t"), [try batch(Self.ddl, [Self.row])], mode: .append, partitionBy: keys)
    #expect(try readRows(try openTable(parquet, [s("t")]), columns: none.schema.names) == [Self.row])
    // A day without rows replaces all of them, but adds nothing to a table and replaces no partition alone.
    try writeRows(parquet, s("t"), [none], mode: .append, partitionBy: keys)
    try writeRows(parquet, s("t"), [none], mode: .overwrite, partitionBy: keys, options: keys.isEmpty ? [:] : ["partitionOverwriteMode": "dynamic"])
    #expect(try readRows(try openTable(parquet, [s("t")])).count == (keys.isEmpty ? 0 : 1))
    try writeRows(parquet, s("t"), [none], mode: .overwrite, partitionBy: keys)
    #expect(try readRows(try openTable(parquet, [s("t")])).isEmpty)
  }

  @Test(arguments: [[], ["k"]], ["none", "gzip"]) func csvKeepsColumns(_ keys: [String], _ compression: String) throws {
    let s = Scratch()
    let none = try batch("k:long, v:string", [])
    try writeRows(csv, s("t"), [none], partitionBy: keys, options: ["compression": compression])
    let table = try openTable(csv, [s("t")])
    #expect(Set(table.schema.names) == ["k", "v"])
    #expect(try readRows(table).isEmpty)
    try writeRows(csv, s("t"), [try batch("k:long, v:string", [[.long(1), .string("a")]])], mode: .append, partitionBy: keys, options: ["compression": compression])
    #expect(try readRows(try openTable(csv, [s("t")]), columns: ["k", "v"]) == [[.long(1), .string("a")]])
  }

  @Test(arguments: [[], ["k"]], ["none", "gzip"]) func jsonNeedsASchema(_ keys: [String], _ compression: String) throws {
    let s = Scratch()
    let schema = try StructType(ddl: "k:long, v:string")
    let none = try batch("k:long, v:string", [])
    try writeRows(json, s("t"), [none], partitionBy: keys, options: ["compression": compression])
    let error = thrown { _ = try openTable(json, [s("t")]) }
    #expect(error?.code == .formatCorrupt && error?.message.contains("holds no JSON records, and nothing else tells its columns") == true, "\(error?.message ?? "")")
    #expect(error?.hint?.contains("schema") == true)
    #expect(try readRows(try openTable(json, [s("t")], schema: schema)).isEmpty)
    guard keys.isEmpty else { return }
    // Among files with records an empty one has no say.
    for _ in 0..<2 { try writeRows(json, s("t"), [none], mode: .append, options: ["compression": compression]) }
    try writeRows(json, s("t"), [try batch("k:long, v:string", [[.long(1), .string("a")]])], mode: .append, options: ["compression": compression])
    let table = try openTable(json, [s("t")])
    #expect(table.schema.description == "k:long, v:string")
    #expect(try readRows(table) == [[.long(1), .string("a")]])
  }

  // MARK: Files that differ

  @Test func longsBesideRealsAreExactOrRefused() throws {
    let s = Scratch()
    try writeRows(parquet, s("t"), [try batch("x:real", [[.real(0.5)]])])
    try writeRows(parquet, s("t"), [try batch("x:long", [[.long(1 << 53)], [.null(.long)], [.long(1 << 60)]])], mode: .append, options: ["mergeSchema": "true"])
    let read = try readRows(try openTable(parquet, [s("t")], options: ["mergeSchema": "true"]))
    #expect(Set(read.map { "\($0[0])" }).count == 4)
    try writeRows(parquet, s("u"), [try batch("x:real", [[.real(0.5)]])])
    try writeRows(parquet, s("u"), [try batch("x:long", [[.long(1 << 53 + 1)]])], mode: .append, options: ["mergeSchema": "true"])
    let error = thrown { _ = try readRows(try openTable(parquet, [s("u")], options: ["mergeSchema": "true"])) }
    #expect(error?.code == .valueInvalid && error?.message.contains("column 'x' is long in") == true && error?.message.contains("9007199254740993") == true, "\(error?.message ?? "")")
    let rounded = try readRows(try openTable(parquet, [s("u")], options: ["mergeSchema": "true", "onInexact": "truncate"]))
    #expect(Set(rounded) == [[.real(0.5)], [.real(9_007_199_254_740_992)]])
  }

  @Test func namesThatDifferInCase() throws {
    let s = Scratch()
    try writeRows(parquet, s("t/a.parquet"), [try batch("x:long, y:string", [[.long(1), .string("a")]])])
    try writeRows(parquet, s("t/b.parquet"), [try batch("X:long, y:string", [[.long(2), .string("b")]])])
    var notes: [String] = []
    let table = try openTable(parquet, [s("t")])
    let rows = try readRows(table, metrics: { notes = $0.notes })
    #expect(rows == [[.long(1), .string("a")], [.long(2), .string("b")]])
    #expect(notes.count == 1 && notes[0].contains("column 'x' is called 'X' in") && notes[0].contains("b.parquet"), "\(notes)")
    #expect(try readRows(table, filters: [.call("==", [.column("x"), .literal(.long(2))])]) == [[.long(2), .string("b")]])
    // The user's schema says which of two is meant; two that could both be meant are refused.
    try writeRows(parquet, s("u/a.parquet"), [try batch("ab:long", [[.long(1)]])])
    try writeRows(parquet, s("u/b.parquet"), [try batch("Ab:long, aB:long", [[.long(2), .long(3)]])])
    let error = thrown { _ = try readRows(try openTable(parquet, [s("u")])) }
    #expect(error?.code == .schemaMismatch && error?.message.contains("'Ab' and 'aB'") == true, "\(error?.message ?? "")")
    #expect(try openTable(parquet, [s("u")], options: ["mergeSchema": "true"]).schema.names == ["ab", "Ab", "aB"])
  }

  // MARK: Bytes that are not text

  @Test(arguments: [false, true]) func jsonThatIsNoUTF8(_ isArray: Bool) throws {
    let s = Scratch()
    let lines = (0..<3000).map { "{\"k\":\($0),\"s\":\"v\"}" }
    var bytes = Array((isArray ? "[" : "").utf8) + lines.enumerated().flatMap { Array(($0.offset > 0 ? (isArray ? ",\n" : "\n") : "").utf8) + Array($0.element.utf8) }
    let at = bytes.count - (isArray ? 8 : 3)
    bytes += Array((isArray ? "]" : "\n").utf8)
    // The v of the last record, and within the text of another one.
    let place = isArray ? bytes.count - 4 : at
    #expect(bytes[place] == UInt8(ascii: "v"))
    bytes[place] = 0xE9
    let descriptor = open(s("x.json"), O_WRONLY | O_CREAT, 0o644)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    let schema = try StructType(ddl: "k:long, s:string, _corrupt_record:string")
    var metrics = ScanMetrics()
    let kept = try readRows(try openTable(json, [s("x.json")], schema: schema), metrics: { metrics = $0 })
    #expect(kept.count == 3000 && kept[2999] == [.long(2999), .string("\u{FFFD}"), .string("{\"k\":2999,\"s\":\"\u{FFFD}\"}")])
    #expect(metrics.notes.count == 1 && metrics.notes[0].contains("1 record has defects") && metrics.notes[0].contains("found byte 0xe9, expected UTF-8"), "\(metrics.notes)")
    let dropped = try openTable(json, [s("x.json")], schema: try StructType(ddl: "k:long"), options: ["mode": "DROPMALFORMED", "badRecordsPath": s("bad.ndjson")])
    #expect(try readRows(dropped, metrics: { metrics = $0 }).count == 2999 && metrics.recordsDropped == 1)
    #expect(try readRows(try openTable(json, [s("bad.ndjson")]), columns: ["line"]) == [[.long(3000)]])
    for options in [["mode": "FAILFAST"], [:]] {
      let error = thrown { _ = try readRows(try openTable(json, [s("x.json")], options: options)) }
      #expect(error?.code == .formatCorrupt && error?.message.contains("line 3000, byte \(place)") == true, "\(error?.message ?? "")")
    }
    #expect(try readRows(try openTable(json, [s("x.json")], options: ["mode": "PERMISSIVE"])).count == 3000)
  }

  // MARK: Parquet options

  @Test func oldCalendars() throws {
    let s = Scratch()
    func ticks(_ text: String) -> Int64 { if case .datetime(let v)? = ScalarText.parse(text, as: .datetime) { v } else { 0 } }
    for (name, text, isRefused) in [("a", "1899-12-31T23:59:59Z", true), ("b", "1900-01-01T00:00:00Z", false)] {
      try writeRows(parquet, s(name), [try batch("t:datetime", [[.null(.datetime)], [.datetime(ticks(text))]])])
      #expect(try readRows(try openTable(parquet, [s(name)]))[1] == [.datetime(ticks(text))])
      let error = thrown { _ = try readRows(try openTable(parquet, [s(name)], options: ["datetimeRebaseMode": "EXCEPTION"])) }
      #expect((error?.code == .valueInvalid && error?.message.contains("1899-12-31T23:59:59") == true) == isRefused, "\(error?.message ?? "read")")
      // INT96 has an option of its own.
      #expect(try readRows(try openTable(parquet, [s(name)], options: ["int96RebaseMode": "EXCEPTION"])).count == 2)
    }
    #expect(thrown { _ = try openTable(parquet, [s("a")], options: ["datetimeRebaseMode": "LEGACY"]) }?.code == .notSupported)
  }

  @Test func openFilesRunOut() throws {
    let s = Scratch()
    let faults = FaultPlan(failAt: 6, code: EMFILE)
    let provider = FileProvider(CSVFormat(), fileSystem: FileSystem { operation, path in operation == .create ? faults.fileSystemFault(operation, path) : nil })
    let rows = (0..<20).map { [Scalar.long(Int64($0)), .string("a")] }
    let error = thrown { try writeRows(provider, s("t"), [try batch("k:long, v:string", rows)], partitionBy: ["k"]) }
    #expect(error?.code == .io && error?.hint?.contains("lower maxOpenPartitions (now 128)") == true, "\(error?.message ?? "") \(error?.hint ?? "")")
    #expect(s.tree.isEmpty)
  }
}
