// Role: plans that read their input more than once: it is computed once, and the plan runs over its rows in memory.

package import Columnar

/// A plan over gathered rows.
package struct GatheredFunction: TableFunction {
  package let name: String
  package let schema: StructType
  private let input: StructType
  private let make: @Sendable (LogicalPlan) throws -> LogicalPlan

  /// `make` gives the plan over rows of the schema `input`; throws what it throws.
  package init(_ name: String, over input: StructType, make: @escaping @Sendable (LogicalPlan) throws -> LogicalPlan) throws {
    self.name = name
    self.input = input
    self.make = make
    schema = try make(.values(input, [])).schema
  }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    try context.rows(of: make(.values(input, inputs[0])))
  }
}
