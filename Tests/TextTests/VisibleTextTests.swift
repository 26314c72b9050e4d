// Role: what a text shows of itself on one line of a terminal.

import Columnar
import Testing

@Suite struct VisibleTextTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var text: String
    var shown: String
  }

  @Test(arguments: [
    Case(testDescription: "plain", text: "a b", shown: "a b"),
    Case(testDescription: "beyond ASCII", text: "é – € 漢 👍", shown: "é – € 漢 👍"),
    Case(testDescription: "line ends and tabs", text: "a\r\nb\tc", shown: "a␍↵b→c"),
    Case(testDescription: "escape", text: "\u{1B}[2J", shown: "␛[2J"),
    Case(testDescription: "delete", text: "a\u{7F}", shown: "a␡"),
    Case(testDescription: "C1 controls", text: "a\u{80}\u{9B}b\u{A0}", shown: "a\\u0080\\u009bb\u{A0}"),
    Case(testDescription: "overrides of direction", text: "user\u{202E}gnp.exe", shown: "user\\u202egnp.exe"),
    Case(testDescription: "embeddings", text: "\u{202A}a\u{202B}b\u{202C}\u{202D}", shown: "\\u202aa\\u202bb\\u202c\\u202d"),
    Case(testDescription: "isolates", text: "\u{2066}a\u{2067}\u{2068}\u{2069}", shown: "\\u2066a\\u2067\\u2068\\u2069"),
    Case(testDescription: "their neighbours", text: "\u{2029}\u{202F}\u{2065}\u{206A}", shown: "\u{2029}\u{202F}\u{2065}\u{206A}"),
  ]) func singleLine(_ item: Case) {
    #expect(VisibleText.singleLine(item.text) == item.shown)
  }
}
