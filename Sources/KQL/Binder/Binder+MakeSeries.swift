// make-series: an aggregation by keys and bins of the axis, then arrays of its results.
// Source: Kusto language reference, "make-series operator".

import Columnar
import Engine
import Expressions

/// The axis of a make-series as it was written.
private struct AxisBounds {
  var type: DataType
  var from: Scalar?
  var to: Scalar?
  var step: Scalar
  /// True for `in range(from, to, step)`: bins are those of bin(), the end is included.
  var usesBin: Bool
}

extension Binder {
  func makeSeries(_ series: MakeSeriesOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let kind = Self.word(step, "kind")
    if let kind, kind != "nonempty" { try fail(.valueNotAllowed, "'\(kind)' is no kind of make-series", at: step.nameSpan, hint: "kinds: nonempty") }
    let row = rowScope(input)
    var builder = ProjectionBuilder()
    let keys = try groupKeys(series.keys, row, &builder)

    // The aggregates, as in summarize, each with the default of its empty bins.
    let calls = AggregateCalls(avoiding: input.plan.schema.names, keys: keys)
    var defaults: [Expression?] = []
    for aggregate in series.aggregates {
      for column in try self.aggregate(aggregate.value, keys, row, calls) {
        let name = column.name ?? builder.numbered { row.types.index(of: $0) != nil }
        if !column.isDeclared {
          builder.add(name, column.expr)
        } else if !builder.declare(name, column.expr) {
          try fail(.duplicateColumn, "column '\(name)' is declared twice", at: column.span)
        }
        defaults.append(aggregate.defaultValue)
      }
    }
    let (axis, axisType) = try typed(series.axis.value, row)
    let bounds = try axisBounds(series, axisType, step)
    let axisName = try axisColumn(series.axis, axis, &builder)

    let rows = try windowed(input.plan, row, step.span)
    let value = bounds.type == axisType ? axis : Expr.call("to\(bounds.type)", [axis])
    var conditions: [Expr] = [.call("isnotnull", [value])]
    if let from = bounds.from { conditions.append(.call(FunctionName.greaterOrEqual, [value, .literal(from)])) }
    if let to = bounds.to { conditions.append(.call(bounds.usesBin ? FunctionName.lessOrEqual : FunctionName.less, [value, .literal(to)])) }
    let bin: Expr = bounds.usesBin || bounds.from == nil
      ? .call("bin", [value, .literal(bounds.step)]) : .call("bin_at", [value, .literal(bounds.step), .literal(bounds.from ?? .null(bounds.type))])
    let binName = calls.free("$bin")
    let list = calls.list
    let outputs = [NamedExpr(binName, .column(binName))] + builder.columns.filter { $0.name != axisName }
    let arrays = builder.columns.filter { $0.name != axisName }.dropFirst(keys.count)
    let grouped = try plan(at: step.span) {
      let kept = try rows.filter(Expr.conjunction(conditions) ?? .literal(.bool(true)))
      return try kept.aggregate(keys: keys + [NamedExpr(binName, bin)], aggregates: list).project(outputs)
    }
    var columns: [Engine.MakeSeriesOperator.Series] = []
    for (array, otherwise) in zip(arrays, defaults) {
      columns.append(Engine.MakeSeriesOperator.Series(array.name, otherwise: try emptyBin(otherwise, grouped.schema.field(array.name)?.type ?? .real)))
    }
    let op = Engine.MakeSeriesOperator(
      keys: keys.map(\.name), series: columns, bin: binName, axisName: axisName, axis: try seriesAxis(bounds, step), isNonEmpty: kind == "nonempty")
    return try plan(at: step.span) { try .custom(op, [grouped]) }
  }

  /// The output column of the axis; it stands last.
  private func axisColumn(_ axis: NamedExpression, _ expr: Expr, _ builder: inout ProjectionBuilder) throws(BindFailure) -> String {
    if let given = axis.names.first {
      guard builder.declare(given.text, expr) else { try fail(.duplicateColumn, "column '\(given.text)' is declared twice", at: given.span) }
      return given.text
    }
    builder.add(ResultNames.name(of: axis.value) ?? builder.numbered { _ in false }, expr)
    return builder.columns[builder.columns.count - 1].name
  }

