// Role: files that a KQL text names by place (externaldata, inline_external_table, infer_storage_schema) through the session's file formats.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import KQL

/// Opens what `externaldata` asks for.
struct ExternalFiles {
  let session: Session

  /// The reader's format and options for a data format of ingestion. Source: Kusto, "Data formats supported for ingestion".
  private struct Form {
    var format: String
    var options: [(String, String)] = []
    var isDelimited = false
  }

  /// A table with exactly the columns of the request.
  func open(_ request: ExternalDataRequest) throws -> LogicalPlan {
    if request.format == "delta" { return try deltaTable(request) }
    let form = try form(request)
    var reader = session.read.format(form.format)
    for (key, value) in form.options { reader = reader.option(key, value) }
    if !request.followsRedirects { reader = reader.option("httpRedirects", "false") }
    let paths = request.sources.map(Self.path)
    let schema = request.schema
    if form.format == "avro" { return try Self.columns(schema, request.mapping, of: avroFiles(request)) }
    if form.format == "parquet" {
      return try Self.columns(schema, request.mapping, of: reader.open(paths).plan)
    }
    let constants = request.mapping.filter { $0.constant != nil }
    let fromFile = StructType(schema.fields.filter { field in !constants.contains { $0.column == field.name } })
    if form.isDelimited {
      let width = request.mapping.compactMap(\.ordinal).max().map { $0 + 1 } ?? 0
      guard width > 0 else { return try Self.columns(schema, constants, of: reader.schema(fromFile).open(paths).plan) }
      // Columns by place: places that nothing maps to are read as text and dropped.
      let fields = (0..<width).map { place in
        let mapped = request.mapping.first { $0.ordinal == place }
        return mapped.flatMap { schema.field($0.column) } ?? StructField("$\(place)", .string)
      }
      return try Self.columns(schema, constants, of: reader.schema(StructType(fields)).open(paths).plan)
    }
    let jsonPaths = request.mapping.compactMap { mapping in mapping.path.map { "\(mapping.column)=\($0)" } }
    if !jsonPaths.isEmpty { reader = reader.option("columnPaths", jsonPaths.joined(separator: ", ")) }
    return try Self.columns(schema, constants, of: reader.schema(fromFile).open(paths).plan)
  }

  /// A Delta table, with its own columns where none are declared; declared ones must exist.
  private func deltaTable(_ request: ExternalDataRequest) throws -> LogicalPlan {
    let plan = try session.read.format("delta").open(request.sources.map(Self.path)).plan
    if request.schema.fields.isEmpty { return plan }
    for field in request.schema.fields where plan.schema.field(field.name) == nil {
      throw KConnectError(.columnNotFound, "the Delta table has no column '\(field.name)'", hint: "columns: \(plan.schema.names.joined(separator: ", "))")
    }
    return try Self.columns(request.schema, [], of: plan)
  }

  /// Avro files, which no session reads by itself.
  private func avroFiles(_ request: ExternalDataRequest) throws -> LogicalPlan {
    let provider = FileProvider(AvroFormat(), stores: BuiltInSources.stores)
    let given = request.followsRedirects ? [] : [("httpRedirects", "false")]
    let options = try DataSourceOptions(source: provider.shortName, specs: provider.options, given: given, use: .read)
    return .scan(try provider.open(request.sources.map(Self.path), schema: nil, options: options))
  }

  /// The columns that the files have.
  func schema(_ request: ExternalDataRequest) throws -> StructType {
    var request = request
    if ["csv", "tsv", "psv", "scsv"].contains(request.format ?? ""), !request.ignoresFirstRecord { request.mapping = [] }
    let form = try form(request)
    if form.format == "avro" { return try avroFiles(request).schema }
    var reader = session.read.format(form.format)
    for (key, value) in form.options { reader = reader.option(key, value) }
    if !request.followsRedirects { reader = reader.option("httpRedirects", "false") }
    return try reader.open(request.sources.map(Self.path)).plan.schema
  }

