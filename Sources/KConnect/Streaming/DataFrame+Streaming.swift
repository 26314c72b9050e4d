// Role: event time, and rows that come once only, over streams.

import Columnar
public import DataSource
import Engine
import Streaming

extension DataFrame {
  /// Names the event time of the rows and how late a row may come: `withWatermark("ts", "10 minutes")`. Over a table it does nothing.
  /// Streams of a union may each have one: `spark.sql.streaming.multipleWatermarkPolicy` (min, max) says which the query goes by.
  /// Throws COLUMN_NOT_FOUND, USAGE; NOT_SUPPORTED for rows that have an event time.
  public func withWatermark(_ eventTime: String, _ delayThreshold: String) throws(KConnectError) -> DataFrame {
    guard let delay = DataSourceOptions.durationMilliseconds(delayThreshold), delay >= 0 else {
      throw KConnectError(.usage, "withWatermark: found '\(delayThreshold)', expected a duration such as '10 minutes'")
    }
    if let known = try publicErrors({ try plan.streamWatermark }) {
      throw KConnectError(.notSupported, "not supported: a second event time '\(eventTime)' for rows that have '\(known.column)'", hint: "name it once, on each stream or behind the union")
    }
    return try derived { try .custom(StreamWatermark(column: eventTime, delayMs: Int64(delay)), [plan]) }
  }

  /// Of rows with equal values in the named columns (all when none is named), the first; a row that comes again within the delay of the
  /// watermark is left out, also in a later batch. Rows older than the watermark are left out. Needs `withWatermark` before.
  public func dropDuplicatesWithinWatermark(_ columns: String...) throws(KConnectError) -> DataFrame {
    guard let watermark = try publicErrors({ try plan.streamWatermark }) else {
      throw KConnectError(.usage, "dropDuplicatesWithinWatermark needs an event time", hint: "withWatermark(\"ts\", \"1 hour\") before it")
    }
    return try droppingDuplicates(columns.isEmpty ? schema.names : columns, .within(milliseconds: watermark.delayMs, eventTime: watermark.column))
  }

  /// Of rows with equal keys, the first within the scope.
  package func droppingDuplicates(_ keys: [String], _ scope: StreamDeduplicate.Scope) throws(KConnectError) -> DataFrame {
    guard isStreaming else {
      throw KConnectError(.usage, "dropping duplicates across batches over a table", hint: "dropDuplicates does it for tables")
    }
    return try derived { try .custom(StreamDeduplicate(keys: keys, scope: scope), [plan]) }
  }
}
