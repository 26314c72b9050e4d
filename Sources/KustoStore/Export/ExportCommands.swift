// Role: `.export` to files and to external tables.

import Columnar
import DataSource
import Engine
import Expressions
import FileConnector
import KQL
import Synchronization

extension CommandRun {
  private static let storageProperties = [
    "namePrefix", "includeHeaders", "sizeLimit", "fileExtension", "encoding", "compressionType", "distributed", "distribution", "parquetRowGroupSize",
    "persistDetails", "useNativeParquetWriter", "parquetDatetimePrecision",
  ]

  /// Names, headers and extensions are the external table's.
  private static let externalProperties = [
    "sizeLimit", "compressionType", "distributed", "distribution", "distributionKind", "concurrency", "spread", "parquetRowGroupSize", "persistDetails",
    "useNativeParquetWriter", "parquetDatetimePrecision",
  ]

  /// Those that tell a cluster how to share the work.
  private static let exportHints = ["distributed", "distribution", "distributionKind", "concurrency", "spread", "useNativeParquetWriter"]

  private func exportProperties(_ allowed: [String]) throws -> CommandProperties {
    let properties = try properties(allowed)
    for name in Self.exportHints where properties[name] != nil { notes.add("'\(name)' changes nothing in an embedded store") }
    return properties
  }

  /// Kusto's default and bounds of a file's size, in bytes.
  private static let defaultSizeLimit = 100 << 20
  private static let maxSizeLimit = 4 << 30
  /// Bytes of a file's name that are left to the user: a number, an id and an extension come behind.
  private static let longestPrefix = 160, longestExtension = 32

  func exportToStorage() throws -> CommandOutput {
    let properties = try exportProperties(Self.storageProperties)
    let prefix = properties.text("namePrefix") ?? "", format = command.text("format") ?? "csv", compressed = command.says("compressed")
    let places = command.texts("paths")
    if let first = places.first, let own = try executor.ingestionService?.exportPlace(of: first) {
      if places.count > 1 { notes.add("all files are written to the first container") }
      return try export(try query(), to: own, format: format, prefix: prefix, properties, compressed: compressed)
    }
    let paths = try places.map(localPath)
    guard let path = paths.first else { throw KConnectError(.usage, "no path is given") }
    guard !path.contains("://") else { throw KConnectError(.notSupported, "not supported: export to '\(LoggedText.hidingSecrets(path))'", hint: "export to a directory of this machine") }
    if paths.count > 1 { notes.add("all files are written to '\(path)': one directory is enough here") }
    let plan = try query()
    return try export(plan, to: path, format: format, prefix: prefix, properties, compressed: compressed)
  }

  func exportToTable() throws -> CommandOutput {
    let properties = try exportProperties(Self.externalProperties)
    let table = try externalTable(command.name("table")?.text ?? "")
    guard let path = table.paths.first else { throw KConnectError(.valueInvalid, "the external table '\(table.name)' has no path") }
    try executor.pathGuard?(path)
    guard !path.contains("://"), pathKind(path) != .file else {
      throw KConnectError(.notSupported, "not supported: export to the external table '\(table.name)', which is no directory of this machine")
    }
    let plan = try query()
    let wanted = StructType(table.schema.fields + table.virtual.filter { table.schema.field($0.name) == nil })
    for field in wanted.fields where plan.schema.field(field.name)?.type != field.type {
      throw KConnectError(.schemaMismatch, "the external table '\(table.name)' has the column \(field.name):\(field.type); the query gives (\(plan.schema))")
    }
    let rows = try plan.select(wanted.names)
    if table.partitions.count == 0 {
      let lock = try table.headsFirstFiles ? database().lockHeadedExports() : nil
      defer { withExtendedLifetime(lock) {} }
      let output = try export(rows, to: path, format: table.format, prefix: table.namePrefix, ending: table.fileExtension.isEmpty ? nil : table.fileExtension, properties, compressed: table.compressed, header: table.hasHeader, before: table.headsFirstFiles ? table.filesBefore(exportTo: path) : nil)
      return CommandOutput(Shapes.exportTable, output.rows.map { [.string(table.name)] + $0 })
    }
    if table.headsFirstFiles, table.format.lowercased() != "parquet" {
      throw KConnectError(
        .notSupported, "not supported: export to the external table '\(table.name)', which is partitioned, with includeHeaders='FirstFile'", hint: "includeHeaders='All' gives every file a header")
    }
    if !table.namePrefix.isEmpty {
      throw KConnectError(
        .notSupported, "not supported: export to the external table '\(table.name)', which is partitioned and has a namePrefix: files would have other names")
    }
    if properties["sizeLimit"] != nil {
      throw KConnectError(.notSupported, "not supported: sizeLimit of an export to the external table '\(table.name)', which is partitioned", hint: "each partition gets one file per export")
    }
    let format = try fileFormat(table.format)
    let given = try options(format, properties, compressed: table.compressed, header: table.hasHeader)
    let provider = FileProvider(format)
    let checked = try DataSourceOptions(source: format.shortName, specs: provider.options, given: given, use: .write)
    // Without a path format they are directories `column=value`.
    let hive = table.partitions.names.enumerated().flatMap { i, name -> [PartitionPath.Part] in [.text((i == 0 ? "" : "/") + percentEncoded(name) + "="), .column(name)] }
    let form = try table.path ?? PartitionPath(hive)
    let keyed = try withPartitions(rows, of: table, form)
    var template = try form.template()
    if table.path == nil { template.null = PartitionText.null }
    if !table.fileExtension.isEmpty { template.fileExtension = table.fileExtension }
    let keys = Array(keyed.schema.names.dropFirst(table.schema.count))
    let parts = Mutex<[FinishedPart]>([])
    let sink = try provider.makeSink(path, schema: keyed.schema, partitionBy: keys, by: template, options: checked) { part in parts.withLock { $0.append(part) } }
    let execution = try QueryExecution(keyed, options: executor.options, context: request.context)
    _ = try cancellation.running(execution) { try $0.write(to: sink) }
    let files = parts.withLock { $0 }.sorted { $0.name < $1.name }
    return CommandOutput(Shapes.exportTable, files.map { [.string(table.name), .string(joinPath(path, $0.name)), .count($0.rows)] })
  }