  /// The output columns: constants, columns of the file under their own or a mapped name, converted to the declared type.
  private static func columns(_ schema: StructType, _ mapping: [ExternalDataRequest.Mapping], of plan: LogicalPlan) throws -> LogicalPlan {
    try plan.project(schema.fields.map { field in
      let mapped = mapping.first { $0.column == field.name }
      if let constant = mapped?.constant { return NamedExpr(field.name, .literal(ScalarText.parse(constant, as: field.type) ?? .null(field.type))) }
      var name = field.name
      if let path = mapped?.path { name = path.hasPrefix("$.") ? String(path.dropFirst(2)) : path }
      guard let found = plan.schema.field(name) else { return NamedExpr(field.name, .literal(.null(field.type))) }
      return NamedExpr(field.name, found.type == field.type ? .column(name) : .call("to\(field.type)", [.column(name)]))
    })
  }

  /// A storage connection string without what comes after the address.
  private static func path(_ source: String) -> String {
    guard source.contains("://"), let end = source.firstIndex(of: ";") else { return source }
    return String(source[..<end])
  }

  private func form(_ request: ExternalDataRequest) throws -> Form {
    let name = request.format ?? Self.formatName(Self.path(request.sources.first ?? ""))
    func delimited(_ separator: String, quote: Bool = true) -> Form {
      let quotes: [(String, String)] = quote ? [] : [("quote", ""), ("escape", "")]
      return Form(format: "csv", options: [("sep", separator), ("header", request.ignoresFirstRecord ? "true" : "false")] + quotes, isDelimited: true)
    }
    switch name {
    case "csv": return delimited(",")
    case "tsv": return delimited("\\t")
    case "tsve": return delimited("\\t", quote: false)
    case "psv": return delimited("|")
    case "scsv": return delimited(";")
    case "sohsv": return delimited("\u{1}")
    // A separator that text does not have makes the line one field.
    case "txt": return delimited("\u{1F}", quote: false)
    case "json": return Form(format: "json")
    case "multijson": return Form(format: "json", options: [("multiLine", "true")])
    case "parquet": return Form(format: "parquet")
    case "avro", "apacheavro": return Form(format: "avro")
    default:
      let known = ["csv", "tsv", "tsve", "psv", "scsv", "sohsv", "txt", "json", "multijson", "parquet", "avro"]
      throw KConnectError(
        .notSupported, "externaldata: not supported yet: the format '\(name)'",
        hint: (nearestNames(to: name, among: known, limit: 1).first.map { "did you mean '\($0)'? " } ?? "") + "formats: \(known.joined(separator: ", "))")
    }
  }

  /// The format that a name means; csv when it says nothing, as in Kusto.
  private static func formatName(_ path: String) -> String {
    var name = path.lowercased().prefix { $0 != "?" }[...]
    for ending in [".gz", ".zst", ".zip"] where name.hasSuffix(ending) { name = name.dropLast(ending.count) }
    let ending = name.split(separator: "/").last.flatMap { $0.contains(".") ? $0.split(separator: ".").last : nil } ?? "csv"
    switch ending {
    case "tsv", "psv", "scsv", "txt", "json", "parquet", "multijson", "tsve", "sohsv": return String(ending)
    case "pq": return "parquet"
    case "ndjson", "jsonl": return "json"
    case "avro", "orc", "raw", "log": return String(ending)
    default: return "csv"
    }
  }
}

/// Tables by name, and files by place.
struct SessionCatalog: KQLCatalog {
  let tables: [String: LogicalPlan]
  let session: Session

  func table(_ name: String, database: String?) throws -> LogicalPlan? { database == nil ? tables[name] : nil }
  func tableNames(database: String?) -> [String] { database == nil ? tables.keys.sorted() : [] }
  func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan? { try ExternalFiles(session: session).open(request) }
  func externalSchema(_ request: ExternalDataRequest) throws -> StructType? { try ExternalFiles(session: session).schema(request) }
}
