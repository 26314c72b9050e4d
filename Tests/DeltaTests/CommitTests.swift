// Commits: put-if-absent, rebasing, what is filled in, faults at every call, many writers at once.

import Columnar
import DataSource
import Delta
import Glibc
import Synchronization
import Testing

private func file(_ name: String, rows: Int = 1) -> DeltaAction {
  .add(AddFile(path: name, size: 1, modificationTime: 1, stats: "{\"numRecords\":\(rows)}"))
}

@Suite struct CommitTests {
  private func table(_ s: Scratch, features: [String]? = nil, configuration: [String: String] = [:], fileSystem: FileSystem = .system) throws -> (DeltaLog, DeltaSnapshot) {
    let log = DeltaLog(path: s("t"), fileSystem: fileSystem)
    _ = try log.makeDirectories()
    return (log, try log.commit(firstActions("a:long", features: features, configuration: configuration), on: nil, rebase: conflict))
  }

  @Test func snapshotAfterCommitIsTheOneReadBack() throws {
    let s = Scratch()
    let (log, first) = try table(s)
    let second = try log.commit([file("a"), file("b"), .transaction(AppTransaction(appId: "q", version: 4))], on: first, rebase: conflict)
    let third = try log.commit([.remove(second.adds[0].removal(at: 1))], on: second, rebase: conflict)
    let read = try log.snapshot()
    #expect(read.version == 2 && third.version == 2)
    #expect(read.adds == third.adds && read.adds.map(\.path) == ["b"])
    #expect(read.transactions["q"]?.version == 4)
    #expect(read.tombstones.keys == third.tombstones.keys)
  }

