// Role: what can stand at a place of a query. The tokens before the place say which operator and which function it belongs to.

/// Finds the candidates for the word at the end of a text.
struct CompletionFinder {
  private let bytes: [UInt8]
  private let names: CompletionNames
  /// The tokens before the word.
  private var tokens: [Token]
  /// The word under construction.
  private var word = ""
  private var start: Int
  /// Whether the place is in or right behind a text, which is the word when its quote is open.
  private var isText = false

  init(_ bytes: [UInt8], _ names: CompletionNames) {
    self.bytes = bytes
    self.names = names
    tokens = Array(Lexer.tokenize(bytes).tokens.dropLast())
    start = bytes.count
    guard let last = tokens.last, Int(last.end) == bytes.count else { return }
    let count = tokens.count
    switch last.kind {
    case .word, .operatorWord:
      var first = count - 1
      // The parts of `mv-expand` are one word when they stand after a pipe.
      while first >= 2, tokens[first - 1].kind == .minus, tokens[first - 1].end == tokens[first].start, tokens[first - 2].kind == .word,
        tokens[first - 2].end == tokens[first - 1].start
      { first -= 2 }
      take(from: first == 0 || tokens[first - 1].kind != .pipe ? count - 1 : first)
    case .minus where count >= 3 && tokens[count - 3].kind == .pipe: take(from: count - 2)
    // A quoted name under construction.
    case .string where isBracketed(count - 1), .invalid where isBracketed(count - 1): take(from: count - 2)
    case .string: isText = true
    case .invalid:
      isText = true
      if [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(bytes[Int(last.start)]) { take(from: count - 1) }
    default: break
    }
  }

  private func isBracketed(_ i: Int) -> Bool { i > 0 && tokens[i - 1].kind == .leftBracket && tokens[i - 1].end == tokens[i].start }

  /// Makes the text from a token on the word.
  private mutating func take(from i: Int) {
    start = Int(tokens[i].start)
    word = String(decoding: bytes[start...], as: UTF8.self)
    tokens.removeLast(tokens.count - i)
  }

  private func text(_ i: Int) -> String {
    tokens.indices.contains(i) ? String(decoding: bytes[Int(tokens[i].start)..<Int(tokens[i].end)], as: UTF8.self) : ""
  }

  /// The text of a token before the word, counted from 1.
  private func text(back: Int) -> String { text(tokens.count - back) }

  func find() -> Completion { Completion(start: start, items: Completion.matching(candidates(), word)) }

  private func keywords(_ words: [String]) -> [Completion.Item] { CompletionNames.items(words, .keyword) }
  private func values(_ words: [String]) -> [Completion.Item] { CompletionNames.items(words, .value) }

  // MARK: Places

  private func candidates() -> [Completion.Item] {
    if isText { return textCandidates() }
    guard let last = tokens.last else { return sources() }
    switch last.kind {
    case .pipe: return operators()
    case .dot: return members()
    default: break
    }
    let place = CompletionPlace(behind: tokens, of: bytes)
    if place.call == "dynamic" { return [] }
    if place.call == "typeof" || last.kind == .colon { return CompletionNames.types }
    if let name = place.operatorName { return candidates(of: name, place, behind: last) }
    if place.isBranch { return operators() }
    if place.isSource { return sources() + columns(place) + (place.isValue ? CompletionNames.scalars : []) }
    return statement(place)
  }

  /// Behind the beginning of a pipeline or a statement.
  private func statement(_ place: CompletionPlace) -> [Completion.Item] {
    let said = tokens.count - place.first
    switch text(place.first) {
    case "set":
      if said == 1 { return CompletionNames.settings }
      if said == 3 { return RequestSettings.flags.contains(text(back: 2).lowercased()) ? values(["true", "false"]) : [] }
      return keywords(said == 2 ? ["=", ";"] : [";"])
    case "let": return keywords(said == 1 ? [] : ["="])
    case "declare": return keywords(said == 1 ? ["query_parameters(", "pattern"] : [])
    default: break
    }
    if isOperandEnd { return (place.isValue ? keywords(KQLWords.binaryOperators) : []) + keywords(["|"]) }
    return sources() + columns(place) + CompletionNames.scalars
  }

  private func candidates(of name: String, _ place: CompletionPlace, behind last: Token) -> [Completion.Item] {
    if last.kind == .assign {
      switch text(back: 2) {
      case "kind": return values(name == "join" ? KQLWords.joinKinds : name == "lookup" ? ["leftouter", "inner"] : name == "union" ? ["outer", "inner"] : ["simple", "regex", "relaxed", "unstacked", "stacked", "stacked100"])
      case "isfuzzy": return values(["true", "false"])
      default: break
      }
    }
    switch name {
    case "render": return place.isFirst ? values(KQLWords.charts) : keywords(["with ("])
    case "join", "lookup", "union":
      if text(back: 1) == "on" { return columns(place) }
      if place.isFirst || last.kind == .comma { return keywords(["kind="]) + sources(isQuery: false) }
      return keywords(KQLWords.clauses[name] ?? []) + columns(place) + names.tables()
    case "take", "limit", "count", "consume", "getschema", "sample": return place.isFirst || !isOperandEnd ? [] : keywords(["|"])
    case "evaluate" where place.call == nil: return place.isFirst ? CompletionNames.plugins : isOperandEnd ? keywords(["|"]) : []
    case "range" where place.call == nil && place.pipe == nil: return rangeCandidates(place)
    default: break
    }
    let clauses = keywords(place.call == nil ? KQLWords.clauses[name] ?? [] : [])
    if isOperandEnd { return clauses + keywords(KQLWords.binaryOperators + (place.call == nil ? ["|"] : [])) }
    if place.isFirst, ["sort", "order"].contains(name) { return clauses }
    let takesAggregates = ["summarize", "make-series", "top-nested"].contains(name) || place.call == "pivot"
    return columns(place) + (takesAggregates ? CompletionNames.aggregates : []) + variables() + names.functions() + CompletionNames.scalars
      + (name.hasPrefix("graph-") ? CompletionNames.ofGraphs : []) + clauses
  }

  /// `range x from 1 to 10 step 1`: each word has its turn.
  private func rangeCandidates(_ place: CompletionPlace) -> [Completion.Item] {
    if place.isFirst { return [] }
    let said = (place.operands..<tokens.count).map { text($0) }
    let next = ["from", "to", "step"].first { !said.contains($0) }
    if said.count == 1 || isOperandEnd { return keywords([next ?? "|"]) }
    return variables() + CompletionNames.scalars + keywords(next.map { [$0] } ?? [])
  }

  /// Whether an expression ends before the word, so that an operator may follow.
  private var isOperandEnd: Bool {
    switch tokens.last?.kind {
    case .long, .real, .timespan, .string, .typed, .rightParen, .rightBracket: true
    case .word: !KQLWords.keywords.contains(text(back: 1)) && !OperatorNames.all.contains(text(back: 1))
    default: false
    }
  }

  // MARK: Names

  /// What the operators begin with that may follow a pipe.
  private func operators() -> [Completion.Item] {
    CompletionNames.items(OperatorNames.all.subtracting(["print", "range", "filter", "order", "mvexpand", "mvapply"]).sorted(), .operator)
  }

  /// What a pipeline begins with.
  private func sources(isQuery: Bool = true) -> [Completion.Item] {
    (isQuery ? keywords(KQLWords.statements) : []) + variables() + names.tables() + names.functions() + CompletionNames.sources
  }

  /// Names that `let` declares before the place.
  private func variables() -> [Completion.Item] {
    CompletionNames.items(tokens.indices.filter { tokens[$0].kind == .word && text($0) == "let" && $0 + 1 < tokens.count }.map { text($0 + 1) }, .variable)
  }

  /// The columns in front of the operator.
  private func columns(_ place: CompletionPlace) -> [Completion.Item] {
    guard let pipe = place.pipe, place.begin <= pipe else { return [] }
    var statements = ""
    var statementStart = 0
    for token in tokens where token.kind == .semicolon && Int(token.end) <= place.begin {
      let statement = String(decoding: bytes[statementStart..<Int(token.end)], as: UTF8.self)
      if statement.contains("let ") || statement.contains("declare ") { statements += statement }
      statementStart = Int(token.end)
    }
    return names.columns(of: String(decoding: bytes[place.begin..<pipe], as: UTF8.self), behind: statements)
  }

  // MARK: Paths

  /// In a text: the names of what the function in front of it takes.
  private func textCandidates() -> [Completion.Item] {
    guard let quote = word.first, tokens.last?.kind == .leftParen else { return [] }
    let function = text(back: 2)
    guard text(back: 3) == "." else { return names.entities(of: function, database: nil, quote: quote) }
    guard let database = database(before: tokens.count - 3) else { return [] }
    return names.entities(of: function, database: database, quote: quote)
  }

  /// Behind a dot: the tables and functions of the database in front of it, or the columns of `$left`.
  private func members() -> [Completion.Item] {
    if text(back: 2) == "$left" { return columns(CompletionPlace(behind: tokens, of: bytes)) }
    return database(before: tokens.count - 1).map { names.tables(database: $0) + names.functions(database: $0) } ?? []
  }

  /// The name in `database('name')` before a dot, where that is not the database of another cluster.
  private func database(before dot: Int) -> String? {
    guard let name = argument(of: "database", before: dot) else { return nil }
    guard text(dot - 5) == "." else { return name }
    return argument(of: "cluster", before: dot - 5).flatMap { names.catalog.isLocal(cluster: $0) ? name : nil }
  }

  private func argument(of function: String, before dot: Int) -> String? {
    guard dot >= 4, tokens[dot - 1].kind == .rightParen, tokens[dot - 2].kind == .string, tokens[dot - 3].kind == .leftParen, text(dot - 4) == function else { return nil }
    return LiteralText.string(bytes[Int(tokens[dot - 2].start)..<Int(tokens[dot - 2].end)]).value
  }
}
