// Role: sinks that are not files.

import Columnar
import DataSource
import Engine
package import Streaming

package enum StreamSinks {
  /// Prints each batch as a table to standard output, as Spark's console sink does; at most `rows` rows of a batch.
  package static func console(_ path: String, rows: Int = 20) -> any MicroBatchSink {
    CallbackSink(description: "console") { batch in
      var shown: [RecordBatch] = []
      var count = 0, kept = 0
      try batch.execution.run { part in
        count += part.rowCount
        if kept < rows {
          let piece = part.slice(0..<min(part.rowCount, rows - kept))
          shown.append(piece)
          kept += piece.rowCount
        }
        return true
      }
      print("-------------------------------------------\nBatch: \(batch.id)\n-------------------------------------------")
      let cells = shown.flatMap { part in (0..<part.rowCount).map { i in part.columns.map { TableText.cell($0.scalar(i)) } } }
      print(TableText.render(schema: batch.schema, rows: cells, maxWidth: nil, maxCell: 60))
      if count > kept { print("only showing top \(kept) of \(count) rows") }
      return WriteSummary(rows: count)
    }
  }
}
