// Role: writes by key: rows are gathered, of rows with equal keys the last one counts, and the table's own rows with these keys make way
// in the same commit. What a table does about its files is the connector's; which rows match is settled here.

package import Columnar
package import DataSource
package import Expressions

/// How a write by key is meant.
package struct UpsertRule: Sendable, Hashable {
  /// The columns whose values tell rows apart; nulls equal each other.
  package var keys: [String]
  /// Rows older than this go with the next write, in ticks of 100 ns; nil: none.
  package var ttlTicks: Int64?
  /// The datetime column that `ttlTicks` goes by; nil: when the row was ingested, where the table knows it.
  package var ttlColumn: String?

  /// The options of sinks that can do this.
  package static let specs: [OptionSpec] = [
    OptionSpec("upsertKey", .string, use: .write, "Columns separated by commas: rows of the table with equal values there are replaced; of equal rows of the write the last one counts."),
    OptionSpec("ttl", .duration, use: .write, "With upsertKey: rows that are older than this are removed with the next write."),
    OptionSpec("ttlColumn", .string, use: .write, "The datetime column that ttl goes by; default: when the row was ingested (kusto only)."),
  ]

  /// Nil without `upsertKey`. Throws OPTION_INVALID.
  package init?(_ options: DataSourceOptions) throws {
    guard let text = options.string("upsertKey") else {
      if options.isGiven("ttl") || options.isGiven("ttlColumn") { throw KConnectError(.optionInvalid, "options 'ttl' and 'ttlColumn' need 'upsertKey'") }
      return nil
    }
    keys = text.split(separator: ",").map { part in
      var name = part
      while name.first == " " { name.removeFirst() }
      while name.last == " " { name.removeLast() }
      return String(name)
    }
    guard !keys.isEmpty, !keys.contains(""), Set(keys).count == keys.count else {
      throw KConnectError(.optionInvalid, "option 'upsertKey': found '\(text.prefix(80))', expected names separated by commas, each once")
    }
    if let milliseconds = options.milliseconds("ttl") {
      guard milliseconds > 0 else { throw KConnectError(.optionInvalid, "option 'ttl' must be more than nothing") }
      ttlTicks = Int64(milliseconds) * 10_000
    } else if options.isGiven("ttlColumn") {
      throw KConnectError(.optionInvalid, "option 'ttlColumn' needs 'ttl'")
    }
    ttlColumn = options.string("ttlColumn")
  }

  /// Throws where the rows lack a key, or the table has keys of another type or cannot tell how old rows are.
  package func check(rows: StructType, table: StructType, knowsIngestion: Bool) throws {
    for key in keys {
      guard let own = table.field(key) else {
        throw KConnectError(.columnNotFound, "upsertKey: the table has no column '\(key)'", hint: nearestNames(to: key, among: table.names, limit: 1).first.map { "did you mean '\($0)'?" })
      }
      guard rows.index(of: key) != nil else { throw KConnectError(.columnNotFound, "upsertKey: the rows have no column '\(key)'", hint: "columns: \(rows.names.prefix(12).joined(separator: ", "))") }
      if own.type == .dynamic { throw KConnectError(.notSupported, "not supported: the dynamic column '\(key)' as a key", hint: "choose a column of another type") }
    }
    guard ttlTicks != nil else { return }
    if let ttlColumn {
      guard table.field(ttlColumn)?.type == .datetime else { throw KConnectError(.optionInvalid, "option 'ttlColumn': the table has no datetime column '\(ttlColumn)'") }
    } else if !knowsIngestion {
      throw KConnectError(.optionInvalid, "option 'ttl' needs 'ttlColumn' here: the table does not say when rows came")
    }
  }

  /// True for rows that are too old at `now`; nil without a time to live. `ingested` is the column of ingestion times.
  package func expired(at now: Int64, ingested: String) -> Expr? {
    ttlTicks.map { .call(FunctionName.less, [.column(ttlColumn ?? ingested), .literal(.datetime(now - $0))]) }
  }
}

