// Role: writeMode Transactional: parts go into a hidden table that expires by itself, and all its extents move to the target in one command, so that
// readers see all rows or none. Without storage at the cluster (the emulator) parts travel inside the command.
// Source: the connector's Transactional mode; unlike it, one move whatever the number of extents.

import Columnar
import DataSource
import KQL
import KustoStore
import Synchronization

final class TransactionalIngestor: PartIngestor {
  /// What the write does to the target.
  enum Outcome: Sendable { case append, replace }

  struct Settings: Sendable {
    var target: String
    var outcome: Outcome
    var properties: PartProperties
    /// The user's own staging table, which is kept when the write fails.
    var ownTable: String?
    var cleanupSeconds: Int
    var timeoutSeconds: Int
    var moveRetries: Int
    /// Parts are marked, so that one whose answer was lost can be sent again.
    var marksParts: Bool
    /// The write counts once; its tag is among those of `properties`.
    var transaction: WriteTransaction?
    /// The target's columns where this write makes it, once its rows are staged; nil: it is there.
    var newTable: StructType?
  }

  private let tables: ClusterTables
  private let settings: Settings
  /// Nil: no storage, parts travel in commands.
  private let resources: IngestionResources?
  private let storage: IngestionStorage
  private let staging: String
  private let id = randomIdentifier()
  private let isStaged = Mutex(false)
  private let marks = Mutex<[String]>([])
  /// Numbers of the application's earlier writes whose tags the target has.
  private let earlier = Mutex<[Int]>([])

