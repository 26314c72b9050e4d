// Role: what the names of a query stand for: the tables given on the command line, then those of the embedded store.

import Columnar
import DataSource
import Engine
import KConnect
import KQL
import KustoStore

/// Names in reach of queries.
struct QueryScope {
  let session: Session
  /// Tables by name, from `--table` and the configuration file.
  let tables: [String: DataFrame]
  /// The store; nil where there is none.
  let store: Store?
  /// The database of unqualified names; nil: only the tables above.
  private(set) var database: String?

  /// `database` is the one asked for; without it the store's only database is taken. Throws PATH_NOT_FOUND for one that is not there.
  init(session: Session, tables: [String: DataFrame], database: String?) throws {
    self.session = session
    self.tables = tables
    let path = OpenStores.defaultPath
    store = OpenStores.exists(path) ? try OpenStores.store(path, create: false) : nil
    guard let store else {
      if let database { throw KConnectError(.pathNotFound, "there is no database '\(database)': there is no store at '\(path)'", hint: "kconnect write --to kusto:\(quotedName(database)).TABLE makes one") }
      return
    }
    if let database {
      self.database = try store.database(database).name
    } else {
      let names = try store.databaseNames()
      self.database = names.count == 1 ? names[0] : nil
    }
  }

  /// What the prompt of the shell shows.
  var name: String { database ?? "kql" }

  var catalog: any KQLCatalog { ScopeCatalog(files: session.catalog(tables), store: store.map { StoreCatalog($0, database: database) }) }
  var tableNames: [String] { catalog.tableNames(database: nil) }
  var databaseNames: [String] { catalog.databaseNames }

  /// The results of a text.
  func results(_ text: String, _ context: Context) throws -> [KQLResult] {
    if text.unicodeScalars.first(where: { !$0.properties.isWhitespace }) == "." {
      throw KConnectError(.notSupported, "not supported yet: management commands (texts that begin with '.')", hint: "kconnect write --to kusto:DATABASE.TABLE makes tables")
    }
    return try session.results(text, catalog: catalog)
  }

  /// The columns of a table; throws PATH_NOT_FOUND with the nearest name.
  func schema(ofTable name: String) throws -> StructType {
    if let plan = try catalog.table(name, database: nil) { return plan.schema }
    let near = nearestNames(to: name, among: tableNames, limit: 1).first
    throw KConnectError(.pathNotFound, "there is no table '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "tables: \(tableNames.prefix(12).joined(separator: ", "))")
  }

  /// Makes another database the current one. Throws PATH_NOT_FOUND.
  mutating func connect(_ database: String) throws {
    guard let store else { throw KConnectError(.pathNotFound, "there is no store at '\(OpenStores.defaultPath)'", hint: "choose it with --store DIR or KCONNECT_STORE") }
    self.database = try store.database(database).name
  }
}

/// Tables of the command line in front of those of the store.
private struct ScopeCatalog: KQLCatalog {
  let files: any KQLCatalog
  let store: StoreCatalog?

  func table(_ name: String, database: String?) throws -> LogicalPlan? {
    try files.table(name, database: database) ?? store?.table(name, database: database)
  }

  func tableNames(database: String?) -> [String] {
    let own = files.tableNames(database: database)
    return own + (store?.tableNames(database: database) ?? []).filter { !own.contains($0) }
  }

  func functionText(_ name: String, database: String?) throws -> String? { try store?.functionText(name, database: database) }
  var databaseNames: [String] { store?.databaseNames ?? [] }
  func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan? { try files.externalData(request) }
  func externalSchema(_ request: ExternalDataRequest) throws -> StructType? { try files.externalSchema(request) }
}
