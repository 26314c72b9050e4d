// Role: named documents with a scope: what functions, mappings, policies, views, external tables, principals and databases are stored as.

import Columnar
import DataSource
import GRDB

/// What an entry is.
enum EntryKind: String, Sendable {
  case function, mapping, policy, view, externalTable, principal, database, message, ingestionStatus, secret, storedResult, graphModel, graphSnapshot
  /// When a policy of a table was off.
  case timeGaps
}

/// To what an entry belongs.
enum EntryScope: Hashable, Sendable {
  case cluster
  case database(String)
  /// By the table's id; columns as `id/column`.
  case table(String)
  case column(table: String, String)
  case view(database: String, String)
  case external(database: String, String)
  case function(database: String, String)
  /// The snapshots of a graph model.
  case graph(database: String, String)
  case queue(String)

  var text: String {
    switch self {
    case .cluster: "cluster"
    case .database(let name): "database:" + name
    case .table(let id): "table:" + id
    case .column(let id, let column): "column:" + id + "/" + column
    case .view(let database, let name): Self.prefix("view", of: database) + name
    case .external(let database, let name): Self.prefix("external", of: database) + name
    case .function(let database, let name): Self.prefix("function", of: database) + name
    case .graph(let database, let name): Self.prefix("graph", of: database) + name
    case .queue(let name): "queue:" + name
    }
  }

  /// What the scopes of a database's entities begin with; a slash in its name is `%2F`, so that no other database's can.
  static func prefix(_ kind: String, of database: String) -> String {
    kind + ":" + database.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%25").split(separator: "/", omittingEmptySubsequences: false).joined(separator: "%2F") + "/"
  }
}

/// One entry.
struct MetadataEntry: Sendable {
  var name: String
  var document: DynamicValue
  /// Ticks of 100 ns since 1970.
  var updated: Int64
}

extension EntryKind {
  /// Looked at by many requests and changed by few.
  var isSettings: Bool { ![.message, .ingestionStatus, .secret].contains(self) }
}

extension MetadataStore {
  /// Reads entries of a kind; `what` and `which` tell the question from others.
  private func asking<Value: Sendable>(_ kind: EntryKind, _ what: String, _ which: String, absent: Value, _ body: (GRDB.Database) throws -> Value) throws -> Value {
    kind.isSettings ? try answer("\(kind.rawValue) \(what) \(which)", absent: absent, body) : try read(absent: absent, body)
  }

  /// The entries of a kind in a scope, sorted by name.
  func entries(_ kind: EntryKind, in scope: EntryScope) throws -> [MetadataEntry] {
    try asking(kind, "all", scope.text, absent: []) { database in
      try Row.fetchAll(database, sql: "SELECT name, document, updated FROM entry WHERE kind = ? AND scope = ? ORDER BY name", arguments: [kind.rawValue, scope.text])
        .map(Self.entry)
    }
  }

  /// The first entries that satisfy a condition of SQL, as a transaction sees them, sorted by name.
  static func entries(_ kind: EntryKind, in scope: EntryScope, where condition: String, limit: Int, _ database: GRDB.Database) throws -> [MetadataEntry] {
    try Row.fetchAll(
      database, sql: "SELECT name, document, updated FROM entry WHERE kind = ? AND scope = ? AND \(condition) ORDER BY name LIMIT ?",
      arguments: [kind.rawValue, scope.text, limit]
    ).map(Self.entry)
  }

  func entry(_ kind: EntryKind, _ name: String, in scope: EntryScope) throws -> MetadataEntry? {
    try asking(kind, "one", scope.text + "\n" + name, absent: nil) { try Self.entry(kind, name, in: scope, $0) }
  }

  /// The entry as a transaction sees it.
  static func entry(_ kind: EntryKind, _ name: String, in scope: EntryScope, _ database: GRDB.Database) throws -> MetadataEntry? {
    try Row.fetchOne(
      database, sql: "SELECT name, document, updated FROM entry WHERE kind = ? AND scope = ? AND name = ?", arguments: [kind.rawValue, scope.text, name]
    ).map(Self.entry)
  }

