// Entry point of the front end: text in, syntax tree and diagnostics out.
// A tree is always returned; after an error it holds the parts that could be read, for tools, and is not to be bound.

/// What parsing a text gave.
package struct ParseResult: Sendable {
  package var query: QueryText
  /// In text order. Empty when the text is well formed.
  package var diagnostics: [KQLDiagnostic]

  /// True when the tree is complete.
  package var isValid: Bool { !diagnostics.contains { $0.severity == .error } }
}

/// The query language parser.
package enum KQLParser {
  /// Texts longer than this are refused (KS244).
  package static let maximumTextBytes = 64 << 20

  /// Parses a query text: statements separated by semicolons. `offset` is where it begins in a text whose start is something else.
  /// A management command (a text that starts with `.`) gives one NOT_SUPPORTED diagnostic.
  package static func parse(_ text: String, from offset: Int = 0) -> ParseResult {
    withParser(text, from: offset) { parser in
      if parser.kind == .dot {
        parser.report(.notSupported, "management commands are not part of the query language; found one that starts with '.'", at: parser.current.span, hint: "commands run where a store is open, not inside a query")
        return QueryText(statements: [])
      }
      return QueryText(statements: parser.statements(until: .end))
    }
  }

  /// Parses operators that continue a pipeline: `where x | summarize count()`; a leading `|` is allowed, and so are
  /// statements before them. Pipelines at the top that start with an operator have no source.
  package static func parseFragment(_ text: String, from offset: Int = 0) -> ParseResult {
    withParser(text, from: offset) { parser in
      parser.allowsMissingSource = true
      _ = parser.accept(.pipe)
      return QueryText(statements: parser.statements(until: .end))
    }
  }

  /// Parses one scalar expression, such as a predicate. Nil with diagnostics when it is malformed.
  package static func parseExpression(_ text: String) -> (expression: Expression?, diagnostics: [KQLDiagnostic]) {
    var expression: Expression?
    let result = withParser(text) { parser in
      if let parsed = try? parser.expression() {
        parser.requireEnd()
        expression = parsed
      }
      return QueryText(statements: [])
    }
    return (result.isValid ? expression : nil, result.diagnostics)
  }

  /// Parses named expressions separated by commas, such as `a, b = c + 1`. Empty with diagnostics when malformed.
  package static func parseNamedExpressions(_ text: String) -> (expressions: [NamedExpression], diagnostics: [KQLDiagnostic]) {
    var expressions: [NamedExpression] = []
    let result = withParser(text) { parser in
      if let parsed = try? parser.namedExpressions() {
        parser.requireEnd()
        expressions = parsed
      }
      return QueryText(statements: [])
    }
    return (result.isValid ? expressions : [], result.diagnostics)
  }

  private static func withParser(_ text: String, from offset: Int = 0, _ body: (inout Parser) -> QueryText) -> ParseResult {
    let bytes = Array(text.utf8)
    guard bytes.count <= maximumTextBytes else {
      let message = "query text of \(bytes.count) bytes; the limit is \(maximumTextBytes)"
      return ParseResult(query: QueryText(statements: []), diagnostics: [KQLDiagnostic(.textTooLong, message, at: SourceSpan(start: 0, end: 0))])
    }
    var parser = Parser(bytes: bytes, from: min(max(0, offset), bytes.count))
    let query = body(&parser)
    let sorted = parser.diagnostics.enumerated().sorted { ($0.element.span.start, $0.offset) < ($1.element.span.start, $1.offset) }
    return ParseResult(query: query, diagnostics: sorted.map(\.element))
  }
}
