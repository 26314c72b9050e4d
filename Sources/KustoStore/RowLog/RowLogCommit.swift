// Role: rows of a log → one commit of their table: extents with the rows' ingestion times, and the segment's number, by which readers and later
// processes know that the rows are there.

import Columnar
import DataSource
import Delta
import Engine
import Expressions

extension StoreTable {
  /// The writer's name in `txn`; its version is the last segment that the table has.
  static let rowLogName = "kconnect-rowlog"

  /// Commits a segment once; answers the version that has its rows.
  func commit(rows frames: [RowLogFrame], schema: StructType, segment: Int64) throws -> Int64 {
    let version = try retrying { _ -> Int64 in
      let basis = try state()
      if let known = basis.transactions[Self.rowLogName], known.version >= segment { return basis.version }
      let columns = basis.structType
      var layout = StorageLayout()
      layout.hasIngestionTimes = true
      let facts = ExtentFacts(minCreatedOn: frames.first?.time ?? 0, maxCreatedOn: frames.last?.time ?? 0, ingestionTime: 0)
      let sequence = ExtentSequence(self, schema: columns, facts: facts, base: layout)
      var run: [RecordBatch] = []
      var rows = 0
      func flush() throws {
        if run.isEmpty { return }
        try sequence.append(try sequence.encode(run))
        run = []
        rows = 0
      }
      let physical = StructType(columns.fields + [StructField(HiddenColumns.storedIngestionTime, .datetime)])
      for frame in frames {
        for batch in try RowTail.adapted([frame.batch], from: schema, to: columns) {
          run.append(RecordBatch(schema: physical, columns: batch.columns + [.constant(.datetime(frame.time), count: batch.rowCount)], rowCount: batch.rowCount))
          rows += batch.rowCount
          if rows >= min(ExtentSize.rowGroupRows, ExtentSize.targetRows) { try flush() }
        }
      }
      try flush()
      var change = TableChange(self, basis: basis, operation: "STREAMING INGESTION")
      change.append(try sequence.finish())
      change.transaction(Self.rowLogName, segment)
      let result = try commit(change)
      return result.version
    }
    mergeSmallExtentsIfMany()
    return version
  }
}
