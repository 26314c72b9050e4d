// Role: commands about graph models and their snapshots.
// Source: Kusto reference, "Graph model and snapshot - Persistent graph overview" and the pages of its commands.

import Columnar
import DataSource
import Engine
import KQL

extension CommandRun {
  /// What every model and snapshot has: no policy shortens its life.
  private static let retention = DynamicValue.bag([DynamicEntry("SoftDeletePeriod", .string("365000.00:00:00"))])

  private func model(_ name: String) throws -> GraphModel {
    let database = try database()
    if let model = try GraphModel.find(name, in: database.name, metadata) { return model }
    let known = try GraphModel.all(in: database.name, metadata).map(\.name)
    throw KConnectError(
      .pathNotFound, "there is no graph model '\(name)' in the database '\(database.name)'", hint: nearestNames(to: name, among: known, limit: 1).first.map { "did you mean '\($0)'?" })
  }

  private func model() throws -> GraphModel { try model(command.name("model")?.text ?? "") }

  private func snapshots(of model: GraphModel) throws -> [GraphSnapshot] { try GraphSnapshot.all(of: model.name, in: database().name, metadata) }

  private func snapshot() throws -> GraphSnapshot {
    let parts = command.path("snapshot").map(\.text)
    guard parts.count == 2 else { throw KConnectError(.usage, "'\(parts.joined(separator: "."))' names no snapshot", hint: "write: Model.Snapshot") }
    let model = try model(parts[0])
    let known = try snapshots(of: model)
    if let found = known.first(where: { $0.name == parts[1] }) { return found }
    throw KConnectError(
      .pathNotFound, "the graph model '\(model.name)' has no snapshot '\(parts[1])'", hint: nearestNames(to: parts[1], among: known.map(\.name), limit: 1).first.map { "did you mean '\($0)'?" })
  }

  // MARK: Models

  func graphModelCreate() throws -> CommandOutput {
    let database = try database()
    guard let name = command.name("model")?.text, let text = command.text("definition") else { throw KConnectError(.internalError, "no model") }
    _ = try GraphModelDefinition(text)
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    var model = try GraphModel.find(name, in: database.name, metadata) ?? GraphModel(name: name, versions: [])
    let version = GraphModel.Version(id: GUID(randomIdentifier()) ?? StableGUID.make(text), createdOn: StoreClock.nowTicks, text: text)
    model.versions.append(version)
    try metadata.put(.graphModel, name, in: .database(database.name), model.document)
    let count = try snapshots(of: model).count
    return CommandOutput(
      Shapes.graphModelMade,
      [[
        .string(name), .datetime(version.createdOn), .string(version.id.description), .int(Int32(clamping: count)), .string(text),
        .string(DynamicValue.array([request.caller.details]).json), .string(Self.retention.json),
      ]])
  }

  func graphModelShow() throws -> CommandOutput {
    let model = try model()
    let properties = try properties(["id"])
    let isDetailed = command.says("details")
    var versions = model.versions.suffix(1)
    if let id = properties.text("id") {
      versions = id == "*" ? model.versions[...] : model.versions.filter { $0.id == GUID(id) }[...]
      if versions.isEmpty { throw KConnectError(.pathNotFound, "the graph model '\(model.name)' has no version '\(id)'") }
    }
    let count = try isDetailed ? snapshots(of: model).count : 0
    return CommandOutput(
      isDetailed ? Shapes.graphModelDetails : Shapes.graphModel,
      try versions.map { version -> [Scalar] in
        let row: [Scalar] = [.string(model.name), .datetime(version.createdOn), .string(version.id.description)]
        return try isDetailed ? row + [.count(count), shown(version)] : row
      })
  }

  func graphModelsShow() throws -> CommandOutput {
    let showsAll = try properties(["showAll"]).bool("showAll") ?? false
    let isDetailed = command.says("details")
    return CommandOutput(
      isDetailed ? Shapes.graphModelsDetails : Shapes.graphModels,
      try GraphModel.all(in: database().name, metadata).flatMap { model in
        let count = try isDetailed ? snapshots(of: model).count : 0
        return try (showsAll ? model.versions[...] : model.versions.suffix(1)).map { version -> [Scalar] in
          let row: [Scalar] = [.string(model.name), .datetime(version.createdOn), .guid(version.id)]
          return try isDetailed ? row + [.count(count), shown(version), .dynamic(.array([request.caller.details])), .dynamic(Self.retention)] : row
        }
      })
  }

  private func shown(_ version: GraphModel.Version) throws -> Scalar { .dynamic(try visible((try? DynamicValue(parsing: version.text)) ?? .null, in: database().name)) }

  func graphModelDrop() throws -> CommandOutput {
    let database = try database()
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    let model = try model()
    for snapshot in try snapshots(of: model) { try snapshot.remove(from: database, metadata) }
    try metadata.remove(.graphModel, model.name, in: .database(database.name))
    return CommandOutput(Shapes.graphModel, [])
  }

  // MARK: Snapshots

