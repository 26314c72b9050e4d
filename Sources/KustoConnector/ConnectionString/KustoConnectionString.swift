// Role: a Kusto connection string as values: `Data Source=https://c.kusto.windows.net;Initial Catalog=db;AAD Federated Security=true;…`.
// Values may stand in single or double quotes, doubled inside. Prints without secrets.

import Columnar
import DataSource

/// A parsed connection string.
package struct KustoConnectionString: Sendable, CustomStringConvertible, CustomReflectable {
  private enum Value: Sendable, Equatable {
    case plain(String)
    case secret(Secret)
  }

  private var values: [ConnectionStringKeyword: Value] = [:]
  /// In the order given.
  private var order: [ConnectionStringKeyword] = []

  /// The cluster's address, without the database and without a slash at the end.
  package private(set) var dataSource = ""
  /// Nil: the cluster's default (`NetDefaultDB`).
  package private(set) var database: String?

  package static let defaultDatabase = "NetDefaultDB"

  /// Throws CONFIGURATION for broken texts, unknown keywords and contradictions, NOT_SUPPORTED for keywords that are known and do nothing here.
  /// Messages hold no values of secrets.
  package init(_ text: String) throws {
    var scanner = ConnectionStringScanner(text)
    while let pair = try scanner.next() {
      let keyword: ConnectionStringKeyword
      if let name = pair.name {
        guard let found = ConnectionStringKeyword(spelling: name) else { throw Self.unknown(name, scanner.position) }
        keyword = found
      } else {
        guard pair.isFirst else {
          throw KConnectError(.configuration, "connection string, position \(scanner.position): found a part without '=', expected keyword=value", hint: "a value with ';' stands in quotes")
        }
        keyword = .dataSource
      }
      try set(keyword, pair.value)
    }
    try settleDataSource()
  }

  /// True for texts that are connection strings rather than names of clusters.
  package static func isMeant(_ text: String) -> Bool { text.contains("=") && !text.lowercased().hasPrefix("http") || text.contains(";") }

  /// True when it holds a value that must not be seen.
  package var hasSecrets: Bool { order.contains { $0.isSecret } }

  private static func unknown(_ name: String, _ position: Int) -> KConnectError {
    let near = nearestNames(to: name, among: ConnectionStringKeyword.spellings, limit: 1).first
    return KConnectError(
      .configuration, "connection string, position \(position): unknown keyword '\(name.prefix(80))'",
      hint: near.map { "did you mean '\($0)'?" } ?? "known: Data Source, Initial Catalog, AAD Federated Security, Application Client Id, Application Key, Authority Id, …")
  }

  private mutating func set(_ keyword: ConnectionStringKeyword, _ text: String) throws {
    guard keyword.isSupported else {
      throw KConnectError(.notSupported, "connection string: not supported: '\(keyword.rawValue)'", hint: "leave it out")
    }
    if keyword.isBool, Self.bool(text) == nil {
      throw KConnectError(.configuration, "connection string: '\(keyword.rawValue)' is '\(text.prefix(80))', expected true or false")
    }
    if text.isEmpty { return }
    let value: Value = keyword.isSecret ? .secret(Secret(text)) : .plain(text)
    if let old = values[keyword] {
      guard old == value else { throw KConnectError(.configuration, "connection string: '\(keyword.rawValue)' is given twice with different values") }
      return
    }
    values[keyword] = value
    order.append(keyword)
  }

  private mutating func settleDataSource() throws {
    guard let address = self[.dataSource] else {
      throw KConnectError(.configuration, "connection string: no 'Data Source'", hint: "begin with the cluster's address: https://CLUSTER.kusto.windows.net;…")
    }
    dataSource = address.withoutTrailingSlashes
    database = self[.initialCatalog]
    // `https://host/database`.
    guard let parts = URLParts(address), parts.query == nil else { return }
    let segments = parts.path.split(separator: "/")
    guard !segments.isEmpty else {
      dataSource = parts.origin
      return
    }
    guard segments.count == 1, let segment = segments.first else {
      throw KConnectError(.configuration, "connection string: 'Data Source' is '\(address.prefix(200))', expected https://HOST or https://HOST/DATABASE")
    }
    let named = percentDecoded(segment)
    if let database, database.lowercased() != named.lowercased() {
      throw KConnectError(.configuration, "connection string: 'Data Source' names the database '\(named)', 'Initial Catalog' names '\(database)'")
    }
    database = database ?? named
    dataSource = parts.origin
  }

  static func bool(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "1": true
    case "false", "no", "0": false
    default: nil
    }
  }

  /// The text of a keyword that is no secret; nil when it is not given.
  package subscript(_ keyword: ConnectionStringKeyword) -> String? {
    if case .plain(let text)? = values[keyword] { text } else { nil }
  }

  package func secret(_ keyword: ConnectionStringKeyword) -> Secret? {
    if case .secret(let secret)? = values[keyword] { secret } else { nil }
  }

  package func bool(_ keyword: ConnectionStringKeyword) -> Bool? { self[keyword].flatMap(Self.bool) }

  /// The text again, with canonical keywords; secrets are `****`.
  package var description: String {
    order.map { keyword in
      switch values[keyword] {
      case .plain(let text)?: "\(keyword.rawValue)=\(Self.quoted(text))"
      default: "\(keyword.rawValue)=****"
      }
    }.joined(separator: ";")
  }

  package var customMirror: Mirror { Mirror(self, children: ["text": description]) }

  private static func quoted(_ text: String) -> String {
    let isPlain = !text.contains { $0 == ";" || $0 == "\"" || $0 == "'" } && text.first?.isWhitespace == false && text.last?.isWhitespace == false
    return isPlain ? text : "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// Cuts a connection string into pairs.
struct ConnectionStringScanner {
  struct Pair {
    /// Nil for a part without `=`.
    let name: String?
    let value: String
    let isFirst: Bool
  }

  private let text: [Character]
  private var at = 0
  private var count = 0
  /// Where the current pair begins, counted from 1.
  private(set) var position = 1

  init(_ text: String) { self.text = Array(text) }

  /// The next pair; nil at the end. Empty parts are skipped.
  mutating func next() throws -> Pair? {
    while at < text.count, text[at] == ";" || text[at].isWhitespace { at += 1 }
    guard at < text.count else { return nil }
    position = at + 1
    count += 1
    if isQuote(text[at]) { return Pair(name: nil, value: try quotedValue(), isFirst: count == 1) }
    var name = ""
    while at < text.count, text[at] != "=", text[at] != ";" {
      name.append(text[at])
      at += 1
    }
    guard at < text.count, text[at] == "=" else { return Pair(name: nil, value: trimmed(name), isFirst: count == 1) }
    at += 1
    while at < text.count, text[at].isWhitespace { at += 1 }
    if at < text.count, isQuote(text[at]) { return Pair(name: trimmed(name), value: try quotedValue(), isFirst: count == 1) }
    var value = ""
    while at < text.count, text[at] != ";" {
      value.append(text[at])
      at += 1
    }
    return Pair(name: trimmed(name), value: trimmed(value), isFirst: count == 1)
  }

  private func isQuote(_ c: Character) -> Bool { c == "\"" || c == "'" }

  private mutating func quotedValue() throws -> String {
    let quote = text[at]
    at += 1
    var value = ""
    while at < text.count {
      if text[at] == quote {
        guard at + 1 < text.count, text[at + 1] == quote else {
          at += 1
          while at < text.count, text[at].isWhitespace { at += 1 }
          guard at == text.count || text[at] == ";" else {
            throw KConnectError(.configuration, "connection string, position \(at + 1): found text behind a quoted value, expected ';'")
          }
          return value
        }
        at += 1
      }
      value.append(text[at])
      at += 1
    }
    throw KConnectError(.configuration, "connection string, position \(position): the quoted value does not end")
  }

  private func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
