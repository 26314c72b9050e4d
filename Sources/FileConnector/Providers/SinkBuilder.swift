// Role: from path, mode and options to a sink: save modes, the check of schema drift, the choice of how output is committed.

import Columnar
import DataSource

/// Starts writes.
struct SinkBuilder {
  let format: any FileFormat
  let options: DataSourceOptions
  let fileSystem: FileSystem
  let stores: ObjectStores

  /// Nil when mode `ignore` finds the target.
  func sink(_ path: String, schema: StructType, mode: SaveMode, partitionBy: [String]) throws -> (any TableSink)? {
    if case .url(let url) = try SourcePath(path), let place = try stores.place(url, options: options) {
      return try objectSink(place, url, schema, mode, partitionBy, endsInSlash: SourcePath.url(url).nameForExtension.hasSuffix("/"))
    }
    let target = try WriteTarget(path, fileExtensions: format.fileExtensions, isPartitioned: !partitionBy.isEmpty)
    let makeWriter: (OutputFile) throws -> any FileWriter = { try format.makeWriter($0, schema: schema, options: options) }
    switch target {
    case .standardOutput, .device:
      return try SingleFileSink(target, replaces: false, fileSystem: fileSystem, makeWriter: makeWriter)
    case .file(let file):
      let exists = pathExists(file)
      switch mode {
      case .ignore where exists: return nil
      case .error where exists: throw Self.exists(file)
      case .append where exists:
        throw KConnectError(
          .notSupported, "'\(file)' is one file; not supported yet: appending to a file", hint: "write to a directory, where append adds a file, or use mode overwrite")
      default: return try SingleFileSink(target, replaces: mode == .overwrite, fileSystem: fileSystem, makeWriter: makeWriter)
      }
    case .directory(let directory): return try directorySink(directory, schema, mode, partitionBy)
    }
  }

  /// A sink that adds files to directories below `directory` of this machine, named by a template of the columns `partitionBy`; `onPart` hears of each.
  func sink(
    _ directory: String, schema: StructType, partitionBy: [String], by template: DirectoryTemplate, onPart: @escaping (FinishedPart) -> Void
  ) throws -> any TableSink {
    let commit = try DirectoryCommit(target: directory, change: pathKind(directory) == .directory ? .add : .create, fileSystem: fileSystem, onPart: onPart)
    return try PartSinks.make(
      commit, format: format, options: options, schema: schema, partitionBy: partitionBy, target: directory, fileSystem: fileSystem, maxRecordsPerFile: nil,
      maxOpenFiles: max(1, options.integer("maxOpenPartitions") ?? 128), template: template)
  }

  static func exists(_ path: String) -> KConnectError {
    KConnectError(.alreadyExists, "'\(path)' exists already", hint: "mode append adds to it, overwrite replaces it, ignore leaves it alone")
  }

  private func directorySink(_ directory: String, _ schema: StructType, _ mode: SaveMode, _ partitionBy: [String]) throws -> (any TableSink)? {
    if !partitionBy.isEmpty { _ = try PartitionSplitter(schema: schema, partitionBy: partitionBy) }
    let exists = pathKind(directory) == .directory
    let isOccupied = try exists && TargetContents.isOccupied(directory)
    var change: DirectoryChange = exists ? .add : .create
    switch mode {
    case .ignore where isOccupied: return nil
    case .error where isOccupied: throw Self.exists(directory)
    case .overwrite where isOccupied:
      try TargetContents.checkReplaceable(directory, fileExtensions: format.fileExtensions)
      change = !partitionBy.isEmpty && options.word("partitionOverwriteMode") == "dynamic" ? .replaceTouched : .replace
    case .append where isOccupied: try checkAppend(directory, schema, partitionBy, names: try TargetContents.files(directory))
    default: break
    }
    let isNew = if case .replace = change { true } else { !isOccupied }
    return try parts(try DirectoryCommit(target: directory, change: change, fileSystem: fileSystem), directory, schema, partitionBy, isNew: isNew)
  }

