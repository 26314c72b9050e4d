// Role: the statistics parsed last: scans ask for several columns of one file, then for the next file.

import Synchronization

/// Keeps the statistics of one file of a scan.
package final class StatisticsCache: Sendable {
  private let last = Mutex<(file: Int, statistics: FileStatistics?)?>(nil)

  package init() {}

  /// The statistics that the log has of a file, `text`; nil when it has none that can be read.
  package func statistics(of file: Int, _ text: String?) -> FileStatistics? {
    last.withLock { last in
      if let last, last.file == file { return last.statistics }
      let parsed = FileStatistics(text)
      last = (file, parsed)
      return parsed
    }
  }
}
