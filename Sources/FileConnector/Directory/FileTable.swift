// Role: many files as one table: schema (file columns, partition columns, file name), push-down per file, scans. Files are opened when a scan
// reaches them; only inputs that cannot be opened twice are kept.

package import Columnar
package import DataSource
package import Expressions
import Synchronization

/// Files of one format as a table.
package final class FileTable: BatchReadable {
  let format: any FileFormat
  let options: DataSourceOptions
  let files: [FileEntry]
  let partitions: PartitionColumns
  /// The columns that come from inside the files, in table order.
  let dataSchema: StructType
  let fileNameColumn: String?
  /// What to open untyped files with.
  private let openSchema: OpenSchema
  package let schema: StructType
  package let description: String
  private let inputs: InputCache
  /// Held for the files of the table, which find it by its path and write rejected rows to it; nil when none are kept.
  private let badRecords: BadRecordsFile?
  /// Nil for plain directories.
  let catalog: (any FileCatalog)?
  private let first: (any BatchReadable)?
  private let rowCount = Mutex<Int??>(nil)

  /// The schema that `FileFormat.open` gets.
  enum OpenSchema: Sendable {
    /// None: the file tells.
    case own
    /// The same for all files.
    case fixed(StructType, isGuessed: Bool)
    /// Each file's own names in its order, with the table's types.
    case ownNames
  }

  init(
    format: any FileFormat, options: DataSourceOptions, files: [FileEntry], partitions: PartitionColumns, dataSchema: StructType,
    openSchema: OpenSchema, fileNameColumn: String?, description: String, inputs: InputCache, badRecords: BadRecordsFile?,
    first: (any BatchReadable)?, catalog: (any FileCatalog)? = nil
  ) throws {
    self.badRecords = badRecords
    self.catalog = catalog
    self.format = format
    self.options = options
    self.files = files
    self.partitions = partitions
    // A partition column also found in the files takes its value from the path.
    self.dataSchema = StructType(dataSchema.fields.filter { partitions.schema.field($0.name) == nil })
    self.openSchema = openSchema
    self.fileNameColumn = fileNameColumn
    self.description = description
    self.inputs = inputs
    self.first = first
    var fields: [StructField] = []
    for field in dataSchema.fields { fields.append(partitions.schema.field(field.name) ?? field) }
    for field in partitions.schema.fields where dataSchema.field(field.name) == nil { fields.append(field) }
    if let fileNameColumn {
      if fields.contains(where: { $0.name == fileNameColumn }) {
        throw KConnectError(.optionInvalid, "option 'fileNameColumn': a column '\(fileNameColumn)' exists already", hint: "choose another name")
      }
      fields.append(StructField(fileNameColumn, .string))
    }
    schema = StructType(fields)
  }

  /// The files that a catalog lists: `schema` has all columns, those of `partitions` included, in table order.
  package convenience init(
    format: any FileFormat, options: DataSourceOptions, files: [FileEntry], partitions: PartitionColumns, schema: StructType,
    description: String, catalog: any FileCatalog
  ) throws {
    try self.init(
      format: format, options: options, files: files, partitions: partitions, dataSchema: schema, openSchema: .own, fileNameColumn: nil,
      description: description, inputs: InputCache(files, needsRandomAccess: true, http: HTTPOptions()), badRecords: nil, first: nil, catalog: catalog)
  }

  /// Opens file `i`, without its deleted rows; throws errors that name it.
  func open(_ i: Int) throws -> any BatchReadable {
    let whole = try openWhole(i)
    let table = catalog?.adapted(whole) ?? whole
    guard let catalog, let addressable = table as? any RowAddressable,
      let deleted = try catalog.deletedRows(file: i, rowCount: addressable.physicalRowCount)
    else { return table }
    return addressable.excluding(deleted)
  }

  private func openWhole(_ i: Int) throws -> any BatchReadable {
    if i == 0, let first { return first }
    let input = try inputs.open(i)
    switch openSchema {
    case .own: return try format.open(input, schema: nil, options: options)
    case .fixed(let schema, let isGuessed): return try format.open(input, schema: schema, isGuessed: isGuessed, options: options)
    case .ownNames:
      let own = try format.open(input, schema: nil, options: options)
      let typed = StructType(own.schema.fields.map { StructField($0.name, dataSchema.field($0.name)?.type ?? $0.type) })
      return typed == own.schema ? own : try format.open(input, schema: typed, options: options)
    }
  }

  /// Marks inputs that can be read once as used; throws when one is used a second time.
  func claimStreams() throws { try inputs.claimStreams() }

  /// The value of a column that is constant in file `i`; nil for columns inside the file.
  func constant(_ name: String, file i: Int) -> Scalar? {
    if let c = partitions.schema.index(of: name) { return partitions.values[i][c] }
    if let value = catalog?.constant(name, file: i) { return value }
    return name == fileNameColumn ? .string(URLText.shown(files[i].movedTo ?? files[i].path)) : nil
  }

  private func isConstant(_ name: String) -> Bool { name == fileNameColumn || partitions.schema.index(of: name) != nil }

  // MARK: Push-down

  package func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map(answer) }

  private func answer(_ filter: Expr) -> FilterPushdown {
    let columns = filter.columns
    if columns.isEmpty { return .unsupported }
    if columns.allSatisfy(isConstant) { return .exact }
    let mentionsConstant = columns.contains(where: isConstant)
    // A catalog's bounds leave out files, whatever a file itself can do.
    let fallback: FilterPushdown = mentionsConstant || catalog != nil ? .inexact : .unsupported
    guard !files.isEmpty, let table = first ?? (try? open(0)) else { return fallback }
    guard isUnadapted(columns, in: table) else { return .inexact }
    switch table.pushdown([substituted(filter, file: 0, in: table)]).first {
    case .exact: return .exact
    case .inexact: return .inexact
    default: return fallback
    }
  }

  /// The filter with the file's constants and names of columns put in.
  func substituted(_ filter: Expr, file i: Int, in table: any BatchReadable) -> Expr {
    filter.replacingColumns { name in constant(name, file: i).map { .literal($0) } ?? ownName(name, in: table).map { .column($0) } }
  }

  /// What the file calls a column; nil when it does not have it.
  func ownName(_ name: String, in table: any BatchReadable) -> String? {
    if let catalog { return catalog.ownName(name, in: table) }
    if table.schema.index(of: name) != nil { return name }
    let like = namesLike(name, in: table)
    return like.count == 1 ? like[0] : nil
  }

  /// Columns of a file that differ from a column of the table in case only, and are no columns of the table themselves.
  private func namesLike(_ name: String, in table: any BatchReadable) -> [String] {
    let lower = name.lowercased()
    return table.schema.names.filter { $0.lowercased() == lower && dataSchema.index(of: $0) == nil }
  }

  /// Refuses a file with several columns that could be meant: one of them would be taken for nulls otherwise.
  func refuseAmbiguous(_ name: String, in table: any BatchReadable, path: String) throws {
    guard catalog == nil else { return }
    let like = namesLike(name, in: table)
    guard like.count > 1 else { return }
    throw KConnectError(
      .schemaMismatch, "column '\(name)' is not in '\(path)', which has \(like.map { "'\($0)'" }.joined(separator: " and "))",
      hint: "mergeSchema=true keeps them apart")
  }

  /// True when the file has all these columns with the table's types.
  func isUnadapted(_ columns: Set<String>, in table: any BatchReadable) -> Bool {
    columns.allSatisfy { name in
      if isConstant(name) { return true }
      guard let own = ownName(name, in: table), let field = table.schema.field(own) else { return false }
      return field.type == dataSchema.field(name)?.type
    }
  }

  package func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    for name in request.columns where schema.index(of: name) == nil {
      throw KConnectError(
        .columnNotFound, "column '\(name)' not found in \(description)",
        hint: nearestName(to: name, among: schema.names).map { "did you mean '\($0)'?" } ?? "columns: \(schema.names.prefix(12).joined(separator: ", "))")
    }
    try claimStreams()
    return try FileTableScan(self, request, context)
  }

  /// Known when every file knows it; asked of at most 256 files, once.
  package var exactRowCount: Int? {
    if let known = catalog?.exactRowCount { return known }
    guard case .typed = format.schemaFidelity, files.count <= 256 else { return nil }
    return rowCount.withLock { known in
      if let known { return known }
      var total: Int? = 0
      for i in files.indices {
        guard let n = (try? open(i))?.exactRowCount, let sum = total else {
          total = nil
          break
        }
        total = sum + n
      }
      known = .some(total)
      return total
    }
  }
}

