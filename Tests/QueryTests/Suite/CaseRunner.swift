// Role: runs one case in one mode and compares.

import Columnar
import DataSource
import Engine
import Expressions
import Foundation
import KConnect
import KQL

/// The tables that a file's setup made, for one mode.
struct SuiteSession {
  let mode: Mode
  private var tables: [String: LogicalPlan] = [:]
  private let server: SuiteServer?
  /// Everything runs at the same moment: 2024-06-01 12:00.
  static let context = EvaluationContext(nowTicks: 17_172_432_000_000_000, seed: 1)

  init(_ mode: Mode) throws {
    self.mode = mode
    server = mode == .http ? try SuiteServer() : nil
  }

  private var options: BindOptions {
    var options = BindOptions(context: Self.context)
    options.execution = mode.execution
    return options
  }

  func bind(_ text: String) throws -> BoundQuery { try KQL.bind(text, catalog: PlanCatalog(tables), options: options) }

  /// The plans of a text's results.
  func results(_ text: String) throws -> [LogicalPlan] { try server?.results(text) ?? bind(text).results.map(\.plan) }

  func execution(_ plan: LogicalPlan) throws -> QueryExecution {
    try QueryExecution(try mode.rewrite(plan, context: Self.context), options: mode.execution, context: Self.context)
  }

  /// `.set TABLE <| QUERY`, the one command that needs no store.
  mutating func run(command: String) throws {
    if let server { return try server.run(command: command) }
    guard let arrow = command.range(of: "<|"), command.hasPrefix(".set ") else {
      throw CaseFileError(description: "setup without a store takes only '.set TABLE <| QUERY', found: \(command)")
    }
    let name = command[command.index(command.startIndex, offsetBy: 5)..<arrow.lowerBound].trimmingCharacters(in: .whitespaces)
    guard let result = try bind(String(command[arrow.upperBound...])).results.first else { return }
    var batches: [RecordBatch] = []
    try QueryExecution(result.plan, options: mode.execution, context: Self.context).run { batches.append($0); return true }
    tables[name] = .values(result.plan.schema, batches)
  }
}

/// What a case answered.
enum Outcome {
  case tables([(schema: StructType, rows: [[Scalar]])])
  case error(code: String, place: String?, message: String)

  /// The lines of a case that would expect it.
  func lines(sorted: Bool) -> [String] {
    switch self {
    case .error(let code, let place, _): return ["error \(code)" + (place.map { " at \($0)" } ?? "")]
    case .tables(let tables):
      var out: [String] = []
      for (i, table) in tables.enumerated() {
        if i > 0 { out.append("----") }
        let lines = CellText.lines(schema: table.schema, rows: table.rows)
        out += lines.prefix(1) + (sorted ? lines.dropFirst().sorted() : Array(lines.dropFirst()))
      }
      return out
    }
  }
}

extension QueryCase {
  func run(_ session: SuiteSession) -> Outcome {
    do {
      return .tables(
        try session.results(text).map { plan in
          // A null string is an empty one to KQL, whatever its validity says.
          var rows: [[Scalar]] = []
          try session.execution(plan).run { batch in
            if let broken = batch.brokenInvariant() { throw CaseFileError(description: "a batch of the result: \(broken)") }
            for i in 0..<batch.rowCount { rows.append(batch.row(i).map { $0 == .null(.string) ? .string("") : $0 }) }
            return true
          }
          return (plan.schema, rows)
        })
    } catch {
      return Self.outcome(of: error)
    }
  }

  /// The KS code and place of a diagnostic stand at the end of its message: `[KS142 at 3:9]`. Behind them stands what a client adds.
  private static func outcome(of error: any Error) -> Outcome {
    let error = KConnectError(converting: error)
    if let open = error.message.range(of: "[KS", options: .backwards) {
      let words = error.message[open.lowerBound...].dropFirst().prefix { $0 != "]" }.split(separator: " ").map(String.init)
      if words.count == 3 { return .error(code: words[0], place: words[2], message: error.message) }
    }
    return .error(code: "\(error.code)", place: nil, message: error.message)
  }

  /// The optimised plan of the last result.
  func plan(_ session: SuiteSession) throws -> [String] {
    guard let result = try session.bind(text).results.last else { return [] }
    return try session.execution(result.plan).explain(.simple).split(separator: "\n").map(String.init)
  }

  /// What differs, as lines of a diff; nil when the outcome is the expected one.
  func difference(_ outcome: Outcome) -> String? {
    switch (expectation, outcome) {
    case (.error(let code, let place), .error(let foundCode, let foundPlace, _)) where code == foundCode && (place == nil || place == foundPlace):
      return nil
    case (.tables(let expected), .tables(let found)) where expected.count == found.count:
      if zip(expected, found).allSatisfy({ matches($0, $1.schema, $1.rows) }) { return nil }
    default: break
    }
    let expected: [String] = switch expectation {
    case .tables(let tables): Array(tables.joined(separator: ["----"]))
    case .error(let code, let place): ["error \(code)" + (place.map { " at \($0)" } ?? "")]
    case .plan(let lines): ["plan"] + lines
    }
    var text = Diff.text(expected, outcome.lines(sorted: isRowSorted))
    if case .error(_, _, let message) = outcome { text += "\n  " + message }
    return text
  }

  private func matches(_ expected: [String], _ schema: StructType, _ rows: [[Scalar]]) -> Bool {
    guard let header = expected.first, let wanted = try? StructType(ddl: header), wanted.names == schema.names,
      wanted.fields.map(\.type) == schema.fields.map(\.type)
    else { return false }
    if isIgnored { return true }
    guard expected.count - 1 == rows.count else { return false }
    var lines: [[Scalar]] = []
    for line in expected.dropFirst() {
      let cells = CellText.split(line)
      guard cells.count == schema.count else { return false }
      var row: [Scalar] = []
      for (cell, field) in zip(cells, schema.fields) {
        guard let value = CellText.value(cell, field.type) else { return false }
        row.append(value)
      }
      lines.append(row)
    }
    var rows = rows
    if isRowSorted {
      func key(_ row: [Scalar]) -> String { row.map(CellText.text).joined(separator: " | ") }
      lines.sort { key($0) < key($1) }
      rows.sort { key($0) < key($1) }
    }
    return zip(lines, rows).allSatisfy { zip($0, $1).allSatisfy { CellText.agree($0, $1) } }
  }
}

/// The lines that differ, with what they share in front and behind left out.
enum Diff {
  static func text(_ expected: [String], _ found: [String]) -> String {
    var a = expected[...], b = found[...]
    var skipped = 0
    while let x = a.first, let y = b.first, x == y {
      a.removeFirst()
      b.removeFirst()
      skipped += 1
    }
    while let x = a.last, let y = b.last, x == y {
      a.removeLast()
      b.removeLast()
    }
    return (["  @@ line \(skipped + 1)"] + a.map { "- " + $0 } + b.map { "+ " + $0 }).joined(separator: "\n")
  }
}
