// Role: files as rows of a table: format words to readers, mappings to columns and expressions.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import KQL

/// The formats of ingestion by the names commands use.
struct IngestFormat: Sendable {
  /// The mapping kind: `csv`, `json`, `parquet`, or `text` for whole lines.
  var kind: String
  var options: [(String, String)] = []
  /// JSON with a record on each line.
  var hasLines = false

  /// Throws NOT_SUPPORTED for Kusto's other formats, USAGE for words that are none.
  init(_ word: String) throws {
    let separators = ["csv": ",", "tsv": "\\t", "tsve": "\\t", "psv": "|", "scsv": ";", "sohsv": "\u{1}"]
    let lower = word.lowercased()
    switch lower {
    case "csv", "tsv", "tsve", "psv", "scsv", "sohsv":
      kind = "csv"
      options = [("sep", separators[lower] ?? ",")]
    case "json", "multijson", "singlejson":
      kind = "json"
      hasLines = lower == "json"
      if !hasLines { options = [("multiLine", "true")] }
    case "parquet": kind = "parquet"
    case "txt":
      kind = "text"
      options = [("sep", "\u{2}"), ("quote", "")]
    case "raw", "avro", "apacheavro", "orc", "sstream", "w3clogfile", "azmonstream":
      throw KConnectError(.notSupported, "not supported: ingestion of the format '\(lower)'", hint: "formats: \(Self.words.joined(separator: ", "))")
    default:
      throw KConnectError(
        .usage, "there is no ingestion format '\(word)'", hint: nearestNames(to: lower, among: Self.words, limit: 1).first.map { "did you mean '\($0)'?" } ?? "formats: \(Self.words.joined(separator: ", "))")
    }
  }

  static let words = ["csv", "tsv", "tsve", "psv", "scsv", "sohsv", "json", "multijson", "singlejson", "parquet", "txt"]

