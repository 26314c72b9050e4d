// Role: the values that command forms capture, read with the rules of the query parser where they are the same.

import Columnar

extension Parser {
  /// The value at the cursor.
  mutating func argument(_ kind: CaptureKind) throws(ParseFailure) -> CommandArgument {
    switch kind {
    case .name: return .name(try entityName())
    case .names: return .names(try list { parser throws(ParseFailure) in try parser.versionedName() })
    case .path: return .path(try entityPath())
    case .paths:
      let paths = try list { parser throws(ParseFailure) in try parser.entityPath() }
      return .names(paths.compactMap { path in path.last })
    case .string:
      let start = position
      let text = try requiredString()
      return .text(text, span(from: start))
    case .label:
      let start = position
      let text = try oneString()
      return .text(text, span(from: start))
    case .strings:
      if self.kind == .string { return .texts([try requiredString()]) }
      return .texts(try list { parser throws(ParseFailure) in try parser.requiredString() })
    case .literal:
      let start = position
      let value = try signedLiteral()
      return .literal(value, span(from: start))
    case .guid:
      let start = position
      let text = try guidText()
      return .text(text, span(from: start))
    case .guids:
      if self.kind != .leftParen { return .texts([try guidText()]) }
      return .texts(try list { parser throws(ParseFailure) in try parser.guidText() })
    case .type: return .word(try typeReference().type.rawValue)
    case .schema: return .schema(try tableSchema())
    case .tables: return .tables(try tableDeclarations())
    case .renames: return .properties(try renames(lenient: false))
    case .tableRenames: return .properties(try renames(lenient: true))
    case .docstrings: return .properties(try docstrings())
    case .properties:
      guard acceptDashed("with") else { try fail(.expected, "expected 'with', found \(describeCurrent())") }
      return .properties(try commandProperties())
    case .function: return try function()
    case .body:
      let start = position
      let text = try braced()
      return .source(text, span(from: start))
    case .source: return try source()
    case .bracketed: return try bracketedData()
    case .policy: return .policy(try policyValue())
    case .tagFilter: return .texts(try tagFilter())
    case .partitions: return .partitions(try list { parser throws(ParseFailure) in try parser.partition() })
    case .pathFormat: return .paths(try pathFormat())
    case .words: throw ParseFailure()
    }
  }

  /// `(item, item)`, at least one.
  private mutating func list<Item>(_ item: (inout Parser) throws(ParseFailure) -> Item) throws(ParseFailure) -> [Item] {
    try expect(.leftParen, "(")
    var items: [Item] = []
    repeat {
      if kind == .rightParen, !items.isEmpty { break }
      items.append(try item(&self))
    } while accept(.comma)
    try expect(.rightParen, ")")
    return items
  }

  // MARK: Names

  /// A word, `['x']`, `["x"]` or a string.
  private mutating func entityName() throws(ParseFailure) -> Name {
    if kind == .string {
      let start = position
      let text = stringValue()
      return Name(text: text, span: span(from: start))
    }
    return try name()
  }

  /// `A` and the optional `if_later_than "v1.1"`, which changes nothing here: the schema is always given.
  private mutating func versionedName() throws(ParseFailure) -> Name {
    let name = try entityName()
    if acceptDashed("if_later_than") { _ = try requiredString() }
    return name
  }

  /// `a.b.c`; `*` stands alone.
  private mutating func entityPath() throws(ParseFailure) -> [Name] {
    if kind == .star {
      let token = advance()
      return [Name(text: "*", span: token.span)]
    }
    var parts = [try name()]
    while kind == .dot, nameLength(1) > 0 {
      advance()
      parts.append(try name())
    }
    return parts
  }

  // MARK: Literals

  private mutating func requiredString() throws(ParseFailure) -> String {
    guard kind == .string else { try fail(.expected, "expected a string, found \(describeCurrent())") }
    return stringValue()
  }

  /// The value of one string token.
  private mutating func oneString() throws(ParseFailure) -> String {
    guard kind == .string else { try fail(.expected, "expected a string, found \(describeCurrent())") }
    let token = advance()
    return LiteralText.string(bytes[Int(token.start)..<Int(token.end)]).value
  }

  /// The tokens that touch each other from the cursor on, when they spell a GUID; their number and text.
  private func bareGUID() -> (length: Int, text: String)? {
    var length = 0
    while [.word, .long, .real, .timespan, .minus].contains(kind(length)), length == 0 || isAdjacent(length) { length += 1 }
    guard length > 0 else { return nil }
    let text = String(decoding: bytes[Int(current.start)..<Int(token(length - 1).end)], as: UTF8.self)
    return text.utf8.count == 36 && GUID(text) != nil ? (length, text.lowercased()) : nil
  }

