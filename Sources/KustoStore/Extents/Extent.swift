// Role: an extent as a snapshot knows it: one data file of a table, with what Kusto shows of it.

package import Columnar

/// One extent (data shard): an `add` action of the table's log. Immutable.
package struct Extent: Sendable, Hashable {
  package var id: GUID
  /// The file, relative to the table's directory.
  package var fileName: String
  package var rowCount: Int
  /// Bytes of the file.
  package var byteSize: Int
  /// Bytes of the values before encoding and compression.
  package var originalSize: Int
  package var tags: ExtentTags
  /// Ticks of 100 ns since 1970: the extent's creation time (`creationTime` of the ingestion, else when it was ingested); merges keep the range.
  package var minCreatedOn: Int64
  package var maxCreatedOn: Int64
  /// The commit that added the extent: rows without a version of their own have this one.
  package var version: Int64

  package var tagList: [String] { tags.all }
}
