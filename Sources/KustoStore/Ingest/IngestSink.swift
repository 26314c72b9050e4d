// Role: rows on their way into a table: encoded in parallel, appended in order to extents, visible after the commit.

package import Columnar
package import DataSource

/// An ingestion under construction.
package final class IngestSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode reads constants
  package var preferredChunkRows: Int? { nil }
  package func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { throw StoreTable.pending("ingestion") }
  package func append(_ chunk: any EncodedChunk) throws { throw StoreTable.pending("ingestion") }
  package func commit() throws -> WriteSummary { throw StoreTable.pending("ingestion") }
  package func abort() {}

  /// As `commit`, with the extents made.
  package func finish() throws -> IngestResult { throw StoreTable.pending("ingestion") }

  /// Ends the extents without committing them, for a `StoreTransaction`.
  package func stage() throws -> StagedExtents { throw StoreTable.pending("ingestion") }
}

/// Extents that are written but not committed. They vanish when they are dropped without a commit.
package final class StagedExtents: Sendable {
  /// The rows, to be read before they are committed (update policies).
  package var rows: any BatchReadable { get throws { throw StoreTable.pending("ingestion") } }
  package var extents: [Extent] { [] }
}
