// Role: the contract of streaming sinks: a batch and the record that it was written become visible together, or not at all.

package import Columnar
package import DataSource
package import Engine

/// A place for batches. Used by the query's thread alone.
package protocol MicroBatchSink: AnyObject {
  /// One line for plans and progress, without secrets.
  var description: String { get }
  /// What must be the same when a checkpoint is used again.
  var identity: String { get }
  /// A name for the checkpoint of a query without one, the same at every start.
  var checkpointName: String { get }
  /// Where files go, and a name like theirs; nil for sinks that write none.
  var files: (directory: String, name: String)? { get }
  /// The directory of the embedded store, from the root, where the rows go into one.
  var store: String? { get }
  /// Called once, before the first batch of a run.
  func start(queryId: String, schema: StructType) throws
  /// Runs a batch into the sink. A batch of that number that this query has written before is skipped (`isSkipped`): its rows are there.
  func add(_ batch: MicroBatch) throws -> WriteSummary
}

extension MicroBatchSink {
  package var checkpointName: String { identity }
  package var files: (directory: String, name: String)? { nil }
  package var store: String? { nil }
  package func start(queryId: String, schema: StructType) throws {}
}

/// A batch on its way into a sink.
package struct MicroBatch {
  package let id: Int
  package let queryId: String
  /// The rows; run it at most once.
  package let execution: QueryExecution
  package let schema: StructType
  /// True when an earlier run may have written some of it.
  package let isReplay: Bool
  /// To be called by sinks that remember batches, once the rows were read and before they become visible.
  let settle: () throws -> Void
}

/// Rows into the sink of a format that records a transaction with the rows: Delta tables and the embedded store.
package final class TransactionalSink: MicroBatchSink {
  package typealias Open = (_ schema: StructType, _ queryId: String, _ batchId: Int) throws -> (any TableSink)?
  package let description: String
  package let identity: String
  package let checkpointName: String
  package let files: (directory: String, name: String)?
  package let store: String?
  private let open: Open

  /// `open` gives the sink of a batch, nil when the table has that transaction already. `directory` is that of a table of files.
  package init(description: String, identity: String, checkpointName: String, directory: String? = nil, store: String? = nil, open: @escaping Open) {
    self.description = description
    self.identity = identity
    self.checkpointName = checkpointName
    files = directory.map { ($0, "part-00000.parquet") }
    self.store = store
    self.open = open
  }

  package func add(_ batch: MicroBatch) throws -> WriteSummary {
    try Failpoint.pass("sink.before")
    guard let sink = try open(batch.schema, batch.queryId, batch.id) else { return WriteSummary(isSkipped: true) }
    return try batch.execution.write(to: FaultySink(sink, settle: batch.settle))
  }
}

/// A sink with crash points around its commit, which waits until sources have settled.
private final class FaultySink: TableSink, @unchecked Sendable {  // `settle` is called by the query's thread alone, in `commit`
  private let inner: any TableSink
  private let settle: () throws -> Void

  init(_ inner: any TableSink, settle: @escaping () throws -> Void) {
    self.inner = inner
    self.settle = settle
  }

  var preferredChunkRows: Int? { inner.preferredChunkRows }
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { try inner.encode(chunk) }
  func append(_ chunk: any EncodedChunk) throws { try inner.append(chunk) }
  func takeWork() -> SinkWork? { inner.takeWork() }
  func endOfRows() throws { try inner.endOfRows() }
  func abort() { inner.abort() }

  func commit() throws -> WriteSummary {
    do {
      try settle()
      try Failpoint.pass("sink.encoded")
    } catch {
      inner.abort()
      throw error
    }
    let summary = try inner.commit()
    try Failpoint.pass("sink.after")
    return summary
  }
}

/// Rows to a function: console, memory, foreachBatch, a command. At least once: after a crash the function may get a batch again, with the
/// same number and the same rows.
package final class CallbackSink: MicroBatchSink {
  package let description: String
  package var identity: String { description }
  private let body: (MicroBatch) throws -> WriteSummary

  package init(description: String, _ body: @escaping (MicroBatch) throws -> WriteSummary) {
    self.description = description
    self.body = body
  }

  package func add(_ batch: MicroBatch) throws -> WriteSummary {
    try Failpoint.pass("sink.before")
    return try body(batch)
  }
}