  private mutating func signedLiteral() throws(ParseFailure) -> Literal {
    let isNegative = kind == .minus
    if isNegative { advance() }
    if isLiteralWord() { return .bool(bytes[Int(advance().start)] | 0x20 == 0x74) }
    switch (try scalarLiteral(), isNegative) {
    case (.long(let value), true): return .long(0 &- value)
    case (.real(let value), true): return .real(RealValue(value: -value.value))
    case (.timespan(let value), true): return .timespan(0 &- value)
    case (let literal, _): return literal
    }
  }

  /// The 36 characters of a GUID, lower-cased. Bare ones fall into several tokens, which must touch.
  private mutating func guidText() throws(ParseFailure) -> String {
    let start = position
    var text: String
    switch kind {
    case .string: text = stringValue()
    case .typed:
      guard case .typed(.guid, let inner) = try scalarLiteral() else { try fail(.malformedLiteral, "expected a GUID") }
      text = inner
    default:
      var length = 0
      while [.word, .long, .real, .timespan, .minus].contains(kind(length)), length == 0 || isAdjacent(length) { length += 1 }
      guard length > 0 else { try fail(.expected, "expected a GUID, found \(describeCurrent())") }
      text = String(decoding: bytes[Int(current.start)..<Int(token(length - 1).end)], as: UTF8.self)
      advance(by: length)
    }
    text = text.lowercased()
    guard GUID(text) != nil else {
      report(.malformedLiteral, "expected a GUID, found '\(text.prefix(60))'", at: span(from: start), hint: "as in 12345678-9abc-def0-1234-56789abcdef0")
      throw ParseFailure()
    }
    return text
  }

  // MARK: Schemas

  /// `(a: long, b: string)`; each name once.
  private mutating func tableSchema() throws(ParseFailure) -> RowSchema {
    let schema = try rowSchema()
    var seen: Set<String> = []
    for column in schema.columns where !seen.insert(column.name.text).inserted {
      report(.duplicateColumn, "column '\(column.name.text)' is declared twice", at: column.span)
      throw ParseFailure()
    }
    return schema
  }

  private mutating func tableDeclarations() throws(ParseFailure) -> [TableDeclaration] {
    var tables: [TableDeclaration] = []
    repeat {
      let name = try entityName()
      tables.append(TableDeclaration(name: name, schema: try tableSchema()))
    } while accept(.comma)
    return tables
  }

  /// `lenient`: behind each one `ifexists` may stand, which is its literal then.
  private mutating func renames(lenient: Bool) throws(ParseFailure) -> [CommandProperty] {
    var list: [CommandProperty] = []
    repeat {
      let start = position
      let new = try entityName()
      try expect(.assign, "=")
      let old = try entityPath()
      let mayLack = lenient && acceptWord("ifexists")
      list.append(CommandProperty(name: new, text: old.map(\.text).joined(separator: "."), literal: mayLack ? .bool(true) : nil, span: span(from: start)))
    } while accept(.comma)
    return list
  }

  private mutating func docstrings() throws(ParseFailure) -> [CommandProperty] {
    try list { parser throws(ParseFailure) in
      let start = parser.position
      let name = try parser.name("column name")
      try parser.expect(.colon, ":")
      let text = try parser.requiredString()
      return CommandProperty(name: name, text: text, literal: .string(text, isObfuscated: false), span: parser.span(from: start))
    }
  }

  // MARK: Properties

  /// `(a = 1, 'b' = "x")`; empty lists are allowed.
  mutating func commandProperties() throws(ParseFailure) -> [CommandProperty] {
    try expect(.leftParen, "(")
    var properties: [CommandProperty] = []
    while kind != .rightParen {
      properties.append(try commandProperty())
      if !accept(.comma) { break }
    }
    try expect(.rightParen, ")")
    return properties
  }

  private mutating func commandProperty() throws(ParseFailure) -> CommandProperty {
    let start = position
    let name: Name
    if let (length, text) = dashedWord() {
      let at = current.span
      advance(by: length)
      name = Name(text: text, span: at)
    } else {
      name = try entityName()
    }
    guard accept(.assign) || accept(.colon) else { try fail(.expected, "expected '=' after '\(name.text)', found \(describeCurrent())") }
    let (text, literal) = try propertyText()
    return CommandProperty(name: name, text: text, literal: literal, span: span(from: start))
  }

