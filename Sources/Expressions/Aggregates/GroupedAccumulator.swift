// Role: the contract of aggregation functions: state for many groups at once, fed by batches, merged across threads, spilled as columns.

package import Columnar

/// The state of one aggregate call for groups 0..<groupCount. One thread at a time.
package protocol GroupedAccumulator: AnyObject {
  /// Adds rows. `arguments` are the evaluated arguments (any vector form); row i belongs to group groups[i]; nil `groups` means that all
  /// rows belong to group 0. New groups up to `groupCount` start empty.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws

  /// Adds another accumulator of the same call: its group g is ours `mapping[g]`.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws

  /// One row per group.
  func finish(groupCount: Int) throws -> ColumnVector

  /// The partial state as columns, one row per group, for spilling.
  func partialState(groupCount: Int) throws -> [ColumnVector]

  /// Adds rows of partial state made by `partialState`.
  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws

  /// Rough bytes held, for the memory budget.
  var byteSize: Int { get }

  /// Whether a group's state grows with its rows. Of such groups few can be large, and one vector holds 2 GiB of them at most.
  var growsWithRows: Bool { get }
}

extension GroupedAccumulator {
  package var growsWithRows: Bool { false }
}

/// An aggregate call checked against its input: result type, compiled arguments and a maker of state.
package struct CompiledAggregate: Sendable {
  package let call: AggregateCall
  package let type: DataType
  /// The arguments to evaluate for each batch and pass to `update`, in order.
  package let arguments: [CompiledExpr]
  package let makeAccumulator: @Sendable () -> any GroupedAccumulator

  package init(
    call: AggregateCall, type: DataType, arguments: [CompiledExpr], makeAccumulator: @escaping @Sendable () -> any GroupedAccumulator
  ) {
    self.call = call
    self.type = type
    self.arguments = arguments
    self.makeAccumulator = makeAccumulator
  }
}
