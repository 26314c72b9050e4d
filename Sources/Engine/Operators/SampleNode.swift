// Role: a uniform random sample of rows: every row draws a random key, the rows with the smallest keys are the sample.

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
      gathered(rows[start..<min(rows.count, start + RecordBatch.maxRows)])
    }
    return IndexedStream(out)
  }

  /// Rows as one batch, in their order.
  private func gathered(_ rows: ArraySlice<SampledRow>) -> RecordBatch {
    var pieces: [RecordBatch] = []
    var taken: [Int32] = []
    for (i, row) in zip(rows.indices, rows) {
      taken.append(row.index)
      let next = i + 1 < rows.endIndex ? rows[i + 1].part : nil
      if next === row.part { continue }
      pieces.append(row.part.rows.take(Buffer(taken)))
      taken = []
    }
    return RecordBatch.concat(pieces, schema: schema)
  }

  /// Rows kept of one batch.
  fileprivate final class Part: Sendable {
    let rows: RecordBatch
    init(_ rows: RecordBatch) { self.rows = rows }
  }

  fileprivate struct SampledRow {
    var key: UInt64
    var position: BatchPosition
    var row: Int
    var part: Part
    /// The row's place in the part.
    var index: Int32
  }

  /// The `count` rows with the smallest keys, whichever thread saw them.
  private final class Reservoirs: DrainSink, @unchecked Sendable {  // a slot's state is used by one thread at a time
    private final class Slot {
      var heap: [SampledRow] = []
      var random: SplitMix
      /// Rows in all parts, those that fell out of the sample included, and their bytes.
      var held = 0
      var bytes = 0
      var account: MemoryAccount
      init(seed: UInt64, _ memory: QueryMemory) {
        random = SplitMix(seed)
        account = MemoryAccount(memory)
      }
    }

    private let count: Int
    private let slots: [Slot]
    private let metrics: OperatorMetrics
    private let memory: QueryMemory

    init(count: Int, run: QueryRun, metrics: OperatorMetrics) {
      self.count = count
      self.metrics = metrics
      memory = run.memory
      slots = (0..<run.parallelism).map { Slot(seed: run.context.seed &+ UInt64($0) &* 0x9E37_79B9_7F4A_7C15, run.memory) }
    }

    func consume(_ batch: RecordBatch, slot: Int, position: BatchPosition) throws -> Bool {
      metrics.took(batch.rowCount)
      let state = slots[slot]
      // The keys first: those that pass are few once the sample is full.
      var bound = state.heap.count == count ? state.heap[0].key : .max
      var chosen: [(key: UInt64, row: Int32)] = []
      for i in 0..<batch.rowCount {
        let key = state.random.next()
        if state.heap.count + chosen.count < count || key < bound { chosen.append((key, Int32(i))) }
      }
      if chosen.isEmpty { return true }
      let part = Part(batch.take(Buffer(chosen.map(\.row))))
      for (index, one) in chosen.enumerated() {
        let row = SampledRow(key: one.key, position: position, row: Int(one.row), part: part, index: Int32(index))
        bound = state.heap.count == count ? state.heap[0].key : .max
        if state.heap.count < count { push(row, state) } else if one.key < bound { replaceTop(row, state) }
      }
      state.held += chosen.count
      state.bytes += part.rows.byteSize + chosen.count * MemoryLayout<SampledRow>.stride
      if state.held > 2 * state.heap.count + RecordBatch.maxRows { compact(state) }
      guard state.account.resize(to: state.bytes) else { throw memory.lowMemory("sample \(count)") }
      return true
    }

    /// Lets go of the rows that fell out of the sample.
    private func compact(_ state: Slot) {
      var live: [ObjectIdentifier: (part: Part, places: [Int])] = [:]
      for (place, row) in state.heap.enumerated() { live[ObjectIdentifier(row.part), default: (row.part, [])].places.append(place) }
      state.bytes = state.heap.count * MemoryLayout<SampledRow>.stride
      for (part, places) in live.values {
        let rest = places.count == part.rows.rowCount ? part : Part(part.rows.take(Buffer(places.map { state.heap[$0].index })))
        state.bytes += rest.rows.byteSize
        if rest === part { continue }
        for (index, place) in places.enumerated() {
          state.heap[place].part = rest
          state.heap[place].index = Int32(index)
        }
      }
      state.held = state.heap.count
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