  /// A value: a literal, a word, or anything in brackets as written.
  private mutating func propertyText() throws(ParseFailure) -> (String, Literal?) {
    let start = Int(current.start)
    func written(_ parser: Parser) -> String {
      String(decoding: parser.bytes[start..<Int(parser.tokens[max(0, parser.position - 1)].end)], as: UTF8.self)
    }
    if let (length, text) = bareGUID() {
      advance(by: length)
      return (text, nil)
    }
    switch kind {
    case .string:
      let text = stringValue()
      return (text, .string(text, isObfuscated: false))
    case .leftBracket, .leftParen, .leftBrace:
      try skipBrackets()
      return (written(self), nil)
    case .long, .real, .timespan, .typed, .minus:
      let literal = try signedLiteral()
      if case .typed(_, let inner) = literal { return (inner, literal) }
      return (written(self), literal)
    case .word:
      if isLiteralWord() {
        let literal = try signedLiteral()
        return (written(self), literal)
      }
      if isWord("dynamic"), kind(1) == .leftParen {
        advance()
        let inside = Int(current.start) + 1
        try skipBrackets()
        return (String(decoding: bytes[inside..<max(inside, Int(tokens[position - 1].start))], as: UTF8.self), nil)
      }
      if let (length, text) = dashedWord() {
        advance(by: length)
        return (text, nil)
      }
      fallthrough
    default: try fail(.missing, "expected a value, found \(describeCurrent())")
    }
  }

  /// From an opening bracket behind its partner.
  private mutating func skipBrackets() throws(ParseFailure) {
    let open = current
    var depth = 0
    repeat {
      switch kind {
      case .leftParen, .leftBracket, .leftBrace: depth += 1
      case .rightParen, .rightBracket, .rightBrace: depth -= 1
      case .end:
        report(.malformed, "'\(text(of: open))' is not closed", at: open.span)
        throw ParseFailure()
      default: break
      }
      advance()
    } while depth > 0
  }

  // MARK: Bodies and sources

  private mutating func function() throws(ParseFailure) -> CommandArgument {
    let start = position
    guard kind == .leftParen else { try fail(.expected, "expected the parameters in parentheses, found \(describeCurrent())") }
    // Read by the query parser for its diagnostics, kept as text.
    let from = Int(current.start)
    _ = try parameterList()
    let parameters = String(decoding: bytes[from..<Int(tokens[position - 1].end)], as: UTF8.self)
    let body = try braced()
    return .function(parameters: parameters, body: body, span(from: start))
  }

  /// `{ statements }` as written, after checking that it parses.
  private mutating func braced() throws(ParseFailure) -> String {
    guard kind == .leftBrace else { try fail(.expected, "expected '{', found \(describeCurrent())") }
    let from = Int(current.start)
    _ = try functionBody()
    return String(decoding: bytes[from..<Int(tokens[position - 1].end)], as: UTF8.self)
  }

  /// `<|` and the rest; the line break right after it is no part of the data.
  private mutating func source() throws(ParseFailure) -> CommandArgument {
    guard kind == .less, kind(1) == .pipe, isAdjacent(1) else { try fail(.expected, "expected '<|', found \(describeCurrent())") }
    var start = Int(token(1).end)
    skipToEnd()
    while start < bytes.count, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
    if start < bytes.count, bytes[start] == 0x0D { start += 1 }
    if start < bytes.count, bytes[start] == 0x0A { start += 1 }
    return .source(String(decoding: bytes[start...], as: UTF8.self), SourceSpan(start: start, end: bytes.count))
  }

  /// `[ data ]` at the end of the text, or several of them with white space between, each a record or more: the records under one another.
  /// Brackets within double quotes or within brackets are data. Source: Kusto reference, ".ingest inline".
  private mutating func bracketedData() throws(ParseFailure) -> CommandArgument {
    guard kind == .leftBracket else { try fail(.expected, "expected '[', found \(describeCurrent())") }
    let start = Int(current.end)
    var end = bytes.count
    while end > start, bytes[end - 1] <= 0x20 || bytes[end - 1] == 0x3B { end -= 1 }
    guard end > start, bytes[end - 1] == 0x5D else {
      report(.malformed, "'[' is not closed by ']' at the end of the text", at: current.span)
      throw ParseFailure()
    }
    skipToEnd()
    end -= 1
    var data: [UInt8] = []
    var isQuoted = false
    // Brackets of the data that are open.
    var depth = 0
    var i = start, kept = start
    while i < end {
      if bytes[i] == 0x22 { isQuoted.toggle() }
      if bytes[i] == 0x5B, !isQuoted { depth += 1 }
      guard bytes[i] == 0x5D, !isQuoted else {
        i += 1
        continue
      }
      if depth > 0 {
        depth -= 1
        i += 1
        continue
      }
      var next = i + 1
      while next < end, bytes[next] <= 0x20 { next += 1 }
      if next > i + 1, next < end, bytes[next] == 0x5B {
        data += bytes[kept..<i]
        data.append(0x0A)
        kept = next + 1
        i = kept
      } else {
        i = next
      }
    }
    data += bytes[kept..<end]
    return .source(String(decoding: data, as: UTF8.self), SourceSpan(start: start, end: end))
  }

