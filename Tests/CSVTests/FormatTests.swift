// Role: the CSV format as the connector sees it: files, compression, encodings, streams, options, bad-records file, real data sets.

import CSV
import Columnar
import DataSource
import Expressions
import FileConnector
import Glibc
import Testing

/// A directory of its own for a test.
final class Scratch {
  let path: String
  init() {
    var template = Array("/tmp/kconnect-csv-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/tmp" }
  }
  deinit { if path != "/tmp" { system("rm -rf '\(path)'") } }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let whole = path + "/" + name
    let out = try OutputFile(creating: whole)
    try bytes.withUnsafeBytes { try out.write($0) }
    try out.close()
    return whole
  }

  func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }
}

/// The folder of real data sets beside the checkout, nil where it is not.
let sharedData: String? = {
  var candidates: [String] = []
  if let raw = getenv("KCONNECT_DATA") { candidates.append(String(cString: raw)) }
  let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  candidates += ["/\(folder)/../shared/data", "/\(folder)/../../shared/data"]
  return candidates.first { access($0 + "/README.md", R_OK) == 0 }
}()

func bytes(of path: String) throws -> [UInt8] {
  let file = try InputFile(path: path)
  var out = [UInt8](repeating: 0, count: file.size ?? 0)
  _ = try out.withUnsafeMutableBytes { try file.pread(into: $0, at: 0) }
  return out
}

/// All rows of a file, read through the format with one scan.
func readFile(_ path: String, schema: StructType? = nil, columns: [String]? = nil, _ options: [(String, String)] = []) throws -> (schema: StructType, rows: [[Scalar]], metrics: ScanMetrics) {
  let format = CSVFormat()
  let checked = try DataSourceOptions(source: "csv", specs: format.options, given: options, use: .read)
  let table = try format.open(try InputFile(path: path), schema: schema, options: checked)
  let scan = try table.scan(ScanRequest(columns: columns ?? table.schema.names), context: EvaluationContext(nowTicks: 0, seed: 0))
  var rows: [[Scalar]] = []
  while let morsel = try scan.nextMorsel() {
    try morsel.read { batch in
      #expect(batch.brokenInvariant() == nil)
      for i in 0..<batch.rowCount { rows.append(batch.row(i)) }
      return true
    }
  }
  return (table.schema, rows, scan.metrics)
}

func writeFile(_ path: String, _ batches: [RecordBatch], _ options: [(String, String)] = []) throws {
  let format = CSVFormat()
  let checked = try DataSourceOptions(source: "csv", specs: format.options, given: options, use: .write)
  let file = try OutputFile(creating: path)
  let writer = try format.makeWriter(file, schema: batches[0].schema, options: checked)
  for batch in batches { try writer.append(try writer.encode([batch])) }
  try writer.finish()
  try file.close()
}

func failure(_ body: () throws -> Void) -> KConnectError? {
  do {
    try body()
    return nil
  } catch {
    return error as? KConnectError
  }
}

@Suite struct FormatTests {
  let scratch = Scratch()

  static let batch: RecordBatch = {
    let schema = StructType([StructField("id", .long), StructField("name", .string), StructField("at", .datetime)])
    let n = 5_000
    return RecordBatch(
      schema: schema,
      columns: [
        .of(.long, (0..<n).map { .long(Int64($0)) }), .of(.string, (0..<n).map { $0 % 10 == 0 ? .null(.string) : .string("na\"me,\($0)") }),
        .of(.datetime, (0..<n).map { .datetime(Int64($0) * CivilTime.ticksPerSecond) }),
      ])
  }()

  @Test(arguments: ["x.csv", "x.csv.gz", "x.csv.zst", "x.tsv", "x.psv.gz"]) func writtenFilesAreRead(_ name: String) throws {
    let path = scratch.path + "/" + name
    try writeFile(path, [Self.batch, Self.batch.slice(0..<100)])
    let result = try readFile(path, [("sampleBytes", "4096")])
    #expect(result.schema == Self.batch.schema)
    #expect(result.rows == (0..<5_000).map { Self.batch.row($0) } + (0..<100).map { Self.batch.row($0) })
    #expect(result.metrics.notes.isEmpty)
    #expect(try readFile(path, columns: ["at"]).rows.count == 5_100)
  }

  /// Dates first, times later: the later chunk of dates is written again with times.
  @Test func datesTurnIntoDatetimes() throws {
    let schema = StructType([StructField("t", .datetime)])
    func batch(_ texts: [String]) -> RecordBatch { RecordBatch(schema: schema, columns: [.of(.datetime, texts.map { ScalarText.parse($0, as: .datetime) ?? .null(.datetime) })]) }
    let path = scratch.path + "/t.csv"
    try writeFile(path, [batch(["2020-01-01"]), batch(["2020-01-01T01:00:00Z"]), batch(["2020-01-03"])])
    #expect(String(decoding: try bytes(of: path), as: UTF8.self) == "t\n2020-01-01\n2020-01-01T01:00:00Z\n2020-01-03T00:00:00Z\n")
  }

