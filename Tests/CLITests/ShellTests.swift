// The shell on a pseudo-terminal and over standard input, and charts.

import Foundation
import Testing

/// Talks to the shell as a terminal would.
private func converse(_ steps: [(String, String)], _ arguments: [String], in place: Place, environment: [String: String] = [:]) throws -> (status: Int32, shown: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  let script = Program.packageRoot.appendingPathComponent("Tests/CLITests/Terminal/terminal.py").path
  let json = String(decoding: try JSONSerialization.data(withJSONObject: steps.map { [$0.0, $0.1] }), as: UTF8.self)
  process.arguments = ["python3", script, json, Program.path] + arguments
  process.currentDirectoryURL = place.url
  var variables = ProcessInfo.processInfo.environment
  for name in ["COLUMNS", "LINES", "NO_COLOR", "KCONNECT_CONFIG", "KCONNECT_STORE"] { variables[name] = nil }
  variables["TERM"] = "xterm-256color"
  variables["KCONNECT_HISTORY"] = place.file("history")
  variables.merge(environment) { $1 }
  process.environment = variables
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let output = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

struct ShellTests {
  static let plain = ["shell", "--table", "S=storms.csv"]
  /// What the terminal is sent when the line editor gives it back.
  static let endOfEditing = "\u{1B}[?2004l"

  @Test func answersQueriesAndEnds() throws {
    let place = try Place()
    let (status, shown) = try converse(
      [("expect", "kql> "), ("send", "print answer = 6 * 7;\r"), ("expect", "42"), ("expect", "1 row"), ("expect", "kql> "), ("send", "\u{4}")], Self.plain, in: place, environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
  }

  /// A history that grew over the years is cut when it is read; its end is what the arrow brings back.
  @Test func aLongHistoryIsCut() throws {
    let place = try Place()
    try place.write("history", (0..<100_000).map { "print old = \($0);\n" }.joined() + "print kept = 7;\n")
    let (status, shown) = try converse(
      [("expect", "kql> "), ("send", "\u{1B}[A\r"), ("expect", "kept"), ("expect", "1 row"), ("expect", "kql> "), ("send", "\u{4}")], ["shell"], in: place, environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
    let lines = try place.text("history").split(separator: "\n")
    #expect(lines.count == 2_000 && lines.last == "print kept = 7;")
  }

  @Test func linesJoinUntilAnEmptyOne() throws {
    let place = try Place()
    let (status, shown) = try converse(
      [("expect", "kql> "), ("send", "S\r"), ("expect", "... "), ("send", "| count\r"), ("expect", "... "), ("send", "\r"), ("expect", "Count"), ("expect", "kql> "), ("send", "\\q\r")],
      Self.plain, in: place, environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
  }

  @Test func tabCompletesTablesColumnsAndOperators() throws {
    let place = try Place()
    let (status, shown) = try converse(
      [
        ("expect", "kql> "), ("send", "Storms | summ\t"), ("expect", "summarize "), ("send", "n = cou\t"), ("expect", "count"), ("send", "() by stat\t"), ("expect", "state "),
        ("send", ";\r"), ("expect", "rows,"), ("expect", "kql> "), ("send", "\u{4}"),
      ], ["shell", "--table", "Storms=storms.csv"], in: place, environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
  }

  @Test func controlCCancelsTheQueryOnly() throws {
    let place = try Place()
    let (status, shown) = try converse(
      [
        ("expect", "kql> "), ("send", "range x from 1 to 100000000000 step 1 | summarize sum(x);\r"), ("expect", "sum(x);"), ("expect", Self.endOfEditing), ("signal", "SIGINT"), ("expect", "cancelled"), ("expect", "kql> "),
        ("send", "print 'still here';\r"), ("expect", "│ still here"), ("expect", "kql> "), ("send", "half a query\u{3}"), ("expect", "^C"), ("expect", "kql> "), ("send", "\u{4}"),
      ], Self.plain, in: place, environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
  }

  @Test func historyComesBack() throws {
    let place = try Place()
    let steps: [(String, String)] = [("expect", "kql> "), ("send", "print 'first\\\\x';\r"), ("expect", "1 row"), ("expect", "kql> "), ("send", "\u{4}")]
    _ = try converse(steps, Self.plain, in: place, environment: ["NO_COLOR": "1"])
    #expect(try place.text("history").hasPrefix("print 'first"))
    let (status, shown) = try converse(
      [("expect", "kql> "), ("send", "\u{1B}[A"), ("expect", "print 'first"), ("send", "\r"), ("expect", "1 row"), ("expect", "kql> "), ("send", "\u{4}")], Self.plain, in: place,
      environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
  }

  @Test func editingKeysMoveAndDelete() throws {
    let place = try Place()
    // "print 1;" with the digit put in afterwards, a word deleted with Ctrl-W, and a stray letter taken out.
    let (status, shown) = try converse(
      [("expect", "kql> "), ("send", "print rubbish\u{17};\u{1B}[D7x\u{7F}\r"), ("expect", "│ "), ("expect", "7"), ("expect", "kql> "), ("send", "\u{4}")], Self.plain, in: place, environment: ["NO_COLOR": "1"])
    #expect(status == 0, "\(shown)")
  }

  @Test func renderDrawsOnATerminal() throws {
    let place = try Place()
    let (status, shown) = try converse(
      [("expect", "kql> "), ("send", "S | summarize n = count() by state | top 3 by n | render barchart;\r"), ("expect", "█"), ("expect", "kql> "), ("send", "\u{4}")], Self.plain, in: place)
    #expect(status == 0 && shown.contains("\u{1B}[38;5;") && shown.contains("3 rows, "), "\(shown)")
    let (_, plain) = try converse(
      [("expect", "kql> "), ("send", "S | summarize n = count() by state | top 3 by n | render barchart;\r"), ("expect", "█"), ("expect", "kql> "), ("send", "\u{4}")], Self.plain, in: place,
      environment: ["NO_COLOR": "1"])
    #expect(!plain.contains("\u{1B}[38;5;"))
  }

  @Test func commandsDescribeWhatIsThere() throws {
    let place = try Place()
    let result = try Program.run(Self.plain, in: place, input: "\\d\n\\d S\n\\h join\n\\f strlen\n\\f row_number\n\\timing off\nprint 1;\n\\q\n")
    #expect(result.status == 0, "\(result.errors)")
    for text in ["│ S ", "state", "join kind=", "strlen(", "row_number(", "print_0"] { #expect(result.output.contains(text), "\(text)") }
  }

  @Test func textsOfStandardInputRunOneAfterAnother() throws {
    let place = try Place()
    let result = try Program.run(Self.plain + ["--format", "csv", "--quiet"], in: place, input: "// a comment\nprint a = 1;\n\nprint b = 2\n| extend c = 3\n\nS | count\n")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("a\n1\nb,c\n2,3\nCount\n"))
  }

  /// A line end of Windows is one character of a text, not a line feed behind another one.
  @Test(arguments: [
    ("print a = 1\r\n\r\nprint b = 2\r\n| extend c = 3\r\n", "a\n1\nb,c\n2,3\n"), ("// a comment\r\nprint a = 1;\r\nprint b = 2;\r\n", "a\n1\nb\n2\n"),
    ("\\format json\r\n\\format csv\r\nprint a = 1;\r\n", "a\n1\n"), ("\\i texts\r\nprint b = 2", "a\n1\nb\n2\n"), ("print a = 1\n\r\nprint b = 2", "a\n1\nb\n2\n"),
  ]) func linesThatEndAsOnWindows(_ input: String, _ expected: String) throws {
    let place = try Place()
    try place.write("texts", "print a\r\n= 1;\r\n")
    let result = try Program.run(["shell", "--quiet", "--format", "csv"], in: place, input: input)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output == expected)
  }

  @Test func helpForAFunctionAmongOperators() throws {
    let place = try Place()
    let result = try Program.run(["shell"], in: place, input: "\\h strcat\n\\h jion\n")
    #expect(result.status == 1)
    #expect(result.errors.contains("'strcat' is a function") && result.errors.contains("\\f strcat") && result.errors.contains("did you mean 'join'?"))
  }

  @Test func anErrorIsShownAndTheRestRuns() throws {
    let place = try Place()
    let result = try Program.run(["shell", "--quiet", "--format", "csv"], in: place, input: "print nope;\nprint 5;\n\\x\n")
    #expect(result.status == 1)
    #expect(result.output == "print_0\n5\n")
    #expect(result.errors.contains("nope") && result.errors.contains("unknown command '\\x'"))
  }

  @Test func chartsGoIntoFiles() throws {
    let place = try Place()
    let query = "S | summarize n = count() by state | top 3 by n | render columnchart with (title = 'Storms <by> state')"
    let svg = try Program.run(["query", query, "--table", "S=storms.csv", "--chart", "c.svg"], in: place)
    #expect(svg.status == 0, "\(svg.errors)")
    #expect(svg.output.isEmpty)
    #expect(try !place.text("c.svg").contains("var(") && place.text("c.svg").hasPrefix("<svg") && place.text("c.svg").contains("Storms &lt;by&gt; state"))
    #expect(try Program.run(["query", query, "--table", "S=storms.csv", "--chart", "c.html"], in: place).status == 0)
    #expect(try !place.text("c.html").contains("http://") || place.text("c.html").components(separatedBy: "http://").count == 2)
    #expect(try Program.run(["query", query, "--table", "S=storms.csv", "--chart", "c.png"], in: place).status == 2)
  }

  @Test func renderIsIgnoredWhereRowsGoToAProgram() throws {
    let place = try Place()
    let result = try Program.run(["query", "print x = 1 | render timepivot", "--format", "csv"], in: place)
    #expect(result.status == 0 && result.output == "x\n1\n", "\(result.errors)")
  }
}