  /// Whether any entry of that kind and name exists in any scope: a cheap answer for features that are seldom used.
  func hasEntries(_ kind: EntryKind, named name: String) throws -> Bool {
    try asking(kind, "any", name, absent: false) { database in
      try Bool.fetchOne(database, sql: "SELECT EXISTS (SELECT 1 FROM entry WHERE kind = ? AND name = ?)", arguments: [kind.rawValue, name]) ?? false
    }
  }

  /// The scopes that have an entry of that kind and name, with the entries.
  func scopes(_ kind: EntryKind, named name: String) throws -> [String: MetadataEntry] {
    try asking(kind, "scopes", name, absent: [:]) { database in
      var found: [String: MetadataEntry] = [:]
      let rows = try Row.fetchAll(database, sql: "SELECT scope, name, document, updated FROM entry WHERE kind = ? AND name = ?", arguments: [kind.rawValue, name])
      for row in rows { found[row["scope"]] = try Self.entry(row) }
      return found
    }
  }

  /// Adds or replaces an entry.
  func put(_ kind: EntryKind, _ name: String, in scope: EntryScope, _ document: DynamicValue) throws {
    try write { try Self.put(kind, name, in: scope, document, $0) }
  }

  /// Adds or replaces an entry within a transaction.
  static func put(_ kind: EntryKind, _ name: String, in scope: EntryScope, _ document: DynamicValue, _ database: GRDB.Database) throws {
    try database.execute(
      sql: "INSERT OR REPLACE INTO entry (kind, scope, name, document, updated) VALUES (?, ?, ?, ?, ?)",
      arguments: [kind.rawValue, scope.text, name, document.json, StoreClock.nowTicks])
  }

  /// Puts `document` where `old` stands, nil for nothing; false when something else stands there by now.
  func exchange(_ kind: EntryKind, _ name: String, in scope: EntryScope, _ old: DynamicValue?, for document: DynamicValue) throws -> Bool {
    try write { database in
      guard try Self.entry(kind, name, in: scope, database)?.document.json == old?.json else { return false }
      try Self.put(kind, name, in: scope, document, database)
      return true
    }
  }

  /// The same, and in the same transaction puts what `change` makes of the entry of another kind under that name, and of the old one.
  func exchange(
    _ kind: EntryKind, _ name: String, in scope: EntryScope, _ old: DynamicValue?, for document: DynamicValue, with other: EntryKind,
    _ change: (_ other: MetadataEntry?, _ old: MetadataEntry?) -> DynamicValue
  ) throws -> Bool {
    try write { database in
      let found = try Self.entry(kind, name, in: scope, database)
      guard found?.document.json == old?.json else { return false }
      try Self.put(other, name, in: scope, change(try Self.entry(other, name, in: scope, database), found), database)
      try Self.put(kind, name, in: scope, document, database)
      return true
    }
  }

  /// Puts entries in the place of those whose names begin with `prefix`, in one transaction.
  func replace(_ kind: EntryKind, withPrefix prefix: String, in scope: EntryScope, by entries: [(name: String, document: DynamicValue)]) throws {
    let texts = entries.map { (name: $0.name, json: $0.document.json) }
    try write { database in
      try database.execute(
        sql: "DELETE FROM entry WHERE kind = ? AND scope = ? AND substr(name, 1, ?) = ?", arguments: [kind.rawValue, scope.text, prefix.unicodeScalars.count, prefix])
      for entry in texts {
        try database.execute(
          sql: "INSERT OR REPLACE INTO entry (kind, scope, name, document, updated) VALUES (?, ?, ?, ?, ?)",
          arguments: [kind.rawValue, scope.text, entry.name, entry.json, StoreClock.nowTicks])
      }
    }
  }

  /// Removes an entry; false when there was none.
  @discardableResult
  func remove(_ kind: EntryKind, _ name: String, in scope: EntryScope) throws -> Bool {
    guard pathExists(path) else { return false }
    return try write { try Self.remove(kind, name, in: scope, $0) }
  }

  /// Removes an entry within a transaction; false when there was none.
  static func remove(_ kind: EntryKind, _ name: String, in scope: EntryScope, _ database: GRDB.Database) throws -> Bool {
    try database.execute(sql: "DELETE FROM entry WHERE kind = ? AND scope = ? AND name = ?", arguments: [kind.rawValue, scope.text, name])
    return database.changesCount > 0
  }

