// Role: files as rows of a table: format words to readers, mappings to columns and expressions.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector

/// The formats of ingestion by the names commands use.
struct IngestFormat: Sendable {
  /// The mapping kind: `csv`, `json`, `parquet`, `avro`, `w3clogfile`, or `text` for whole lines.
  var kind: String
  var options: [(String, String)] = []
  /// JSON with a record on each line.
  var hasLines = false

  private static let separators = ["csv": ",", "tsv": "\\t", "tsve": "\\t", "psv": "|", "scsv": ";", "sohsv": "\u{1}"]

  /// Throws NOT_SUPPORTED for Kusto's other formats, USAGE for words that are none.
  init(_ word: String) throws {
    let lower = word.lowercased()
    switch lower {
    case "csv", "tsv", "tsve", "psv", "scsv", "sohsv":
      kind = "csv"
      options = [("sep", Self.separators[lower] ?? ",")]
    case "json", "multijson", "singlejson":
      kind = "json"
      hasLines = lower == "json"
      if !hasLines { options = [("multiLine", "true")] }
    case "parquet": kind = "parquet"
    case "avro", "apacheavro": kind = "avro"
    case "txt":
      kind = "text"
      options = [("sep", "\u{2}"), ("quote", "")]
    case "w3clogfile": kind = "w3clogfile"
    case "raw", "orc", "sstream", "azmonstream":
      throw KConnectError(.notSupported, "not supported: ingestion of the format '\(lower)'", hint: "formats: \(Self.words.joined(separator: ", "))")
    default:
      throw KConnectError(
        .usage, "there is no ingestion format '\(word)'", hint: nearestNames(to: lower, among: Self.words, limit: 1).first.map { "did you mean '\($0)'?" } ?? "formats: \(Self.words.joined(separator: ", "))")
    }
  }

  /// The kind of mappings for it: whole lines are a delimited text of one field.
  var mappingKind: String { kind == "text" ? "csv" : kind }

  static let words = ["csv", "tsv", "tsve", "psv", "scsv", "sohsv", "json", "multijson", "singlejson", "parquet", "avro", "apacheavro", "w3clogfile", "txt"]

  /// The format a path tells by its extension; Kusto's default is csv.
  static func guess(_ path: String) throws -> IngestFormat {
    let name = path.lowercased().prefix { $0 != "?" }
    let bare = [".gz", ".zst"].reduce(String(name)) { $1.count < $0.count && $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
    for (ending, word) in [(".parquet", "parquet"), (".avro", "avro"), (".json", "json"), (".jsonl", "json"), (".ndjson", "json"), (".tsv", "tsv"), (".psv", "psv"), (".txt", "txt"), (".log", "w3clogfile")]
    where bare.hasSuffix(ending) { return try IngestFormat(word) }
    if bare.hasSuffix(".orc") { return try IngestFormat("orc") }
    return try IngestFormat("csv")
  }

  /// The reader of the format.
  func open(_ paths: [String], schema: StructType?, _ extra: [(String, String)]) throws -> any BatchReadable {
    let reader = try reader
    return try FileProvider(reader.format).open(paths, schema: schema, options: checked(extra, for: reader))
  }

  /// What reads its files.
  var provider: FileProvider {
    get throws { FileProvider(try reader.format) }
  }

  /// How one of them is read.
  var reader: FileFormats.Known {
    get throws {
      let name = kind == "text" ? "csv" : kind
      guard let format = FileFormats.named(name) else { throw KConnectError(.internalError, "no reader for '\(name)'") }
      return format
    }
  }

  /// The options of its reader, with those that are given besides.
  func checked(_ extra: [(String, String)], for reader: FileFormats.Known) throws -> DataSourceOptions {
    try DataSourceOptions(source: reader.format.shortName, declared: reader.options, given: options + extra, use: .read)
  }
}

/// Rows of files arranged as the columns of a table.
struct IngestSource: Sendable {
  let input: IngestInput
  let format: IngestFormat
  let mapping: IngestionMapping?
  let ignoresFirstRecord: Bool
  /// False: records of a delimited text may have any number of fields (`validationPolicy` says so).
  var checksWidth = true
  /// False: an address that leads to another one is an error.
  var followsRedirects = true
  /// What `SourceLocation` of a mapping gives.
  var location = ""

