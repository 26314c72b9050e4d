// Role: what a format must offer for one file; everything about many files (listing, partition columns, schema merge, save modes, commit)
// is built around it once, in Directory/ and Sink/.

package import Columnar
package import DataSource

/// How much of a table's schema one file tells.
package enum SchemaFidelity: Sendable {
  /// Names and types stand in the file (Parquet).
  case typed
  /// Names stand with every value, types are guessed (JSON).
  case keyed
  /// Values come in positions; names may stand in a header, types are guessed (CSV).
  case positional
}

/// Parquet, CSV, JSON: how one file is read and written.
package protocol FileFormat: Sendable {
  var shortName: String { get }
  var aliases: [String] { get }
  /// One sentence.
  var summary: String { get }
  /// With the dot, as files are named and recognised: `.parquet`, `.csv`; the first is written.
  var fileExtensions: [String] { get }
  var options: [OptionSpec] { get }
  var schemaFidelity: SchemaFidelity { get }
  /// Opens one file. `schema` is the user's, nil to discover it (typed formats get nil always; the caller adapts). With `isGuessed` it was
  /// inferred from other files: a file that does not fit it is an error unless the options say what to do. The table answers
  /// push-down for this file alone and, when scanned, hands out morsels of it. Throws `KConnectError` that names the path.
  func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable
  /// Starts one output file.
  func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter
  /// The extension of written parts, compression included: `.csv.gz`.
  func outputExtension(_ options: DataSourceOptions) -> String
  /// True when the first bytes of a file show this format beyond doubt (`PAR1`); text formats have no such mark.
  func recognizes(_ head: UnsafeRawBufferPointer) -> Bool
}

extension FileFormat {
  /// Opens one file with the user's schema, or its own.
  package func open(_ file: InputFile, schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable {
    try open(file, schema: schema, isGuessed: false, options: options)
  }

  package var schemaFidelity: SchemaFidelity { .positional }

  /// The first extension; with an option `compression` of gzip or zstd, that one's behind it.
  package func outputExtension(_ options: DataSourceOptions) -> String {
    let first = fileExtensions.first ?? ""
    guard self.options.contains(where: { $0.name == "compression" }) else { return first }
    switch options.word("compression")?.lowercased() {
    case "gzip", "gz": return first + ".gz"
    case "zstd", "zst": return first + ".zst"
    default: return first
    }
  }

  package func recognizes(_ head: UnsafeRawBufferPointer) -> Bool { false }
}

/// One output file under construction.
package protocol FileWriter: AnyObject, Sendable {
  /// Rows wanted in a chunk (a Parquet row group); nil: any batch is a chunk.
  var preferredChunkRows: Int? { get }
  /// Encodes consecutive batches; on many threads at once. The chunk may be appended to any writer of the same format, schema and options.
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk
  /// Appends the next chunk in row order; one thread at a time.
  func append(_ chunk: any EncodedChunk) throws
  /// Writes what ends the file (footer); the caller syncs, closes and renames.
  func finish() throws
}
