// Role: extents: showing, moving, replacing, dropping, merging and tagging them; deleting rows.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

extension CommandRun {
  private var ids: Set<GUID> { Set(command.texts("ids").compactMap { GUID($0) }) }

  // MARK: Showing

  /// `name` stands for that of the tables: those of materialized views have none to be shown.
  func extentsShow(_ tables: [StoreTable], under name: String? = nil) throws -> CommandOutput {
    let ids = ids
    var rows: [[Scalar]] = []
    for table in tables {
      for extent in try table.snapshot().extents where (ids.isEmpty || ids.contains(extent.id)) && matchesTags(extent) {
        rows.append([
          .guid(extent.id), .string(table.database.name), .string(name ?? table.name), .datetime(extent.maxCreatedOn), .size(extent.originalSize), .size(extent.byteSize),
          .size(extent.byteSize), .real(0), .count(1), .count(1), .string(""), .count(extent.rowCount), .datetime(extent.minCreatedOn),
          .string(extent.tagList.joined(separator: "\r\n")), .string("Extent"), .count(0),
        ])
      }
    }
    return CommandOutput(Shapes.extents, rows)
  }

  private func matchesTags(_ extent: Extent) -> Bool {
    let filter = command.texts("tags")
    for i in stride(from: 0, to: filter.count - 1, by: 2) {
      let text = filter[i + 1]
      func contains(_ tag: String) -> Bool { tag.lowercased().contains(text.lowercased()) }
      let isMatch: Bool
      switch filter[i] {
      case "has", "==": isMatch = extent.tagList.contains { $0.lowercased() == text.lowercased() }
      case "!has", "!=": isMatch = !extent.tagList.contains { $0.lowercased() == text.lowercased() }
      case "contains": isMatch = extent.tagList.contains(where: contains)
      default: isMatch = !extent.tagList.contains(where: contains)
      }
      if !isMatch { return false }
    }
    return true
  }

  func tagStatisticsShow() throws -> CommandOutput {
    let rows = try database().tables().compactMap { table -> [Scalar]? in
      let extents = try table.snapshot().extents
      let tags = extents.flatMap(\.tagList)
      guard !tags.isEmpty else { return nil }
      return [
        .string(table.name), .count(extents.count), .count(extents.count { !$0.tagList.isEmpty }), .count(tags.count), .count(tags.reduce(0) { $0 + $1.utf8.count }),
        .count(extents.reduce(0) { $0 + $1.tags.ingestBy.count }), .count(extents.reduce(0) { $0 + $1.tags.dropBy.count }),
      ]
    }
    return CommandOutput(Shapes.tagStatistics, rows)
  }

  // MARK: Moving

  private func setsNewIngestionTime() throws -> Bool { try properties(["setNewIngestionTime", "extentCreatedOnFrom", "extentCreatedOnTo"]).bool("setNewIngestionTime") ?? false }

  func extentsMove() throws -> CommandOutput {
    let source = try table("source")
    let target = try table("target")
    let snapshot = try source.sealedSnapshot()
    let ids = ids
    if !ids.isEmpty { try checkPresent(ids, in: [snapshot]) }
    let moved = snapshot.extents.filter { ids.isEmpty || ids.contains($0.id) }
    return try move([(snapshot, moved)], to: target)
  }

  /// `<| .show table T extents where …` or any query with a column ExtentId.
  func extentsMoveQuery() throws -> CommandOutput {
    let target = try table("target")
    let found = try extents(try rows(of: try query()))
    return try move(found.filter { $0.snapshot.table.id != target.id }, to: target)
  }

