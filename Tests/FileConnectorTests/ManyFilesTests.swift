// Directories whose files differ, beyond those that types are guessed from; targets that hold other people's files; lists of bad records.

import Columnar
import DataSource
import FileConnector
import Testing

private let csv = FileProvider(CSVFormat())
private let json = FileProvider(JSONFormat())
private let parquet = FileProvider(ParquetFormat())

@Suite struct ManyFilesTests {
  struct Odd: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let code: KConnectError.Code
    let words: String
  }

  /// Twenty files, the fourth of which is different; it is none of the eight that are looked at first.
  private func fill(_ s: Scratch, _ ext: String, _ odd: String, _ usual: (Int) -> String) {
    for i in 0..<20 { s.put("in/f\(i < 10 ? "0" : "")\(i).\(ext)", i == 3 ? odd : usual(i)) }
  }

  @Test(arguments: [
    Odd(testDescription: "columns in another order", text: "y,x\n1,3\n", code: .schemaMismatch, words: "found 'y' in the header, expected 'x' as in the other files"),
    Odd(testDescription: "one column more", text: "x,y,z\n3,1,99\n", code: .schemaMismatch, words: "found 'z' in the header, expected nothing"),
    Odd(testDescription: "one column less", text: "x\n3\n", code: .schemaMismatch, words: "expected 'y'"),
    Odd(testDescription: "a word among numbers", text: "x,y\nabc,1\n", code: .valueInvalid, words: "found 'abc', expected long"),
    Odd(testDescription: "a fraction among integers", text: "x,y\n3,2.5\n", code: .valueInvalid, words: "'2.5'"),
  ]) func oddCSV(_ odd: Odd) throws {
    let s = Scratch()
    fill(s, "csv", odd.text) { "x,y\n\($0),\($0)\n" }
    let error = thrown { _ = try readRows(try openTable(csv, [s("in")])) }
    #expect(error?.code == odd.code)
    #expect(error?.message.contains("f03.csv") == true && error?.message.contains(odd.words) == true, "\(error?.message ?? "no error")")
  }

  @Test func whatTheUserSaysCounts() throws {
    let s = Scratch()
    fill(s, "csv", "y,x\n1,3\n") { "x,y\n\($0),\($0)\n" }
    let byName = try openTable(csv, [s("in")], options: ["mergeSchema": "true"])
    #expect(try readRows(byName, columns: ["x", "y"])[3] == [.long(3), .long(1)])
    let byPosition = try openTable(csv, [s("in")], schema: try StructType(ddl: "x:long, y:long"))
    #expect(try readRows(byPosition)[3] == [.long(1), .long(3)])
    fill(s, "csv", "x,y\nabc,1\n") { "x,y\n\($0),\($0)\n" }
    #expect(try readRows(try openTable(csv, [s("in")], options: ["mode": "PERMISSIVE"]))[3] == [.null(.long), .long(1)])
  }

  @Test(arguments: [
    Odd(testDescription: "a word among numbers", text: #"{"x":"abc","y":2}"#, code: .valueInvalid, words: "column 'x': found \"abc\", expected long"),
    Odd(testDescription: "a fraction among integers", text: #"{"x":1,"y":2.5}"#, code: .valueInvalid, words: "found 2.5"),
    Odd(testDescription: "a member that no other has", text: #"{"x":1,"y":2,"z":7}"#, code: .valueInvalid, words: "found a member 'z'"),
  ]) func oddJSON(_ odd: Odd) throws {
    let s = Scratch()
    fill(s, "json", odd.text + "\n") { "{\"x\":\($0),\"y\":\($0)}\n" }
    let error = thrown { _ = try readRows(try openTable(json, [s("in")])) }
    #expect(error?.code == odd.code)
    #expect(error?.message.contains("f03.json") == true && error?.message.contains(odd.words) == true, "\(error?.message ?? "no error")")
    #expect(try readRows(try openTable(json, [s("in")], options: ["mode": "PERMISSIVE"])).count == 20)
    // A member without a value says nothing new.
    fill(s, "json", "{\"x\":3,\"z\":null}\n") { "{\"x\":\($0),\"y\":\($0)}\n" }
    #expect(try readRows(try openTable(json, [s("in")]))[3] == [.long(3), .null(.long)])
  }

  @Test func badRecordsReplaceNothingElse() throws {
    let s = Scratch()
    let text = "a,b\n1,2\nx,3\n"
    s.put("a.csv", text)
    s.put("notes.txt", "mine\n")
    let schema = try StructType(ddl: "a:long, b:long")
    for name in ["a.csv", "notes.txt"] {
      let error = thrown { _ = try readRows(try openTable(csv, [s("a.csv")], schema: schema, options: ["badRecordsPath": s(name)])) }
      #expect(error?.code == (name == "a.csv" ? .optionInvalid : .alreadyExists), "\(error?.message ?? "no error")")
    }
    #expect(try readSmall(s("a.csv")) == text)
    #expect(try readSmall(s("notes.txt")) == "mine\n")
    for _ in 0..<2 { #expect(try readRows(try openTable(csv, [s("a.csv")], schema: schema, options: ["badRecordsPath": s("bad.json")])).count == 2) }
    #expect(try readSmall(s("bad.json")).split(separator: "\n").count == 1)
    s.put("a.csv", "a,b\n1,2\n")
    // A table that is opened and not read leaves the list of the last run alone.
    _ = try openTable(csv, [s("a.csv")], schema: schema, options: ["badRecordsPath": s("bad.json")])
    #expect(try readSmall(s("bad.json")).isEmpty == false)
    _ = try readRows(try openTable(csv, [s("a.csv")], schema: schema, options: ["badRecordsPath": s("bad.json")]))
    #expect(try readSmall(s("bad.json")) == "")
  }

  @Test(arguments: [".env", "notes.txt", "part-list", "x/.hidden", "report.pdf"]) func overwriteLeavesOthersAlone(_ name: String) throws {
    let s = Scratch()
    let rows = try batch("a:long", [[.long(1)]])
    try writeRows(csv, s("t"), [rows])
    s.put("t/_SUCCESS", "")
    s.put("t/.part-00000.csv.crc", "crc")
    s.put("t/part-00001", "2\n")
    try writeRows(parquet, s("t"), [rows], mode: .overwrite)
    #expect(s.tree.filter { !$0.hasSuffix(".parquet") } == ["t/"])
    s.put("t/\(name)", "mine")
    #expect(thrown { try writeRows(parquet, s("t"), [rows], mode: .overwrite) }?.code == .alreadyExists)
    #expect(try readSmall(s("t/\(name)")) == "mine")
  }

  @Test func appendsToFilesOfOtherForms() throws {
    let s = Scratch()
    let rows = try batch("a:long, b:string", [[.long(1), .string("x")]])
    for _ in 0..<2 { try writeRows(csv, s("bare"), [rows], mode: .append, options: ["header": "false"]) }
    #expect(try readRows(try openTable(csv, [s("bare")], options: ["header": "false"])).count == 2)
    #expect(thrown { try writeRows(csv, s("bare"), [try batch("a:long", [[.long(1)]])], mode: .append, options: ["header": "false"]) }?.code == .schemaMismatch)
    for compression in ["gzip", "zstd", "none"] { try writeRows(csv, s("packed"), [rows], mode: .append, options: ["compression": compression]) }
    #expect(try readRows(try openTable(csv, [s("packed")])).count == 3)
  }

  @Test func theQuoteEscapesItself() throws {
    let s = Scratch()
    let rows = try batch("a:string", [[.string("it's")], [.string("say \"hi\"")], [.string("both ' and \"")]])
    try writeRows(csv, s("q.csv"), [rows], options: ["quote": "'"])
    #expect(try readSmall(s("q.csv")) == "a\n'it''s'\nsay \"hi\"\n'both '' and \"'\n")
    #expect(try readRows(try openTable(csv, [s("q.csv")], options: ["quote": "'"])) == rows.columns[0].scalars.map { [$0] })
  }

  @Test func defectiveJSONIsCounted() throws {
    let s = Scratch()
    s.put("m.json", "{\"x\":1,\"y\":2}\n{\"x\":3,\"y\":\n{\"x\":5,\"y\":6}\n")
    var notes: [String] = []
    let rows = try readRows(try openTable(json, [s("m.json")]), columns: ["x"]) { notes = $0.notes }
    #expect(rows == [[.long(1)], [.null(.long)], [.long(5)]])
    #expect(notes.count == 1 && notes[0].contains("1 record has defects; the first: byte 2"), "\(notes)")
  }

  @Test func longIntegersStayExact() throws {
    let s = Scratch()
    s.put("n.json", "{\"id\":12345678901234567890,\"t\":\"2024-01-01T00:00:00.123456789Z\"}\n{\"id\":7,\"t\":\"2024-01-01T00:00:00Z\"}\n")
    let table = try openTable(json, [s("n.json")])
    #expect(table.schema.fields.map(\.type) == [.decimal, .string])
    #expect(try readRows(table).map { "\($0[0])" }.first?.contains("12345678901234567890") == true)
  }

  /// A first record longer than the sample that columns are inferred from.
  @Test func longFirstRecords() throws {
    let s = Scratch()
    let text = String(repeating: "x", count: 20 << 20)
    s.put("long.json", "{\"a\":1,\"s\":\"\(text)\"}\n{\"a\":2,\"s\":\"y\"}\n")
    #expect(try readRows(try openTable(json, [s("long.json")]), columns: ["a"]) == [[.long(1)], [.long(2)]])
    s.put("array.json", "[{\"a\":1,\"s\":\"y\"},{\"a\":2,\"s\":\"\(text)\"}]")
    #expect(try readRows(try openTable(json, [s("array.json")]), columns: ["a"]) == [[.long(1)], [.long(2)]])
  }
}
