// Role: JSON as a `FileFormat`: options, the look at a file's first bytes (lines or one array, compression), schema inference, the writer.

package import Columnar
package import DataSource
import Codecs
import JSON

/// JSON lines, arrays of objects, and objects behind each other.
package struct JSONFormat: FileFormat {
  package init() {}

  package var shortName: String { "json" }
  package var aliases: [String] { ["ndjson", "jsonl", "org.apache.spark.sql.json"] }
  package var summary: String { "JSON lines, arrays of objects, and directories of them; nested values become dynamic." }
  package var fileExtensions: [String] { [".json", ".ndjson", ".jsonl"] }
  package var schemaFidelity: SchemaFidelity { .keyed }

  package var options: [OptionSpec] {
    [
      OptionSpec("multiLine", .bool, default: "false", use: .read, "true: records span lines (one array, or objects behind each other). An input that begins with '[' is read so anyway."),
      OptionSpec("mode", .oneOf(["PERMISSIVE", "DROPMALFORMED", "FAILFAST", "DROPBROKEN", "FAILBROKEN"]), default: "PERMISSIVE", use: .read,
        "What happens to a record that is not JSON, does not fit or has bytes that are not UTF-8: kept with nulls (or U+FFFD), dropped and counted, or an error. DROPBROKEN, FAILBROKEN: the same for records that are no JSON only; values that do not fit are null. Without schema and mode, a value or member that the first records do not have is an error."),
      OptionSpec("columnNameOfCorruptRecord", .string, default: "_corrupt_record", use: .read, "The string column of the schema that takes the text of bad records."),
      OptionSpec("badRecordsPath", .path, use: .read, aliases: ["badRowsPath"], "A file that gets every malformed record as a JSON line: file, line, offset, reason, record."),
      OptionSpec("columnPaths", .string, use: .read, "Columns from paths: name=$.a.b[0].c, other=$.d."),
      OptionSpec("sampleRows", .integer, default: "20000", use: .read, "Records the schema is guessed from (at most 16 MiB of them)."),
      OptionSpec("samplingRatio", .string, use: .read, support: .noEffect("sampleRows says how many records are looked at"), "Spark's share of records to look at."),
      OptionSpec("primitivesAsString", .bool, default: "false", use: .read, "Guess string for all scalars."),
      OptionSpec("inferTimestamp", .bool, default: "true", use: .read, "Guess datetime for texts that are all ISO 8601."),
      OptionSpec("timestampFormat", .string, "Pattern of datetimes, such as yyyy-MM-dd HH:mm:ss; default: ISO 8601 and Kusto's forms."),
      OptionSpec("encoding", .oneOf(["UTF-8", "UTF8"]), default: "UTF-8", aliases: ["charset"], "The encoding; JSON is UTF-8 here."),
      OptionSpec("compression", .oneOf(["none", "gzip", "zstd"]), use: .write, "Compression of the output; default: by the file's name, else none. Inputs are recognised by themselves."),
      OptionSpec("compressionLevel", .integer, use: .write, "The compression's level; default: gzip 6, zstd 3."),
      OptionSpec("ignoreNullFields", .bool, default: "true", use: .write, "false: nulls are written as members."),
      OptionSpec("decimalsAsString", .bool, default: "false", use: .write, "true: decimals are texts instead of numbers."),
      OptionSpec("arrayForm", .bool, default: "false", use: .write, "true: one array instead of an object a line."),
      OptionSpec("lineSep", .string, support: .notSupported("line separators other than line feed"), "The line separator."),
      OptionSpec("allowComments", .bool, use: .read, support: .notSupported("comments in JSON"), "Comments in JSON."),
      OptionSpec("allowUnquotedFieldNames", .bool, use: .read, support: .notSupported("unquoted keys"), "Unquoted keys."),
      OptionSpec("allowSingleQuotes", .bool, use: .read, support: .notSupported("single quotes"), "Single quotes."),
      OptionSpec("prefersDecimal", .bool, use: .read, support: .notSupported("decimals by inference; declare them in a schema"), "Guess decimal for reals."),
      OptionSpec("dropFieldIfAllNull", .bool, use: .read, support: .notSupported("dropping columns without values"), "Drop columns without values."),
    ]
  }

  package func open(_ file: InputFile, schema: StructType?, isGuessed: Bool, options: DataSourceOptions) throws -> any BatchReadable {
    let paths = try Self.columnPaths(options)
    let stream = try ByteStream(file)
    let sampleRows = max(1, options.integer("sampleRows") ?? 20_000)
    let needed = schema == nil ? JSONSample.maxBytes : 64 << 10
    let sample = try JSONSample(stream, maxBytes: needed, isMultiLine: options.bool("multiLine"))
    var values = JSONValueOptions()
    values.timestampPattern = try Self.pattern(options)
    let corruptName = options.string("columnNameOfCorruptRecord") ?? ""
    let guessed = try schema.map { ($0, false) } ?? sample.infer(
      path: file.path, rows: sampleRows, paths: paths, corruptColumn: corruptName, failsFast: options.word("mode") == "FAILFAST",
      timestamps: options.bool("inferTimestamp"), primitives: !options.bool("primitivesAsString"))
    let settled = guessed.0
    if let field = settled.field(corruptName), field.type != .string {
      throw KConnectError(.typeMismatch, "column '\(corruptName)' takes the text of bad records: found \(field.type), expected string")
    }
    stream.unread(sample.bytes)
    let policy = JSONPolicy(
      path: file.path, mode: JSONPolicy.Mode(rawValue: options.word("mode") ?? "") ?? .permissive,
      isGuessed: (schema == nil || isGuessed) && !options.isGiven("mode") && !options.isGiven("badRecordsPath"), badRecords: try options.string("badRecordsPath").flatMap { $0.isEmpty ? nil : $0 }.map { try BadRecordsFile.shared($0) })
    return JSONTable(
      file: file, stream: stream, layout: sample.layout, hasMark: sample.hasMark, schema: settled, paths: Dictionary(uniqueKeysWithValues: paths),
      corruptColumn: corruptName, values: values, policy: policy)
  }

  private static func columnPaths(_ options: DataSourceOptions) throws -> [(String, JSONPath)] {
    guard let text = options.string("columnPaths") else { return [] }
    var out: [(String, JSONPath)] = []
    do {
      for (name, path) in try JSONPath.mapping(text) { out.append((name, path)) }
    } catch {
      throw KConnectError(.optionInvalid, "option 'columnPaths': \(error)", hint: "write name=$.a.b[0].c, other=$.d", cause: error)
    }
    return out
  }

  private static func pattern(_ options: DataSourceOptions) throws -> DateTimePattern? {
    guard let text = options.string("timestampFormat") else { return nil }
    do { return try DateTimePattern(text) } catch {
      throw KConnectError(.optionInvalid, "option 'timestampFormat': \(error)", cause: error)
    }
  }

  package func makeWriter(_ file: OutputFile, schema: StructType, options: DataSourceOptions) throws -> any FileWriter {
    var settings = JSONWriteOptions()
    settings.ignoresNulls = options.bool("ignoreNullFields")
    settings.quotesDecimals = options.bool("decimalsAsString")
    settings.isArray = options.bool("arrayForm")
    settings.timestampPattern = try Self.pattern(options)
    let codec: Codec?
    switch options.word("compression") {
    case "gzip": codec = .gzip
    case "zstd": codec = .zstd
    case "none": codec = nil
    default:
      switch StreamFormat.forPath(file.path) {
      case .gzip?: codec = .gzip
      case .zstd?: codec = .zstd
      case .some(let other): throw KConnectError(.notSupported, "'\(file.displayPath)': not supported yet: writing \(other)", hint: "use .gz or .zst")
      case nil: codec = nil
      }
    }
    let level = options.integer("compressionLevel")
    if let level, let codec, let allowed = codec.levels, !allowed.contains(level) {
      throw KConnectError(.optionInvalid, "option 'compressionLevel': found \(level), expected \(allowed.lowerBound) to \(allowed.upperBound) for \(codec)")
    }
    return JSONPartWriter(file, schema: schema, options: settings, codec: codec, level: level)
  }
}
