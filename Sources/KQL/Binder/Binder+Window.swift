// Window functions (prev, next, row_number, ...): a call inside an expression becomes a column that a window operator below computes.
// Source: Kusto language reference, "Window functions".

import Columnar
import Engine
import Expressions

/// The window calls found while the expressions of one operator are bound.
final class WindowCalls {
  /// Whether the rows have an order that window functions may use.
  let isSerialized: Bool
  private let schema: StructType
  /// Calls by level: those of level n + 1 read results of level n.
  private var levels: [[WindowCall]] = []
  private(set) var fields: [StructField] = []
  private var places: [WindowCall.Function: Expr] = [:]
  private var levelOf: [String: Int] = [:]

  init(_ schema: StructType, isSerialized: Bool) {
    self.schema = schema
    self.isSerialized = isSerialized
  }

  /// The column of a call; equal calls share one.
  func column(_ function: WindowCall.Function, _ type: DataType) -> Expr {
    if let known = places[function] { return known }
    var name = "$window\(fields.count)"
    while schema.index(of: name) != nil { name += "_" }
    let call = WindowCall(name, function)
    let level = call.columnsRead.map { levelOf[$0].map { $0 + 1 } ?? 0 }.max() ?? 0
    while levels.count <= level { levels.append([]) }
    levels[level].append(call)
    levelOf[name] = level
    fields.append(StructField(name, type))
    places[function] = .column(name)
    return .column(name)
  }

  /// The input with the columns of all calls.
  func applied(to plan: LogicalPlan) throws -> LogicalPlan {
    try levels.reduce(plan) { try .custom(WindowOperator($1), [$0]) }
  }
}

extension Binder {
  static let windowFunctions: Set<String> = [
    "prev", "next", "row_number", "row_cumsum", "row_rank", "row_rank_dense", "row_rank_min", "row_window_session",
  ]

  /// The input of an operator with the window columns that its expressions use.
  func windowed(_ plan: LogicalPlan, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    guard let windows = row.windows else { return plan }
    return try self.plan(at: span) { try windows.applied(to: plan) }
  }

  /// A call of a window function.
  func window(_ call: FunctionCall, _ row: RowScope, _ span: SourceSpan) throws(BindFailure) -> ScalarValue {
    let name = call.name.text
    guard let windows = row.windows else {
      try fail(.notSerialized, "'\(name)' looks at other rows and stands only in operators that compute columns or filter rows", at: span)
    }
    guard windows.isSerialized else {
      try fail(.notSerialized, "'\(name)' needs rows in a fixed order", at: span, hint: "put 'serialize' or 'sort by' before the operator")
    }
    // Window columns stand below an aggregation.
    var input = row
    input.aggregates = nil
    let (function, type) = try windowFunction(name, call.arguments.map(\.value), input, span)
    return ScalarValue(expr: windows.column(function, type))
  }

  private func windowFunction(
    _ name: String, _ arguments: [Expression], _ row: RowScope, _ span: SourceSpan
  ) throws(BindFailure) -> (WindowCall.Function, DataType) {
    func count(_ range: ClosedRange<Int>) throws(BindFailure) {
      guard !range.contains(arguments.count) else { return }
      try argumentCount(name, arguments.count, range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)", span)
    }
    switch name {
    case "prev", "next":
      try count(1...3)
      let (value, type) = try typed(arguments[0], row)
      let offset = arguments.count > 1 ? try wholeNumber(arguments[1], "the offset of \(name)") : 1
      let otherwise = arguments.count > 2 ? try constant(arguments[2]) : .null(type)
      guard let fallback = Self.convert(otherwise, to: type) else {
        try fail(.typeExpected, "the default of \(name) is \(otherwise.type), its column \(type)", at: arguments[2].span)
      }
      guard let distance = Int(exactly: offset), distance.magnitude < 1 << 31 else {
        try fail(.valueNotAllowed, "the offset of \(name) is out of reach", at: arguments[1].span)
      }
      return (.shifted(value, offset: name == "prev" ? distance : -distance, otherwise: fallback), type)
    case "row_number":
      try count(0...2)
      let start = arguments.isEmpty ? 1 : try wholeNumber(arguments[0], "the start of row_number")
      return (.rowNumber(start: start, restart: try restart(arguments, 1, row)), .long)
    case "row_cumsum":
      try count(1...2)
      let (value, type) = try typed(arguments[0], row)
      guard type.isNumeric else { try fail(.typeExpected, "row_cumsum takes a number, found \(type)", at: arguments[0].span) }
      return (.cumulativeSum(value, restart: try restart(arguments, 1, row)), type)
    case "row_rank_dense", "row_rank_min", "row_rank":
      try count(1...2)
      let (value, type) = try typed(arguments[0], row)
      guard type != .dynamic else { try fail(.typeExpected, "\(name) does not take a dynamic value", at: arguments[0].span, hint: "convert it, for instance with tostring()") }
      let ranked = Self.key(value, type)
      // The older row_rank takes a constant that says whether the rank is dense.
      if name == "row_rank" {
        let isDense = arguments.count > 1 ? try constant(arguments[1]) == .bool(true) : true
        return (.rank(ranked, isDense: isDense, restart: nil), .long)
      }
      return (.rank(ranked, isDense: name == "row_rank_dense", restart: try restart(arguments, 1, row)), .long)
    default:
      try count(3...4)
      let (value, type) = try typed(arguments[0], row)
      guard type == .datetime else { try fail(.typeExpected, "row_window_session takes a datetime, found \(type)", at: arguments[0].span) }
      let first = try distance(arguments[1])
      let between = try distance(arguments[2])
      return (.session(value, maxFromFirst: first, maxBetween: between, restart: try restart(arguments, 3, row)), type)
    }
  }

  private func restart(_ arguments: [Expression], _ i: Int, _ row: RowScope) throws(BindFailure) -> Expr? {
    guard i < arguments.count else { return nil }
    let (expr, type) = try typed(arguments[i], row)
    guard type == .bool else { try fail(.typeExpected, "the restart condition is a bool, found \(type)", at: arguments[i].span) }
    return expr
  }

  private func wholeNumber(_ expression: Expression, _ what: String) throws(BindFailure) -> Int64 {
    let value = try constant(expression)
    guard value.type == .long || value.type == .int, let number = value.int64Value else {
      try fail(.valueNotAllowed, "\(what) is a constant whole number", at: expression.span)
    }
    return number
  }

  private func distance(_ expression: Expression) throws(BindFailure) -> Int64 {
    guard case .timespan(let ticks) = try constant(expression) else {
      try fail(.typeExpected, "row_window_session takes timespans as its distances", at: expression.span)
    }
    return ticks
  }
}
