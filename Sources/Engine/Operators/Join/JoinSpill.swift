// Role: joins beyond the budget: both sides on disk, split by key hash; a partition whose build side still does not fit is split again.

import Columnar
import DataSource
import Expressions
import Synchronization

/// Both sides of a join on disk.
final class JoinSpill: Sendable {
  /// The rows of one partition: keys, then columns.
  final class Partition: Sendable {
    let build = Mutex<[Placed]>([])
    let probe = Mutex<[Placed]>([])
  }

  /// A block and the place of its batch in the input: read back in that order, so that the first row of a key stays the first.
  struct Placed: Sendable {
    let position: BatchPosition
    let block: SpillBlock
  }

  static let bits = 5
  /// Build sides up to that many bytes are held even when the budget is exhausted.
  static let smallBuild = 1 << 20
  let file: SpillFile
  let root: [Partition]
  private let shape: JoinShape
  private let run: QueryRun

  init(_ shape: JoinShape, _ run: QueryRun) throws {
    self.shape = shape
    self.run = run
    file = try SpillFile(in: run.options.spillDirectory)
    root = Self.partitions()
  }

  private static func partitions() -> [Partition] { (0..<1 << bits).map { _ in Partition() } }

  func write(
    _ columns: [ColumnVector], keys: [ColumnVector], rowCount: Int, position: BatchPosition, level: Int, into partitions: [Partition], isBuild: Bool
  ) throws {
    let hashes = hashRows(keys, rowCount: rowCount)
    for (p, rows) in partitionRows(hashes: hashes, bits: Self.bits, level: level).enumerated() where rows.count > 0 {
      let block = Placed(position: position, block: try file.append((keys + columns).map { $0.take(rows) }, rowCount: rows.count))
      if isBuild {
        partitions[p].build.withLock { $0.append(block) }
      } else {
        partitions[p].probe.withLock { $0.append(block) }
      }
    }
  }

  /// Joins one partition; false when no more rows are wanted.
  func joinPartition(_ partition: Partition, level: Int, node: PhysicalNode, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    let buildBlocks = partition.build.withLock { $0 }.sorted { $0.position < $1.position }
    let probeBlocks = partition.probe.withLock { $0 }
    let keyCount = shape.buildKeys.count
    var account = MemoryAccount(run.memory)
    var chunks: [JoinChunk] = []
    var bytes = 0
    for placed in buildBlocks {
      try run.check()
      let block = placed.block
      let columns = try file.read(block)
      let batch = RecordBatch(schema: shape.buildSchema, columns: Array(columns.dropFirst(keyCount)), rowCount: block.rowCount)
      let chunk = JoinChunk(batch, keys: Array(columns.prefix(keyCount)))
      chunks.append(chunk)
      bytes += chunk.byteSize
      if account.resize(to: bytes) || bytes <= Self.smallBuild { continue }
      guard (level + 1) * Self.bits <= 32 else { throw run.memory.lowMemory("a join with very many rows of one key") }
      chunks = []
      account.clear()
      return try split(buildBlocks, probeBlocks, level, node, emit)
    }
    node.metrics.sawMemory(bytes)
    let probe = JoinProbe(shape: shape, build: try JoinBuild(chunks, shape), node: node)
    var goesOn = true
    for placed in probeBlocks where goesOn {
      try run.check()
      let block = placed.block
      let columns = try file.read(block)
      let batch = RecordBatch(schema: shape.probeSchema, columns: Array(columns.dropFirst(keyCount)), rowCount: block.rowCount)
      goesOn = try probe.process(batch, keys: Array(columns.prefix(keyCount)), emit)
    }
    if goesOn {
      try probe.finish { batch in
        goesOn = try emit(batch)
        return goesOn
      }
    }
    return goesOn
  }

  private func split(
    _ build: [Placed], _ probe: [Placed], _ level: Int, _ node: PhysicalNode, _ emit: (RecordBatch) throws -> Bool
  ) throws -> Bool {
    let pieces = Self.partitions()
    let keyCount = shape.buildKeys.count
    for (blocks, isBuild) in [(build, true), (probe, false)] {
      for placed in blocks {
        try run.check()
        let block = placed.block
        let columns = try file.read(block)
        try write(
          Array(columns.dropFirst(keyCount)), keys: Array(columns.prefix(keyCount)), rowCount: block.rowCount, position: placed.position,
          level: level, into: pieces, isBuild: isBuild)
      }
    }
    for piece in pieces where try !joinPartition(piece, level: level + 1, node: node, emit) { return false }
    return true
  }
}

/// Writes the streamed side of a spilled join.
final class JoinProbeSpillSink: DrainSink {
  private let shape: JoinShape
  private let spill: JoinSpill
  private let run: QueryRun

  init(_ shape: JoinShape, _ spill: JoinSpill, _ run: QueryRun) {
    self.shape = shape
    self.spill = spill
    self.run = run
  }

  func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
    let keys = try shape.probeKeyColumns(batch)
    try spill.write(batch.columns, keys: keys, rowCount: batch.rowCount, position: position, level: 0, into: spill.root, isBuild: false)
    return true
  }
}
