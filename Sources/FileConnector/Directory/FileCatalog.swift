// Role: what a table with a log knows of its files beyond what stands in them: bounds, deleted rows, other names of columns. `FileTable` asks
// it where there is one; plain directories have none.

package import Columnar
package import DataSource
package import Expressions
package import Parquet

/// Knowledge of a table's files, by their position in the table.
package protocol FileCatalog: Sendable {
  /// Bounds of a column in a file, without opening it; nil when they are not known.
  func statistics(_ column: String, file: Int) -> ColumnStatistics?
  /// What a file calls the column; nil when the file does not have it (it is null there).
  func ownName(_ column: String, in table: any BatchReadable) -> String?
  /// The value that a column has in all rows of a file; nil where it stands in the file.
  func constant(_ column: String, file: Int) -> Scalar?
  /// The rows of a file that are deleted, one bit per row of the file; nil for none.
  func deletedRows(file: Int, rowCount: Int) throws -> Bitmap?
  /// A file as the table shows it; itself where nothing differs.
  func adapted(_ table: any BatchReadable) -> any BatchReadable
  /// Rows of the table, where known without opening files.
  var exactRowCount: Int? { get }
}

extension FileCatalog {
  package func constant(_ column: String, file: Int) -> Scalar? { nil }
  package func adapted(_ table: any BatchReadable) -> any BatchReadable { table }
}

/// A table whose rows have fixed positions and can be left out.
package protocol RowAddressable: BatchReadable {
  /// Rows, deleted ones included.
  var physicalRowCount: Int { get }
  /// The table without the rows whose bits are set; as many bits as rows.
  func excluding(_ deleted: Bitmap) -> any BatchReadable
}

/// A table with nested columns, whose members may go by other names.
package protocol NestedColumns: BatchReadable {
  /// The table with its nested columns, by name, assembled by other nodes.
  func mappingNested(_ map: (String, NestedNode) -> NestedNode) -> any BatchReadable
}

/// A table whose columns carry ids.
package protocol FieldIdentified: BatchReadable {
  /// The name of the column with that id, nil when there is none.
  func columnName(fieldID: Int32) -> String?
}
