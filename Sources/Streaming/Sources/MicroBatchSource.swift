// Role: the contract of streaming sources. latestOffset → (write-ahead log) → rows(after, through) → commit is the order of a batch.

package import Columnar
package import DataSource
package import Engine
package import Expressions

/// How much of a source a batch may take.
package enum Admission: Sendable {
  /// What the source's rate limits allow.
  case limited
  /// Everything there is.
  case everything
}

/// A source read in batches. Used by the query's thread alone.
package protocol MicroBatchSource: AnyObject {
  /// One line for plans and progress, without secrets.
  var description: String { get }
  /// What must be the same when a checkpoint is used again, such as format and path.
  var identity: String { get }
  var schema: StructType { get }
  /// Takes this source's place in a checkpoint; called once, before anything else.
  func attach(_ checkpoint: Checkpoint, index: Int) throws
  /// True when files of that name in a directory would be rows of this source.
  func reads(_ name: String, in directory: String) -> Bool
  /// The directory of the embedded store, from the root, where the rows stand in one.
  var store: String? { get }
  /// Fixes what an available-now run reads: nothing that arrives later.
  func freeze() throws
  /// The end of the next batch behind `start` (nil: from the beginning); nil or `start` when there is nothing new. What the offset stands
  /// for is durable before this returns.
  func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset?
  /// The rows behind `start` up to `end`: the same ones each time it is asked. Throws when they are gone or changed.
  func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan
  /// After a failure of that range: true when the source now leaves out what cannot be read, and the batch is to run again.
  func setAside(after start: StreamOffset?, through end: StreamOffset, _ error: KConnectError) throws -> Bool
  /// All rows up to `end` were read and are about to become visible: what the source keeps beside them must be durable by then.
  func settle(through end: StreamOffset) throws
  /// The batch that ended at `end` is done for good: the source may clean up behind it.
  func commit(through end: StreamOffset) throws
  /// Rows, files or bytes not read yet, for progress; empty where unknown.
  var backlog: [(name: String, value: Int)] { get }
  /// True when a checkpoint written before columns were added may be used: rows of that time have null there.
  var acceptsNewColumns: Bool { get }
  /// For a source that ends by itself, whether it has; nil for those that never do.
  var hasEnded: Bool? { get }
  /// Remarks for the user since the last call.
  func takeNotes() -> [String]
}

extension MicroBatchSource {
  package func attach(_ checkpoint: Checkpoint, index: Int) throws {}
  package func reads(_ name: String, in directory: String) -> Bool { false }
  package var store: String? { nil }
  package func freeze() throws {}
  package func setAside(after start: StreamOffset?, through end: StreamOffset, _ error: KConnectError) throws -> Bool { false }
  package func settle(through end: StreamOffset) throws {}
  package func commit(through end: StreamOffset) throws {}
  package var backlog: [(name: String, value: Int)] { [] }
  package var acceptsNewColumns: Bool { false }
  package var hasEnded: Bool? { nil }
  package func takeNotes() -> [String] { [] }
}

/// The place of a streaming source in a plan; each batch puts its own rows there. Each query makes a source of its own from it.
package final class StreamRelation: BatchReadable {
  package let schema: StructType
  package let description: String
  private let open: @Sendable () throws -> any MicroBatchSource

  /// `open` makes a source of that schema.
  package init(schema: StructType, description: String, open: @escaping @Sendable () throws -> any MicroBatchSource) {
    self.schema = schema
    self.description = description
    self.open = open
  }

  /// A source for one query.
  package func makeSource() throws -> any MicroBatchSource { try open() }

  package func pushdown(_ filters: [Expr]) -> [FilterPushdown] { filters.map { _ in .unsupported } }

  package func scan(_ request: ScanRequest, context: EvaluationContext) throws -> any Scan {
    throw KConnectError(.usage, "\(description) is a stream: it is read by a streaming query", hint: "start one with writeStream, or kconnect stream")
  }
}
