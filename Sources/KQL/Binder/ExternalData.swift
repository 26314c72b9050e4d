// Data that a query names by place instead of by table: what the binder asks its catalog for.

package import Columnar

/// Files to be read as a table, from `externaldata`, `inline_external_table` and `infer_storage_schema`.
package struct ExternalDataRequest: Sendable {
  /// How one column is found in a file; without any, by its name or its place.
  package struct Mapping: Sendable {
    package var column: String
    /// A JSON path, or the name of a Parquet column as `$.name`.
    package var path: String?
    /// The place in a delimited record, from 0.
    package var ordinal: Int?
    /// A value that does not come from the file.
    package var constant: String?
  }

  /// The columns of the table; empty where they are asked for, and where a Delta table gives its own.
  package var schema: StructType
  /// Paths, globs and addresses.
  package var sources: [String]
  /// A format's name in lower case, `delta` among them; nil: by the name of the first source.
  package var format: String?
  /// Every file's first record is left out.
  package var ignoresFirstRecord: Bool
  package var mapping: [Mapping]
  /// False: an address that leads to another one is an error.
  package var followsRedirects = true
}