  /// The sink of parts that `commit` makes visible; `isNew`: nothing of the target stays.
  func parts(_ commit: any PartCommit, _ target: String, _ schema: StructType, _ partitionBy: [String], isNew: Bool) throws -> any TableSink {
    let limit = options.integer("maxRecordsPerFile") ?? 0
    guard limit >= 0 else {
      commit.abort()
      throw KConnectError(.optionInvalid, "option 'maxRecordsPerFile': found \(limit), expected 0 or more")
    }
    return try PartSinks.make(
      commit, format: format, options: options, schema: schema, partitionBy: partitionBy, target: target, fileSystem: fileSystem,
      maxRecordsPerFile: limit == 0 ? nil : limit, maxOpenFiles: max(1, options.integer("maxOpenPartitions") ?? 128),
      isNew: isNew)
  }

  // MARK: Schema drift

  /// Refuses to append rows that readers of the directory could not read together with what is there. With mergeSchema only conflicts of
  /// type are refused.
  func checkAppend(_ place: String, _ schema: StructType, _ partitionBy: [String], names: [String]) throws {
    if names.isEmpty { return }
    let directory = URLText.shown(place)
    let extensions = Set(names.compactMap { FileNames.formatExtension($0) })
    let foreign = extensions.intersection(TargetContents.dataExtensions).subtracting(format.fileExtensions).subtracting([".crc", ".txt"])
    if !foreign.isEmpty, extensions.isDisjoint(with: format.fileExtensions) {
      throw KConnectError(
        .schemaMismatch, "'\(directory)' holds \(foreign.sorted().joined(separator: ", ")) files, the write is \(format.shortName)", hint: "choose another directory, or mode overwrite")
    }
    let existing: FileTable
    do { existing = try FileProvider(format, stores: stores).openForComparison(place, options) } catch let error as KConnectError where error.cause is NoRecords {
      // Nothing there says what its columns are.
      return
    }
    let existingKeys = existing.partitions.schema.names
    guard existingKeys == partitionBy else {
      func shown(_ names: [String]) -> String { names.isEmpty ? "not partitioned" : "partitioned by \(names.joined(separator: ", "))" }
      throw KConnectError(.schemaMismatch, "'\(directory)' is \(shown(existingKeys)), the write is \(shown(partitionBy))", hint: "write with the same partitionBy")
    }
    let incoming = StructType(schema.fields.filter { !partitionBy.contains($0.name) })
    let merges = options.bool("mergeSchema")
    switch format.schemaFidelity {
    case .typed:
      if merges {
        _ = try SchemaMerge.union([(directory, existing.dataSchema), ("the rows to append", incoming)], isGuessed: false)
      } else {
        try refuse(directory, SchemaMerge.difference(existing: existing.dataSchema, incoming: incoming, comparesTypes: true, ordered: false))
      }
    case .keyed:
      if !merges {
        let known = StructType(incoming.fields.filter { existing.dataSchema.field($0.name) != nil })
        let added = incoming.fields.filter { existing.dataSchema.field($0.name) == nil }
        if !added.isEmpty { try refuse(directory, SchemaMerge.difference(existing: known, incoming: incoming, comparesTypes: false, ordered: false)) }
      }
    case .positional where format.options.contains { $0.name == "header" } && !options.bool("header"):
      // Without a header the columns have no names to compare.
      if existing.dataSchema.count != incoming.count {
        try refuse(directory, "its records have \(existing.dataSchema.count) fields, the rows have \(incoming.count) columns")
      }
    case .positional:
      try refuse(directory, merges ? nil : SchemaMerge.difference(existing: existing.dataSchema, incoming: incoming, comparesTypes: false, ordered: true))
    }
  }

  private func refuse(_ directory: String, _ difference: String?) throws {
    guard let difference else { return }
    throw KConnectError(.schemaMismatch, "the rows to append do not fit '\(directory)': \(difference)", hint: "select or rename columns, or to.mergeSchema=true (mergeSchema in Swift) where new ones may come")
  }
}

extension FileProvider {
  /// The table that stands at a target, read with the write's options where they mean the same.
  func openForComparison(_ directory: String, _ options: DataSourceOptions) throws -> FileTable {
    // What is there may be compressed otherwise: its names tell.
    try FileTableBuilder(format: format, options: options.without("compression"), stores: stores).table([directory], schema: nil)
  }
}
