// Role: a Delta table as a stream: first the files of a version, then what each later version added. Offsets are those of Delta's Spark
// source: {"sourceVersion","reservoirId","reservoirVersion","index","isStartingVersion"}; index is the last file of that version that was
// read, -1 for none of it. Source: the Delta guide's "Delta table as a source", DeltaSource and DeltaSourceOffset of delta-io/delta.

package import Columnar
package import DataSource
import Delta
import DeltaConnector
package import Engine

package final class DeltaStreamSource: MicroBatchSource {
  package static let specs: [OptionSpec] = [
    OptionSpec("path", .path, use: .read, "The table's directory, when none is given otherwise."),
    OptionSpec("startingVersion", .string, use: .read, "Where a new query begins: a version, whose changes are the first rows, or 'latest' (only what comes). Default: all rows of the newest version, then changes."),
    OptionSpec("startingTimestamp", .string, use: .read, "Where a new query begins: the first version committed at or after this time, such as 2024-01-31T12:00:00Z."),
    OptionSpec("maxFilesPerTrigger", .integer, default: "1000", use: .read, "Files in one batch at most; 0: no limit."),
    OptionSpec("maxBytesPerTrigger", .bytes, default: "0", use: .read, "Bytes of files in one batch; at least one file is taken. 0: no limit."),
    OptionSpec("ignoreDeletes", .bool, default: "false", use: .read, "true: versions that only delete are passed over; without it they end the stream."),
    OptionSpec("ignoreChanges", .bool, default: "false", use: .read, "true: of versions that rewrite files, the new files are read whole: rows that did not change come again."),
    OptionSpec("skipChangeCommits", .bool, default: "false", use: .read, "true: versions that delete or rewrite are passed over whole."),
    OptionSpec("failOnDataLoss", .bool, default: "true", use: .read, "false: versions whose log was cleaned up before they were read are passed over, with a note."),
    OptionSpec("readChangeFeed", .bool, default: "false", use: .read, aliases: ["readChangeData"], "true: rows are changes, with the columns _change_type (insert, delete, update_preimage, update_postimage), _commit_version and _commit_timestamp."),
    OptionSpec("schemaTrackingLocation", .path, use: .read, support: .notSupported("tracking of columns that were renamed or dropped"), "A directory for schemas."),
    OptionSpec("onInexact", .oneOf(["fail", "truncate"]), default: "fail", use: .read, "Values that KQL's types cannot hold exactly: an error, or cut."),
  ]

  /// A file with its place in its version.
  private struct Entry {
    var index: Int
    var file: AddFile
    var kind = DeltaChangeFeed.Kind.insert
    var version: Int64
  }

  private let log: DeltaLog
  private let changes: DeltaChangeRules
  private let maxFiles: Int
  private let maxBytes: Int
  private let failsOnLoss: Bool
  private let readsChanges: Bool
  /// The table's own columns.
  private let tableSchema: StructType
  private let onInexact: String
  private let start: (version: String?, timestamp: String?)
  private var snapshot: DeltaSnapshot
  private var beginning: DeltaPosition
  private var frozen: Int64?
  /// Up to here the versions behind the position asked about last have no files.
  private var quiet: DeltaPosition?
  private var known: (version: Int64, isStarting: Bool, entries: [Entry])?
  private var waiting = 0
  private var notes: [String] = []
  package let schema: StructType

  /// Throws PATH_NOT_FOUND, OPTION_INVALID, FORMAT_CORRUPT, NOT_SUPPORTED.
  package init(_ path: String, options: DataSourceOptions) throws {
    guard let path = path.isEmpty ? options.string("path") : path else { throw KConnectError(.usage, "no path given for the stream of a Delta table", hint: "delta:DIRECTORY") }
    log = DeltaLog(path: try DeltaProvider.directory(path))
    snapshot = try log.snapshot()
    tableSchema = snapshot.structType
    readsChanges = options.bool("readChangeFeed")
    schema = readsChanges ? try DeltaChangeFeed.schema(tableSchema, path: log.displayPath) : tableSchema
    if readsChanges, let other = ["ignoreDeletes", "ignoreChanges", "skipChangeCommits"].first(where: { options.bool($0) }) {
      throw KConnectError(.optionInvalid, "options 'readChangeFeed' and '\(other)' exclude each other", hint: "the change data feed gives deletions and updates as rows")
    }
    func limit(_ value: Int?, _ name: String) throws -> Int {
      guard let value, value >= 0 else { throw KConnectError(.optionInvalid, "option '\(name)' must be 0 or more") }
      return value == 0 ? .max : value
    }
    maxFiles = try limit(options.integer("maxFilesPerTrigger"), "maxFilesPerTrigger")
    maxBytes = try limit(options.bytes("maxBytesPerTrigger"), "maxBytesPerTrigger")
    failsOnLoss = options.bool("failOnDataLoss")
    onInexact = options.word("onInexact") ?? "fail"
    changes = DeltaChangeRules(
      ignoresDeletes: options.bool("ignoreDeletes"), ignoresChanges: options.bool("ignoreChanges"), skipsChanges: options.bool("skipChangeCommits"), path: log.displayPath)
    start = (options.string("startingVersion"), options.string("startingTimestamp"))
    if start.version != nil, start.timestamp != nil { throw KConnectError(.optionInvalid, "options 'startingVersion' and 'startingTimestamp' exclude each other") }
    beginning = DeltaPosition(table: snapshot.metadata.id, version: snapshot.version, index: -1, isStarting: true)
    if let text = start.version, text.lowercased() != "latest", Int64(text) ?? -1 < 0 {
      throw KConnectError(.optionInvalid, "option 'startingVersion': found '\(text.prefix(40))', expected a version of 0 or more, or 'latest'")
    }
  }

  package var description: String { "delta stream \(log.displayPath)" }
  package var identity: String { "delta:\(absolutePath(log.path))" }
  package var acceptsNewColumns: Bool { true }
  package var backlog: [(name: String, value: Int)] { waiting == 0 ? [] : [("numFilesOutstanding", waiting)] }

  package func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  /// Where the query begins stands in the source's log: a replay of the first batch must not depend on what is newest then.
  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    let log = try checkpoint.sourceLog(index)
    if let line = try log.read(0)?.first {
      beginning = try DeltaPosition(StreamOffset(json: line))
      return
    }
    beginning = try firstPosition()
    try log.put(0, [beginning.offset.json])
  }

  private func firstPosition() throws -> DeltaPosition {
    let first = try chosenPosition()
    if readsChanges {
      let version = min(first.version, snapshot.version)
      try DeltaChangeFeed.check(version == snapshot.version ? snapshot.metadata : log.snapshot(at: version).metadata, version: version, path: log.displayPath)
    }
    return first
  }

  private func chosenPosition() throws -> DeltaPosition {
    let table = snapshot.metadata.id
    func changes(from version: Int64) -> DeltaPosition { DeltaPosition(table: table, version: version, index: -1, isStarting: false) }
    if let text = start.version {
      if text.lowercased() == "latest" { return changes(from: snapshot.version + 1) }
      let version = Int64(text) ?? 0
      guard version <= snapshot.version + 1, try version > snapshot.version || log.commit(version) != nil else {
        throw KConnectError(.pathNotFound, "'\(log.displayPath)': the changes of version \(version) cannot be read", hint: "the newest version is \(snapshot.version); older ones may have been cleaned up")
      }
      return changes(from: version)
    }
    guard let text = start.timestamp else { return DeltaPosition(table: table, version: snapshot.version, index: -1, isStarting: true) }
    guard case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else {
      throw KConnectError(.optionInvalid, "option 'startingTimestamp': found '\(text.prefix(80))', expected a time such as 2024-01-31T12:00:00Z")
    }
    guard let first = try log.history().last(where: { $0.timestamp * 10_000 >= ticks }) else {
      throw KConnectError(.pathNotFound, "'\(log.displayPath)' has no version committed at or after \(text)", hint: "startingVersion=latest begins with what comes")
    }
    return changes(from: first.version)
  }

  package func freeze() throws {
    snapshot = try log.update(snapshot)
    frozen = snapshot.version
  }

  private func position(_ offset: StreamOffset?) throws -> DeltaPosition {
    guard let offset else { return beginning }
    let position = try DeltaPosition(offset)
    guard position.table == snapshot.metadata.id else {
      throw KConnectError(
        .checkpointConflict, "the Delta table '\(log.displayPath)' was deleted and made anew since this checkpoint was written (table id \(position.table), now \(snapshot.metadata.id))",
        hint: "use another checkpoint directory")
    }
    return position
  }

  // MARK: Offsets

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    try Failpoint.pass("list.before")
    snapshot = try log.update(snapshot)
    let from = try position(start)
    var at = from
    if let quiet, from < quiet { at = quiet }
    let last = min(frozen ?? .max, snapshot.version)
    var isLimited = false
    if case .limited = admission { isLimited = true }
    var files = 0, bytes = 0
    waiting = 0
    while at.isStarting || at.version <= last {
      let entries = try entries(at.version, isStarting: at.isStarting).drop { $0.index <= at.index }
      // The changes of one version stay together, so that both images of an update come in one batch.
      let isWhole = readsChanges && !at.isStarting
      let wholeBytes = isWhole ? entries.reduce(0) { Self.sum($0, $1.file.size) } : 0
      for (i, entry) in entries.enumerated() {
        let size = isWhole ? wholeBytes : Int(entry.file.size)
        if isLimited, !isWhole || i == 0, files > 0 && (files + (isWhole ? entries.count : 1) > maxFiles || Self.sum(bytes, Int64(size)) > maxBytes) {
          waiting = entries.count - i
          return at.offset
        }
        files += 1
        bytes = Self.sum(bytes, entry.file.size)
        at.index = entry.index
      }
      let wasStarting = at.isStarting
      at = DeltaPosition(table: at.table, version: at.version + 1, index: -1, isStarting: false)
      // The rows of the first version are batches of their own.
      if wasStarting, files > 0 { break }
    }
    if files == 0 {
      quiet = at
      return start
    }
    return at.offset
  }

  /// Sizes stand in the log, which may say anything: a sum ends at the greatest number.
  private static func sum(_ bytes: Int, _ size: Int64) -> Int {
    let (sum, overflows) = bytes.addingReportingOverflow(Int(size))
    return overflows ? .max : sum
  }

  /// The files of a version in their order: all of it, or what it added.
  private func entries(_ version: Int64, isStarting: Bool) throws -> [Entry] {
    if let known, known.version == version, known.isStarting == isStarting { return known.entries }
    var files: [(DeltaChangeFeed.Kind, AddFile)]
    if isStarting {
      files = (version == snapshot.version ? snapshot : try log.snapshot(at: version)).adds.map { (.insert, $0) }
      files.sort { $0.1.modificationTime != $1.1.modificationTime ? $0.1.modificationTime < $1.1.modificationTime : $0.1.path.utf8.lexicographicallyPrecedes($1.1.path.utf8) }
    } else if let commit = try log.commit(version) {
      if readsChanges {
        try changes.check(commit.actions, version: version, readAs: tableSchema, wantsFeed: true)
        files = try DeltaChangeFeed.files(of: commit.actions, version: version, timestamp: try log.timestamp(of: version), path: log.displayPath)
      } else {
        files = try changes.additions(of: commit.actions, version: version, readAs: schema).map { (.insert, $0) }
      }
    } else if version > snapshot.version {
      return []
    } else {
      let what = "'\(log.displayPath)': the log of version \(version) was cleaned up before its changes were read"
      if failsOnLoss {
        throw KConnectError(.checkpointConflict, what, hint: "use another checkpoint directory to read the table anew, or failOnDataLoss=false to go on without those rows")
      }
      notes.append(what)
      files = []
    }
    let entries = files.enumerated().map { Entry(index: $0.offset, file: $0.element.1, kind: $0.element.0, version: version) }
    known = (version, isStarting, entries)
    return entries
  }

  // MARK: Rows

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    snapshot = try log.update(snapshot)
    var at = try position(start)
    let end = try position(end)
    var files: [Entry] = []
    while at < end {
      let isLast = at.version == end.version && at.isStarting == end.isStarting
      files += try entries(at.version, isStarting: at.isStarting).filter { $0.index > at.index && (!isLast || $0.index <= end.index) }
      if isLast { break }
      at = DeltaPosition(table: at.table, version: at.version + 1, index: -1, isStarting: false)
    }
    for field in tableSchema.fields where snapshot.structType.field(field.name)?.type != field.type {
      throw KConnectError(
        .schemaMismatch, "the column '\(field.name)' of '\(log.displayPath)' was dropped or has another type since the stream began",
        hint: "use another checkpoint directory for the table as it is now")
    }
    for file in files.map(\.file) {
      let path = try DeltaPath.resolve(file.path, in: log.path)
      guard pathExists(path) else {
        throw KConnectError(
          .checkpointConflict, "'\(path)', a file of a batch of \(description), is gone: the table was vacuumed before the stream read it",
          hint: "use another checkpoint directory to read the table as it is now")
      }
    }
    let parquet = [("onInexact", onInexact)]
    guard readsChanges else {
      return try LogicalPlan.scan(try DeltaReader.table(snapshot, in: log.path, files: files.map(\.file), parquet: parquet)).select(schema.names)
    }
    var plans: [LogicalPlan] = []
    var rest = files[...]
    while let first = rest.first {
      let run = rest.prefix { $0.kind == first.kind && $0.version == first.version }
      rest = rest.dropFirst(run.count)
      plans.append(try DeltaChangeFeed.rows(
        snapshot, in: log.path, first.kind, files: run.map(\.file), version: first.version, timestamp: try log.timestamp(of: first.version), names: tableSchema.names, parquet: parquet))
    }
    if plans.isEmpty { return .values(schema, []) }
    return plans.count == 1 ? plans[0] : try .union(plans)
  }
}

