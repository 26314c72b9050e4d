// Role: what comes out of an answer: tables with their kind, batches of their rows, and how the answer ended.

package import Columnar

/// What a table of an answer is.
package enum AnswerTableKind: Sendable, Hashable {
  case primaryResult, queryProperties, completionInformation, tableOfContents
  /// Of v1 answers before the table of contents is known, and kinds nobody knows.
  case other
}

/// The head of a table.
package struct ReceivedTable: Sendable {
  /// The `TableId`, or the position in a v1 answer.
  package var id: Int
  package var kind: AnswerTableKind
  package var name: String
  package var schema: StructType
}

/// What the reader tells its caller, in the order of the answer.
package enum AnswerEvent: Sendable {
  /// A table begins.
  case begin(ReceivedTable)
  /// Rows of a table.
  case rows(ReceivedTable, RecordBatch)
  /// All rows of the table given so far are void (progressive answers); better ones follow.
  case restart(ReceivedTable)
  /// The table is complete.
  case end(ReceivedTable, rowCount: Int)
}

/// The shape of an answer.
package enum AnswerFormat: Sendable { case v1, v2 }
