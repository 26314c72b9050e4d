// Role: what texts mean: csv-spectrum's cases, line ends, quotes, blank lines, comments, escapes, ragged records, null words.

import CSV
import Columnar
import Testing

@Suite struct ReadTests {
  /// The cases of csv-spectrum (max ogden, BSD-2), with CR LF where its names say so.
  static let spectrumCases: [(name: String, text: String, rows: [[String]])] = [
    ("comma_in_quotes", "first,last,address,city,zip\nJohn,Doe,120 any st.,\"Anytown, WW\",08123", [["John", "Doe", "120 any st.", "Anytown, WW", "08123"]]),
    ("empty", "a,b,c\n1,\"\",\"\"\n2,3,4", [["1", "", ""], ["2", "3", "4"]]),
    ("empty_crlf", "a,b,c\r\n1,\"\",\"\"\r\n2,3,4", [["1", "", ""], ["2", "3", "4"]]),
    ("escaped_quotes", "a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n", [["1", "ha \"ha\" ha"], ["3", "4"]]),
    ("json", "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\n", [["1", "{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}"]]),
    (
      "location_coordinates", "Contact Phone Number,Location Coordinates,Cities,Counties\n2095257564,37\u{FFFD}36'37.8\"N 121\u{FFFD}2'17.9\"W,Modesto,Stanislaus",
      [["2095257564", "37\u{FFFD}36'37.8\"N 121\u{FFFD}2'17.9\"W", "Modesto", "Stanislaus"]]
    ),
    ("newlines", "a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n", [["1", "2", "3"], ["Once upon \na time", "5", "6"], ["7", "8", "9"]]),
    ("newlines_crlf", "a,b,c\r\n1,2,3\r\n\"Once upon \r\na time\",5,6\r\n7,8,9\r\n", [["1", "2", "3"], ["Once upon \r\na time", "5", "6"], ["7", "8", "9"]]),
    ("quotes_and_newlines", "a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n", [["1", "ha \n\"ha\" \nha"], ["3", "4"]]),
    ("simple", "a,b,c\n1,2,3\n", [["1", "2", "3"]]),
    ("simple_crlf", "a,b,c\r\n1,2,3\r\n", [["1", "2", "3"]]),
    ("utf8", "a,b,c\n1,2,3\n4,5,ʤ\n", [["1", "2", "3"], ["4", "5", "ʤ"]]),
  ]

  @Test(arguments: spectrumCases.indices) func spectrum(_ i: Int) throws {
    let (_, text, rows) = Self.spectrumCases[i]
    #expect(shown(try Reading(inference: allStrings).read(text).rows) == rows)
  }

  static func dialect(_ change: (inout CSVDialect) -> Void) -> CSVDialect {
    var dialect = CSVDialect()
    change(&dialect)
    return dialect
  }

