// project, extend, print, distinct and the operators that only choose, order or rename columns.

import Columnar
import Engine
import Expressions

/// What differs between the operators that compute columns.
enum ProjectionStyle {
  case project, extend, print
}

extension Binder {
  /// The output columns of `project`, `extend` or `print`.
  func projection(_ items: [NamedExpression], _ row: RowScope, style: ProjectionStyle) throws(BindFailure) -> ProjectionBuilder {
    var builder = style == .extend ? ProjectionBuilder(passing: row.types.names) : ProjectionBuilder()
    let bound = try each(Array(items.enumerated())) { item throws(BindFailure) in
      (item.offset, item.element, try self.typed(item.element.value, row).0)
    }
    for (i, item, expr) in bound { try place(item, i, expr, row, style, &builder) }
    return builder
  }

  private func place(
    _ item: NamedExpression, _ i: Int, _ expr: Expr, _ row: RowScope, _ style: ProjectionStyle, _ builder: inout ProjectionBuilder
  ) throws(BindFailure) {
    if let outputs = outputs(of: item.value, expr) { return try place(outputs, item, style, &builder) }
    if item.names.count > 1 { try notSupported("several names for one expression", at: item.span) }
    if let name = item.names.first {
      guard builder.declare(name.text, expr, replaces: style == .extend) else {
        try fail(.duplicateColumn, "column '\(name.text)' is declared twice", at: name.span)
      }
      return
    }
    if case .column(let name) = expr, style != .print, isReference(item.value) {
      guard builder.declare(name, expr, replaces: style == .extend) else {
        try fail(.duplicateColumn, "column '\(name)' is declared twice", at: item.span)
      }
      return
    }
    if style == .print { return builder.add("print_\(i)", expr) }
    let name = Self.resultName(of: item.value, row) ?? builder.numbered { row.types.index(of: $0) != nil }
    builder.add(name, expr, replaces: style == .extend)
  }

  /// The name of an unnamed expression's column. `column_ifexists()` gives the name of a column that is there, else none.
  private static func resultName(of expression: Expression, _ row: RowScope) -> String? {
    guard let name = ResultNames.name(of: expression) else { return nil }
    if case .call(let call) = expression.kind, ["column_ifexists", "columnifexists"].contains(call.name.text), row.types.index(of: name) == nil { return nil }
    return name
  }

  /// The columns of a function with several: names written before `=` first; the others follow under names of their own, but behind names
  /// only in `project`. Source: Kusto "series_fit_2lines()".
  private func place(
    _ outputs: [(name: String, expr: Expr)], _ item: NamedExpression, _ style: ProjectionStyle, _ builder: inout ProjectionBuilder
  ) throws(BindFailure) {
    guard item.names.count <= outputs.count else {
      try fail(.valueNotAllowed, "there are \(item.names.count) names for \(outputs.count) results", at: item.span)
    }
    for (i, output) in outputs.enumerated() {
      if i < item.names.count {
        guard builder.declare(item.names[i].text, output.expr, replaces: style == .extend) else {
          try fail(.duplicateColumn, "column '\(item.names[i].text)' is declared twice", at: item.names[i].span)
        }
      } else if item.names.isEmpty || style == .project {
        builder.add(output.name, output.expr)
      }
    }
  }

  /// Whether an expression is a column by its name, or a conversion that changes nothing.
  private func isReference(_ expression: Expression) -> Bool {
    switch expression.kind {
    case .name, .path: true
    default: false
    }
  }

  /// `distinct a, n = b + 1`, `distinct *` and `distinct *, n = b + 1`.
  func distinct(_ items: [NamedExpression], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    if items.count == 1, items[0].names.isEmpty, case .star = items[0].value.kind {
      try refuseDynamic(input.plan.schema, span)
      return try plan(at: span) { try input.plan.withTexts().distinct() }
    }
    let row = rowScope(input)
    let listed = items.flatMap { item -> [NamedExpression] in
      guard item.names.isEmpty, case .star = item.value.kind else { return [item] }
      return row.types.names.map { NamedExpression(names: [], isTuple: false, value: item.value.withKind(.name($0)), span: item.span) }
    }
    let builder = try projection(listed, row, style: .project)
    let rows = try windowed(input.plan, row, span)
    let projected = try plan(at: span) { try rows.project(Self.keys(builder.columns, over: rows)) }
    try refuseDynamic(projected.schema, span)
    return projected.distinct()
  }

  private func refuseDynamic(_ schema: StructType, _ span: SourceSpan) throws(BindFailure) {
    guard let field = schema.fields.first(where: { $0.type == .dynamic }) else { return }
    try fail(.typeExpected, "distinct does not take dynamic columns such as '\(field.name)'", at: span, hint: "use tostring(\(quotedName(field.name)))")
  }

  // MARK: Choosing columns

  /// The columns that names and wildcards stand for, without repetition; an unknown plain name is an error.
  func matchingColumns(_ patterns: [Expression], _ input: TableValue) throws(BindFailure) -> [String] {
    let names = input.plan.schema.names
    var chosen: [String] = []
    var seen: Set<String> = []
    for group in try each(patterns, { pattern throws(BindFailure) in try self.columns(pattern, names, input) }) {
      for name in group where seen.insert(name).inserted { chosen.append(name) }
    }
    return chosen
  }

  private func columns(_ pattern: Expression, _ names: [String], _ input: TableValue) throws(BindFailure) -> [String] {
    switch pattern.kind {
    case .wildcard(let text): return names.filter { Wildcard.matches(text, $0) }
    case .star: return names
    case .name(let name):
      guard names.contains(name) else { try unknownName(name, rowScope(input), pattern.span) }
      return [name]
    default: try fail(.columnExpected, "a column name or a pattern with '*' is needed here", at: pattern.span)
    }
  }

