// Role: a `DataSourceProvider` out of any `FileFormat`: directories, partition columns and save modes come from here.

package import Columnar
package import DataSource

/// Directories of files of one format as a source and sink.
package struct FileProvider: DataSourceProvider {
  package let format: any FileFormat
  private let fileSystem: FileSystem
  let stores: ObjectStores

  package init(_ format: any FileFormat, fileSystem: FileSystem = .system, stores: ObjectStores = ObjectStores()) {
    self.format = format
    self.fileSystem = fileSystem
    self.stores = stores
  }

  package var shortName: String { format.shortName }
  package var aliases: [String] { format.aliases }
  package var summary: String { format.summary }
  package var options: [OptionSpec] {
    let own = Set(format.options.map { $0.name.lowercased() })
    return format.options + (DirectoryOptions.specs + stores.options).filter { !own.contains($0.name.lowercased()) }
  }

  package func open(_ paths: [String], schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable {
    try FileTableBuilder(format: format, options: options, stores: stores).table(paths.isEmpty ? options.string("path").map { [$0] } ?? [] : paths, schema: schema)
  }

  /// The table of the files given, in their order; `label` names them in messages. With `isGuessed` the schema was inferred from other files:
  /// a file that does not fit it is an error unless the options say what to do.
  package func open(files: [FileEntry], label: String, schema: StructType?, isGuessed: Bool = false, options: DataSourceOptions) throws -> any BatchReadable {
    try FileTableBuilder(format: format, options: options, stores: stores).table(listed: files, label: label, schema: schema, isGuessed: isGuessed)
  }

  package func makeSink(
    _ path: String, schema: StructType, mode: SaveMode, partitionBy: [String], options: DataSourceOptions
  ) throws -> (any TableSink)? {
    try SinkBuilder(format: format, options: options, fileSystem: fileSystem, stores: stores)
      .sink(path, schema: schema, mode: mode, partitionBy: partitionBy)
  }

  /// A sink that adds files to a directory of this machine; the directories below it come of the columns `partitionBy` by a template. `onPart` hears of
  /// each file before they are made visible, one after another.
  package func makeSink(
    _ directory: String, schema: StructType, partitionBy: [String], by template: DirectoryTemplate, options: DataSourceOptions, onPart: @escaping (FinishedPart) -> Void
  ) throws -> any TableSink {
    try SinkBuilder(format: format, options: options, fileSystem: fileSystem, stores: stores)
      .sink(directory, schema: schema, partitionBy: partitionBy, by: template, onPart: onPart)
  }
}
