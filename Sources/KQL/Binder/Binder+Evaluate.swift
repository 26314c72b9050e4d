// evaluate: plugins by name, their arguments, and declared output schemas.
// Source: Kusto language reference, "evaluate plugin operator".

import Columnar
import Engine
import Expressions

/// A plugin call over its input.
struct PluginCall {
  let name: String
  let span: SourceSpan
  let arguments: [NamedExpression]
  /// The rows it works on.
  let input: TableValue
  /// What the text declares after the colon.
  let schema: RowSchema?

  /// The arguments without a name, in order.
  var positional: [Expression] { arguments.filter { $0.names.isEmpty }.map(\.value) }

  /// The argument of that name, whatever its case.
  func named(_ name: String) -> Expression? { arguments.first { $0.names.first?.text.lowercased() == name.lowercased() }?.value }
}

extension Binder {
  /// Plugins that ask a service or run a language that is not here.
  private static let services: [String: String] = [
    "r": "runs R in a sandbox of the service", "sql_request": "asks a SQL database",
    "mysql_request": "asks a MySQL database", "postgresql_request": "asks a PostgreSQL database", "cosmosdb_sql_request": "asks Cosmos DB",
    "http_request": "asks a web service", "http_request_post": "asks a web service", "ai_embeddings": "asks a language model",
    "ai_embed_text": "asks a language model", "ai_chat_completion": "asks a language model", "ai_chat_completion_prompt": "asks a language model",
    "azure_digital_twins_query_request": "asks Azure Digital Twins", "dax_request": "asks a Power BI semantic model", "csharp": "runs C# in a sandbox of the service", "execute_show_command": "runs a command of the service",
    "execute_query": "asks another cluster",
  ]

  /// The plugins that are answered.
  static let plugins = [
    "active_users_count", "activity_counts_metrics", "activity_engagement", "activity_metrics", "autocluster", "bag_unpack", "basket",
    "dcount_intersect", "diffpatterns", "diffpatterns_text", "estimate_rows_count", "funnel_sequence", "funnel_sequence_completion", "infer_storage_schema", "infer_storage_schema_with_suggestions",
    "geo_line_lookup", "geo_polygon_lookup", "ipv4_lookup", "ipv6_lookup", "narrow", "new_activity_metrics", "pivot", "preview", "python", "rolling_percentile", "rows_near", "schema_merge",
    "sequence_detect", "session_count", "sliding_window_counts",
  ]

  /// `evaluate plugin(...) : (schema)`; `input` is nil at the start of a query.
  func evaluate(_ call: FunctionCall, _ schema: RowSchema?, _ input: TableValue?, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    let name = call.name.text
    if let service = Self.services[name] { try notSupported("the plugin '\(name)', which \(service)", at: call.name.span) }
    if name == "infer_storage_schema" { return TableValue(plan: try inferStorageSchema(call, step.span)) }
    if name == "infer_storage_schema_with_suggestions" { return TableValue(plan: try inferStorageSchemaWithSuggestions(call, step.span)) }
    guard Self.plugins.contains(name) else {
      try fail(.unknownFunction, "plugin '\(name)' not found", at: call.name.span, hint: NameSuggestion.hint(for: name, among: Self.plugins))
    }
    guard let input else { try fail(.cannotStartQuery, "the plugin '\(name)' needs rows to work on", at: call.name.span, hint: "write: T | evaluate \(name)(...)") }
    let plugin = PluginCall(name: name, span: step.span, arguments: call.arguments, input: try keyed(input, name, step), schema: schema)
    switch name {
    case "bag_unpack": return TableValue(plan: try bagUnpack(plugin))
    case "pivot": return TableValue(plan: try pivot(plugin))
    case "python": return TableValue(plan: try python(plugin, step))
    case "preview", "funnel_sequence":
      if let schema { try notSupported("a declared schema for '\(name)', which gives several tables", at: schema.span) }
      return name == "preview" ? try preview(plugin) : try funnelSequence(plugin)
    default: break
    }
    let plan = try plan(of: plugin)
    return TableValue(plan: try checked(plan, plugin))
  }

  /// Plugins that pass on rows or look at their shape, and see strings as they are.
  private static let passing: Set<String> = [
    "bag_unpack", "estimate_rows_count", "geo_line_lookup", "geo_polygon_lookup", "ipv4_lookup", "ipv6_lookup", "narrow", "pivot", "preview", "python", "rows_near", "schema_merge",
  ]

  /// The rows of a plugin; those that tell values apart see '' for a null string.
  private func keyed(_ input: TableValue, _ name: String, _ step: TabularOperator) throws(BindFailure) -> TableValue {
    guard !Self.passing.contains(name) else { return input }
    var out = input
    out.plan = try plan(at: step.span) { try input.plan.withTexts() }
    return out
  }

