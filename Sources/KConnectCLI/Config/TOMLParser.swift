// Role: reads TOML 1.0 without dates (they are refused by name): keys, tables, arrays of tables, strings of all four kinds, integers, floats,
// booleans, arrays, inline tables. Duplicate keys are errors. Source: toml.io/en/v1.0.0.

/// A TOML value.
indirect enum TOMLValue {
  case string(String)
  case integer(Int)
  case float(Double)
  case bool(Bool)
  case array([TOMLValue])
  case table([String: TOMLValue])
}

/// A mistake with its line.
struct TOMLError: Error {
  let line: Int
  let message: String
}

struct TOMLParser {
  private let text: [Unicode.Scalar]
  private var at = 0
  private var line = 1
  private var root: [String: TOMLValue] = [:]
  private var definedTables: Set<[String]> = []
  private static let maxDepth = 64

  init(_ text: String) { self.text = Array(text.unicodeScalars) }

  /// The top-level table.
  mutating func parse() throws -> [String: TOMLValue] {
    var table: [String] = []
    while true {
      skipBlank()
      guard let c = peek else { return root }
      if c == "[" {
        at += 1
        let isArray = accept("[")
        table = try keyPath()
        guard accept("]"), !isArray || accept("]") else { throw error("expected ']'") }
        if isArray {
          try appendTable(table)
        } else {
          guard definedTables.insert(table).inserted else { throw error("table '\(table.joined(separator: "."))' is defined twice") }
          try assign(table, nil)
        }
      } else {
        let key = try keyPath()
        guard accept("=") else { throw error("expected '=' behind '\(key.joined(separator: "."))'") }
        skipSpace()
        let value = try value(depth: 0)
        try assign(table + key, value)
      }
      try endOfLine()
    }
  }

  // MARK: - Structure

  /// Puts a value under a path, or makes a table there for nil. The last element of an array of tables is the one meant.
  private mutating func assign(_ path: [String], _ value: TOMLValue?) throws {
    let failure = Self.assign(&root, path[...], value)
    if let failure { throw error(failure) }
  }

  private static func assign(_ table: inout [String: TOMLValue], _ path: ArraySlice<String>, _ value: TOMLValue?) -> String? {
    guard let key = path.first else { return nil }
    if path.count == 1 {
      if let value {
        if table[key] != nil { return "'\(key)' is given twice" }
        table[key] = value
        return nil
      }
      switch table[key] {
      case nil: table[key] = .table([:])
      case .table: break
      default: return "'\(key)' is not a table"
      }
      return nil
    }
    switch table[key] {
    case nil:
      var inner: [String: TOMLValue] = [:]
      defer { table[key] = .table(inner) }
      return assign(&inner, path.dropFirst(), value)
    case .table(var inner):
      defer { table[key] = .table(inner) }
      return assign(&inner, path.dropFirst(), value)
    case .array(var items):
      guard case .table(var inner)? = items.last else { return "'\(key)' is not a table" }
      defer {
        items[items.count - 1] = .table(inner)
        table[key] = .array(items)
      }
      return assign(&inner, path.dropFirst(), value)
    default: return "'\(key)' is not a table"
    }
  }

  private mutating func appendTable(_ path: [String]) throws {
    guard path.count == 1, let key = path.first else { throw error("not supported: nested arrays of tables") }
    switch root[key] {
    case nil: root[key] = .array([.table([:])])
    case .array(let items): root[key] = .array(items + [.table([:])])
    default: throw error("'\(key)' is not an array of tables")
    }
  }

  // MARK: - Keys

  private mutating func keyPath() throws -> [String] {
    var path: [String] = []
    repeat {
      skipSpace()
      path.append(try key())
      skipSpace()
      if path.count > Self.maxDepth { throw error("the key has too many parts") }
    } while accept(".")
    return path
  }

  private mutating func key() throws -> String {
    if peek == "\"" { return try basicString() }
    if peek == "'" { return try literalString() }
    var out = ""
    while let c = peek, c.properties.isAlphabetic || (c.value >= 0x30 && c.value <= 0x39) || c == "_" || c == "-" {
      out.unicodeScalars.append(c)
      at += 1
    }
    guard !out.isEmpty else { throw error("expected a key") }
    return out
  }

  // MARK: - Values

  private mutating func value(depth: Int) throws -> TOMLValue {
    guard depth < Self.maxDepth else { throw error("values nest deeper than \(Self.maxDepth)") }
    switch peek {
    case "\"": return .string(starts(with: "\"\"\"") ? try multiLine("\"", escapes: true) : try basicString())
    case "'": return .string(starts(with: "'''") ? try multiLine("'", escapes: false) : try literalString())
    case "[":
      at += 1
      var items: [TOMLValue] = []
      while true {
        skipBlank()
        if accept("]") { return .array(items) }
        items.append(try value(depth: depth + 1))
        skipBlank()
        if accept(",") { continue }
        guard accept("]") else { throw error("expected ',' or ']'") }
        return .array(items)
      }
    case "{":
      at += 1
      var table: [String: TOMLValue] = [:]
      skipSpace()
      if accept("}") { return .table(table) }
      while true {
        let path = try keyPath()
        guard accept("=") else { throw error("expected '='") }
        skipSpace()
        if let failure = Self.assign(&table, path[...], try value(depth: depth + 1)) { throw error(failure) }
        skipSpace()
        if accept(",") { continue }
        guard accept("}") else { throw error("expected ',' or '}'") }
        return .table(table)
      }
    default: return try bareValue()
    }
  }

