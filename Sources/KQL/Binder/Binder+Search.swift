// search and find: one condition over many tables, each with the columns that it has.
// Source: Kusto language reference, "search operator" and "find operator".

import Columnar
import Engine
import Expressions

extension Binder {
  // MARK: search

  /// `T | search p`, `search in (T, U*) p`: rows of all tables with all columns, and the table's name as `$table`.
  func search(_ search: SearchOperator, _ input: TableValue?, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let isCaseSensitive: Bool
    switch Self.word(step, "kind") {
    case nil, "default"?, "case_insensitive"?: isCaseSensitive = false
    case "case_sensitive"?: isCaseSensitive = true
    case let word?: try fail(.valueNotAllowed, "'\(word)' is no kind of search", at: step.nameSpan, hint: "kinds: default, case_insensitive, case_sensitive")
    }
    if let input, !search.sources.isEmpty { try fail(.unexpected, "search takes its rows from '\(input.name ?? "the pipe")' or from 'in (...)', not from both", at: step.nameSpan) }
    let tables = if let input { [input] } else { try searched(search.sources, step) }
    let predicate = try terms(search.predicate, isCaseSensitive: isCaseSensitive)
    let filtered = try filtered(tables, predicate, step)
    let columns = Self.unifiedSchema(filtered.map(\.table.plan.schema))
    guard !columns.contains(where: { $0.field.name == "$table" }) else { try fail(.duplicateColumn, "column '$table' is there already", at: step.span) }
    let inputs = try each(filtered) { item throws(BindFailure) in try self.aligned(item.table, item.place, columns, "$table", step.span) }
    return TableValue(plan: try plan(at: step.span) { try .union(inputs) }, isSerialized: tables.allSatisfy(\.isSerialized))
  }

  /// The tables that search and find look in; without a list all tables of the database and all views.
  private func searched(_ sources: [Expression], _ step: TabularOperator) throws(BindFailure) -> [TableValue] {
    if sources.isEmpty { return try matching("*", database: nil, step.nameSpan) }
    return qualified(try each(sources) { source throws(BindFailure) in try self.operands(source) }.flatMap(\.self))
  }

  /// A table that may hold rows, its rows filtered; and its place among all tables.
  private struct Filtered {
    var table: TableValue
    var place: Int
  }

  /// Each table under the condition. Columns that only other tables have are null; a table whose columns have types that the condition does not
  /// take is left out, unless that is so for all of them.
  private func filtered(_ tables: [TableValue], _ predicate: Expression, _ step: TabularOperator, skipsUnrelated: Bool = false) throws(BindFailure) -> [Filtered] {
    var out: [Filtered] = []
    var unrelated: [Filtered] = []
    let named = names(in: predicate)
    for (i, table) in tables.enumerated() {
      let before = isSilent
      isSilent = true
      let isValid = (try? self.filtered(table, tables, predicate, named, step.span)) != nil
      isSilent = before
      guard isValid else { continue }
      // Bound again, as subqueries do not run while nothing is reported.
      let plan = try self.filtered(table, tables, predicate, named, step.span)
      let filtered = Filtered(table: TableValue(plan: plan, name: table.name), place: i)
      let isRelated = !skipsUnrelated || named.isEmpty || named.contains { table.plan.schema.index(of: $0) != nil }
      if isRelated { out.append(filtered) } else { unrelated.append(filtered) }
    }
    if !out.isEmpty { return out }
    guard unrelated.isEmpty, let first = tables.first else { return unrelated }
    if tables.count > 1 { try refuseUnknownColumns(predicate, tables) }
    // Say what is wrong with the first table.
    return [Filtered(table: TableValue(plan: try filtered(first, tables, predicate, named, step.span), name: first.name), place: 0)]
  }

  /// Refuses names that mean nothing and are columns of no table.
  private func refuseUnknownColumns(_ predicate: Expression, _ tables: [TableValue]) throws(BindFailure) {
    let columns = Set(tables.flatMap { $0.plan.schema.names })
    var unknown: [(name: String, span: SourceSpan)] = []
    _ = predicate.rewritten { (part) throws(Never) -> Expression? in
      if case .name(let name) = part.kind, !columns.contains(name), self.scope.find(name) == nil, !unknown.contains(where: { $0.name == name }) {
        unknown.append((name, part.span))
      }
      return nil
    }
    guard let first = unknown.first else { return }
    let shown = unknown.map { "'\($0.name)'" }.joined(separator: ", ")
    let places = tables.prefix(8).enumerated().map { "'\($1.name ?? "find_arg\($0)")'" }.joined(separator: ", ") + (tables.count > 8 ? " and \(tables.count - 8) more" : "")
    try fail(
      .unknownName, "\(unknown.count == 1 ? "column" : "columns") \(shown) not found in any of the tables \(places)", at: first.span,
      hint: NameSuggestion.hint(for: first.name, among: columns))
  }