  private func move(_ groups: [(snapshot: TableSnapshot, extents: [Extent])], to target: StoreTable) throws -> CommandOutput {
    try requireAdmin(of: groups.map(\.snapshot.table))
    let isNew = try setsNewIngestionTime()
    if !isNew, groups.contains(where: { !$0.extents.isEmpty }) { try refuseOldRows(for: target) }
    for (snapshot, extents) in groups where !extents.isEmpty { try keepForViews(snapshot) }
    let transaction = StoreTransaction(target.database, operation: "MOVE-EXTENTS")
    for (snapshot, extents) in groups where !extents.isEmpty { try transaction.move(extents, of: snapshot, to: target, setNewIngestionTime: isNew) }
    try transaction.commit()
    return CommandOutput(
      Shapes.extentMoves, groups.flatMap { group in group.extents.map { [.string($0.id.description), .string($0.id.description), .string("")] as [Scalar] } })
  }

  /// Two queries in braces: the extents to drop from the table, and those to move into it.
  func extentsReplace() throws -> CommandOutput {
    let target = try table("target")
    guard let (_, span) = command.source() else { throw KConnectError(.internalError, "no queries") }
    let parts = try BracedQueries.split(request.text, Int(span.start))
    guard parts.count == 2 else {
      throw KConnectError(.kqlSyntax, "expected two queries in braces behind '<|', found \(parts.count)", hint: "<| { extents to drop }, { extents to move }")
    }
    let drops = try extents(try rows(of: try bind(parts[0])))
    let moves = try extents(try rows(of: try bind(parts[1])))
    if let foreign = drops.first(where: { $0.snapshot.table.id != target.id }) {
      throw KConnectError(.valueInvalid, "the first query names extents of '\(foreign.snapshot.table.name)', expected extents of '\(target.name)'")
    }
    try requireAdmin(of: (drops + moves).map(\.snapshot.table))
    let isNew = try setsNewIngestionTime()
    if !isNew, moves.contains(where: { $0.snapshot.table.id != target.id && !$0.extents.isEmpty }) { try refuseOldRows(for: target) }
    for (snapshot, extents) in drops + moves where !extents.isEmpty { try keepForViews(snapshot) }
    let transaction = StoreTransaction(target.database, operation: "REPLACE-EXTENTS")
    for (snapshot, extents) in drops where !extents.isEmpty { try transaction.drop(extents, of: snapshot) }
    for (snapshot, extents) in moves where snapshot.table.id != target.id && !extents.isEmpty {
      try transaction.move(extents, of: snapshot, to: target, setNewIngestionTime: isNew)
    }
    try transaction.commit()
    let moved = moves.flatMap { group in group.extents.map { [.string($0.id.description), .string($0.id.description), .string("")] as [Scalar] } }
    let dropped = drops.flatMap { group in group.extents.map { [.string($0.id.description), .string(""), .string("")] as [Scalar] } }
    return CommandOutput(Shapes.extentMoves, moved + dropped)
  }

  /// Throws PERMISSION unless the caller administers the tables whose extents a query found.
  private func requireAdmin(of tables: [StoreTable]) throws {
    guard let access = try executor.requestAccess(request.properties) else { return }
    for table in tables { try access.require(.admins, of: table, to: "perform operation \(command.kind.typeName)") }
  }

  private func bind(_ text: String) throws -> LogicalPlan {
    let inner = Request(text: text, database: request.database, properties: request.properties)
    if CommandParser.isCommand(text) {
      let command = try KQL.command(text)
      let run = CommandRun(executor: executor, request: inner, command: command)
      guard command.kind.isReadOnly else { throw KConnectError(.notSupported, "a command in braces may only show something") }
      let output = try run.perform()
      guard let tail = command.tail else { return output.plan }
      return try run.apply(tail, to: output.plan)[0].plan
    }
    let catalog = catalog()
    let bound = try KQL.bind(text, catalog: catalog, options: request.bindOptions(executor, catalog))
    guard let result = bound.results.first, bound.results.count == 1 else { throw KConnectError(.kqlSyntax, "expected one query in braces") }
    return result.plan
  }

