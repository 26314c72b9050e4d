// Role: queues of messages and states of ingestions, kept with the store so that they outlive the process.

package import Columnar
import DataSource
import GRDB

/// A message in a queue. Times are ticks of 100 ns since 1970.
package struct QueuedMessage: Sendable {
  /// Sorts in the order of arrival.
  package var id: String
  package var text: String
  package var inserted: Int64
  package var expires: Int64
  /// Nobody receives it before.
  package var nextVisible: Int64
  /// Proof of the last receipt, needed to delete.
  package var receipt: String
  package var dequeueCount: Int

  package static let day: Int64 = 864_000_000_000

  fileprivate init(_ entry: MetadataEntry) {
    func long(_ key: String) -> Int64 { if case .long(let value)? = entry.document[key] { value } else { 0 } }
    id = entry.name
    text = entry.document["Text"]?.stringValue ?? ""
    inserted = long("Inserted")
    expires = long("Expires")
    nextVisible = long("Visible")
    receipt = entry.document["Receipt"]?.stringValue ?? ""
    dequeueCount = Int(long("Count"))
  }

  /// The number in its id: grows with every message of the store.
  package var sequence: Int64 { Int64(id.prefix(16), radix: 16) ?? 0 }

  fileprivate init(text: String, sequence: Int64, now: Int64, timeToLive: Int64) {
    let digits = String(sequence, radix: 16)
    id = String(repeating: "0", count: max(0, 16 - digits.count)) + digits + "-" + randomIdentifier()
    self.text = text
    inserted = now
    expires = now &+ timeToLive
    nextVisible = now
    receipt = ""
    dequeueCount = 0
  }

  fileprivate var document: DynamicValue {
    .bag([
      DynamicEntry("Text", .string(text)), DynamicEntry("Inserted", .long(inserted)), DynamicEntry("Expires", .long(expires)),
      DynamicEntry("Visible", .long(nextVisible)), DynamicEntry("Receipt", .string(receipt)), DynamicEntry("Count", .long(Int64(dequeueCount))),
    ])
  }
}

extension MetadataStore {
  /// Adds a message; durable when it returns. Its number is taken in the transaction that adds it: whoever sees a message has seen all with lower
  /// numbers, or they are done.
  package func post(_ text: String, to queue: String, timeToLive: Int64 = 7 * QueuedMessage.day) throws -> QueuedMessage {
    try write { try Self.post(text, to: queue, timeToLive: timeToLive, $0) }
  }

  private static func post(_ text: String, to queue: String, timeToLive: Int64, _ database: GRDB.Database) throws -> QueuedMessage {
    let number = try entry(.message, "sequence", in: .cluster, database)?.document.longValue ?? 1
    let message = QueuedMessage(text: text, sequence: number, now: StoreClock.nowTicks, timeToLive: timeToLive)
    try put(.message, "sequence", in: .cluster, .long(number &+ 1), database)
    try put(.message, message.id, in: .queue(queue), message.document, database)
    return message
  }

  /// The messages that have not expired, in their order. `isVisible`: without those that somebody received and hid.
  private static func messages(_ queue: String, isVisible: Bool, limit: Int, _ database: GRDB.Database) throws -> [QueuedMessage] {
    let now = StoreClock.nowTicks
    let visible = isVisible ? " AND json_extract(document, '$.Visible') <= \(now)" : ""
    return try entries(
      .message, in: .queue(queue), where: "json_extract(document, '$.Expires') > \(now)" + visible, limit: limit, database
    ).map { QueuedMessage($0) }
  }

  /// The first messages, also those that somebody received and hid.
  package func first(_ queue: String, limit: Int) throws -> [QueuedMessage] { try read(absent: []) { try Self.messages(queue, isVisible: false, limit: limit, $0) } }

  /// How many messages a queue has that have not expired.
  package func count(_ queue: String) throws -> Int {
    try read(absent: 0) { database in
      try Int.fetchOne(
        database, sql: "SELECT count(*) FROM entry WHERE kind = ? AND scope = ? AND json_extract(document, '$.Expires') > ?",
        arguments: [EntryKind.message.rawValue, EntryScope.queue(queue).text, StoreClock.nowTicks]) ?? 0
    }
  }

  /// The first visible messages, which stay as they are.
  package func peek(_ queue: String, limit: Int) throws -> [QueuedMessage] { try read(absent: []) { try Self.messages(queue, isVisible: true, limit: limit, $0) } }

