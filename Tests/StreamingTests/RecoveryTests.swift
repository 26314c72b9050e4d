// Role: what a restart does with every state a crash can leave in a checkpoint, and what it refuses.

import Columnar
import DataSource
import FileConnector
import Foundation
import Streaming
import Synchronization
import Testing

/// A directory of its own, removed at the end.
final class Place: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "kconnect-streaming-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }
  func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file(name))) }
  func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: URL(fileURLWithPath: file(name))), as: UTF8.self) }
}

@Suite struct RecoveryTests {
  /// A checkpoint with `batches` complete batches.
  static func checkpoint(_ place: Place, batches: Int) throws {
    let checkpoint = try Checkpoint(place.file("cp"))
    for n in 0..<batches {
      try checkpoint.plan(BatchPlan(batchId: n, timestampMs: Int64(1_000 + n), watermarkMs: 0, pinned: ["k": "v"], ends: [StreamOffset(json: "{\"logOffset\":\(n)}")]))
      try checkpoint.commit(n, watermarkMs: 0, rows: n)
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let damage: @Sendable (Place) throws -> Void
    /// The batch to replay and the next id; nil: refused.
    let expected: (replay: Int?, next: Int)?
    var says = ""
  }

  @Test(arguments: [
    Case(testDescription: "complete", damage: { _ in }, expected: (nil, 3)),
    Case(testDescription: "last commit missing", damage: { try $0.remove("cp/commits/2") }, expected: (2, 2)),
    Case(testDescription: "last batch gone", damage: { try $0.remove("cp/commits/2"); try $0.remove("cp/offsets/2") }, expected: (nil, 2)),
    Case(testDescription: "a draft of a dead writer", damage: { try $0.write("cp/offsets/.3.x.tmp", "v1") }, expected: (nil, 3)),
    Case(testDescription: "purged", damage: { for n in 0..<2 { try $0.remove("cp/commits/\(n)"); try $0.remove("cp/offsets/\(n)") } }, expected: (nil, 3)),
    Case(testDescription: "two commits missing", damage: { try $0.remove("cp/commits/2"); try $0.remove("cp/commits/1") }, expected: nil, says: "batches 1 to 2 are planned"),
    Case(testDescription: "commit without plan", damage: { try $0.remove("cp/offsets/2") }, expected: nil, says: "committed but not planned"),
    Case(testDescription: "no plans at all", damage: { for n in 0..<3 { try $0.remove("cp/offsets/\(n)") } }, expected: nil, says: "write-ahead log was removed"),
    Case(testDescription: "torn plan", damage: { try $0.write("cp/offsets/2", "v1\n{\"batch") }, expected: nil, says: "checksum"),
    Case(testDescription: "empty plan", damage: { try $0.write("cp/offsets/2", "") }, expected: nil, says: "empty"),
    Case(testDescription: "empty commit", damage: { try $0.write("cp/commits/2", "") }, expected: nil, says: "empty"),
    Case(testDescription: "edited plan", damage: { try $0.write("cp/offsets/2", try $0.text("cp/offsets/2").replacingOccurrences(of: "logOffset\":2", with: "logOffset\":1")) }, expected: nil, says: "does not match"),
    Case(testDescription: "newer version", damage: { try $0.write("cp/offsets/2", try $0.text("cp/offsets/2").replacingOccurrences(of: "v1\n", with: "v2\n")) }, expected: nil, says: "version 'v2'"),
  ]) func states(_ test: Case) throws {
    let place = try Place()
    try Self.checkpoint(place, batches: 3)
    try test.damage(place)
    guard let expected = test.expected else {
      let error = #expect(throws: KConnectError.self) { try Checkpoint(place.file("cp")).recover() }
      #expect(error?.code == .checkpointConflict)
      #expect(error?.message.contains(test.says) == true, "\(error?.message ?? "")")
      return
    }
    let state = try Checkpoint(place.file("cp")).recover()
    #expect(state.pending?.batchId == expected.replay)
    #expect(state.nextBatchId == expected.next)
  }

  @Test func identityIsKept() throws {
    let place = try Place()
    let first = try Checkpoint(place.file("cp")).id
    #expect(try Checkpoint(place.file("cp")).id == first)
    try Self.checkpoint(place, batches: 1)
    try place.remove("cp/metadata")
    #expect(throws: KConnectError.self) { try Checkpoint(place.file("cp")) }
  }

  @Test func oneProcessAtATime() throws {
    let place = try Place()
    let held = try Checkpoint(place.file("cp"))
    let error = #expect(throws: KConnectError.self) { try Checkpoint(place.file("cp")) }
    #expect(error?.code == .locked)
    #expect(error?.isRetryable == true)
    withExtendedLifetime(held) {}
  }

  /// Who only looks takes nothing away from a query that runs; the next one to hold the lock does.
  @Test func inspectionLeavesDraftsAlone() throws {
    let incoming = try Incoming()
    let place = incoming.place
    try incoming.put("a.csv", ["1"])
    try incoming.run(incoming.source(), into: incoming.sink("out"))
    let drafts = ["cp/.metadata.x.tmp", "cp/offsets/.1.x.tmp", "cp/commits/.1.x.tmp", "cp/sources/0/.1.x.tmp"]
    for draft in drafts { try place.write(draft, "v1") }
    #expect(try Checkpoint.inspect(place.file("cp")).state.committed?.batchId == 0)
    #expect(try incoming.source().preview(checkpoint: place.file("cp"), index: 0).summary == "0 files, 0 bytes")
    for draft in drafts { #expect(pathExists(place.file(draft)), "\(draft)") }
    _ = try Checkpoint(place.file("cp"))
    for draft in drafts { #expect(!pathExists(place.file(draft)), "\(draft)") }
  }

  /// What is listed while batches are committed fits together.
  @Test func inspectionOfARunningQuery() throws {
    let place = try Place()
    let checkpoint = try Checkpoint(place.file("cp"))
    let isDone = Mutex(false)
    try withExtendedLifetime(checkpoint) {
      nonisolated(unsafe) let writer = checkpoint
      let thread = Thread {
        for n in 0..<200 {
          try? writer.plan(BatchPlan(batchId: n, timestampMs: 1, watermarkMs: 0, pinned: [:], ends: [nil]))
          try? writer.commit(n, watermarkMs: 0, rows: 0)
          if n % 10 == 9 { try? writer.purge(below: n - 20) }
        }
        isDone.withLock { $0 = true }
      }
      thread.start()
      while !isDone.withLock({ $0 }) { _ = try Checkpoint.inspect(place.file("cp")) }
    }
    #expect(try Checkpoint.inspect(place.file("cp")).state.committed?.batchId == 199)
  }

  /// A query starts while others ask whether it runs.
  @Test func askingKeepsNobodyFromStarting() throws {
    let place = try Place()
    _ = try Checkpoint(place.file("cp"))
    let isDone = Mutex(false)
    let path = place.file("cp")
    for _ in 0..<2 { Thread { while !isDone.withLock({ $0 }) { _ = CheckpointLock.isHeld(path) } }.start() }
    defer { isDone.withLock { $0 = true } }
    for _ in 0..<500 {
      let lock = try CheckpointLock(path)
      #expect(CheckpointLock.isHeld(path))
      withExtendedLifetime(lock) {}
    }
  }

  /// Early versions pinned and logged paths as they were typed.
  @Test func typedPathsOfEarlyCheckpoints() throws {
    let incoming = try Incoming()
    try incoming.put("a.csv", ["1"])
    let here = absolutePath(".")
    let typed = String(repeating: "../", count: here.split(separator: "/").count) + incoming.place.file("in").dropFirst()
    #expect(try incoming.run(incoming.source(path: typed), into: incoming.sink("out")) == 1)
    for name in ["cp/offsets/0", "cp/sources/0/0"] {
      let lines = try incoming.place.text(name).split(separator: "\n").dropFirst().dropLast().map { String($0).replacingOccurrences(of: here + "/", with: "") }
      #expect(lines.joined().contains("csv:../") || lines.joined().contains("file://../"), "\(lines)")
      try incoming.place.write(name, LogLines.text(lines))
    }
    #expect(try incoming.run(incoming.source(path: typed), into: incoming.sink("out")) == 0)
    let other = #expect(throws: KConnectError.self) { try incoming.run(incoming.source(path: incoming.place.file("in/*")), into: incoming.sink("out")) }
    #expect(other?.code == .checkpointConflict)
  }

  @Test func secondWriterIsFoundOut() throws {
    let place = try Place()
    let checkpoint = try Checkpoint(place.file("cp"))
    let plan = BatchPlan(batchId: 0, timestampMs: 1, watermarkMs: 0, pinned: [:], ends: [nil])
    try checkpoint.plan(plan)
    let error = #expect(throws: KConnectError.self) { try checkpoint.plan(plan) }
    #expect(error?.code == .checkpointConflict)
  }

  @Test func offsetsComeBack() throws {
    let place = try Place()
    let plan = BatchPlan(batchId: 0, timestampMs: 17, watermarkMs: 3, pinned: ["a": "ü\"\n", "b": ""], ends: [nil, StreamOffset(json: "5")])
    do { try Checkpoint(place.file("cp")).plan(plan) }
    let back = try #require(try Checkpoint(place.file("cp")).recover().pending)
    #expect(back.ends == plan.ends)
    #expect(back.pinned == plan.pinned)
    #expect(back.timestampMs == 17)
    #expect(back.watermarkMs == 3)
  }
}

@Suite struct TriggerTests {
  @Test(arguments: [("available-now", Trigger.availableNow), ("once", .once), ("10 seconds", .processingTime(milliseconds: 10_000)), ("500ms", .processingTime(milliseconds: 500)), ("0 seconds", .asFastAsPossible)])
  func texts(_ text: String, _ trigger: Trigger) throws { #expect(try Trigger(text: text) == trigger) }

  @Test(arguments: ["soon", "continuous", "-1 seconds", "106751991167 days", "9223372036854775807 ms"]) func wrongTexts(_ text: String) {
    #expect(throws: KConnectError.self) { try Trigger(text: text) }
  }
}