  /// The format a path tells by its extension; Kusto's default is csv.
  static func guess(_ path: String) throws -> IngestFormat {
    let name = path.lowercased().prefix { $0 != "?" }
    let bare = [".gz", ".zst"].reduce(String(name)) { $1.count < $0.count && $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
    for (ending, word) in [(".parquet", "parquet"), (".json", "json"), (".jsonl", "json"), (".ndjson", "json"), (".tsv", "tsv"), (".psv", "psv"), (".txt", "txt")]
    where bare.hasSuffix(ending) { return try IngestFormat(word) }
    for word in ["avro", "orc"] where bare.hasSuffix("." + word) { return try IngestFormat(word) }
    return try IngestFormat("csv")
  }

  /// The reader of the format.
  func open(_ paths: [String], schema: StructType?, _ extra: [(String, String)]) throws -> any BatchReadable {
    let provider = try self.provider
    let checked = try DataSourceOptions(source: provider.shortName, specs: provider.options, given: options + extra, use: .read)
    return try provider.open(paths, schema: schema, options: checked)
  }

  /// What reads its files.
  var provider: FileProvider {
    get throws {
      let name = kind == "text" ? "csv" : kind
      guard let format = FileFormats.all.first(where: { $0.shortName == name }) else { throw KConnectError(.internalError, "no reader for '\(name)'") }
      return FileProvider(format)
    }
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
  let bindOptions: BindOptions

  /// A plan with the columns of `schema` that the files have; columns without a source are left out.
  func plan(for schema: StructType) throws -> LogicalPlan {
    guard let mapping else { return try identity(schema) }
    guard mapping.kind == format.kind else {
      throw KConnectError(.valueInvalid, "the ingestion mapping '\(mapping.name)' is for \(mapping.kind), the format is \(format.kind)")
    }
    let columns = try mapping.columns.map { column -> (mapping: ColumnMapping, type: DataType) in
      guard let field = schema.field(column.column) else {
        throw KConnectError(
          .columnNotFound, "ingestion mapping '\(mapping.name)': the table has no column '\(column.column)'",
          hint: nearestNames(to: column.column, among: schema.names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "columns: \(schema.names.prefix(12).joined(separator: ", "))")
      }
      return (column, field.type)
    }
    switch format.kind {
    case "csv", "text": return try positional(columns)
    case "json": return try keyed(columns)
    default: return try typed(columns)
    }
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

  private var delimited: [(String, String)] { [("header", ignoresFirstRecord ? "true" : "false"), ("mode", checksWidth ? "FAILBROKEN" : "PERMISSIVE")] }

  /// Broken lines are left out; a text of records one behind the other fails as a whole.
  private var keyedMode: [(String, String)] { [("mode", format.hasLines ? "DROPBROKEN" : "FAILBROKEN")] }

  private func open(schema: StructType?, _ extra: [(String, String)]) throws -> any BatchReadable {
    try format.open(input, schema: schema, extra + (followsRedirects ? [] : [("httpRedirects", "false")]))
  }

  // MARK: With a mapping

  private func positional(_ columns: [(mapping: ColumnMapping, type: DataType)]) throws -> LogicalPlan {
    let width = 1 + (columns.compactMap(\.mapping.ordinal).max() ?? 0)
    var types = [DataType](repeating: .string, count: width)
    for (mapping, type) in columns { if let ordinal = mapping.ordinal { types[ordinal] = Self.sourceType(mapping, type) } }
    let file = StructType(types.enumerated().map { StructField("f\($0.offset)", $0.element) })
    let scan = LogicalPlan.scan(try open(schema: file, delimited))
    return try scan.project(
      columns.map { mapping, type in
        try column(mapping, type) {
          guard let ordinal = mapping.ordinal else {
            throw KConnectError(.valueInvalid, "ingestion mapping: column '\(mapping.column)' has neither Ordinal nor ConstValue")
          }
          return (.column("f\(ordinal)"), types[ordinal])
        }
      })
  }

  private func keyed(_ columns: [(mapping: ColumnMapping, type: DataType)]) throws -> LogicalPlan {
    var fields: [StructField] = []
    var paths: [String] = []
    for (i, (mapping, type)) in columns.enumerated() {
      guard let path = mapping.path, mapping.constant == nil else { continue }
      if path == "$" { throw KConnectError(.notSupported, "not supported: the mapping path '$' (the whole record) of column '\(mapping.column)'") }
      fields.append(StructField("f\(i)", Self.sourceType(mapping, type)))
      paths.append("f\(i)=\(path.hasPrefix("$") ? path : "$['\(path)']")")
    }
    guard !fields.isEmpty else { throw KConnectError(.valueInvalid, "ingestion mapping: no column has a Path") }
    let scan = LogicalPlan.scan(try open(schema: StructType(fields), keyedMode + [("columnPaths", paths.joined(separator: ", "))]))
    return try scan.project(
      columns.enumerated().map { i, item in
        try column(item.mapping, item.type) {
          guard item.mapping.path != nil else { throw KConnectError(.valueInvalid, "ingestion mapping: column '\(item.mapping.column)' has neither Path nor ConstValue") }
          return (.column("f\(i)"), Self.sourceType(item.mapping, item.type))
        }
      })
  }

  /// Parquet: `$.a` is the file's column, `$.a.b` a member of its dynamic value.
  private func typed(_ columns: [(mapping: ColumnMapping, type: DataType)]) throws -> LogicalPlan {
    let table = try open(schema: nil, [])
    return try LogicalPlan.scan(table).project(
      columns.map { mapping, type in
        try column(mapping, type) {
          guard let path = mapping.path else { throw KConnectError(.valueInvalid, "ingestion mapping: column '\(mapping.column)' has neither Path nor ConstValue") }
          let text = path.hasPrefix("$.") ? String(path.dropFirst(2)) : path.hasPrefix("$") ? String(path.dropFirst()) : quotedName(path)
          if table.schema.field(text) != nil { return (.column(text), table.schema.field(text)?.type ?? type) }
          let (expr, found) = try KQL.bindExpression(text, schema: table.schema, options: bindOptions)
          return (expr, found)
        }
      })
  }

  /// One output column: a constant, or the field with its transformation, as the column's type.
  private func column(_ mapping: ColumnMapping, _ type: DataType, _ source: () throws -> (Expr, DataType)) throws -> NamedExpr {
    if let constant = mapping.constant {
      let value: Scalar = type == .string ? .string(constant) : type == .dynamic ? .dynamic(DynamicValue(json: constant) ?? .string(constant)) : ScalarText.parse(constant, as: type) ?? .null(type)
      return NamedExpr(mapping.column, .literal(value))
    }
    let (expr, found) = try source()
    switch mapping.transform?.lowercased() {
    case nil: return NamedExpr(mapping.column, Self.cast(expr, found, to: type))
    case "datetimefromunixseconds"?: return NamedExpr(mapping.column, .call("unixtime_seconds_todatetime", [expr]))
    case "datetimefromunixmilliseconds"?: return NamedExpr(mapping.column, .call("unixtime_milliseconds_todatetime", [expr]))
    case "datetimefromunixmicroseconds"?: return NamedExpr(mapping.column, .call("unixtime_microseconds_todatetime", [expr]))
    case "datetimefromunixnanoseconds"?: return NamedExpr(mapping.column, .call("unixtime_nanoseconds_todatetime", [expr]))
    case let other?: throw KConnectError(.notSupported, "not supported: the mapping transformation '\(other)' of column '\(mapping.column)'")
    }
  }

  /// What a field is read as: numbers for times since 1970, else the column's type.
  private static func sourceType(_ mapping: ColumnMapping, _ type: DataType) -> DataType {
    mapping.transform?.lowercased().hasPrefix("datetimefromunix") == true ? .long : type
  }

  static func cast(_ expr: Expr, _ found: DataType, to type: DataType) -> Expr {
    if found == type { return expr }
    let function = type == .real ? "todouble" : type == .dynamic ? "todynamic" : "to\(type.rawValue)"
    if type == .dynamic, found != .string { return .call("todynamic", [.call("tostring", [expr])]) }
    return .call(function, [expr])
  }
}