  /// The extents whose ids stand in the column ExtentId of a result, by table of the current database.
  private func extents(_ output: CommandOutput) throws -> [(snapshot: TableSnapshot, extents: [Extent])] {
    guard let c = output.schema.fields.firstIndex(where: { $0.name == "ExtentId" }) ?? output.schema.fields.firstIndex(where: { $0.type == .guid }) else {
      throw KConnectError(.columnNotFound, "the query has no column ExtentId", hint: "for instance .show table T extents, or T | distinct ExtentId = extent_id()")
    }
    var ids: Set<GUID> = []
    for row in output.rows {
      switch row[c] {
      case .guid(let id): ids.insert(id)
      case .string(let text): if let id = GUID(text) { ids.insert(id) }
      default: break
      }
    }
    let snapshots = try database().tables().map { try $0.snapshot() }
    try checkPresent(ids, in: snapshots)
    return snapshots.compactMap { snapshot -> (snapshot: TableSnapshot, extents: [Extent])? in
      let found = snapshot.extents.filter { ids.contains($0.id) }
      return found.isEmpty ? nil : (snapshot, found)
    }
  }

  private func checkPresent(_ ids: Set<GUID>, in snapshots: [TableSnapshot]) throws {
    let known = Set(snapshots.flatMap { $0.extents.map(\.id) })
    if let missing = ids.first(where: { !known.contains($0) }) { throw KConnectError(.pathNotFound, "there is no extent '\(missing)' in the database", hint: ".show database extents lists them") }
  }

  // MARK: Dropping

  private func dropped(_ extents: [(String, Extent)]) -> CommandOutput {
    CommandOutput(Shapes.extentDrops, extents.map { [.guid($0.1.id), .string($0.0), .datetime($0.1.maxCreatedOn)] })
  }

  private func drop(_ ids: Set<GUID>, of table: StoreTable) throws -> [Extent] { try table.dropExtents(where: { ids.contains($0.id) }, before: keepForViews) }

  /// Views over a table take in the rows of a version before some of them go.
  func keepForViews(_ snapshot: TableSnapshot) throws {
    for note in try ViewMaterialization(executor, request).keep(rowsOf: snapshot) { notes.add(note) }
  }

  /// Views over a table whose columns were changed and that do not fit them are disabled.
  func disableUnfitViews(over table: StoreTable) throws {
    for note in try ViewMaterialization(executor, request).disableUnfit(over: table) { notes.add(note) }
  }

  /// Rows that a view took in before would count twice when they come once more. Throws NOT_SUPPORTED, as Kusto does, unless they come as new ones.
  /// Source: Kusto reference, "Materialized views limitations".
  private func refuseOldRows(for target: StoreTable) throws {
    guard let view = try MaterializedView.all(in: target.database.name, metadata).first(where: { $0.source == target.name && $0.isEnabled }) else { return }
    throw KConnectError(
      .notSupported, "cannot move extents to '\(target.name)' since the materialized view '\(view.name)' may have counted their rows before",
      hint: "with (setNewIngestionTime=true) the view takes them for new rows")
  }

  func extentsDrop() throws -> CommandOutput {
    let ids = ids
    let tables = try command.arguments["table"] == nil ? database().tables() : [table()]
    try checkPresent(ids, in: try tables.map { try $0.snapshot() })
    return dropped(try tables.flatMap { table in try drop(ids, of: table).map { (table.name, $0) } })
  }

  func extentsDropQuery() throws -> CommandOutput {
    let groups = try extents(try rows(of: try query()))
    var out: [(String, Extent)] = []
    for (snapshot, extents) in groups {
      let ids = Set(extents.map(\.id))
      let gone = try command.says("whatif") ? extents : drop(ids, of: snapshot.table)
      out += gone.map { (snapshot.table.name, $0) }
    }
    return dropped(out)
  }

