// Role: what an ingestion may ask for besides its rows: Kusto's ingestion properties, and the transaction of a stream.

import DataSource

/// How rows are ingested. All times are ticks of 100 ns since 1970-01-01.
package struct IngestProperties: Sendable, Hashable {
  /// Without the prefix: `x` tags the extents `drop-by:x`.
  package var dropByTags: [String] = []
  /// Without the prefix: `x` tags the extents `ingest-by:x`.
  package var ingestByTags: [String] = []
  /// Full texts (`tags` of `.ingest … with (tags=…)`; may have the prefixes).
  package var additionalTags: [String] = []
  /// Without the prefix: when an extent of the table carries `ingest-by:x` for any of these, nothing is ingested.
  package var ingestIfNotExists: [String] = []
  /// Kusto's `creationTime`: the extents' created-on and the rows' age for retention. Nil: the time of the commit.
  package var creationTime: Int64?
  /// What `ingestion_time()` gives; nil: the time of the commit.
  package var ingestionTime: Int64?
  /// A writer's name and its sequence number, recorded with the rows; the commit is skipped when the table has that number or a later one.
  package var transaction: (application: String, version: Int64)? {
    get { transactionName.map { ($0, transactionVersion) } }
    set {
      transactionName = newValue?.application
      transactionVersion = newValue?.version ?? 0
    }
  }
  private var transactionName: String?
  private var transactionVersion: Int64 = 0
  /// The operation's name in the log (`INGEST`, `SET-OR-APPEND`).
  package var operation = "INGEST"

  package init() {}

  /// The tags of the extents made.
  package var extentTags: ExtentTags {
    ExtentTags(dropByTags.map { ExtentTags.dropByPrefix + $0 } + ingestByTags.map { ExtentTags.ingestByPrefix + $0 } + additionalTags)
  }
}

/// Whether the rows join the table's or take their place.
package enum IngestMode: Sendable, Hashable {
  case append
  /// All extents of the snapshot that the write began with go in the same commit.
  case replace
}

/// Records that were none.
package struct DroppedRecords: Sendable, Hashable {
  package var count = 0
  /// Sentences that say where.
  package var notes: [String] = []

  init() {}

  /// Those of a scan.
  init(_ metrics: ScanMetrics) {
    count = metrics.recordsDropped
    notes = count > 0 ? metrics.notes : []
  }
}

/// What an ingestion did.
package struct IngestResult: Sendable {
  package var rowCount = 0
  package var byteCount = 0
  package var extents: [Extent] = []
  /// True when `ingestIfNotExists` or the transaction number found the rows there already.
  package var isSkipped = false
  /// What the reader of the rows left out.
  package var dropped = DroppedRecords()
  /// The table's version after the commit.
  package var version: Int64 = 0
  package init() {}
}