  private func filtered(_ table: TableValue, _ all: [TableValue], _ predicate: Expression, _ named: Set<String>, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    // Columns of other tables are literals here, so that conditions on them fold away.
    let missing = named.subtracting(table.plan.schema.names)
    let known = try predicate.rewritten { part throws(BindFailure) in
      guard case .name(let name) = part.kind, missing.contains(name), let field = all.lazy.compactMap({ $0.plan.schema.field(name) }).first else { return nil }
      return part.withKind(.literal(.typed(ScalarTypeName(rawValue: field.type.rawValue) ?? .string, "null")))
    }
    let (expr, type) = try typed(known, plainScope(table))
    guard type == .bool else { try fail(.typeExpected, "the condition is \(type), not bool", at: predicate.span) }
    return try plan(at: span) { try table.plan.filter(expr) }
  }

  /// The plain names in an expression.
  private func names(in expression: Expression) -> Set<String> {
    var found: Set<String> = []
    _ = expression.rewritten { (part) throws(Never) -> Expression? in
      if case .name(let name) = part.kind { found.insert(name) }
      return nil
    }
    return found
  }

  // MARK: Terms

  /// The condition with bare terms as conditions over all columns.
  private func terms(_ predicate: Expression, isCaseSensitive: Bool) throws(BindFailure) -> Expression {
    switch predicate.kind {
    case .logical(let op, let operands):
      return predicate.withKind(.logical(op, try each(operands) { operand throws(BindFailure) in try self.terms(operand, isCaseSensitive: isCaseSensitive) }))
    case .literal(.string(let term, _)): return Self.term(predicate.withKind(.star), term, predicate, isCaseSensitive)
    case .star: return predicate.withKind(.literal(.bool(true)))
    case .call(var call) where call.name.text == "not" && call.arguments.count == 1:
      call.arguments[0].value = try terms(call.arguments[0].value, isCaseSensitive: isCaseSensitive)
      return predicate.withKind(.call(call))
    case .binary(.searchTerm, let column, let value):
      guard case .string(let term) = try constant(value) else { try fail(.constantExpected, "a term is text", at: value.span) }
      return Self.term(column, term, predicate, isCaseSensitive)
    case .binary(let op, let left, let right):
      return predicate.withKind(.binary(isCaseSensitive ? Self.caseSensitive[op] ?? op : op, left, right))
    case .membership(.inIgnoringCase, let left, let items) where isCaseSensitive: return predicate.withKind(.membership(.isIn, left, items))
    case .membership(.notInIgnoringCase, let left, let items) where isCaseSensitive: return predicate.withKind(.membership(.notIn, left, items))
    default: return predicate
    }
  }

  private static let caseSensitive: [BinaryOperator: BinaryOperator] = [
    .has: .hasCs, .notHas: .notHasCs, .hasPrefix: .hasPrefixCs, .notHasPrefix: .notHasPrefixCs, .hasSuffix: .hasSuffixCs,
    .notHasSuffix: .notHasSuffixCs, .contains: .containsCs, .notContains: .notContainsCs, .startsWith: .startsWithCs,
    .notStartsWith: .notStartsWithCs, .endsWith: .endsWithCs, .notEndsWith: .notEndsWithCs, .equalIgnoringCase: .equal, .notEqualIgnoringCase: .notEqual,
  ]

  /// `has` for a plain term; stars at its ends and within it stand for any text.
  private static func term(_ subject: Expression, _ term: String, _ place: Expression, _ isCaseSensitive: Bool) -> Expression {
    let isPrefix = term.hasSuffix("*"), isSuffix = term.hasPrefix("*")
    let inner = String(term.dropFirst(isSuffix ? 1 : 0).dropLast(isPrefix && term.count > 1 ? 1 : 0))
    if inner.isEmpty { return place.withKind(.literal(.bool(true))) }
    var op: BinaryOperator = .has
    var text = inner
    if inner.contains("*") {
      let pieces = inner.split(separator: "*", omittingEmptySubsequences: false).map { quotedForRegex(String($0)) }
      text = (isCaseSensitive ? "" : "(?i)") + (isSuffix ? "" : "\\b") + pieces.joined(separator: ".*") + (isPrefix ? "" : "\\b")
      op = .matchesRegex
    } else if isPrefix && isSuffix {
      op = .contains
    } else if isPrefix {
      op = .hasPrefix
    } else if isSuffix {
      op = .hasSuffix
    }
    if isCaseSensitive { op = caseSensitive[op] ?? op }
    return place.withKind(.binary(op, subject, place.withKind(.literal(.string(text, isObfuscated: false)))))
  }

