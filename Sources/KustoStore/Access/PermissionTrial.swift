// Role: `validatepermissions`: whether the caller may run a query, found out by binding it without running any of it, or may carry a command out.
// Source: Kusto reference, "Request properties".

import Columnar
import DataSource
import Engine
import KQL
import Synchronization

/// One query under trial; queries without the option are bound as ever.
final class PermissionTrial: Sendable {
  private let catalog: SessionCatalog
  private let hasSkipped = Mutex(false)

  init(_ catalog: SessionCatalog) { self.catalog = catalog }

  /// Under trial, subqueries whose rows would have to be known give none.
  func options(_ options: BindOptions) -> BindOptions {
    var options = options
    let supervise = options.supervise
    options.supervise = { [self] execution, body in
      guard catalog.validatesPermissions else { return try supervise(execution, body) }
      hasSkipped.withLock { $0 = true }
    }
    return options
  }

  /// The answer where the columns of what follows depend on rows that were not read; nil: the error stands.
  func unfinished(_ error: any Error) -> ResultTable? {
    guard catalog.validatesPermissions, hasSkipped.withLock({ $0 }), (error as? KConnectError)?.code != .permission else { return nil }
    return Self.table("Incomplete")
  }

  /// The answer for a command, which is not carried out. What stands in it besides, queries and further commands, is not looked at. Throws
  /// PERMISSION.
  static func outcome(of run: CommandRun) throws -> ResultTable {
    try run.authorize()
    let holdsMore = run.command.tail != nil || run.command.arguments.values.contains { if case .source = $0 { true } else { false } }
    return table(holdsMore ? "Incomplete" : "OK")
  }

  static func table(_ outcome: String) -> ResultTable {
    let schema = StructType([StructField("Result", .string)])
    let batch = RecordBatch(schema: schema, columns: [.constant(.string(outcome), count: 1)])
    return ResultTable(name: "PrimaryResult", plan: .values(schema, [batch]))
  }
}
