// Role: the values of matches as record batches, so that where and project clauses run as ordinary expressions over columns.

import Columnar
import Expressions

/// Makes the columns of a query's expressions. Used by one thread.
final class MatchColumns {
  let graph: Graph
  let query: GraphQuery
  let nodeTable: RecordBatch
  let edgeTable: RecordBatch
  private let schema: StructType
  private let evaluation: EvaluationContext
  /// For each column of a path: its expression over all edges or nodes, once it was needed.
  private var vectors: [Int: ColumnVector] = [:]

  init(_ graph: Graph, _ query: GraphQuery, _ evaluation: EvaluationContext) {
    self.graph = graph
    self.query = query
    self.evaluation = evaluation
    nodeTable = graph.nodesWithExtras
    edgeTable = graph.edgesWithExtras
    schema = query.columnSchema
  }

  /// The columns at those positions of the query, one row per match.
  func batch(_ wanted: [Int], _ matches: Matches) throws -> RecordBatch {
    RecordBatch(schema: StructType(wanted.map { schema[$0] }), columns: try wanted.map { try column($0, matches) }, rowCount: matches.count)
  }

  /// Compiles an expression over some of the columns.
  func compile(_ expr: Expr) throws -> (expr: CompiledExpr, columns: [Int]) {
    let names = expr.columns
    let wanted = schema.fields.indices.filter { names.contains(schema[$0].name) }
    return (try CompiledExpr(expr, schema: StructType(wanted.map { schema[$0] }), context: evaluation), wanted)
  }

  /// The rows for which an expression of one element's properties is true, over all elements.
  func selection(_ predicate: Expr, over table: RecordBatch) throws -> Bitmap {
    try CompiledExpr(predicate, schema: table.schema, context: evaluation).select(table)
  }

  private func column(_ k: Int, _ matches: Matches) throws -> ColumnVector {
    let type = query.columns[k].type
    switch query.columns[k].value {
    case .node(let n, let name): return property(nodeTable, name, matches.nodes[n])
    case .edge(let e, let name): return property(edgeTable, name, matches.edges[e])
    case .length(let e):
      let paths = matches.paths[e]
      return .long(Buffer(matches.edges[e].map { Int64(paths?.edges($0).count ?? 0) }), type: type)
    case .all(let e, let scope, _):
      let bits = try vector(k).trueBits
      return bools(matches, e) { path, store in elements(scope, path, store).allSatisfy { bits[Int($0)] } }
    case .any(let e, let scope, _):
      let bits = try vector(k).trueBits
      return bools(matches, e) { path, store in elements(scope, path, store).contains { bits[Int($0)] } }
    case .map(let e, let scope, _):
      let values = try vector(k)
      let builder = ColumnBuilder(.dynamic, capacity: matches.count)
      for path in matches.edges[e] {
        guard let store = matches.paths[e] else { continue }
        builder.append(.dynamic(.array(elements(scope, path, store).map { DynamicValue(values.scalar(Int($0))) })))
      }
      return builder.finish()
    }
  }

  private func property(_ table: RecordBatch, _ name: String, _ rows: [Int32]) -> ColumnVector {
    table.column(name)?.take(Buffer(rows)) ?? .nulls(.dynamic, count: rows.count)
  }

  private func elements(_ scope: MatchColumn.Scope, _ path: Int32, _ store: PathStore) -> ArraySlice<Int32> {
    scope == .edges ? store.edges(path) : store.inner(path)
  }

  private func bools(_ matches: Matches, _ e: Int, _ body: (Int32, PathStore) -> Bool) -> ColumnVector {
    guard let store = matches.paths[e] else { return .nulls(.bool, count: matches.count) }
    return .bool(Bitmap(matches.edges[e].map { body($0, store) }))
  }

  /// The expression of a path column over all elements of its scope.
  private func vector(_ k: Int) throws -> ColumnVector {
    if let known = vectors[k] { return known }
    let scope: MatchColumn.Scope
    let expr: Expr
    switch query.columns[k].value {
    case .map(_, let s, let e), .all(_, let s, let e), .any(_, let s, let e): (scope, expr) = (s, e)
    case .node, .edge, .length: throw internalError("a column of a path was expected")
    }
    let table = scope == .edges ? edgeTable : nodeTable
    let made = try CompiledExpr(expr, schema: table.schema, context: evaluation).evaluate(table)
    vectors[k] = made
    return made
  }
}
