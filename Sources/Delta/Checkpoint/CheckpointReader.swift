// Role: reads checkpoints: classic and multi-part Parquet, V2 in Parquet or JSON, with sidecars. Rows become actions by the same reader as lines.

import Columnar
import DataSource
import Parquet

struct CheckpointReader {
  let log: DeltaLog

  /// Actions of a checkpoint applied to an empty state; answers the bytes read.
  func read(_ checkpoint: CheckpointName, into state: inout SnapshotState) throws -> Int64 {
    var bytes: Int64 = 0
    var sidecars: [Sidecar] = []
    for name in checkpoint.files {
      bytes += try file(log.filePath(name), log.display(name)) { action in
        if case .sidecar(let sidecar) = action { sidecars.append(sidecar) } else { state.apply(action) }
      }
    }
    for sidecar in sidecars {
      let name = DeltaPath.canonical(sidecar.path)
      guard !name.split(separator: "/").contains("..") else { throw DeltaError.corrupt("'\(log.display(checkpoint.files[0]))'", "the sidecar '\(name)' leads outside") }
      let relative = joinPath("_sidecars", name)
      let isAbsolute = name.hasPrefix("/")
      bytes += try file(isAbsolute ? name : log.filePath(relative), isAbsolute ? name : log.display(relative)) { state.apply($0) }
    }
    return bytes
  }

  /// Columns of checkpoints that hold actions.
  private static let actionColumns: Set<String> = ["add", "remove", "metaData", "protocol", "txn", "domainMetadata", "sidecar", "checkpointMetadata"]

  private func file(_ path: String, _ display: String, _ body: (DeltaAction) throws -> Void) throws -> Int64 {
    if path.hasSuffix(".json") {
      guard let bytes = try SmallFile.read(path, displayPath: display) else { throw gone(display) }
      try JSONTree.lines(bytes, path: display) { value, line in
        if let action = try ActionReader.action(value, place: "'\(display)' line \(line)") { try body(action) }
      }
      return Int64(bytes.count)
    }
    guard let facts = FileFacts(path) else { throw gone(display) }
    do {
      var options = ParquetReadOptions()
      options.onInexact = .truncate
      try rows(try ParquetFile(path: path, displayPath: display, options: options), display, body)
    } catch let error as ParquetError {
      guard pathExists(path) else { throw gone(display) }
      throw DeltaError.corrupt("'\(display)'", error.located(file: display).description)
    }
    return facts.size
  }

  private func gone(_ display: String) -> LogFileGone {
    LogFileGone(cause: KConnectError(.formatCorrupt, "Delta log '\(display)': the file is missing", hint: "the checkpoint names it; restore it from a backup"))
  }

  private func rows(_ file: ParquetFile, _ display: String, _ body: (DeltaAction) throws -> Void) throws {
    let columns = file.schema.fields.indices.filter { Self.actionColumns.contains(file.schema.fields[$0].name) }
    let context = DecodeContext()
    var row = 0
    for group in 0..<file.rowGroupCount {
      let reader = try RowGroupReader(file, rowGroup: group, columns: columns, context: context)
      while let batch = try reader.nextBatch() {
        for i in 0..<batch.rowCount {
          row += 1
          for (c, column) in batch.columns.enumerated() where column.isValid(i) {
            guard case .dynamic(let value) = column.scalar(i), value != .null else { continue }
            let name = batch.schema[c].name
            let line = DynamicValue.bag([DynamicEntry(name, value)])
            if let action = try ActionReader.action(line, place: "'\(display)' row \(row)") { try body(action) }
          }
        }
      }
    }
  }
}
