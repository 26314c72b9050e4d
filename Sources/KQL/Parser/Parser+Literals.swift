// Literal tokens to values, and the JSON superset inside `dynamic(...)`.

extension Parser {
  /// The literal at the cursor. Strings that follow each other are one literal.
  mutating func scalarLiteral() throws(ParseFailure) -> Literal {
    switch kind {
    case .long:
      guard let value = LiteralText.long(text(of: current)) else {
        try fail(.malformedLiteral, "\(describeCurrent()) does not fit a long", hint: "write decimal(...) or real(...) for larger numbers")
      }
      advance()
      return .long(value)
    case .real: return .real(RealValue(value: try realValue()))
    case .timespan: return .timespan(try timespanValue())
    case .typed:
      let (type, text) = typedValue()
      return .typed(type, text)
    case .string:
      let isObfuscated = bytes[Int(current.start)] | 0x20 == 0x68
      return .string(stringValue(), isObfuscated: isObfuscated)
    default:
      try fail(.missing, "expected a literal, found \(describeCurrent())")
    }
  }

  /// The string tokens at the cursor joined; wrong escapes are reported.
  mutating func stringValue() -> String {
    var value = ""
    while kind == .string {
      let token = advance()
      let part = LiteralText.string(bytes[Int(token.start)..<Int(token.end)])
      if let offset = part.badEscape {
        let at = Int(token.start) + offset
        report(.malformedLiteral, "unknown escape in string", at: SourceSpan(start: at, end: at + 2), hint: "write \\\\ for a backslash, or use @\"...\"")
      }
      value += part.value
    }
    return value
  }

  private mutating func realValue() throws(ParseFailure) -> Double {
    guard let value = LiteralText.real(text(of: current)) else {
      try fail(.malformedLiteral, "\(describeCurrent()) is not a number")
    }
    advance()
    return value
  }

  private mutating func timespanValue() throws(ParseFailure) -> Int64 {
    guard let ticks = LiteralText.timespan(text(of: current)) else {
      try fail(.malformedLiteral, "\(describeCurrent()) does not fit a timespan")
    }
    advance()
    return ticks
  }

  /// Type and trimmed text of `type(text)`.
  private mutating func typedValue() -> (ScalarTypeName, String) {
    let token = advance()
    let content = bytes[Int(token.start)..<Int(token.end)]
    let open = content.firstIndex(of: 0x28) ?? content.startIndex
    let word = String(decoding: content[content.startIndex..<open], as: UTF8.self)
    var start = min(open + 1, content.endIndex)
    var end = max(start, content.endIndex - 1)
    while start < end && content[start] <= 0x20 { start += 1 }
    while end > start && content[end - 1] <= 0x20 { end -= 1 }
    let text = String(decoding: content[start..<end], as: UTF8.self)
    let type = ScalarTypeName(word: word) ?? .dynamic
    if text.contains("(") {
      report(.malformedLiteral, "\(word)(...) holds a literal, found '\(text.prefix(40))'", at: token.span, hint: "to convert an expression use to\(type == .real ? "double" : type.rawValue)(...)")
    }
    return (type, text)
  }

  /// A value inside `dynamic(...)`.
  mutating func dynamicNode() throws(ParseFailure) -> DynamicNode {
    try enter()
    defer { leave() }
    switch kind {
    case .string: return .string(stringValue())
    case .long, .real, .minus, .plus: return try dynamicNumber()
    case .timespan: return .timespan(try timespanValue())
    case .typed:
      let (type, text) = typedValue()
      return .typed(type, text)
    case .leftBracket: return try dynamicArray()
    case .leftBrace: return try dynamicObject()
    case .word:
      if acceptWord("null") { return .null }
      if isLiteralWord() { return .bool(bytes[Int(advance().start)] | 0x20 == 0x74) }
      if isWord("dynamic") && kind(1) == .leftParen {
        advance(by: 2)
        let value = try dynamicNode()
        try expect(.rightParen, ")")
        return value
      }
      try fail(.malformedLiteral, "expected a literal in dynamic(...), found \(describeCurrent())", hint: "build values from columns with bag_pack(...), pack_array(...) or todynamic(...)")
    case .invalid: throw ParseFailure()
    default:
      try fail(.malformedLiteral, "expected a literal in dynamic(...), found \(describeCurrent())")
    }
  }

  /// A signed number; integers beyond 64 bits become reals, as in JSON.
  private mutating func dynamicNumber() throws(ParseFailure) -> DynamicNode {
    let isNegative = kind == .minus
    if kind == .minus || kind == .plus { advance() }
    let text = text(of: current)
    switch kind {
    case .long:
      if let value = Int64((isNegative ? "-" : "") + text) {
        advance()
        return .long(value)
      }
      if let value = LiteralText.long(text) {
        advance()
        return .long(isNegative ? 0 &- value : value)
      }
      let value = try realValue()
      return .real(RealValue(value: isNegative ? -value : value))
    case .real:
      let value = try realValue()
      return .real(RealValue(value: isNegative ? -value : value))
    case .timespan:
      let value = try timespanValue()
      return .timespan(isNegative ? 0 &- value : value)
    default:
      try fail(.malformedLiteral, "expected a number, found \(describeCurrent())")
    }
  }

  private mutating func dynamicArray() throws(ParseFailure) -> DynamicNode {
    advance()
    var values: [DynamicNode] = []
    while kind != .rightBracket {
      values.append(try dynamicNode())
      if !accept(.comma) { break }
    }
    try expect(.rightBracket, "]")
    return .array(values)
  }

  private mutating func dynamicObject() throws(ParseFailure) -> DynamicNode {
    advance()
    var members: [DynamicMember] = []
    while kind != .rightBrace {
      guard kind == .string else {
        if kind == .invalid { throw ParseFailure() }
        try fail(.malformedLiteral, "expected a quoted key, found \(describeCurrent())")
      }
      let key = stringValue()
      try expect(.colon, ":")
      members.append(DynamicMember(key: key, value: try dynamicNode()))
      if !accept(.comma) { break }
    }
    try expect(.rightBrace, "}")
    return .object(members)
  }
}
