// Role: what a table is apart from its rows: name, columns, docstrings, folder. Truth stands in the log's `metaData`; this is its readable form.

package import Columnar
import DataSource

/// A table's definition.
package struct TableDescription: Sendable, Hashable {
  package var name: String
  /// Columns in order; hints are not kept.
  package var schema: StructType
  package var docstring: String?
  package var folder: String?
  /// Docstrings of columns by name.
  package var columnDocstrings: [String: String]
  /// The table's id (`metaData.id`), a GUID text; metadata outside the table is keyed by it. Chosen when the table is made.
  package var id: String
  /// Ticks of 100 ns since 1970.
  package var createdOn: Int64

  package init(
    _ name: String, schema: StructType, docstring: String? = nil, folder: String? = nil, columnDocstrings: [String: String] = [:],
    id: String = randomIdentifier(), createdOn: Int64 = StoreClock.nowTicks
  ) {
    self.name = name
    self.schema = StructType(schema.fields.map { StructField($0.name, $0.type) })
    self.docstring = docstring
    self.folder = folder
    self.columnDocstrings = columnDocstrings
    self.id = id
    self.createdOn = createdOn
  }

  /// Throws SCHEMA_MISMATCH when a Delta table cannot have these columns: none, repeated ones, ones that differ only in case, or names the
  /// store uses itself.
  package func check() throws {
    guard schema.count > 0 else { throw KConnectError(.schemaMismatch, "the table '\(name)' has no columns", hint: "a table needs at least one column") }
    var seen: [String: String] = [:]
    for field in schema.fields {
      guard !field.name.isEmpty else { throw KConnectError(.schemaMismatch, "the table '\(name)' has a column without a name") }
      guard !HiddenColumns.isReserved(field.name) else {
        throw KConnectError(.schemaMismatch, "column '\(field.name)' of table '\(name)': names that begin with '\(HiddenColumns.prefix)' are the store's own")
      }
      if let other = seen.updateValue(field.name, forKey: field.name.lowercased()) {
        throw KConnectError(
          .schemaMismatch, other == field.name ? "column '\(other)' of table '\(name)' is declared twice"
            : "columns '\(other)' and '\(field.name)' of table '\(name)' differ only in case, which Delta tables cannot hold")
      }
    }
  }
}