/// Opens the inputs of a table; keeps those that cannot be opened twice: standard input and downloads.
final class InputCache: Sendable {
  private struct State {
    var kept: [Int: InputFile] = [:]
    var areStreamsUsed = false
  }

  private let files: [FileEntry]
  private let needsRandomAccess: Bool
  private let http: HTTPOptions
  private let state = Mutex(State())

  init(_ files: [FileEntry], needsRandomAccess: Bool, http: HTTPOptions) {
    self.files = files
    self.needsRandomAccess = needsRandomAccess
    self.http = http
  }

  func open(_ i: Int) throws -> InputFile {
    let entry = files[i]
    switch entry.source {
    case .local: return try openLocal(entry)
    case .standardStream, .url:
      return try state.withLock { state in
        if let kept = state.kept[i] { return kept }
        let file: InputFile
        if let open = entry.open {
          file = try open()
        } else if case .url(let url) = entry.source {
          file = try HTTPDownload.spool(url, http)
        } else {
          let stream = try InputFile(path: "-")
          file = needsRandomAccess ? try stream.spooled() : stream
        }
        state.kept[i] = file
        return file
      }
    }
  }

  private func openLocal(_ entry: FileEntry) throws -> InputFile {
    let file: InputFile
    do {
      file = try InputFile(path: entry.path, displayPath: entry.shownPath)
    } catch let error as KConnectError where error.code == .pathNotFound {
      if let moved = entry.movedTo { return try InputFile(path: moved) }
      var error = error
      error.hint = "the file was there when the table was listed; was the table overwritten meanwhile?"
      throw error
    }
    return needsRandomAccess ? try file.spooled() : file
  }

  func claimStreams() throws {
    guard files.contains(where: { $0.source == .standardStream }), !needsRandomAccess else { return }
    try state.withLock { state in
      if state.areStreamsUsed { throw KConnectError(.usage, "standard input can be read only once", hint: "write it to a file first") }
      state.areStreamsUsed = true
    }
  }
}