  static let cases: [(name: String, text: String, dialect: CSVDialect, rows: [[String]])] = [
    ("mixed line ends", "a,b\r1,2\r\n3,4\n5,6\r7,8", CSVDialect(), [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]]),
    ("CR only", "a,b\r1,2\r3,4\r", CSVDialect(), [["1", "2"], ["3", "4"]]),
    ("blank lines", "\n\na,b\n\n1,2\n\r\n\n3,4\n\n", CSVDialect(), [["1", "2"], ["3", "4"]]),
    ("blank lines of one column are nulls", "a\n1\n\n3\n", CSVDialect(), [["1"], ["∅"], ["3"]]),
    ("no line end at the end", "a,b\n1,\"x\"", CSVDialect(), [["1", "x"]]),
    ("separator at the end", "a,b\n1,", CSVDialect(), [["1", "∅"]]),
    ("quotes inside", "a,b\n5\" pipe,2\"\n\"x\"y,\"z\" \n", CSVDialect(), [["5\" pipe", "2\""], ["xy", "z "]]),
    ("quoted separator then junk", "a,b\n\"1,2\"3,4\n", CSVDialect(), [["1,23", "4"]]),
    ("null and empty", "a,b\n,\"\"\n\"\",\n", CSVDialect(), [["∅", ""], ["", "∅"]]),
    ("only quotes", "a,b\n\"\"\"\",\"\"\"\"\"\"\n", CSVDialect(), [["\"", "\"\""]]),
    ("tab", "a\tb\n1\t\"x\ty\"\n", dialect { $0.separator = 9 }, [["1", "x\ty"]]),
    ("no quotes", "a,b\n\"1,2\"\n", dialect { $0.quote = nil }, [["\"1", "2\""]]),
    ("comment", "#x,y,\"\na,b\n#\"1\n1,2\n#\n3,#4\n", dialect { $0.comment = 35 }, [["1", "2"], ["3", "#4"]]),
    ("backslash", "a,b\n\"x\\\"y\",\"c\\\\\"\n\"\\n\",\\\"\n", dialect { $0.escape = 92 }, [["x\"y", "c\\"], ["\\n", "\\\""]]),
    ("backslash before line end", "a,b\n\"x\\\"\n,y\",2\n", dialect { $0.escape = 92 }, [["x\"\n,y", "2"]]),
    ("trim", "a , b\n 1 ,\t\"x \" \n", dialect { $0.trimsLeading = true; $0.trimsTrailing = true }, [["1", "x "]]),
    ("no trim", "a,b\n 1 , \"x\"\n", CSVDialect(), [[" 1 ", " \"x\""]]),
    ("line end of the user", "a,b;1,\"x;y\";2,z", dialect { $0.lineEnd = 59 }, [["1", "x;y"], ["2", "z"]]),
    ("NUL bytes", "a,b\n\0,x\0y\n", CSVDialect(), [["\0", "x\0y"]]),
  ]

  @Test(arguments: cases.indices) func dialects(_ i: Int) throws {
    let (name, text, dialect, rows) = Self.cases[i]
    #expect(shown(try Reading(dialect: dialect, inference: allStrings).read(text).rows) == rows, "\(name)")
  }

  /// Every block size, as file and as stream, with batches of one row: the same rows, the same bad records.
  @Test(arguments: spectrumCases.indices, [false, true]) func splittingChangesNothing(_ i: Int, _ isStream: Bool) throws {
    try expectSplittingChangesNothing(Self.spectrumCases[i].text, CSVDialect(), isStream)
  }

  @Test(arguments: cases.indices, [false, true]) func splittingDialectsChangesNothing(_ i: Int, _ isStream: Bool) throws {
    try expectSplittingChangesNothing(Self.cases[i].text, Self.cases[i].dialect, isStream)
  }

  private func expectSplittingChangesNothing(_ text: String, _ dialect: CSVDialect, _ isStream: Bool) throws {
    let whole = try Reading(dialect: dialect, inference: allStrings).read(text)
    for blockSize in 1...max(2, text.utf8.count + 1) {
      let cut = try Reading(dialect: dialect, inference: allStrings, blockSize: blockSize, isStream: isStream, maxRows: 1).read(text)
      #expect(cut.rows == whole.rows, "blocks of \(blockSize)")
      #expect(cut.bad == whole.bad, "blocks of \(blockSize)")
    }
  }

  /// Random texts of the bytes that matter: all ways of cutting agree, and so does a plain automaton.
  @Test(arguments: 0..<60) func randomTexts(_ seed: Int) throws {
    var rng = Seeded(state: UInt64(seed))
    let alphabet: [UInt8] = Array("\"\"\",,,\n\n\rab #\\".utf8)
    let dialect = Self.dialect { d in
      if seed % 4 == 1 { d.escape = 92 }
      if seed % 4 == 2 { d.comment = 35 }
      if seed % 5 == 3 { d.trimsLeading = true }
    }
    let bytes = (0..<Int.random(in: 1...400, using: &rng)).map { _ in alphabet.randomElement(using: &rng) ?? 97 }
    let schema = StructType([StructField("a", .string), StructField("b", .string), StructField("c", .string)])
    var inference = InferenceOptions()
    inference.hasHeader = false
    let reading = Reading(dialect: dialect, schema: schema, inference: inference)
    let whole = try reading.read(bytes)
    for blockSize in [1, 2, 3, 7, 16, 63, 64, 65, 128] {
      for isStream in [false, true] {
        var other = reading
        other.blockSize = blockSize
        other.isStream = isStream
        let cut = try other.read(bytes)
        if cut.rows != whole.rows || cut.bad != whole.bad {
          Issue.record("blocks of \(blockSize), stream \(isStream): \(bytes)")
          return
        }
      }
    }
  }

  /// Regular records take the masks, a stray quote at the end sends the chunk to the automaton: both see the same fields.
  @Test(arguments: [false, true]) func masksAndAutomatonAgree(_ hasReturns: Bool) throws {
    var rng = Seeded(state: 5)
    var text = "a,b,c\n"
    for i in 0..<3_000 {
      let quoted = "\"" + String(repeating: ["x", "\"\"", "\n", ","].randomElement(using: &rng) ?? "", count: i % 7) + "\""
      text += "\(i),\(quoted),\(i % 3 == 0 ? "" : "v\(i % 5)")" + (hasReturns ? "\r\n" : "\n")
    }
    let regular = try Reading(inference: allStrings).read(text)
    let irregular = try Reading(inference: allStrings, blockSize: 1 << 20).read(text + "1,2\"3,4\n")
    #expect(regular.rows.count == 3_000)
    #expect(Array(irregular.rows.dropLast()) == regular.rows)
    let parallel = try Reading(inference: allStrings, blockSize: 1_000).read(text)
    #expect(parallel.rows == regular.rows)
  }
}
