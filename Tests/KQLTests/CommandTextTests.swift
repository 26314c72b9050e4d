// Whether a text is a command is told by its first word, without a look at the rest.

import KQL
import Testing

@Suite struct CommandTextTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var text: String
    var isCommand: Bool
    var testDescription: String { String(text.prefix(40)) }
  }

  static let cases: [Case] = [
    Case(text: ".show tables", isCommand: true), Case(text: "  \t\r\n .show tables", isCommand: true), Case(text: "// what it does\n.show tables", isCommand: true),
    Case(text: "// one\r\n\n  // two\r.show tables", isCommand: true), Case(text: "\u{A0}\u{2003}.show tables", isCommand: true), Case(text: "", isCommand: false),
    Case(text: "// .show tables", isCommand: false), Case(text: "T | take 1", isCommand: false), Case(text: "/ .show", isCommand: false), Case(text: "\u{E9}.show", isCommand: false),
    Case(text: "T\n.show tables", isCommand: false), Case(text: "/", isCommand: false), Case(text: "\u{FEFF}x", isCommand: false),
  ]

  @Test(arguments: cases) func firstWord(_ c: Case) { #expect(CommandParser.isCommand(c.text) == c.isCommand) }

  /// Messages name commands as they are written.
  @Test(arguments: [
    (CommandKind.tableDrop, ".drop table"), (.dataIngestPull, ".ingest into table"), (.dataIngestInline, ".ingest inline into table"), (.tableSetOrAppend, ".set-or-append"),
    (.dataExportToStorage, ".export to"), (.tablesShow, ".show tables"),
  ]) func shownKinds(_ kind: CommandKind, _ shown: String) {
    #expect(kind.shown == shown)
  }

  /// So long a text takes minutes when all of it is looked at each time.
  @Test func longTexts() {
    let text = "print '" + String(repeating: "x", count: 16 << 20) + "'"
    for _ in 0..<10_000 where CommandParser.isCommand(text) { Issue.record("no command") }
  }
}
