// Scalar expressions to `Expr`.

import Columnar
import Engine
import Expressions

extension Binder {
  /// Binds an expression that must be a scalar. Types are checked by `typed`.
  func scalar(_ expression: Expression, _ row: RowScope) throws(BindFailure) -> ScalarValue {
    switch expression.kind {
    case .literal(let literal): return ScalarValue(expr: .literal(try self.literal(literal, expression.span)))
    case .name, .call:
      switch try value(expression, row) {
      case .scalar(let value): return value
      case .table: try fail(.scalarExpected, "a scalar is needed here; this is a table", at: expression.span, hint: "toscalar(...) takes the first value of a table")
      }
    case .unary(let op, let operand): return try unary(op, operand, row)
    case .binary(let op, let left, let right): return try binary(op, left, right, row, expression.span)
    case .logical(let op, let operands):
      let terms = try each(operands) { operand throws(BindFailure) in try self.scalar(operand, row) }
      return try node(op.rawValue, terms, expression.span)
    case .membership(let op, let left, let items): return try membership(op, left, items, row, expression.span)
    case .between(let left, let low, let high, let isNegated): return try between(left, low, high, isNegated, row, expression.span)
    case .path(let left, let name): return try path(left, name, row, expression.span)
    case .element(let left, let index):
      return try node(FunctionName.member, [try scalar(left, row), try scalar(index, row)], expression.span)
    case .star: try fail(.starNotAllowed, "'*' does not stand for a value here", at: expression.span)
    case .typeOf(let type): return ScalarValue(expr: .literal(.string(type.type.rawValue)))
    case .query, .datatable:
      try fail(.scalarExpected, "a scalar is needed here; this is a table", at: expression.span, hint: "toscalar(...) takes the first value of a table")
    default:
      _ = try value(expression, row)
      try fail(.scalarExpected, "a scalar is needed here", at: expression.span)
    }
  }

  /// A call node; refuses expressions that inlining made too large.
  func node(_ name: String, _ arguments: [ScalarValue], _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    var size = 1
    var height = 0
    for argument in arguments {
      size = min(size + argument.size, Self.maximumExprSize + 1)
      height = max(height, argument.height)
    }
    guard size <= Self.maximumExprSize, height < Self.maximumExprHeight else {
      try fail(.nestingTooDeep, "the expression grows too large when its functions are put in", at: span)
    }
    return ScalarValue(expr: .call(name, arguments.map(\.expr)), size: size, height: height + 1)
  }

  private func unary(_ op: UnaryOperator, _ operand: Expression, _ row: RowScope) throws(BindFailure) -> ScalarValue {
    let value = try scalar(operand, row)
    guard op == .negate else { return value }
    switch value.expr {
    case .literal(.long(let v)) where v != .min: return ScalarValue(expr: .literal(.long(-v)))
    case .literal(.real(let v)): return ScalarValue(expr: .literal(.real(-v)))
    case .literal(.timespan(let v)) where v != .min: return ScalarValue(expr: .literal(.timespan(-v)))
    default: return try node(FunctionName.negate, [value], operand.span)
    }
  }

  private func binary(_ op: BinaryOperator, _ left: Expression, _ right: Expression, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    switch op {
    case .like, .notLike, .likeCs, .notLikeCs: try notSupported("the operator '\(op.rawValue)'; use matches regex, has or contains", at: span)
    case .searchTerm: try notSupported("the operator ':' outside search", at: span)
    default: break
    }
    if case .star = left.kind { return try anyColumn(op, right, row, span) }
    let sides = [try scalar(left, row), try scalar(right, row)]
    return try node(op.rawValue, op == .equal || op == .notEqual ? withGUIDs(sides, row) : sides, span)
  }

  /// Texts of GUIDs among values that are compared with a guid become guids, as in `OperationId == "74be27de-…"` of the reference's examples.
  private func withGUIDs(_ values: [ScalarValue], _ row: RowScope) -> [ScalarValue] {
    let parsed: [ScalarValue?] = values.map { value in
      guard case .literal(.string(let text)) = value.expr, let guid = GUID(text) else { return nil }
      return ScalarValue(expr: .literal(.guid(guid)))
    }
    guard parsed.contains(where: { $0 != nil }), zip(values, parsed).allSatisfy({ $1 != nil || quietType(of: $0, row) == .guid }) else { return values }
    guard parsed.contains(where: { $0 == nil }) else { return values }
    return zip(values, parsed).map { $1 ?? $0 }
  }

  /// `* has "x"`: true when any column satisfies it; columns that are no text are compared as text.
  private func anyColumn(_ op: BinaryOperator, _ right: Expression, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    let value = try scalar(right, row)
    var terms: [ScalarValue] = []
    for field in row.types.fields {
      let column = ScalarValue(expr: field.type == .string ? .column(field.name) : .call("tostring", [.column(field.name)]), size: 2, height: 2)
      terms.append(try node(op.rawValue, [column, value], span))
    }
    if terms.isEmpty { return ScalarValue(expr: .literal(.bool(false))) }
    return terms.count == 1 ? terms[0] : try node(FunctionName.or, terms, span)
  }

