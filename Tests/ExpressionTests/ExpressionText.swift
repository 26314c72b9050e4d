// Role: a small reader of expression text for test tables: literals, operators, calls, member access. The real front end is tested elsewhere.

import Columnar
import Expressions

struct ExpressionTextError: Error, CustomStringConvertible {
  let description: String
}

/// Reads `1 + toint('2')`, `x has 'a'`, `x in (1, 2)`, `d.a[0]`, `5 between (1 .. 10)`, `datetime(2020-01-01)`, `dynamic([1])`, `3h`.
struct ExpressionText {
  private let text: [UInt8]
  private var at = 0

  init(_ text: String) { self.text = Array(text.utf8) }

  static func parse(_ text: String) throws -> Expr {
    var parser = ExpressionText(text)
    let expr = try parser.expression(0)
    parser.space()
    guard parser.at == parser.text.count else { throw ExpressionTextError(description: "left over: \(parser.rest)") }
    return expr
  }

  /// Comma-separated `name = expression` items, as behind `print`.
  static func parseList(_ text: String) throws -> [Expr] {
    var parser = ExpressionText(text)
    var out: [Expr] = []
    while true {
      parser.space()
      let mark = parser.at
      let name = parser.name()
      parser.space()
      if parser.looking("["), name == "" { throw ExpressionTextError(description: "quoted name") }
      if name != "", parser.looking("="), !parser.looking("=="), !parser.looking("=~") { parser.at += 1 } else { parser.at = mark }
      out.append(try parser.expression(0))
      parser.space()
      guard parser.take(",") else { break }
    }
    guard parser.at == parser.text.count else { throw ExpressionTextError(description: "left over: \(parser.rest)") }
    return out
  }

  private var rest: String { String(decoding: text[at...], as: UTF8.self) }

  private mutating func space() {
    while at < text.count {
      if text[at] <= 0x20 { at += 1 } else if looking("//") { while at < text.count, text[at] != 10 { at += 1 } } else { return }
    }
  }

  private func looking(_ word: String) -> Bool { text[at...].starts(with: Array(word.utf8)) }

  private mutating func take(_ word: String) -> Bool {
    space()
    guard looking(word) else { return false }
    at += word.utf8.count
    return true
  }

  private mutating func name() -> String {
    let start = at
    while at < text.count, text[at] | 0x20 >= 0x61 && text[at] | 0x20 <= 0x7A || text[at] == 0x5F || at > start && text[at] >= 0x30 && text[at] <= 0x39 {
      at += 1
    }
    return String(decoding: text[start..<at], as: UTF8.self)
  }

  private static let wordOperators = [
    "matches regex", "has_any", "has_all", "between", "!between", "in~", "!in~", "in", "!in", "and", "or",
  ] + FunctionName.stringOperators.sorted { $0.count > $1.count }
  private static let levels: [String: Int] = [
    "or": 1, "and": 2, "==": 3, "!=": 3, "=~": 3, "!~": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
  ]

  private mutating func binaryOperator() -> String? {
    space()
    let mark = at
    for word in Self.wordOperators where looking(word) {
      at += word.utf8.count
      let next = at < text.count ? text[at] : 0x20
      if next | 0x20 >= 0x61 && next | 0x20 <= 0x7A || next == 0x5F || next == 0x7E { at = mark; continue }
      return word
    }
    for symbol in ["==", "!=", "=~", "!~", "<=", ">=", "<", ">", "+", "-", "*", "/", "%"] where looking(symbol) {
      at += symbol.utf8.count
      return symbol
    }
    return nil
  }

  private mutating func expression(_ minimum: Int) throws -> Expr {
    var left = try unary()
    while true {
      let mark = at
      guard let op = binaryOperator() else { return left }
      let level = Self.levels[op] ?? 3
      guard level > minimum else { at = mark; return left }
      switch op {
      case "in", "!in", "in~", "!in~", "has_any", "has_all":
        guard take("(") else { left = .call(op, [left, try unary()]); continue }
        left = .call(op, [left] + (try arguments()))
      case "between", "!between":
        guard take("(") else { throw ExpressionTextError(description: "( expected") }
        let low = try expression(0)
        guard take("..") else { throw ExpressionTextError(description: ".. expected at \(rest)") }
        let high = try expression(0)
        _ = take(")")
        left = .call(op, [left, low, high])
      default: left = .call(op, [left, try expression(level)])
      }
    }
  }

  private mutating func arguments() throws -> [Expr] {
    var out: [Expr] = []
    if take(")") { return out }
    while true {
      out.append(try expression(0))
      if take(",") { continue }
      guard take(")") else { throw ExpressionTextError(description: ") expected at \(rest)") }
      return out
    }
  }

