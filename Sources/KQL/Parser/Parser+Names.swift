// Names, types, schemas and operator parameters.

extension Parser {
  /// `word` or `['any text']`.
  mutating func name(_ what: String = "name") throws(ParseFailure) -> Name {
    if let name = acceptName() { return name }
    try fail(.missing, "expected a \(what), found \(describeCurrent())")
  }

  /// A name if one stands here.
  mutating func acceptName() -> Name? {
    if kind == .word {
      let token = advance()
      return Name(text: text(of: token), span: token.span)
    }
    guard isQuotedName() else { return nil }
    let start = position
    advance()
    let value = stringValue()
    advance()
    return Name(text: value, span: span(from: start))
  }

  /// Whether `['text']` stands at `offset`.
  func isQuotedName(_ offset: Int = 0) -> Bool {
    kind(offset) == .leftBracket && kind(offset + 1) == .string && kind(offset + 2) == .rightBracket
  }

  /// The number of tokens of the name at `offset`; 0 when there is none.
  func nameLength(_ offset: Int = 0) -> Int {
    if kind(offset) == .word { return 1 }
    return isQuotedName(offset) ? 3 : 0
  }

  /// The number of tokens of a name with wildcards at the cursor (`T*`, `*_id`); 0 when there is none.
  func wildcardLength() -> Int {
    guard kind == .word || kind == .star else { return 0 }
    var count = 1
    var hasStar = kind == .star
    while isAdjacent(count), [.word, .star, .long, .timespan].contains(kind(count)) {
      if kind(count) == .star { hasStar = true }
      count += 1
    }
    return hasStar ? count : 0
  }

  /// A name with wildcards, if one stands here.
  mutating func acceptWildcard() -> Name? {
    let count = wildcardLength()
    guard count > 0 else { return nil }
    let start = position
    advance(by: count)
    let span = span(from: start)
    return Name(text: String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self), span: span)
  }

  /// Several words joined by dashes without spaces, such as `granny-asc`; the number of tokens, 0 when it is not here.
  func dashedLength(_ words: [StaticString], _ offset: Int = 0) -> Int {
    var at = offset
    for (i, word) in words.enumerated() {
      if i > 0 {
        guard kind(at) == .minus, isAdjacent(at), isAdjacent(at + 1) else { return 0 }
        at += 1
      }
      guard isWord(word, at) else { return 0 }
      at += 1
    }
    return at - offset
  }

  /// A scalar type word.
  mutating func typeReference() throws(ParseFailure) -> TypeReference {
    guard kind == .word else { try fail(.missing, "expected a type, found \(describeCurrent())") }
    let word = text(of: current)
    guard let type = ScalarTypeName(word: word) ?? ScalarTypeName(word: word.lowercased()) else {
      let names = ScalarTypeName.allCases.map(\.rawValue)
      try fail(.unknownType, "'\(word)' is not a type", hint: NameSuggestion.hint(for: word, among: names) ?? "types: \(names.joined(separator: ", "))")
    }
    let token = advance()
    return TypeReference(type: type, span: token.span)
  }

  /// `(a: long, b: string)`; `*` is taken where `allowsAny`.
  mutating func rowSchema(allowsAny: Bool = false) throws(ParseFailure) -> RowSchema {
    let start = position
    try expect(.leftParen, "(")
    var columns: [ColumnDeclaration] = []
    var acceptsAny = false
    _ = accept(.comma)
    while kind != .rightParen {
      if allowsAny && kind == .star {
        advance()
        acceptsAny = true
      } else {
        columns.append(try columnDeclaration())
      }
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return RowSchema(columns: columns, acceptsAny: acceptsAny, span: span(from: start))
  }

  mutating func columnDeclaration() throws(ParseFailure) -> ColumnDeclaration {
    let start = position
    let name = try name("column name")
    try expect(.colon, ":")
    let type = try typeReference()
    return ColumnDeclaration(name: name, type: type, span: span(from: start))
  }

  /// `kind=inner hint.strategy=shuffle ...`: parameters named in `known`, and hints, as long as they follow.
  mutating func operatorParameters(_ known: [StaticString] = []) throws(ParseFailure) -> [OperatorParameter] {
    var parameters: [OperatorParameter] = []
    while kind == .word {
      if isWord("hint") && kind(1) == .dot && kind(2) == .word && kind(3) == .assign {
        parameters.append(try parameter())
      } else if kind(1) == .assign && known.contains(where: { isWord($0) }) {
        parameters.append(try parameter())
      } else {
        break
      }
    }
    return parameters
  }

  /// Refuses `word = ` where the operator takes no further parameters and no named expressions.
  mutating func refuseUnknownParameter(_ known: [StaticString]) throws(ParseFailure) {
    guard kind == .word && kind(1) == .assign else { return }
    let word = text(of: current)
    let names = known.map { "\($0)" }
    try fail(.unknownParameter, "unknown parameter '\(word)'", hint: NameSuggestion.hint(for: word, among: names) ?? "known here: \(names.joined(separator: ", "))")
  }

  /// `name = value`; the value is a word, a column name or a literal.
  mutating func parameter() throws(ParseFailure) -> OperatorParameter {
    let start = position
    let name = try parameterName()
    try expect(.assign, "=")
    let value: OperatorParameter.Value
    if nameLength() > 0 && !isLiteralWord() {
      value = .name(try self.name())
    } else {
      value = .expression(try unary())
    }
    return OperatorParameter(name: name, value: value, span: span(from: start))
  }

  /// A parameter name: one word or words joined by dots.
  private mutating func parameterName() throws(ParseFailure) -> Name {
    var name = try name("parameter name")
    while kind == .dot && kind(1) == .word {
      advance()
      let part = advance()
      name = Name(text: name.text + "." + text(of: part), span: name.span.union(part.span))
    }
    return name
  }

  /// `(a = 1, b = x, y, c = "t")`: properties of `render`, `externaldata`, `parse-kv`. A name without `=` after a comma
  /// belongs to the list of the property before it.
  mutating func propertyList() throws(ParseFailure) -> [OperatorParameter] {
    try expect(.leftParen, "(")
    _ = accept(.comma)
    var properties: [OperatorParameter] = []
    while kind != .rightParen {
      properties.append(try property())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return properties
  }

  /// One property; names separated by commas are collected as long as no `=` follows them.
  mutating func property() throws(ParseFailure) -> OperatorParameter {
    let start = position
    let name = try parameterName()
    try expect(.assign, "=")
    let value = try propertyValue()
    return OperatorParameter(name: name, value: value, span: span(from: start))
  }

  mutating func propertyValue() throws(ParseFailure) -> OperatorParameter.Value {
    let length = nameLength()
    guard length > 0, !isLiteralWord(), [.comma, .rightParen, .pipe, .semicolon, .end, .word].contains(kind(length)) else {
      return .expression(try additive())
    }
    var names = [try name()]
    while kind == .comma, nameLength(1) > 0, kind(1 + nameLength(1)) != .assign, kind(1 + nameLength(1)) != .dot {
      advance()
      names.append(try name())
    }
    return names.count == 1 ? .name(names[0]) : .names(names)
  }

  /// `true`, `false` and their other spellings.
  func isLiteralWord(_ offset: Int = 0) -> Bool {
    isWord("true", offset) || isWord("false", offset) || isWord("True", offset) || isWord("False", offset)
      || isWord("TRUE", offset) || isWord("FALSE", offset)
  }
}