  func graphSnapshotMake() throws -> CommandOutput {
    let database = try database()
    let model = try model()
    guard let name = command.name("snapshot")?.text, let version = model.versions.last else { throw KConnectError(.internalError, "no snapshot") }
    try refuseSecond(name, of: model, in: database)
    let catalog = catalog()
    guard var graph = try catalog.graph(model.name, .transient, database: nil) else { throw KConnectError(.internalError, "a model without a graph") }
    for input in graph.inputs { try refuseGuardedRows(of: input, model) }
    // What is stored has the columns of ids and labels, too.
    graph.definition.hidden = []
    var drafts: [StoreTable] = []
    do {
      var counts: [Int] = []
      for isNodes in [true, false] {
        let plan = try LogicalPlan.function(GraphTableFunction(graph.definition, isNodes: isNodes, sourceID: nil, targetID: nil), graph.inputs)
        let draft = try database.draftTable(TableDescription(Database.graphPrefix + randomIdentifier(), schema: plan.schema, folder: database.store.format.id), isHidden: true)
        drafts.append(draft)
        var properties = IngestProperties()
        properties.operation = "MAKE-GRAPH-SNAPSHOT"
        counts.append(try UpdatePolicies(executor, request).ingest(plan, into: draft, properties, mode: .append).rowCount)
      }
      // Between their names and their entry nobody takes the tables for ones that belong to nothing.
      let lock = try database.lockViews()
      defer { withExtendedLifetime(lock) {} }
      _ = try self.model(model.name)
      try refuseSecond(name, of: model, in: database)
      for draft in drafts { try database.publish(draft) }
      let made = GraphSnapshot(name: name, model: model.name, version: version, nodes: (drafts[0].name, counts[0]), edges: (drafts[1].name, counts[1]))
      try metadata.put(.graphSnapshot, name, in: .graph(database: database.name, model.name), made.document)
      return CommandOutput(Shapes.graphSnapshotMade, [Self.row(made) + [.count(made.nodes), .count(made.edges), .string(Self.retention.json)]])
    } catch {
      for draft in drafts {
        database.discard(draft)
        _ = try? database.dropTable(draft.name, ifExists: true)
      }
      throw error
    }
  }

  /// Throws when the model has a snapshot of that name.
  private func refuseSecond(_ name: String, of model: GraphModel, in database: Database) throws {
    guard try GraphSnapshot.find(name, of: model.name, in: database.name, metadata) != nil else { return }
    throw KConnectError(.alreadyExists, "the graph model '\(model.name)' has a snapshot '\(name)' already", hint: ".drop graph_snapshot \(quotedName(model.name)).\(quotedName(name))")
  }

  /// Rows that some may not see cannot be stored where all who read the database see them.
  private func refuseGuardedRows(of plan: LogicalPlan, _ model: GraphModel) throws {
    if case .scan(let scan) = plan.node, let table = (scan.table as? StoreScanTable)?.snapshot.table {
      let policies = Policies(metadata)
      if try policies.rowLevelSecurity(in: .table(table.id)) != nil || policies.isEnabled(.restrictedViewAccess, in: .table(table.id)) {
        throw KConnectError(
          .notSupported, "not supported: snapshots of graphs over tables with row level security or restricted view access, such as '\(table.name)'",
          hint: "graph(\"\(model.name)\", true) makes the graph of what the caller may see")
      }
    }
    for input in plan.inputs { try refuseGuardedRows(of: input, model) }
  }

  private static func row(_ snapshot: GraphSnapshot, asGUID: Bool = false) -> [Scalar] {
    [
      .string(snapshot.name), .datetime(snapshot.createdOn), .string(snapshot.model), asGUID ? .guid(snapshot.modelId) : .string(snapshot.modelId.description),
      .datetime(snapshot.modelCreatedOn),
    ]
  }

  func graphSnapshotShow() throws -> CommandOutput {
    let snapshot = try snapshot()
    guard command.says("details") else { return CommandOutput(Shapes.graphSnapshot, [Self.row(snapshot)]) }
    return CommandOutput(Shapes.graphSnapshotDetails, [Self.row(snapshot) + [.count(snapshot.nodes), .count(snapshot.edges), .dynamic(Self.retention)]])
  }

  func graphSnapshotsShow() throws -> CommandOutput {
    let name = command.path("model").first?.text ?? "*"
    let models = try name == "*" ? GraphModel.all(in: database().name, metadata) : [try model(name)]
    let all = try models.flatMap { try snapshots(of: $0) }
    return CommandOutput(Shapes.graphSnapshots, all.sorted { ($0.name, $0.createdOn) < ($1.name, $1.createdOn) }.map { Self.row($0, asGUID: true) })
  }

  func graphSnapshotDrop() throws -> CommandOutput {
    let database = try database()
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    let snapshot = try snapshot()
    try snapshot.remove(from: database, metadata)
    return CommandOutput(Shapes.graphSnapshot, [Self.row(snapshot)])
  }

  func graphSnapshotsDrop() throws -> CommandOutput {
    let database = try database()
    let lock = try database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    for snapshot in try snapshots(of: try model()) { try snapshot.remove(from: database, metadata) }
    return CommandOutput(Shapes.graphSnapshot, [])
  }
}
