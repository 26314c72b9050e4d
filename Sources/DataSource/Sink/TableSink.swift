// Role: the contract of sinks. Rows come as chunks in row order; encoding runs in parallel, appending in order; readers see nothing before `commit`.

package import Columnar

/// What happens when the target exists already.
public enum SaveMode: String, Sendable, CaseIterable {
  case append, overwrite, error, ignore
}

/// What a write did.
public struct WriteSummary: Sendable, Hashable {
  public var rows: Int
  public var bytes: Int
  public var files: Int
  /// True when nothing was written: save mode `ignore` found the target, or the target has the rows of this write already.
  public var isSkipped: Bool
  /// Why, where it is not save mode `ignore`: `rows with ingest-by:a are there already`.
  public var skipReason: String?

  public init(rows: Int = 0, bytes: Int = 0, files: Int = 0, isSkipped: Bool = false, skipReason: String? = nil) {
    self.rows = rows
    self.bytes = bytes
    self.files = files
    self.isSkipped = isSkipped
    self.skipReason = skipReason
  }
}

/// A chunk after `encode`, ready to be appended.
package protocol EncodedChunk: Sendable {
  var rowCount: Int { get }
  var byteCount: Int { get }
}

/// A piece of a write that may run on any thread.
package typealias SinkWork = @Sendable () throws -> Void

/// A sink under construction. After `commit` or `abort` nothing may be called; a sink dropped without either must leave nothing behind.
package protocol TableSink: AnyObject, Sendable {
  /// Rows the sink wants in a chunk (a Parquet row group); nil: any batch is a chunk.
  var preferredChunkRows: Int? { get }
  /// Encodes consecutive batches. Called on many threads at once.
  func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk
  /// Appends the next chunk in row order. One thread at a time.
  func append(_ chunk: any EncodedChunk) throws
  /// Work that `append` and `endOfRows` left for any thread, such as encoding rows gathered from several chunks; nil: none now.
  /// Called and run on many threads at once; what nobody took, `commit` does.
  func takeWork() -> SinkWork?
  /// Every chunk has been appended: rows still gathered become work. Called at most once, before `commit`.
  func endOfRows() throws
  /// Makes everything visible, durable where promised.
  func commit() throws -> WriteSummary
  /// Removes every trace.
  func abort()
}

extension TableSink {
  package func takeWork() -> SinkWork? { nil }
  package func endOfRows() throws {}
}
