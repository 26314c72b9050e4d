// Role: what a source would read next, for dry runs: asked without a lock and without writing anything.

import DataSource

/// What waits.
package struct SourcePreview: Sendable {
  /// `3 of 12 files, 4096 bytes`.
  package var summary: String
  /// One line each.
  package var items: [String]

  package init(summary: String, items: [String]) {
    self.summary = summary
    self.items = items
  }
}

/// A source that can tell what its next batch would hold.
package protocol PreviewingSource: MicroBatchSource {
  /// The next batch of a query with that checkpoint (nil: a new query), whose source this is the i-th of.
  func preview(checkpoint: String?, index: Int) throws -> SourcePreview
}

extension FileStreamSource: PreviewingSource {
  package func preview(checkpoint: String?, index: Int) throws -> SourcePreview {
    let (all, next) = try nextFiles(checkpoint: checkpoint, index: index)
    let bytes = SeenFile.bytes(next)
    return SourcePreview(
      summary: next.count == all ? "\(all) files, \(bytes) bytes" : "\(next.count) of \(all) files, \(bytes) bytes", items: next.map { "\(shown($0.path))  \($0.size) bytes" })
  }
}
