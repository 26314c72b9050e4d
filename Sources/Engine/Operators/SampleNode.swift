// Role: a uniform random sample of rows (reservoir, algorithm R, for each thread; merged by drawing from both in proportion).

import Columnar
import DataSource
import Expressions

/// `count` random rows of the input, in row order; all of them when there are fewer. The seed of the query fixes the choice for one thread.
final class SampleNode: PhysicalNode, @unchecked Sendable {
  private let count: Int

  init(_ count: Int, _ input: PhysicalNode) {
    self.count = max(0, count)
    super.init("Sample", detail: "\(count)", schema: input.schema, children: [input])
    estimatedRows = self.count
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    if count == 0 { return IndexedStream([]) }
    let sink = Reservoirs(count: count, run: run, metrics: metrics)
    try run.drain(try children[0].open(run), into: sink)
    let rows = sink.merged().sorted { $0.position < $1.position || $0.position == $1.position && $0.row < $1.row }
    metrics.gave(rows.count)
    let out = stride(from: 0, to: rows.count, by: RecordBatch.maxRows).map { start in
      RecordBatch.concat(rows[start..<min(rows.count, start + RecordBatch.maxRows)].map(\.batch), schema: schema)
    }
    return IndexedStream(out)
  }

  fileprivate struct SampledRow {
    var key: UInt64
    var position: BatchPosition
    var row: Int
    var batch: RecordBatch
  }

  /// Every row draws a random key; the `count` smallest keys are the sample, whichever thread saw them.
  private final class Reservoirs: DrainSink, @unchecked Sendable {  // a slot's state is used by one thread at a time
    private final class Slot {
      var heap: [SampledRow] = []
      var random: SplitMix
      init(seed: UInt64) { random = SplitMix(seed) }
    }

    private let count: Int
    private let slots: [Slot]
    private let metrics: OperatorMetrics
    private let memory: QueryMemory

    init(count: Int, run: QueryRun, metrics: OperatorMetrics) {
      self.count = count
      self.metrics = metrics
      memory = run.memory
      slots = (0..<run.parallelism).map { Slot(seed: run.context.seed &+ UInt64($0) &* 0x9E37_79B9_7F4A_7C15) }
    }

    func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
      metrics.took(batch.rowCount)
      let state = slots[slot]
      for i in 0..<batch.rowCount {
        let key = state.random.next()
        if state.heap.count == count, key >= state.heap[0].key { continue }
        let one = Buffer<Int32>([Int32(i)])
        let row = SampledRow(key: key, position: position, row: i, batch: batch.take(one))
        if state.heap.count < count { push(row, state) } else { replaceTop(row, state) }
      }
      return true
    }

    func merged() -> [SampledRow] {
      Array(slots.flatMap(\.heap).sorted { $0.key < $1.key }.prefix(count))
    }

    private func push(_ row: SampledRow, _ state: Slot) {
      state.heap.append(row)
      var i = state.heap.count - 1
      while i > 0, state.heap[(i - 1) / 2].key < state.heap[i].key {
        state.heap.swapAt(i, (i - 1) / 2)
        i = (i - 1) / 2
      }
    }

    private func replaceTop(_ row: SampledRow, _ state: Slot) {
      state.heap[0] = row
      var i = 0
      while true {
        var largest = i
        for child in [2 * i + 1, 2 * i + 2] where child < state.heap.count && state.heap[child].key > state.heap[largest].key { largest = child }
        if largest == i { return }
        state.heap.swapAt(i, largest)
        i = largest
      }
    }
  }
}

/// A small fast generator of 64-bit numbers.
struct SplitMix {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
