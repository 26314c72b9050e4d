// Role: from a version of a table to a `FileTable` over its files: time travel, partition values, names, deleted rows.

package import Columnar
import DataSource
package import Delta
package import FileConnector

/// Opens versions of a table for reading.
package struct DeltaReader {
  let log: DeltaLog
  let options: DataSourceOptions

  init(log: DeltaLog, options: DataSourceOptions) {
    self.log = log
    self.options = options
  }

  func table() throws -> FileTable {
    let onInexact = options.word("onInexact") ?? "fail"
    return try Self.table(try snapshot(), in: log.path, objects: log.objects, parquet: [("onInexact", onInexact)])
  }

  /// The version asked for.
  func snapshot() throws -> DeltaSnapshot {
    let version = options.integer("versionAsOf"), time = options.string("timestampAsOf")
    guard let time else { return try log.snapshot(at: version.map { Int64($0) }) }
    if version != nil { throw KConnectError(.optionInvalid, "options 'versionAsOf' and 'timestampAsOf' exclude each other") }
    guard case .datetime(let ticks)? = ScalarText.parse(time, as: .datetime) else {
      throw KConnectError(.optionInvalid, "option 'timestampAsOf': found '\(time.prefix(80))', expected a time such as 2024-01-31T12:00:00Z")
    }
    return try log.snapshot(at: try log.version(asOf: ticks / 10_000))
  }

  /// The rows of a snapshot. `directory` is the table's; `files` are some of the snapshot's, nil for all; `besides` are columns that the files
  /// have and the table does not; `parquet` are options of Parquet files.
  package static func table(
    _ snapshot: DeltaSnapshot, in directory: String, files: [AddFile]? = nil, besides: [StructField] = [], parquet: [(String, String)] = []
  ) throws -> FileTable {
    try table(snapshot, in: directory, objects: nil, files: files, besides: besides, parquet: parquet)
  }

  /// The same; `objects`: the store that the files are in.
  static func table(
    _ snapshot: DeltaSnapshot, in directory: String, objects: ObjectTable?, files: [AddFile]? = nil, besides: [StructField] = [], parquet: [(String, String)] = []
  ) throws -> FileTable {
    let adds = files ?? snapshot.adds
    let schema = StructType(snapshot.structType.fields + besides)
    let keys = snapshot.metadata.partitionColumns.compactMap { snapshot.schema.field($0) }
    var entries: [FileEntry] = []
    var values: [[Scalar]] = []
    entries.reserveCapacity(adds.count)
    var bytes: Int64 = 0
    for add in adds {
      let (sum, overflows) = bytes.addingReportingOverflow(add.size)
      if overflows { throw DeltaError.corrupt("'\(snapshot.path)'", "the sizes of its files do not fit into 64 bits") }
      bytes = sum
      if let objects {
        entries.append(try objects.entry(add))
      } else {
        let path = try DeltaPath.resolve(add.path, in: directory)
        entries.append(FileEntry(path: path, size: max(1, Int(add.size)), modified: add.modificationTime &* 1_000_000, source: .local(path)))
      }
      values.append(
        try keys.map { try PartitionValues.parse(add.partitionValues[$0.physicalName] ?? nil, $0, place: "'\(snapshot.path)', file '\(add.path)'") })
    }
    let partitions = PartitionColumns(schema: StructType(keys.map { StructField($0.name, $0.dataType, hint: $0.type.hint) }), values: values)
    let format = ParquetFormat()
    return try FileTable(
      format: format, options: try DataSourceOptions(source: "delta", specs: format.options, given: parquet, use: .read), files: entries,
      partitions: partitions, schema: schema, description: "delta \(snapshot.path) (version \(snapshot.version), \(adds.count) files)",
      catalog: DeltaFileCatalog(snapshot, adds, directory: directory, besides: besides.map(\.name)))
  }
}