  /// Removes an entity's entry and everything that belongs to it, in one transaction; false when there was no entry.
  @discardableResult
  func remove(_ kind: EntryKind, _ name: String, in scope: EntryScope, with own: EntryScope) throws -> Bool {
    guard pathExists(path) else { return false }
    return try write { database in
      let isFound = try Self.remove(kind, name, in: scope, database)
      try Self.forget(own, database)
      return isFound
    }
  }

  /// Gives an entity's entry another name, and what belongs to it another scope, in one transaction.
  func rename(_ kind: EntryKind, _ name: String, to newName: String, in scope: EntryScope, own: EntryScope, to newOwn: EntryScope) throws {
    try write { database in
      try database.execute(
        sql: "UPDATE entry SET name = ?, updated = ? WHERE kind = ? AND scope = ? AND name = ?",
        arguments: [newName, StoreClock.nowTicks, kind.rawValue, scope.text, name])
      try Self.move(from: own, to: newOwn, database)
    }
  }

  /// Moves the entries of one scope to another: a column that was renamed.
  func move(from scope: EntryScope, to newScope: EntryScope) throws {
    guard pathExists(path) else { return }
    try write { try Self.move(from: scope, to: newScope, $0) }
  }

  private static func move(from scope: EntryScope, to newScope: EntryScope, _ database: GRDB.Database) throws {
    try database.execute(sql: "UPDATE OR REPLACE entry SET scope = ? WHERE scope = ?", arguments: [newScope.text, scope.text])
  }

  /// Forgets everything that belongs to an entity, so that a new one of its name begins without roles and policies.
  func forget(_ scope: EntryScope) throws {
    guard pathExists(path) else { return }
    try write { try Self.forget(scope, $0) }
  }

  private static func forget(_ scope: EntryScope, _ database: GRDB.Database) throws {
    try database.execute(sql: "DELETE FROM entry WHERE scope = ?", arguments: [scope.text])
  }

  /// Forgets everything that belongs to a table and its columns.
  func forgetTable(_ id: String) throws {
    guard pathExists(path) else { return }
    try write { database in
      try Self.forget(.table(id), database)
      try database.execute(sql: "DELETE FROM entry WHERE substr(scope, 1, ?) = ?", arguments: [8 + id.unicodeScalars.count, "column:" + id + "/"])
    }
  }

  /// Gives a table the policies that another one and its columns have, but the update policies.
  func copyPolicies(ofTable id: String, to other: String) throws {
    guard pathExists(path) else { return }
    let kind = EntryKind.policy.rawValue, update = PolicyName.update.rawValue, columns = "column:" + id + "/"
    try write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO entry (kind, scope, name, document, updated) SELECT kind, ?, name, document, ? FROM entry WHERE kind = ? AND scope = ? AND name <> ?",
        arguments: [EntryScope.table(other).text, StoreClock.nowTicks, kind, EntryScope.table(id).text, update])
      try database.execute(
        sql: "INSERT OR REPLACE INTO entry (kind, scope, name, document, updated) SELECT kind, ? || substr(scope, ?), name, document, ? FROM entry WHERE kind = ? AND substr(scope, 1, ?) = ?",
        arguments: ["column:" + other + "/", columns.unicodeScalars.count + 1, StoreClock.nowTicks, kind, columns.unicodeScalars.count, columns])
    }
  }

  /// Forgets everything that belongs to a database, its tables excepted.
  func forgetDatabase(_ name: String) throws {
    guard pathExists(path) else { return }
    try write { database in
      try Self.forget(.database(name), database)
      for kind in ["view", "external", "function", "graph"] {
        let start = EntryScope.prefix(kind, of: name)
        try database.execute(sql: "DELETE FROM entry WHERE substr(scope, 1, ?) = ?", arguments: [start.unicodeScalars.count, start])
      }
    }
  }

  private static func entry(_ row: Row) throws -> MetadataEntry {
    let name: String = row["name"]
    let text: String = row["document"]
    guard let document = DynamicValue(json: text) else {
      throw KConnectError(.formatCorrupt, "the store's metadata: the entry '\(name)' is no JSON: '\(text.prefix(80))'")
    }
    return MetadataEntry(name: name, document: document, updated: row["updated"])
  }
}
