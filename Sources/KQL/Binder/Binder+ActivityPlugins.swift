// Plugins over users and time: the arguments that they share, the periods of an analysis, and the reduced input of each.

import Columnar
import Engine
import Expressions

/// What activity plugins are told: id and time columns, dimensions, and periods.
private struct ActivityInput {
  var id: StructField
  var timeline: StructField
  var dimensions: [StructField]
}

/// The length of a period: a number of the timeline's units, or a calendar unit.
private enum PeriodStep {
  case fixed(Scalar)
  case calendar(String)
}

extension Binder {
  func activity(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 3...1_000)
    try expectNames(plugin, [])
    let arguments = plugin.positional
    let id = try column(arguments[0], plugin.input)
    let timeline = try column(arguments[1], plugin.input)
    guard [.datetime, .timespan, .long, .int].contains(timeline.type) else {
      try notSupported("a timeline of type \(timeline.type) in '\(plugin.name)'", at: arguments[1].span)
    }
    // Constants come first, then the dimension columns; new_activity_metrics may end with a table.
    var constants: [Scalar] = []
    var places: [Expression] = []
    var dimensions: [StructField] = []
    var lookback: TableValue?
    for argument in arguments.dropFirst(2) {
      if plugin.name == "new_activity_metrics", isTable(argument, plainScope(plugin.input)) {
        lookback = try table(argument, plainScope(plugin.input), what: "the lookback of new_activity_metrics")
      } else if dimensions.isEmpty, let value = try value(argument, plugin.input) {
        constants.append(value)
        places.append(argument)
      } else {
        dimensions.append(try column(argument, plugin.input))
      }
    }
    let input = ActivityInput(id: id, timeline: timeline, dimensions: dimensions)
    func need(_ counts: [Int], _ what: String) throws(BindFailure) {
      if !counts.contains(constants.count) { try argumentCount(plugin.name, arguments.count, what, plugin.span) }
    }
    switch plugin.name {
    case "activity_counts_metrics":
      try need([3], "id, timeline, start, end, step and dimensions")
      return try metrics(.counts, input, plugin, constants, places)
    case "activity_metrics":
      try need([1, 3], "id, timeline, start, end, window and dimensions")
      if constants.count == 1 { (constants, places) = try withBounds(constants, places, plugin, timeline) }
      return try metrics(.metrics, input, plugin, constants, places)
    case "activity_engagement":
      try need([2, 4], "id, timeline, start, end, inner window, outer window and dimensions")
      if constants.count == 2 { (constants, places) = try withBounds(constants, places, plugin, timeline) }
      return try engagement(input, plugin, constants, places)
    case "sliding_window_counts":
      try need([4], "id, timeline, start, end, lookback window, bin and dimensions")
      return try sliding(input, plugin, constants, places)
    case "new_activity_metrics":
      try need([3, 4], "id, timeline, start, end, window, cohort, dimensions and lookback")
      return try newActivity(input, plugin, constants, places, lookback)
    case "active_users_count":
      try need([6], "id, timeline, start, end, lookback window, period, active periods, bin and dimensions")
      return try activeUsers(input, plugin, constants, places)
    default:
      try need([4], "id, timeline, start, end, bin, lookback window and dimensions")
      return try sessions(input, plugin, constants, places)
    }
  }

  // MARK: Kinds

  private func metrics(
    _ kind: ActivityFunction.Kind, _ input: ActivityInput, _ plugin: PluginCall, _ values: [Scalar], _ places: [Expression]
  ) throws(BindFailure) -> LogicalPlan {
    let start = try point(values[0], input, places[0]), end = try point(values[1], input, places[1])
    let step = try step(values[2], input, places[2])
    let periods = try periods(from: start, to: end, step, input.timeline.type, places[2])
    let function = ActivityFunction(kind, dimensions: input.dimensions, timeline: input.timeline, idType: input.id.type, periods: periods)
    return try make(plugin) { try .function(function, [try Self.visits(input, plugin.input.plan, start, end, start, step)]) }
  }

  private func engagement(_ input: ActivityInput, _ plugin: PluginCall, _ values: [Scalar], _ places: [Expression]) throws(BindFailure) -> LogicalPlan {
    let start = try point(values[0], input, places[0]), end = try point(values[1], input, places[1])
    let (inner, outer) = try windows(values[2], values[3], input, places[2], places[3])
    return try looking(back: outer / inner, bin: inner, start, end, input, plugin, places[2]) { .engagement(outer: $0) }
  }

  private func sliding(_ input: ActivityInput, _ plugin: PluginCall, _ values: [Scalar], _ places: [Expression]) throws(BindFailure) -> LogicalPlan {
    let start = try point(values[0], input, places[0]), end = try point(values[1], input, places[1])
    let (bin, lookback) = try windows(values[3], values[2], input, places[3], places[2])
    return try looking(back: lookback / bin, bin: bin, start, end, input, plugin, places[3]) { .slidingWindow(window: $0) }
  }

  /// A function that looks back over `count` bins; bins before the start are read and not shown.
  private func looking(
    back count: Int64, bin: Int64, _ start: Int64, _ end: Int64, _ input: ActivityInput, _ plugin: PluginCall, _ place: Expression,
    _ kind: (Int) -> ActivityFunction.Kind
  ) throws(BindFailure) -> LogicalPlan {
    let type = input.timeline.type
    let (back, isBeyond) = max(0, count - 1).multipliedReportingOverflow(by: bin)
    let (first, isBefore) = start.subtractingReportingOverflow(back)
    guard count <= Int64(Self.maximumPeriods), !isBeyond, !isBefore else {
      try fail(.valueNotAllowed, "the analysis has more than \(Self.maximumPeriods) periods, or begins before all time", at: place.span)
    }
    let window = Int(max(1, count))
    let step = PeriodStep.fixed(periodValue(bin, Self.spanType(type)))
    let periods = try periods(from: first, to: end, step, type, place)
    let function = ActivityFunction(
      kind(window), dimensions: input.dimensions, timeline: input.timeline, idType: input.id.type, periods: periods, firstShown: window - 1)
    return try make(plugin) { try .function(function, [try Self.visits(input, plugin.input.plan, first, end, start, step)]) }
  }

  private func newActivity(
    _ input: ActivityInput, _ plugin: PluginCall, _ values: [Scalar], _ places: [Expression], _ lookback: TableValue?
  ) throws(BindFailure) -> LogicalPlan {
    let start = try point(values[0], input, places[0]), end = try point(values[1], input, places[1])
    let step = try step(values[2], input, places[2])
    let periods = try periods(from: start, to: end, step, input.timeline.type, places[2])
    var cohort: Int64?
    if values.count > 3 {
      let wanted = try point(values[3], input, places[3])
      cohort = periods.last { $0 <= wanted } ?? wanted
    }
    var tables: [LogicalPlan] = []
    if let lookback {
      guard let ids = lookback.plan.schema.field(input.id.name) ?? lookback.plan.schema.fields.first(where: { $0.type == input.id.type }), ids.type == input.id.type else {
        try fail(.unknownName, "the lookback table has no column '\(input.id.name)' of type \(input.id.type)", at: plugin.span)
      }
      tables.append(try make(plugin) { try lookback.plan.select([ids.name]) })
    }
    let function = ActivityFunction(.newActivity(cohort: cohort), dimensions: input.dimensions, timeline: input.timeline, idType: input.id.type, periods: periods)
    let more = tables
    return try make(plugin) { try .function(function, [try Self.visits(input, plugin.input.plan, start, end, start, step)] + more) }
  }

  private func activeUsers(_ input: ActivityInput, _ plugin: PluginCall, _ values: [Scalar], _ places: [Expression]) throws(BindFailure) -> LogicalPlan {
    let start = try point(values[0], input, places[0]), end = try point(values[1], input, places[1])
    let (period, lookback) = try windows(values[3], values[2], input, places[3], places[2])
    guard let needed = Self.convert(values[4], to: .long)?.int64Value, needed > 0 else {
      try fail(.valueNotAllowed, "the number of active periods is a whole number of at least 1", at: places[4].span)
    }
    let periods = try periods(from: start, to: end, try step(values[5], input, places[5]), input.timeline.type, places[5])
    let kind = UserCountFunction.Kind.active(lookback: lookback, period: period, count: Int(needed))
    return try users(kind, input, plugin, start, end, periods, lookback)
  }

  private func sessions(_ input: ActivityInput, _ plugin: PluginCall, _ values: [Scalar], _ places: [Expression]) throws(BindFailure) -> LogicalPlan {
    let start = try point(values[0], input, places[0]), end = try point(values[1], input, places[1])
    let step = try step(values[2], input, places[2])
    let lookback = try span(values[3], input, places[3])
    let periods = try periods(from: start, to: end, step, input.timeline.type, places[2])
    return try users(.sessions(lookback: lookback), input, plugin, start, end, periods, lookback)
  }

  /// A function over the distinct appearances of users, from `lookback` before the start.
  private func users(
    _ kind: UserCountFunction.Kind, _ input: ActivityInput, _ plugin: PluginCall, _ start: Int64, _ end: Int64, _ periods: [Int64], _ lookback: Int64
  ) throws(BindFailure) -> LogicalPlan {
    let function = UserCountFunction(kind, dimensions: input.dimensions, timeline: input.timeline, start: start, end: end, periods: periods)
    return try make(plugin) {
      let range = Self.between(input.timeline, start.subtractingReportingOverflow(lookback).partialValue, end)
      let columns = input.dimensions + [input.id, input.timeline]
      let named = columns.enumerated().map { NamedExpr("$\($0.offset)", .column($0.element.name)) }
      return try .function(function, [try plugin.input.plan.filter(range).project(named).distinct()])
    }
  }

  // MARK: Rows

  /// One row per dimension values, id and period: its start, and how many rows there are.
  private static func visits(_ input: ActivityInput, _ plan: LogicalPlan, _ from: Int64, _ to: Int64, _ origin: Int64, _ step: PeriodStep) throws -> LogicalPlan {
    let time = Expr.column(input.timeline.name)
    let period: Expr = switch step {
    case .fixed(let length): .call("bin_at", [time, .literal(length), .literal(periodValue(origin, input.timeline.type))])
    case .calendar(let unit): .call("startof\(unit)", [time])
    }
    let columns = input.dimensions + [input.id]
    let keys = columns.enumerated().map { NamedExpr("$\($0.offset)", .column($0.element.name)) } + [NamedExpr("$period", period)]
    return try plan.filter(between(input.timeline, from, to)).aggregate(keys: keys, aggregates: [NamedAggregate("$rows", AggregateCall("count", []))])
  }

  private static func between(_ timeline: StructField, _ from: Int64, _ to: Int64) -> Expr {
    .call(FunctionName.between, [.column(timeline.name), .literal(periodValue(from, timeline.type)), .literal(periodValue(to, timeline.type))])
  }

  /// Start and end from the data, where the text gives none: whole windows.
  private func withBounds(_ values: [Scalar], _ places: [Expression], _ plugin: PluginCall, _ timeline: StructField) throws(BindFailure) -> ([Scalar], [Expression]) {
    if isSilent { throw BindFailure() }
    let plan = try make(plugin) {
      let ends = ["min", "max"].map { NamedAggregate($0, AggregateCall($0, [.column(timeline.name)])) }
      return try plugin.input.plan.aggregate(keys: [], aggregates: ends)
    }
    guard let row = try run(plan).first(where: { $0.rowCount > 0 })?.row(0), let low = row[0].int64Value, let high = row[1].int64Value else {
      let zero = periodValue(0, timeline.type)
      return ([zero, zero] + values, [places[0], places[0]] + places)
    }
    var start = low
    if let length = values[0].int64Value, length > 0 { start = low.subtractingReportingOverflow(ArithmeticKernels.floorModulo(low, length)).partialValue }
    return ([periodValue(start, timeline.type), periodValue(high, timeline.type)] + values, [places[0], places[0]] + places)
  }

  // MARK: Points and periods

  /// The type of distances on a timeline.
  private static func spanType(_ type: DataType) -> DataType { type == .datetime ? .timespan : type }

  private func point(_ value: Scalar, _ input: ActivityInput, _ place: Expression) throws(BindFailure) -> Int64 {
    guard let point = Self.convert(value, to: input.timeline.type)?.int64Value else {
      try fail(.typeExpected, "a point of the timeline is \(input.timeline.type), found \(value.type)", at: place.span)
    }
    return point
  }

  private func span(_ value: Scalar, _ input: ActivityInput, _ place: Expression) throws(BindFailure) -> Int64 {
    let type = Self.spanType(input.timeline.type)
    guard let span = Self.convert(value, to: type)?.int64Value, span > 0 else {
      try fail(.typeExpected, "a \(type) above 0 is needed here, found \(value.type)", at: place.span)
    }
    return span
  }

  /// A short window and a longer one that is a multiple of it, rounded down.
  private func windows(_ short: Scalar, _ long: Scalar, _ input: ActivityInput, _ shortPlace: Expression, _ longPlace: Expression) throws(BindFailure) -> (Int64, Int64) {
    if case .string(let unit) = short { try notSupported("'\(unit)' as a window that another one is counted in", at: shortPlace.span) }
    return (try span(short, input, shortPlace), try span(long, input, longPlace))
  }

  private func step(_ value: Scalar, _ input: ActivityInput, _ place: Expression) throws(BindFailure) -> PeriodStep {
    guard case .string(let unit) = value else { return .fixed(periodValue(try span(value, input, place), Self.spanType(input.timeline.type))) }
    guard ["week", "month", "year"].contains(unit), input.timeline.type == .datetime else {
      try fail(.valueNotAllowed, "'\(unit)' is no period", at: place.span, hint: "periods: a timespan, 'week', 'month', 'year'")
    }
    return .calendar(unit)
  }

  /// Periods of an analysis at most.
  private static let maximumPeriods = 1_000_000

  /// The starts of all periods from one point to another.
  private func periods(from start: Int64, to end: Int64, _ step: PeriodStep, _ type: DataType, _ place: Expression) throws(BindFailure) -> [Int64] {
    var out: [Int64] = []
    switch step {
    case .fixed(let length):
      guard let length = length.int64Value, length > 0 else { return [] }
      let count = (Int128(end) - Int128(start)) / Int128(length)
      guard count < Int128(Self.maximumPeriods) else { try fail(.valueNotAllowed, "the analysis has more than \(Self.maximumPeriods) periods", at: place.span) }
      var at = start
      while at <= end {
        out.append(at)
        let (next, isBeyond) = at.addingReportingOverflow(length)
        if isBeyond { break }
        at = next
      }
    case .calendar(let unit):
      // A step that surely leads into the next period and not beyond it.
      let day: Int64 = 864_000_000_000
      let leap = day * (unit == "week" ? 7 : unit == "month" ? 32 : 366)
      var at = try periodStart(unit, start, place)
      while at <= end, out.count < Self.maximumPeriods {
        out.append(at)
        at = try periodStart(unit, at + leap, place)
      }
    }
    return out
  }

  private func periodStart(_ unit: String, _ ticks: Int64, _ place: Expression) throws(BindFailure) -> Int64 {
    do {
      let compiled = try CompiledExpr(.call("startof\(unit)", [.literal(.datetime(ticks))]), schema: StructType(), context: options.context)
      return try compiled.evaluate(RecordBatch(schema: StructType(), columns: [], rowCount: 1)).scalar(0).int64Value ?? ticks
    } catch {
      try report(error, place)
    }
  }

  // MARK: Sequences

  func sequenceDetect(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    let arguments = plugin.arguments
    guard arguments.count >= 4 else { try argumentCount(plugin.name, arguments.count, "a timeline, two timespans, steps and dimensions", plugin.span) }
    let timeline = try column(arguments[0].value, plugin.input)
    guard [.datetime, .timespan, .long, .int].contains(timeline.type) else {
      try notSupported("a timeline of type \(timeline.type) in 'sequence_detect'", at: arguments[0].span)
    }
    let input = ActivityInput(id: timeline, timeline: timeline, dimensions: [])
    let maxStep = try span(try constant(arguments[1].value), input, arguments[1].value)
    let maxSpan = try span(try constant(arguments[2].value), input, arguments[2].value)
    let row = plainScope(plugin.input)
    var steps: [NamedExpr] = []
    var dimensions: [NamedExpr] = []
    var names = UniqueNames()
    for argument in arguments.dropFirst(3) {
      let (expr, type) = try typed(argument.value, row)
      let given = argument.names.first?.text ?? ResultNames.name(of: argument.value)
      if type == .bool, dimensions.isEmpty {
        steps.append(NamedExpr(names.unique(given ?? "Step\(steps.count + 1)"), expr))
      } else {
        dimensions.append(NamedExpr(names.unique(given ?? "Column\(dimensions.count + 1)"), expr))
      }
    }
    guard steps.count >= 2 else { try fail(.missing, "sequence_detect needs at least two steps, which are conditions", at: plugin.span) }
    let columns = dimensions + [NamedExpr("$time", .column(timeline.name))] + steps.enumerated().map { NamedExpr("$step\($0.offset)", $0.element.expr) }
    let dimensionCount = dimensions.count
    return try make(plugin) {
      let rows = try plugin.input.plan.project(columns)
      let function = SequenceDetectFunction(
        dimensions: Array(rows.schema.fields.prefix(dimensionCount)), timeline: timeline, steps: steps.map(\.name), maxStep: maxStep, maxSpan: maxSpan)
      return try .function(function, [rows])
    }
  }

  /// What both funnels are told.
  private func funnel(
    _ plugin: PluginCall, _ step: Expression, _ state: Expression, _ sequence: Expression
  ) throws(BindFailure) -> (ActivityInput, state: StructField, sequence: [String], periods: [Int64], end: Int64, rows: LogicalPlan) {
    let arguments = plugin.positional
    let timeline = try column(arguments[1], plugin.input)
    guard [.datetime, .timespan, .long, .int].contains(timeline.type) else { try notSupported("a timeline of type \(timeline.type) in '\(plugin.name)'", at: arguments[1].span) }
    let input = ActivityInput(id: try column(arguments[0], plugin.input), timeline: timeline, dimensions: [])
    let start = try point(try constant(arguments[2]), input, arguments[2]), end = try point(try constant(arguments[3]), input, arguments[3])
    let state = try column(state, plugin.input)
    guard case .dynamic(.array(let items)) = try constant(sequence), !items.isEmpty else {
      try fail(.typeExpected, "the sequence is a dynamic array of states", at: sequence.span)
    }
    let texts = ColumnVector.of(.dynamic, items.map { .dynamic($0) }).cast(to: .string).scalars
    let names = texts.map { text in if case .string(let name) = text { name } else { "" } }
    let periods = try periods(from: start, to: end, try self.step(try constant(step), input, step), timeline.type, step)
    let rows = try make(plugin) {
      try plugin.input.plan.filter(Self.between(timeline, start, end)).project([
        NamedExpr("$id", .column(input.id.name)), NamedExpr("$time", .column(timeline.name)), NamedExpr("$state", .column(state.name)),
      ])
    }
    return (input, state, names, periods, end, rows)
  }

  func funnelSequence(_ plugin: PluginCall) throws(BindFailure) -> TableValue {
    try expect(plugin, 8...8)
    let arguments = plugin.positional
    let (input, state, sequence, periods, end, rows) = try funnel(plugin, arguments[5], arguments[6], arguments[7])
    let maxStep = try span(try constant(arguments[4]), input, arguments[4])
    let tables = try each([(true, true), (true, false), (false, true)]) { shows throws(BindFailure) in
      let function = FunnelFunction(
        .sequence(showsPrevious: shows.0, showsNext: shows.1, maxStep: maxStep), idType: input.id.type, timeline: input.timeline, state: state,
        sequence: sequence, periods: periods, end: end)
      return TableValue(plan: try self.make(plugin) { try .function(function, [rows]) })
    }
    var out = tables[0]
    out.further = Array(tables.dropFirst())
    return out
  }

  func funnelCompletion(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    try expect(plugin, 8...8)
    let arguments = plugin.positional
    let (input, state, sequence, periods, end, rows) = try funnel(plugin, arguments[4], arguments[5], arguments[6])
    let type = Self.spanType(input.timeline.type)
    guard case .dynamic(.array(let items)) = try constant(arguments[7]), !items.isEmpty else {
      try fail(.typeExpected, "the last argument is a dynamic array of periods", at: arguments[7].span)
    }
    let spans = try each(items) { item throws(BindFailure) -> Scalar in
      let value: Scalar? = switch item {
      case .timespan(let ticks): .timespan(ticks)
      case .long(let number): .long(number)
      case .string(let text): ScalarText.parse(text, as: type)
      default: nil
      }
      guard let value, let span = Self.convert(value, to: type) else { try self.fail(.typeExpected, "a period is \(type)", at: arguments[7].span) }
      return span
    }
    let function = FunnelFunction(
      .completion(maxSpans: spans), idType: input.id.type, timeline: input.timeline, state: state, sequence: sequence, periods: periods, end: end)
    return try make(plugin) { try .function(function, [rows]) }
  }
}
