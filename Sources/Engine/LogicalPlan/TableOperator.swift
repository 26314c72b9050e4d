// Role: the extension point of plans: operators that bring their own schema, column needs and way of running, so that a new one needs no case
// in the optimizer's rules, explain or the physical planner.
//
// How to write one:
//   1. a struct that conforms to `TableOperator` and holds what the operator was told, with every output name settled by the front end;
//   2. `outputSchema`: the columns it gives over inputs of these schemas. It is asked again after column pruning, so it is worked out from the
//      inputs it gets and never remembered;
//   3. `execution`: either `.batches` with a `BatchTransform`, shared by all threads and without state between batches, or `.ordered` with an
//      `OrderedTransform`, fed by one thread at a time in row order; it is asked once per run;
//   4. where it pays: `columnsRead` (columns that nobody reads are then never read from files), `filterableColumns`, `keepsRowCount`;
//   5. `LogicalPlan.custom(op, [input])` makes the plan node.
// Counters, verification of batches, cancellation per batch and cutting into batches of `RecordBatch.maxRows` rows are done by the node that
// runs the operator; an ordered one reserves its state with `TableOperatorContext.hold`.

package import Columnar
import DataSource
package import Expressions

/// An operator of a plan from outside the fixed list of `PlanNode`.
package protocol TableOperator: Sendable {
  /// As explain names it: `MvExpand`.
  var name: String { get }
  /// Arguments for explain, without secrets.
  var detail: String { get }

  /// The output columns over inputs of these schemas; names are unique. Throws where the inputs do not suit.
  func outputSchema(_ inputs: [StructType]) throws -> StructType

  /// The columns of each input that the output columns `wanted` need, and whatever the operator needs to run. Default: all.
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>]

  /// The operator giving at least the output columns `wanted`; others may go when that saves work. Default: itself.
  func keeping(_ wanted: Set<String>) -> any TableOperator

  /// Output columns with the name and the values that input 0 has, such that a filter that reads only these may run on input 0 instead.
  /// Default: none.
  func filterableColumns(_ inputs: [StructType]) -> Set<String>

  /// The operator that passes on one more column of its input, so that it may run for many groups of rows at once. Default: nil, it cannot.
  func passing(_ column: String) -> (any TableOperator)?

  /// True when each row of input 0 becomes exactly one row, in the same order. Default: false.
  var keepsRowCount: Bool { get }

  /// Plans that the operator runs for rows of its inputs. Default: none.
  var subplans: [LogicalPlan] { get }

  /// True when the result depends on the order of the rows of its inputs. Default: true.
  var needsOrder: Bool { get }

  /// How the operator runs over inputs of these schemas, asked once per run. `output` is `outputSchema(inputs)`.
  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution
}

extension TableOperator {
  package var detail: String { "" }
  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { inputs.map { Set($0.names) } }
  package func keeping(_ wanted: Set<String>) -> any TableOperator { self }
  package func filterableColumns(_ inputs: [StructType]) -> Set<String> { [] }
  package func passing(_ column: String) -> (any TableOperator)? { nil }
  package var keepsRowCount: Bool { false }
  package var subplans: [LogicalPlan] { [] }
  package var needsOrder: Bool { true }
}

/// The two ways of running.
package enum TableOperatorExecution {
  /// One input, batch by batch on any thread; the output keeps the input's order.
  case batches(any BatchTransform)
  /// Whole inputs in row order, on one thread at a time.
  case ordered(any OrderedTransform)
}

/// A stateless step from one batch to none, one or many. Shared by all threads.
package protocol BatchTransform: Sendable {
  /// Emits what becomes of one batch, under the operator's output schema. `emit` returns false when no more rows are wanted.
  func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool
}

/// The state of an ordered operator. Used by one thread at a time.
package protocol OrderedTransform: AnyObject {
  /// Takes the next batch. Inputs come whole, one after the other, each in row order. Rows that are ready are emitted, few per batch taken;
  /// returns false when it wants no more of this input.
  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool

  /// Called again and again after all inputs have ended: the next rows, nil at the end.
  func finish() throws -> RecordBatch?
}

/// What a running operator may ask of the query it is part of.
package final class TableOperatorContext: Sendable {
  /// The query's clock and seed.
  package let evaluation: EvaluationContext
  private let run: QueryRun
  private let node: PhysicalNode
  private let account: SharedAccount

  init(_ run: QueryRun, _ node: PhysicalNode) {
    evaluation = run.context
    self.run = run
    self.node = node
    account = SharedAccount(run.memory)
  }

  /// Reserves `bytes` in all for the operator's state, more or less than before; throws LOW_MEMORY when the query's share is exhausted.
  package func hold(_ bytes: Int) throws {
    guard account.resize(to: bytes) else { throw run.memory.lowMemory(node.name) }
    node.metrics.sawMemory(bytes)
  }

  /// Throws CANCELLED when the query is to stop; called by the node for each batch, by operators within long work.
  package func check() throws { try run.check() }

  /// Runs `body`, which waits for something outside; meanwhile another thread takes the caller's place.
  package func whileWaiting<R>(_ body: () throws -> R) rethrows -> R { try run.pool.whileWaiting(body) }

  /// Threads that may work for the query.
  package var parallelism: Int { run.parallelism }

  /// The rows of a plan that this operator runs itself, on one thread; blocks. Stops when the query is cancelled.
  package func rows(of plan: LogicalPlan) throws -> [RecordBatch] {
    var options = run.options
    options.threads = 1
    let nested = NestedRun(try QueryExecution(plan, options: options, context: evaluation))
    return try run.whileStoppable(nested) {
      var out: [RecordBatch] = []
      try run.pool.whileWaiting {
        try nested.execution.run { batch in
          out.append(batch)
          return true
        }
      }
      return out
    }
  }

  /// Runs independent pieces of work on the query's threads; blocks. Throws the first error.
  package func forEach(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws { try run.forEach(count, body) }
}

/// A query inside a query: cancelling the outer one cancels it.
private final class NestedRun: Stoppable {
  let execution: QueryExecution
  init(_ execution: QueryExecution) { self.execution = execution }
  func stopWaiting() { execution.cancel() }
}

/// A memory account that several threads may resize.
private final class SharedAccount: @unchecked Sendable {  // guarded by `monitor`
  private let monitor = Monitor()
  private var account: MemoryAccount

  init(_ memory: QueryMemory) { account = MemoryAccount(memory) }

  func resize(to bytes: Int) -> Bool { monitor.withLock { account.resize(to: bytes) } }
}
