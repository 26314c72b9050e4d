// Role: policies that act with time: retention drops extents whose rows are older than the period, auto_delete drops tables. Carried out when a
// request changes something in the database; there is no clock of its own.

import Columnar
import DataSource
import Synchronization

struct Retention: Sendable {
  let executor: CommandExecutor

  init(_ executor: CommandExecutor) { self.executor = executor }

  /// Applies both policies in the request's database.
  func sweep(_ request: Request) {
    guard let name = request.database, let database = try? executor.store.databaseIfExists(name) else { return }
    sweep(database, now: StoreClock.nowTicks)
  }

  /// Ticks between two sweeps over a whole database that follow ingestions.
  private static let pause: Int64 = 600_000_000

  /// Applies both policies to the table that rows came to, and once a minute to the others of its database: to open them all costs more than to
  /// ingest.
  func sweep(behind table: StoreTable) {
    let now = StoreClock.nowTicks, database = table.database
    let last = executor.lastSweeps.withLock { $0[database.name] }
    if let last, (last...last + Self.pause).contains(now) { sweep(database, now) { [table.name] } } else { sweep(database, now: now) }
  }

  /// Answers what was removed, and what could not be, as sentences: it follows commits that must not fail by it. Cheap when no table has a
  /// policy.
  @discardableResult
  func sweep(_ database: Database, now: Int64) -> [String] {
    executor.lastSweeps.withLock { $0[database.name] = now }
    return sweep(database, now) { try database.tableNames() }
  }

  @discardableResult
  private func sweep(_ database: Database, _ now: Int64, over names: () throws -> [String]) -> [String] {
    var done: [String] = []
    do {
      let expiring = try executor.metadata.scopes(.policy, named: PolicyName.autoDelete.rawValue)
      if try expiring.isEmpty && executor.metadata.scopes(.policy, named: PolicyName.retention.rawValue).isEmpty { return [] }
      for name in try names() {
        do {
          guard let table = try database.tableIfExists(name), let what = try sweep(table, expiring, now) else { continue }
          done.append(what)
        } catch { done.append("retention of '\(database.name).\(name)' failed: \(error)") }
      }
    } catch { done.append("retention of '\(database.name)' failed: \(error)") }
    return done
  }

  private func sweep(_ table: StoreTable, _ expiring: [String: MetadataEntry], _ now: Int64) throws -> String? {
    if let policy = expiring[EntryScope.table(table.id).text]?.document, try isExpired(table, policy, now) {
      try table.database.dropTable(table.name, ifExists: true)
      try executor.metadata.forgetTable(table.id)
      try? executor.metadata.note("DROP-TABLE", table.name, in: table.database.name)
      return "the table '\(table.name)' was dropped by its auto_delete policy"
    }
    guard let period = try Policies(executor.metadata).softDeletePeriod(of: table) else { return nil }
    let (limit, overflow) = now.subtractingReportingOverflow(period)
    guard !overflow, try table.snapshot().extents.contains(where: { $0.maxCreatedOn < limit }) else { return nil }
    let views = ViewMaterialization(executor, Request(text: "", database: table.database.name, properties: RequestProperties()))
    var notes: [String] = []
    let dropped = try table.dropExtents(where: { $0.maxCreatedOn < limit }) { notes += try views.keep(rowsOf: $0) }
    if !dropped.isEmpty { notes.append("\(dropped.count) extents of '\(table.name)' were dropped by the retention policy") }
    return notes.isEmpty ? nil : notes.joined(separator: "; ")
  }

  private func isExpired(_ table: StoreTable, _ policy: DynamicValue, _ now: Int64) throws -> Bool {
    guard let text = policy["ExpiryDate"]?.stringValue, case .datetime(let expiry)? = ScalarText.parse(text, as: .datetime), expiry <= now else { return false }
    if case .bool(true)? = policy["DeleteIfNotEmpty"] { return true }
    return try table.snapshot().rowCount == 0
  }
}
