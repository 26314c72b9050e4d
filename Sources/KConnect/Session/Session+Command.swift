// Role: management commands of the embedded store as a Swift job gives them.

public import DataSource
import KustoStore

extension Session {
  /// The rows that a management command of the embedded store answers with. Commands that change something need `allowsChanges`. `store`: its
  /// directory, else `$KCONNECT_STORE`, else `./kustodata`; it is made when a command may change something. Throws PERMISSION for a change that was
  /// not allowed, KQL_SYNTAX, PATH_NOT_FOUND, ….
  ///
  ///     let tables = try await spark.command(".show tables", database: "telemetry")
  public func command(
    _ text: String, database: String? = nil, store: String? = nil, allowsChanges: Bool = false
  ) async throws(KConnectError) -> DataFrame {
    let session = self
    return try await BlockingThread.run {
      guard text.first(where: { !$0.isWhitespace }) == "." else {
        throw KConnectError(.usage, "'\(text.prefix(80))' is no management command, which begins with a dot", hint: "queries are read with read.kusto(database:query:)")
      }
      let executor = try OpenStores.executor(store ?? OpenStores.defaultPath, create: allowsChanges, options: session.executionOptions)
      var properties = RequestProperties()
      if !allowsChanges { properties.options["request_readonly"] = .bool(true) }
      let tables = try executor.execute(text, database: database, properties).tables
      guard let table = tables.first else { throw KConnectError(.internalError, "a command without an answer") }
      return DataFrame(session: session, plan: table.plan)
    }
  }
}
