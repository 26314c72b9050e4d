// Role: rows looked up by key in a small table, nulls equal to each other: the steps of top-nested.

package import Columnar
import DataSource
import Expressions

/// Inputs: a table of distinct keys, then the rows. Both name the keys alike.
package struct KeyMatchOperator: TableOperator {
  package enum Mode: Sendable, Hashable {
    /// Rows whose key is in the table, with these columns of it behind their own.
    case matching(adding: [String])
    /// Rows whose key is not in the table.
    case missing
  }

  private let keys: [String]
  private let mode: Mode

  package init(keys: [String], mode: Mode) {
    self.keys = keys
    self.mode = mode
  }

  private var added: [String] { if case .matching(let names) = mode { names } else { [] } }

  package var name: String { mode == .missing ? "KeyMiss" : "KeyMatch" }
  package var detail: String { "on \(keys.map { quotedName($0) }.joined(separator: ", "))" }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    guard let extra = inputs[0].selecting(added.filter { inputs[0].index(of: $0) != nil }) else { return inputs[1] }
    return StructType(inputs[1].fields + extra.fields)
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    [wanted.intersection(added).union(keys), wanted.subtracting(added).union(keys)]
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    let extra = added.compactMap { inputs[0].index(of: $0) }
    return .ordered(
      KeyMatchTransform(
        tableKeys: keys.map { inputs[0].index(of: $0) ?? 0 }, rowKeys: keys.map { inputs[1].index(of: $0) ?? 0 }, extra: extra,
        isMissing: mode == .missing, table: inputs[0], schema: output, context: context))
  }
}

private final class KeyMatchTransform: OrderedTransform {
  private let tableKeys: [Int]
  private let rowKeys: [Int]
  private let extra: [Int]
  private let isMissing: Bool
  private let tableSchema: StructType
  private let schema: StructType
  private let context: TableOperatorContext
  private let table: GroupTable
  private var tableRows: [RecordBatch] = []
  private var tableRowCount = 0
  private var tableBytes = 0
  /// The first row of each key.
  private var rowOf: [Int32] = []
  private var added: [ColumnVector]?

  init(
    tableKeys: [Int], rowKeys: [Int], extra: [Int], isMissing: Bool, table: StructType, schema: StructType, context: TableOperatorContext
  ) {
    self.tableKeys = tableKeys
    self.rowKeys = rowKeys
    self.extra = extra
    self.isMissing = isMissing
    tableSchema = table
    self.schema = schema
    self.context = context
    self.table = GroupTable(types: tableKeys.map { table[$0].type })
  }

  func consume(_ batch: RecordBatch, input: Int, _ emit: (RecordBatch) -> Void) throws -> Bool {
    if input == 0 {
      let groups = table.assign(keys: tableKeys.map { batch.columns[$0] }, rowCount: batch.rowCount)
      while rowOf.count < table.groupCount { rowOf.append(-1) }
      for i in 0..<batch.rowCount where rowOf[Int(groups[i])] < 0 { rowOf[Int(groups[i])] = Int32(truncatingIfNeeded: tableRowCount + i) }
      tableRowCount += batch.rowCount
      tableRows.append(batch)
      tableBytes += batch.byteSize
      try context.hold(table.byteSize + tableBytes)
      return true
    }
    let groups = table.find(keys: rowKeys.map { batch.columns[$0] }, rowCount: batch.rowCount)
    let kept = BufferBuilder<Int32>(capacity: batch.rowCount), matches = BufferBuilder<Int32>(capacity: batch.rowCount)
    for i in 0..<batch.rowCount where (groups[i] < 0) == isMissing {
      kept.appendUnchecked(Int32(truncatingIfNeeded: i))
      matches.appendUnchecked(max(0, groups[i]))
    }
    let rows = kept.finish(), at = matches.finish()
    guard rows.count > 0 else { return true }
    let columns = batch.columns.map { $0.take(rows) } + tableColumns().map { $0.take(at) }
    emit(RecordBatch(schema: schema, columns: columns, rowCount: rows.count))
    return true
  }

  private func tableColumns() -> [ColumnVector] {
    if let added { return added }
    let rows = Buffer(rowOf)
    let columns = extra.map { c in ColumnVector.concat(tableRows.map { $0.columns[c] }, type: tableSchema[c].type).take(rows) }
    added = columns
    tableRows = []
    return columns
  }

  func finish() throws -> RecordBatch? { nil }
}
