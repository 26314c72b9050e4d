// Role: what a graph is made of, before it is built: the edge table, node tables, and the steps between `make-graph` and the operator that
// reads it. Input 0 of a graph function is the edge table, inputs 1... are the node tables.
// Source: Kusto language reference, "make-graph operator".

package import Columnar
package import Expressions

/// A table of node properties and the column that holds node ids.
package struct GraphNodeTable: Sendable {
  package var key: String
  package var schema: StructType

  package init(key: String, schema: StructType) {
    self.key = key
    self.schema = schema
  }
}

/// An operator that turns a graph into a graph.
package enum GraphStep: Sendable {
  /// Adds a long property with the number of the node's component.
  case markComponents(isStrong: Bool, name: String)
  /// Keeps nodes for which a predicate over node properties is true, and the edges between them.
  case whereNodes(Expr)
  /// Keeps edges for which a predicate over edge properties is true; nodes stay.
  case whereEdges(Expr)
}

/// A graph to be built. Source, target and node keys have one type.
package struct GraphDefinition: Sendable {
  package var edgeSchema: StructType
  package var source: String
  package var target: String
  package var isDirected: Bool
  package var nodeTables: [GraphNodeTable]
  /// The property that holds the id where there are no node tables.
  package var nodeID: String?
  /// A column of the edge table and all node tables; nodes of different partitions differ.
  package var partition: String?
  /// A column of the edge table and of the node tables with an array of labels; nil where no element has labels.
  package var labels: String?
  /// Of a node that is in several tables the last one's values count and all labels; else the first one's.
  package var laterTablesWin = false
  /// Columns of the tables that are no properties.
  package var hidden: Set<String> = []
  package var steps: [GraphStep] = []

  package init(edgeSchema: StructType, source: String, target: String, isDirected: Bool, nodeTables: [GraphNodeTable], nodeID: String?, partition: String?) {
    self.edgeSchema = edgeSchema
    self.source = source
    self.target = target
    self.isDirected = isDirected
    self.nodeTables = nodeTables
    self.nodeID = nodeID
    self.partition = partition
  }

  /// The properties of nodes after all steps: those of the node tables in order, then component numbers.
  package var nodeSchema: StructType {
    var fields: [StructField] = []
    if let nodeID { fields.append(StructField(nodeID, idType)) }
    for table in nodeTables {
      for field in table.schema.fields where !hidden.contains(field.name) && !fields.contains(where: { $0.name == field.name }) {
        fields.append(StructField(field.name, field.type))
      }
    }
    for case .markComponents(_, let name) in steps {
      fields.removeAll { $0.name == name }
      fields.append(StructField(name, .long))
    }
    return StructType(fields)
  }

  /// The properties of edges.
  package var edgeProperties: StructType {
    hidden.isEmpty ? edgeSchema : StructType(edgeSchema.fields.filter { !hidden.contains($0.name) })
  }

  package var idType: DataType { edgeSchema.field(source)?.type ?? .string }

  /// Properties that every node has besides its own, under names that no column can have.
  package static let nodeExtras = StructType([
    StructField(degreeIn, .long), StructField(degreeOut, .long), StructField(idText, .string), StructField(labels, .dynamic),
  ])
  package static let degreeIn = "node_degree_in()"
  package static let degreeOut = "node_degree_out()"
  package static let idText = "node_id()"
  package static let labels = "labels()"
  /// Properties that every edge has besides its own.
  package static let edgeExtras = StructType([StructField(labels, .dynamic)])
}
