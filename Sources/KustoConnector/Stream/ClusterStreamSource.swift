// Role: a table of a cluster as a stream: every row once, by database cursor. A batch is the rows between two cursors, asked for with
// cursor_after() and cursor_before_or_at(), so it is the same rows whenever it is read.
// Source: Kusto "Database cursors"; the table needs the ingestion time policy, which tables have by default.

package import Columnar
package import DataSource
package import Engine
import Expressions
import KQL
import KustoStore
package import Streaming

package final class ClusterStreamSource: MicroBatchSource {
  /// Limits of batches are those of cursors: all that has come.
  private static let limits = ["maxRowsPerTrigger", "maxBytesPerTrigger", "maxExtentsPerTrigger"].map {
    OptionSpec($0, .string, use: .read, support: .notSupported("limits of a batch from a cluster: a cursor names all rows up to now"), "Limits of one batch.")
  }

  package static let specs: [OptionSpec] = ClusterOptions.specs.filter { $0.use != .write } + limits + [
    OptionSpec("startingCursor", .string, use: .read, "Where a new query begins: a cursor of the database, or 'latest'; rows up to there are left out. Default: the first row.")
  ]

  private let reader: ClusterReader
  private let table: String
  private let label: String
  private let takesPlans: Bool
  private let startingCursor: String?
  package let schema: StructType
  private var beginning = ""
  /// Up to here there are no rows behind the offset asked about last.
  private var quiet: (from: String, to: String)?
  private var frozen: String?

  /// Throws USAGE, PATH_NOT_FOUND, what the cluster says.
  package init(_ path: String, options: DataSourceOptions) throws {
    let target = try ClusterTarget(path.isEmpty ? [] : [path], options)
    guard let name = target.name.table, options.string("kustoQuery") == nil else {
      throw KConnectError(.usage, "a stream from a cluster reads one table", hint: "write kusto:\(target.address.engine)/DATABASE.TABLE; --query transforms its rows")
    }
    let database = try target.database()
    reader = ClusterReader(client: try ClusterSettings(options).client(target.address).allowingLargeResults(), database: database)
    table = KQLPrinter.quoted(name: name)
    label = "\(target.address.engine)/\(KQLPrinter.quoted(name: database)).\(table)"
    takesPlans = options.bool("queryFilterPushDown")
    startingCursor = options.string("startingCursor")
    schema = try reader.probe(QueryTextShape(table))
  }

  package var description: String { "kusto stream \(label)" }
  package var identity: String { "kusto:\(label)" }
  package var acceptsNewColumns: Bool { true }

  private var offsets: CursorOffsets { CursorOffsets(label: label, description: description) }
  private func cursor(_ offset: StreamOffset?) throws -> String { try offset.map { try offsets.cursor($0) } ?? beginning }

  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    guard let startingCursor else { return }
    beginning = try offsets.cursor(offsets.start(checkpoint, index) { startingCursor.lowercased() == "latest" ? try currentCursor() : startingCursor })
  }

  package func freeze() throws { frozen = try currentCursor() }

  /// Where the database is now.
  private func currentCursor() throws -> String {
    guard case .string(let text)? = try reader.value("print cursor_current()", activity: "cursorGet") else {
      throw KConnectError(.formatCorrupt, "the cluster's answer to cursor_current() is no text")
    }
    return text
  }

  /// The rows between two cursors; an empty one is the beginning of everything.
  private func text(_ from: String, _ to: String) -> String {
    "\(table)\n| where cursor_after(\(KQLPrinter.quoted(string: from))) and cursor_before_or_at(\(KQLPrinter.quoted(string: to)))"
  }

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    let from = try cursor(start)
    try Failpoint.pass("list.before")
    let now = try frozen ?? currentCursor()
    guard now != from, quiet.map({ $0 != (from, now) }) ?? true else { return start }
    // The cursor is the database's: rows of other tables move it, too.
    guard try reader.count(QueryTextShape(text(from, now))) > 0 else {
      quiet = (from, now)
      return start
    }
    return offsets.offset(now)
  }

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    // Columns by name: those added since the stream began are left out, those dropped are the cluster's error.
    let columns = schema.names.map { KQLPrinter.quoted(name: $0) }.joined(separator: ", ")
    let shape = QueryTextShape(text(try cursor(start), try offsets.cursor(end)) + "\n| project " + columns)
    return .scan(ClusterTable(reader, shape, schema: schema, takesPlans: takesPlans))
  }
}
