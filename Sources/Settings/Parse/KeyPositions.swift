// Role: where each key of a TOML text stands. The parser has accepted the text, so this only walks over it: headers, keys, and values as far
// as they hold keys. What it cannot place (a key written with \u escapes) takes the place of the table around it.

struct KeyPositions {
  /// A step from a value to one inside it.
  enum Step: Hashable {
    case key(String)
    case index(Int)
  }

  private let text: [Unicode.Scalar]
  private var at = 0
  private var line = 1
  private var lineStart = 0
  private var found: [[Step]: TextPosition] = [:]
  /// Elements of arrays of tables so far.
  private var counts: [[Step]: Int] = [:]

  init(_ text: String) {
    self.text = Array(text.unicodeScalars)
    var table: [Step] = []
    while true {
      skipBlank()
      guard let c = peek else { break }
      if c == "[" {
        let start = position
        advance()
        let isArray = peek == "["
        if isArray { advance() }
        table = resolved(keys(), isArray: isArray, start)
        while let c = peek, c != "\n" { _ = c; advance() }
      } else {
        let before = at
        pair(in: table)
        // Text that does not move on would be a defect here; the places left out take that of their table.
        if at == before { advance() }
      }
    }
  }

  subscript(path: [Step]) -> TextPosition? { found[path] }

  // MARK: Structure

  /// The path that a header means, through the last elements of arrays of tables.
  private mutating func resolved(_ keys: [String], isArray: Bool, _ start: TextPosition) -> [Step] {
    var path: [Step] = []
    for (i, key) in keys.enumerated() {
      path.append(.key(key))
      note(path, start)
      if i == keys.count - 1, isArray {
        let n = counts[path] ?? 0
        counts[path] = n + 1
        path.append(.index(n))
        note(path, start)
      } else if let n = counts[path] {
        path.append(.index(n - 1))
      }
    }
    return path
  }

  private mutating func note(_ path: [Step], _ position: TextPosition) { if found[path] == nil { found[path] = position } }

  /// `key = value`.
  private mutating func pair(in table: [Step]) {
    let start = position
    var path = table
    for key in keys() {
      path.append(.key(key))
      note(path, start)
    }
    while let c = peek, c == "=" || c == " " || c == "\t" { _ = c; advance() }
    value(path)
  }

  private mutating func value(_ path: [Step]) {
    switch peek {
    case "\"", "'": skipString()
    case "[":
      advance()
      var n = 0
      while true {
        skipBlank()
        guard let c = peek else { return }
        if c == "]" { return advance() }
        if c == "," { advance(); continue }
        note(path + [.index(n)], position)
        let before = at
        value(path + [.index(n)])
        if at == before { advance() }
        n += 1
      }
    case "{":
      advance()
      while true {
        skipBlank()
        guard let c = peek else { return }
        if c == "}" { return advance() }
        if c == "," { advance(); continue }
        let before = at
        pair(in: path)
        if at == before { advance() }
      }
    default:
      while let c = peek, c != ",", c != "]", c != "}", c != "\n", c != "#" { advance() }
    }
  }

  // MARK: Characters

  private var peek: Unicode.Scalar? { at < text.count ? text[at] : nil }
  private var position: TextPosition { TextPosition(line: line, column: at - lineStart + 1) }

  private mutating func advance() {
    if at < text.count, text[at] == "\n" {
      line += 1
      lineStart = at + 1
    }
    at += 1
  }

  /// White space, line ends and comments.
  private mutating func skipBlank() {
    while let c = peek {
      if c == "#" {
        while let d = peek, d != "\n" { _ = d; advance() }
      } else if c == " " || c == "\t" || c == "\n" || c == "\r" || c == "\u{FEFF}" {
        advance()
      } else {
        return
      }
    }
  }

  /// The parts of a dotted key.
  private mutating func keys() -> [String] {
    var out: [String] = []
    while let c = peek {
      if c == " " || c == "\t" || c == "." {
        advance()
      } else if c == "\"" || c == "'" {
        let start = at
        skipString()
        out.append(Self.unquoted(text[start..<min(at, text.count)]))
      } else if c == "=" || c == "]" || c == "\n" {
        break
      } else {
        var name = ""
        while let d = peek, !"= \t.]\n\"'".unicodeScalars.contains(d) {
          name.unicodeScalars.append(d)
          advance()
        }
        out.append(name)
      }
    }
    return out
  }

  private static func unquoted(_ quoted: ArraySlice<Unicode.Scalar>) -> String {
    var out = ""
    var isEscaped = false
    for c in quoted.dropFirst().dropLast() {
      if c == "\\", !isEscaped, quoted.first == "\"" {
        isEscaped = true
        continue
      }
      out.unicodeScalars.append(c)
      isEscaped = false
    }
    return out
  }

  /// A string of any of the four kinds.
  private mutating func skipString() {
    guard let quote = peek else { return }
    let isLong = at + 2 < text.count && text[at + 1] == quote && text[at + 2] == quote
    let width = isLong ? 3 : 1
    for _ in 0..<width { advance() }
    while let c = peek {
      if c == "\\", quote == "\"" {
        advance()
        advance()
        continue
      }
      if c == quote, !isLong || at + 2 < text.count && text[at + 1] == quote && text[at + 2] == quote {
        for _ in 0..<width { advance() }
        // A long string may end with up to two quotes of its own.
        while isLong, peek == quote { advance() }
        return
      }
      advance()
    }
  }
}