  @Test(arguments: [
    ("UTF-16LE", [0xFF, 0xFE, 0x61, 0, 0x0A, 0, 0xE9, 0, 0x3D, 0xD8, 0x00, 0xDE, 0x0A, 0], "é\u{1F600}"), ("UTF-16BE", [0, 0x61, 0, 0x0A, 0, 0xE9, 0, 0x0A], "é"),
    ("ISO-8859-1", [0x61, 0x0A, 0xE9, 0x80, 0x0A], "é\u{80}"), ("windows-1252", [0x61, 0x0A, 0xE9, 0x80, 0x0A], "é€"), ("utf8", [0xEF, 0xBB, 0xBF, 0x61, 0x0A, 0xC3, 0xA9], "é"),
  ] as [(String, [UInt8], String)]) func encodings(_ name: String, _ bytes: [UInt8], _ text: String) throws {
    let result = try readFile(try scratch.file("e.csv", bytes), [("encoding", name)])
    #expect(result.schema.names == ["a"])
    #expect(result.rows == [[.string(text)]])
  }

  @Test func pipesAreRead() throws {
    let path = scratch.path + "/fifo"
    mkfifo(path, 0o600)
    let source = try scratch.file("big.csv", "a,b\n" + (0..<200_000).map { "\($0),\"x\ny\"\n" }.joined())
    system("cat '\(source)' > '\(path)' &")
    let result = try readFile(path, [("sampleBytes", "64kb")])
    #expect(result.rows.count == 200_000)
    #expect(result.rows.last == [.long(199_999), .string("x\ny")])
  }

  @Test func damagedCompressionIsNamed() throws {
    let path = scratch.path + "/x.csv.gz"
    try writeFile(path, [Self.batch])
    let cut = try scratch.file("cut.csv.gz", Array(try bytes(of: path).dropLast(2_000)))
    #expect(failure { _ = try readFile(cut) }?.code == .formatCorrupt)
    let garbage = try scratch.file("garbage.csv.zst", "no zstd at all")
    #expect(failure { _ = try readFile(garbage) }?.message.contains("garbage.csv.zst") == true)
  }

  @Test func errorsNameFileLineColumnAndHint() throws {
    let path = try scratch.file("bad.csv", "id,n\n1,2\n2,x\n")
    let error = failure { _ = try readFile(path, schema: StructType([StructField("id", .long), StructField("n", .long)]), [("mode", "failfast")]) }
    #expect(error?.code == .valueInvalid)
    #expect(error?.message == "'\(path)', line 3, column 'n': found 'x', expected long")
    #expect(error?.hint != nil)
    let late = try scratch.file("late.csv", "n\n" + String(repeating: "1\n", count: 5_000) + "oops\n")
    let misfit = failure { _ = try readFile(late, [("sampleBytes", "4096")]) }
    #expect(misfit?.message == "'\(late)', line 5002, column 'n': found 'oops', expected long")
    #expect(try readFile(late, [("sampleBytes", "4096"), ("mode", "PERMISSIVE")]).rows.last == [.null(.long)])
    #expect(try readFile(late).rows.last == [.string("oops")])
    #expect(try readFile(late).metrics.notes == ["\(late): column 'n': long in the first records, string because of 'oops' in line 5002"])
  }

  @Test(arguments: [
    ("sep", "||", "NOT_SUPPORTED"), ("sep", "\n", "OPTION_INVALID"), ("quote", "ab", "OPTION_INVALID"), ("quote", ",", "OPTION_INVALID"), ("encoding", "EBCDIC", "NOT_SUPPORTED"),
    ("timestampFormat", "QQQ", "OPTION_INVALID"), ("samplingRatio", "2", "OPTION_INVALID"), ("lineSep", "\\r\\n\\n", "NOT_SUPPORTED"), ("mode", "LAX", "OPTION_INVALID"),
    ("seperator", ";", "OPTION_UNKNOWN"), ("quoteAll", "true", "OPTION_INVALID"), ("locale", "de", "NOT_SUPPORTED"),
  ]) func optionsAreChecked(_ name: String, _ value: String, _ code: String) throws {
    let path = try scratch.file("o.csv", "a,b\n1,2\n")
    #expect(failure { _ = try readFile(path, [(name, value)]) }?.code.description == code)
  }

  @Test func headersCanBeEnforced() throws {
    let path = try scratch.file("h.csv", "b,a\n1,2\n")
    let schema = StructType([StructField("a", .long), StructField("b", .long)])
    #expect(try readFile(path, schema: schema).rows == [[.long(1), .long(2)]])
    let error = failure { _ = try readFile(path, schema: schema, [("enforceSchema", "false")]) }
    #expect(error?.message.hasSuffix("line 1, column 1: found 'b' in the header, expected 'a' as in the schema") == true)
  }

