// Role: what can stand at a place of a text, for the shell's Tab key. The tokens before the place say which operator it belongs to; binding the
// pipeline up to there gives the columns.

import Columnar
import Engine
import Expressions

/// Candidates for the word at a place.
package struct Completion: Sendable {
  package enum Kind: String, Sendable { case `operator`, keyword, table, column, function, aggregate, variable, value }

  package struct Item: Sendable, Hashable {
    /// What is put in the place of the word.
    package var text: String
    package var kind: Kind
    /// A type or a signature; empty where there is none.
    package var detail: String
  }

  /// Byte offset where the word begins.
  package var start: Int
  /// Candidates that begin with the word, in the order in which they are likely.
  package var items: [Item]

  /// Whether a name in a text begins with what was typed, which may lack the bracket and the quote that the name needs.
  package static func begins(_ name: String, with typed: String) -> Bool { name.hasPrefix(typed) || name.hasPrefix("['" + typed) }

  /// Completes the word that ends at byte `offset`. Reads no data: only schemas are looked up.
  package static func at(_ offset: Int, of text: String, catalog: any KQLCatalog, options: BindOptions) -> Completion {
    var finder = CompletionFinder(Array(text.utf8.prefix(offset)), catalog, options)
    return finder.find()
  }
}

private struct CompletionFinder {
  private let bytes: [UInt8]
  private let catalog: any KQLCatalog
  private let options: BindOptions
  private var tokens: [Token]
  /// The word under construction.
  private var word = ""
  private var start: Int

  init(_ bytes: [UInt8], _ catalog: any KQLCatalog, _ options: BindOptions) {
    self.bytes = bytes
    self.catalog = catalog
    self.options = options
    tokens = Array(Lexer.tokenize(bytes).tokens.dropLast())
    start = bytes.count
    if let last = tokens.last, Int(last.end) == bytes.count, last.kind == .word || last.kind == .operatorWord {
      var first = tokens.count - 1
      // The parts of `mv-expand` are one word when they stand after a pipe.
      while first >= 2, tokens[first - 1].kind == .minus, tokens[first - 1].end == tokens[first].start, tokens[first - 2].kind == .word,
        tokens[first - 2].end == tokens[first - 1].start
      { first -= 2 }
      if first == 0 || tokens[first - 1].kind != .pipe { first = tokens.count - 1 }
      start = Int(tokens[first].start)
      word = String(decoding: bytes[start...], as: UTF8.self)
      tokens.removeLast(tokens.count - first)
    } else if let last = tokens.last, Int(last.end) == bytes.count, last.kind == .minus, tokens.count >= 3, tokens[tokens.count - 3].kind == .pipe {
      start = Int(tokens[tokens.count - 2].start)
      word = String(decoding: bytes[start...], as: UTF8.self)
      tokens.removeLast(2)
    } else if tokens.count >= 2, let last = tokens.last, Int(last.end) == bytes.count, last.kind == .string || last.kind == .invalid,
      tokens[tokens.count - 2].kind == .leftBracket, tokens[tokens.count - 2].end == last.start
    {
      // A quoted name under construction.
      start = Int(tokens[tokens.count - 2].start)
      word = String(decoding: bytes[start...], as: UTF8.self)
      tokens.removeLast(2)
    }
  }

