// Role: rows told apart by key, as flags or a configuration file say it: replaced in the target, or let through once.

import DataSource
import KConnect

/// Rows that replace rows of the target.
struct UpsertSelection {
  var key: String?
  var ttl: String?
  var ttlColumn: String?

  /// The options for a target; throws NOT_SUPPORTED for one that cannot replace rows.
  func options(for target: (any DataSourceProvider)?) throws -> [(String, String)] {
    guard let key else { return [] }
    guard let target, target.options.contains(where: { $0.name == "upsertKey" }) else {
      throw KConnectError(
        .notSupported, "--key: not supported: replacing rows by key in \(target.map { "'\($0.shortName)'" } ?? "this target")", hint: "write to kusto:DATABASE.TABLE or delta:PATH")
    }
    return [("upsertKey", try ColumnList.parse(key).joined(separator: ","))] + (ttl.map { [("ttl", $0)] } ?? []) + (ttlColumn.map { [("ttlColumn", $0)] } ?? [])
  }
}

/// Rows of a stream that are let through once.
struct DedupSelection {
  var key: String?
  var within: String?
  var eventTime: String?

  func apply(to frame: DataFrame) throws -> DataFrame {
    guard let key else { return frame }
    let keys = try ColumnList.parse(key)
    guard let within else { return try frame.droppingDuplicates(keys, .batch) }
    guard let delay = DataSourceOptions.durationMilliseconds(within), delay > 0 else {
      throw KConnectError(.usage, "--dedup-within '\(within)': expected a duration such as '1 hour'")
    }
    let dated = try eventTime.map { try frame.withWatermark($0, within) } ?? frame
    return try dated.droppingDuplicates(keys, .within(milliseconds: Int64(delay), eventTime: eventTime))
  }
}
