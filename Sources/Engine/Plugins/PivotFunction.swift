// Role: the second half of pivot: rows of (keys, name, value) become one row per keys with a column per name.

package import Columnar
import DataSource
import Expressions

/// Input columns: the keys, the name as text, the value; at most one row for each keys and name. Rows with other names are left out.
package struct PivotFunction: TableFunction {
  package let keys: [StructField]
  /// The values that become columns, and what these are called: texts that Unicode holds for equal need names of their own.
  package let names: [String]
  package let columnNames: [String]
  package let valueType: DataType
  /// What a missing combination shows.
  package let empty: Scalar

  package init(keys: [StructField], names: [String], columnNames: [String], valueType: DataType, empty: Scalar) {
    self.keys = keys
    self.names = names
    self.columnNames = columnNames
    self.valueType = valueType
    self.empty = empty
  }

  package var name: String { "Pivot" }
  package var schema: StructType { StructType(keys + columnNames.map { StructField($0, valueType) }) }

  package func apply(_ inputs: [[RecordBatch]], _ context: TableFunctionContext) throws -> [RecordBatch] {
    guard let first = inputs[0].first else { return [] }
    let rows = try whole(inputs[0], schema: first.schema, context)
    let groups = GroupTable(types: keys.map(\.type))
    let group = groups.assign(keys: Array(rows.columns[0..<keys.count]), rowCount: rows.rowCount)
    let nameTable = GroupTable(types: [.string])
    _ = nameTable.assign(keys: [.of(.string, names.map { .string($0) })], rowCount: names.count)
    let place = nameTable.find(keys: [rows.columns[keys.count]], rowCount: rows.rowCount)
    let width = names.count
    try context.require(groups.groupCount * width * 4)
    // One row more than there are holds the value for what is missing.
    let values = ColumnVector.concat([rows.columns[keys.count + 1], .of(valueType, [empty])], type: valueType)
    var positions = [Int32](repeating: Int32(rows.rowCount), count: groups.groupCount * width)
    for i in 0..<rows.rowCount where place[i] >= 0 && Int(place[i]) < width { positions[Int(place[i]) * groups.groupCount + Int(group[i])] = Int32(i) }
    let n = groups.groupCount
    let columns = (0..<width).map { values.take(Buffer(Array(positions[$0 * n..<($0 + 1) * n]))) }
    return [RecordBatch(schema: schema, columns: groups.keyColumns() + columns, rowCount: n)]
  }
}
