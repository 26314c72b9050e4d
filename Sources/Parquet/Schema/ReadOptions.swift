// How values that have no exact counterpart are read.
import Columnar

/// What to do with a value that the Kusto type cannot hold exactly.
package enum InexactPolicy: String, Sendable {
  /// Throw an error that names the column and the value.
  case fail
  /// Floor to the next tick of 100 ns; times outside the years 1 to 9999 become the nearest bound.
  case truncate
}

/// How byte arrays without a text annotation are shown as strings.
package enum BinaryForm: String, Sendable {
  /// A value that is valid UTF-8 is text (old writers left the annotation out); any other value is its base64 form.
  case textOrBase64
  /// Always base64.
  case base64
}

/// Settings of a reader.
package struct ParquetReadOptions: Sendable {
  package var onInexact: InexactPolicy = .fail
  package var binaryForm: BinaryForm = .textOrBase64
  /// Compare page checksums where the writer stored them.
  package var verifiesChecksums = true
  /// Rows in a batch at most.
  package var maxBatchRows = RecordBatch.maxRows
  /// Refuse INT96 times before 1900: the calendar they were written by is not known.
  package var refusesAncientINT96 = false
  /// Refuse dates before 1582-10-15 and timestamps before 1900, for the same reason.
  package var refusesAncientTimes = false
  /// Decompressed bytes of one page at most: a few kilobytes can claim gigabytes.
  package var maxPageBytes = 512 << 20

  package init() {}
}
