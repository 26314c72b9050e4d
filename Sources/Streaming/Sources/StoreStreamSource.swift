// Role: a table of the embedded store as a stream: every row once, in order of commits. An offset is a database cursor over the one table;
// merges and deletions rewrite extents but not the commit versions of rows, so a batch is the same rows whenever it is read.

package import Columnar
package import DataSource
package import Engine
import KustoStore

package final class StoreStreamSource: MicroBatchSource {
  package static let specs: [OptionSpec] = StoreTables.placeOptions + [
    OptionSpec("maxRowsPerTrigger", .integer, default: "0", use: .read, "Rows in one batch; at least one commit is taken, commits are not split. 0: no limit."),
    OptionSpec("maxBytesPerTrigger", .bytes, default: "0", use: .read, "Bytes of extents in one batch; at least one commit is taken. 0: no limit."),
    OptionSpec("maxExtentsPerTrigger", .integer, default: "0", use: .read, "Extents in one batch; at least one commit is taken. 0: no limit."),
    OptionSpec("startingCursor", .string, use: .read, "Where a new query begins: a cursor of the store, or 'latest'; rows up to there are left out. Default: the first row."),
  ]

  private let table: StoreTable
  private let label: String
  package let store: String?
  private let maxRows: Int
  private let maxBytes: Int
  private let maxExtents: Int
  private let startingCursor: String?
  package let schema: StructType
  /// The version behind which a query without offsets begins.
  private var beginning: Int64 = -1
  /// Up to here there are no rows behind the offset asked about last.
  private var quiet: Int64 = -1
  private var frozen: Int64?
  private var waiting: (rows: Int, bytes: Int) = (0, 0)
  private var notes: [String] = []

  /// Throws PATH_NOT_FOUND, USAGE, OPTION_INVALID.
  package init(_ path: String, options: DataSourceOptions) throws {
    table = try StoreTables.open(path, options)
    store = StoreTables.place(options)
    label = "\(quotedName(table.database.name)).\(quotedName(table.name))"
    func limit(_ value: Int?, _ name: String) throws -> Int {
      guard let value, value >= 0 else { throw KConnectError(.optionInvalid, "option '\(name)' must be 0 or more") }
      return value == 0 ? .max : value
    }
    maxRows = try limit(options.integer("maxRowsPerTrigger"), "maxRowsPerTrigger")
    maxBytes = try limit(options.bytes("maxBytesPerTrigger"), "maxBytesPerTrigger")
    maxExtents = try limit(options.integer("maxExtentsPerTrigger"), "maxExtentsPerTrigger")
    startingCursor = options.string("startingCursor")
    if let startingCursor, startingCursor.lowercased() != "latest" { _ = try DatabaseCursor(startingCursor) }
    schema = try table.snapshot().schema
  }

  package var description: String { "kusto stream \(label)" }
  package var identity: String { "kusto:\(label)" }
  package var acceptsNewColumns: Bool { true }
  package var backlog: [(name: String, value: Int)] {
    waiting.rows == 0 ? [] : [("numRowsOutstanding", waiting.rows), ("numBytesOutstanding", waiting.bytes)]
  }

  package func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  /// Where the query begins stands in the source's log, so that a restart counts from the same place.
  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    guard let startingCursor else { return }
    beginning = try version(
      offsets.start(checkpoint, index) {
        cursor(startingCursor.lowercased() == "latest" ? try table.newestVersion() : try DatabaseCursor(startingCursor).version(of: table.id))
      })
  }

  package func freeze() throws { frozen = try table.newestVersion() }

  private var offsets: CursorOffsets { CursorOffsets(label: label, description: description) }
  private func cursor(_ version: Int64) -> String { DatabaseCursor(version < 0 ? [:] : [table.id: version]).text }

  private func version(_ offset: StreamOffset?) throws -> Int64 {
    guard let offset else { return beginning }
    guard let cursor = try? DatabaseCursor(try offsets.cursor(offset)) else { throw offsets.conflict(offset) }
    if !cursor.versions.isEmpty, cursor.versions[table.id] == nil {
      throw KConnectError(
        .checkpointConflict, "the table \(label) was dropped and made anew since this checkpoint was written: its cursor means nothing in the new one",
        hint: "use another checkpoint directory; the new table is then read from its first row")
    }
    return cursor.version(of: table.id)
  }

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    let from = try version(start)
    try Failpoint.pass("list.before")
    let newest = try table.newestVersion()
    try checkReached(from, newest)
    let base = max(from, quiet), last = min(frozen ?? .max, newest)
    waiting = (0, 0)
    guard last > base else { return start }
    // What was deleted before the query began is no concern of it.
    let deleted = base < 0 ? 0 : try table.deletedRows(after: base, through: last, unreadAfter: from)
    if deleted > 0 { notes.append("\(deleted) rows of \(label) were deleted before they were read; they are not in the stream") }
    let all = try table.snapshot().additions(after: base).filter { $0.version <= last }
    guard !all.isEmpty else {
      quiet = last
      return start
    }
    var taken = all[...]
    if case .limited = admission { taken = admitted(all) }
    waiting = all[taken.endIndex...].reduce((0, 0)) { ($0.0 + $1.rows, $0.1 + $1.bytes) }
    return offsets.offset(cursor(taken.count == all.count ? last : taken.last?.version ?? last))
  }

  /// The first commits within the limits; at least one.
  private func admitted(_ all: [CommitAddition]) -> ArraySlice<CommitAddition> {
    var rows = 0, bytes = 0, extents = 0
    var count = 0
    for one in all {
      rows += one.rows
      bytes += one.bytes
      extents += one.extents
      if count > 0, rows > maxRows || bytes > maxBytes || extents > maxExtents { break }
      count += 1
    }
    return all[..<count]
  }

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    let snapshot = try table.snapshot()
    let last = try version(end)
    try checkReached(last, snapshot.version)
    for field in schema.fields {
      guard let now = snapshot.schema.field(field.name), now.type == field.type else {
        throw KConnectError(
          .schemaMismatch, "the column '\(field.name)' of \(label) was dropped or has another type since the stream began",
          hint: "use another checkpoint directory for the table as it is now")
      }
    }
    return try snapshot.rows(after: try version(start), through: last).select(schema.names)
  }

  private func checkReached(_ version: Int64, _ newest: Int64) throws {
    guard version > newest else { return }
    throw KConnectError(
      .checkpointConflict, "the checkpoint has read \(label) up to version \(version), but the table is at version \(newest): it was restored from an older copy",
      hint: "restore the checkpoint of that time as well, or use another checkpoint directory")
  }
}
