// Role: names of tables in paths: `db.table`, `db.['my.table']`, `['my db']["t"]`.

import DataSource

/// A table by database and name; either may be missing.
package struct KustoName: Sendable, Hashable {
  package var database: String?
  package var table: String?

  package init(database: String? = nil, table: String? = nil) {
    self.database = database
    self.table = table
  }

  /// Reads a path: a database and a table, or where a query says what is read, a database. Throws USAGE with the place of the mistake.
  package init(path: String, namesDatabase: Bool = false) throws {
    var parts: [String] = []
    var rest = path[...]
    while true {
      parts.append(try Self.part(&rest, of: path))
      guard let next = rest.first else { break }
      if next == "." { rest.removeFirst() } else if next != "[" {
        throw KConnectError(.usage, "'\(path)': found '\(next)' behind a quoted name, expected '.'", hint: "write DATABASE.TABLE or DATABASE.['my.table']")
      }
    }
    if namesDatabase, parts.count == 1, !parts[0].isEmpty {
      (database, table) = (parts[0], nil)
      return
    }
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw KConnectError(
        .usage, "'\(path)': found \(parts.count) name\(parts.count == 1 ? "" : "s"), expected DATABASE.TABLE",
        hint: parts.count > 2 ? "quote a name with points: \(parts[0]).['\(parts.dropFirst().joined(separator: "."))']" : "for instance telemetry.\(parts[0])")
    }
    database = parts[0]
    table = parts[1]
  }

  private static func part(_ rest: inout Substring, of path: String) throws -> String {
    guard rest.first == "[" else {
      let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
      defer { rest = rest[end...] }
      return String(rest[..<end])
    }
    rest.removeFirst()
    guard let quote = rest.popFirst(), quote == "'" || quote == "\"" else {
      throw KConnectError(.usage, "'\(path)': a name in brackets needs quotes", hint: "write ['my.table']")
    }
    var name = ""
    while let character = rest.popFirst() {
      if character == quote {
        guard rest.popFirst() == "]" else { break }
        return name
      }
      if character == "\\", let escaped = rest.popFirst() { name.append(escaped) } else { name.append(character) }
    }
    throw KConnectError(.usage, "'\(path)': a quoted name does not end", hint: "write ['my.table']")
  }
}
