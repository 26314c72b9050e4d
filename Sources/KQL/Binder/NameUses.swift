// Counts how often names are used in a text, without resolving them. The binder keeps the rows of a `materialize` only
// when its variable is used more than once.

enum NameUses {
  /// Uses by name. Names are counted from the printed tree's tokens, which is an upper bound of the real uses.
  static func count(_ query: QueryText) -> [String: Int] {
    // Only texts with `materialize` need the answer.
    guard query.statements.contains(where: isMaterialized) else { return [:] }
    let bytes = Array(KQLPrinter.print(query).utf8)
    var uses: [String: Int] = [:]
    for token in Lexer.tokenize(bytes).tokens where token.kind == .word {
      uses[String(decoding: bytes[Int(token.start)..<Int(token.end)], as: UTF8.self), default: -1] += 1
    }
    return uses
  }

  private static func isMaterialized(_ statement: Statement) -> Bool {
    if case .letValue(_, let value) = statement.kind, case .call(let call) = value.kind { return call.name.text == "materialize" }
    return false
  }
}