  /// The columns of an external table's files, and behind them the values that make their directories, in the order of the path.
  private func withPartitions(_ rows: LogicalPlan, of table: ExternalTable, _ form: PartitionPath) throws -> LogicalPlan {
    let options = request.bindOptions(executor, catalog())
    func value(_ name: String) throws -> Expr {
      guard let i = table.partitions.index(of: name), let expression = table.expression(i) else { return .column(name) }
      return try KQL.bindExpression(expression, schema: table.schema, options: options).0
    }
    var columns = table.schema.names.map { NamedExpr($0, .column($0)) }
    for part in form.parts {
      switch part {
      case .text: break
      case .column(let name): columns.append(NamedExpr("$\(columns.count)", try value(name)))
      case .datetime(let pattern, let name): columns.append(NamedExpr("$\(columns.count)", try PartitionPath.text(of: try value(name), by: pattern)))
      }
    }
    return try rows.project(columns)
  }

  private func export(
    _ plan: LogicalPlan, to path: String, format word: String, prefix: String, ending: String? = nil, _ properties: CommandProperties, compressed: Bool, header: Bool? = nil, before: Int? = nil
  ) throws -> CommandOutput {
    guard !prefix.contains("/") else { throw KConnectError(.optionInvalid, "property 'namePrefix': '\(prefix)' holds a '/'") }
    guard prefix.utf8.count <= Self.longestPrefix else {
      throw KConnectError(.optionInvalid, "property 'namePrefix': it has \(prefix.utf8.count) bytes, \(Self.longestPrefix) are the most")
    }
    let place = ExportPlace(directory: path) { (joinPath(path, $0), joinPath(path, $0)) }
    return try export(plan, to: place, format: word, prefix: prefix, ending: ending, properties, compressed: compressed, header: header, before: before)
  }

  /// `before`: only the first file of the place has a header, and so many files are there; nil: headers are as the options say.
  private func export(
    _ plan: LogicalPlan, to place: ExportPlace, format word: String, prefix: String, ending: String? = nil, _ properties: CommandProperties, compressed: Bool, header: Bool? = nil, before: Int? = nil
  ) throws -> CommandOutput {
    guard !Self.hasControls(prefix) else { throw KConnectError(.optionInvalid, "property 'namePrefix': it holds a control character") }
    let limit = try properties.integer("sizeLimit") ?? Self.defaultSizeLimit
    guard limit > 0, limit <= Self.maxSizeLimit else { throw KConnectError(.optionInvalid, "property 'sizeLimit': found \(limit), expected 1 to \(Self.maxSizeLimit) bytes") }
    let format = try fileFormat(word)
    let given = try options(format, properties, word: word, compressed: compressed, header: header)
    func checked(_ given: [(String, String)]) throws -> DataSourceOptions {
      try DataSourceOptions(source: format.shortName, specs: format.options, given: given, use: .write)
    }
    var files = ExportFiles(format: format, options: try checked(given), schema: plan.schema)
    files.prefix = prefix
    files.sizeLimit = limit
    files.before = before ?? 0
    if before != nil || properties.text("includeHeaders")?.lowercased() == "firstfile" { files.later = try checked(given.map { $0.0 == "header" ? ("header", "false") : $0 }) }
    files.fileExtension = try fileExtension(properties) ?? ending ?? (word.lowercased() == "tsv" ? ".tsv" : nil)
    files.hasMark = try byteOrderMark(properties, format, files.options)
    if properties["sizeLimit"] != nil, format.shortName != "parquet", !["none", "auto"].contains(files.options.word("compression") ?? "none") {
      notes.add("'sizeLimit' is compared with what is written, after compression")
    }
    let sink = try ExportSink(place, files)
    let execution = try QueryExecution(plan, options: executor.options, context: request.context)
    _ = try cancellation.running(execution) { try $0.write(to: sink) }
    return CommandOutput(Shapes.export, sink.artifacts.map { [.string($0.path), .count($0.rows)] })
  }

