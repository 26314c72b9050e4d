// Plugins that look for patterns, lookups by IP network, and the operator reduce.

import Columnar
import Engine
import Expressions

extension Binder {
  // MARK: Patterns of values

  /// `autocluster(SizeWeight, WeightColumn, NumSeeds, wildcards...)` and `basket(Threshold, WeightColumn, MaxDimensions, wildcards...)`.
  func patterns(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expectNames(plugin, [])
    let arguments = plugin.positional
    let kind: PatternFunction.Kind
    if plugin.name == "basket" {
      let threshold = try number(arguments, 0, default: 0.05, 0.015...1)
      kind = .basket(threshold: threshold, maxDimensions: Int(try number(arguments, 2, default: 5, 1...1_000)))
    } else {
      let weight = try number(arguments, 0, default: 0.5, 0...1)
      kind = .autocluster(sizeWeight: weight, seeds: Int(try number(arguments, 2, default: 25, 1...10_000)))
    }
    return try patterns(kind, plugin, weight: optional(arguments, 1), wildcards: Array(arguments.dropFirst(3)), split: nil)
  }

  /// `diffpatterns(SplitColumn, A, B, WeightColumn, Threshold, MaxDimensions, wildcards...)`.
  func differences(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 3...1_000)
    try expectNames(plugin, [])
    let arguments = plugin.positional
    let split = try column(arguments[0], plugin.input)
    let sides = try each([arguments[1], arguments[2]]) { argument throws(BindFailure) in
      guard let text = ScalarText.text(try self.constant(argument)) else { try self.fail(.constantExpected, "a value of '\(split.name)' is needed here", at: argument.span) }
      return text
    }
    let threshold = try number(arguments, 4, default: 0.05, 0.015...1)
    let dimensions = Int(try number(arguments, 5, default: 1_000, 1...1_000))
    return try patterns(
      .difference(threshold: threshold, maxDimensions: dimensions), plugin, weight: optional(arguments, 3), wildcards: Array(arguments.dropFirst(6)),
      split: (split.name, sides))
  }

  private func patterns(
    _ kind: PatternFunction.Kind, _ plugin: PluginCall, weight: Expression?, wildcards: [Expression], split: (column: String, sides: [String])?
  ) throws(BindFailure) -> LogicalPlan {
    let input = plugin.input
    let weightColumn = try weight.map { expression throws(BindFailure) in
      let field = try self.column(expression, input)
      guard field.type.isNumeric else { try self.fail(.typeExpected, "the weight '\(field.name)' is \(field.type), not a number", at: expression.span) }
      return field.name
    }
    let columns = input.plan.schema.fields.filter { $0.name != weightColumn && $0.name != split?.column }
    guard !columns.isEmpty else { try fail(.missing, "'\(plugin.name)' needs columns to look at", at: plugin.span) }
    var shown = columns.map { $0.type == .string ? Scalar.string("") : .null($0.type) }
    // A wildcard is for all columns of its type.
    for argument in wildcards {
      guard let given = optional([argument], 0) else { continue }
      let value = try constant(given)
      for (i, column) in columns.enumerated() where column.type == value.type { shown[i] = value }
    }
    var outputs = columns.map { NamedExpr($0.name, .column($0.name)) }
    if let weightColumn { outputs.append(NamedExpr("$weight", .call("toreal", [.column(weightColumn)]))) }
    if let split {
      let text = Expr.call("tostring", [.column(split.column)])
      let side = Expr.call("case", [
        .call(FunctionName.equal, [text, .literal(.string(split.sides[0]))]), .literal(.long(0)),
        .call(FunctionName.equal, [text, .literal(.string(split.sides[1]))]), .literal(.long(1)), .literal(.long(-1)),
      ])
      outputs.append(NamedExpr("$side", side))
    }
    let wildcardValues = shown
    let projected = outputs
    return try make(plugin) {
      let function = PatternFunction(kind, columns: columns, isWeighted: weightColumn != nil, wildcards: wildcardValues)
      return try .function(function, [try input.plan.project(projected)])
    }
  }

  /// `diffpatterns_text(Text, Condition, MinTokens, Threshold, MaxTokens)`.
  func textDifferences(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 2...5)
    let arguments = plugin.positional
    let (text, textType) = try typed(arguments[0], plainScope(plugin.input))
    let (condition, type) = try typed(arguments[1], plainScope(plugin.input))
    guard textType == .string else { try fail(.typeExpected, "diffpatterns_text takes text; this is \(textType)", at: arguments[0].span) }
    guard type == .bool else { try fail(.typeExpected, "diffpatterns_text takes a condition; this is \(type)", at: arguments[1].span) }
    let function = TextDifferenceFunction(
      minTokens: Int(try number(arguments, 2, default: 1, 0...200)), threshold: try number(arguments, 3, default: 0.05, 0.015...1),
      maxTokens: Int(try number(arguments, 4, default: 200, 0...200)))
    return try make(plugin) { try .function(function, [try plugin.input.plan.project([NamedExpr("$text", text), NamedExpr("$condition", condition)])]) }
  }

  // MARK: reduce

  func reduce(_ by: NamedExpression, _ properties: [OperatorParameter], _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let (expr, type) = try typed(by.value, plainScope(input))
    let text = type == .string ? expr : Expr.call("tostring", [expr])
    var threshold = 0.1
    var separators: String?
    for property in properties {
      guard case .expression(let value) = property.value else { try fail(.constantExpected, "a value is needed here", at: property.span) }
      switch property.name.text {
      case "threshold":
        guard let number = try constant(value).doubleValue, (0...1).contains(number) else { try fail(.valueNotAllowed, "threshold is a number from 0 to 1", at: value.span) }
        threshold = number
      case "characters":
        guard case .string(let given) = try constant(value) else { try fail(.typeExpected, "characters is text", at: value.span) }
        separators = given
      default: try fail(.unknownParameter, "reduce has no property '\(property.name.text)'", at: property.name.span, hint: "properties: threshold, characters")
      }
    }
    let kind = Self.word(step, "kind")
    guard kind == nil || kind == "source" else { try fail(.valueNotAllowed, "'\(kind ?? "")' is no kind of reduce", at: step.nameSpan, hint: "kind=source keeps all rows") }
    let schema = input.plan.schema
    if kind != nil, schema.index(of: "Pattern") != nil { try fail(.duplicateColumn, "column 'Pattern' is there already", at: step.nameSpan) }
    let function = ReduceFunction(threshold: threshold, separators: separators, source: kind == nil ? nil : schema)
    let columns = (kind == nil ? [] : schema.names.map { NamedExpr($0, .column($0)) }) + [NamedExpr("$text", text)]
    return try plan(at: step.span) { try .function(function, [try input.plan.project(columns)]) }
  }

  // MARK: Lookups

  /// `ipv4_lookup(LookupTable, SourceKey, LookupKey, extra keys..., return_unmatched)`.
  func ipLookup(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 3...1_000)
    try expectNames(plugin, ["return_unmatched"])
    var arguments = plugin.positional
    let lookup = try table(arguments[0], what: "the lookup table of '\(plugin.name)'")
    let source = try column(arguments[1], plugin.input)
    let key = try column(arguments[2], lookup)
    for (field, place) in [(source, arguments[1]), (key, arguments[2])] where field.type != .string {
      try fail(.typeExpected, "'\(plugin.name)' takes text, '\(field.name)' is \(field.type)", at: place.span)
    }
    var keepsUnmatched = try plugin.named("return_unmatched").map { value throws(BindFailure) in try self.flag(value) } ?? false
    arguments.removeFirst(3)
    if let last = arguments.last, case .literal(.bool(let value)) = last.kind {
      keepsUnmatched = value
      arguments.removeLast()
    }
    if plugin.name == "ipv6_lookup", let extra = arguments.first { try fail(.argumentCount, "ipv6_lookup() takes no further keys", at: extra.span) }
    let sourceSchema = plugin.input.plan.schema
    let lookupSchema = lookup.plan.schema
    let extras = try each(arguments) { argument throws(BindFailure) -> (source: Int, lookup: Int) in
      let own = try self.column(argument, plugin.input)
      guard let there = lookupSchema.index(of: own.name), lookupSchema[there].type == own.type, let here = sourceSchema.index(of: own.name) else {
        try self.fail(.joinColumnMissing, "the lookup table has no column '\(own.name)' of type \(own.type)", at: argument.span)
      }
      return (here, there)
    }
    let left = lookupSchema.fields.indices.filter { place in !extras.contains { $0.lookup == place } }
    let names = Self.uniqueNames(sourceSchema.names + left.map { lookupSchema[$0].name }).dropFirst(sourceSchema.count)
    guard let sourcePlace = sourceSchema.index(of: source.name), let keyPlace = lookupSchema.index(of: key.name) else { throw BindFailure() }
    let function = IPLookupFunction(
      isIPv4Only: plugin.name == "ipv4_lookup", sourceSchema: sourceSchema, lookupSchema: lookupSchema, sourceKey: sourcePlace, lookupKey: keyPlace,
      extraKeys: extras, given: zip(left, names).map { (place: $0, name: $1) }, keepsUnmatched: keepsUnmatched)
    return try make(plugin) {
      let joined = try LogicalPlan.function(function, [plugin.input.plan, lookup.plan])
      // ipv6_lookup gives the lookup table's columns first, as the examples of its page show.
      return plugin.name == "ipv4_lookup" ? joined : try joined.select(Array(names) + sourceSchema.names)
    }
  }
}
