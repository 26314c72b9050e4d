// Role: the makers of plan nodes: they check names and types where the user can still be told, and work out schemas.

package import Columnar
package import DataSource
package import Expressions

extension LogicalPlan {
  /// Types are the same whatever the clock says; schemas are worked out under this context.
  private static let typing = EvaluationContext(nowTicks: 0, seed: 0)

  /// All columns of a table.
  package static func scan(_ table: any BatchReadable) -> LogicalPlan {
    LogicalPlan(node: .scan(ScanNode(table: table)), schema: table.schema)
  }

  /// Rows in memory.
  package static func values(_ schema: StructType, _ batches: [RecordBatch]) -> LogicalPlan {
    LogicalPlan(node: .values(batches), schema: schema)
  }

  /// A counting column; all three scalars have one type (timespan step for datetime).
  package static func range(_ range: RangeNode) -> LogicalPlan {
    LogicalPlan(node: .range(range), schema: StructType([StructField(range.name, range.start.type)]))
  }

  /// The type of an expression over this plan's output; throws `ExpressionError`.
  package func type(of expr: Expr) throws -> DataType {
    try CompiledExpr(expr, schema: schema, context: Self.typing).type
  }

  /// Rows where the boolean predicate is true.
  package func filter(_ predicate: Expr) throws -> LogicalPlan {
    let type = try type(of: predicate)
    guard type == .bool else {
      throw ExpressionError.argumentTypes(function: "where", found: [type], expected: "bool")
    }
    return LogicalPlan(node: .filter(predicate, self), schema: schema)
  }

  /// The conjuncts of a predicate, each bool by itself: `and` takes numbers and dynamic values, too.
  func conditions(_ predicate: Expr) -> [Expr] {
    let terms = predicate.conjuncts
    return terms.count == 1 ? terms : terms.map { (try? type(of: $0)) == .bool ? $0 : .call("tobool", [$0]) }
  }

  /// One output column per expression; names must be unique.
  package func project(_ columns: [NamedExpr]) throws -> LogicalPlan {
    // Columns are mostly passed on in their places; the others of a wide schema are found by name.
    var places = FieldPlaces(schema)
    let fields = try columns.enumerated().map { i, column -> StructField in
      guard let name = column.expr.passedColumn else { return StructField(column.name, try type(of: column.expr)) }
      guard let place = places.place(of: name, near: i) else { return StructField(column.name, try type(of: column.expr)) }
      let field = schema[place]
      return StructField(column.name, field.type, nullable: field.nullable, hint: field.hint)
    }
    return LogicalPlan(node: .project(columns, self), schema: try unique(fields))
  }

  /// The output field of an expression: a column passed on keeps its storage hint.
  private func outputField(_ column: NamedExpr) throws -> StructField {
    if let name = column.expr.passedColumn, let field = schema.field(name) {
      return StructField(column.name, field.type, nullable: field.nullable, hint: field.hint)
    }
    return StructField(column.name, try type(of: column.expr))
  }

  /// Adds columns behind the existing ones, replacing those of the same name in place.
  package func extend(_ columns: [NamedExpr]) throws -> LogicalPlan {
    var out = schema.names.map { NamedExpr($0, .column($0)) }
    for column in columns {
      if let i = out.firstIndex(where: { $0.name == column.name }) { out[i] = column } else { out.append(column) }
    }
    return try project(out)
  }

  /// Columns by name, in that order.
  package func select(_ names: [String]) throws -> LogicalPlan {
    try project(names.map { NamedExpr($0, .column($0)) })
  }

  /// Groups and aggregates; the schema is keys, then aggregates.
  package func aggregate(keys: [NamedExpr], aggregates: [NamedAggregate]) throws -> LogicalPlan {
    var fields = try keys.map(outputField)
    for aggregate in aggregates {
      fields.append(StructField(aggregate.name, try CompiledAggregate(aggregate.call, schema: schema, context: Self.typing).type))
    }
    return LogicalPlan(node: .aggregate(keys: keys, aggregates: aggregates, self), schema: try unique(fields))
  }