  /// A plan with the columns of `schema` that the files have; columns without a source are left out.
  func plan(for schema: StructType) throws -> LogicalPlan {
    guard let mapping else { return try identity(schema) }
    guard mapping.kind == format.mappingKind else {
      throw KConnectError(.valueInvalid, "the ingestion mapping '\(mapping.name)' is for \(mapping.kind), the format is \(format.kind)")
    }
    let columns = try mapping.columns.map { column -> MappedSource.Column in
      guard let field = schema.field(column.column) else {
        throw KConnectError(
          .columnNotFound, "ingestion mapping '\(mapping.name)': the table has no column '\(column.column)'",
          hint: nearestNames(to: column.column, among: schema.names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "columns: \(schema.names.prefix(12).joined(separator: ", "))")
      }
      return MappedSource.Column(mapping: column, type: field.type, transform: try column.transform.map { try MappingTransform($0, of: column.column, kind: format.kind) })
    }
    return try MappedSource(source: self, columns: columns).plan()
  }

  // MARK: Without a mapping

  private func identity(_ schema: StructType) throws -> LogicalPlan {
    switch format.kind {
    case "csv", "text":
      let fields = format.kind == "text" ? StructType([StructField(schema[0].name, .string)]) : schema
      let plan = LogicalPlan.scan(try open(schema: fields, delimited))
      return format.kind == "text" && schema[0].type != .string ? try plan.project([NamedExpr(schema[0].name, Self.cast(.column(schema[0].name), .string, to: schema[0].type))]) : plan
    case "json": return .scan(try open(schema: schema, keyedMode))
    default:
      let table = try open(schema: nil, [])
      let names = table.schema.names
      let columns = schema.fields.compactMap { field -> NamedExpr? in
        guard let source = table.schema.field(field.name) ?? table.schema.fields.first(where: { $0.name.lowercased() == field.name.lowercased() }) else { return nil }
        return NamedExpr(field.name, Self.cast(.column(source.name), source.type, to: field.type))
      }
      guard !columns.isEmpty else {
        throw KConnectError(
          .schemaMismatch, "'\(input.name)' has none of the table's columns: found \(names.prefix(12).joined(separator: ", ")), expected \(schema.names.prefix(12).joined(separator: ", "))",
          hint: "map them with ingestionMapping")
      }
      return try LogicalPlan.scan(table).project(columns)
    }
  }

  // What becomes of records that are none is Kusto's: see "Ingestion behavior of invalid data". Values that do not fit are null everywhere.

  var delimited: [(String, String)] { [("header", ignoresFirstRecord ? "true" : "false"), ("mode", checksWidth ? "FAILBROKEN" : "PERMISSIVE")] }

  /// Broken lines are left out; a text of records one behind the other fails as a whole.
  var keyedMode: [(String, String)] { [("mode", format.hasLines ? "DROPBROKEN" : "FAILBROKEN")] }

  func open(schema: StructType?, _ extra: [(String, String)]) throws -> any BatchReadable {
    try format.open(input, schema: schema, extra + (followsRedirects ? [] : [("httpRedirects", "false")]))
  }

  /// The expression of one type as another.
  static func cast(_ expr: Expr, _ found: DataType, to type: DataType) -> Expr {
    if found == type { return expr }
    let function = type == .real ? "todouble" : type == .dynamic ? "todynamic" : "to\(type.rawValue)"
    if type == .dynamic, found != .string { return .call("todynamic", [.call("tostring", [expr])]) }
    return .call(function, [expr])
  }
}