  @Test func rebasesOverAppendsOnly() throws {
    struct Case {
      let winner: [DeltaAction]
      let mine: [DeltaAction]
      let isConflict: Bool
    }
    let added = try DeltaSchema(StructType(ddl: "a:long, b:string")).json, changed = try DeltaSchema(StructType(ddl: "a:string")).json
    func metadata(_ schema: String) -> DeltaAction { .metadata(TableMetadata(id: "00000000-0000-0000-0000-000000000001", schemaString: schema)) }
    let old = AddFile(path: "old", size: 1, modificationTime: 1)
    let cases = [
      Case(winner: [file("x")], mine: [file("y")], isConflict: false),
      Case(winner: [metadata(changed)], mine: [file("y")], isConflict: true),
      Case(winner: [metadata(added)], mine: [file("y")], isConflict: false),
      Case(winner: [metadata(added)], mine: [file("y"), metadata(added)], isConflict: true),
      Case(winner: [.protocol(TableProtocol(minReaderVersion: 1, minWriterVersion: 3))], mine: [file("y")], isConflict: true),
      Case(winner: [.remove(old.removal(at: 1))], mine: [.remove(old.removal(at: 1)), file("y")], isConflict: true),
      // New tags of a file that is gone would bring it back.
      Case(winner: [.remove(old.removal(at: 1)), file("x")], mine: [.add(old)], isConflict: true),
      Case(winner: [.transaction(AppTransaction(appId: "q", version: 1))], mine: [file("y"), .transaction(AppTransaction(appId: "q", version: 2))], isConflict: true),
      Case(winner: [.transaction(AppTransaction(appId: "q", version: 1))], mine: [file("y"), .transaction(AppTransaction(appId: "z", version: 2))], isConflict: false),
      Case(winner: [.domainMetadata(DomainMetadata(domain: "d", configuration: ""))], mine: [.domainMetadata(DomainMetadata(domain: "d", configuration: ""))], isConflict: true),
    ]
    for (i, c) in cases.enumerated() {
      let s = Scratch()
      let (log, first) = try table(s)
      let basis = try log.commit([.add(old)], on: first, rebase: conflict)
      _ = try log.commit(c.winner, on: basis, rebase: conflict)
      let error = thrown {
        let after = try log.commit(c.mine, on: basis) { winners, _ in
          #expect(winners.map(\.version) == [2])
          return try ConflictCheck.answer(c.mine, basis: basis, winners: winners, path: "t", allowsAddedColumns: true)
        }
        #expect(after.version == 3)
      }
      #expect((error != nil) == c.isConflict, "case \(i): \(String(describing: error))")
      if c.isConflict { #expect(error?.isRetryable == true) }
    }
  }

  @Test func aTransactionDoneByAWinnerIsDone() throws {
    let s = Scratch()
    let (log, first) = try table(s)
    _ = try log.commit([file("x"), .transaction(AppTransaction(appId: "q", version: 7))], on: first, rebase: conflict)
    let mine: [DeltaAction] = [file("y"), .transaction(AppTransaction(appId: "q", version: 7))]
    let after = try log.commit(mine, on: first) { winners, _ in try ConflictCheck.answer(mine, basis: first, winners: winners, path: "t") }
    #expect(after.version == 1 && after.adds.map(\.path) == ["x"])
  }

  @Test func rowIdsAreGivenOutOnceAndAnewAfterALostRace() throws {
    let s = Scratch()
    let (log, first) = try table(s, features: ["rowTracking", "domainMetadata"])
    #expect(try RowTracking.highWaterMark(first) == -1)
    _ = try log.commit([file("a", rows: 10)], on: first, rebase: conflict)
    let after = try log.commit([file("b", rows: 5), file("c", rows: 1)], on: first) { _, _ in .retry([file("b", rows: 5), file("c", rows: 1)]) }
    #expect(after.adds.map(\.baseRowId) == [0, 10, 15])
    #expect(after.adds.map(\.defaultRowCommitVersion) == [1, 2, 2])
    #expect(try RowTracking.highWaterMark(try log.snapshot()) == 15)
    // Committing a known file again keeps its ids.
    var again = after.adds[1]
    (again.baseRowId, again.defaultRowCommitVersion, again.tags) = (nil, nil, ["x": "y"])
    let last = try log.commit([.add(again)], on: after, rebase: conflict)
    #expect(last.adds[1].baseRowId == 10 && last.adds[1].defaultRowCommitVersion == 2 && last.adds[1].tags == ["x": "y"])
    // A file without a row count has no ids to get.
    #expect(thrown { _ = try log.commit([.add(AddFile(path: "z", size: 1, modificationTime: 1))], on: last, rebase: conflict) } != nil)
  }

  @Test func inCommitTimestampsAscendAndComeFirst() throws {
    let s = Scratch()
    var (log, snapshot) = try table(s, features: ["inCommitTimestamp"], configuration: ["delta.enableInCommitTimestamps": "true"])
    for i in 0..<5 {
      let next = try log.commit([file("f\(i)")], on: snapshot, rebase: conflict)
      #expect(next.timestamp > snapshot.timestamp)
      snapshot = next
    }
    guard case .commitInfo(let info)? = try log.commit(5)?.actions.first else {
      Issue.record("commitInfo is not first")
      return
    }
    #expect(info.inCommitTimestamp == snapshot.timestamp && info.fields.first?.key == "inCommitTimestamp")
  }

  /// Behind the end of the year 9999 no commit can ascend.
  @Test func inCommitTimestampsEnd() throws {
    let s = Scratch()
    let (log, first) = try table(s, features: ["inCommitTimestamp"], configuration: ["delta.enableInCommitTimestamps": "true"])
    s.put("t/_delta_log/" + LogFileName.commitName(1), "{\"commitInfo\":{\"inCommitTimestamp\":253402300799999}}\n")
    let last = try log.update(first)
    #expect(last.timestamp == 253_402_300_799_999)
    let error = thrown { _ = try log.commit([file("a")], on: last, rebase: conflict) }
    #expect(error?.code == .formatCorrupt && error?.message.contains("year 9999") == true, "\(String(describing: error))")
  }

  @Test(arguments: [false, true]) func everyCallFailing(_ isCrash: Bool) throws {
    var k = 1
    while true {
      let s = Scratch()
      let (_, first) = try table(s)
      let plan = FaultPlan(failAt: k, isCrash: isCrash)
      let log = DeltaLog(path: s("t"), fileSystem: plan.fileSystem)
      var options = CommitOptions()
      options.isCheckpointDue = { _ in true }
      var isVisible = false
      var error: (any Error)?
      do { _ = try log.commit([file("a")], on: first, options: options, rebase: conflict) } catch let other {
        error = other
        isVisible = other is CommitNotDurable
      }
      if plan.calls < k {
        #expect(error == nil)
        break
      }
      let clean = DeltaLog(path: s("t"))
      let read = try clean.snapshot()
      #expect(read.version == (error == nil || isVisible ? 1 : 0), "call \(k) \(String(describing: plan.failed)): \(String(describing: error))")
      // The next writer goes on, and a checkpoint that broke off is no obstacle.
      let next = try clean.commit([file("b")], on: read, rebase: conflict)
      #expect(try clean.snapshot().adds == next.adds)
      _ = try clean.writeCheckpoint(next)
      #expect(try clean.snapshot().adds.map(\.path) == next.adds.map(\.path))
      k += 1
      if k > 100 { Issue.record("no end of calls"); break }
    }
    #expect(k > 10)
  }

  @Test(arguments: [false, true]) func writersAtOnce(_ queues: Bool) throws {
    let s = Scratch()
    let (log, first) = try table(s)
    let failures = Mutex<[String]>([])
    let lock = queues ? s("t/lock") : nil
    runThreads(4) { thread in
      do {
        for i in 0..<25 {
          let mine = [file("\(thread)-\(i)")]
          _ = try log.commit(mine, on: first, options: CommitOptions(lockPath: lock)) { winners, _ in
            try ConflictCheck.answer(mine, basis: first, winners: winners, path: "t")
          }
        }
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    let read = try log.snapshot()
    #expect(read.version == 100 && read.files.count == 100)
    #expect(read.tail.checkpointVersion == 100)
    #expect(try DirectoryReader.names(in: log.directory).filter { $0.hasSuffix(".tmp") } == [])
  }
}

/// Runs `body` on `count` threads and waits for all.
func runThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var threads: [pthread_t] = []
  for i in 0..<count {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work { body(i) })
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    threads.append(thread)
  }
  for thread in threads { pthread_join(thread, nil) }
}