  /// `.drop extents older 10 days from T`, `trim by extentsize 10 GB`, `limit 5`.
  func extentsDropPredicate() throws -> CommandOutput {
    let tables = try command.arguments["table"] == nil ? tables() : [table()]
    func number(_ key: String) -> Int64? { if case .literal(.long(let value), _)? = command.arguments[key] { value } else { nil } }
    var candidates = try tables.flatMap { table in try table.snapshot().extents.map { (table: table, extent: $0) } }.sorted { $0.extent.maxCreatedOn < $1.extent.maxCreatedOn }
    if let age = number("age") {
      if age < 0 { throw KConnectError(.usage, ".drop extents older \(age): the age is negative", hint: "for instance: older 10 days") }
      let (ticks, overflow) = age.multipliedReportingOverflow(by: command.says("hours") ? 36_000_000_000 : 864_000_000_000)
      let limit = overflow ? Int64.min : StoreClock.nowTicks - ticks
      candidates = candidates.filter { $0.extent.maxCreatedOn < limit }
    }
    if let size = number("size") {
      let factor: Int64 = command.says("GB") ? 1 << 30 : command.says("MB") ? 1 << 20 : 1
      var total = candidates.reduce(0) { $0 + Int64(command.says("datasize") ? $1.extent.originalSize : $1.extent.byteSize) }
      let (limit, overflow) = size.multipliedReportingOverflow(by: factor)
      var gone = 0
      while !overflow, total > limit, gone < candidates.count {
        total -= Int64(command.says("datasize") ? candidates[gone].extent.originalSize : candidates[gone].extent.byteSize)
        gone += 1
      }
      candidates = Array(candidates.prefix(gone))
    }
    if let limit = try limit() { candidates = Array(candidates.prefix(limit)) }
    if command.says("drop-pretend") { return dropped(candidates.map { ($0.table.name, $0.extent) }) }
    let ids = Set(candidates.map(\.extent.id))
    return dropped(try tables.flatMap { table in try drop(ids, of: table).map { (table.name, $0) } })
  }

  // MARK: Merging and tags

  func extentsMerge(dryRun: Bool) throws -> CommandOutput {
    let table = try table()
    let ids = ids
    try checkPresent(ids, in: [try table.snapshot()])
    if dryRun { return CommandOutput(Shapes.extentMerges, ids.map { [.string($0.description), .string(""), .timespan(0)] }) }
    let began = StoreClock.nowTicks
    let result = try table.mergeExtents(ids)
    let duration = StoreClock.nowTicks - began
    return CommandOutput(
      Shapes.extentMerges,
      result.merged.flatMap { merge in merge.old.map { [.string($0.id.description), .string(merge.new.first?.id.description ?? ""), .timespan(duration)] as [Scalar] } })
  }

  func extentTagsChange() throws -> CommandOutput {
    let table = try table()
    let given = command.texts("tags")
    let properties = try properties(["extentCreatedOnFrom", "extentCreatedOnTo"])
    let from = try properties.datetime("extentCreatedOnFrom") ?? .min, to = try properties.datetime("extentCreatedOnTo") ?? .max
    let chosen = try command.source() == nil ? table.snapshot().extents : extents(rows(of: query())).filter { $0.snapshot.table.id == table.id }.flatMap { $0.extents }
    let ids = Set(chosen.filter { $0.maxCreatedOn >= from && $0.minCreatedOn <= to }.map(\.id))
    let kind = command.kind
    try table.alterExtentTags(ids) { tags in
      switch kind {
      case .extentTagsAlter: ExtentTags(given)
      case .extentTagsAlterMerge: tags.union(ExtentTags(given))
      default: given.isEmpty ? ExtentTags() : ExtentTags(tags.all.filter { !given.contains($0) })
      }
    }
    let after = try table.snapshot().extents.filter { ids.contains($0.id) }
    return CommandOutput(
      Shapes.extentTags, after.map { [.string($0.id.description), .string($0.id.description), .string($0.tagList.joined(separator: "\r\n")), .string("")] })
  }

  // MARK: Rows

