// The published queries: every one parses, prints to a text that parses to an equal tree, and survives mutation.

import KQL
import Testing

/// Documentation snippets that are no queries: placeholders, ellipses, missing statement separators or stray brackets.
private let notQueries: [String: String] = [
  "docs:query/ai-chat-completion-prompt-plugin#06": "a quote is missing", "docs:query/ai-chat-completion-prompt-plugin#07": "a quote is missing",
  "docs:query/cluster-function#01": "two queries without ';'", "docs:query/cluster-function#02": "two queries without ';'",
  "docs:query/cosmosdb-plugin#01": "JSON policy", "docs:query/mysql-request-plugin#01": "JSON policy",
  "docs:query/postgresql-request-plugin#01": "JSON policy", "docs:query/cross-cluster-or-database-queries#01": "placeholder <...>",
  "docs:query/cross-cluster-or-database-queries#02": "placeholder <...>", "docs:query/cross-cluster-or-database-queries#03": "placeholder <...>",
  "docs:query/cross-cluster-or-database-queries#04": "placeholder <...>", "docs:query/cross-cluster-or-database-queries#09": "'|' is missing",
  "docs:query/cross-cluster-or-database-queries#13": "'|' is missing", "docs:query/datatypes-string-operators#01": "sample data",
  "docs:query/externaldata-operator#02": "ellipsis", "docs:query/find-operator#01": "three queries without ';'",
  "docs:query/find-operator#07": "a bracket is misplaced", "docs:query/functions/user-defined-functions#01": "grammar notation",
  "docs:query/join-cross-cluster#01": "ellipsis", "docs:query/join-cross-cluster#02": "ellipsis", "docs:query/join-cross-cluster#03": "ellipsis",
  "docs:query/join-cross-cluster#04": "ellipsis", "docs:query/let-statement#08": "ellipsis", "docs:query/parse-operator#01": "placeholder <...>",
  "docs:query/parse-where-operator#01": "placeholder <...>", "docs:query/rand-function#01": "two queries without ';'",
  "docs:query/restrict-statement#05": "several queries without ';'", "docs:query/syntax-conventions#04": "grammar notation",
  "docs:query/toscalar-function#03": "fragment without a source", "docs:query/tutorials/common-tasks-microsoft-sentinel#20": "placeholder <...>",
  "docs:query/visualization-timepivot#02": "ellipsis",
]

struct CorpusTests {
  @Test(arguments: ["kql-parse-only.jsonl", "kql-dev.jsonl"])
  func everyQueryParses(_ file: String) {
    let cases = corpus(file)
    if cases.isEmpty { print("skipped: \(file) is not beside the checkout") }
    for item in cases where !item.expectsError && notQueries[item.id] == nil {
      let result = KQLParser.parse(item.query)
      if !result.isValid {
        Issue.record("\(item.id)\n\(DiagnosticRenderer(text: item.query).render(result.diagnostics))")
      }
    }
  }

  @Test(arguments: ["kql-parse-only.jsonl", "kql-dev.jsonl"])
  func printedQueriesParseToTheSameTree(_ file: String) {
    for item in corpus(file) {
      let first = KQLParser.parse(item.query)
      guard first.isValid else { continue }
      let printed = KQLPrinter.print(first.query)
      let second = KQLParser.parse(printed)
      if !second.isValid {
        Issue.record("\(item.id): printed text does not parse\n\(DiagnosticRenderer(text: printed).render(second.diagnostics))")
      } else if second.query != first.query {
        Issue.record("\(item.id): printed text means something else\n\(printed)")
      }
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func mutatedQueriesNeverCrash(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let all = corpus("kql-dev.jsonl") + corpus("kql-parse-only.jsonl")
    let fragments = ["|", ";", "(", ")", "[", "]", "{", "}", "'", "\"", "```", "=", "..", "*", "dynamic(", "datetime(", "let x =", "in", "\\", "\u{0}", "é", "1e", "0x", "-"]
    for item in all {
      var bytes = Array(item.query.utf8)
      for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.remove(at: at)
        case 1: bytes.insert(contentsOf: Array(fragments.randomElement(using: &random)!.utf8), at: at)
        case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
        default:
          let end = Int.random(in: at...min(bytes.count, at + 40), using: &random)
          bytes.removeSubrange(at..<end)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      let result = KQLParser.parse(text)
      _ = DiagnosticRenderer(text: text).render(result.diagnostics)
      if result.isValid {
        let printed = KQLPrinter.print(result.query)
        let again = KQLParser.parse(printed)
        if !again.isValid || again.query != result.query {
          Issue.record("\(item.id) mutated with seed \(seed) does not survive printing\n\(text)\n----\n\(printed)\n----\n\(DiagnosticRenderer(text: printed).render(again.diagnostics))")
        }
      } else {
        #expect(!result.diagnostics.isEmpty)
      }
    }
  }
}
