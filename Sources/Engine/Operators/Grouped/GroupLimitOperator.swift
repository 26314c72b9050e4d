// Role: the first rows of each group.

package import Columnar
import DataSource
import Expressions

/// Of rows with equal keys, the first `count` in row order.
package struct GroupLimitOperator: TableOperator {
  private let keys: [String]
  private let count: Int

  package init(keys: [String], count: Int) {
    self.keys = keys
    self.count = max(0, count)
  }

  package var name: String { "GroupLimit" }
  package var detail: String { "\(count) by \(keys.map { quotedName($0) }.joined(separator: ", "))" }
  package func outputSchema(_ inputs: [StructType]) throws -> StructType { inputs[0] }
  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] { [wanted.union(keys)] }
  package func filterableColumns(_ inputs: [StructType]) -> Set<String> { Set(keys) }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(GroupLimitTransform(keys.map { inputs[0].index(of: $0) ?? 0 }, inputs[0], count, context))
  }
}

private final class GroupLimitTransform: OrderedTransform {
  private let keys: [Int]
  private let limit: Int
  private let table: GroupTable
  private let taken = BufferBuilder<Int32>()
  private let context: TableOperatorContext

  init(_ keys: [Int], _ schema: StructType, _ limit: Int, _ context: TableOperatorContext) {
    self.keys = keys
    self.limit = limit
    self.context = context
    table = GroupTable(types: keys.map { schema[$0].type })
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    if limit == 0 { return false }
    let groups = table.assign(keys: keys.map { batch.columns[$0] }, rowCount: batch.rowCount)
    let fresh = table.groupCount - taken.count
    // SAFETY: there is a count for each of the table's groups, and groups are below its group count.
    if fresh > 0 { unsafe taken.appendUninitialized(fresh).update(repeating: 0, count: fresh) }
    try context.hold(table.byteSize + taken.count * 4)
    let kept = BufferBuilder<Int32>(capacity: batch.rowCount)
    let counts = unsafe taken.pointer
    for i in 0..<batch.rowCount {
      let group = Int(groups[i])
      if unsafe Int(counts[group]) < limit {
        unsafe counts[group] &+= 1
        kept.appendUnchecked(Int32(truncatingIfNeeded: i))
      }
    }
    emit(kept.count == batch.rowCount ? batch : batch.take(kept.finish()))
    return true
  }

  func finish() throws -> RecordBatch? { nil }
}
