// Role: the roles of physical operators.
//
//   stream     numbered morsels in row order; a morsel, read on the thread that took it, emits batches            BatchStream, Morsel
//   operator   turns one batch into none, one or many, without state between batches                             BatchOperator
//   drain      a pipeline's end: takes every batch of a stream, on many threads, into state for each slot          DrainSink
//   node       an operator of the plan; `open` runs what must be complete first (drains) and returns a stream     PhysicalNode
//
// Row order is the order of morsels, and within a morsel the order of emission.

import Columnar
import DataSource
import Expressions

/// Morsels in row order. `next` is called by one thread at a time.
protocol BatchStream: AnyObject, Sendable {
  func next() throws -> (any Morsel)?
}

/// A step of a pipeline, shared by all threads.
protocol BatchOperator: Sendable {
  /// Emits what becomes of one batch; returns false when no more rows are wanted.
  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool
}

/// An operator of a physical plan with its inputs. Opened once per run.
class PhysicalNode: @unchecked Sendable {  // immutable but for counters, which are atomic, and what subclasses say
  /// As explain names it: `HashAggregate`.
  let name: String
  /// Arguments for explain, without secrets. Made when it is asked for: the texts of wide plans are long.
  var detail: String {
    get { makeDetail() }
    set { makeDetail = { newValue } }
  }
  private var makeDetail: () -> String
  let schema: StructType
  let children: [PhysicalNode]
  let metrics = OperatorMetrics()
  /// The optimizer's guess or knowledge of the rows, for join order.
  var estimatedRows: Int?

  init(_ name: String, detail: @autoclosure @escaping () -> String = "", schema: StructType, children: [PhysicalNode] = []) {
    self.name = name
    makeDetail = detail
    self.schema = schema
    self.children = children
  }

  /// Runs inputs that must be complete before the first row, on the calling thread and the pool; returns the rows.
  func open(_ run: QueryRun) throws -> any BatchStream { throw internalError("\(name) cannot be opened") }

  /// The limit that this node, at the top of a plan, leaves to whoever takes the rows in order.
  var topLimit: Int? { nil }

  /// As `open`, but more rows than `topLimit` may come; the first ones in row order are the result.
  func openWithoutLimit(_ run: QueryRun) throws -> any BatchStream { try open(run) }

  /// Offers a predicate over this node's output that no row of interest fails. Taken only where it is cheap; rows that fail it may still come.
  func offer(_ filter: Expr) {}

  /// Lines below the operator in explain analyze: pruned files and the like.
  var reportLines: [String] { [] }

  /// Counters of the scan below, when this node is one.
  var scanMetrics: ScanMetrics? { nil }

  /// Checks a batch between operators when KCONNECT_VERIFY=1.
  @inline(__always) func verify(_ batch: RecordBatch) throws {
    try checkColumnSizes()
    if isVerifying { try verifySlowly(batch) }
  }

  private func verifySlowly(_ batch: RecordBatch) throws {
    if let broken = batch.brokenInvariant() { throw internalError("\(name) made a broken batch: \(broken)") }
    guard batch.schema.names == schema.names, batch.schema.fields.map(\.type) == schema.fields.map(\.type) else {
      throw internalError("\(name) made a batch of (\(batch.schema)), its schema is (\(schema))")
    }
  }
}

/// A stream with an operator behind it.
final class MapStream: BatchStream {
  private let input: any BatchStream
  private let step: any BatchOperator

  init(_ input: any BatchStream, _ step: any BatchOperator) {
    self.input = input
    self.step = step
  }

  func next() throws -> (any Morsel)? {
    guard let morsel = try input.next() else { return nil }
    return MapMorsel(input: morsel, step: step)
  }

  private struct MapMorsel: Morsel {
    let input: any Morsel
    let step: any BatchOperator

    func read(_ emit: (RecordBatch) throws -> Bool) throws {
      try input.read { try step.process($0, emit) }
    }
  }
}

/// The morsels of several streams one after the other.
final class ChainStream: BatchStream, @unchecked Sendable {  // `next` is called by one thread at a time
  private let inputs: [any BatchStream]
  private var at = 0

  init(_ inputs: [any BatchStream]) { self.inputs = inputs }

  func next() throws -> (any Morsel)? {
    while at < inputs.count {
      if let morsel = try inputs[at].next() { return morsel }
      at += 1
    }
    return nil
  }
}

/// Pieces 0..<count, each read by a function.
final class IndexedStream: BatchStream, @unchecked Sendable {  // `next` is called by one thread at a time
  private let count: Int
  private var at = 0
  private let read: @Sendable (Int, (RecordBatch) throws -> Bool) throws -> Void

  init(count: Int, _ read: @escaping @Sendable (Int, (RecordBatch) throws -> Bool) throws -> Void) {
    self.count = count
    self.read = read
  }

  /// Batches in memory, a morsel each.
  convenience init(_ batches: [RecordBatch]) {
    self.init(count: batches.count) { i, emit in _ = try emit(batches[i]) }
  }

  func next() throws -> (any Morsel)? {
    guard at < count else { return nil }
    defer { at += 1 }
    return Piece(index: at, body: read)
  }

  private struct Piece: Morsel {
    let index: Int
    let body: @Sendable (Int, (RecordBatch) throws -> Bool) throws -> Void

    func read(_ emit: (RecordBatch) throws -> Bool) throws { try body(index, emit) }
  }
}

/// Throws LOW_MEMORY when a vector that was made on this thread lacks values, because they do not fit one.
func checkColumnSizes() throws {
  if ColumnSize.takeExcess() {
    throw KConnectError(.lowMemory, ColumnSize.excess, hint: "cut or filter long values before they are joined, expanded or put together")
  }
}
