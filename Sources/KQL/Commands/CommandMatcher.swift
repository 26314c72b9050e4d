// Role: matches a text against the command forms of its verb. All ways to read the text are followed side by side (forms are short), the
// first that reaches the end wins; when none does, the furthest place reached says what was expected there.

/// One way to read the text so far.
struct CommandMatch {
  var parser: Parser
  var arguments: [String: CommandArgument] = [:]
  var words: Set<String> = []
}

struct CommandMatcher {
  /// Token index of the furthest failure.
  private var furthest = -1
  /// Words and signs that would have been taken there.
  private var expected: [String] = []
  /// Names that would have been taken there: the keys of their captures, with the words of the command before them.
  private var places: [(key: String, words: Set<String>)] = []
  /// What a capture had to say there.
  private var finding: KQLDiagnostic?

  /// The first form that takes the whole command.
  mutating func match(_ forms: [CommandForm], _ parser: Parser) -> (kind: CommandKind, match: CommandMatch)? {
    for form in forms {
      let ends = run(form.elements[...], [CommandMatch(parser: parser)])
      for end in ends {
        switch end.parser.kind {
        case .end, .pipe, .semicolon: return (form.kind, end)
        default: miss(end.parser, nil)
        }
      }
    }
    return nil
  }

  /// Whether the command begins as `syntax` says.
  mutating func begins(_ syntax: String, _ parser: Parser) -> Bool { !run(CommandForm.elements(of: syntax)[...], [CommandMatch(parser: parser)]).isEmpty }

  /// What may follow where the text ends: words and signs, the keys of names with the words before them, and whether the command may end there.
  mutating func continuations(_ forms: [CommandForm], _ parser: Parser) -> (words: [String], places: [(key: String, words: Set<String>)], mayEnd: Bool) {
    var mayEnd = false
    for form in forms {
      let ends = run(form.elements[...], [CommandMatch(parser: parser)])
      if ends.contains(where: { $0.parser.kind == .end }) { mayEnd = true }
    }
    return furthest == parser.tokens.count - 1 ? (expected, places, mayEnd) : ([], [], mayEnd)
  }

  private mutating func run(_ elements: ArraySlice<GrammarElement>, _ start: [CommandMatch]) -> [CommandMatch] {
    var states = start
    for element in elements {
      var next: [CommandMatch] = []
      for state in states { next += step(element, state) }
      if next.isEmpty { return [] }
      states = next
    }
    return states
  }

  private mutating func step(_ element: GrammarElement, _ state: CommandMatch) -> [CommandMatch] {
    switch element {
    case .optional(let inner): return run(inner[...], [state]) + [state]
    case .choice(let lists): return lists.flatMap { run($0[...], [state]) }
    case .sign(let kind, let shown):
      var state = state
      guard state.parser.accept(kind) else { return missed(state.parser, shown) }
      return [state]
    case .word(let word):
      var state = state
      guard state.parser.acceptDashed(word) else { return missed(state.parser, word) }
      state.words.insert(word)
      return [state]
    case .capture(let key, .words(let allowed)):
      for word in allowed {
        var taken = state
        if taken.parser.acceptDashed(word) {
          taken.arguments[key] = .word(word)
          return [taken]
        }
      }
      for word in allowed { miss(state.parser, word) }
      return []
    case .capture(let key, let kind):
      var state = state
      let before = state.parser.diagnostics.count
      let start = state.parser.position
      do throws(ParseFailure) {
        state.arguments[key] = try state.parser.argument(kind)
      } catch {
        if state.parser.position == start, let opening = kind.opening {
          miss(state.parser, opening)
          if start == furthest, opening == CaptureKind.name.opening { places.append((key, state.words)) }
          return []
        }
        if state.parser.diagnostics.count > before, let last = state.parser.diagnostics.last { note(last, state.parser) }
        return []
      }
      if state.parser.diagnostics.count > before, let last = state.parser.diagnostics.last {
        note(last, state.parser)
        return []
      }
      return [state]
    }
  }

  private mutating func missed(_ parser: Parser, _ word: String) -> [CommandMatch] {
    miss(parser, word)
    return []
  }

  private mutating func miss(_ parser: Parser, _ word: String?) {
    if parser.position < furthest { return }
    if parser.position > furthest {
      furthest = parser.position
      expected = []
      places = []
      finding = nil
    }
    if let word, !expected.contains(word) { expected.append(word) }
  }

  /// A capture failed; its own words are better than a list of signs.
  private mutating func note(_ diagnostic: KQLDiagnostic, _ parser: Parser) {
    if parser.position > furthest || (parser.position == furthest && finding == nil) {
      if parser.position > furthest {
        expected = []
        places = []
      }
      furthest = parser.position
      finding = diagnostic
    }
  }

  /// What to tell the user when nothing matched.
  func diagnostic(_ parser: Parser) -> KQLDiagnostic {
    let token = parser.tokens[max(0, min(furthest, parser.tokens.count - 1))]
    let isEnd = token.kind == .end
    let text = parser.text(of: token)
    let found = isEnd ? "end of command" : "'\(text.count > 40 ? text.prefix(40) + "..." : text[...])'"
    let words = expected.filter { isWordStart($0.utf8.first ?? 0) && !$0.contains(" ") }
    let hint = isEnd ? nil : NameSuggestion.hint(for: text.lowercased(), among: words)
    if let finding, hint == nil, finding.span.start >= token.span.start || words.isEmpty { return finding }
    guard !expected.isEmpty else { return KQLDiagnostic(.unexpected, "unexpected \(found)", at: token.span) }
    let shown = expected.prefix(8).map { $0.contains(" ") ? $0 : "'\($0)'" }
    let list = shown.count == 1 ? shown[0] : shown.dropLast().joined(separator: ", ") + " or " + (shown.last ?? "")
    let more = expected.count > 8 ? ", or \(expected.count - 8) other words" : ""
    return KQLDiagnostic(.expected, "expected \(list)\(more), found \(found)", at: token.span, hint: hint)
  }
}

extension Parser {
  /// The number of tokens of the word at the cursor with its dashes (`create-or-alter`), and its text.
  func dashedWord() -> (length: Int, text: String)? {
    guard kind == .word else { return nil }
    var length = 1
    while kind(length) == .minus, isAdjacent(length), isAdjacent(length + 1), kind(length + 1) == .word { length += 2 }
    let span = SourceSpan(start: Int(current.start), end: Int(token(length - 1).end))
    return (length, String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self))
  }

  /// Consumes `word`, dashes included, in any case of letters.
  mutating func acceptDashed(_ word: String) -> Bool {
    guard let (length, text) = dashedWord(), text.utf8.count == word.utf8.count, text.lowercased() == word.lowercased() else { return false }
    advance(by: length)
    return true
  }
}
