// Role: names that entities of different kinds cannot share in a database: a query that says the name would mean one of them only.
// Source: Kusto reference, ".create materialized-view" and "Create and alter Azure Storage external tables".

import DataSource

/// An entity with a name.
enum NamedEntity {
  case table, function, view, external
}

extension CommandRun {
  /// Throws ALREADY_EXISTS where an entity of another kind has the name that one of this kind is to get.
  func requireFree(_ name: String, for kind: NamedEntity, in database: Database) throws {
    func taken(_ what: String) -> KConnectError { KConnectError(.alreadyExists, "\(what) of the database '\(database.name)' has the name '\(name)' already") }
    if kind == .table || kind == .function, try MaterializedView.find(name, in: database.name, metadata) != nil { throw taken("a materialized view") }
    if kind == .table, try ExternalTable.find(name, in: database.name, metadata) != nil { throw taken("an external table") }
    if kind == .view || kind == .external, try database.tableIfExists(name) != nil { throw taken("a table") }
    if kind == .view, try StoredFunction.find(name, in: database.name, metadata) != nil { throw taken("a function") }
  }
}