  /// Joins with another plan. Right columns whose name the left side has are renamed `name1`, `name2`, … as Kusto does.
  package func join(_ right: LogicalPlan, kind: JoinKind, keys: [(left: Expr, right: Expr)], keepsOrder: Bool = false) throws -> LogicalPlan {
    var keys = keys
    for i in keys.indices {
      let a = try type(of: keys[i].left), b = try right.type(of: keys[i].right)
      if a == b { continue }
      guard a.isNumeric, b.isNumeric else {
        throw ExpressionError.argumentTypes(function: "join", found: [a, b], expected: "keys of one type")
      }
      let wide: DataType = a == .decimal || b == .decimal ? .decimal : a == .real || b == .real ? .real : .long
      let cast = "to\(wide)"
      if a != wide { keys[i].left = .call(cast, [keys[i].left]) }
      if b != wide { keys[i].right = .call(cast, [keys[i].right]) }
    }
    var node = JoinNode(kind: kind, left: self, right: right, keys: keys, rightNames: [])
    node.keepsOrder = keepsOrder
    switch kind {
    case .leftSemi, .leftAnti: return LogicalPlan(node: .join(node), schema: schema)
    case .rightSemi, .rightAnti: return LogicalPlan(node: .join(node), schema: right.schema)
    default: break
    }
    var fields = schema.fields
    var taken = Set(schema.names)
    for field in right.schema.fields {
      var name = field.name
      var n = 0
      while !taken.insert(name).inserted {
        n += 1
        name = "\(field.name)\(n)"
      }
      node.rightNames.append(name)
      fields.append(StructField(name, field.type, hint: field.hint))
    }
    return LogicalPlan(node: .join(node), schema: StructType(fields))
  }

  /// Rows in the order of the keys; stable for equal keys.
  package func sort(_ keys: [SortKey]) throws -> LogicalPlan {
    for key in keys { try checkSortable(key) }
    return LogicalPlan(node: .sort(keys, self), schema: schema)
  }

  /// The first rows in the order of the keys.
  package func topN(_ keys: [SortKey], count: Int) throws -> LogicalPlan {
    for key in keys { try checkSortable(key) }
    return LogicalPlan(node: .topN(keys, count: count, self), schema: schema)
  }

  private func checkSortable(_ key: SortKey) throws {
    let type = try type(of: key.expr)
    if type == .dynamic {
      throw ExpressionError.argumentTypes(function: "order by", found: [type], expected: "a scalar type; cast it, for instance with tostring()")
    }
  }

  package func limit(_ count: Int) -> LogicalPlan { LogicalPlan(node: .limit(count, self), schema: schema) }

  package func distinct() -> LogicalPlan { LogicalPlan(node: .distinct(self), schema: schema) }

  package func count(name: String = "Count") -> LogicalPlan {
    LogicalPlan(node: .count(name: name, self), schema: StructType([StructField(name, .long)]))
  }

  package func sample(_ count: Int) -> LogicalPlan { LogicalPlan(node: .sample(count, self), schema: schema) }

  /// All rows of plans with one schema (names and types); throws otherwise. KQL's wider union is built from projections to a common schema.
  package static func union(_ inputs: [LogicalPlan]) throws -> LogicalPlan {
    guard let first = inputs.first else { throw ExpressionError.invalidArgument(function: "union", message: "needs an input") }
    for input in inputs.dropFirst() {
      guard input.schema.fields.map(\.type) == first.schema.fields.map(\.type), input.schema.names == first.schema.names else {
        throw ExpressionError.invalidArgument(
          function: "union", message: "schemas differ: (\(first.schema)) and (\(input.schema))")
      }
    }
    return inputs.count == 1 ? first : LogicalPlan(node: .union(inputs), schema: first.schema)
  }

  /// An operator of its own kind over its inputs.
  package static func custom(_ op: any TableOperator, _ inputs: [LogicalPlan]) throws -> LogicalPlan {
    let schema = try op.outputSchema(inputs.map(\.schema))
    return LogicalPlan(node: .custom(op, inputs), schema: try unique(schema.fields))
  }

  private func unique(_ fields: [StructField]) throws -> StructType { try Self.unique(fields) }

  private static func unique(_ fields: [StructField]) throws -> StructType {
    var seen: Set<String> = []
    for field in fields where !seen.insert(field.name).inserted {
      throw ExpressionError.invalidArgument(function: "project", message: "column '\(field.name)' would be there twice")
    }
    return StructType(fields)
  }
}
