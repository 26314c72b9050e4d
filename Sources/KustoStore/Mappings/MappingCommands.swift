// Role: commands that make, change, drop and show ingestion mappings.

import Columnar
import DataSource
import KQL

extension CommandRun {
  private func mappingScope() throws -> (scope: EntryScope, database: Database, table: StoreTable?) {
    if command.arguments["table"] != nil {
      let table = try table()
      return (.table(table.id), table.database, table)
    }
    let database = try database("database")
    return (.database(database.name), database, nil)
  }

  private var mappingKind: String? { command.text("kind").map { $0 == "apacheavro" ? "avro" : $0 } }

  private func output(_ mappings: [IngestionMapping], _ database: Database, _ table: StoreTable?) -> CommandOutput {
    let rows = mappings.map { mapping -> [Scalar] in
      let kind = mapping.kind.prefix(1).uppercased() + mapping.kind.dropFirst()
      let row: [Scalar] = [.string(mapping.name), .string(kind), .string(mapping.text), .datetime(mapping.updated), .string(database.name)]
      return table.map { row + [.string($0.name)] } ?? row
    }
    return CommandOutput(table == nil ? Shapes.databaseMappings : Shapes.tableMappings, rows)
  }

  func mappingWrite() throws -> CommandOutput {
    let (scope, database, table) = try mappingScope()
    guard let kind = mappingKind, let name = command.text("name"), let text = command.text("mapping") else { throw KConnectError(.internalError, "no mapping") }
    _ = try properties(["removeOldestIfRequired"])
    var mapping = try IngestionMapping(name: name, kind: kind, text: text)
    try mapping.checkConstants(try table?.columns())
    let old = try metadata.entry(.mapping, IngestionMapping.key(kind, name), in: scope)
    switch command.kind {
    case .mappingCreate where old != nil:
      throw KConnectError(.alreadyExists, "the \(kind) ingestion mapping '\(name)' exists already", hint: "use .create-or-alter")
    case .mappingAlter where old == nil, .mappingAlterMerge where old == nil: throw try missing(name, kind, scope)
    case .mappingAlterMerge:
      if let old { mapping = try merged(try IngestionMapping(name: name, kind: kind, text: old.document.json), with: mapping) }
    default: break
    }
    if !IngestionMapping.usable.contains(kind) { notes.add("not supported: ingestion of \(kind); the mapping is stored") }
    try metadata.put(.mapping, IngestionMapping.key(kind, name), in: scope, DynamicValue(json: mapping.text) ?? .null)
    mapping.updated = StoreClock.nowTicks
    return output([mapping], database, table)
  }

  /// The columns of `new` replace those of the same name; others are added.
  private func merged(_ old: IngestionMapping, with new: IngestionMapping) throws -> IngestionMapping {
    var list = DynamicValue(json: old.text)?.elements ?? []
    var names = old.columns.map(\.column)
    for (i, value) in (DynamicValue(json: new.text)?.elements ?? []).enumerated() {
      let name = new.columns[i].column
      if let at = names.firstIndex(of: name) {
        list[at] = value
      } else {
        list.append(value)
        names.append(name)
      }
    }
    return try IngestionMapping(name: old.name, kind: old.kind, text: DynamicValue.array(list).json)
  }

  private func missing(_ name: String, _ kind: String, _ scope: EntryScope) throws -> KConnectError {
    let names = try IngestionMapping.all(in: scope, metadata).filter { $0.kind == kind }.map(\.name)
    return KConnectError(
      .pathNotFound, "there is no \(kind) ingestion mapping '\(name)'",
      hint: nearestNames(to: name, among: names, limit: 1).first.map { "did you mean '\($0)'?" } ?? (names.isEmpty ? "there are no \(kind) mappings here" : "mappings: \(names.joined(separator: ", "))"))
  }

  func mappingDrop() throws -> CommandOutput {
    let (scope, database, table) = try mappingScope()
    guard let kind = mappingKind, let name = command.text("name") else { throw KConnectError(.internalError, "no mapping") }
    guard try metadata.remove(.mapping, IngestionMapping.key(kind, name), in: scope) else { throw try missing(name, kind, scope) }
    return output(try IngestionMapping.all(in: scope, metadata), database, table)
  }

  func mappingsShow() throws -> CommandOutput {
    if command.arguments["table"] == nil, !command.says("database") { return try allMappingsShow() }
    let (scope, database, table) = try mappingScope()
    let mappings = try IngestionMapping.all(in: scope, metadata).filter { mapping in
      (mappingKind.map { $0 == mapping.kind } ?? true) && (command.text("name").map { $0 == mapping.name } ?? true)
    }
    return output(mappings, database, table)
  }

  /// `.show ingestion mappings`: those of every database and table.
  private func allMappingsShow() throws -> CommandOutput {
    var rows: [[Scalar]] = []
    for database in try databases("none") {
      for mapping in output(try IngestionMapping.all(in: .database(database.name), metadata), database, nil).rows { rows.append(mapping + [.string("")]) }
      for table in try database.tables() { rows += output(try IngestionMapping.all(in: .table(table.id), metadata), database, table).rows }
    }
    return CommandOutput(Shapes.tableMappings, rows)
  }

  func mappingShow() throws -> CommandOutput {
    let (scope, database, table) = try mappingScope()
    guard let kind = mappingKind, let name = command.text("name") else { throw KConnectError(.internalError, "no mapping") }
    guard let found = try IngestionMapping.all(in: scope, metadata).first(where: { $0.kind == kind && $0.name == name }) else { throw try missing(name, kind, scope) }
    return output([found], database, table)
  }
}