  /// The first visible messages, hidden from others for a while.
  package func receive(_ queue: String, limit: Int, hiddenFor ticks: Int64) throws -> [QueuedMessage] {
    guard pathExists(path) else { return [] }
    return try write { database in
      let now = StoreClock.nowTicks
      return try Self.messages(queue, isVisible: true, limit: limit, database).map { message in
        var message = message
        message.nextVisible = now &+ ticks
        message.receipt = randomIdentifier()
        message.dequeueCount += 1
        try Self.put(.message, message.id, in: .queue(queue), message.document, database)
        return message
      }
    }
  }

  /// What is said of a message that is done.
  package struct Outcome: Sendable {
    /// A text for a queue.
    package var report: (text: String, queue: String)?
    /// The row of the status table: its key, and what becomes of it.
    package var status: (key: String, change: @Sendable (DynamicValue) -> DynamicValue)?
    package init() {}
  }

  /// Removes a message, whoever received it, and says what became of it, all or nothing. False when there is none: then nothing is said.
  package func conclude(_ message: QueuedMessage, in queue: String, _ outcome: Outcome) throws -> Bool {
    try write { database in
      guard try Self.remove(.message, message.id, in: .queue(queue), database) else { return false }
      if let (text, queue) = outcome.report { _ = try Self.post(text, to: queue, timeToLive: 7 * QueuedMessage.day, database) }
      if let (key, change) = outcome.status {
        let row = try Self.entry(.ingestionStatus, key, in: .cluster, database)?.document ?? .bag([])
        try Self.put(.ingestionStatus, key, in: .cluster, change(row), database)
      }
      return true
    }
  }

  private static func laterQueue(_ queue: String) -> String { queue + "/later" }

  /// Puts a message aside for a while. It comes back under a new number: those behind it need not wait.
  package func postpone(_ message: QueuedMessage, in queue: String, for ticks: Int64) throws {
    try write { database in
      guard try Self.remove(.message, message.id, in: .queue(queue), database) else { return }
      var message = message
      message.nextVisible = StoreClock.nowTicks &+ ticks
      message.dequeueCount += 1
      try Self.put(.message, message.id, in: .queue(Self.laterQueue(queue)), message.document, database)
    }
  }

  /// Brings back what was put aside and is due by `now`, behind all others. Answers how many messages are still aside.
  package func resume(_ queue: String, now: Int64 = StoreClock.nowTicks) throws -> Int {
    let later = EntryScope.queue(Self.laterQueue(queue))
    let waiting = try entries(.message, in: later).map { QueuedMessage($0) }
    let due = waiting.filter { $0.nextVisible <= now }
    if due.isEmpty { return waiting.count }
    try write { database in
      for old in due {
        guard try Self.remove(.message, old.id, in: later, database) else { continue }
        var fresh = try Self.post(old.text, to: queue, timeToLive: 0, database)
        (fresh.inserted, fresh.expires, fresh.dequeueCount) = (old.inserted, old.expires, old.dequeueCount)
        try Self.put(.message, fresh.id, in: .queue(queue), fresh.document, database)
      }
    }
    return waiting.count - due.count
  }

  /// Removes messages that have expired, and states of ingestions that nobody changed for a week. Answers how many.
  @discardableResult
  package func sweepMessages(now: Int64 = StoreClock.nowTicks) throws -> Int {
    guard pathExists(path) else { return 0 }
    return try write { database in
      try database.execute(
        sql: "DELETE FROM entry WHERE kind = ? AND json_extract(document, '$.Expires') <= ?", arguments: [EntryKind.message.rawValue, now])
      let messages = database.changesCount
      try database.execute(sql: "DELETE FROM entry WHERE kind = ? AND updated <= ?", arguments: [EntryKind.ingestionStatus.rawValue, now &- 7 * QueuedMessage.day])
      return messages + database.changesCount
    }
  }

  /// Removes a message; false when there is none, or when somebody else received it last.
  package func delete(_ id: String, from queue: String, receipt: String) throws -> Bool {
    guard let entry = try entry(.message, id, in: .queue(queue)), QueuedMessage(entry).receipt == receipt else { return false }
    return try remove(.message, id, in: .queue(queue))
  }

  /// Removes all messages of a queue.
  package func clear(_ queue: String) throws {
    try forget(.queue(queue))
    try forget(.queue(Self.laterQueue(queue)))
  }

  // MARK: States of ingestions

  /// The row of the status table under a key; nil when there is none.
  package func ingestionStatus(_ key: String) throws -> DynamicValue? { try entry(.ingestionStatus, key, in: .cluster)?.document }

  /// Puts a row where there is none; false where there is one.
  package func addIngestionStatus(_ key: String, _ row: DynamicValue) throws -> Bool { try exchange(.ingestionStatus, key, in: .cluster, nil, for: row) }

  package func putIngestionStatus(_ key: String, _ row: DynamicValue) throws { try put(.ingestionStatus, key, in: .cluster, row) }
}
