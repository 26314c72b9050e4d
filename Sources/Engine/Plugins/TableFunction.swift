// Role: functions of whole tables: what `evaluate` plugins, graph operators and `reduce` are made of. Batches in, batches out; reading the
// inputs, memory and the plan node are done here once.

package import Columnar
import DataSource
package import Expressions

/// A function that needs all rows of its inputs before it gives any. Immutable; applied once per run.
package protocol TableFunction: Sendable {
  /// As explain shows it: `GraphMatch`.
  var name: String { get }
  /// The columns of the result.
  var schema: StructType { get }
  /// `inputs[k]` are the batches of input k in row order. Throws LOW_MEMORY when its state does not fit, CANCELLED when the query is stopped.
  func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch]
}

/// What a table function may use of the running query. Used by one thread.
package final class TableFunctionContext {
  package let evaluation: EvaluationContext
  private let name: String
  private let query: TableOperatorContext
  private var held = 0

  init(_ name: String, _ query: TableOperatorContext) {
    self.name = name
    self.query = query
    evaluation = query.evaluation
  }

  /// Reserves `bytes` more for the rest of the run, or until they are released; throws LOW_MEMORY.
  package func require(_ bytes: Int) throws {
    try query.hold(held + bytes)
    held += bytes
  }

  /// Gives back bytes that were reserved.
  package func release(_ bytes: Int) {
    held -= bytes
    // Holding less never fails.
    try? query.hold(held)
  }

  /// Throws CANCELLED when the query is to stop; called between pieces of work.
  package func check() throws { try query.check() }

  /// The error for inputs that one batch cannot hold.
  func tooLarge() -> KConnectError {
    KConnectError(.lowMemory, "\(name) needs its whole input at once, and it is larger than 2 GiB", hint: "filter or aggregate before it")
  }
}

/// A table function as an operator of a plan.
package struct TableFunctionOperator: TableOperator {
  package let function: any TableFunction

  package init(_ function: any TableFunction) { self.function = function }

  package var name: String { function.name }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType { function.schema }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(Transform(function, inputCount: inputs.count, TableFunctionContext(function.name, context)))
  }

  /// Keeps all batches, then applies the function.
  private final class Transform: OrderedTransform {
    private let function: any TableFunction
    private let context: TableFunctionContext
    private var inputs: [[RecordBatch]]
    private var output: [RecordBatch]?

    init(_ function: any TableFunction, inputCount: Int, _ context: TableFunctionContext) {
      self.function = function
      self.context = context
      inputs = Array(repeating: [], count: inputCount)
    }

    func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
      try context.require(batch.byteSize)
      inputs[input].append(batch)
      return true
    }

    func finish() throws -> RecordBatch? {
      if output == nil {
        output = try function.apply(inputs, context).reversed()
        inputs = []
      }
      return output?.popLast()
    }
  }
}

extension LogicalPlan {
  /// A table function over its inputs.
  package static func function(_ function: any TableFunction, _ inputs: [LogicalPlan]) throws -> LogicalPlan {
    try .custom(TableFunctionOperator(function), inputs)
  }
}

extension TableFunction {
  /// All rows of an input as one batch. Throws LOW_MEMORY above 2 GiB of text in a column or 2^31 rows.
  func whole(_ batches: [RecordBatch], schema: StructType, _ context: TableFunctionContext) throws -> RecordBatch {
    let batches = batches.filter { $0.rowCount > 0 }
    if batches.isEmpty { return .empty(schema) }
    if batches.count == 1 { return batches[0] }
    let bytes = batches.reduce(0) { $0 + $1.byteSize }
    let rows = batches.reduce(0) { $0 + $1.rowCount }
    guard rows < Int(Int32.max), bytes < Int(Int32.max) || schema.fields.allSatisfy({ !$0.type.isVariableWidth }) else { throw context.tooLarge() }
    try context.require(bytes)
    return RecordBatch.concat(batches, schema: schema)
  }
}

extension RecordBatch {
  /// Row by row of scalars, for small results.
  static func rows(_ schema: StructType, _ rows: [[Scalar]]) -> RecordBatch {
    let builders = schema.fields.map { ColumnBuilder($0.type, capacity: rows.count) }
    for row in rows {
      for (builder, value) in zip(builders, row) { builder.append(value) }
    }
    return RecordBatch(schema: schema, columns: builders.map { $0.finish() }, rowCount: rows.count)
  }
}

extension ColumnVector {
  /// The values of a long, datetime or timespan column, or of an int column widened; nulls give `missing`.
  func integers(missing: Int64 = 0) -> [Int64] {
    var out: [Int64]
    switch flattened.storage {
    case .long(let values): out = values.array
    case .int(let values): out = values.array.map { Int64($0) }
    default: out = (0..<count).map { scalar($0).int64Value ?? missing }
    }
    if let validity { for i in 0..<count where !validity[i] { out[i] = missing } }
    return out
  }
}
