// Role: which rows and columns of a source are wanted, as flags or a configuration file say it; they become one plan over the source.

import DataSource
import KConnect

struct RowSelection {
  var columns: String?
  var filter: String?
  var query: String?
  var limit: String?

  /// The frame with filter, columns, query and limit applied, in this order.
  func apply(to frame: DataFrame) throws -> DataFrame {
    var frame = frame
    if let filter { frame = try frame.filter(filter) }
    if let columns { frame = try frame.select(ColumnList.parse(columns)) }
    if let query { frame = try frame.kql(query) }
    if let limit {
      guard let count = Int(limit), count >= 0 else { throw KConnectError(.usage, "--limit: found '\(limit)', expected a whole number of 0 or more") }
      frame = try frame.limit(count)
    }
    return frame
  }
}
