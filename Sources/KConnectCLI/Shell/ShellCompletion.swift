// Role: what Tab offers: the shell's commands and their arguments, words of management commands, KQL.

import Columnar
import KConnect
import KQL

enum ShellCompletion {
  /// Beginnings of the management commands that are typed most.
  private static let commands = [
    ".show tables", ".show databases", ".show table ", ".show version", ".show functions", ".show function ", ".show database schema", ".show extents",
    ".show operations", ".show queries", ".show ingestion failures", ".show table  details", ".create table ", ".create-merge table ", ".create function ", ".create-or-alter function ",
    ".create database ", ".drop table ", ".drop function ", ".rename table ", ".alter table ", ".alter-merge table ", ".set ", ".append ",
    ".set-or-append ", ".set-or-replace ", ".ingest inline into table ", ".ingest into table ", ".clear table ", ".delete table ", ".export to ",
    ".execute database script <|", ".move extents ", ".drop extents ", ".alter table  policy ",
  ]

  /// Candidates for the end of `head` and how many characters they replace.
  static func complete(_ head: String, _ scope: QueryScope) -> (items: [(text: String, detail: String)], replaced: Int) {
    let trimmed = head.drop(while: \.isWhitespace)
    if trimmed.first == "\\" || trimmed.first == "#" { return shellCommand(trimmed, scope) }
    if trimmed.first == ".", !trimmed.contains("<|") {
      let found = commands.filter { $0.hasPrefix(trimmed) }
      if !found.isEmpty { return (found.map { ($0, "") }, trimmed.count) }
      let word = trimmed.split(separator: " ", omittingEmptySubsequences: false).last ?? ""
      return (scope.tableNames.map { quotedName($0) }.filter { Completion.begins($0, with: String(word)) }.map { ($0, "") }, word.count)
    }
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
