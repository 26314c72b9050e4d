// Role: Parquet as a `FileFormat`: options to reader and writer settings, errors to `KConnectError`.

package import Columnar
package import DataSource
import Codecs
import Parquet

/// Parquet files.
package struct ParquetFormat: FileFormat {
  package init() {}

  package var shortName: String { "parquet" }
  package var aliases: [String] { ["pq", "org.apache.spark.sql.parquet"] }
  package var summary: String { "Apache Parquet files and directories of them." }
  package var fileExtensions: [String] { [".parquet", ".pq", ".parq"] }
  package var schemaFidelity: SchemaFidelity { .typed }

  package var options: [OptionSpec] {
    [
      OptionSpec(
        "compression", .oneOf(["zstd", "snappy", "gzip", "lz4", "lz4_raw", "brotli", "none", "uncompressed"]), default: "zstd", use: .write,
        "The codec of pages; lz4 is written as LZ4_RAW."),
      OptionSpec("compressionLevel", .integer, use: .write, "The codec's level; default: zstd 3, gzip 6, brotli 5."),
      OptionSpec("rowGroupRows", .integer, default: "262144", use: .write, aliases: ["rowGroupSize", "row_group_size"], "Rows in a row group at most."),
      OptionSpec("pageSize", .bytes, default: "1mb", use: .write, aliases: ["parquet.page.size"], "Bytes of values in a page at most, before compression: plain values, or codes where the column is a dictionary; up to 1gb."),
      OptionSpec("pageRows", .integer, default: "20480", use: .write, aliases: ["parquet.page.row.count.limit"], "Rows in a page at most."),
      OptionSpec("dictionary", .bool, default: "true", use: .write, aliases: ["parquet.enable.dictionary"], "false: no dictionary encoding."),
      OptionSpec("bloomFilterColumns", .string, use: .write, "Columns that get a bloom filter: a, b."),
      OptionSpec("sortedBy", .string, use: .write, "What the rows are sorted by, recorded in the file: a, b desc. The rows are not sorted by this."),
      OptionSpec("timestampUnit", .oneOf(["millis", "micros", "nanos"]), default: "micros", use: .write, "The unit datetimes are stored in."),
      OptionSpec(
        "onInexact", .oneOf(["fail", "truncate"]), default: "fail",
        "Values the other side cannot hold exactly (nanoseconds, ticks below the unit, wide decimals): an error, or cut."),
      OptionSpec("checksums", .bool, default: "false", use: .write, "true: a CRC with every page."),
      OptionSpec("pageIndex", .bool, default: "true", use: .write, "true: bounds of every page, by which readers skip."),
      OptionSpec("verifyChecksums", .bool, default: "true", use: .read, "Compares the CRC of pages where there is one."),
      OptionSpec(
        "binaryForm", .oneOf(["textOrBase64", "base64"]), default: "textOrBase64", use: .read, "How byte arrays that are not marked as text are read."),
      OptionSpec("int96RebaseMode", .oneOf(["CORRECTED", "EXCEPTION", "LEGACY"]), default: "CORRECTED", use: .read,
        "CORRECTED: INT96 times as they are; EXCEPTION: an error for times before 1900, which old writers stored by another calendar; LEGACY is not supported yet."),
      OptionSpec("datetimeRebaseMode", .oneOf(["CORRECTED", "EXCEPTION", "LEGACY"]), default: "CORRECTED", use: .read,
        "CORRECTED: dates and timestamps as they are; EXCEPTION: an error for dates before 1582-10-15 and timestamps before 1900, which old writers stored by another calendar; LEGACY is not supported yet."),
      OptionSpec(
        "parquet.block.size", .bytes, use: .write, support: .notSupported("row groups measured in bytes; rowGroupRows counts rows"), "Row group bytes."),
    ]
  }

  package func recognizes(_ head: UnsafeRawBufferPointer) -> Bool {
    // SAFETY: four bytes are read only where there are as many.
    unsafe head.count >= 4 && head.loadUnaligned(as: UInt32.self).littleEndian == 0x3152_4150
  }

  package func outputExtension(_ options: DataSourceOptions) -> String { ".parquet" }

  package func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable {
    for name in ["int96RebaseMode", "datetimeRebaseMode"] where options.word(name) == "LEGACY" {
      throw KConnectError(.notSupported, "option '\(name)': not supported yet: LEGACY (the Julian calendar before 1582)")
    }
    var settings = ParquetReadOptions()
    settings.onInexact = options.word("onInexact") == "truncate" ? .truncate : .fail
    settings.binaryForm = options.word("binaryForm") == "base64" ? .base64 : .textOrBase64
    settings.verifiesChecksums = options.bool("verifyChecksums")
    settings.maxBatchRows = RecordBatch.maxRows
    settings.refusesAncientINT96 = options.word("int96RebaseMode") == "EXCEPTION"
    settings.refusesAncientTimes = options.word("datetimeRebaseMode") == "EXCEPTION"
    return try ParquetErrors.mapped { ParquetTable(try ParquetFile(InputSource(file: file), options: settings)) }
  }

  package func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter {
    var settings = ParquetWriterOptions()
    settings.codec = Self.codec(options.word("compression") ?? "zstd")
    settings.level = options.integer("compressionLevel")
    if let level = settings.level {
      guard let allowed = settings.codec.levels else {
        throw KConnectError(.optionInvalid, "option 'compressionLevel': \(settings.codec) has no levels")
      }
      guard allowed.contains(level) else {
        throw KConnectError(.optionInvalid, "option 'compressionLevel': found \(level), expected \(allowed.lowerBound) to \(allowed.upperBound) for \(settings.codec)")
      }
    }
    settings.rowGroupRows = try Self.positive("rowGroupRows", options.integer("rowGroupRows"), settings.rowGroupRows)
    settings.pageRows = try Self.positive("pageRows", options.integer("pageRows"), settings.pageRows)
    settings.pageBytes = try Self.positive("pageSize", options.bytes("pageSize"), settings.pageBytes, upTo: 1 << 30)
    settings.usesDictionary = options.bool("dictionary")
    settings.bloomFilterColumns = Set(Self.names(options.string("bloomFilterColumns")))
    settings.sortedBy = try Self.sortKeys(options.string("sortedBy"))
    settings.timestampUnit =
      switch options.word("timestampUnit") {
      case "millis": .millis
      case "nanos": .nanos
      default: .micros
      }
    settings.inexact = options.word("onInexact") == "truncate" ? .truncate : .fail
    settings.checksums = options.bool("checksums")
    settings.pageIndex = options.bool("pageIndex")
    return try ParquetPartWriter(file, try ParquetErrors.mapped { try ParquetEncoder(schema: schema, options: settings) })
  }

  private static func codec(_ word: String) -> Codec {
    switch word {
    case "snappy": .snappy
    case "gzip": .gzip
    case "lz4", "lz4_raw": .lz4Raw
    case "brotli": .brotli
    case "none", "uncompressed": .uncompressed
    default: .zstd
    }
  }

  private static func positive(_ name: String, _ given: Int?, _ fallback: Int, upTo most: Int = 1 << 31) throws -> Int {
    guard let given else { return fallback }
    guard given > 0, given <= most else { throw KConnectError(.optionInvalid, "option '\(name)': found \(given), expected 1 to \(most)") }
    return given
  }

  /// `a, b` → names without the space around them.
  private static func names(_ text: String?) -> [String] {
    (text ?? "").split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return String(text)
  }

  private static func sortKeys(_ text: String?) throws -> [(name: String, isDescending: Bool, areNullsFirst: Bool)] {
    try names(text).map { item in
      let words = item.split(separator: " ")
      let direction = words.count > 1 ? words[words.count - 1].lowercased() : "asc"
      guard words.count <= 2, direction == "asc" || direction == "desc" else {
        throw KConnectError(.optionInvalid, "option 'sortedBy': found '\(item.prefix(80))', expected a column and asc or desc")
      }
      return (String(words[0]), direction == "desc", direction == "asc")
    }
  }
}