  init(_ tables: ClusterTables, _ settings: Settings, resources: IngestionResources?) {
    self.tables = tables
    self.settings = settings
    self.resources = resources
    storage = IngestionStorage(client: tables.client)
    let safe = { (text: String) in String(text.unicodeScalars.map { $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil) ? Character($0) : "_" }) }
    // A write that counts once finds what an earlier attempt has left by its name.
    staging = settings.ownTable ?? "kconnectTemp_\(safe(settings.target).prefix(64))_\(safe(settings.transaction?.application ?? id).prefix(200))"
  }

  /// Whether the target has the rows of the transaction. What an earlier attempt staged goes first: a move of it that is still under way then
  /// either has happened or never will.
  func isThere() throws -> Bool {
    guard let transaction = settings.transaction else { return false }
    if settings.ownTable == nil { try tables.drop(staging) }
    let known = transaction.versions(in: try tables.ingestByTags(settings.target))
    earlier.withLock { $0 = known.filter { $0 < transaction.version } }
    return known.last.map { $0 >= transaction.version } ?? false
  }

  /// The newest tag is enough to know what is there, and extents with different tags are not merged. Some are collected before they go.
  private func dropEarlierTags() {
    let earlier = earlier.withLock { $0 }
    guard let transaction = settings.transaction, earlier.count >= Self.keptTags else { return }
    let tags = earlier.map { KQLPrinter.quoted(string: "ingest-by:" + transaction.tag(of: $0)) }.joined(separator: ", ")
    _ = try? tables.client.command(
      ".drop table \(ClusterTables.quoted(settings.target)) extent tags (\(tags))", database: tables.database, activity: "tagsDrop", isRepeatable: true)
  }

  private static let keptTags = 8

  /// Makes the hidden table like the target. Throws what the cluster says.
  func prepare(_ schema: StructType) throws {
    guard settings.ownTable == nil else {
      guard try tables.schema(staging) != nil else { throw KConnectError(.pathNotFound, "there is no table '\(staging)', which tempTableName names", hint: "make it before the write") }
      return
    }
    let name = ClusterTables.quoted(staging)
    func run(_ command: String, _ activity: String) throws {
      _ = try tables.client.command(command, database: tables.database, activity: activity, isRepeatable: true)
    }
    isStaged.withLock { $0 = true }
    try run(".create-merge table \(name) (\(schema)) with (hidden=true)", "tableCreate")
    // An orphan goes by itself. Rows with a creation time of their own could be too old for a retention period.
    let expiry = tables.client.retry.clock.nowTicks &+ Int64(settings.cleanupSeconds) &* 10_000_000
    try run(
      ".alter table \(name) policy auto_delete '{\"ExpiryDate\":\"\(ScalarText.text(.datetime(expiry)) ?? "")\",\"DeleteIfNotEmpty\":true}'", "policyAlter")
    if let mapping = settings.properties.mappingReference {
      // Mappings belong to their table.
      let name = KQLPrinter.quoted(string: mapping)
      let answer = try tables.client.command(".show table \(ClusterTables.quoted(settings.target)) ingestion csv mapping \(name)", database: tables.database, activity: "mappingShow")
      guard let text = answer.texts("Mapping").first else {
        throw KConnectError(.optionInvalid, "csvMappingNameReference: the table '\(settings.target)' has no csv mapping '\(mapping)'", hint: "see .show table … ingestion csv mappings")
      }
      try run(".create-or-alter table \(ClusterTables.quoted(staging)) ingestion csv mapping \(name) \(KQLPrinter.quoted(string: text))", "mappingCreate")
    }
    if settings.properties.ingestion.creationTime == nil {
      try run(".alter-merge table \(name) policy retention softdelete = \(max(1, settings.cleanupSeconds / 86_400))d recoverability = disabled", "policyAlter")
    }
  }

  func ingest(_ part: IngestionPart) throws {
    let mark = "\(id)_\(part.number)"
    if settings.marksParts { marks.withLock { $0.append(mark) } }
    let clause = settings.marksParts
      ? settings.properties.clause(extraTags: ["ingest-by:" + mark], unless: [mark]) : settings.properties.clause()
    let table = ClusterTables.quoted(staging)
    guard let resources else {
      let text = String(decoding: part.bytes, as: UTF8.self)
      _ = try tables.client.command(
        ".ingest inline into table \(table)\(clause) <|\n\(text)", database: tables.database, activity: "ingestInline", isRepeatable: settings.marksParts)
      return
    }
    let name = "\(tables.database)__\(staging)__\(id)__\(part.number)\(settings.properties.format.fileExtension)"
    let url = try storage.put(part.bytes, name: name, container: try resources.container())
    let command = ".ingest async into table \(table) (h'\(url)')\(clause)"
    try tables.client.retry.run(when: { _ in settings.marksParts }) { _ in
      _ = try tables.wait(for: command, activity: "ingest", timeoutSeconds: settings.timeoutSeconds)
    }
    // Behind a failure the cluster may still read it.
    storage.remove(url)
  }

  func commit(rows: Int) throws -> Bool {
    if try isDone() {
      clean()
      return false
    }
    do {
      try checkCount(rows)
      if settings.marksParts { try dropMarks() }
      if let schema = settings.newTable { try tables.createMerge(settings.target, schema) }
      try move(rows)
    } catch {
      if settings.ownTable == nil { clean() }
      throw error
    }
    clean()
    if rows > 0 { dropEarlierTags() }
    return true
  }

  func abort() { if settings.ownTable == nil { clean() } }

  /// An extent of the target has a tag of `ingestIfNotExists`.
  private func isDone() throws -> Bool {
    let guards = settings.properties.ingestion.ingestIfNotExists
    guard !guards.isEmpty else { return false }
    return try !tables.ingestByTags(settings.target).isDisjoint(with: guards)
  }

  /// Nothing may be lost or doubled on the way into the hidden table.
  private func checkCount(_ rows: Int) throws {
    guard settings.ownTable == nil else { return }
    let found = try tables.rowCount(staging)
    guard found == rows else {
      throw KConnectError(.http, "\(rows) rows were sent, the staging table has \(found): nothing was written", hint: "see .show ingestion failures", isRetryable: true)
    }
  }

  /// The marks have done their work, and extents with different tags do not merge.
  private func dropMarks() throws {
    let marks = marks.withLock { $0 }.map { KQLPrinter.quoted(string: "ingest-by:" + $0) }
    guard !marks.isEmpty else { return }
    _ = try tables.client.command(
      ".drop table \(ClusterTables.quoted(staging)) extent tags (\(marks.joined(separator: ", ")))", database: tables.database, activity: "tagsDrop", isRepeatable: true)
  }

  /// One atomic command. After a failure the staging table tells whether it was carried out.
  private func move(_ rows: Int) throws {
    guard rows > 0 || settings.outcome == .replace || settings.ownTable != nil else { return }
    let target = ClusterTables.quoted(settings.target), source = ClusterTables.quoted(staging)
    let command: String
    switch settings.outcome {
    case .append:
      command = ".move async extents all from table \(source) to table \(target)\(try isViewSource() ? " with (setNewIngestionTime=true)" : "")"
    case .replace:
      command = ".replace async extents in table \(target) <| {.show table \(target) extents}, {.show table \(source) extents}"
    }
    var policy = tables.client.retry
    policy.attempts = settings.moveRetries + 1
    policy.capMilliseconds = 180_000
    try policy.run { attempt in
      if attempt > 1, rows > 0, try tables.rowCount(staging) == 0 { return }
      let operation = try tables.wait(for: command, activity: "extentsMove", timeoutSeconds: settings.timeoutSeconds)
      let answer = try tables.client.command(".show operation \(operation) details", database: tables.database, activity: "operationShow")
      let failed = zip(answer.texts("ResultExtentId"), answer.texts("Details")).filter { $0.0 == "Failed" }
      if let first = failed.first {
        throw KConnectError(.http, "operation \(operation): \(failed.count) extents were not moved: \(first.1)", isRetryable: true)
      }
    }
  }

  /// Rows that reach a source of materialized views need a new ingestion time to be seen by them.
  private func isViewSource() throws -> Bool {
    let answer = try tables.client.command(".show materialized-views", database: tables.database, activity: "viewsShow")
    return answer.texts("SourceTable").contains(settings.target)
  }

  /// What remains expires by itself.
  private func clean() {
    guard settings.ownTable != nil || isStaged.withLock({ $0 }) else { return }
    try? tables.drop(staging)
  }
}
