// Role: the graph that a model's queries make: node tables and one edge table with columns for ids and labels besides the properties.
// Source: Kusto reference, "Graph model overview".

import Columnar
import DataSource
import Engine
import Expressions
import KQL

/// Columns of a stored graph that are no properties. No query of a model may give columns of these names.
enum GraphColumn {
  static let id = "$id", source = "$source", target = "$target", labels = "$labels"
  static let all: Set<String> = [id, source, target, labels]

  /// A graph of such tables; the inputs are the edges, then the nodes.
  static func graph(edges: LogicalPlan, nodes: [LogicalPlan]) -> GraphValue {
    var definition = GraphDefinition(
      edgeSchema: edges.schema, source: source, target: target, isDirected: true, nodeTables: nodes.map { GraphNodeTable(key: id, schema: $0.schema) },
      nodeID: nil, partition: nil)
    definition.labels = labels
    definition.laterTablesWin = true
    definition.hidden = all
    return GraphValue(definition: definition, inputs: [edges] + nodes)
  }
}

extension GraphModelDefinition {
  /// The graph of the rows that the steps' queries give; `bind` makes a plan of a query. Throws SCHEMA_MISMATCH where steps do not fit together.
  func graph(_ bind: (String) throws -> LogicalPlan) throws -> GraphValue {
    let plans = try steps.map { step in (step: step, plan: try bind(step.query)) }
    var idTypes: Set<DataType> = []
    for (step, plan) in plans {
      if let name = plan.schema.names.first(where: GraphColumn.all.contains) {
        throw KConnectError(.schemaMismatch, "graph model: a query gives the column '\(name)', a name of the graph's own")
      }
      for column in step.idColumns { idTypes.insert(try Self.column(column, plan).type) }
    }
    // Ids of several types, and dynamic ones, are compared as texts.
    let idType = idTypes.count == 1 ? idTypes.first.flatMap { $0 == .dynamic ? nil : $0 } ?? .string : .string
    var nodes: [LogicalPlan] = [], edges: [LogicalPlan] = []
    for (step, plan) in plans {
      switch step.kind {
      case .nodes(let id): nodes.append(try table(step, plan, nodeTypes, [(GraphColumn.id, id)], idType))
      case .edges(let source, let target):
        edges.append(try table(step, plan, edgeTypes, [(GraphColumn.source, source), (GraphColumn.target, target)], idType))
      }
    }
    // Nodes that only edges name have ids all the same.
    if nodes.isEmpty { nodes.append(.values(StructType([StructField(GraphColumn.id, idType), StructField(GraphColumn.labels, .dynamic)]), [])) }
    var properties: [StructField] = []
    for node in nodes { try Self.add(node.schema, to: &properties, of: "nodes") }
    return GraphColumn.graph(edges: try Self.union(edges, idType), nodes: nodes)
  }

  private static func column(_ name: String, _ plan: LogicalPlan) throws -> StructField {
    if let field = plan.schema.field(name) { return field }
    throw KConnectError(
      .columnNotFound, "graph model: a query gives no column '\(name)'",
      hint: nearestNames(to: name, among: plan.schema.names, limit: 1).first.map { "did you mean '\($0)'?" } ?? "columns: \(plan.schema.names.joined(separator: ", "))")
  }

  /// A step's rows: ids, labels, the query's columns under the types that the schema declares, and declared properties that the query lacks.
  private func table(_ step: Step, _ plan: LogicalPlan, _ types: [String: [StructField]], _ ids: [(name: String, column: String)], _ idType: DataType) throws -> LogicalPlan {
    func converted(_ name: String, _ type: DataType, to wanted: DataType) -> Expr { type == wanted ? .column(name) : .call("to\(wanted)", [.column(name)]) }
    var columns = try ids.map { id in
      let key = converted(id.column, try Self.column(id.column, plan).type, to: idType)
      return NamedExpr(id.name, idType == .string ? Expr.text(key) : key)
    }
    columns.append(NamedExpr(GraphColumn.labels, try labels(step, plan)))
    var declared: [StructField] = []
    for label in step.labels { try Self.add(StructType(types[label] ?? []), to: &declared, of: "label '\(label)'") }
    for field in plan.schema.fields {
      let wanted = declared.first { $0.name == field.name }?.type ?? field.type
      columns.append(NamedExpr(field.name, converted(field.name, field.type, to: wanted)))
    }
    for field in declared where plan.schema.field(field.name) == nil { columns.append(NamedExpr(field.name, .literal(.null(field.type)))) }
    return try plan.project(columns)
  }

  /// Static labels, then those of the row.
  private func labels(_ step: Step, _ plan: LogicalPlan) throws -> Expr {
    let fixed = Expr.literal(.dynamic(.array(step.labels.map { .string($0) })))
    guard let name = step.labelsColumn else { return fixed }
    let column = Expr.column(name)
    switch try Self.column(name, plan).type {
    case .string: return .call("iff", [.call("isempty", [column]), fixed, .call("set_union", [fixed, .call("pack_array", [column])])])
    case .dynamic: return .call("iff", [.call(FunctionName.equal, [.call("gettype", [column]), .literal(.string("array"))]), .call("set_union", [fixed, column]), fixed])
    case let type: throw KConnectError(.schemaMismatch, "graph model: the labels column '\(name)' is \(type), expected string or dynamic")
    }
  }

  /// Adds fields that are new; throws SCHEMA_MISMATCH for two types of one name.
  private static func add(_ schema: StructType, to fields: inout [StructField], of what: String) throws {
    for field in schema.fields {
      guard let known = fields.first(where: { $0.name == field.name }) else {
        fields.append(StructField(field.name, field.type))
        continue
      }
      if known.type != field.type {
        throw KConnectError(
          .schemaMismatch, "graph model: the property '\(field.name)' of \(what) is \(known.type) in one step and \(field.type) in another",
          hint: "convert it in a query, or declare its type in 'Schema'")
      }
    }
  }

  /// The edges of all steps; properties that a step does not have are null.
  private static func union(_ tables: [LogicalPlan], _ idType: DataType) throws -> LogicalPlan {
    let own = StructType([StructField(GraphColumn.source, idType), StructField(GraphColumn.target, idType), StructField(GraphColumn.labels, .dynamic)])
    var fields = own.fields
    for table in tables { try add(table.schema, to: &fields, of: "edges") }
    if tables.isEmpty { return .values(own, []) }
    return try .union(tables.map { table in
      try table.project(fields.map { NamedExpr($0.name, table.schema.field($0.name) == nil ? .literal(.null($0.type)) : .column($0.name)) })
    })
  }
}

extension GraphModelDefinition.Step {
  /// The columns that hold ids of nodes.
  fileprivate var idColumns: [String] {
    switch kind {
    case .nodes(let id): [id]
    case .edges(let source, let target): [source, target]
    }
  }
}
