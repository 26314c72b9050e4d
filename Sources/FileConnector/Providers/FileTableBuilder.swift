// Role: from paths and options to a `FileTable`: list, find partition columns, settle the schema.

import Columnar
import DataSource

/// Opens files and directories as a table.
struct FileTableBuilder {
  let format: any FileFormat
  let options: DataSourceOptions
  let stores: ObjectStores

  /// How many files types are guessed from when a format does not store them.
  private static let sampledFiles = 8
  /// Beyond so many files hints (dates, decimal scales) are dropped rather than checked in every footer.
  private static let filesReadForHints = 64

  func table(_ paths: [String], schema: StructType?) throws -> FileTable {
    guard !paths.isEmpty else { throw KConnectError(.usage, "no path given for \(format.shortName)", hint: "give a file, a directory, a pattern or '-'") }
    let first = URLText.shown(paths[0])
    let label = paths.count == 1 ? first : "\(first), … (\(paths.count) paths)"
    return try table(listed: try FileListing.files(paths, try listingOptions()), label: label, schema: schema)
  }

  /// The table of files already listed; `label` names them in messages, `isGuessed` says that the schema was inferred from other files.
  func table(listed: [FileEntry], label: String, schema: StructType?, isGuessed: Bool = false) throws -> FileTable {
    let files = listed.filter { $0.size != 0 }
    if files.count > 1, files.contains(where: { $0.source == .standardStream }) {
      throw KConnectError(.usage, "standard input cannot be read together with other paths")
    }
    let isTyped = if case .typed = format.schemaFidelity { true } else { false }
    guard !files.isEmpty || schema != nil else {
      if !listed.isEmpty, !isTyped { throw NoRecords.error("'\(label)'" + (listed.count == 1 ? "" : " (\(listed.count) empty files)"), format.shortName.uppercased()) }
      throw listed.isEmpty
        ? KConnectError(.pathNotFound, "'\(label)' holds no \(format.shortName) files", hint: "names beginning with '_' or '.' are left out; a schema makes an empty table readable")
        : KConnectError(.formatCorrupt, "'\(listed[0].path)' is empty (0 bytes), expected \(format.shortName) data", hint: "give a schema to read it as a table without rows")
    }
    let ignoresPartitions = options.bool("recursiveFileLookup")
    var partitions =
      try ignoresPartitions || files.isEmpty
      ? PartitionColumns.none(fileCount: files.count)
      : PartitionColumns(files, infersTypes: options.bool("partitionColumnTypeInference"), declared: schema)
    var http = HTTPOptions()
    if let timeout = DirectoryOptions.milliseconds("httpTimeout", options) { http.stallTimeoutMilliseconds = TransferLimits.stall(timeout) }
    http.followsRedirects = options.bool("httpRedirects")
    let inputs = InputCache(files, needsRandomAccess: isTyped, http: http)
    let fileNameColumn = options.string("fileNameColumn").flatMap { $0.isEmpty ? nil : $0 }
    let badRecordsPath = format.options.contains { $0.name == "badRecordsPath" } ? options.string("badRecordsPath") : nil
    let badRecords = try badRecordsPath.flatMap { $0.isEmpty ? nil : $0 }.map { try BadRecordsFile.shared($0, inputs: files) }
    let settled = try settle(files, inputs, partitions, schema, isGuessed: isGuessed, fileNameColumn, isTyped: isTyped)
    if isTyped, schema == nil { partitions.takeUnknownTypes(from: settled.schema) }
    let count = files.count == 1 ? "" : " (\(files.count) files)"
    return try FileTable(
      format: format, options: options, files: files, partitions: partitions, dataSchema: settled.schema, openSchema: settled.open,
      fileNameColumn: fileNameColumn, description: "\(format.shortName) \(label)\(count)", inputs: inputs, badRecords: badRecords, first: settled.first)
  }

  private func listingOptions() throws -> ListingOptions {
    var listing = ListingOptions()
    listing.fileNamePattern = options.string("pathGlobFilter")
    listing.modifiedBefore = try DirectoryOptions.nanoseconds("modifiedBefore", options)
    listing.modifiedAfter = try DirectoryOptions.nanoseconds("modifiedAfter", options)
    listing.basePath = options.string("basePath")
    listing.fileExtensions = format.fileExtensions
    listing.place = { [stores, options] in try stores.place($0, options: options) }
    return listing
  }

  private typealias Settled = (schema: StructType, open: FileTable.OpenSchema, first: (any BatchReadable)?)

