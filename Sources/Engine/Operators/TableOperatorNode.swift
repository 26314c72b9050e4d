// Role: runs a `TableOperator`: batch transforms as a step of the pipeline, ordered ones by pulling their inputs in row order.

import Columnar
import DataSource
import Expressions

/// An operator that brings its own way of running.
final class TableOperatorNode: PhysicalNode, @unchecked Sendable {
  private let op: any TableOperator

  init(_ op: any TableOperator, schema: StructType, _ inputs: [PhysicalNode]) {
    self.op = op
    super.init(op.name, detail: op.detail, schema: schema, children: inputs)
  }

  /// A filter that reads only columns passed on is handed on.
  override func offer(_ filter: Expr) {
    guard let input = children.first, filter.columns.isSubset(of: op.filterableColumns(children.map(\.schema))) else { return }
    input.offer(filter)
  }

  override func open(_ run: QueryRun) throws -> any BatchStream {
    let context = TableOperatorContext(run, self)
    switch try op.execution(inputs: children.map(\.schema), output: schema, context: context) {
    case .batches(let transform):
      guard children.count == 1 else { throw internalError("\(name) transforms batches of \(children.count) inputs") }
      return MapStream(try children[0].open(run), TransformStep(transform: transform, node: self))
    case .ordered(let transform):
      let stream = OrderedStream(transform, try children.map { try $0.open(run) }, self, run)
      // Whatever comes before the first row is done here, where every thread of the pool helps.
      try stream.prepare()
      return stream
    }
  }
}

/// A batch transform as a step of a pipeline.
private struct TransformStep: BatchOperator {
  let transform: any BatchTransform
  let node: TableOperatorNode

  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool {
    node.metrics.took(batch.rowCount)
    var resumed = monotonicNanoseconds()
    let goesOn = try transform.process(batch) { out in
      node.metrics.spent(monotonicNanoseconds() &- resumed)
      defer { resumed = monotonicNanoseconds() }
      if out.rowCount == 0 { return true }
      node.metrics.gave(out.rowCount)
      try node.verify(out)
      return try emitBounded(out, emit)
    }
    node.metrics.spent(monotonicNanoseconds() &- resumed)
    return goesOn
  }
}

/// The rows of an ordered operator: each batch it gives is a morsel, so that what follows runs on all threads.
private final class OrderedStream: BatchStream, @unchecked Sendable {  // `next` is called by one thread at a time
  private let transform: any OrderedTransform
  private let inputs: [any BatchStream]
  private let node: TableOperatorNode
  private let run: QueryRun
  private var pull: BatchPull?
  private var input = 0
  private var ready: [RecordBatch] = []
  private var isFinished = false

  init(_ transform: any OrderedTransform, _ inputs: [any BatchStream], _ node: TableOperatorNode, _ run: QueryRun) {
    self.transform = transform
    self.inputs = inputs
    self.node = node
    self.run = run
  }

  /// Works until the first rows are there.
  func prepare() throws { try fill() }

  func next() throws -> (any Morsel)? {
    try fill()
    guard !ready.isEmpty else { return nil }
    return ReadyMorsel(batch: ready.removeFirst())
  }

  private func fill() throws {
    while ready.isEmpty, !isFinished {
      try run.check()
      guard input < inputs.count else {
        guard let batch = try node.metrics.timed({ try transform.finish() }) else {
          isFinished = true
          break
        }
        try add([batch])
        continue
      }
      let current = try pull ?? BatchPull(inputs[input], run: run)
      pull = current
      var goesOn = false
      if let batch = try current.next() {
        node.metrics.took(batch.rowCount)
        var out: [RecordBatch] = []
        goesOn = try node.metrics.timed { try transform.consume(batch, input: input) { out.append($0) } }
        try add(out)
      }
      if !goesOn {
        current.stop()
        pull = nil
        input += 1
      }
    }
  }

  private func add(_ batches: [RecordBatch]) throws {
    for batch in batches where batch.rowCount > 0 {
      node.metrics.gave(batch.rowCount)
      try node.verify(batch)
      _ = try emitBounded(batch) { piece in
        ready.append(piece)
        return true
      }
    }
  }

  private struct ReadyMorsel: Morsel {
    let batch: RecordBatch

    func read(_ emit: (RecordBatch) throws -> Bool) throws { _ = try emit(batch) }
  }
}