/// A place in a Delta table: behind file `index` of a version's files, -1 before the first.
struct DeltaPosition: Comparable {
  var table: String
  var version: Int64
  var index: Int
  /// True while the files of the first version are read, which are not what that version changed.
  var isStarting: Bool

  init(table: String, version: Int64, index: Int, isStarting: Bool) {
    self.table = table
    self.version = version
    self.index = index
    self.isStarting = isStarting
  }

  init(_ offset: StreamOffset) throws {
    let value = try offset.value()
    guard let table = value.text("reservoirId"), let version = value.integer("reservoirVersion"), let index = value.integer("index"),
      case .bool(let isStarting)? = value["isStartingVersion"], value.integer("sourceVersion") == 1
    else {
      throw KConnectError(.checkpointConflict, "the offset \(offset) is not one of a Delta stream", hint: "the checkpoint belongs to a query with another source")
    }
    self.init(table: table, version: Int64(version), index: index, isStarting: isStarting)
  }

  var offset: StreamOffset {
    StreamOffset(
      .object([
        ("sourceVersion", .long(1)), ("reservoirId", .string(table)), ("reservoirVersion", .long(version)), ("index", .long(Int64(index))),
        ("isStartingVersion", .bool(isStarting)),
      ]))
  }

  static func < (a: Self, b: Self) -> Bool {
    if a.version != b.version { return a.version < b.version }
    if a.isStarting != b.isStarting { return a.isStarting }
    return a.index < b.index
  }
}
