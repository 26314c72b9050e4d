// Plugins that change the shape of tables: bag_unpack, pivot, preview, rows_near, schema_merge, dcount_intersect, rolling_percentile.
// Those whose columns depend on the data look at the data while they are bound, unless the text declares the columns.

import Columnar
import Engine
import Expressions

extension Binder {
  // MARK: bag_unpack

  func bagUnpack(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 1...4)
    try expectNames(plugin, ["OutputColumnPrefix", "columnsConflict", "ignoredProperties"])
    let input = plugin.input
    let positional = plugin.positional
    let bag = try column(positional[0], input)
    guard bag.type == .dynamic else { try fail(.typeExpected, "bag_unpack takes a dynamic column, '\(bag.name)' is \(bag.type)", at: positional[0].span) }
    let prefix = try text(plugin.named("OutputColumnPrefix") ?? optional(positional, 1)) ?? ""
    let conflict = try text(plugin.named("columnsConflict") ?? optional(positional, 2)) ?? "error"
    guard ["error", "replace_source", "keep_source"].contains(conflict) else {
      try fail(.valueNotAllowed, "'\(conflict)' is no value of columnsConflict", at: plugin.span, hint: "values: error, replace_source, keep_source")
    }
    let ignored = try names(plugin.named("ignoredProperties") ?? optional(positional, 3))
    let kept = input.plan.schema.fields.filter { $0.name != bag.name }
    var slots: [StructField]
    var source = kept
    if let schema = plugin.schema {
      // Declared columns that the source has are the source's; others come from the bag.
      slots = []
      source = schema.acceptsAny ? kept : []
      for column in schema.columns {
        let field = StructField(column.name.text, DataType(column.type.type))
        if !schema.acceptsAny, let own = kept.first(where: { $0.name == field.name }), own.type == field.type { source.append(own) } else { slots.append(field) }
      }
    } else {
      if isSilent { throw BindFailure() }
      slots = try bagSlots(bag.name, input, ignored).map { StructField(prefix + $0.name, $0.type) }
    }
    var columns = source.map { NamedExpr($0.name, .column($0.name)) }
    for slot in slots {
      let expr = Self.slot(bag.name, String(slot.name.dropFirst(slot.name.hasPrefix(prefix) ? prefix.count : 0)), slot.type)
      guard let place = columns.firstIndex(where: { $0.name == slot.name }) else {
        columns.append(NamedExpr(slot.name, expr))
        continue
      }
      switch conflict {
      case "replace_source": columns[place].expr = expr
      case "keep_source": break
      default:
        try fail(.duplicateColumn, "the bag has the property '\(slot.name)', which is a column already", at: plugin.span, hint: "add columnsConflict = 'replace_source' or 'keep_source', or a prefix")
      }
    }
    if let schema = plugin.schema, !schema.acceptsAny {
      let order = schema.columns.map(\.name.text)
      columns.sort { (order.firstIndex(of: $0.name) ?? 0) < (order.firstIndex(of: $1.name) ?? 0) }
    }
    return try make(plugin) { try input.plan.project(columns) }
  }

  /// A property of a bag as a column.
  private static func slot(_ bag: String, _ key: String, _ type: DataType) -> Expr {
    let member = Expr.call(FunctionName.member, [.column(bag), .literal(.string(key))])
    return type == .dynamic ? member : .call("to\(type)", [member])
  }

  /// The properties of all bags of a column, by name, each with the one type that its values have.
  private func bagSlots(_ bag: String, _ input: TableValue, _ ignored: Set<String>) throws(BindFailure) -> [StructField] {
    let span = SourceSpan(start: 0, end: 0)
    let schemas = try plan(at: span) {
      try input.plan.aggregate(keys: [], aggregates: [NamedAggregate("schema", AggregateCall("buildschema", [.column(bag)]))])
    }
    guard case .dynamic(let found)? = try run(schemas).first(where: { $0.rowCount > 0 })?.columns[0].scalar(0) else { return [] }
    var bags: [DynamicEntry] = []
    switch found {
    case .bag(let entries): bags = entries
    // Other values beside bags have no properties.
    case .array(let variants): for case .bag(let entries) in variants { bags += entries }
    default: break
    }
    return bags.filter { !ignored.contains($0.key) && $0.key != "`indexer`" }.sorted { $0.key < $1.key }.map { entry in
      guard case .string(let name) = entry.value, let type = ScalarTypeName(word: name) else { return StructField(entry.key, .dynamic) }
      return StructField(entry.key, DataType(type))
    }
  }

  private func text(_ expression: Expression?) throws(BindFailure) -> String? {
    guard let expression else { return nil }
    guard case .string(let text) = try constant(expression) else { try fail(.typeExpected, "text is needed here", at: expression.span) }
    return text
  }

  private func names(_ expression: Expression?) throws(BindFailure) -> Set<String> {
    guard let expression else { return [] }
    guard case .dynamic(.array(let items)) = try constant(expression) else {
      try fail(.typeExpected, "a dynamic array of names is needed here", at: expression.span)
    }
    return Set(items.compactMap { if case .string(let name) = $0 { name } else { nil } })
  }

  // MARK: pivot

  /// Aggregation functions that pivot takes, and what a cell without rows shows where that is not null.
  private static let pivotAggregates: [String: Scalar?] = [
    "min": nil, "max": nil, "take_any": nil, "any": nil, "avg": nil, "stdev": nil, "variance": nil, "sum": .long(0), "dcount": .long(0),
    "count": .long(0), "make_list": .dynamic(.array([])), "make_set": .dynamic(.array([])), "make_bag": .dynamic(.bag([])),
  ]

  func pivot(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 1...1_000)
    try expectNames(plugin, [])
    let arguments = plugin.positional
    let pivot = try column(arguments[0], plugin.input)
    var keys = Array(arguments.dropFirst())
    var aggregate = arguments[0].withKind(.call(FunctionCall(target: nil, name: Name(text: "count", span: arguments[0].span), kind: nil, arguments: [])))
    var empty: Scalar? = .long(0)
    var read: [String] = [pivot.name]
    if let first = keys.first, case .call(let call) = first.kind, call.target == nil {
      guard let shown = Self.pivotAggregates[call.name.text] else {
        let known = Self.pivotAggregates.keys.sorted()
        try fail(.valueNotAllowed, "pivot does not take \(call.name.text)()", at: first.span, hint: "functions: \(known.joined(separator: ", "))")
      }
      aggregate = first
      empty = shown
      for argument in call.arguments { read += try scalar(argument.value, plainScope(plugin.input)).expr.columns }
      keys.removeFirst()
    }
    if keys.isEmpty { keys = plugin.input.plan.schema.names.filter { !read.contains($0) }.map { arguments[0].withKind(.name($0)) } }
    for key in keys { _ = try column(key, plugin.input) }
    func item(_ value: Expression, _ name: String?) -> NamedExpression {
      NamedExpression(names: name.map { [Name(text: $0, span: value.span)] } ?? [], isTuple: false, value: value, span: value.span)
    }
    let summary = SummarizeOperator(aggregates: [item(aggregate, "$value")], keys: keys.map { item($0, nil) } + [item(arguments[0], "$pivot")], legacyBin: nil)
    let grouped = try summarize(summary, plugin.input, plugin.span)
    let keyFields = Array(grouped.schema.fields.dropLast(2))
    let value = grouped.schema[grouped.schema.count - 1]
    let cells = try make(plugin) {
      try grouped.project(
        keyFields.map { NamedExpr($0.name, .column($0.name)) } + [NamedExpr("$pivot", .call("tostring", [.column("$pivot")])), NamedExpr("$value", .column("$value"))])
    }
    var names: [String]
    if let schema = plugin.schema {
      names = schema.columns.map(\.name.text).filter { name in !keyFields.contains { $0.name == name } }
      for column in schema.columns where names.contains(column.name.text) && DataType(column.type.type) != value.type {
        try fail(.typeExpected, "column '\(column.name.text)' of pivot is \(value.type), declared as \(column.type.type.rawValue)", at: column.span)
      }
    } else {
      names = try pivotNames(cells, plugin)
    }
    if let twice = names.first(where: { name in keyFields.contains { $0.name == name } }) {
      try fail(.duplicateColumn, "pivot makes a column '\(twice)', which is there already", at: plugin.span)
    }
    let shown = empty.flatMap { Self.convert($0, to: value.type) } ?? .null(value.type)
    let function = PivotFunction(keys: keyFields, names: names, columnNames: Self.uniqueNames(names), valueType: value.type, empty: shown)
    let pivoted = try make(plugin) { try .function(function, [cells]) }
    guard let schema = plugin.schema, !schema.acceptsAny else { return pivoted }
    for column in schema.columns where pivoted.schema.field(column.name.text) == nil { try unknownName(column.name.text, plainScope(plugin.input), column.span) }
    return try make(plugin) { try pivoted.select(schema.columns.map(\.name.text)) }
  }

  /// The values of the pivot column, as they first appear.
  private func pivotNames(_ cells: LogicalPlan, _ plugin: PluginCall) throws(BindFailure) -> [String] {
    let values = try make(plugin) { try cells.select(["$pivot"]).distinct() }
    var names: [String] = []
    for batch in try run(values) {
      for i in 0..<batch.rowCount { if case .string(let name) = batch.columns[0].scalar(i) { names.append(name) } }
    }
    return names
  }

  // MARK: Others

  /// `estimate_rows_count()`: how many rows there are; the count itself, which tables know.
  func rowsCount(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    if let argument = plugin.positional.first { try fail(.argumentCount, "'estimate_rows_count' takes no arguments", at: argument.span) }
    return try make(plugin) { try plugin.input.plan.aggregate(keys: [], aggregates: [NamedAggregate("EstimatedRowsCount", AggregateCall("count", []))]) }
  }

  /// `preview(n)`: the first rows, and how many there are.
  func preview(_ plugin: PluginCall) throws(BindFailure) -> TableValue {
    try expect(plugin, 1...1)
    let count = try rowCount(plugin.positional[0], "preview")
    var out = TableValue(plan: plugin.input.plan.limit(count))
    out.further = [TableValue(plan: plugin.input.plan.count())]
    return out
  }

  func rowsNear(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 2...3)
    let arguments = plugin.positional
    let (condition, type) = try typed(arguments[0], plainScope(plugin.input))
    guard type == .bool else { try fail(.typeExpected, "rows_near takes a condition; this is \(type)", at: arguments[0].span) }
    let before = try rowCount(arguments[1], "rows_near")
    let after = arguments.count > 2 ? try rowCount(arguments[2], "rows_near") : before
    let schema = plugin.input.plan.schema
    return try make(plugin) {
      let marked = try plugin.input.plan.project(schema.names.map { NamedExpr($0, .column($0)) } + [NamedExpr("$condition", condition)])
      return try .function(RowsNearFunction(schema: schema, before: before, after: after), [marked])
    }
  }

  func schemaMerge(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 0...1)
    try expectNames(plugin, ["PreserveOrder"])
    let given = plugin.named("PreserveOrder") ?? plugin.positional.first
    let preserves = try given.map { value throws(BindFailure) in try self.flag(value) } ?? true
    return try make(plugin) {
      let columns = try plugin.input.plan.select(["ColumnName", "ColumnOrdinal", "ColumnType"])
      return try .function(SchemaMergeFunction(preservesOrder: preserves), [columns])
    }
  }

  /// Intersections of sketches by inclusion and exclusion: |A ∩ B| = |A| + |B| - |A ∪ B|, and so on.
  func dcountIntersect(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 2...8)
    let sketches = try each(plugin.positional) { argument throws(BindFailure) in Expr.column(try self.column(argument, plugin.input).name) }
    var columns: [NamedExpr] = []
    for n in 1...sketches.count {
      var sum: Expr?
      for set in 1..<(1 << n) {
        let members = (0..<n).filter { set >> $0 & 1 == 1 }.map { sketches[$0] }
        let size = Expr.call("dcount_hll", [members.count == 1 ? members[0] : .call("hll_merge", members)])
        guard let before = sum else {
          sum = size
          continue
        }
        sum = .call(members.count % 2 == 1 ? FunctionName.add : FunctionName.subtract, [before, size])
      }
      guard let sum else { continue }
      columns.append(NamedExpr("s\(n - 1)", n == 1 ? sum : .call("max_of", [sum, .literal(.long(0))])))
    }
    let outputs = columns
    return try make(plugin) { try plugin.input.plan.project(outputs) }
  }

  /// Each row stands in as many windows as a window has bins; windows that start a bin with rows are kept.
  func rollingPercentile(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 5...1_000)
    let arguments = plugin.positional
    let input = plugin.input
    let value = try column(arguments[0], input)
    let percentile = try constant(arguments[1])
    guard let point = percentile.doubleValue, (0...100).contains(point) else { try fail(.valueNotAllowed, "a percentile from 0 to 100 is needed here", at: arguments[1].span) }
    let index = try column(arguments[2], input)
    let size = try constant(arguments[3])
    let bins = try rowCount(arguments[4], "rolling_percentile")
    guard bins > 0 else { try fail(.valueNotAllowed, "a window has at least 1 bin", at: arguments[4].span) }
    let dimensions = try each(Array(arguments.dropFirst(5))) { argument throws(BindFailure) in try self.column(argument, input) }
    let name = "rolling_\(bins)_percentile_\(value.name)_\(ResultNames.fragment(ScalarText.text(percentile) ?? ""))"
    let keys = [NamedExpr(index.name, .column(index.name))] + dimensions.map { NamedExpr($0.name, .column($0.name)) }
    return try make(plugin) {
      let binned = try input.plan.project(
        [NamedExpr(index.name, .call("bin", [.column(index.name), .literal(size)])), NamedExpr("$value", .column(value.name)), NamedExpr("$one", .literal(.long(1)))]
          + dimensions.map { NamedExpr($0.name, .column($0.name)) })
      let offsets = try LogicalPlan.range(RangeNode(name: "$offset", start: .long(0), end: .long(Int64(bins - 1)), step: .long(1)))
        .extend([NamedExpr("$one", .literal(.long(1)))])
      let spread = try binned.join(offsets, kind: .inner, keys: [(.column("$one"), .column("$one"))])
      let shifted = Expr.call(FunctionName.add, [.column(index.name), .call(FunctionName.multiply, [.literal(size), .column("$offset")])])
      let windows = try spread.project([NamedExpr(index.name, shifted), NamedExpr("$value", .column("$value"))] + Array(keys.dropFirst()))
      let existing = try binned.project(keys).distinct()
      let kept = try windows.join(existing, kind: .leftSemi, keys: keys.map { ($0.expr, $0.expr) })
      return try kept.aggregate(keys: keys, aggregates: [NamedAggregate(name, AggregateCall("percentile", [.column("$value"), .literal(percentile)]))])
    }
  }
}
