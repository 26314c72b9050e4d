// Role: entry point of command syntax: text in, command and diagnostics out.
// Source: Kusto management documentation; output shapes are no concern of this stage.

/// What parsing a command gave.
package struct CommandParseResult: Sendable {
  /// Nil when the text is no well-formed command.
  package var command: Command?
  package var diagnostics: [KQLDiagnostic]
}

/// The parser of management commands.
package enum CommandParser {
  /// Whether the text is a command: its first token is a dot.
  package static func isCommand(_ text: String) -> Bool { start(of: text) != nil }

  /// Where a command begins, behind white space and comments; nil when the text is none.
  package static func start(of text: String) -> String.Index? {
    let bytes = text.utf8
    var at = bytes.startIndex
    while at < bytes.endIndex {
      switch bytes[at] {
      case 0x09...0x0D, 0x20: at = bytes.index(after: at)
      case UInt8(ascii: "."): return at
      case UInt8(ascii: "/"):
        let next = bytes.index(after: at)
        guard next < bytes.endIndex, bytes[next] == UInt8(ascii: "/") else { return nil }
        at = bytes[next...].firstIndex { $0 == 10 || $0 == 13 } ?? bytes.endIndex
      case 0x80...:
        // White space beyond ASCII.
        guard text.unicodeScalars[at].properties.isWhitespace else { return nil }
        at = text.unicodeScalars.index(after: at)
      default: return nil
      }
    }
    return nil
  }

  /// Parses one command with what follows it.
  package static func parse(_ text: String) -> CommandParseResult {
    let bytes = Array(text.utf8)
    guard bytes.count <= KQLParser.maximumTextBytes else {
      let message = "command text of \(bytes.count) bytes; the limit is \(KQLParser.maximumTextBytes)"
      return CommandParseResult(command: nil, diagnostics: [KQLDiagnostic(.textTooLong, message, at: SourceSpan(start: 0, end: 0))])
    }
    let scanned = Parser(bytes: bytes, stopsAtInput: true)
    // What the lexer found may lie in raw data; it is reported below when the command does not reach that far.
    var parser = scanned
    parser.forgetDiagnostics()
    guard parser.accept(.dot) else {
      return failure(KQLDiagnostic(.expected, "a command begins with '.', found \(parser.describeCurrent())", at: parser.current.span))
    }
    guard let (_, verb) = parser.dashedWord() else {
      return failure(KQLDiagnostic(.missing, "expected a command after '.', found \(parser.describeCurrent())", at: parser.current.span, hint: "for instance .show tables"))
    }
    let forms = CommandForms.all.filter { $0.verb == verb.lowercased() }
    guard !forms.isEmpty else {
      if let absent = absent(parser) { return failure(absent) }
      let verbs = Set(CommandForms.all.map { String($0.verb) }).sorted()
      let hint = NameSuggestion.hint(for: verb.lowercased(), among: verbs) ?? "commands begin with \(verbs.prefix(12).map { ".\($0)" }.joined(separator: ", ")), …"
      return failure(KQLDiagnostic(.unknownCommand, "unknown command '.\(verb)'", at: parser.current.span, hint: hint))
    }
    var matcher = CommandMatcher()
    guard let (kind, match) = matcher.match(forms, parser) else {
      if let absent = absent(parser) { return failure(absent) }
      var found = matcher.diagnostic(parser)
      if found.hint == nil, startsCommand(Int(found.span.start), bytes) { found.hint = severalCommands }
      if let lexical = scanned.diagnostics.first(where: { $0.span.start <= found.span.end }) { return failure(lexical) }
      return failure(found)
    }
    let end = match.parser
    let last = max(0, end.position - 1)
    let span = SourceSpan(start: Int(scanned.tokens[0].start), end: Int(end.tokens[last].end))
    let rawStart = match.arguments.values.compactMap { if case .source(_, let span) = $0 { Int(span.start) } else { nil } }.min() ?? Int(span.end)
    let lexical = scanned.diagnostics.filter { Int($0.span.start) < rawStart }
    if !lexical.isEmpty { return CommandParseResult(command: nil, diagnostics: lexical) }
    var command = Command(kind: kind, arguments: match.arguments, words: match.words, span: span)
    switch end.kind {
    case .pipe: command.tail = .operators(offset: Int(end.current.start))
    case .semicolon:
      let after = end.token(1)
      if after.kind != .end { command.tail = .statements(offset: Int(end.current.end)) }
    default: break
    }
    return CommandParseResult(command: command, diagnostics: [])
  }

  /// How several commands are carried out.
  static let severalCommands = ".execute database script <| and kconnect shell < FILE carry out several commands, one after another"

  /// Whether a command may begin at a place: a dot that is the first sign of a line behind the first one.
  private static func startsCommand(_ at: Int, _ bytes: [UInt8]) -> Bool {
    guard at < bytes.count, bytes[at] == UInt8(ascii: ".") else { return false }
    let before = bytes[..<at].last { $0 != 0x20 && $0 != 0x09 }
    return before == 0x0A || before == 0x0D
  }

  /// What to say of a command that the reference knows and that is not carried out; nil for others.
  private static func absent(_ parser: Parser) -> KQLDiagnostic? {
    var matcher = CommandMatcher()
    guard let head = CommandForms.absent.first(where: { matcher.begins($0, parser) }) else { return nil }
    let words = head.split(separator: " ").filter { $0.allSatisfy { $0.isLetter || $0 == "-" || $0 == "_" } }
    return KQLDiagnostic(.notSupported, "not supported: .\(words.joined(separator: " "))", at: parser.current.span)
  }

  private static func failure(_ diagnostic: KQLDiagnostic) -> CommandParseResult { CommandParseResult(command: nil, diagnostics: [diagnostic]) }
}