  private func path(_ left: Expression, _ name: Name, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    if case .name(let entity) = left.kind, case .database(let database)? = scope.find(entity), let value = entityScalar(database, name.text) { return value }
    if case .name("$left") = left.kind {
      guard row.types.index(of: name.text) != nil else { try unknownName(name.text, row, name.span) }
      return ScalarValue(expr: .column(name.text))
    }
    if case .name(let step) = left.kind, row.steps.contains(step) {
      guard row.types.index(of: name.text) != nil else { try unknownName(name.text, row, name.span) }
      return ScalarValue(expr: .column(StepScanOperator.stateColumn(step, name.text)))
    }
    return try node(FunctionName.member, [try scalar(left, row), ScalarValue(expr: .literal(.string(name.text)))], span)
  }

  private func between(
    _ left: Expression, _ low: Expression, _ high: Expression, _ isNegated: Bool, _ row: RowScope, _ span: SourceSpan
  ) throws(BindFailure) -> ScalarValue {
    let value = try scalar(left, row)
    let from = try scalar(low, row)
    var to = try scalar(high, row)
    // `t between (start .. 1d)` ends one day after its start.
    if quietType(of: to, row) == .timespan, quietType(of: value, row) == .datetime || quietType(of: from, row) == .datetime {
      to = try node(FunctionName.add, [from, to], span)
    }
    return try node(isNegated ? FunctionName.notBetween : FunctionName.between, [value, from, to], span)
  }

  private func membership(
    _ op: MembershipOperator, _ left: Expression, _ items: [Expression], _ row: RowScope, _ span: SourceSpan
  ) throws(BindFailure) -> ScalarValue {
    if items.isEmpty, op == .isIn || op == .inIgnoringCase { return ScalarValue(expr: .literal(.bool(false))) }
    if items.isEmpty, op == .notIn || op == .notInIgnoringCase { return ScalarValue(expr: .literal(.bool(true))) }
    let values: [ScalarValue]
    if items.count == 1, isTable(items[0], row) {
      values = [ScalarValue(expr: .literal(.dynamic(.array(try column(of: items[0])))))]
    } else {
      values = try each(items) { item throws(BindFailure) in try self.scalar(item, row) }
    }
    if case .star = left.kind {
      var terms: [ScalarValue] = []
      for field in row.types.fields where field.type == .string {
        terms.append(try node(op.rawValue, [ScalarValue(expr: .column(field.name))] + compacted(values), span))
      }
      return terms.isEmpty ? ScalarValue(expr: .literal(.bool(false))) : try node(FunctionName.or, terms, span)
    }
    let operands = [try scalar(left, row)] + compacted(values)
    return try node(op.rawValue, op == .isIn || op == .notIn ? withGUIDs(operands, row) : operands, span)
  }

  /// Long lists of literals as one array, which functions take as well.
  private func compacted(_ values: [ScalarValue]) -> [ScalarValue] {
    guard values.count > 64 else { return values }
    var array: [DynamicValue] = []
    for value in values {
      guard case .literal(let scalar) = value.expr, let item = Self.dynamicValue(scalar) else { return values }
      array.append(item)
    }
    return [ScalarValue(expr: .literal(.dynamic(.array(array))))]
  }

  /// The values of a query's only column, computed now.
  private func column(of expression: Expression) throws(BindFailure) -> [DynamicValue] {
    let source = try table(expression, what: "the right side of 'in'")
    guard source.plan.schema.count >= 1 else { try fail(.singleColumnExpected, "the query has no column", at: expression.span) }
    if isSilent { return [] }
    var values: [DynamicValue] = []
    for batch in try run(source.plan) {
      let column = batch.columns[0]
      for i in 0..<batch.rowCount {
        let scalar = column.scalar(i)
        // An array in a cell counts as its elements.
        if case .dynamic(.array(let items)) = scalar { values += items } else if let value = Self.dynamicValue(scalar) { values.append(value) }
      }
    }
    return values
  }

  // MARK: Functions

