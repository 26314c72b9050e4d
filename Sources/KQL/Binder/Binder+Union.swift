// union: tables by name, pattern or query; columns brought together by name and type.

import Columnar
import Engine
import Expressions

extension Binder {
  func union(_ operands: [Expression], _ input: TableValue?, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let isFuzzy = Self.word(step, "isfuzzy") == "true" || Self.word(step, "best_effort") == "true" || options.isBestEffort
      || settings["best_effort"] == .bool(true)
    var tables: [TableValue] = input.map { [$0] } ?? []
    let before = diagnostics.count
    let groups = try each(operands) { operand throws(BindFailure) in
      do throws(BindFailure) {
        return try self.operands(operand)
      } catch {
        // A fuzzy union takes what it finds: operands whose table, function, database or cluster is not there are left out.
        let missing = Self.codesOfMissing(operand)
        guard isFuzzy, self.cause == nil, self.diagnostics.dropFirst(before).allSatisfy({ missing.contains($0.code) || $0.severity == .warning }) else { throw error }
        for i in before..<self.diagnostics.count { self.diagnostics[i].severity = .warning }
        return []
      }
    }
    for group in groups { tables += group }
    if let most = option("query_max_entities_in_union")?.int64Value, most > 0, tables.count > most {
      try fail(.valueNotAllowed, "union of \(tables.count) tables, \(most) are the most (query_max_entities_in_union)", at: step.span)
    }
    guard !tables.isEmpty else { try fail(.unknownTable, "union finds no table", at: step.span) }
    return try union(of: tables, step)
  }

  /// What is reported of an operand that names something that is not there.
  private static func codesOfMissing(_ operand: Expression) -> Set<DiagnosticCode> {
    var codes: Set<DiagnosticCode> = [.unknownTable, .unknownDatabase]
    var target: Expression?
    switch operand.kind {
    case .call(let call):
      codes.insert(.unknownFunction)
      target = call.target
    case .path(let left, _), .wildcardPath(let left, _): target = left
    default: break
    }
    // A cluster that is not this one cannot be reached.
    if case .call(let database)? = target?.kind, database.target != nil { codes.insert(.notSupported) }
    return codes
  }

  /// The tables under the names that columns of sources show: with the database where there are tables of several.
  /// Source: Kusto language reference, "union operator", "find operator".
  func qualified(_ tables: [TableValue]) -> [TableValue] {
    guard Set(tables.compactMap(\.database)).count > 1 else { return tables }
    return tables.map { table in
      guard let name = table.name, let database = table.database else { return table }
      var table = table
      table.name = "\(database).\(name)"
      return table
    }
  }

  /// Tables put together under the parameters of an operator: `kind`, `withsource`.
  func union(of tables: [TableValue], _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let isInner = try unionKind(step)
    let schema = isInner ? Self.commonSchema(tables.map(\.plan.schema)) : Self.unifiedSchema(tables.map(\.plan.schema))
    let source = Self.word(step, "withsource") ?? Self.word(step, "with_source")
    if let source, schema.contains(where: { $0.field.name == source }) {
      try fail(.duplicateColumn, "column '\(source)' of withsource is there already", at: step.span)
    }
    let inputs = try each(Array(qualified(tables).enumerated())) { item throws(BindFailure) in
      try self.aligned(item.element, item.offset, schema, source, step.span)
    }
    let plan = try plan(at: step.span) { try LogicalPlan.union(inputs) }
    // The tables stand one behind the other.
    return TableValue(plan: plan, isSerialized: tables.allSatisfy(\.isSerialized))
  }

  private func unionKind(_ step: TabularOperator) throws(BindFailure) -> Bool {
    switch Self.word(step, "kind") {
    case nil, "outer"?: return false
    case "inner"?: return true
    case let word?: try fail(.valueNotAllowed, "'\(word)' is no kind of union", at: step.span, hint: "kinds: inner, outer")
    }
  }