  private func text(_ token: Token) -> String { String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self) }

  mutating func find() -> Completion {
    if let last = tokens.last, last.kind == .string || last.kind == .invalid, Int(last.end) == bytes.count { return Completion(start: start, items: []) }
    return Completion(start: start, items: matching(candidates()))
  }

  private func matching(_ items: [Completion.Item]) -> [Completion.Item] {
    var seen: Set<String> = []
    let lower = word.lowercased()
    let found = items.filter { Completion.begins($0.text.lowercased(), with: lower) && seen.insert($0.text).inserted }
    // Names in the same case first.
    return found.filter { Completion.begins($0.text, with: word) } + found.filter { !Completion.begins($0.text, with: word) }
  }

  private func items(_ names: [String], _ kind: Completion.Kind, _ detail: String = "") -> [Completion.Item] {
    names.map { Completion.Item(text: $0, kind: kind, detail: detail) }
  }

  // MARK: Places

  private func candidates() -> [Completion.Item] {
    guard let last = tokens.last else { return items(KQLWords.statements, .keyword) + tables() }
    switch last.kind {
    case .pipe: return items(OperatorNames.all.subtracting(["print", "range", "filter", "order", "mvexpand", "mvapply"]).sorted(), .operator)
    case .semicolon: return items(KQLWords.statements, .keyword) + variables() + tables()
    case .dot: return []
    default: break
    }
    let place = self.place()
    guard let name = place.operatorName else {
      // The source of a pipeline: after `let x =`, inside `join (`.
      if last.kind == .assign || last.kind == .leftParen || place.isSource { return items(KQLWords.statements, .keyword) + variables() + tables() + functions(aggregates: false) }
      return items(["|"], .keyword)
    }
    if last.kind == .assign, let before = tokens.dropLast().last {
      switch text(before) {
      case "kind": return items(name == "join" ? KQLWords.joinKinds : name == "lookup" ? ["leftouter", "inner"] : name == "union" ? ["outer", "inner"] : ["simple", "regex", "relaxed", "unstacked", "stacked", "stacked100"], .value)
      case "isfuzzy": return items(["true", "false"], .value)
      default: break
      }
    }
    switch name {
    case "render": return place.isFirst ? items(KQLWords.charts, .value) : items(["with ("], .keyword)
    case "join", "lookup", "union":
      if text(last) == "on" { return columns(place) }
      return place.isFirst || last.kind == .comma || last.kind == .leftParen ? items(["kind="], .keyword) + variables() + tables() : items(KQLWords.clauses[name] ?? [], .keyword) + columns(place) + tables()
    case "take", "limit", "count", "consume", "getschema", "sample": return []
    default: break
    }
    let clauses = items(KQLWords.clauses[name] ?? [], .keyword)
    let isOperand = isOperandEnd(last)
    if isOperand { return clauses + items(KQLWords.binaryOperators, .keyword) + items(["|"], .keyword) }
    if place.isFirst, ["sort", "order"].contains(name) { return clauses }
    return columns(place) + (name == "summarize" || name == "make-series" ? functions(aggregates: true) : []) + variables() + functions(aggregates: false) + clauses
  }

  /// Whether an expression ends with that token, so that an operator may follow.
  private func isOperandEnd(_ token: Token) -> Bool {
    switch token.kind {
    case .long, .real, .timespan, .string, .typed, .rightParen, .rightBracket: true
    case .word: !KQLWords.keywords.contains(text(token)) && !OperatorNames.all.contains(text(token))
    default: false
    }
  }

  private struct Place {
    /// The operator the place belongs to; nil in the source of a pipeline.
    var operatorName: String?
    /// Directly behind the operator's name.
    var isFirst = false
    var isSource = false
    /// Byte offset of the pipe before the operator.
    var pipe: Int?
    /// Byte offset where the pipeline begins.
    var begin = 0
    /// Byte offset where the statement begins.
    var statement = 0
  }

  /// Looks back for the pipe of the innermost pipeline.
  private func place() -> Place {
    var place = Place()
    var depth = 0
    var i = tokens.count - 1
    var pipeIndex: Int?
    scan: while i >= 0 {
      switch tokens[i].kind {
      case .rightParen, .rightBracket, .rightBrace: depth += 1
      case .leftParen, .leftBracket, .leftBrace:
        if depth > 0 { depth -= 1 } else if pipeIndex != nil {
          place.begin = Int(tokens[i].end)
          break scan
        }
        // An open bracket without a pipe inside: arguments of the operator outside, or a pipeline's source.
        else if i > 0, tokens[i - 1].kind == .word, !["join", "lookup", "union", "in", "materialize", "toscalar"].contains(text(tokens[i - 1])) { break } else if i == tokens.count - 1 { place.isSource = true }
      case .pipe where depth == 0 && pipeIndex == nil: pipeIndex = i
      case .semicolon where depth == 0:
        place.begin = max(place.begin, Int(tokens[i].end))
        break scan
      default: break
      }
      i -= 1
    }
    place.statement = place.begin
    guard let pipeIndex, pipeIndex + 1 < tokens.count else { return place }
    place.pipe = Int(tokens[pipeIndex].start)
    var name = text(tokens[pipeIndex + 1])
    var next = pipeIndex + 2
    while next + 1 < tokens.count, tokens[next].kind == .minus, tokens[next].start == tokens[next - 1].end, OperatorNames.all.contains(name + "-" + text(tokens[next + 1])) || OperatorNames.all.contains(where: { $0.hasPrefix(name + "-" + text(tokens[next + 1]) + "-") }) {
      name += "-" + text(tokens[next + 1])
      next += 2
    }
    place.operatorName = name
    place.isFirst = next >= tokens.count
    return place
  }

  // MARK: Names

  private func tables() -> [Completion.Item] {
    catalog.tableNames(database: nil).map { Completion.Item(text: quotedName($0), kind: .table, detail: "") }
  }

  /// Names that `let` declares before the place.
  private func variables() -> [Completion.Item] {
    var names: [String] = []
    for (i, token) in tokens.enumerated() where i + 1 < tokens.count && token.kind == .word && text(token) == "let" { names.append(text(tokens[i + 1])) }
    return items(names, .variable)
  }

  /// The columns in front of the operator, worked out by binding the pipeline so far. Texts whose binding would run a query are left alone.
  private func columns(_ place: Place) -> [Completion.Item] {
    guard let pipe = place.pipe, place.begin <= pipe else { return [] }
    let pipeline = String(decoding: bytes[place.begin..<pipe], as: UTF8.self)
    var before = ""
    var statementStart = 0
    for token in tokens where token.kind == .semicolon && Int(token.end) <= place.begin {
      let statement = String(decoding: bytes[statementStart..<Int(token.end)], as: UTF8.self)
      if statement.contains("let ") || statement.contains("declare ") { before += statement }
      statementStart = Int(token.end)
    }
    let query = before + pipeline
    guard !["toscalar", "materialize", "evaluate", "externaldata", "totable"].contains(where: { query.contains($0) }),
      let schema = try? KQL.bind(Self.withoutLet(query, keeping: before), catalog: catalog, options: options).results.last?.plan.schema
    else { return [] }
    return schema.fields.map { Completion.Item(text: quotedName($0.name), kind: .column, detail: "\($0.type)") }
  }

  /// `let x = T | where …`: the pipeline behind the sign.
  private static func withoutLet(_ query: String, keeping before: String) -> String {
    let pipeline = query.dropFirst(before.count)
    let tokens = Lexer.tokenize(Array(pipeline.utf8)).tokens
    guard tokens.count > 3, tokens[2].kind == .assign else { return query }
    let bytes = Array(pipeline.utf8)
    guard String(decoding: bytes[Int(tokens[0].start)..<Int(tokens[0].end)], as: UTF8.self) == "let" else { return query }
    return before + String(decoding: bytes[Int(tokens[2].end)...], as: UTF8.self)
  }

  private func functions(aggregates: Bool) -> [Completion.Item] {
    if aggregates { return ResultNames.aggregates.sorted().map { Completion.Item(text: $0 + "(", kind: .aggregate, detail: "") } }
    return FunctionRegistry.all.filter { ($0.name.utf8.first ?? 0) | 0x20 >= 0x61 && !$0.name.contains(" ") && $0.family != .operator }
      .map { Completion.Item(text: $0.name + "(", kind: .function, detail: $0.parameters) }.sorted { $0.text < $1.text }
  }
}