  /// A call of a built-in scalar function.
  func builtIn(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    let name = call.name.text
    if ResultNames.isAggregate(name) && !ResultNames.isScalarToo(name) {
      try fail(.aggregateNotAllowed, "'\(name)' aggregates rows; it stands only in summarize, make-series and top-nested", at: span,
        hint: ["min", "max"].contains(name) ? "of several values in one row: \(name)_of()" : "T | summarize n = \(name)(…) by key makes it a column, here n")
    }
    if !FunctionRegistry.exists(name), case .functionNotFound(_, let candidates) = FunctionRegistry.missing(name) {
      // Of names that are near, an aggregation function is more likely meant where they may stand.
      let near = row.aggregates == nil ? nil : NameSuggestion.hint(for: name, among: ResultNames.aggregates)
      try fail(.unknownFunction, "function '\(name)' not found", at: call.name.span, hint: ForeignNames.function(name) ?? near ?? NameSuggestion.hint(for: name, among: candidates + scope.names))
    }
    let arguments = try each(try inPlace(call)) { argument throws(BindFailure) in
      // `pack_array(*)`: all columns.
      if case .star = argument.value.kind, let schema = row.schema { return schema.names.map { ScalarValue(expr: .column($0)) } }
      return [try self.scalar(argument.value, row)]
    }
    return try functionNode(name, arguments.flatMap(\.self), span)
  }

  /// The arguments in the order of the function's parameters: some may be given by the names that the language reference has for them.
  private func inPlace(_ call: FunctionCall) throws(BindFailure) -> [NamedExpression] {
    guard let first = call.arguments.firstIndex(where: { !$0.names.isEmpty }) else { return call.arguments }
    // An unknown function is reported as such.
    guard FunctionRegistry.exists(call.name.text) else { return call.arguments }
    let parameters = (FunctionRegistry.find(call.name.text)?.parameters ?? "").split { ", []".contains($0) }.map(String.init)
    var placed: [Int: NamedExpression] = [:]
    for (i, argument) in call.arguments.enumerated() {
      guard let name = argument.names.first else {
        if i > first { try fail(.namedArgument, "arguments by position come before those by name", at: argument.span) }
        placed[i] = argument
        continue
      }
      guard let place = parameters.firstIndex(of: name.text) else {
        try fail(
          .namedArgument, "'\(call.name.text)' has no parameter '\(name.text)'", at: name.span,
          hint: parameters.isEmpty ? "write the value alone" : "parameters: \(parameters.joined(separator: ", "))")
      }
      if placed[place] != nil { try fail(.namedArgument, "the parameter '\(name.text)' is given twice", at: name.span) }
      placed[place] = argument
    }
    let order = placed.keys.sorted()
    guard order == Array(0..<order.count) else {
      try fail(.namedArgument, "'\(call.name.text)' misses the parameter '\(parameters[order.indices.first { order[$0] != $0 } ?? 0])'", at: call.name.span)
    }
    return order.compactMap { placed[$0] }
  }

  /// A call of a function; of one that gives several columns the first of them.
  func functionNode(_ name: String, _ arguments: [ScalarValue], _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    let call = try node(name, arguments, span)
    guard let first = FunctionRegistry.find(name)?.outputs.first else { return call }
    return try node(FunctionName.output, [call] + Self.outputArguments(0, first), span)
  }

  private static func outputArguments(_ place: Int, _ output: FunctionOutput) -> [ScalarValue] {
    [ScalarValue(expr: .literal(.long(Int64(place)))), ScalarValue(expr: .literal(.string(output.type.rawValue)))]
  }

  /// All columns of a call of a function that gives several, with Kusto's names `function_argument_output`; nil for other expressions.
  func outputs(of expression: Expression, _ bound: Expr) -> [(name: String, expr: Expr)]? {
    if let sorted = sortedArrays(expression, bound) { return sorted }
    guard case .call(let call) = expression.kind, let outputs = FunctionRegistry.find(call.name.text)?.outputs, !outputs.isEmpty,
      case .call(FunctionName.output, let arguments) = bound, let tuple = arguments.first
    else { return nil }
    let argument = call.arguments.first.flatMap { ResultNames.name(of: $0.value) } ?? ""
    return outputs.enumerated().map { place, output in
      (name: "\(call.name.text)_\(argument)_\(output.name)", expr: .call(FunctionName.output, [tuple] + Self.outputArguments(place, output).map(\.expr)))
    }
  }

  /// `array_sort_asc(a, b)` of several arrays gives each of them, as `a_sorted`, `b_sorted`.
  private func sortedArrays(_ expression: Expression, _ bound: Expr) -> [(name: String, expr: Expr)]? {
    guard case .call(let call) = expression.kind, call.name.text == "array_sort_asc" || call.name.text == "array_sort_desc",
      case .call(call.name.text, let arguments) = bound
    else { return nil }
    let arrays = arguments.indices.prefix { if case .literal(.bool) = arguments[$0] { false } else { true } }
    guard arrays.count > 1 else { return nil }
    return arrays.map { place in
      let name = ResultNames.name(of: call.arguments[place].value) ?? "array\(place + 1)"
      return (name: name + "_sorted", expr: .call(FunctionName.output, [bound, .literal(.long(Int64(place))), .literal(.string("dynamic"))]))
    }
  }
}