  /// The bounds and the step as constants of the types that the axis takes.
  private func axisBounds(_ series: MakeSeriesOperator, _ axisType: DataType, _ step: TabularOperator) throws(BindFailure) -> AxisBounds {
    let type: DataType
    switch axisType {
    case .datetime, .timespan, .long, .real: type = axisType
    case .int: type = .long
    case .decimal: type = .real
    case .dynamic, .string, .bool, .guid:
      try fail(.typeExpected, "the axis of make-series is a datetime, a timespan or a number, found \(axisType)", at: series.axis.value.span)
    }
    // A null start or end, such as the least time of an empty table, is one that is not given.
    func bound(_ expression: Expression?, _ wanted: DataType, _ what: String, takesNull: Bool = true) throws(BindFailure) -> Scalar? {
      guard let expression else { return nil }
      let value = try constant(expression)
      if value.isNull, takesNull { return nil }
      if value.isNull { try fail(.valueNotAllowed, "\(what) of make-series is null", at: expression.span) }
      guard let converted = Self.convert(value, to: wanted) else {
        try fail(.typeExpected, "\(what) of make-series is \(wanted), found \(value.type)", at: expression.span)
      }
      return converted
    }
    // A long axis with a real bound or step counts in reals.
    var wanted = type
    if type == .long {
      for expression in [series.from, series.to, series.step] {
        if let expression, [.real, .decimal].contains(try constant(expression).type) { wanted = .real }
      }
    }
    let stepType: DataType = wanted == .datetime ? .timespan : wanted
    guard let size = try bound(series.step, stepType, "the step", takesNull: false) else { try fail(.missing, "make-series needs a step", at: step.nameSpan) }
    let isPositive = if case .real(let value) = size { value > 0 && value.isFinite } else { (size.int64Value ?? 0) > 0 }
    guard isPositive else { try fail(.valueNotAllowed, "the step of make-series is not positive", at: series.step.span) }
    return AxisBounds(
      type: wanted, from: try bound(series.from, wanted, "the start"), to: try bound(series.to, wanted, "the end"), step: size, usesBin: series.usesInRange)
  }

  private func seriesAxis(_ bounds: AxisBounds, _ step: TabularOperator) throws(BindFailure) -> SeriesAxis {
    var start = bounds.from
    if bounds.usesBin, let from = start {
      let bin = LogicalPlan.values(StructType(), [RecordBatch(schema: StructType(), columns: [], rowCount: 1)])
      let first = try plan(at: step.span) { try bin.project([NamedExpr("bin", .call("bin", [.literal(from), .literal(bounds.step)]))]) }
      if !isSilent { start = try run(first).first?.columns[0].scalar(0) ?? from }
    }
    guard let start, let end = bounds.to else { return SeriesAxis(start: start, count: nil, step: bounds.step) }
    let count: Int
    if case .real(let size) = bounds.step, case .real(let low) = start, case .real(let high) = end {
      let steps = (high - low) / size
      count = steps < 0 || steps.isNaN ? 0 : steps > 1e15 ? Int.max : bounds.usesBin ? Int(steps.rounded(.down)) + 1 : Int(steps.rounded(.up))
    } else {
      let span = Int128(end.int64Value ?? 0) - Int128(start.int64Value ?? 0), size = Int128(bounds.step.int64Value ?? 1)
      let steps = span < 0 ? 0 : bounds.usesBin ? span / size + 1 : (span + size - 1) / size
      count = Int(clamping: steps)
    }
    guard count <= SeriesAxis.maxCount else {
      try fail(.valueNotAllowed, "make-series makes arrays of \(count) elements; at most \(SeriesAxis.maxCount) are allowed", at: step.nameSpan, hint: "use a larger step or a shorter range")
    }
    return SeriesAxis(start: start, count: count, step: bounds.step)
  }

  /// The element of a bin without rows: what was written, else 0.
  private func emptyBin(_ expression: Expression?, _ type: DataType) throws(BindFailure) -> Scalar {
    guard let expression else { return Self.convert(.long(0), to: type) ?? .null(type) }
    let value = try constant(expression)
    guard let converted = Self.convert(value, to: type) else {
      try fail(.typeExpected, "the default is \(value.type), its aggregate is \(type)", at: expression.span)
    }
    return converted
  }
}