  private mutating func unary() throws -> Expr {
    space()
    if at < text.count, text[at] == 0x2D {
      at += 1
      let operand = try unary()
      if case .literal(.long(let v)) = operand { return .literal(.long(0 &- v)) }
      return .call(FunctionName.negate, [operand])
    }
    var expr = try primary()
    while true {
      if looking("["), at < text.count {
        at += 1
        let index = try expression(0)
        guard take("]") else { throw ExpressionTextError(description: "] expected at \(rest)") }
        expr = .call(FunctionName.member, [expr, index])
      } else if looking("."), !looking("..") {
        at += 1
        expr = .call(FunctionName.member, [expr, .literal(.string(name()))])
      } else {
        return expr
      }
    }
  }

  private mutating func string(_ quote: UInt8, verbatim: Bool) throws -> String {
    var out: [UInt8] = []
    while at < text.count, text[at] != quote || verbatim && at + 1 < text.count && text[at + 1] == quote {
      if verbatim { if text[at] == quote { at += 1 } } else if text[at] == 0x5C {
        at += 1
        switch text[at] {
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "u"):
          let hex = String(decoding: text[at + 1...at + 4], as: UTF8.self)
          out += Array(String(Character(Unicode.Scalar(UInt32(hex, radix: 16) ?? 0xFFFD) ?? "\u{FFFD}")).utf8)
          at += 4
        default: out.append(text[at])
        }
        at += 1
        continue
      }
      out.append(text[at])
      at += 1
    }
    guard at < text.count else { throw ExpressionTextError(description: "string does not end") }
    at += 1
    return String(decoding: out, as: UTF8.self)
  }

  private mutating func primary() throws -> Expr {
    space()
    guard at < text.count else { throw ExpressionTextError(description: "expression expected") }
    if take("(") {
      let inner = try expression(0)
      guard take(")") else { throw ExpressionTextError(description: ") expected at \(rest)") }
      return inner
    }
    let b = text[at]
    if b == 0x27 || b == 0x22 {
      at += 1
      return .literal(.string(try string(b, verbatim: false)))
    }
    if b == UInt8(ascii: "@") {
      at += 2
      return .literal(.string(try string(text[at - 1], verbatim: true)))
    }
    if b >= 0x30, b <= 0x39 { return try number() }
    let word = name()
    guard word != "" else { throw ExpressionTextError(description: "unexpected \(rest)") }
    if word == "true" { return .literal(.bool(true)) }
    if word == "false" { return .literal(.bool(false)) }
    guard take("(") else { return .column(word) }
    if let type = DataType(name: word), word != "todynamic" { return .literal(try literal(type)) }
    return .call(word, try arguments())
  }

  private mutating func number() throws -> Expr {
    let start = at
    if looking("0x") {
      at += 2
      while at < text.count, text[at] >= 0x30 && text[at] <= 0x39 || text[at] | 0x20 >= 0x61 && text[at] | 0x20 <= 0x66 { at += 1 }
      return .literal(.long(Int64(String(decoding: text[start + 2..<at], as: UTF8.self), radix: 16) ?? 0))
    }
    var isReal = false
    while at < text.count {
      let c = text[at]
      if c >= 0x30 && c <= 0x39 { at += 1 } else if c == 0x2E, !isReal, at + 1 < text.count, text[at + 1] != 0x2E { isReal = true; at += 1 }
      else if c | 0x20 == 0x65, at + 1 < text.count, text[at + 1] < 0x3A { isReal = true; at += 2 } else { break }
    }
    let digits = String(decoding: text[start..<at], as: UTF8.self)
    let unit = name()
    if unit != "" {
      guard let span = ScalarText.parse(digits + unit, as: .timespan) else { throw ExpressionTextError(description: "timespan \(digits)\(unit)") }
      return .literal(span)
    }
    return .literal(isReal ? .real(Double(digits) ?? .nan) : Int64(digits).map { .long($0) } ?? .real(Double(digits) ?? .nan))
  }

  private mutating func literal(_ type: DataType) throws -> Scalar {
    let start = at
    var depth = 1
    var quote: UInt8 = 0
    while at < text.count {
      let c = text[at]
      if quote != 0 { if c == 0x5C { at += 1 } else if c == quote { quote = 0 } }
      else if c == 0x27 || c == 0x22 { quote = c }
      else if c == 0x28 { depth += 1 } else if c == 0x29 { depth -= 1; if depth == 0 { break } }
      at += 1
    }
    var inner = String(decoding: text[start..<at], as: UTF8.self)
    at += 1
    while inner.first == " " || inner.first == "\n" { inner.removeFirst() }
    while inner.last == " " || inner.last == "\n" { inner.removeLast() }
    if inner == "null" { return .null(type) }
    if type == .dynamic {
      let value = try DynamicValue(parsing: inner, as: .kqlLiteral)
      return value == .null ? .null(.dynamic) : .dynamic(value)
    }
    if let first = inner.first, first == "'" || first == "\"" { inner = String(inner.dropFirst().dropLast()) }
    if type == .datetime, inner == "now" { return .datetime(0) }
    guard let value = ScalarText.parse(inner, as: type) else { throw ExpressionTextError(description: "\(type)(\(inner))") }
    return value
  }
}