/// The rows of one write by key.
package struct UpsertRows: Sendable {
  package let rule: UpsertRule
  /// The rows that count, in their order.
  package let batches: [RecordBatch]
  package let rowCount: Int
  private let keys: LogicalPlan
  private let table: GroupTable
  /// True at least for the keys of the write; what is cheap to look for in statistics. Nil where nothing cheap is known.
  package let bounds: Expr?

  /// Rows of `plan` whose key is among those of the write.
  package func matching(_ plan: LogicalPlan) throws -> LogicalPlan {
    try .custom(KeyMatchOperator(keys: rule.keys, mode: .matching(adding: [])), [keys, try bounds.map { try plan.filter($0) } ?? plan])
  }

  /// The other rows.
  package func missing(_ plan: LogicalPlan) throws -> LogicalPlan { try .custom(KeyMatchOperator(keys: rule.keys, mode: .missing), [keys, plan]) }

  /// True when some row of `plan` has a key of the write.
  package func hasMatch(in plan: LogicalPlan, options: ExecutionOptions, context: EvaluationContext) throws -> Bool {
    if rowCount == 0 { return false }
    var isFound = false
    let rows = try (try bounds.map { try plan.filter($0) } ?? plan).select(rule.keys)
    try QueryExecution(rows, options: options, context: context).run { batch in
      let groups = table.find(keys: batch.columns, rowCount: batch.rowCount)
      for i in 0..<batch.rowCount where groups[i] >= 0 { isFound = true }
      return !isFound
    }
    return isFound
  }

  /// Keys looked up one by one in statistics and bloom filters, at most.
  private static let maxListed = 64

  fileprivate init(_ rule: UpsertRule, _ batches: [RecordBatch], _ schema: StructType, _ table: GroupTable, _ last: [Int]) {
    self.rule = rule
    var kept: [RecordBatch] = []
    var count = 0
    let isWinner = {
      var flags = [Bool](repeating: false, count: batches.reduce(0) { $0 + $1.rowCount })
      for row in last { flags[row] = true }
      return flags
    }()
    var start = 0
    for batch in batches {
      let rows = BufferBuilder<Int32>(capacity: batch.rowCount)
      for i in 0..<batch.rowCount where isWinner[start + i] { rows.appendUnchecked(Int32(truncatingIfNeeded: i)) }
      start += batch.rowCount
      let n = rows.count
      if n == 0 { continue }
      count += n
      kept.append(n == batch.rowCount ? batch : batch.take(rows.finish()))
    }
    self.batches = kept
    self.table = table
    rowCount = count
    let fields = StructType(rule.keys.map { key in StructField(key, schema.field(key)?.type ?? .string) })
    let columns = table.keyColumns()
    keys = .values(fields, table.groupCount == 0 ? [] : [RecordBatch(schema: fields, columns: columns, rowCount: table.groupCount)])
    bounds = Expr.conjunction(zip(fields.fields, columns).compactMap { Self.bound($0, $1) })
  }

  private static func bound(_ field: StructField, _ keys: ColumnVector) -> Expr? {
    guard keys.count > 0, keys.nullCount == 0, ![.real, .decimal, .bool].contains(field.type) else { return nil }
    if keys.count <= maxListed { return .call(FunctionName.in, [.column(field.name)] + (0..<keys.count).map { .literal(keys.scalar($0)) }) }
    switch field.type {
    case .int, .long, .datetime, .timespan: break
    default: return nil
    }
    var least = keys.scalar(0), greatest = least
    for i in 1..<keys.count {
      let key = keys.scalar(i)
      if let a = key.int64Value, let low = least.int64Value, a < low { least = key }
      if let a = key.int64Value, let high = greatest.int64Value, a > high { greatest = key }
    }
    return .call(FunctionName.between, [.column(field.name), .literal(least), .literal(greatest)])
  }
}

/// Gathers the rows of a write by key; `finish` writes them. They stay in memory until then: LOW_MEMORY when they do not fit.
package final class UpsertSink: TableSink, @unchecked Sendable {  // append/commit by one thread at a time; encode reads constants
  private let rule: UpsertRule
  private let schema: StructType
  private let keys: [Int]
  private let memory = QueryMemory(limit: nil)
  private let convert: @Sendable (RecordBatch) throws -> RecordBatch
  private let finish: (UpsertRows) throws -> WriteSummary
  private let onAbort: () -> Void
  private let table: GroupTable
  private var batches: [RecordBatch] = []
  /// The last row of each key.
  private var last: [Int] = []
  private var rowCount = 0
  private var bytes = 0
  private var held = 0

  /// `convert` brings rows to `schema`, which has the keys under their names.
  package init(
    _ rule: UpsertRule, schema: StructType, convert: @escaping @Sendable (RecordBatch) throws -> RecordBatch = { $0 },
    finish: @escaping (UpsertRows) throws -> WriteSummary, onAbort: @escaping () -> Void = {}
  ) {
    self.rule = rule
    self.schema = schema
    self.convert = convert
    self.finish = finish
    self.onAbort = onAbort
    keys = rule.keys.compactMap { schema.index(of: $0) }
    table = GroupTable(types: keys.map { schema[$0].type })
  }

  deinit { memory.release(held) }

  package var preferredChunkRows: Int? { nil }

  private struct Chunk: EncodedChunk {
    let batches: [RecordBatch]
    var rowCount: Int { batches.reduce(0) { $0 + $1.rowCount } }
    var byteCount: Int { batches.reduce(0) { $0 + $1.byteSize } }
  }

  package func encode(_ chunk: [RecordBatch]) throws -> any EncodedChunk { Chunk(batches: try chunk.map(convert)) }

  package func append(_ chunk: any EncodedChunk) throws {
    guard let chunk = chunk as? Chunk else { throw KConnectError(.internalError, "a chunk of another format") }
    for batch in chunk.batches where batch.rowCount > 0 {
      let groups = table.assign(keys: keys.map { batch.columns[$0] }, rowCount: batch.rowCount)
      last += Array(repeating: -1, count: table.groupCount - last.count)
      for i in 0..<batch.rowCount { last[Int(groups[i])] = rowCount + i }
      rowCount += batch.rowCount
      batches.append(batch)
      bytes += batch.byteSize
      let wanted = bytes + table.byteSize + last.capacity * 8
      if wanted > held {
        try memory.require(wanted - held, for: "a write by key")
        held = wanted
      }
    }
  }

  package func commit() throws -> WriteSummary {
    do { return try finish(UpsertRows(rule, batches, schema, table, last)) } catch {
      onAbort()
      throw error
    }
  }

  package func abort() {
    batches = []
    onAbort()
  }
}
