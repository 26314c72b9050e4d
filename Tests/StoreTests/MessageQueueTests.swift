// Role: queues of messages in the metadata: order, what is put aside, what is said of what is done, what expires.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import KustoStore
import Testing

@Suite struct MessageQueueTests {
  private static func metadata(_ test: TestStore) -> MetadataStore { CommandExecutor(test.store).metadata }

  private static func texts(_ messages: [QueuedMessage]) -> [String] { messages.map(\.text) }

  /// Whoever opens the metadata to others while a process has them open finds them closed after the next secret, and the log of queries with them.
  @Test func secretsStayClosed() throws {
    let test = try TestStore()
    let executor = CommandExecutor(test.store), metadata = executor.metadata
    func mode(_ name: String, in test: TestStore = test) -> UInt32? {
      var info = stat()
      return stat(test.path + "/_kconnect/" + name, &info) == 0 ? info.st_mode & 0o777 : nil
    }
    _ = try metadata.post("m", to: "q")
    _ = try executor.execute("print 1")
    executor.drain()
    let names = ["metadata.sqlite", "metadata.sqlite-wal", "metadata.sqlite-shm", "queries.sqlite", "queries.sqlite-wal", "queries.sqlite-shm"]
    #expect(names.allSatisfy { mode($0) != nil })
    let first = try metadata.secret("a")
    #expect(names.allSatisfy { mode($0) == 0o600 })
    #expect(FileSystem.system.setMode(metadata.path, 0o644) == 0)
    #expect(try metadata.secret("a") == first)
    #expect(names.allSatisfy { mode($0) == 0o600 })
    // A log that comes later is closed from the start.
    let other = try TestStore()
    let later = CommandExecutor(other.store)
    _ = try later.metadata.secret("a")
    _ = try later.execute("print 1")
    later.drain()
    #expect(mode("queries.sqlite", in: other) == 0o600)
  }

  @Test func orderAndReceipts() throws {
    let test = try TestStore()
    let queue = Self.metadata(test)
    for i in 0..<40 { _ = try queue.post("m\(i)", to: "q") }
    _ = try queue.post("other", to: "r")
    #expect(try Self.texts(queue.first("q", limit: 3)) == ["m0", "m1", "m2"])
    #expect(try queue.count("q") == 40)
    let received = try queue.receive("q", limit: 2, hiddenFor: 1 << 40)
    #expect(Self.texts(received) == ["m0", "m1"])
    #expect(try Self.texts(queue.peek("q", limit: 2)) == ["m2", "m3"])
    // Who works on them sees them all the same.
    #expect(try Self.texts(queue.first("q", limit: 2)) == ["m0", "m1"])
    #expect(try !queue.delete(received[0].id, from: "q", receipt: "another"))
    #expect(try queue.delete(received[0].id, from: "q", receipt: received[0].receipt))
    try queue.clear("q")
    #expect(try queue.count("q") == 0 && queue.count("r") == 1)
  }

  /// What is put aside comes back behind the others, with a number above all of theirs.
  @Test func aside() throws {
    let test = try TestStore()
    let queue = Self.metadata(test)
    for i in 0..<3 { _ = try queue.post("m\(i)", to: "q") }
    let first = try queue.first("q", limit: 1)[0]
    try queue.postpone(first, in: "q", for: 1 << 40)
    #expect(try Self.texts(queue.first("q", limit: 9)) == ["m1", "m2"])
    #expect(try queue.resume("q") == 1)
    #expect(try queue.resume("q", now: Int64.max) == 0)
    let back = try queue.first("q", limit: 9)
    #expect(Self.texts(back) == ["m1", "m2", "m0"])
    #expect(back[2].sequence > back[1].sequence && back[2].dequeueCount == 1 && back[2].expires == first.expires)
  }

  @Test func outcomes() throws {
    let test = try TestStore()
    let queue = Self.metadata(test)
    let message = try queue.post("m", to: "q")
    try queue.putIngestionStatus("p/r", .bag([DynamicEntry("Status", .string("Pending"))]))
    var outcome = MetadataStore.Outcome()
    outcome.report = ("done", "success")
    outcome.status = ("p/r", { row in .bag((row.entries ?? []) + [DynamicEntry("More", .long(1))]) })
    #expect(try queue.conclude(message, in: "q", outcome))
    #expect(try queue.count("q") == 0)
    #expect(try Self.texts(queue.first("success", limit: 9)) == ["done"])
    #expect(try queue.ingestionStatus("p/r")?.json == #"{"Status":"Pending","More":1}"#)
    // Nothing is said twice.
    #expect(try !queue.conclude(message, in: "q", outcome))
    #expect(try queue.count("success") == 1)
  }

  @Test func whatExpiresGoes() throws {
    let test = try TestStore()
    let queue = Self.metadata(test)
    for _ in 0..<5 { _ = try queue.post("old", to: "success", timeToLive: 0) }
    _ = try queue.post("new", to: "success")
    try queue.putIngestionStatus("p/r", .bag([]))
    #expect(try Self.texts(queue.first("success", limit: 9)) == ["new"])
    #expect(try queue.sweepMessages() == 5)
    #expect(try queue.sweepMessages() == 0)
    #expect(try queue.ingestionStatus("p/r") != nil)
    // A week later the rest goes; numbers go on.
    #expect(try queue.sweepMessages(now: StoreClock.nowTicks + 8 * QueuedMessage.day) == 2)
    #expect(try queue.post("next", to: "success").sequence == 7)
  }
}