  private static func quotedForRegex(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      if !(scalar.properties.isAlphabetic || scalar.value >= 0x80 || (scalar.value >= 0x30 && scalar.value <= 0x39) || scalar == "_" || scalar == " ") { out += "\\" }
      out.unicodeScalars.append(scalar)
    }
    return out
  }

  // MARK: find

  /// `find in (T) where p project a, b: long, pack_all()`
  func find(_ find: FindOperator, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let source = Self.word(step, "withsource") ?? Self.word(step, "with_source") ?? "source_"
    let tables = try searched(find.sources, step)
    let predicate = try terms(find.predicate, isCaseSensitive: false)
    let filtered = try filtered(tables, predicate, step, skipsUnrelated: true)
    let schemas = filtered.map(\.table.plan.schema)
    /// Columns of the result, what they are in the inputs, and whether the rest is packed.
    var columns: [UnionColumn] = []
    var casts: [DataType?] = []
    var packs = false
    switch find.projection {
    case .unspecified, .smart:
      let named = names(in: predicate)
      let common = schemas.first.map { first in Set(first.fields.filter { field in schemas.allSatisfy { $0.field(field.name)?.type == field.type } }.map(\.name)) } ?? []
      columns = Self.unifiedSchema(schemas).filter { named.contains($0.sourceName) || common.contains($0.sourceName) }
      let shown = Set(columns.map(\.sourceName))
      packs = schemas.contains { schema in schema.names.contains { !shown.contains($0) } }
    case .columns(let items, let packsRest):
      packs = packsRest
      for item in items {
        let types = schemas.compactMap { $0.field(item.name.text)?.type }
        guard let first = types.first else {
          try fail(.unknownName, "no table has the column '\(item.name.text)'", at: item.name.span, hint: NameSuggestion.hint(for: item.name.text, among: schemas.flatMap(\.names)))
        }
        if item.type == nil, types.contains(where: { $0 != first }) {
          try fail(.ambiguousName, "column '\(item.name.text)' has several types", at: item.name.span, hint: "say which one: \(quotedName(item.name.text)):\(first)")
        }
        columns.append(UnionColumn(field: StructField(item.name.text, item.type.map { DataType($0.type) } ?? first), sourceName: item.name.text))
      }
      if let twice = Self.repeated(columns.map(\.field.name)) { try fail(.duplicateColumn, "column '\(twice)' is declared twice", at: step.span) }
    case .away(let items):
      let away = Set(items.map(\.name.text))
      columns = items.isEmpty ? [] : Self.unifiedSchema(schemas).filter { !away.contains($0.sourceName) }
    }
    casts = columns.map(\.field.type)
    let isExact = if case .columns = find.projection { false } else { true }
    let inputs = try each(filtered) { item throws(BindFailure) in
      let schema = item.table.plan.schema
      var out = [NamedExpr(source, .literal(.string(item.table.name ?? "find_arg\(item.place)")))]
      var shown: Set<String> = []
      for (column, type) in zip(columns, casts) {
        let found = schema.field(column.sourceName)
        shown.insert(column.sourceName)
        let value: Expr
        if let found, found.type == type {
          value = .column(found.name)
        } else if let found, !isExact, let type {
          value = .call("to\(type)", [.column(found.name)])
        } else {
          value = .literal(.null(column.field.type))
        }
        out.append(NamedExpr(column.field.name, value))
      }
      if packs {
        let rest = schema.names.filter { !shown.contains($0) }
        out.append(NamedExpr("pack_", .call("bag_pack", rest.flatMap { [Expr.literal(.string($0)), .column($0)] })))
      }
      return try self.plan(at: step.span) { try item.table.plan.project(out) }
    }
    return TableValue(plan: try plan(at: step.span) { try .union(inputs) })
  }

  private static func repeated(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}
