// parse, parse-where and parse-kv: patterns and options to operators that take columns out of a text.
// Source: Kusto language reference, "parse operator", "parse-where operator", "parse-kv operator".

import Columnar
import Engine
import Expressions

extension Binder {
  func parse(_ parse: ParseOperator, _ input: TableValue, dropsFailures: Bool, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let pattern = try parsePattern(parse.pattern, step)
    let kind = try parseKind(step)
    return try extracted(from: parse.value, input, step) { try .parse($0, pattern, kind: kind, dropsFailures: dropsFailures) }
  }

  /// The pattern, checked for parts that cannot follow each other.
  private func parsePattern(_ parts: [ParseOperator.PatternPart], _ step: TabularOperator) throws(BindFailure) -> [ParsePart] {
    var out: [ParsePart] = []
    var names: Set<String> = []
    for part in parts {
      switch part {
      case .text(let text): out.append(.text(text))
      case .star:
        if case .column(let column)? = out.last, column.type == .string {
          try fail(.starNotAllowed, "'*' behind the string column '\(column.name)' leaves open where the column ends", at: step.nameSpan, hint: "put the text that ends the column between them")
        }
        if case .star? = out.last { try fail(.unexpected, "two '*' in a row", at: step.nameSpan) }
        out.append(.star)
      case .column(let name, let type):
        if let last = out.last, !last.isText {
          try fail(.unexpected, "column '\(name.text)' does not follow a text", at: name.span, hint: "put a text before it")
        }
        guard names.insert(name.text).inserted else { try fail(.duplicateColumn, "column '\(name.text)' is declared twice", at: name.span) }
        out.append(.column(TextExtractOperator.Column(name.text, type.map { DataType($0.type) } ?? .string)))
      }
    }
    return out
  }

  private func parseKind(_ step: TabularOperator) throws(BindFailure) -> ParseKind {
    let flags = Self.word(step, "flags")
    let kind = Self.word(step, "kind") ?? "simple"
    if flags != nil, kind != "regex" { try fail(.valueNotAllowed, "flags go with kind=regex", at: step.nameSpan) }
    switch kind {
    case "simple": return .simple
    case "relaxed": return .relaxed
    case "regex": return .regex(flags: flags ?? "")
    default: try fail(.valueNotAllowed, "'\(kind)' is no kind of \(step.name)", at: step.nameSpan, hint: "kinds: simple, regex, relaxed")
    }
  }

  func parseKeyValues(_ parse: ParseKvOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    var seen: Set<String> = []
    for column in parse.keys.columns where !seen.insert(column.name.text).inserted {
      try fail(.duplicateColumn, "column '\(column.name.text)' is declared twice", at: column.span)
    }
    let columns = parse.keys.columns.map { TextExtractOperator.Column($0.name.text, DataType($0.type.type)) }
    let options = try keyValueOptions(parse.properties, step)
    return try extracted(from: parse.value, input, step) { try .keyValues($0, columns, options) }
  }

  private func keyValueOptions(_ properties: [OperatorParameter], _ step: TabularOperator) throws(BindFailure) -> KeyValueOptions {
    var options = KeyValueOptions()
    for property in properties {
      let value: Scalar
      switch property.value {
      case .expression(let expression): value = try constant(expression)
      case .name(let name): value = name.text == "true" ? .bool(true) : .bool(false)
      case .names: try fail(.unexpected, "one value is needed", at: property.span)
      }
      switch (property.name.text, value) {
      case ("pair_delimiter", .string(let text)) where !text.isEmpty: options.pairDelimiter = text
      case ("kv_delimiter", .string(let text)) where !text.isEmpty: options.keyDelimiter = text
      case ("quote", .string(let text)) where (1...2).contains(text.utf8.count): options.quotes.append(Array(text.utf8))
      case ("escape", .string(let text)) where text.utf8.count == 1: options.escapes += Array(text.utf8)
      case ("greedy", .bool(let flag)): options.isGreedy = flag
      case ("regex", .string(let text)): options.regex = text
      case ("pair_delimiter", _), ("kv_delimiter", _), ("quote", _), ("escape", _), ("greedy", _), ("regex", _):
        try fail(.valueNotAllowed, "parse-kv does not take this value of '\(property.name.text)'", at: property.span)
      default:
        let known = ["pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"]
        try fail(.unknownParameter, "parse-kv has no option '\(property.name.text)'", at: property.name.span, hint: NameSuggestion.hint(for: property.name.text, among: known))
      }
    }
    guard options.pairDelimiter.isEmpty == options.keyDelimiter.isEmpty else {
      try fail(.missing, "parse-kv takes pair_delimiter and kv_delimiter together", at: step.nameSpan)
    }
    if options.isGreedy, options.pairDelimiter.isEmpty { try fail(.valueNotAllowed, "greedy goes with pair_delimiter and kv_delimiter", at: step.nameSpan) }
    return options
  }

  /// The input with the columns that an operator takes out of the text of an expression.
  private func extracted(
    from value: Expression, _ input: TableValue, _ step: TabularOperator, _ make: (String) throws -> TextExtractOperator
  ) throws(BindFailure) -> LogicalPlan {
    let row = rowScope(input)
    let (expr, type) = try typed(value, row)
    let rows = try windowed(input.plan, row, step.span)
    if case .column(let name) = expr, type == .string { return try plan(at: step.span) { try .custom(try make(name), [rows]) } }
    // Anything else is computed as text beside the columns, and dropped behind.
    let source = "$text"
    let text = type == .string ? expr : Expr.call("tostring", [expr])
    let names = input.plan.schema.names
    return try plan(at: step.span) {
      let extended = try rows.project(names.map { NamedExpr($0, .column($0)) } + [NamedExpr(source, text)])
      let all = try LogicalPlan.custom(try make(source), [extended])
      return try all.select(all.schema.names.filter { $0 != source })
    }
  }
}

extension ParsePart {
  fileprivate var isText: Bool {
    if case .text = self { return true }
    return false
  }
}
