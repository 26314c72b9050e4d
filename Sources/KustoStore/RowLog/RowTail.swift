// Role: the rows of a table that are in no commit yet, as a snapshot sees them: segments of logs, of this process from memory, of others from their
// files. A segment whose number the table's version records is in the extents already and is left out.

import Columnar
import DataSource
import Delta
import Engine
import Expressions
import Synchronization

/// Rows behind a snapshot's extents. Immutable.
final class RowTail: Sendable {
  /// A segment.
  struct Part: Sendable {
    var number: Int64
    var schema: StructType
    var frames: [RowLogFrame]
    /// Where it can be sealed; nil for segments of other processes.
    var log: RowLog?
    var segment: RowLogSegment?
  }

  /// Stands for the extent that the rows will be in, in `extent_id()`.
  static func extentId(_ segment: Int64) -> GUID { GUID(high: 0x4B43_524F_5700_0000, low: UInt64(bitPattern: segment)) }

  private let own: [Part]
  private let files: [RowLogFile]
  private let read = Mutex<[Part]?>(nil)

  private init(own: [Part], files: [RowLogFile]) {
    self.own = own
    self.files = files
  }

  /// What waits for a table; nil: nothing. To be taken before the version that it is put behind.
  static func of(_ table: StoreTable) throws -> RowTail? {
    // Rows of this process first: those that are committed in between are in the version, and their files need not be looked at.
    let log = table.database.store.rowLogs.log(table.id)
    let numbers = log?.numbers ?? []
    let own = log?.contents() ?? []
    let files = try RowLogPlace.segments(table).filter { number in !numbers.contains(number) && !own.contains { $0.number == number } }
      .compactMap { try RowLogFile(table, $0) }
    return own.isEmpty && files.isEmpty ? nil : RowTail(own: own, files: files)
  }

  /// Without the segments that a version has; nil when none is left.
  func behind(_ delta: DeltaSnapshot) -> RowTail? {
    let sealed = delta.transactions[StoreTable.rowLogName]?.version ?? 0
    let own = own.filter { $0.number > sealed }, files = files.filter { $0.number > sealed }
    return own.isEmpty && files.isEmpty ? nil : RowTail(own: own, files: files)
  }

  /// The segments in their order. Throws FORMAT_CORRUPT for a damaged file.
  func parts() throws -> [Part] {
    if files.isEmpty { return own }
    return try read.withLock { read in
      if let read { return read }
      var parts = own
      for file in files {
        let (schema, frames) = try file.read()
        if !frames.isEmpty { parts.append(Part(number: file.number, schema: schema, frames: frames)) }
      }
      parts.sort { $0.number < $1.number }
      read = parts
      return parts
    }
  }

  func rowCount() throws -> Int { try parts().reduce(0) { $0 + $1.frames.reduce(0) { $0 + $1.batch.rowCount } } }

  /// Rows under the columns of a table, by name. Columns that the rows lack are null, those that the table lacks are left out, other types are
  /// converted as `.alter column` does.
  static func adapted(_ batches: [RecordBatch], from: StructType, to: StructType) throws -> [RecordBatch] {
    if from.names == to.names, from.fields.map(\.type) == to.fields.map(\.type) { return batches }
    let plan = try LogicalPlan.values(from, batches).project(
      to.fields.map { field in
        guard let old = from.field(field.name) else { return NamedExpr(field.name, .literal(.null(field.type))) }
        return NamedExpr(field.name, StoreTable.converted(field.name, from: old.type, to: field.type))
      })
    var out: [RecordBatch] = []
    var options = ExecutionOptions()
    options.threads = 1
    try QueryExecution(plan, options: options, context: EvaluationContext(nowTicks: 0, seed: 0)).run { batch in
      out.append(batch)
      return true
    }
    return out
  }
}
