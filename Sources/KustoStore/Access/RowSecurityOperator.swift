// Role: the wall around a row level security query: what stands above it in a plan is evaluated on the rows that the query lets through, and on
// no others. Without it a filter of the caller would be merged with the policy's, and an error it raises (`assert`, `repeat`) would tell of
// rows that the caller may not see.

import Columnar
import Engine

/// Passes rows on as they are; filters stay above it.
struct RowSecurityOperator: TableOperator {
  /// Whose policy it is: the table's id, or the view's scope.
  let entity: String

  var name: String { "RowLevelSecurity" }
  var keepsRowCount: Bool { true }
  var needsOrder: Bool { false }

  func outputSchema(_ inputs: [StructType]) throws -> StructType { inputs[0] }
  func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [wanted] }
  func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution { .batches(PassOn()) }

  private struct PassOn: BatchTransform {
    func process(_ batch: RecordBatch, _ emit: (RecordBatch) throws -> Bool) throws -> Bool { try emit(batch) }
  }
}