  func recordsDelete() throws -> CommandOutput {
    let table = try table()
    let isDry = try properties(["whatif"]).bool("whatif") ?? false
    let snapshot = try table.sealedSnapshot()
    let source = try catalog().raw(snapshot, withOrigin: true)
    let bound = try query(catalog: catalog().adding(table.name, source))
    let predicate = try DeletePredicate.find(bound, in: snapshot)
    if isDry {
      let matching = try rows(of: try LogicalPlan.scan(snapshot.rows()).filter(predicate).count()).rows
      return CommandOutput(schema: Shape("RecordsMatchPredicate:l").schema, rows: matching)
    }
    let before = Set(snapshot.extents.map(\.id))
    let deleted = try table.deleteRows(where: predicate, context: request.context, before: keepForViews)
    let after = try table.snapshot().extents
    let gone = before.subtracting(after.map(\.id))
    let made = after.filter { !before.contains($0.id) }
    notes.add("\(deleted) rows were deleted")
    return CommandOutput(
      Shapes.extentMoves,
      gone.sorted().map { [.string($0.description), .string(""), .string("")] } + made.map { [.string(""), .string($0.id.description), .string("")] })
  }

  func tableUpdate() throws -> CommandOutput { try notServed(".update table", "use .delete table records and .append, or .set-or-replace") }
}

/// The condition of `.delete table records <| T | where …`.
enum DeletePredicate {
  /// Only filters and renamings of columns may stand over the table, at least one filter among them: without one a slip would delete every row.
  /// Columns of row origin are the scan's own. Throws USAGE, NOT_SUPPORTED. Source: Kusto reference, ".delete table records".
  static func find(_ plan: LogicalPlan, in snapshot: TableSnapshot) throws -> Expr {
    var conjuncts: [Expr] = []
    var node = plan
    while true {
      switch node.node {
      case .filter(let predicate, let input):
        conjuncts.append(predicate)
        node = input
      case .project(let columns, let input):
        let meaning = Dictionary(columns.map { ($0.name, $0.expr) }) { a, _ in a }
        conjuncts = conjuncts.map { $0.replacingColumns { meaning[$0] } }
        node = input
      case .scan(let scan) where (scan.table as? StoreScanTable)?.snapshot.table.id == snapshot.table.id:
        guard let predicate = Expr.conjunction(conjuncts) else {
          throw KConnectError(
            .usage, "the predicate of .delete table records needs at least one 'where'",
            hint: "\(quotedName(snapshot.table.name)) | where …; .clear table \(quotedName(snapshot.table.name)) data removes all rows")
        }
        return predicate
      default:
        throw KConnectError(
          .notSupported, "the predicate of .delete table records may only filter the table '\(snapshot.table.name)'", hint: "\(quotedName(snapshot.table.name)) | where …")
      }
    }
  }
}

/// `{ query }, { query }` behind `<|`.
enum BracedQueries {
  static func split(_ text: String, _ start: Int) throws -> [String] {
    let bytes = Array(text.utf8)
    var parts: [String] = []
    var depth = 0
    var begin = start
    var quote: UInt8 = 0, isVerbatim = false
    var i = start
    while i < bytes.count {
      let byte = bytes[i]
      if quote != 0 {
        // In @'…' a backslash is itself; a doubled quote closes and opens again.
        if byte == 0x5C, !isVerbatim { i += 1 } else if byte == quote { quote = 0 }
      } else if byte == 0x22 || byte == 0x27 {
        quote = byte
        isVerbatim = i > start && bytes[i - 1] == UInt8(ascii: "@")
      } else if byte == 0x2F, i + 1 < bytes.count, bytes[i + 1] == 0x2F {
        while i + 1 < bytes.count, bytes[i + 1] != 0x0A { i += 1 }
      } else if byte == 0x7B {
        depth += 1
        if depth == 1 { begin = i + 1 }
      } else if byte == 0x7D {
        depth -= 1
        if depth == 0 { parts.append(String(decoding: bytes[begin..<i], as: UTF8.self)) }
        if depth < 0 { throw KConnectError(.kqlSyntax, "'}' without '{' at byte \(i)") }
      }
      i += 1
    }
    guard depth == 0 else { throw KConnectError(.kqlSyntax, "'{' is not closed") }
    return parts
  }
}
