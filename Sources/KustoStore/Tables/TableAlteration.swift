// Role: a change of a table's definition, and where each column of the new one takes its values from.

package import Columnar
import DataSource

/// A new definition of a table. Columns without a source are null in rows that exist already.
package struct TableAlteration: Sendable {
  /// A column of the new definition.
  package struct Column: Sendable {
    package var field: StructField
    /// The present column whose values it keeps; nil: none. Of the same type, else its values are converted, nulls where they cannot be.
    package var source: String?
    package var docstring: String?

    package init(_ field: StructField, source: String? = nil, docstring: String? = nil) {
      self.field = field
      self.source = source
      self.docstring = docstring
    }
  }

  package var columns: [Column]
  package var docstring: String?
  package var folder: String?

  /// The present definition, to be changed.
  package init(_ table: TableDescription) {
    columns = table.schema.fields.map { Column($0, source: $0.name, docstring: table.columnDocstrings[$0.name]) }
    docstring = table.docstring
    folder = table.folder
  }

  /// Columns that are not there yet go to the end; ones that are must have the same type. For `.create-merge` and `.alter-merge`.
  package mutating func merge(_ schema: StructType) throws {
    for field in schema.fields {
      if let known = columns.first(where: { $0.field.name == field.name }) {
        guard known.field.type == field.type else {
          throw KConnectError(.schemaMismatch, "column '\(field.name)' is \(known.field.type), expected \(field.type)", hint: "alter the column's type first")
        }
      } else {
        columns.append(Column(StructField(field.name, field.type)))
      }
    }
  }

  /// These columns in this order; present ones of the same name keep their values, the others go. For `.alter table`.
  package mutating func replace(with schema: StructType) throws {
    let old = columns
    columns = []
    for field in schema.fields {
      if let known = old.first(where: { $0.field.name == field.name }) {
        guard known.field.type == field.type else {
          throw KConnectError(.schemaMismatch, "column '\(field.name)' is \(known.field.type), expected \(field.type)", hint: "use .alter column … type=…")
        }
        columns.append(known)
      } else {
        columns.append(Column(StructField(field.name, field.type)))
      }
    }
  }

  /// Takes a column out. Throws COLUMN_NOT_FOUND.
  package mutating func drop(_ name: String) throws { columns.remove(at: try index(name)) }

  /// Gives a column another name. Throws COLUMN_NOT_FOUND.
  package mutating func rename(_ name: String, to newName: String) throws {
    let i = try index(name)
    columns[i].field = StructField(newName, columns[i].field.type)
  }

  /// Gives a column another type; values that are there become null, or are converted where `keepsValues`. Throws COLUMN_NOT_FOUND.
  package mutating func changeType(_ name: String, to type: DataType, keepsValues: Bool) throws {
    let i = try index(name)
    columns[i].field = StructField(name, type)
    if !keepsValues { columns[i].source = nil }
  }

  private func index(_ name: String) throws -> Int {
    if let i = columns.firstIndex(where: { $0.field.name == name }) { return i }
    let names = columns.map(\.field.name)
    throw KConnectError(
      .columnNotFound, "there is no column '\(name)'", hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "columns: \(names.prefix(12).joined(separator: ", "))")
  }
}
