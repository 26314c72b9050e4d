// Role: what a format must offer for one file; everything about many files (listing, partition columns, schema merge, save modes, commit)
// is built around it once, in Directory/.

package import Columnar
package import DataSource

/// Parquet, CSV, JSON: how one file is read and written.
package protocol FileFormat: Sendable {
  var shortName: String { get }
  var aliases: [String] { get }
  /// One sentence.
  var summary: String { get }
  /// With the dot, as files are named and recognised: `.parquet`, `.csv`; the first is written.
  var fileExtensions: [String] { get }
  var options: [OptionSpec] { get }
  /// Opens one file. `schema` is the user's, nil to discover it. The table answers push-down for this file alone and, when scanned,
  /// hands out morsels of it. Throws `KConnectError` that names the path.
  func open(_ file: InputFile, schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable
  /// Starts one output file.
  func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter
}

/// One output file under construction.
package protocol FileWriter: AnyObject, Sendable {
  /// Rows wanted in a chunk (a Parquet row group); nil: any batch is a chunk.
  var preferredChunkRows: Int? { get }
  /// Encodes consecutive batches; on many threads at once.
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk
  /// Appends the next chunk in row order; one thread at a time.
  func append(_ chunk: any EncodedChunk) throws
  /// Writes what ends the file (footer); the caller syncs, closes and renames.
  func finish() throws
}
