// Role: shell-style patterns over path components: `*`, `?`, `[a-z]`, `[!a]`, `{a,b}`, `\x`; `**` as a whole component is any depth.

import DataSource

/// One component's pattern, braces already expanded.
package struct GlobPattern: Sendable, Hashable {
  private enum Token: Sendable, Hashable {
    case character(UnicodeScalar)
    case anyOne
    case anyRun
    case oneOf([ClosedRange<UnicodeScalar>], isNegated: Bool)
  }

  private let tokens: [Token]
  package let text: String

  /// Parses; a `[` without its `]` is an ordinary character.
  package init(_ text: String) {
    self.text = text
    let input = Array(text.unicodeScalars)
    var tokens: [Token] = []
    var i = 0
    while i < input.count {
      switch input[i] {
      case "\\" where i + 1 < input.count:
        tokens.append(.character(input[i + 1]))
        i += 1
      case "?": tokens.append(.anyOne)
      case "*":
        if tokens.last != .anyRun { tokens.append(.anyRun) }
      case "[":
        if let (token, end) = Self.parseSet(input, i) {
          tokens.append(token)
          i = end
        } else {
          tokens.append(.character("["))
        }
      default: tokens.append(.character(input[i]))
      }
      i += 1
    }
    self.tokens = tokens
  }

  private static func parseSet(_ input: [UnicodeScalar], _ start: Int) -> (Token, Int)? {
    var i = start + 1
    var isNegated = false
    if i < input.count, input[i] == "!" || input[i] == "^" {
      isNegated = true
      i += 1
    }
    var ranges: [ClosedRange<UnicodeScalar>] = []
    let first = i
    while i < input.count {
      if input[i] == "]", i > first { return (.oneOf(ranges, isNegated: isNegated), i) }
      if input[i] == "\\", i + 1 < input.count { i += 1 }
      let low = input[i]
      if i + 2 < input.count, input[i + 1] == "-", input[i + 2] != "]" {
        let high = input[i + 2]
        if low <= high { ranges.append(low...high) }
        i += 3
      } else {
        ranges.append(low...low)
        i += 1
      }
    }
    return nil
  }

  /// True when the pattern names exactly one text.
  package var isLiteral: Bool { tokens.allSatisfy { if case .character = $0 { true } else { false } } }

  /// The text of a literal pattern, escapes undone.
  package var literal: String {
    var out = String.UnicodeScalarView()
    for token in tokens { if case .character(let c) = token { out.append(c) } }
    return String(out)
  }

  /// True when the pattern itself begins with that character, so that hidden names are meant.
  package func begins(with character: UnicodeScalar) -> Bool { tokens.first == .character(character) }

  /// Matches a whole name; time grows with pattern × name at worst.
  package func matches(_ name: String) -> Bool {
    let text = Array(name.unicodeScalars)
    var t = 0, p = 0
    var starToken = -1, starText = 0
    while t < text.count {
      if p < tokens.count, case .anyRun = tokens[p] {
        starToken = p
        starText = t
        p += 1
      } else if p < tokens.count, Self.matches(tokens[p], text[t]) {
        p += 1
        t += 1
      } else if starToken >= 0 {
        p = starToken + 1
        starText += 1
        t = starText
      } else {
        return false
      }
    }
    while p < tokens.count, case .anyRun = tokens[p] { p += 1 }
    return p == tokens.count
  }

  private static func matches(_ token: Token, _ c: UnicodeScalar) -> Bool {
    switch token {
    case .character(let x): x == c
    case .anyOne: true
    case .anyRun: false
    case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(c) } != isNegated
    }
  }

  /// True when the text has a character with a meaning in patterns.
  package static func isPattern(_ text: String) -> Bool { text.unicodeScalars.contains { "*?[{".unicodeScalars.contains($0) } }

  /// The pattern from the root, for one in the working directory, whose own name means itself.
  package static func absolute(_ pattern: String) -> String {
    if pattern.hasPrefix("/") { return pattern }
    let here = absolutePath(".").flatMap { "*?[{\\".contains($0) ? "\\\($0)" : String($0) }
    return joinPath(String(here), pattern)
  }

  /// `a{b,c{d,e}}` → `ab`, `acd`, `ace`. At most 10 000 texts; braces without a comma or an end stay as they are.
  package static func expandingBraces(_ text: String) -> [String] {
    let input = Array(text)
    guard let open = input.firstIndex(of: "{"), open == 0 || input[open - 1] != "\\" else { return [text] }
    var depth = 0
    var parts: [String] = []
    var current = ""
    for i in open..<input.count {
      let c = input[i]
      if c == "{" {
        depth += 1
        if depth == 1 { continue }
      } else if c == "}" {
        depth -= 1
        if depth == 0 {
          guard !parts.isEmpty else { return [text] }
          parts.append(current)
          let head = String(input[..<open])
          let tails = expandingBraces(String(input[(i + 1)...]))
          var out: [String] = []
          for part in parts.flatMap(expandingBraces) {
            for tail in tails where out.count < 10_000 { out.append(head + part + tail) }
          }
          return out
        }
      } else if c == ",", depth == 1 {
        parts.append(current)
        current = ""
        continue
      }
      current.append(c)
    }
    return [text]
  }
}
