// Role: what can follow in a management command: the forms of its verb are read up to the word under construction, and say what they would take there.

import Columnar

enum CommandCompletion {
  /// Byte offset where a query is to be read: behind the `<|` of a command, or the first byte when operators follow the command or a body is open;
  /// nil inside the command.
  static func queryStart(of bytes: [UInt8]) -> Int? {
    let tokens = Lexer.tokenize(bytes, stopsAtInput: true).tokens.dropLast()
    guard let pipe = tokens.lastIndex(where: { $0.kind == .pipe }) else {
      let depth = tokens.reduce(0) { $0 + ($1.kind == .leftBrace ? 1 : $1.kind == .rightBrace ? -1 : 0) }
      return depth > 0 ? 0 : nil
    }
    return pipe > 0 && tokens[pipe - 1].kind == .less && tokens[pipe - 1].end == tokens[pipe].start ? Int(tokens[pipe].end) : 0
  }

  /// Completes the word at the end of a command.
  static func at(_ bytes: [UInt8], catalog: any KQLCatalog) -> Completion {
    let start = wordStart(bytes)
    let word = String(decoding: bytes[start...], as: UTF8.self)
    return Completion(start: start, items: Completion.matching(candidates(behind: Array(bytes[..<start]), catalog), word))
  }

  /// Where the name or the word begins, which may have dashes, or the bracket and the quote of a name that needs them.
  private static func wordStart(_ bytes: [UInt8]) -> Int {
    var start = bytes.count
    while start > 0, isWordPart(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: "-") { start -= 1 }
    let isQuoted = start > 1 && bytes[start - 2] == UInt8(ascii: "[") && (bytes[start - 1] == UInt8(ascii: "'") || bytes[start - 1] == UInt8(ascii: "\""))
    return isQuoted ? start - 2 : start
  }

  private static func candidates(behind bytes: [UInt8], _ catalog: any KQLCatalog) -> [Completion.Item] {
    var parser = Parser(bytes: bytes)
    parser.forgetDiagnostics()
    guard parser.accept(.dot) else { return [] }
    guard let (_, verb) = parser.dashedWord() else {
      return parser.kind == .end ? CompletionNames.items(Set(CommandForms.all.map { String($0.verb) }).sorted(), .keyword) : []
    }
    var matcher = CommandMatcher()
    let (words, places, mayEnd) = matcher.continuations(CommandForms.all.filter { $0.verb == verb.lowercased() }, parser)
    let names = places.flatMap { entities(for: $0.key, behind: $0.words, catalog) }
    let shown = words.compactMap { $0 == "with" ? "with (" : $0.contains(" ") ? nil : $0 }
    return CompletionNames.items(shown, .keyword) + names + (mayEnd ? CompletionNames.items(["|"], .keyword) : [])
  }

  /// The names that there are for a capture; what is being created has none yet.
  private static func entities(for key: String, behind words: Set<String>, _ catalog: any KQLCatalog) -> [Completion.Item] {
    if words.contains("create"), key != "source" { return [] }
    let names = switch key {
    case "table", "source": words.contains("external") ? catalog.externalTableNames : catalog.tableNames(database: nil)
    case "external": catalog.externalTableNames
    case "view": catalog.materializedViewNames
    case "database": catalog.databaseNames
    case "model": catalog.graphModelNames
    default: [String]()
    }
    return CompletionNames.items(names.map { quotedName($0) }, .table)
  }
}
