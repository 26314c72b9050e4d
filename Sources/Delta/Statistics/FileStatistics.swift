// Role: the statistics of a file, read from their JSON text: counts, and bounds of columns for pruning.

import Columnar
import DataSource
import Expressions

extension AddFile {
  /// Rows in the data file (deleted ones included), nil when the statistics do not say.
  package func numRecords() throws -> Int64? {
    guard let stats else { return nil }
    let value = try JSONTree.parse(Array(stats.utf8), place: "the statistics of '\(path)'")
    if case .long(let n)? = value["numRecords"], n >= 0 { return n }
    return nil
  }
}
