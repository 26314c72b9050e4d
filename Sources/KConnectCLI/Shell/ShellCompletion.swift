// Role: what Tab offers: the shell's commands and their arguments, and what completes a query or a management command.

import KConnect
import KQL

enum ShellCompletion {
  /// Candidates for the end of `head` and how many characters they replace.
  static func complete(_ head: String, _ scope: QueryScope) -> (items: [(text: String, detail: String)], replaced: Int) {
    let trimmed = head.drop(while: \.isWhitespace)
    if trimmed.first == "\\" || trimmed.first == "#" { return shellCommand(trimmed, scope) }
    let completion = Completion.at(head.utf8.count, of: head, catalog: scope.catalog, options: scope.session.bindOptions)
    let replaced = String(decoding: Array(head.utf8)[completion.start...], as: UTF8.self).count
    return (completion.items.map { ($0.text, $0.detail) }, replaced)
  }

  private static func shellCommand(_ text: Substring, _ scope: QueryScope) -> (items: [(text: String, detail: String)], replaced: Int) {
    guard let space = text.firstIndex(of: " ") else {
      return (ShellCommandLine.allWords.filter { $0.hasPrefix(text) }.map { ($0, "") }, text.count)
    }
    let argument = text[text.index(after: space)...]
    let names: [String] = switch text[..<space] {
    case "\\d": scope.tableNames
    case "\\c", "#connect": scope.databaseNames
    case "\\f": FunctionHelp.names
    case "\\h": OperatorHelp.all.map(\.name)
    case "\\format": ResultFormat.allCases.map(\.rawValue)
    case "\\timing": ["on", "off"]
    default: []
    }
    return (names.filter { $0.hasPrefix(argument) }.map { ($0, "") }, argument.count)
  }
}
