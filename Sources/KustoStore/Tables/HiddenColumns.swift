// Role: the columns a store table has besides its own: those that stand in extents but not in the table's schema, and the names under which
// queries ask for what every row has without being told (`ingestion_time()`, `extent_id()`, …).

package import Columnar

/// Names of hidden columns.
package enum HiddenColumns {
  /// Column names with this beginning are refused in tables.
  package static let prefix = "_kconnect_"

  static func isReserved(_ name: String) -> Bool { name.hasPrefix(prefix) || virtual.field(name) != nil }

  // MARK: What scans offer

  /// datetime: when the row was ingested; `ingestion_time()`.
  package static let ingestionTime = "$IngestionTime"
  /// guid: the extent the row stands in; `extent_id()`.
  package static let extentId = "$ExtentId"
  /// dynamic: the tags of that extent; `extent_tags()`.
  package static let extentTags = "$ExtentTags"
  /// long: the commit that added the row; cursors compare with it.
  package static let rowVersion = "$RowVersion"

  /// All of them with their types; scans of store tables give them when asked by name.
  package static let virtual = StructType([
    StructField(ingestionTime, .datetime), StructField(extentId, .guid), StructField(extentTags, .dynamic), StructField(rowVersion, .long),
  ])

  // MARK: What stands in files

  /// Ticks; only in extents whose rows were ingested at different times.
  static let storedIngestionTime = prefix + "ingestion_time"
  /// Commit versions of one table; only in extents whose rows came with different commits. Extents moved elsewhere lose them by the name.
  static func storedRowVersion(table id: String) -> String { prefix + "row_version_" + id }
  /// The whole column exactly, in extents where the visible one is not exact or slow to read.
  static func exact(_ column: String) -> String { prefix + "exact_" + column }
}