  private func plan(of plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    switch plugin.name {
    case "narrow": return try make(plugin) { try .custom(NarrowOperator(), [plugin.input.plan]) }
    case "estimate_rows_count": return try rowsCount(plugin)
    case "rows_near": return try rowsNear(plugin)
    case "schema_merge": return try schemaMerge(plugin)
    case "dcount_intersect": return try dcountIntersect(plugin)
    case "rolling_percentile": return try rollingPercentile(plugin)
    case "ipv4_lookup", "ipv6_lookup": return try ipLookup(plugin)
    case "geo_line_lookup", "geo_polygon_lookup": return try geoLookup(plugin)
    case "autocluster", "basket": return try patterns(plugin)
    case "diffpatterns": return try differences(plugin)
    case "diffpatterns_text": return try textDifferences(plugin)
    case "sequence_detect": return try sequenceDetect(plugin)
    case "funnel_sequence_completion": return try funnelCompletion(plugin)
    default: return try activity(plugin)
    }
  }

  /// Runs a maker of plan nodes for a plugin.
  func make(_ plugin: PluginCall, _ body: () throws -> LogicalPlan) throws(BindFailure) -> LogicalPlan { try plan(at: plugin.span, body) }

  /// The plan of a plugin whose columns are known: the declared schema must be the one it has.
  private func checked(_ plan: LogicalPlan, _ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    guard let schema = plugin.schema else { return plan }
    let wanted = (schema.acceptsAny ? plugin.input.plan.schema.fields.filter { plan.schema.field($0.name) != nil } : [])
      + schema.columns.map { StructField($0.name.text, DataType($0.type.type)) }
    for field in wanted {
      guard plan.schema.field(field.name)?.type == field.type else {
        try fail(.valueNotAllowed, "'\(plugin.name)' gives the columns (\(plan.schema)), not \(field)", at: schema.span)
      }
    }
    return try make(plugin) { try plan.select(wanted.map(\.name)) }
  }

  // MARK: Arguments

  /// The columns of a table in reach of expressions that look at one row only.
  func plainScope(_ input: TableValue) -> RowScope { RowScope(input.plan.schema, tableName: input.name) }

  /// Refuses other numbers of arguments.
  func expect(_ plugin: PluginCall, _ count: ClosedRange<Int>) throws(BindFailure) {
    let found = plugin.positional.count
    guard !count.contains(found) else { return }
    let words = count.lowerBound == count.upperBound ? "\(count.lowerBound)" : count.upperBound > 99 ? "at least \(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
    try argumentCount(plugin.name, found, "\(words) arguments", plugin.span)
  }

  /// Refuses arguments by a name that the plugin does not have.
  func expectNames(_ plugin: PluginCall, _ names: [String]) throws(BindFailure) {
    for argument in plugin.arguments {
      guard let given = argument.names.first, !names.contains(where: { $0.lowercased() == given.text.lowercased() }) else { continue }
      try fail(.namedArgument, "'\(plugin.name)' has no parameter '\(given.text)'", at: given.span, hint: NameSuggestion.hint(for: given.text, among: names))
    }
  }

  /// A column of the input.
  func column(_ expression: Expression, _ input: TableValue) throws(BindFailure) -> StructField {
    let row = plainScope(input)
    guard case .column(let name) = try scalar(expression, row).expr, let field = row.types.field(name) else {
      try fail(.columnExpected, "a column is needed here", at: expression.span)
    }
    return field
  }

  /// The value of an argument that reads no columns; nil for one that does.
  func value(_ expression: Expression, _ input: TableValue) throws(BindFailure) -> Scalar? {
    let bound = try scalar(expression, plainScope(input))
    return bound.expr.columns.isEmpty ? try constant(expression) : nil
  }

  /// A constant of a type.
  func constant(_ expression: Expression, as type: DataType) throws(BindFailure) -> Scalar {
    let value = try constant(expression)
    guard let converted = Self.convert(value, to: type), !converted.isNull else {
      try fail(.typeExpected, "\(type) is needed here, found \(value.type)", at: expression.span)
    }
    return converted
  }

  func flag(_ expression: Expression) throws(BindFailure) -> Bool {
    guard case .bool(let value) = try constant(expression, as: .bool) else { try fail(.typeExpected, "true or false is needed here", at: expression.span) }
    return value
  }

  /// An optional argument: nil when it is absent or the tilde that stands for the default.
  func optional(_ arguments: [Expression], _ i: Int) -> Expression? {
    guard i < arguments.count else { return nil }
    if case .literal(.string("~", _)) = arguments[i].kind { return nil }
    return arguments[i]
  }

  /// An optional number within bounds.
  func number(_ arguments: [Expression], _ i: Int, default value: Double, _ range: ClosedRange<Double>) throws(BindFailure) -> Double {
    guard let given = optional(arguments, i) else { return value }
    guard let number = try constant(given).doubleValue, range.contains(number) else {
      try fail(.valueNotAllowed, "a number from \(range.lowerBound) to \(range.upperBound) is needed here", at: given.span)
    }
    return number
  }
}
