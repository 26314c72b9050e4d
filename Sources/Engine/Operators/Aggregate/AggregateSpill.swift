// Role: groups on disk. States are written by hash partition as keys and partial states; a partition is merged in memory, or split again by
// further hash bits when it does not fit.

import Columnar
import DataSource
import Expressions
import Synchronization

/// The spilled groups of one aggregation.
final class AggregateSpill: Sendable {
  /// The blocks of one partition, written by any thread.
  final class Partition: Sendable {
    let blocks = Mutex<[SpillBlock]>([])
  }

  static let bits = 5
  /// States up to that many bytes are kept even when the budget is exhausted: below it, spilling only adds work.
  static let smallState = 1 << 20
  let file: SpillFile
  let root: [Partition]
  private let shape: AggregateShape
  private let run: QueryRun
  private let widths: [Int]

  init(_ shape: AggregateShape, _ run: QueryRun) throws {
    self.shape = shape
    self.run = run
    file = try SpillFile(in: run.options.spillDirectory)
    widths = try Self.widths(AggregateState(shape))
    root = Self.partitions()
  }

  static func partitions() -> [Partition] { (0..<1 << bits).map { _ in Partition() } }

  /// State columns of each aggregate, asked of an empty state.
  static func widths(_ state: AggregateState) throws -> [Int] {
    try state.accumulators.map { try $0.partialState(groupCount: 0).count }
  }

  func write(_ state: AggregateState, level: Int, into partitions: [Partition]) throws {
    let columns = try state.partialColumns()
    let hashes = hashRows(Array(columns.prefix(shape.keys.count)), rowCount: state.groupCount)
    for (p, rows) in partitionRows(hashes: hashes, bits: Self.bits, level: level).enumerated() where rows.count > 0 {
      var start = 0
      while start < rows.count {
        let part = rows.slice(start..<min(rows.count, start + RecordBatch.maxRows))
        let block = try file.append(columns.map { $0.take(part) }, rowCount: part.count)
        partitions[p].blocks.withLock { $0.append(block) }
        start += part.count
      }
    }
  }

  /// Merges one partition and gives its complete states; splits it by the bits of `level` when it outgrows the budget.
  func merge(_ partition: Partition, level: Int, _ node: PhysicalNode, _ out: (AggregateState) throws -> Bool) throws {
    var pieces: [Partition]?
    var state = AggregateState(shape)
    var account = MemoryAccount(run.memory)
    for block in partition.blocks.withLock({ $0 }) {
      try run.check()
      try state.updatePartial(try file.read(block), widths: widths, rowCount: block.rowCount)
      let bytes = state.byteSize
      node.metrics.sawMemory(bytes)
      let fits = account.resize(to: state.reservation(bytes))
      if fits ? !state.isTooLarge(bytes) : bytes <= Self.smallState { continue }
      guard state.groupCount > 1, (level + 1) * Self.bits <= 32 else { throw run.memory.lowMemory("one group of an aggregation") }
      let split = pieces ?? Self.partitions()
      pieces = split
      try write(state, level: level, into: split)
      state = AggregateState(shape)
      account.clear()
    }
    guard let pieces else {
      _ = try out(state)
      return
    }
    try write(state, level: level, into: pieces)
    account.clear()
    node.metrics.spilled(file)
    for piece in pieces { try merge(piece, level: level + 1, node, out) }
  }
}