  func projectAway(_ patterns: [Expression], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let gone = Set(try matchingColumns(patterns, input))
    return try select(input.plan.schema.names.filter { !gone.contains($0) }, input, span)
  }

  func projectKeep(_ patterns: [Expression], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let kept = Set(try matchingColumns(patterns, input))
    return try select(input.plan.schema.names.filter { kept.contains($0) }, input, span)
  }

  /// Listed columns come first; a pattern's group is sorted when an order is given.
  func projectReorder(_ items: [ReorderItem], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let names = input.plan.schema.names
    let groups = try each(items) { item throws(BindFailure) in
      let group = try self.columns(item.column, names, input)
      guard let order = item.order else { return group }
      return Wildcard.sorted(group, order)
    }
    // A pattern does not take columns that a later item names outright.
    let explicit = Set(items.compactMap { if case .name(let name) = $0.column.kind { name } else { nil } })
    var out: [String] = []
    var seen: Set<String> = []
    for (item, group) in zip(items, groups) {
      let isPattern = if case .name = item.column.kind { false } else { true }
      for name in group where !(isPattern && explicit.contains(name)) && seen.insert(name).inserted { out.append(name) }
    }
    return try select(out + names.filter { !seen.contains($0) }, input, span)
  }

  func projectRename(_ items: [NamedExpression], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    var names = input.plan.schema.names
    for item in items {
      guard let new = item.names.first, item.names.count == 1 else {
        try fail(.renameExpected, "project-rename takes: new = old", at: item.span)
      }
      guard case .name(let old) = item.value.kind, let place = input.plan.schema.index(of: old) else {
        if case .name(let old) = item.value.kind { try unknownName(old, rowScope(input), item.value.span) }
        try fail(.columnExpected, "the right side of a rename is a column", at: item.value.span)
      }
      names[place] = new.text
    }
    if let twice = firstRepeated(names) {
      try fail(.duplicateColumn, "column '\(twice)' would be there twice", at: span)
    }
    let columns = zip(input.plan.schema.names, names).map { NamedExpr($1, .column($0)) }
    return try plan(at: span) { try input.plan.project(columns) }
  }

  private func firstRepeated(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }

  /// Columns whose names are given as text, arrays of text or `column_names_of(T)`; names that match nothing are left out.
  func projectByNames(_ items: [Expression], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    var wanted: [String] = []
    for item in items {
      switch try constant(item) {
      case .string(let name): wanted.append(name)
      case .dynamic(.string(let name)): wanted.append(name)
      case .dynamic(.array(let list)):
        for case .string(let name) in list { wanted.append(name) }
      default: try fail(.valueNotAllowed, "project-by-names takes names as text or arrays of text", at: item.span)
      }
    }
    var out: [String] = []
    var seen: Set<String> = []
    for name in wanted {
      for match in input.plan.schema.names where name == match || (name.contains("*") && Wildcard.matches(name, match)) {
        if seen.insert(match).inserted { out.append(match) }
      }
    }
    return try select(out, input, span)
  }

  func select(_ names: [String], _ input: TableValue, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    if names == input.plan.schema.names { return input.plan }
    return try plan(at: span) { try input.plan.select(names) }
  }
}

/// Name patterns with `*`.
enum Wildcard {
  /// Whether a whole name matches a pattern in which `*` stands for any text.
  static func matches(_ pattern: String, _ name: String) -> Bool {
    let p = Array(pattern.utf8)
    let n = Array(name.utf8)
    var i = 0
    var j = 0
    var star = -1
    var mark = 0
    while j < n.count {
      if i < p.count && p[i] == 0x2A {
        star = i
        mark = j
        i += 1
      } else if i < p.count && p[i] == n[j] {
        i += 1
        j += 1
      } else if star >= 0 {
        i = star + 1
        mark += 1
        j = mark
      } else {
        return false
      }
    }
    while i < p.count && p[i] == 0x2A { i += 1 }
    return i == p.count
  }

  /// Names in alphabetical order without regard to case; the granny orders compare digits inside names as numbers.
  static func sorted(_ names: [String], _ order: ReorderItem.Order) -> [String] {
    switch order {
    case .ascending: names.sorted { $0.lowercased() < $1.lowercased() }
    case .descending: names.sorted { $0.lowercased() > $1.lowercased() }
    case .grannyAscending: names.sorted { precedes(parts($0), parts($1)) }
    case .grannyDescending: names.sorted { precedes(parts($1), parts($0)) }
    }
  }

  private enum Part {
    case text(String)
    case number(Int)
  }

  private static func parts(_ name: String) -> [Part] {
    var out: [Part] = []
    var rest = name.lowercased()[...]
    while let first = rest.first {
      let isDigit = first.isASCII && first.isNumber
      let run = rest.prefix { ($0.isASCII && $0.isNumber) == isDigit }
      if isDigit, let number = Int(run) { out.append(.number(number)) } else { out.append(.text(String(run))) }
      rest = rest.dropFirst(run.count)
    }
    return out
  }

  private static func precedes(_ a: [Part], _ b: [Part]) -> Bool {
    for (x, y) in zip(a, b) {
      switch (x, y) {
      case (.number(let m), .number(let n)): if m != n { return m < n }
      case (.text(let s), .text(let t)): if s != t { return s < t }
      case (.number, .text): return true
      case (.text, .number): return false
      }
    }
    return a.count < b.count
  }
}
