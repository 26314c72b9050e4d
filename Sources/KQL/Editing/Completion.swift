// Role: what an editor asks for at its Tab key: the candidates for the word at a place of a text, of a query or of a management command.

/// Candidates for the word at a place.
package struct Completion: Sendable {
  package enum Kind: String, Sendable { case `operator`, keyword, table, column, function, aggregate, plugin, variable, value, option }

  package struct Item: Sendable, Hashable {
    /// What is put in the place of the word.
    package var text: String
    package var kind: Kind
    /// A type or a signature; empty where there is none.
    package var detail: String

    init(_ text: String, _ kind: Kind, _ detail: String = "") {
      self.text = text
      self.kind = kind
      self.detail = detail
    }
  }

  /// Byte offset where the word begins.
  package var start: Int
  /// Candidates that begin with the word, in the order in which they are likely.
  package var items: [Item]

  /// Completes the word that ends at byte `offset`. Reads no data: only schemas are looked up.
  package static func at(_ offset: Int, of text: String, catalog: any KQLCatalog, options: BindOptions) -> Completion {
    let bytes = Array(text.utf8.prefix(offset))
    var begin = 0
    if CommandParser.isCommand(String(decoding: bytes, as: UTF8.self)) {
      guard let start = CommandCompletion.queryStart(of: bytes) else { return CommandCompletion.at(bytes, catalog: catalog) }
      begin = start
    }
    let finder = CompletionFinder(Array(bytes[begin...]), CompletionNames(catalog: catalog, options: options))
    var completion = finder.find()
    completion.start += begin
    return completion
  }

  /// Those of `items` that begin with what was typed, which may lack the bracket and the quote that a name needs; names in the same case first.
  static func matching(_ items: [Item], _ word: String) -> [Item] {
    var seen: Set<String> = []
    let lower = word.lowercased()
    let found = items.filter { begins($0.text.lowercased(), with: lower) && seen.insert($0.text).inserted }
    return found.filter { begins($0.text, with: word) } + found.filter { !begins($0.text, with: word) }
  }

  private static func begins(_ name: String, with typed: String) -> Bool { name.hasPrefix(typed) || name.hasPrefix("['" + typed) }
}
