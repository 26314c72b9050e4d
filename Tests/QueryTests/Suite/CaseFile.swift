// Role: reads `.kqltest` files: setup commands, queries and what they should answer. The grammar is in schemas/kqltest.md.

import Foundation
import Testing

/// What a case expects.
enum Expectation: Equatable {
  /// One table per result: the header line and the row lines.
  case tables([[String]])
  /// `KS142` or an error family such as `VALUE_INVALID`; the place as `line:column`, nil for any.
  case error(code: String, place: String?)
  /// The optimised plan's lines.
  case plan([String])
}

/// One query with its expectation.
struct QueryCase {
  var file: String
  /// 1-based line of the word `query`.
  var line: Int
  /// Setup commands of the file before this case, in order.
  var setup: [String]
  var text: String
  var expectation: Expectation
  /// 0-based lines of the file that hold the expectation.
  var expectationLines: Range<Int>
  var isRowSorted = false
  var isIgnored = false
  var source: String?
  var expectedFailure: String?
  /// Modes in which the case does not run, with the reason.
  var excludedModes: [String: String] = [:]

  var place: String { "\(file):\(line)" }
}

struct CaseFileError: Error, CustomStringConvertible {
  var description: String
}

/// A file of cases.
struct CaseFile: Sendable, CustomTestStringConvertible {
  /// Path below `Cases` without the extension: `join/kinds`.
  var name: String
  /// Where it is read from.
  var path: String
  var testDescription: String { name }

  /// The bundled files whose name contains `KQLTEST_FILTER`.
  static let all: [CaseFile] = {
    let root = Bundle.module.resourcePath.map { $0 + "/Cases" } ?? ""
    let filter = ProcessInfo.processInfo.environment["KQLTEST_FILTER"] ?? ""
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
    return names.filter { $0.hasSuffix(".kqltest") && (filter.isEmpty || $0.contains(filter)) }.sorted()
      .map { CaseFile(name: String($0.dropLast(8)), path: root + "/" + $0) }
  }()

  /// The file in the source tree, for recording.
  var sourcePath: String { #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Cases/\(name).kqltest" }

  func lines() throws -> [String] { try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n") }

  func cases() throws -> [QueryCase] { try Self.parse(try lines(), file: "Cases/\(name).kqltest") }

  static func parse(_ lines: [String], file: String) throws -> [QueryCase] {
    var out: [QueryCase] = []
    var setup: [String] = []
    var pending = QueryCase(file: file, line: 0, setup: [], text: "", expectation: .tables([]), expectationLines: 0..<0)
    var at = 0
    func fail(_ message: String) -> CaseFileError { CaseFileError(description: "\(file):\(at + 1): \(message)") }
    func isBlank(_ line: String) -> Bool { line.allSatisfy(\.isWhitespace) }
    while at < lines.count {
      let line = lines[at]
      let word = line.prefix { !$0.isWhitespace }
      let rest = line.dropFirst(word.count).trimmingCharacters(in: .whitespaces)
      switch word {
      case "": break
      case let comment where comment.hasPrefix("#"): break
      case "rowsort": pending.isRowSorted = true
      case "ignore": pending.isIgnored = true
      case "source": pending.source = rest
      case "xfail":
        if rest.isEmpty { throw fail("xfail needs a reason") }
        pending.expectedFailure = rest
      case "not-in":
        let mode = rest.prefix { !$0.isWhitespace }
        guard Mode(rawValue: String(mode)) != nil else { throw fail("'\(mode)' is no mode: \(Mode.allCases.map(\.rawValue).joined(separator: ", "))") }
        let reason = rest.dropFirst(mode.count).trimmingCharacters(in: .whitespaces)
        if reason.isEmpty { throw fail("not-in needs a mode and a reason") }
        pending.excludedModes[String(mode)] = reason
      case "setup":
        at += 1
        while at < lines.count, !isBlank(lines[at]) {
          if lines[at].hasPrefix(".") { setup.append(lines[at]) } else if setup.isEmpty { throw fail("a setup command begins with '.'") } else { setup[setup.count - 1] += "\n" + lines[at] }
          at += 1
        }
      case "query":
        for modifier in rest.split(separator: " ") {
          switch modifier {
          case "rowsort": pending.isRowSorted = true
          case "ignore": pending.isIgnored = true
          default: throw fail("unknown modifier '\(modifier)'; on the line of 'query' stand rowsort and ignore")
          }
        }
        pending.line = at + 1
        at += 1
        let start = at
        while at < lines.count, lines[at] != "----" { at += 1 }
        if at == lines.count { throw fail("the query of line \(pending.line) has no ----") }
        pending.text = lines[start..<at].joined(separator: "\n")
        at += 1
        let first = at
        while at < lines.count, !isBlank(lines[at]) { at += 1 }
        pending.expectationLines = first..<at
        pending.expectation = try expectation(Array(lines[first..<at]), fail)
        pending.setup = setup
        out.append(pending)
        pending = QueryCase(file: file, line: 0, setup: [], text: "", expectation: .tables([]), expectationLines: 0..<0)
      default: throw fail("unknown word '\(word)'")
      }
      at += 1
    }
    return out
  }

  private static func expectation(_ lines: [String], _ fail: (String) -> CaseFileError) throws -> Expectation {
    guard let first = lines.first else { return .tables([]) }
    if first.hasPrefix("error ") {
      let words = first.split(separator: " ").map(String.init)
      guard lines.count == 1, words.count == 2 || (words.count == 4 && words[2] == "at") else { throw fail("expected 'error CODE' or 'error CODE at LINE:COLUMN'") }
      return .error(code: words[1], place: words.count == 4 ? words[3] : nil)
    }
    if first == "plan" { return .plan(Array(lines.dropFirst())) }
    return .tables(lines.split(separator: "----", omittingEmptySubsequences: false).map(Array.init))
  }
}
