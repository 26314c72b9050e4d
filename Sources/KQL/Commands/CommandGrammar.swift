// Role: the notation in which command forms are written, and its reader.
//   word            that word, dashes included            ( ) , = . *   that sign
//   [x]             x or nothing                          {x | y}       one of them
//   <name>          a name, kept under that key           <key:kind>    another kind of value (CaptureKind)
//   <key:a|b>       one of these words

/// One element of a command form.
indirect enum GrammarElement: Sendable {
  case word(String)
  case sign(TokenKind, String)
  case capture(String, CaptureKind)
  case optional([GrammarElement])
  case choice([[GrammarElement]])
}

/// The values a capture can take.
enum CaptureKind: Sendable, Hashable {
  /// `T`, `['my table']`, `"T"`.
  case name
  /// `(A, B)`.
  case names
  /// `Database.Table`, `T.c`, `*`.
  case path
  /// `(db1.T1, T2)`
  case paths
  /// A string literal; adjacent ones are joined.
  case string
  /// One string literal, where another value may stand right behind it.
  case label
  /// `('a', 'b')` or one string.
  case strings
  /// Any scalar literal, signs included.
  case literal
  /// A GUID, bare, quoted or `guid(...)`.
  case guid
  /// `(guid, guid)`.
  case guids
  /// A scalar type.
  case type
  /// `(a: long, b: string)`.
  case schema
  /// `A (a: long), B (b: string)`.
  case tables
  /// `new = old, new = old`.
  case renames
  /// `new = old ifexists, new = old`.
  case tableRenames
  /// `(a: "text", b: "text")`.
  case docstrings
  /// `with (a = 1, b = 'x')`.
  case properties
  /// `(a: long) { ... }`.
  case function
  /// `{ ... }`.
  case body
  /// `<| ` and the rest of the text.
  case source
  /// `[ ... ] [ ... ]`, to the end of the text.
  case bracketed
  /// The notations of policies, to the end of the command.
  case policy
  /// `tags has 'a' and tags !contains 'b'`.
  case tagFilter
  /// `(Date: datetime = bin(Timestamp, 1d), Customer: string)`.
  case partitions
  /// `("Year=" datetime_pattern("yyyy", Date) "/" Customer)`.
  case pathFormat
  /// One of these words.
  case words([String])

  /// What a value of this kind begins with, for messages; nil where its own words say more.
  var opening: String? {
    switch self {
    case .properties: "with"
    case .source: "<|"
    case .names, .schema, .docstrings, .function, .partitions, .pathFormat: "("
    case .body: "{"
    case .bracketed: "["
    case .string, .label, .strings: "a string"
    case .name, .path, .tables, .renames, .tableRenames: "a name"
    case .paths, .literal, .guid, .guids, .type, .policy, .tagFilter, .words: nil
    }
  }

  init?(_ text: Substring) {
    switch text {
    case "name": self = .name
    case "names": self = .names
    case "path": self = .path
    case "paths": self = .paths
    case "string": self = .string
    case "label": self = .label
    case "strings": self = .strings
    case "literal": self = .literal
    case "guid": self = .guid
    case "guids": self = .guids
    case "type": self = .type
    case "schema": self = .schema
    case "tables": self = .tables
    case "renames": self = .renames
    case "tableRenames": self = .tableRenames
    case "docstrings": self = .docstrings
    case "properties": self = .properties
    case "function": self = .function
    case "body": self = .body
    case "source": self = .source
    case "bracketed": self = .bracketed
    case "policy": self = .policy
    case "tagFilter": self = .tagFilter
    case "partitions": self = .partitions
    case "pathFormat": self = .pathFormat
    default:
      guard text.contains("|") else { return nil }
      self = .words(text.split(separator: "|").map(String.init))
    }
  }
}

/// A command and one way to write it.
struct CommandForm: Sendable {
  var kind: CommandKind
  /// In the notation of this file, without the leading dot.
  var syntax: String

  init(_ kind: CommandKind, _ syntax: String) {
    self.kind = kind
    self.syntax = syntax
  }

  /// The first word.
  var verb: Substring { syntax.prefix { $0 != " " } }

  /// The syntax as elements. A mistake in the notation gives fewer elements, which the tests of the forms find.
  var elements: [GrammarElement] { Self.elements(of: syntax) }

  static func elements(of syntax: String) -> [GrammarElement] {
    var reader = GrammarReader(text: Array(syntax.utf8))
    return reader.sequence()
  }
}

extension CommandKind {
  /// How the command is written, up to its first argument: `.ingest into table`.
  package var shown: String {
    var words: [String] = []
    for element in CommandForms.all.first(where: { $0.kind == self })?.elements ?? [] {
      if case .optional = element { continue }
      guard case .word(let word) = element else { break }
      words.append(word)
    }
    return "." + words.joined(separator: " ")
  }
}

/// Reads the notation.
private struct GrammarReader {
  let text: [UInt8]
  var i = 0

  init(text: [UInt8]) { self.text = text }

  mutating func sequence() -> [GrammarElement] {
    var elements: [GrammarElement] = []
    while i < text.count {
      switch text[i] {
      case UInt8(ascii: " "): i += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "|"): return elements
      case UInt8(ascii: "["):
        i += 1
        elements.append(.optional(sequence()))
        i += 1
      case UInt8(ascii: "{"): elements.append(.choice(alternatives()))
      case UInt8(ascii: "<"): if let capture = capture() { elements.append(capture) }
      case UInt8(ascii: "("): sign(.leftParen, &elements)
      case UInt8(ascii: ")"): sign(.rightParen, &elements)
      case UInt8(ascii: ","): sign(.comma, &elements)
      case UInt8(ascii: "="): sign(.assign, &elements)
      case UInt8(ascii: "."): sign(.dot, &elements)
      case UInt8(ascii: "*"): sign(.star, &elements)
      default: elements.append(.word(word()))
      }
    }
    return elements
  }

  private mutating func sign(_ kind: TokenKind, _ elements: inout [GrammarElement]) {
    elements.append(.sign(kind, String(Unicode.Scalar(text[i]))))
    i += 1
  }

  private mutating func alternatives() -> [[GrammarElement]] {
    var lists: [[GrammarElement]] = []
    repeat {
      i += 1
      lists.append(sequence())
    } while i < text.count && text[i] == UInt8(ascii: "|")
    i += 1
    return lists
  }

  private mutating func capture() -> GrammarElement? {
    let start = i + 1
    while i < text.count && text[i] != UInt8(ascii: ">") { i += 1 }
    let inside = String(decoding: text[start..<i], as: UTF8.self)
    i += 1
    guard let colon = inside.firstIndex(of: ":") else {
      return .capture(inside, inside == "properties" ? .properties : .name)
    }
    return CaptureKind(inside[inside.index(after: colon)...]).map { .capture(String(inside[..<colon]), $0) }
  }

  private mutating func word() -> String {
    let start = i
    while i < text.count, isWordPart(text[i]) || text[i] == UInt8(ascii: "-") { i += 1 }
    if i == start { i += 1 }
    return String(decoding: text[start..<i], as: UTF8.self)
  }
}