  /// The tables that one operand stands for.
  func operands(_ operand: Expression) throws(BindFailure) -> [TableValue] {
    switch operand.kind {
    case .wildcard(let pattern): return try matching(pattern, database: nil, operand.span)
    case .wildcardPath(let left, let pattern):
      guard let database = try databaseName(left) else { try fail(.unknownDatabase, "a database is needed before '.'", at: left.span) }
      return try matching(pattern.text, database: database, operand.span)
    case .path(let left, let name):
      // `database('sales*').Orders`: the table of that name in each of them.
      guard let database = try databaseName(left), database.contains("*") else { return [try table(operand, what: "an operand of union")] }
      return try matching(name.text, database: database, operand.span)
    case .star: return try matching("*", database: nil, operand.span)
    default: return [try table(operand, what: "an operand of union")]
    }
  }

  /// Tables and stored views of the catalog, and views of the text, whose names match; a view whose body this stands in is none of its own.
  /// A database with `*` stands for all whose names match.
  func matching(_ pattern: String, database: String?, _ span: SourceSpan) throws(BindFailure) -> [TableValue] {
    var found: [TableValue] = []
    var seen: Set<String> = []
    if database == nil {
      for name in scope.names where Wildcard.matches(pattern, name) && seen.insert(name).inserted {
        if case .function(let function, let home)? = scope.find(name), function.isView, function.parameters.isEmpty,
          case .table(let table) = try call(function, home, name: name, [], .none, span)
        {
          found.append(table)
        }
      }
    }
    let databases: [String?] = if let database, database.contains("*") { catalog.databaseNames.filter { Wildcard.matches(database, $0) } } else { [database] }
    for database in databases {
      let home = database ?? scope.database
      let tables = catalog.tableNames(database: home)
      let views = catalog.viewNames(database: home).filter { !tables.contains($0) && !openFunctions.contains(Self.functionKey($0, in: home)) }
      for name in tables + views where Wildcard.matches(pattern, name) && allowsAccess(name, database: database) && !seen.contains(name) {
        found.append(try catalogTable(name, database: database, prefersTable: true, span))
      }
    }
    if found.isEmpty { try fail(.unknownTable, "no table matches '\(pattern)'", at: span) }
    return found
  }

  // MARK: Columns

  /// An output column of a union and the input columns it takes.
  struct UnionColumn {
    var field: StructField
    /// The name and type it has in the inputs.
    var sourceName: String
  }

  /// All columns by name and type; names with several types get the type behind them: `x_long`, `x_string`.
  static func unifiedSchema(_ schemas: [StructType]) -> [UnionColumn] {
    var order: [String] = []
    var types: [String: [DataType]] = [:]
    for schema in schemas {
      for field in schema.fields {
        if types[field.name] == nil { order.append(field.name) }
        if !(types[field.name, default: []].contains(field.type)) { types[field.name, default: []].append(field.type) }
      }
    }
    // Names that stay as they are come before names made here.
    var names = UniqueNames()
    for name in order where types[name]?.count == 1 { names.take(name) }
    var out: [UnionColumn] = []
    for name in order {
      let found = types[name] ?? []
      for type in found {
        let outName = found.count == 1 ? name : names.unique("\(name)_\(type)")
        out.append(UnionColumn(field: StructField(outName, type), sourceName: name))
      }
    }
    return out
  }

  /// The columns that every input has with the same name and type.
  static func commonSchema(_ schemas: [StructType]) -> [UnionColumn] {
    guard let first = schemas.first else { return [] }
    return first.fields.filter { field in schemas.allSatisfy { $0.field(field.name)?.type == field.type } }
      .map { UnionColumn(field: StructField($0.name, $0.type), sourceName: $0.name) }
  }

  /// One input with the columns of the union; columns it lacks are null.
  func aligned(
    _ table: TableValue, _ i: Int, _ columns: [UnionColumn], _ source: String?, _ span: SourceSpan
  ) throws(BindFailure) -> LogicalPlan {
    var out: [NamedExpr] = []
    if let source { out.append(NamedExpr(source, .literal(.string(table.name ?? "union_arg\(i)")))) }
    for column in columns {
      let has = table.plan.schema.field(column.sourceName)?.type == column.field.type
      out.append(NamedExpr(column.field.name, has ? .column(column.sourceName) : .literal(.null(column.field.type))))
    }
    if source == nil, out.map(\.name) == table.plan.schema.names, zip(out, table.plan.schema.fields).allSatisfy({ $0.expr == .column($1.name) }) {
      return table.plan
    }
    return try plan(at: span) { try table.plan.project(out) }
  }
}
