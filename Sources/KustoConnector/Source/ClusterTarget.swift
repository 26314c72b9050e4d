// Role: what path and options name on a cluster: its address, database, table or query.

import DataSource
import KQL
import KustoStore

/// A cluster with what is read or written there.
struct ClusterTarget {
  var address: ClusterAddress
  var name: KustoName

  /// True when a path or an option names a cluster instead of the embedded store.
  static func isMeant(_ paths: [String], _ cluster: String?) -> Bool {
    cluster.map { !$0.isEmpty } == true || paths.first.map(isAddress) == true
  }

  private static func isAddress(_ path: String) -> Bool {
    let lower = path.lowercased()
    return lower.hasPrefix("https://") || lower.hasPrefix("http://")
  }

  /// Reads `https://HOST/DATABASE[.TABLE]`, or `DATABASE.TABLE` beside the option kustoCluster. Throws USAGE, CONFIGURATION.
  init(_ paths: [String], _ options: DataSourceOptions) throws {
    if paths.count > 1 { throw KConnectError(.usage, "kusto: \(paths.count) paths, expected one table") }
    let ingestion = options.string("kustoIngestionUri")
    let connection = try options.string("kustoConnectionString").map { try KustoConnectionString($0) }
    let given = options.string("kustoCluster").flatMap { $0.isEmpty ? nil : $0 } ?? connection?.dataSource
    var path = paths.first ?? ""
    if Self.isAddress(path) {
      address = try ClusterAddress(path, ingestion: ingestion)
      if let given, try ClusterAddress(given, ingestion: ingestion).engine != address.engine {
        throw KConnectError(.usage, "kusto: the path names the cluster '\(address.engine)', the option kustoCluster '\(given)'")
      }
      path = percentDecoded(address.path)
    } else if let given {
      address = try ClusterAddress(given, ingestion: ingestion)
      if path.isEmpty { path = percentDecoded(address.path) }
    } else {
      throw KConnectError(.internalError, "a cluster without an address")
    }
    name = try Self.name(path)
    for (option, known) in [("kustoDatabase", name.database), ("kustoTable", name.table)] {
      if let given = options.string(option), let known, given != known {
        throw KConnectError(.usage, "kusto: the path names '\(known)', the option \(option) '\(given)'")
      }
    }
    name.database = name.database ?? options.string("kustoDatabase") ?? connection?.database
    name.table = name.table ?? options.string("kustoTable")
  }

  /// `DATABASE`, `DATABASE.TABLE`, `['my.db'].T`.
  private static func name(_ path: String) throws -> KustoName {
    if path.isEmpty { return KustoName() }
    if path.contains("/") { throw KConnectError(.usage, "'\(path)': found '/', expected DATABASE or DATABASE.TABLE behind the cluster") }
    if !path.contains("."), !path.contains("[") { return KustoName(database: path) }
    if path.hasPrefix("["), path.hasSuffix("]"), !path.contains("].") && !path.contains("][") {
      let both = try KustoName(path: path + ".t")
      return KustoName(database: both.database)
    }
    return try KustoName(path: path)
  }

  /// The database; throws USAGE when none is named.
  func database() throws -> String {
    guard let database = name.database else { throw KConnectError(.usage, "kusto: no database of '\(address.engine)' is named", hint: "write kusto:\(address.engine)/DATABASE, or the option kustoDatabase") }
    return database
  }

  /// The query to run.
  func query(_ options: DataSourceOptions) throws -> QueryTextShape {
    guard let query = options.string("kustoQuery") else {
      guard let table = name.table else {
        throw KConnectError(.usage, "kusto: neither kustoQuery nor a table is given", hint: "read kusto:\(address.engine)/DATABASE.TABLE, or set the option kustoQuery")
      }
      return QueryTextShape(KQLPrinter.quoted(name: table))
    }
    if name.table != nil { throw KConnectError(.usage, "kusto: both kustoQuery and a table are given") }
    let shape = QueryTextShape(query)
    if shape.isEmpty { throw KConnectError(.optionInvalid, "option 'kustoQuery' is empty") }
    if shape.isCommand { throw KConnectError(.optionInvalid, "option 'kustoQuery' is a management command, expected a query", hint: "run it with kconnect query --cluster") }
    return shape
  }
}
