// Malformed texts: code and place of each diagnostic, recovery after it, and a few drawings of the whole.

import KQL
import Testing

struct ErrorCase: Sendable, CustomTestStringConvertible {
  var text: String
  /// `KS005 1:9` per diagnostic.
  var found: [String]
  init(_ text: String, _ found: String...) {
    self.text = text
    self.found = found
  }
  var testDescription: String { text }
}

struct DiagnosticTests {
  @Test(arguments: [
    ErrorCase("T | whre a > 1", "KS176 1:5"),
    ErrorCase("T | project-awya a", "KS176 1:5"),
    ErrorCase("T | where a = 1", "KS002 1:13"),
    ErrorCase("T | where (a > 1 | count", "KS005 1:25"),
    ErrorCase("T | where | project a,", "KS006 1:11", "KS006 1:23"),
    ErrorCase("T | take | wher a; U | limit", "KS006 1:10", "KS176 1:12", "KS006 1:29"),
    ErrorCase("T | where a == 'x", "KS003 1:16"),
    ErrorCase("T where a", "KS002 1:3"),
    ErrorCase("where a > 1", "KS174 1:1"),
    ErrorCase("T | where a && b", "KS002 1:13"),
    ErrorCase("T | where a || b", "KS176 1:14"),
    ErrorCase("T | join knd=inner U on k", "KS179 1:10"),
    ErrorCase("print 99999999999999999999", "KS004 1:7"),
    ErrorCase("print 'a\\qb'", "KS004 1:9"),
    ErrorCase("print datetime(now())", "KS004 1:7"),
    ErrorCase("print dynamic({a: 1})", "KS004 1:16"),
    ErrorCase("print datetime(2024", "KS003 1:15"),
    ErrorCase("datatable(a: strng)['x']", "KS160 1:14"),
    ErrorCase(".show tables", "KS900 1:1"),
    ErrorCase("T | sort by a nulls", "KS005 1:20"),
    ErrorCase("T)", "KS002 1:2"),
    ErrorCase("T | where a in b", "KS005 1:16"),
    ErrorCase("let x = ; T | count", "KS006 1:9"),
    ErrorCase("print 1 | take 1 take", "KS002 1:18"),
  ])
  func placesAndCodes(_ item: ErrorCase) {
    let result = KQLParser.parse(item.text)
    let locator = SourceLocator(item.text)
    let found = result.diagnostics.map { diagnostic in
      let (line, column) = locator.lineAndColumn(of: Int(diagnostic.span.start))
      return "\(diagnostic.code) \(line):\(column)"
    }
    #expect(found == item.found, "\(DiagnosticRenderer(text: item.text).render(result.diagnostics))")
  }

  @Test func drawing() {
    let text = "T\n| where x == 'ü漢'\n| projct y"
    let drawn = DiagnosticRenderer(text: text).render(KQLParser.parse(text).diagnostics)
    #expect(
      drawn == """
        error[KS176]: 'projct' is not an operator
          3:3 | | projct y
              |   ^^^^^^
        hint: did you mean 'project'?
        """)
  }

  @Test func caretsFollowDisplayWidth() {
    let text = "print '漢字' , )"
    let drawn = DiagnosticRenderer(text: text).render(KQLParser.parse(text).diagnostics)
    #expect(
      drawn == """
        error[KS006]: expected an expression, found ')'
          1:14 | print '漢字' , )
               |                ^
        hint: remove the ',' before it
        """)
  }

  @Test func longLinesAreCut() {
    let text = "print " + String(repeating: "a + ", count: 100) + ")" + String(repeating: " + b", count: 100)
    let drawn = DiagnosticRenderer(text: text).render(KQLParser.parse(text).diagnostics)
    #expect(drawn.split(separator: "\n").allSatisfy { $0.count < 130 })
    #expect(drawn.contains("..."))
  }

  @Test(arguments: ["(", "[", "{", "not(", "-", "dynamic([", "T | where (", "let f = () {", "a in (", "union (", "dynamic({'a':"])
  func deepNestingIsRefused(_ piece: String) {
    let text = String(repeating: piece, count: 20_000)
    let result = KQLParser.parse(text)
    #expect(!result.isValid)
  }

  @Test(arguments: [" + a", ".b", "[0]", " * 2"])
  func longChainsAreRefused(_ piece: String) {
    let result = KQLParser.parse("print a" + String(repeating: piece, count: 20_000))
    #expect(result.diagnostics.contains { $0.code == .nestingTooDeep })
  }

  @Test func longFlatQueriesAreFine() {
    let terms = (0..<20_000).map { "a == \($0)" }.joined(separator: " or ")
    #expect(KQLParser.parse("T | where \(terms)").isValid)
    #expect(KQLParser.parse("T" + String(repeating: " | where a > 1", count: 5_000)).isValid)
  }
}
