// Role: snapshots of graphs: the nodes and edges of a model at one time, in two tables that no command lists.
// Source: Kusto reference, "Graph snapshots overview".

import Columnar
import DataSource
import Engine
import KQL

/// A snapshot as stored.
struct GraphSnapshot: Sendable {
  var name: String
  var model: String
  /// Ticks.
  var createdOn: Int64
  /// The version of the model that it is of.
  var modelId: GUID
  var modelCreatedOn: Int64
  var nodes: Int
  var edges: Int
  var nodeTable: String
  var edgeTable: String

  static func find(_ name: String, of model: String, in database: String, _ metadata: MetadataStore) throws -> GraphSnapshot? {
    try metadata.entry(.graphSnapshot, name, in: .graph(database: database, model)).map { GraphSnapshot($0, of: model) }
  }

  static func all(of model: String, in database: String, _ metadata: MetadataStore) throws -> [GraphSnapshot] {
    try metadata.entries(.graphSnapshot, in: .graph(database: database, model)).map { GraphSnapshot($0, of: model) }
  }

  /// Those of all models.
  static func all(in database: String, _ metadata: MetadataStore) throws -> [GraphSnapshot] {
    try GraphModel.all(in: database, metadata).flatMap { try all(of: $0.name, in: database, metadata) }
  }

  init(name: String, model: String, version: GraphModel.Version, nodes: (table: String, count: Int), edges: (table: String, count: Int)) {
    (self.name, self.model, createdOn) = (name, model, StoreClock.nowTicks)
    (modelId, modelCreatedOn) = (version.id, version.createdOn)
    (nodeTable, self.nodes) = nodes
    (edgeTable, self.edges) = edges
  }

  private init(_ entry: MetadataEntry, of model: String) {
    func text(_ key: String) -> String { entry.document[key]?.stringValue ?? "" }
    func number(_ key: String) -> Int64 { entry.document[key]?.longValue ?? 0 }
    (name, self.model, createdOn) = (entry.name, model, number("CreatedOn"))
    (modelId, modelCreatedOn) = (GUID(text("ModelId")) ?? GUID(high: 0, low: 0), number("ModelCreatedOn"))
    (nodes, edges) = (Int(number("Nodes")), Int(number("Edges")))
    (nodeTable, edgeTable) = (text("NodeTable"), text("EdgeTable"))
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry("CreatedOn", .long(createdOn)), DynamicEntry("ModelId", .string(modelId.description)), DynamicEntry("ModelCreatedOn", .long(modelCreatedOn)),
      DynamicEntry("Nodes", .long(Int64(nodes))), DynamicEntry("Edges", .long(Int64(edges))), DynamicEntry("NodeTable", .string(nodeTable)),
      DynamicEntry("EdgeTable", .string(edgeTable)),
    ])
  }

  /// The graph of the stored tables.
  func graph(in database: Database) throws -> GraphValue {
    func rows(_ name: String) throws -> LogicalPlan {
      guard let table = try database.anyTable(name) else { throw KConnectError(.pathNotFound, "the graph snapshot '\(model).\(self.name)' has lost its rows") }
      return .scan(try table.snapshot().rows())
    }
    return GraphColumn.graph(edges: try rows(edgeTable), nodes: [try rows(nodeTable)])
  }

  func remove(from database: Database, _ metadata: MetadataStore) throws {
    try metadata.remove(.graphSnapshot, name, in: .graph(database: database.name, model))
    for table in [nodeTable, edgeTable] { try database.dropTable(table, ifExists: true) }
  }
}
