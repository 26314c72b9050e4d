// Role: a CSV file written by the program is read equal by PyArrow, DuckDB and Polars: every type, nulls, quoting, line ends inside values.

import Foundation
import Testing

@Suite struct CSVJudgeTests {
  static var python: String? { ProcessInfo.processInfo.environment["KCONNECT_PYTHON"] }

  static let query = #"""
    range i from 0 to 4999 step 1
    | extend h = hash(i, 1000003)
    | project i,
        flag = iff(h % 7 == 0, bool(null), h % 2 == 0),
        small = iff(h % 11 == 0, int(null), toint(h - 500000)),
        wide = iff(h % 13 == 0, long(null), h * 9000000000000 - 4000000000000000),
        real = case(h % 5 == 0, real(null), h % 17 == 0, real(nan), h % 19 == 0, real(+inf), h % 23 == 0, real(-inf), h % 3 == 0, todouble(h), (h - 500000) / 7.0e10),
        amount = iff(h % 6 == 0, decimal(null), todecimal(h) / 100),
        text = tostring(dynamic(["", "plain", "a,b", "say \"hi\"", "two\nlines", "cr\r\nlf", " blanks ", "ü\U0001F600", "NULL", "NA", "1", "#x"])[toint(h % 12)]),
        day = iff(h % 8 == 0, datetime(null), datetime(1900-01-01) + (h % 90000) * 1d),
        moment = iff(h % 9 == 0, datetime(null), datetime(2020-01-01) + (h * 1234567 - 600000000000) * 1microsecond),
        empty = iff(h % 2 == 0, "", "x")
    """#

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON is not set: no PyArrow, DuckDB and Polars to judge"))
  func peersReadWrittenCSV() throws {
    let place = try Place()
    for name in ["values.csv", "values.parquet"] {
      let run = try Program.run(["query", Self.query, "--output", name, "--quiet"], in: place)
      #expect(run.status == 0, "\(run.errors)")
    }
    let judge = Process()
    judge.executableURL = URL(fileURLWithPath: try #require(Self.python))
    judge.arguments = [Program.packageRoot.appendingPathComponent("Tests/CLITests/Judges/csv_readers.py").path, place.url.path]
    let said = Pipe()
    judge.standardOutput = said
    try judge.run()
    let text = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    judge.waitUntilExit()
    #expect(judge.terminationStatus == 0, "\(text)")
    #expect(text.contains("5000 rows, 0 disagreements"))
  }
}
