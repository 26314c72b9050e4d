// Role: the memory sink: batches kept under the query's name, for tests and for a look at a stream from the same program.

import Columnar
import DataSource
import Engine
import Streaming
import Synchronization

/// The tables that memory sinks of a session fill.
final class MemoryTables: Sendable {
  private struct Table: Sendable {
    var schema: StructType
    /// In the order of their ids.
    var batches: [(id: Int, rows: [RecordBatch])] = []
  }

  private let tables = Mutex<[String: Table]>([:])

  /// The rows of a table so far; nil when no query of that name has been started.
  func plan(_ name: String) -> LogicalPlan? {
    tables.withLock { tables in tables[name].map { LogicalPlan.values($0.schema, $0.batches.flatMap(\.rows)) } }
  }

  var plans: [String: LogicalPlan] {
    tables.withLock { tables in tables.mapValues { LogicalPlan.values($0.schema, $0.batches.flatMap(\.rows)) } }
  }

  /// A sink that fills the table `name`; a table of that name from an earlier query is emptied.
  func sink(_ name: String, schema: StructType) -> any MicroBatchSink {
    tables.withLock { $0[name] = Table(schema: schema) }
    return CallbackSink(description: "memory \(name)") { [self] batch in
      var rows: [RecordBatch] = []
      try batch.execution.run { part in
        rows.append(part)
        return true
      }
      tables.withLock { tables in
        var table = tables[name] ?? Table(schema: batch.schema)
        table.batches.removeAll { $0.id == batch.id }
        table.batches.append((batch.id, rows))
        tables[name] = table
      }
      return WriteSummary(rows: rows.reduce(0) { $0 + $1.rowCount })
    }
  }
}

extension Session {
  /// The rows that the query of that name has written to the memory sink so far. They are also in scope of `kql` under that name.
  /// Throws PATH_NOT_FOUND.
  public func table(_ name: String) throws(KConnectError) -> DataFrame {
    guard let plan = memoryTables.plan(name) else {
      throw KConnectError(.pathNotFound, "there is no table '\(name)' in memory", hint: "writeStream.format(\"memory\").queryName(\"\(name)\") makes one")
    }
    return DataFrame(session: self, plan: plan)
  }
}