  private mutating func bareValue() throws -> TOMLValue {
    var word = ""
    while let c = peek, !"\n\r\t ,]}#".unicodeScalars.contains(c) {
      word.unicodeScalars.append(c)
      at += 1
    }
    switch word {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "inf", "+inf": return .float(.infinity)
    case "-inf": return .float(-.infinity)
    case "nan", "+nan", "-nan": return .float(.nan)
    case "": throw error("expected a value")
    default: break
    }
    let plain = word.filter { $0 != "_" }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where plain.hasPrefix(prefix) {
      if let n = Int(plain.dropFirst(2), radix: radix) { return .integer(n) }
    }
    if let n = Int(plain) { return .integer(n) }
    if plain.contains(where: { $0 == "." || $0 == "e" || $0 == "E" }), let n = Double(plain) { return .float(n) }
    if word.count >= 8, word.first?.isNumber == true, word.contains("-") || word.contains(":") {
      throw error("'\(word)': dates and times are not supported; write them in quotes")
    }
    throw error("'\(word.prefix(80))' is not a value; text stands in quotes")
  }

  // MARK: - Strings

  private mutating func basicString() throws -> String {
    at += 1
    var out = ""
    while let c = peek, c != "\n" {
      at += 1
      if c == "\"" { return out }
      if c == "\\" { out.unicodeScalars.append(try escape()) } else { out.unicodeScalars.append(c) }
    }
    throw error("the string does not end on its line")
  }

  private mutating func literalString() throws -> String {
    at += 1
    var out = ""
    while let c = peek, c != "\n" {
      at += 1
      if c == "'" { return out }
      out.unicodeScalars.append(c)
    }
    throw error("the string does not end on its line")
  }

  private mutating func multiLine(_ quote: Unicode.Scalar, escapes: Bool) throws -> String {
    at += 3
    _ = accept("\r")
    if accept("\n") { line += 1 }
    let end = String(repeating: String(quote), count: 3)
    var out = ""
    while let c = peek {
      if c == quote, starts(with: end) {
        at += 3
        while peek == quote {
          out.unicodeScalars.append(quote)
          at += 1
        }
        return out
      }
      at += 1
      if c == "\n" { line += 1 }
      if c == "\\", escapes {
        if peek == "\n" || peek == " " || peek == "\r" {
          while let space = peek, space == " " || space == "\t" || space == "\r" || space == "\n" {
            if space == "\n" { line += 1 }
            at += 1
          }
        } else {
          out.unicodeScalars.append(try escape())
        }
      } else {
        out.unicodeScalars.append(c)
      }
    }
    throw error("the string does not end")
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard let c = peek else { throw error("the string does not end") }
    at += 1
    switch c {
    case "b": return "\u{8}"
    case "t": return "\t"
    case "n": return "\n"
    case "f": return "\u{C}"
    case "r": return "\r"
    case "\"", "\\": return c
    case "u", "U":
      let count = c == "u" ? 4 : 8
      var digits = ""
      for _ in 0..<count {
        guard let d = peek else { break }
        digits.unicodeScalars.append(d)
        at += 1
      }
      guard digits.count == count, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
        throw error("'\\\(c)\(digits)' is not a character")
      }
      return scalar
    default: throw error("'\\\(c)' is not an escape")
    }
  }

  // MARK: - Characters

  private var peek: Unicode.Scalar? { at < text.count ? text[at] : nil }

  private func starts(with prefix: String) -> Bool { text[at...].starts(with: prefix.unicodeScalars) }

  private mutating func accept(_ c: Unicode.Scalar) -> Bool {
    guard peek == c else { return false }
    at += 1
    return true
  }

  private mutating func skipSpace() {
    while peek == " " || peek == "\t" { at += 1 }
  }

  /// White space, line ends and comments.
  private mutating func skipBlank() {
    while let c = peek {
      if c == "#" {
        while let d = peek, d != "\n" { _ = d; at += 1 }
      } else if c == "\n" {
        line += 1
        at += 1
      } else if c == " " || c == "\t" || c == "\r" || c == "\u{FEFF}" {
        at += 1
      } else {
        return
      }
    }
  }

  private mutating func endOfLine() throws {
    skipSpace()
    guard let c = peek else { return }
    if c == "#" || c == "\n" || c == "\r" { return }
    throw error("expected the end of the line, found '\(c)'")
  }

  private func error(_ message: String) -> TOMLError { TOMLError(line: line, message: message) }
}
