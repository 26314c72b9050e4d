// Role: paths into JSON values: `$.a.b[0].c`, `$['odd key'].x`, a bare `a.b`, `$` for the whole record. Source: Kusto's JSON ingestion mappings.

/// Where a column's value stands in a record.
package struct JSONPath: Sendable, Hashable {
  package enum Step: Sendable, Hashable {
    case member(String)
    case element(Int)
  }

  package let steps: [Step]

  package init(steps: [Step]) { self.steps = steps }

  /// The member of that exact name.
  package init(member: String) { steps = [.member(member)] }

  /// The path as text, every member in brackets and quotes.
  package var text: String {
    var out = "$"
    for step in steps {
      switch step {
      case .member(let name):
        out += "['"
        for c in name {
          if c == "'" || c == "\\" { out.append("\\") }
          out.append(c)
        }
        out += "']"
      case .element(let n): out += "[\(n)]"
      }
    }
    return out
  }

  /// Parses; throws `JSONPathError`.
  package init(_ text: String) throws(JSONPathError) {
    let input = Array(text.unicodeScalars)
    var steps: [Step] = []
    var i = 0
    func fail(_ message: String) -> JSONPathError { JSONPathError(text: text, position: i + 1, message: message) }
    func name() -> String {
      let start = i
      while i < input.count, input[i] != ".", input[i] != "[" { i += 1 }
      var view = String.UnicodeScalarView()
      view.append(contentsOf: input[start..<i])
      return String(view)
    }
    if input.first == "$" {
      i = 1
    } else {
      let first = name()
      if first.isEmpty { throw fail("expected '$' or a name") }
      steps.append(.member(first))
    }
    while i < input.count {
      if input[i] == "." {
        i += 1
        // `$.['a name']`, as mappings write `$['a name']`.
        if i < input.count, input[i] == "[" { continue }
        let word = name()
        if word.isEmpty { throw fail("expected a name behind '.'") }
        steps.append(.member(word))
        continue
      }
      guard input[i] == "[" else { throw fail("expected '.' or '['") }
      i += 1
      if i < input.count, input[i] == "'" || input[i] == "\"" {
        let quote = input[i]
        i += 1
        var key = String.UnicodeScalarView()
        while i < input.count, input[i] != quote {
          if input[i] == "\\", i + 1 < input.count { i += 1 }
          key.append(input[i])
          i += 1
        }
        guard i + 1 < input.count, input[i + 1] == "]" else { throw fail("the quoted name does not end with ']'") }
        steps.append(.member(String(key)))
        i += 2
        continue
      }
      var digits = ""
      while i < input.count, input[i] != "]" {
        digits.unicodeScalars.append(input[i])
        i += 1
      }
      guard let n = Int(digits), n >= 0, i < input.count else { throw fail("expected an index such as [0]") }
      steps.append(.element(n))
      i += 1
    }
    self.steps = steps
  }

  /// `name=$.a.b, other=$.c[0]` (also with `;` or line ends between); throws `JSONPathError`.
  package static func mapping(_ text: String) throws(JSONPathError) -> [(name: String, path: JSONPath)] {
    var out: [(String, JSONPath)] = []
    for part in splitMapping(text) {
      guard let sign = part.firstIndex(of: "=") else { throw JSONPathError(text: part, position: 1, message: "expected name=path") }
      let name = trimmed(part[..<sign])
      if name.isEmpty { throw JSONPathError(text: part, position: 1, message: "expected a column name in front of '='") }
      if out.contains(where: { $0.0 == name }) { throw JSONPathError(text: part, position: 1, message: "column '\(name)' is given twice") }
      out.append((name, try JSONPath(trimmed(part[part.index(after: sign)...]))))
    }
    return out
  }

  /// Cuts at separators outside brackets and quotes.
  private static func splitMapping(_ text: String) -> [String] {
    var out: [String] = []
    var current = ""
    var quote: Character?
    var isEscaped = false
    for c in text {
      if let open = quote {
        if isEscaped { isEscaped = false } else if c == "\\" { isEscaped = true } else if c == open { quote = nil }
      } else if c == "'" || c == "\"" {
        quote = c
      } else if c == "," || c == ";" || c == "\n" {
        out.append(current)
        current = ""
        continue
      }
      current.append(c)
    }
    out.append(current)
    return out.filter { !trimmed($0[...]).isEmpty }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
    while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
    return String(text)
  }
}
