// Role: policies that act with time: retention drops extents whose rows are older than the period, auto_delete drops tables. Carried out when a
// request changes something in the database; there is no clock of its own.

import Columnar
import DataSource

struct Retention: Sendable {
  let executor: CommandExecutor

  init(_ executor: CommandExecutor) { self.executor = executor }

  /// Applies both policies in the request's database. Cheap when no table has one.
  func sweep(_ request: Request) throws {
    guard let name = request.database, let database = try executor.store.databaseIfExists(name) else { return }
    try sweep(database, now: StoreClock.nowTicks)
  }

  /// Answers what was removed, as sentences.
  @discardableResult
  func sweep(_ database: Database, now: Int64) throws -> [String] {
    let metadata = executor.metadata
    var done: [String] = []
    let expiring = try metadata.scopes(.policy, named: PolicyName.autoDelete.rawValue)
    let retained = try metadata.scopes(.policy, named: PolicyName.retention.rawValue)
    if expiring.isEmpty, retained.isEmpty { return [] }
    let policies = Policies(metadata)
    for table in try database.tables() {
      if let policy = expiring[EntryScope.table(table.id).text]?.document, try isExpired(table, policy, now) {
        try database.dropTable(table.name, ifExists: true)
        try metadata.forgetTable(table.id)
        done.append("the table '\(table.name)' was dropped by its auto_delete policy")
        continue
      }
      guard let period = try policies.softDeletePeriod(of: table) else { continue }
      let (limit, overflow) = now.subtractingReportingOverflow(period)
      if overflow { continue }
      guard try table.snapshot().extents.contains(where: { $0.maxCreatedOn < limit }) else { continue }
      let dropped = try table.dropExtents { $0.maxCreatedOn < limit }
      if !dropped.isEmpty { done.append("\(dropped.count) extents of '\(table.name)' were dropped by the retention policy") }
    }
    return done
  }

  private func isExpired(_ table: StoreTable, _ policy: DynamicValue, _ now: Int64) throws -> Bool {
    guard let text = policy["ExpiryDate"]?.stringValue, case .datetime(let expiry)? = ScalarText.parse(text, as: .datetime), expiry <= now else { return false }
    if case .bool(true)? = policy["DeleteIfNotEmpty"] { return true }
    return try table.snapshot().rowCount == 0
  }
}
