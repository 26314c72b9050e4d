// Role: the shell's own commands: `\d T` as in psql, `#connect db` as in Kusto's own command line.

import Columnar
import DataSource

/// A command of the shell with its argument.
struct ShellCommandLine {
  enum Name: CaseIterable {
    case quit, help, describe, databases, connect, functions, operators, timing, format, output, include, chart, history
  }

  let name: Name
  let argument: String

  private static let words: [(word: String, name: Name)] = [
    ("\\q", .quit), ("#quit", .quit), ("#exit", .quit), ("\\?", .help), ("#help", .help), ("\\d", .describe), ("\\l", .databases), ("\\c", .connect),
    ("#connect", .connect), ("\\f", .functions), ("\\h", .operators), ("\\timing", .timing), ("\\format", .format), ("\\o", .output), ("\\i", .include),
    ("\\chart", .chart), ("\\history", .history),
  ]

  /// All words, for completion.
  static var allWords: [String] { words.map(\.word) }

  static let help = """
    A query ends with ';' or an empty line; Ctrl-C cancels it, Ctrl-D ends the shell. Tab completes, Ctrl-R searches the history.
      \\d            tables of the database         \\d T            columns of a table
      \\l            databases                      \\c DB           another database (also #connect DB)
      \\f [NAME]     functions                      \\h [NAME]       operators
      \\format F     table, csv, tsv, json, ndjson, markdown, parquet
      \\o FILE       results go to a file           \\o              … to the terminal again
      \\chart FILE   the last query as SVG or HTML  \\i FILE         runs the texts of a file
      \\timing       rows and time on or off        \\history        the last entries
      \\q            ends the shell

    """

  /// Nil when the text is no command of the shell. Throws USAGE for an unknown one.
  init?(_ text: String) throws {
    guard text.first == "\\" || text.first == "#" else { return nil }
    let end = text.firstIndex(where: \.isWhitespace) ?? text.endIndex
    let word = text[..<end].last == ";" ? String(text[..<end].dropLast()) : String(text[..<end])
    guard let found = Self.words.first(where: { $0.word == word.lowercased() }) else {
      let near = nearestNames(to: word, among: Self.allWords, limit: 1).first
      throw KConnectError(.usage, "unknown command '\(word)'", hint: near.map { "did you mean '\($0)'? \\? lists them" } ?? "\\? lists them")
    }
    name = found.name
    var argument = text[end...]
    while let first = argument.first, first.isWhitespace { argument.removeFirst() }
    while let last = argument.last, last.isWhitespace || last == ";" { argument.removeLast() }
    self.argument = String(argument)
    if self.argument.isEmpty, [.connect, .include, .chart].contains(name) { throw KConnectError(.usage, "\(word): an argument is missing", hint: "\\? shows the commands") }
  }
}