  private func settle(
    _ files: [FileEntry], _ inputs: InputCache, _ partitions: PartitionColumns, _ declared: StructType?, isGuessed: Bool, _ fileNameColumn: String?, isTyped: Bool
  ) throws -> Settled {
    func open(_ i: Int, _ schema: StructType?, isGuessed: Bool = false) throws -> any BatchReadable {
      try format.open(try inputs.open(i), schema: schema, isGuessed: isGuessed, options: options)
    }
    if let declared {
      let data = StructType(declared.fields.filter { partitions.schema.field($0.name) == nil && $0.name != fileNameColumn })
      if files.isEmpty { return (data, .fixed(data, isGuessed: isGuessed), nil) }
      return isTyped ? (data, .own, try open(0, nil)) : (data, .fixed(data, isGuessed: isGuessed), try open(0, data, isGuessed: isGuessed))
    }
    let merges = options.bool("mergeSchema")
    if !isTyped, files.count > 1 { return try settleUntyped(files, merges: merges) { try open($0, $1, isGuessed: $2) } }
    let first = try open(0, nil)
    if files.count == 1 { return (first.schema, .own, first) }
    guard merges else {
      // Hints must hold in every file; footers are read for them only where the first file has any.
      let hasHints = first.schema.fields.contains { $0.hint != nil }
      guard hasHints else { return (SchemaMerge.weakened(first.schema, by: []), .own, first) }
      let others = files.count <= Self.filesReadForHints ? try files.indices.dropFirst().map { try open($0, nil).schema } : nil
      let unhinted = StructType(first.schema.fields.map { StructField($0.name, $0.type) })
      return (others.map { SchemaMerge.weakened(first.schema, by: $0) } ?? unhinted, .own, first)
    }
    var schemas = [(path: files[0].path, schema: first.schema)]
    for i in files.indices.dropFirst() { schemas.append((files[i].path, try open(i, nil).schema)) }
    return (try SchemaMerge.union(schemas, isGuessed: false), .own, first)
  }

  /// The schema of several files whose types are guessed. Files without records, such as a day without rows leaves behind, have no say.
  private func settleUntyped(
    _ files: [FileEntry], merges: Bool, _ open: (Int, StructType?, Bool) throws -> any BatchReadable
  ) throws -> Settled {
    // Names without records say nothing about types.
    var typed: [(path: String, schema: StructType)] = []
    func schema(_ i: Int) throws -> (path: String, schema: StructType)? {
      do {
        let table = try open(i, nil, false)
        if (table as? any GuessedTable)?.hasRecords ?? true { typed.append((files[i].path, table.schema)) }
        return (files[i].path, table.schema)
      } catch let error as KConnectError where error.cause is NoRecords { return nil }
    }
    let sampled = merges ? Array(files.indices) : Self.spread(files.count, Self.sampledFiles)
    var schemas = try sampled.compactMap(schema)
    // Only files without records among those: the first that has any.
    for i in files.indices where schemas.isEmpty { if let found = try schema(i) { schemas = [found] } }
    guard let first = schemas.first else { throw NoRecords.error("'\(files[0].path)' (as \(files.count - 1) more)", format.shortName.uppercased()) }
    let isPositional = if case .positional = format.schemaFidelity { true } else { false }
    if isPositional, !merges, let other = schemas.first(where: { $0.schema.names != first.schema.names }) {
      let difference = SchemaMerge.difference(existing: first.schema, incoming: other.schema, comparesTypes: false, ordered: true) ?? ""
      throw KConnectError(
        .schemaMismatch, "the columns of '\(other.path)' differ from those of '\(first.path)': \(difference)",
        hint: "mergeSchema=true reads them by name; a schema given by you reads them by position")
    }
    var unified = try SchemaMerge.union(typed.isEmpty ? schemas : typed, isGuessed: true)
    // Columns that only files without records name come behind the others.
    if merges { unified = StructType(unified.fields + (try SchemaMerge.union(schemas, isGuessed: true)).fields.filter { unified.field($0.name) == nil }) }
    if isPositional, merges { return (unified, .ownNames, nil) }
    return (unified, .fixed(unified, isGuessed: true), try open(0, unified, true))
  }

  /// `n` positions spread over 0..<count, the ends included.
  private static func spread(_ count: Int, _ n: Int) -> [Int] {
    count <= n ? Array(0..<count) : (0..<n).map { $0 * (count - 1) / (n - 1) }
  }
}