  @Test func filesWithoutColumnsAreRefused() throws {
    #expect(failure { _ = try readFile(try scratch.file("blank.csv", "\n\n\n")) }?.code == .schemaMismatch)
    #expect(try readFile(try scratch.file("names.csv", "a,b")).rows.isEmpty)
  }

  @Test func corruptRecordColumn() throws {
    let path = try scratch.file("c.csv", "a,b\n1,x\nz,y\n")
    let schema = try StructType(ddl: "a:long, bad:string, b:string")
    let result = try readFile(path, schema: schema, [("columnNameOfCorruptRecord", "bad")])
    #expect(result.rows == [[.long(1), .null(.string), .string("x")], [.null(.long), .string("z,y"), .string("y")]])
  }

  // MARK: - Real data

  private func unpacked(_ name: String) throws -> String {
    let data = try #require(sharedData)
    let path = scratch.path + "/" + name
    #expect(system("zstd -q -d '\(data)/\(name).zst' -o '\(path)'") == 0)
    return path
  }

  @Test(.enabled(if: sharedData != nil, "no data sets beside the checkout (../shared/data)"))
  func occupancy() throws {
    func counts(_ name: String) throws -> [Scalar: Int] {
      let path = try unpacked(name)
      let refused = failure { _ = try readFile(path) }
      #expect(refused?.hint?.contains("indexColumn") == true)
      let result = try readFile(path, columns: ["Occupancy"], [("indexColumn", "row")])
      #expect(result.schema.description == "row:long, date:datetime, Temperature:real, Humidity:real, Light:real, CO2:real, HumidityRatio:real, Occupancy:long")
      return result.rows.reduce(into: [:]) { $0[$1[0], default: 0] += 1 }
    }
    #expect(try counts("occupancy_datatraining.txt") == [.long(0): 6_414, .long(1): 1_729])
    let first = try counts("occupancy_datatest.txt"), second = try counts("occupancy_datatest2.txt")
    #expect(first.merging(second, uniquingKeysWith: +) == [.long(0): 9_396, .long(1): 3_021])
  }

  @Test(.enabled(if: sharedData != nil, "no data sets beside the checkout (../shared/data)"), arguments: [false, true])
  func clickStream(_ isCompressed: Bool) throws {
    let path = try unpacked("apache_weblog_pipe.psv")
    var lines = String(decoding: try bytes(of: path), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let schema = try StructType(
      ddl: "SessionId:string,UserId:long,ClientIP:string,Method:string,Url:string,StatusCode:int,Bytes:long,ReferralURL:string,UserAgent:string,PageStopDuration:long,Action:string,TransactionDate:datetime")
    let options = [("timestampFormat", "M/d/yyyy h:mm:ss a"), ("mode", "DROPMALFORMED"), ("badRecordsPath", scratch.path + "/bad.ndjson")]
    let clean = try readFile(path, schema: schema, options)
    #expect(clean.rows.count == 9_999)
    #expect(clean.metrics.notes.isEmpty)
    let bad = ["13/45/2015 10:05:00 AM", "yesterday", "5/17/2015", "2/30/2015 1:00:00 AM", "5/17/2015 25:00:00 AM"]
    for k in 0..<100 {
      var fields = lines[1 + k * 99].split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      fields[11] = bad[k % bad.count]
      lines[1 + k * 99] = fields.joined(separator: "|")
    }
    let injected = try scratch.file("injected.psv", lines.joined(separator: "\n"))
    if isCompressed { system("zstd -q '\(injected)'") }
    let result = try readFile(isCompressed ? injected + ".zst" : injected, schema: schema, options)
    #expect(result.rows.count == 9_899)
    #expect(result.metrics.notes.first?.contains("100 malformed records were dropped; the first: line 2, column 'TransactionDate': found '13/45/2015 10:05:00 AM'") == true)
    let listed = String(decoding: try bytes(of: scratch.path + "/bad.ndjson"), as: UTF8.self).split(separator: "\n")
    #expect(listed.count == 100)
    let numbers = listed.compactMap { $0.split(separator: "\"line\":").last?.split(separator: ",").first }.compactMap { Int($0) }
    #expect(numbers.sorted() == (0..<100).map { 2 + $0 * 99 })
    #expect(listed.allSatisfy { $0.contains("column 'TransactionDate': found") && $0.contains("'M/d/yyyy h:mm:ss a'") })
  }

  @Test(.enabled(if: sharedData != nil, "no data sets beside the checkout (../shared/data)"))
  func stormEvents() throws {
    let result = try readFile(try unpacked("storm_events_noaa_sample.csv"))
    #expect(result.rows.count == 15_028)
    #expect(result.schema.field("StartTime")?.type == .datetime)
    #expect(result.schema.field("BeginLat")?.type == .real)
  }
}
