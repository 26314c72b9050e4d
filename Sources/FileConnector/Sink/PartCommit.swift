// Role: where the parts of a write go and how they become visible together: a directory's commit, or that of a table with a log.

package import Columnar
package import DataSource

/// A part that is written, synced and closed.
package struct FinishedPart: Sendable {
  /// Relative to the target.
  package var name: String
  /// Where it stands now.
  package var path: String
  package var rows: Int
  package var bytes: Int
}

/// The end of a write of parts. One thread at a time; after `commit` or `abort` nothing may be called.
package protocol PartCommit: AnyObject {
  /// The path to write the part of that relative name to; its directories exist then.
  func pathForPart(_ name: String) throws -> String
  /// Starts the file of the part of that relative name; `target` is what messages call the place.
  func makeFile(forPart name: String, target: String, fileSystem: FileSystem) throws -> OutputFile
  /// Takes over a finished part.
  func add(_ part: FinishedPart) throws
  /// Makes the parts visible, all or none; false when another write had done the same work already and nothing was added.
  func commit() throws -> Bool
  /// Removes every trace of an uncommitted write.
  func abort()
}

extension PartCommit {
  package func makeFile(forPart name: String, target: String, fileSystem: FileSystem) throws -> OutputFile {
    try OutputFile(creating: try pathForPart(name), displayPath: joinPath(target, name), fileSystem: fileSystem)
  }
}

/// Makes sinks that write parts.
package enum PartSinks {
  /// A sink of rows of `schema`: parts of `format`, split by `partitionBy` into `key=value` directories, or those of a template. `isNew`: nothing of the target stays, so
  /// that without rows a file without rows tells what the columns are.
  package static func make(
    _ commit: any PartCommit, format: any FileFormat, options: DataSourceOptions, schema: StructType, partitionBy: [String], target: String,
    fileSystem: FileSystem, maxRecordsPerFile: Int?, maxOpenFiles: Int, isNew: Bool = false, template: DirectoryTemplate? = nil
  ) throws -> any TableSink {
    let dataSchema = StructType(schema.fields.filter { !partitionBy.contains($0.name) })
    do {
      let splitter = partitionBy.isEmpty ? nil : try PartitionSplitter(schema: schema, partitionBy: partitionBy, template: template)
      let parts = PartFactory(
        commit: commit, fileExtension: template.flatMap { format.ending(options, in: $0) } ?? format.outputExtension(options), target: target, fileSystem: fileSystem,
        makeWriter: { try format.makeWriter($0, schema: dataSchema, options: options) })
      guard let splitter else { return try DirectorySink(parts, maxRecordsPerFile: maxRecordsPerFile) }
      let encoder = try format.makeWriter(try OutputFile(device: "/dev/null"), schema: dataSchema, options: options)
      return PartitionedSink(
        parts, splitter: splitter, dataSchema: dataSchema, encoder: encoder, maxRecordsPerFile: maxRecordsPerFile, maxOpenFiles: maxOpenFiles,
        emptyPart: isNew ? emptyPart(format, options, schema, dataSchema, partitionBy) : nil)
    } catch {
      commit.abort()
      throw error
    }
  }

  /// The file that a partitioned table without rows consists of, in the directory of nulls. Files that store types note those of the partition
  /// columns, too; readers take the values from the path all the same.
  private static func emptyPart(
    _ format: any FileFormat, _ options: DataSourceOptions, _ schema: StructType, _ dataSchema: StructType, _ partitionBy: [String]
  ) -> PartitionedSink.EmptyPart {
    let isTyped = if case .typed = format.schemaFidelity { true } else { false }
    return (
      partitionBy.reduce("") { joinPath($0, PartitionText.directory($1, .null(.string))) },
      { try format.makeWriter($0, schema: isTyped ? schema : dataSchema, options: options) }
    )
  }
}

extension FileFormat {
  /// The extension a template asks for, with that of the compression; nil: it asks for none.
  fileprivate func ending(_ options: DataSourceOptions, in template: DirectoryTemplate) -> String? {
    guard let own = template.fileExtension, let first = fileExtensions.first else { return nil }
    return own + outputExtension(options).dropFirst(first.count)
  }
}