/// `ParquetError` → `KConnectError`, in one place.
package enum ParquetErrors {
  /// Runs `body`; what it throws of the format becomes the public error.
  package static func mapped<R>(_ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as ParquetError { throw map(error) }
  }

  static func map(_ error: ParquetError) -> KConnectError {
    let text = error.description
    switch error.kind {
    case .corrupt: return KConnectError(.formatCorrupt, text, cause: error)
    case .notSupported: return KConnectError(.notSupported, text, cause: error)
    case .io: return KConnectError(.io, text, cause: error)
    case .inexact: return KConnectError(.valueInvalid, text, hint: error.hint, cause: error)
    case .invalidRequest: return KConnectError(.usage, text, cause: error)
    }
  }
}

/// An `InputFile` as the Parquet module reads files.
struct InputSource: RandomAccess {
  let file: InputFile
  var byteCount: Int { file.size ?? 0 }
  var name: String { file.path }

  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(ParquetError) {
    let n: Int
    // SAFETY: the target is the caller's for the call, and `pread` fills no more than it has.
    do { n = try unsafe file.pread(into: target, at: offset) } catch { throw ParquetError(.io, "\(error)", byteOffset: offset, file: file.path) }
    guard n == target.count else {
      throw ParquetError(.io, "the file ended early: \(target.count - n) bytes missing", byteOffset: offset + n, file: file.path)
    }
  }
}

/// An encoded row group as a chunk.
struct ParquetChunk: EncodedChunk {
  let group: EncodedRowGroup
  var rowCount: Int { group.rowCount }
  var byteCount: Int { group.byteCount }
}

/// One Parquet file under construction.
final class ParquetPartWriter: FileWriter, @unchecked Sendable {  // append/finish by one thread at a time; encode reads constants
  private let encoder: ParquetEncoder
  private let writer: ParquetFileWriter

  init(_ file: OutputFile, _ encoder: ParquetEncoder) throws {
    self.encoder = encoder
    // SAFETY: the writer's bytes live for the call that writes them.
    writer = try unsafe ParquetFileWriter(encoder, createdBy: "kconnect", write: { try unsafe file.write($0) })
  }

  var preferredChunkRows: Int? { encoder.options.rowGroupRows }

  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk {
    try ParquetErrors.mapped { ParquetChunk(group: try encoder.encode(chunk)) }
  }

  func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? ParquetChunk else { throw KConnectError(.internalError, "a chunk of another format") }
    try ParquetErrors.mapped { try writer.append(chunk.group) }
  }

  func finish() throws { try ParquetErrors.mapped { try writer.finish() } }
}