  // MARK: Policies

  private mutating func policyValue() throws(ParseFailure) -> PolicyValue {
    let start = position
    var value = PolicyValue(span: current.span)
    while ![.end, .pipe, .semicolon, .less].contains(kind) {
      switch kind {
      case .string: value.document = stringValue()
      case .leftParen: value.order = try orderedNames()
      case .comma: advance()
      case .word where isWord("with") && kind(1) == .leftParen:
        advance()
        value.properties = try commandProperties()
      case .word where kind(1) == .assign: value.settings.append(try policySetting())
      case .word:
        if let (length, text) = dashedWord() {
          advance(by: length)
          value.words.append(text)
        }
      default: try fail(.unexpected, "unexpected \(describeCurrent()) in a policy", hint: "policies are written as a JSON text in quotes")
      }
    }
    guard position > start else { try fail(.missing, "expected the policy, found end of command") }
    value.span = span(from: start)
    return value
  }

  /// `hot = 30d`, `hot_window = datetime(…) .. datetime(…)`.
  private mutating func policySetting() throws(ParseFailure) -> CommandProperty {
    let start = position
    let name = try name()
    try expect(.assign, "=")
    let (first, literal) = try propertyText()
    guard accept(.dotDot) else { return CommandProperty(name: name, text: first, literal: literal, span: span(from: start)) }
    let (last, _) = try propertyText()
    return CommandProperty(name: name, text: "\(first)..\(last)", literal: nil, span: span(from: start))
  }

  private mutating func orderedNames() throws(ParseFailure) -> [OrderedName] {
    try list { parser throws(ParseFailure) in
      let name = try parser.name("column name")
      if parser.acceptDashed("desc") { return OrderedName(name: name, isAscending: false) }
      _ = parser.acceptDashed("asc")
      return OrderedName(name: name, isAscending: true)
    }
  }

  // MARK: Extent filters and external tables

  /// `tags has 'a' and tags !contains 'b'` as texts of operator and value: `has`, `a`, `!contains`, `b`.
  private mutating func tagFilter() throws(ParseFailure) -> [String] {
    var parts: [String] = []
    repeat {
      try expectWord("tags")
      let operators = ["has", "!has", "contains", "!contains", "==", "!="]
      let word = text(of: current)
      guard operators.contains(word) else {
        try fail(.expected, "expected one of \(operators.joined(separator: ", ")), found \(describeCurrent())", hint: NameSuggestion.hint(for: word, among: operators))
      }
      advance()
      parts += [word, try requiredString()]
    } while acceptWord("and")
    return parts
  }

  private mutating func partition() throws(ParseFailure) -> PartitionDeclaration {
    let name = try name("partition column")
    try expect(.colon, ":")
    let type = try typeReference()
    guard accept(.assign) else { return PartitionDeclaration(name: name, type: type, expression: nil) }
    let from = Int(current.start)
    _ = try additive()
    return PartitionDeclaration(name: name, type: type, expression: String(decoding: bytes[from..<Int(tokens[position - 1].end)], as: UTF8.self))
  }

  private mutating func pathFormat() throws(ParseFailure) -> [PathFormatPart] {
    try expect(.leftParen, "(")
    var parts: [PathFormatPart] = []
    while kind != .rightParen {
      if kind == .string {
        parts.append(.text(stringValue()))
      } else if isWord("datetime_pattern"), kind(1) == .leftParen {
        advance(by: 2)
        let pattern = try requiredString()
        try expect(.comma, ",")
        parts.append(.pattern(pattern, try name("partition column")))
        try expect(.rightParen, ")")
      } else {
        parts.append(.column(try name("partition column")))
      }
    }
    try expect(.rightParen, ")")
    return parts
  }
}
