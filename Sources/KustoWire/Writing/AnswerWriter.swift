// Role: what an answer is made of, whatever the protocol version: tables one after another, each batch by batch, then how it went.

package import Columnar
package import KQL

/// A table of an answer, known before its rows.
package struct AnswerTable: Sendable {
  package var name: String
  package var schema: StructType
  package var visualization: Visualization?

  package init(name: String, schema: StructType, visualization: Visualization? = nil) {
    self.name = name
    self.schema = schema
    self.visualization = visualization
  }
}

/// How the request went.
package struct AnswerFacts: Sendable {
  package var clientRequestId: String
  package var activityId: String
  package var startedOn: Int64
  package var finishedOn: Int64
  /// Ticks of processor time.
  package var cpu: Int64 = 0
  package var peakMemory = 0
  /// Rows read from tables.
  package var rowsScanned = 0
  package var bytesScanned = 0
  /// Rows and bytes of each table of the answer.
  package var tables: [(rows: Int, bytes: Int)] = []

  package init(clientRequestId: String, activityId: String, startedOn: Int64) {
    self.clientRequestId = clientRequestId
    self.activityId = activityId
    self.startedOn = startedOn
    finishedOn = startedOn
  }

  /// The resources as the JSON object of the protocol.
  var resources: String {
    let out = BufferBuilder<UInt8>(capacity: 512)
    out.raw("{\"ExecutionTime\":")
    // SAFETY: at most `ScalarText.room` bytes are written, which `appendText` reserves.
    unsafe out.appendText { unsafe ScalarText.write(realWithPoint: Double(finishedOn - startedOn) / 1e7, to: $0) }
    out.raw(",\"resource_usage\":{\"cache\":{\"memory\":{\"hits\":0,\"misses\":0,\"total\":0},\"disk\":{\"hits\":0,\"misses\":0,\"total\":0},\"shards\":{\"hot\":{\"hitbytes\":0,\"missbytes\":0,\"retrievebytes\":0},\"cold\":{\"hitbytes\":0,\"missbytes\":0,\"retrievebytes\":0},\"bypassbytes\":0}},\"cpu\":{\"user\":")
    out.timespan(cpu)
    out.raw(",\"kernel\":\"00:00:00\",\"total cpu\":")
    out.timespan(cpu)
    out.raw("},\"memory\":{\"peak_per_node\":")
    out.number(peakMemory)
    out.raw("}},\"input_dataset_statistics\":{\"extents\":{\"total\":0,\"scanned\":0},\"rows\":{\"total\":")
    out.number(rowsScanned)
    out.raw(",\"scanned\":")
    out.number(rowsScanned)
    out.raw("},\"rowstores\":{\"scanned_rows\":0,\"scanned_values_size\":0},\"shards\":{\"queries_generic\":0,\"queries_specialized\":0}},\"dataset_statistics\":[")
    for (i, table) in tables.enumerated() {
      if i > 0 { out.raw(",") }
      out.raw("{\"table_row_count\":")
      out.number(table.rows)
      out.raw(",\"table_size\":")
      out.number(table.bytes)
      out.raw("}")
    }
    out.raw("]}")
    return out.text
  }
}

/// Writes one answer. Bytes gather in `out`; whoever drives the writer takes them from there.
package protocol AnswerWriter: AnyObject {
  var out: BufferBuilder<UInt8> { get }
  /// Called once, first.
  func begin(_ tables: [AnswerTable])
  func beginTable(_ index: Int)
  func rows(_ batch: RecordBatch)
  /// `error`: rows are missing. With `isDeferred` the table does not say so.
  func endTable(_ error: WireError?, isDeferred: Bool)
  /// Called once, last.
  func end(_ facts: AnswerFacts, _ error: WireError?, isDeferred: Bool)
}
