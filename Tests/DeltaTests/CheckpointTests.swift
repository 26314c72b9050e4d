// Checkpoints: what is written reads back as the same state; retention of tombstones; broken ones are refused.

import Columnar
import DataSource
import Delta
import Testing

@Suite struct CheckpointTests {
  @Test func stateReadsBack() throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    let now = DeltaClock.milliseconds
    var actions = try firstActions("a:long, p:string", features: ["domainMetadata", "rowTracking"], configuration: ["x": "y"])
    for i in 0..<1_000 {
      actions.append(
        .add(
          AddFile(
            path: "f\(i)", partitionValues: ["p": i % 3 == 0 ? nil : "v\(i)"], size: Int64(i), modificationTime: 5, stats: "{\"numRecords\":\(i)}",
            tags: i % 2 == 0 ? ["k": "v", "l": ""] : nil,
            deletionVector: i % 5 == 0 ? DeletionVectorDescriptor(storageType: "u", pathOrInlineDv: "ab\(i)", offset: 1, sizeInBytes: 2, cardinality: 3) : nil)))
    }
    actions += [.transaction(AppTransaction(appId: "q", version: 9)), .domainMetadata(DomainMetadata(domain: "d", configuration: "{}"))]
    var state = try log.commit(actions, on: nil, rebase: conflict)
    let removed = [state.adds[0].removal(at: now), state.adds[1].removal(at: now - 8 * 86_400_000)]
    state = try log.commit(removed.map { .remove($0) }, on: state, rebase: conflict)
    let standing = try log.writeCheckpoint(state)
    #expect(standing.tail.checkpointVersion == 1 && standing.tail.commits == 0)
    // Without the commits the checkpoint stands alone.
    for version in 0...1 { _ = FileSystem.system.remove(joinPath(log.directory, LogFileName.commitName(Int64(version)))) }
    let read = try log.snapshot()
    #expect(read.version == 1)
    #expect(read.adds == state.adds.map { add in var add = add; add.dataChange = false; return add })
    #expect(read.metadata == state.metadata && read.protocol == state.protocol)
    #expect(read.transactions == state.transactions && read.domains == state.domains)
    // The tombstone of last week is gone.
    #expect(read.tombstones.count == 1 && read.tombstones.values.first?.path == removed[0].path)
    #expect(read.tail.checkpointBytes > 1_000)
  }

  @Test func hintIsOnlyAHint() throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    let state = try log.commit(firstActions("a:long"), on: nil, rebase: conflict)
    for text in ["{\"version\":", "{\"version\":77,\"size\":1}", ""] {
      s.put("t/_delta_log/_last_checkpoint", text)
      #expect(try log.snapshot().version == state.version)
    }
  }

  @Test func partsThatAreNotAllThereAreNoCheckpoint() throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    let state = try log.commit(firstActions("a:long"), on: nil, rebase: conflict)
    s.put("t/_delta_log/00000000000000000000.checkpoint.0000000001.0000000002.parquet", "torn")
    #expect(try log.snapshot().version == state.version)
  }

  @Test func brokenCheckpointIsRefusedByName() throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    _ = try log.commit(firstActions("a:long"), on: nil, rebase: conflict)
    s.put("t/_delta_log/00000000000000000000.checkpoint.parquet", "PAR1 and no more")
    let error = try #require(thrown { _ = try log.snapshot() })
    #expect(error.code == .formatCorrupt && error.message.contains("00000000000000000000.checkpoint.parquet"))
  }

  @Test func tailPolicyWaitsForATenth() throws {
    let s = Scratch()
    let log = DeltaLog(path: s("t"))
    _ = try log.makeDirectories()
    var options = CommitOptions()
    options.isCheckpointDue = { CheckpointPolicy.tail($0) }
    var state = try log.commit(firstActions("a:long"), on: nil, options: options, rebase: conflict)
    var checkpoints: [Int64] = []
    for i in 0..<40 {
      state = try log.commit([.add(AddFile(path: "f\(i)", size: 1, modificationTime: 1))], on: state, options: options, rebase: conflict)
      if state.tail.commits == 0 { checkpoints.append(state.version) }
    }
    #expect(checkpoints.count >= 2 && checkpoints.first == 10)
    #expect(zip(checkpoints, checkpoints.dropFirst()).allSatisfy { $1 - $0 > 10 })
  }
}
