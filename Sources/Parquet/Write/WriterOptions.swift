// What a caller may choose about a Parquet file to be written. Defaults are what measures best on mixed tables.

package import Codecs

/// How a file is written.
package struct ParquetWriterOptions: Sendable {
  /// Whether values that a Parquet type cannot hold exactly stop the write or are cut (datetimes floored, decimals rounded half away from zero).
  package enum InexactPolicy: String, Sendable, CaseIterable { case fail, truncate }

  package var codec: Codec = .zstd
  /// Nil: the codec's default (zstd 3).
  package var level: Int?
  /// Rows in a row group at most.
  package var rowGroupRows = 262_144
  /// Rows in a data page at most.
  package var pageRows = 20_480
  /// Bytes of plain values in a data page at most (a single larger value still makes a page).
  package var pageBytes = 1 << 20
  /// False: no dictionary encoding anywhere.
  package var usesDictionary = true
  /// Names of columns that get a bloom filter.
  package var bloomFilterColumns: Set<String> = []
  /// Names of text columns whose terms get bloom filters (`TermIndex`).
  package var termIndexColumns: Set<String> = []
  /// Names of datetime columns that are stored as plain 64-bit ticks of 100 ns.
  package var rawTickColumns: Set<String> = []
  /// Names of columns the rows are sorted by, recorded in the row groups; the caller sorts.
  package var sortedBy: [(name: String, isDescending: Bool, areNullsFirst: Bool)] = []
  package var timestampUnit: TimeUnit = .micros
  package var inexact: InexactPolicy = .fail
  /// CRC-32 on every page.
  package var checksums = false
  /// Column and offset indexes behind the row groups.
  package var pageIndex = true
  package var keyValues: [(key: String, value: String)] = []

  package init() {}
}

/// The key of the file metadata entry that records the Kusto schema (`name:type, …`).
package let kustoSchemaKey = "kconnect.schema"
