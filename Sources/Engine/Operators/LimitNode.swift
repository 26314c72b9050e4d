// Role: the first rows of the input. At the top of a plan the rows flow through and the query's end counts them in order; below other
// operators the first rows are collected, which stops the input early.

import Columnar
import DataSource
import Expressions

/// The first `count` rows.
final class LimitNode: PhysicalNode, @unchecked Sendable {
  let count: Int

  init(_ count: Int, _ input: PhysicalNode) {
    self.count = max(0, count)
    super.init("Limit", detail: "\(count)", schema: input.schema, children: [input])
    estimatedRows = self.count
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    var kept: [RecordBatch] = []
    var account = MemoryAccount(run.memory)
    var bytes = 0
    try CollectJob(try openWithoutLimit(run), run: run, limit: count).collect { batch in
      bytes += batch.byteSize
      guard account.resize(to: bytes) else { throw run.memory.lowMemory("limit \(self.count)") }
      kept.append(batch)
      return true
    }
    return IndexedStream(kept)
  }

  override var topLimit: Int? { count }

  /// The input, each morsel cut after `count` rows: whoever takes the rows in order stops at `count`.
  override func openWithoutLimit(_ run: QueryRun) throws -> any BatchStream {
    if count == 0 { return IndexedStream([]) }
    return LimitStream(try children[0].open(run), self)
  }

  private final class LimitStream: BatchStream {
    private let input: any BatchStream
    private let node: LimitNode

    init(_ input: any BatchStream, _ node: LimitNode) {
      self.input = input
      self.node = node
    }

    func next() throws -> (any Morsel)? { try input.next().map { LimitMorsel(input: $0, node: node) } }
  }

  private struct LimitMorsel: Morsel {
    let input: any Morsel
    let node: LimitNode

    func read(_ emit: (RecordBatch) throws -> Bool) throws {
      var left = node.count
      try input.read { batch in
        let out = batch.rowCount > left ? batch.slice(0..<left) : batch
        left -= out.rowCount
        node.metrics.took(batch.rowCount)
        node.metrics.gave(out.rowCount)
        return try emit(out) && left > 0
      }
    }
  }
}