  /// Names with them mean other files, or are read wrongly.
  private static func hasControls(_ text: String) -> Bool { text.utf8.contains { $0 < 0x20 || $0 == 0x7F } }

  /// With its dot; nil: none is given.
  func fileExtension(_ properties: CommandProperties) throws -> String? {
    guard let given = properties.text("fileExtension"), !given.isEmpty else { return nil }
    guard !given.contains("/"), given != ".", !Self.hasControls(given), given.utf8.count <= Self.longestExtension else { throw KConnectError(.optionInvalid, "property 'fileExtension': '\(given)' is no extension of a file", hint: "as in .csv") }
    return given.hasPrefix(".") ? given : "." + given
  }

  /// Whether text files begin with the mark of UTF-8.
  private func byteOrderMark(_ properties: CommandProperties, _ format: any FileFormat, _ options: DataSourceOptions) throws -> Bool {
    guard let encoding = properties.text("encoding") else { return false }
    switch encoding.lowercased() {
    case "utf8nobom": return false
    case "utf8bom":
      if format.shortName == "parquet" { throw KConnectError(.optionInvalid, "property 'encoding': parquet files hold no text with a mark") }
      guard ["none", "auto"].contains(options.word("compression") ?? "none") else { throw KConnectError(.notSupported, "not supported: encoding=UTF8BOM of compressed files") }
      return true
    default: throw KConnectError(.optionInvalid, "property 'encoding': found '\(encoding.prefix(80))', expected UTF8NoBOM or UTF8BOM")
    }
  }

  private func fileFormat(_ word: String) throws -> any FileFormat {
    let name = ["tsv", "csv"].contains(word.lowercased()) ? "csv" : word.lowercased()
    guard let format = FileFormats.all.first(where: { $0.shortName == name }) else {
      throw KConnectError(.notSupported, "not supported: export as \(word)", hint: "formats: csv, tsv, json, parquet")
    }
    return format
  }

  private func options(_ format: any FileFormat, _ properties: CommandProperties, word: String = "", compressed: Bool, header: Bool? = nil) throws -> [(String, String)] {
    var given: [(String, String)] = []
    if format.shortName == "csv" {
      let headers = properties.text("includeHeaders")?.lowercased() ?? "none"
      guard ["none", "all", "firstfile"].contains(headers) else {
        throw KConnectError(.optionInvalid, "property 'includeHeaders': found '\(headers)', expected none, all or firstFile")
      }
      given.append(("header", header ?? (headers != "none") ? "true" : "false"))
      if word.lowercased() == "tsv" { given.append(("sep", "\\t")) }
    }
    let compression = properties.text("compressionType")?.lowercased()
    switch compression {
    case nil: if compressed { given.append(("compression", "gzip")) }
    case "gzip"?, "zstd"?, "snappy"?, "lz4_raw"?, "brotli"?, "uncompressed"?, "none"?:
      given.append(("compression", compression == "uncompressed" ? "none" : compression ?? "none"))
    case let other?: throw KConnectError(.notSupported, "not supported: the compression '\(other)' of exports", hint: "gzip, zstd, and for parquet snappy, lz4_raw, brotli")
    }
    if format.shortName == "parquet" {
      if let rows = try properties.integer("parquetRowGroupSize") {
        guard rows > 0 else { throw KConnectError(.optionInvalid, "property 'parquetRowGroupSize': found \(rows), expected 1 or more") }
        given.append(("rowGroupRows", String(rows)))
      }
      switch properties.text("parquetDatetimePrecision")?.lowercased() {
      // Kusto cuts off what the unit does not hold; milliseconds are its default.
      case nil, "millisecond"?: given += [("timestampUnit", "millis"), ("onInexact", "truncate")]
      case "microsecond"?: given += [("timestampUnit", "micros"), ("onInexact", "truncate")]
      case let other?: throw KConnectError(.optionInvalid, "property 'parquetDatetimePrecision': found '\(other)', expected millisecond or microsecond")
      }
    } else {
      for name in ["parquetRowGroupSize", "parquetDatetimePrecision"] where properties[name] != nil { notes.add("'\(name)' concerns parquet files only") }
    }
    return given
  }
}
