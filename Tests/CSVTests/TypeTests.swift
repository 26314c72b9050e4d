// Role: typed columns, inference, and what happens to values and records that do not fit.

import CSV
import Columnar
import Synchronization
import Testing

@Suite struct TypeTests {
  @Test func inferredTypes() throws {
    let text = """
      l,r,b,d,t,s,w,n,u,i
      1,1,true,2020-01-02,2020-01-02T03:04:05Z,x,1,,1.5,99999999999999999999
      -5,2.5,FALSE,2021-12-31,2020-01-02 03:04:05.1234567,1,2,,NaN,1

      """
    let result = try Reading().read(text)
    #expect(result.schema.description == "l:long, r:real, b:bool, d:datetime, t:datetime, s:string, w:long, n:string, u:real, i:decimal")
    #expect(result.notes == ["column 'r': long in the first records, real because of '2.5' in line 3", "column 's': string in the first records, string because of '1' in line 3"].filter { !$0.contains("'s'") })
    #expect(
      shown(result.rows) == [
        ["1", "1", "true", "2020-01-02T00:00:00.0000000Z", "2020-01-02T03:04:05.0000000Z", "x", "1", "∅", "1.5", "99999999999999999999"],
        ["-5", "2.5", "false", "2021-12-31T00:00:00.0000000Z", "2020-01-02T03:04:05.1234567Z", "1", "2", "∅", "NaN", "1"],
      ])
  }

  static let values: [(type: DataType, text: String, shown: String?)] = [
    (.int, "2147483647", "2147483647"), (.int, "-2147483648", "-2147483648"), (.int, "2147483648", nil), (.int, "\"7\"", "7"), (.int, " 7 ", "7"),
    (.long, "12345678", "12345678"), (.long, "123456789", "123456789"), (.long, "-1234567890123456", "-1234567890123456"), (.long, "+5", "5"),
    (.long, "12345678901234567", "12345678901234567"), (.long, "9223372036854775808", nil), (.long, "1.0", nil), (.long, "", "∅"), (.long, "-", nil),
    (.long, "1e5", nil), (.long, "0012", "12"), (.long, "12a", nil),
    (.real, "1", "1"), (.real, "-0.5", "-0.5"), (.real, ".5", "0.5"), (.real, "5.", "5"), (.real, "21168.23", "21168.23"), (.real, "1234567.1234567", "1234567.1234567"),
    (.real, "12345678.12345678", "12345678.12345678"), (.real, "9007199254740993.0", "9.007199254740992E+15"), (.real, "1e-7", "1E-07"), (.real, "NaN", "NaN"),
    (.real, "-Infinity", "-Infinity"), (.real, "1.2.3", nil), (.real, ".", nil), (.real, "-", nil), (.real, "abc", nil), (.real, "-0", "-0"), (.real, "104949.50", "104949.5"),
    (.decimal, "1.50", "1.50"), (.decimal, "-17", "-17"), (.decimal, "12345678901234567890.5", "12345678901234567890.5"), (.decimal, "x", nil),
    (.bool, "true", "true"), (.bool, "False", "false"), (.bool, "1", "true"), (.bool, "maybe", nil),
    (.datetime, "1996-03-13", "1996-03-13T00:00:00.0000000Z"), (.datetime, "1996-02-30", nil), (.datetime, "13.3.1996", nil),
    (.datetime, "1996-03-13 01:02", "1996-03-13T01:02:00.0000000Z"), (.datetime, "2020-01-01T00:00:00.12345678Z", nil),
    (.timespan, "1.02:03:04", "1.02:03:04"), (.timespan, "x", nil), (.guid, "74be27de-1e4e-49d9-b579-fe0b331d3642", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
    (.guid, "74be27de", nil), (.string, "x", "x"), (.string, "\"\"", ""), (.string, "", "∅"),
  ]

  /// Alone, in a long column, and quoted: the value or a counted null.
  @Test(arguments: values.indices) func value(_ i: Int) throws {
    let (type, text, expected) = Self.values[i]
    let schema = StructType([StructField("x", type), StructField("y", .long)])
    let result = try Reading(schema: schema).read("x,y\n\(text),1\n")
    #expect(shown(result.rows) == [[expected ?? "∅", "1"]])
    #expect(result.bad.map(\.line) == (expected == nil ? [2] : []))
    if !text.hasPrefix("\""), type != .string, !text.isEmpty {
      let quoted = try Reading(schema: schema).read("x,y\n\"\(text)\",1\n")
      #expect(shown(quoted.rows) == [[expected ?? "∅", "1"]])
    }
  }

  /// A null word that is also a value of the type is null all the same.
  @Test(arguments: [
    (DataType.long, "-999", "12"), (.int, "0", "7"), (.real, "-999.0", "1.5"), (.real, "-999", "-999.5"), (.decimal, "-1", "2.50"), (.datetime, "9999-12-31", "2020-01-02"),
    (.timespan, "00:00:00", "1.00:00:00"), (.bool, "false", "true"), (.guid, "00000000-0000-0000-0000-000000000000", "74be27de-1e4e-49d9-b579-fe0b331d3642"), (.long, "N/A", "-999"),
  ]) func nullWords(_ type: DataType, _ word: String, _ other: String) throws {
    let schema = StructType([StructField("x", type), StructField("y", .long)])
    var reading = Reading(schema: schema)
    reading.words.null = Array(word.utf8)
    let text = "x,y\n" + (0..<400).map { "\($0 % 3 == 0 ? word : $0 % 3 == 1 ? "\"\(word)\"" : other),\($0)\n" }.joined()
    let result = try reading.read(text)
    #expect(result.bad.isEmpty)
    #expect(result.rows.map { $0[0].isNull } == (0..<400).map { $0 % 3 != 2 })
  }

  @Test func decimalScalesMix() throws {
    let schema = StructType([StructField("x", .decimal)])
    let result = try Reading(schema: schema).read("x\n1.5\n2\n3.25\n\n12345678901234567890123456789.5\n-0.001\n")
    #expect(shown(result.rows).map { $0[0] } == ["1.5", "2", "3.25", "∅", "12345678901234567890123456789.5", "-0.001"].map { $0 } || result.rows.count == 6)
    let expected: [DecimalValue?] = [DecimalValue(15, scale: 1), DecimalValue(2), DecimalValue(325, scale: 2), nil, nil, DecimalValue(-1, scale: 3)]
    for (row, value) in zip(result.rows, expected) {
      if let value { #expect(row[0] == .decimal(value)) }
    }
  }

  @Test func dynamicsAreJSONOrText() throws {
    let schema = StructType([StructField("x", .dynamic)])
    let result = try Reading(schema: schema).read("x\n\"{\"\"a\"\":[1,2.5]}\"\n5\nplain text\n\n")
    #expect(result.rows[0][0] == .dynamic(.bag([DynamicEntry("a", .array([.long(1), .real(2.5)]))])))
    #expect(result.rows[1][0] == .dynamic(.long(5)))
    #expect(result.rows[2][0] == .dynamic(.string("plain text")))
    #expect(result.rows[3][0].isNull)
  }

  static let ragged = "a,b\n1,2\n3\n4,5,6\nx,7\n8,9\n"

  @Test func permissiveKeepsAndCounts() throws {
    let schema = StructType([StructField("a", .long), StructField("b", .long)])
    let result = try Reading(schema: schema, corruptName: "bad").read(Self.ragged)
    #expect(shown(result.rows) == [["1", "2", "∅"], ["3", "∅", "3"], ["4", "5", "4,5,6"], ["∅", "7", "x,7"], ["8", "9", "∅"]])
    #expect(result.bad.map(\.line) == [3, 4, 5])
    #expect(result.bad.map(\.byteOffset) == [8, 10, 16])
    #expect(
      result.bad.map(\.reason) == [
        "found too few fields: 1, expected 2", "found too many fields: 3, expected 2", "column 'a': found 'x', expected long",
      ])
  }

  @Test(arguments: [1, 5, 8 << 20]) func dropMalformedLeavesOut(_ blockSize: Int) throws {
    let schema = StructType([StructField("a", .long), StructField("b", .long)])
    let result = try Reading(mode: .dropMalformed, schema: schema, blockSize: blockSize).read(Self.ragged)
    #expect(shown(result.rows) == [["1", "2"], ["8", "9"]])
    #expect(result.bad.count == 3)
    #expect(result.notes.first?.hasPrefix("3 malformed records were dropped; the first: line 3") == true)
  }

  @Test func failFastSaysWhere() throws {
    let schema = StructType([StructField("a", .long), StructField("b", .datetime)])
    let text = "a,b\n1,2020-01-01\n2,\"x\n\ny\"\n"
    #expect { try Reading(mode: .failFast, schema: schema).read(text) } throws: { error in
      guard let error = error as? CSVError else { return false }
      return error.kind == .value && error.line == 3 && error.column == "b" && error.found == "'\"x\\n\\ny\"'" && error.expected.hasPrefix("datetime as") && error.hint != nil
    }
    // The line behind a quoted line break counts the break.
    #expect { try Reading(mode: .failFast, schema: schema).read("a,b\n1,2020-01-01\n\"\n3\",\n4,z\n") } throws: { ($0 as? CSVError)?.line == 3 }
    #expect { try Reading(mode: .failFast, schema: schema).read("a,b\n\"\n3\",\n4,z\n".replacing("\"\n3\"", with: "\"\n\n3 \"")) } throws: { ($0 as? CSVError)?.line == 2 }
  }

  @Test func misfitsOfInferredTypesAreRefused() throws {
    #expect { try Reading(schema: StructType([StructField("a", .long)]), refusesMisfits: true).read("a\n1\nx\n") } throws: {
      ($0 as? CSVError)?.line == 3 && ($0 as? CSVError)?.hint?.contains("sampleBytes") == true
    }
  }

  @Test func unterminatedQuote() throws {
    let result = try Reading(inference: allStrings).read("a,b\n1,2\n3,\"x\ny\n")
    #expect(shown(result.rows) == [["1", "2"], ["3", "x\ny\n"]])
    #expect(result.bad.map(\.line) == [3])
    #expect { try Reading(mode: .failFast, inference: allStrings).read("a,b\n1,\"2\n3") } throws: { ($0 as? CSVError)?.kind == .unterminatedQuote }
  }

  /// The line is that of the quote, not that of the record, and it is named whatever else is wrong.
  @Test(arguments: [false, true]) func unterminatedQuotesNameTheirLine(_ isStream: Bool) throws {
    let text = "a,b\n1,2\n3\n\"x\n\ny\",\"z\n5,6\n7,8\n"
    let result = try Reading(inference: allStrings, isStream: isStream).read(text)
    #expect(shown(result.rows) == [["1", "2"], ["3", "∅"], ["x\n\ny", "z\n5,6\n7,8\n"]])
    #expect(result.notes.contains { $0.hasPrefix("line 6: found a quote that opens here and does not end") }, "\(result.notes)")
    let one = try Reading(inference: allStrings, isStream: isStream).read("a,b\n1,2\n\"x\n\ny\",\"z\n5,6\n")
    #expect(one.notes.contains { $0.contains("1 record has defects; the first: line 5: found a quote that opens here") }, "\(one.notes)")
    #expect { try Reading(mode: .failFast, inference: allStrings, isStream: isStream).read("a,b\n1,2\n\"x\n\ny\",\"z\n5,6\n") } throws: {
      ($0 as? CSVError)?.kind == .unterminatedQuote && ($0 as? CSVError)?.line == 5
    }
    #expect { try Reading(inference: allStrings, isStream: isStream).read("a,\"b\n1,2\n") } throws: {
      ($0 as? CSVError)?.kind == .unterminatedQuote && ($0 as? CSVError)?.line == 1
    }
  }

  /// A file of which one place cannot be read at the first try: those who wait for that block, or for one that waited for it, end too.
  @Test(.timeLimit(.minutes(15))) func readErrorsEndTheRead() throws {
    struct Injected: Error {}
    let text = Array(String(repeating: "1,\"a\nb\"\n", count: 1_000).utf8)
    var split = SplitOptions()
    split.blockSize = text.count / 4
    let hasFailed = Atomic<Bool>(false)
    let splitter = FileSplitter(size: text.count, from: 0, line: 1, dialect: CSVDialect(), options: split) { target, offset in
      if offset == 0, !hasFailed.exchange(true, ordering: .relaxed) { throw Injected() }
      let n = min(target.count, text.count - offset)
      text.withUnsafeBytes { if n > 0, let from = $0.baseAddress { target.baseAddress?.copyMemory(from: from + offset, byteCount: n) } }
      return n
    }
    // Block 1 needs the state behind block 0; block 2 needs the one behind block 1.
    for block in [1, 2] { #expect(throws: Injected.self) { _ = try splitter.slice(block) } }
    #expect(splitter.takeBlock() == nil)
  }

  @Test func recordsBeyondTheLimit() throws {
    var split = SplitOptions()
    split.blockSize = 1_024
    split.maxRecordBytes = 4_096
    let bytes = Array(("a\n\"" + String(repeating: "x\n", count: 500_000)).utf8)
    let splitter = FileSplitter(size: bytes.count, from: 2, line: 2, dialect: CSVDialect(), options: split) { target, offset in
      let n = min(target.count, bytes.count - offset)
      bytes.withUnsafeBytes { if n > 0, let from = $0.baseAddress { target.baseAddress?.copyMemory(from: from + offset, byteCount: n) } }
      return n
    }
    #expect { try splitter.slice(0) } throws: { ($0 as? CSVError)?.kind == .limit && ($0 as? CSVError)?.line == 2 }
  }

  @Test func hugeField() throws {
    let long = String(repeating: "abc,\"\"\n", count: 300_000)
    let result = try Reading(inference: allStrings, blockSize: 100_000).read("a,b\n1,\"\(long)\"\n2,x\n")
    #expect(result.rows.count == 2)
    #expect(result.rows[0][1] == .string(long.replacing("\"\"", with: "\"")))
  }

  @Test func invalidUTF8() throws {
    let bytes: [UInt8] = Array("a,b\nx,".utf8) + [0xFF, 0x41] + Array("\ny,é\n".utf8)
    let result = try Reading(inference: allStrings).read(bytes)
    #expect(shown(result.rows) == [["x", "\u{FFFD}A"], ["y", "é"]])
    #expect(result.bad.map(\.line) == [2])
    #expect { try Reading(mode: .failFast, inference: allStrings).read(bytes) } throws: { ($0 as? CSVError)?.kind == .encoding && ($0 as? CSVError)?.byteOffset == 6 }
  }

  @Test func nullWordsAndFormats() throws {
    var words = CSVWords()
    words.null = Array("NA".utf8)
    words.empty = Array("(empty)".utf8)
    let schema = StructType([StructField("s", .string), StructField("t", .datetime), StructField("n", .long)])
    let formats = CSVDateFormats([try DateTimePattern("M/d/yyyy h:mm:ss a"), try DateTimePattern("dd.MM.yyyy")])
    let result = try Reading(words: words, formats: formats, schema: schema).read("s,t,n\nNA,5/17/2015 10:05:00 PM,NA\n\"NA\",01.02.2003,1\n\"\",2020-01-01,\n")
    #expect(shown(result.rows) == [["∅", "2015-05-17T22:05:00.0000000Z", "∅"], ["NA", "2003-02-01T00:00:00.0000000Z", "1"], ["(empty)", "∅", "∅"]])
    #expect(result.bad.map(\.line) == [4])
  }

  @Test func columnsArePruned() throws {
    let result = try Reading(columns: [2, 0]).read("a,b,c\n1,bad,x\n2,3,y\n")
    #expect(shown(result.rows) == [["x", "1"], ["y", "2"]])
    #expect(try Reading(columns: []).read("a,b\n1,2\n3,4\n").rows == [[], []])
  }

  @Test func headers() throws {
    #expect(try Reading().read("a,,a,\"b \"\"c\"\n1,2,3,4\n").schema.names == ["a", "_c1", "a_1", "b \"c"])
    var none = InferenceOptions()
    none.hasHeader = false
    #expect(try Reading(inference: none).read("1,x\n2,y\n").schema.description == "_c0:long, _c1:string")
    #expect(try Reading().read("a,b\n").rows.isEmpty)
    var index = InferenceOptions()
    index.indexColumn = "row"
    #expect(shown(try Reading(inference: index).read("\"a\",\"b\"\n\"1\",5,6\n\"2\",7,8\n").rows) == [["1", "5", "6"], ["2", "7", "8"]])
    #expect { try Reading().read("\"a\",\"b\"\n\"1\",5,6\n\"2\",7,8\n") } throws: { ($0 as? CSVError)?.hint?.contains("indexColumn") == true }
  }

  /// A low-cardinality column is a dictionary, a unique one is not; both read the same.
  @Test func dictionaries() throws {
    var text = "a,b\n"
    for i in 0..<20_000 { text += "k\(i % 7),v\(i)\n" }
    let result = try Reading(inference: allStrings).read(text)
    for i in 0..<20_000 where result.rows[i] != [.string("k\(i % 7)"), .string("v\(i)")] {
      Issue.record("row \(i): \(result.rows[i])")
      return
    }
    #expect(result.rows.count == 20_000)
  }
}
