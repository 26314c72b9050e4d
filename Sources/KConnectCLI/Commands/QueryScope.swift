// Role: what the names of a query stand for: the tables given on the command line.

import Columnar
import DataSource
import Engine
import KConnect
import KQL

/// Names in reach of queries and commands.
struct QueryScope {
  let session: Session
  /// Tables by name, from `--table` and the configuration file.
  let tables: [String: DataFrame]

  /// What the prompt of the shell shows.
  var name: String { "kql" }

  var catalog: any KQLCatalog { session.catalog(tables) }
  var tableNames: [String] { catalog.tableNames(database: nil) }
  var databaseNames: [String] { catalog.databaseNames }

  /// The results of a text.
  func results(_ text: String, _ context: Context) throws -> [KQLResult] {
    if text.unicodeScalars.first(where: { !$0.properties.isWhitespace }) == "." {
      throw KConnectError(.notSupported, "not supported yet: management commands (texts that begin with '.')", hint: "they need the embedded store")
    }
    return try session.results(text, catalog: catalog)
  }

  /// The columns of a table; throws PATH_NOT_FOUND with the nearest name.
  func schema(ofTable name: String) throws -> StructType {
    if let plan = try catalog.table(name, database: nil) { return plan.schema }
    let near = nearestNames(to: name, among: tableNames, limit: 1).first
    throw KConnectError(.pathNotFound, "there is no table '\(name)'", hint: near.map { "did you mean '\($0)'?" } ?? "tables: \(tableNames.prefix(12).joined(separator: ", "))")
  }

  /// Makes another database the current one.
  mutating func connect(_ database: String) throws {
    throw KConnectError(.notSupported, "\\c: not supported yet: the embedded store", hint: "query files with --table name=LOCATOR")
  }
}
