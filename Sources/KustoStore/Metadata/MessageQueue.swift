// Role: queues of messages, states of ingestions, and secrets of a server, kept with the store so that they outlive the process.

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
  package func post(_ text: String, to queue: String, timeToLive: Int64 = 7 * 864_000_000_000) throws -> QueuedMessage {
    try write { database in
      let number = try Self.entry(.message, "sequence", in: .cluster, database)?.document.longValue ?? 1
      let message = QueuedMessage(text: text, sequence: number, now: StoreClock.nowTicks, timeToLive: timeToLive)
      try Self.put(.message, "sequence", in: .cluster, .long(number &+ 1), database)
      try Self.put(.message, message.id, in: .queue(queue), message.document, database)
      return message
    }
  }

  /// The first messages, also those that somebody received and hid.
  package func first(_ queue: String, limit: Int) throws -> [QueuedMessage] {
    let now = StoreClock.nowTicks
    return Array(try entries(.message, in: .queue(queue)).lazy.map { QueuedMessage($0) }.filter { $0.expires > now }.prefix(limit))
  }

  /// Removes a message, whoever received it; false when there is none.
  package func remove(_ message: QueuedMessage, from queue: String) throws -> Bool { try remove(.message, message.id, in: .queue(queue)) }

  /// The first visible messages, which stay as they are.
  package func peek(_ queue: String, limit: Int) throws -> [QueuedMessage] {
    let now = StoreClock.nowTicks
    return Array(try entries(.message, in: .queue(queue)).lazy.map { QueuedMessage($0) }.filter { $0.nextVisible <= now && $0.expires > now }.prefix(limit))
  }

  /// The first visible messages, hidden from others for a while.
  package func receive(_ queue: String, limit: Int, hiddenFor ticks: Int64) throws -> [QueuedMessage] {
    let now = StoreClock.nowTicks
    return try peek(queue, limit: limit).map { message in
      var message = message
      message.nextVisible = now &+ ticks
      message.receipt = randomIdentifier()
      message.dequeueCount += 1
      try put(.message, message.id, in: .queue(queue), message.document)
      return message
    }
  }

  /// Removes a message; false when there is none, or when somebody else received it last.
  package func delete(_ id: String, from queue: String, receipt: String) throws -> Bool {
    guard let entry = try entry(.message, id, in: .queue(queue)), QueuedMessage(entry).receipt == receipt else { return false }
    return try remove(.message, id, in: .queue(queue))
  }

  /// Removes all messages of a queue.
  package func clear(_ queue: String) throws {
    for entry in try entries(.message, in: .queue(queue)) { try remove(.message, entry.name, in: .queue(queue)) }
  }

  // MARK: States of ingestions

  /// The row of the status table under a key; nil when there is none.
  package func ingestionStatus(_ key: String) throws -> DynamicValue? { try entry(.ingestionStatus, key, in: .cluster)?.document }

  package func putIngestionStatus(_ key: String, _ row: DynamicValue) throws { try put(.ingestionStatus, key, in: .cluster, row) }

  // MARK: Secrets

  /// The secret of that name; nil when it was never given out.
  package func knownSecret(_ name: String) throws -> String? { try entry(.secret, name, in: .cluster)?.document.stringValue }

  /// The secret of that name, made when it is missing.
  package func secret(_ name: String) throws -> String {
    if let found = try entry(.secret, name, in: .cluster)?.document.stringValue { return found }
    let made = randomIdentifier() + randomIdentifier()
    try put(.secret, name, in: .cluster, .string(made))
    return made
  }
}
