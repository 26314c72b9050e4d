// Role: ranges of functions that keep order (conversions, bin, startof…, endof…, adding constants) from the ranges of their arguments.

import Columnar

extension ValueRange {
  private static let day: Int64 = 864_000_000_000

  /// How far below its argument a rounding down function's result can lie (exclusive), and how far above a rounding up one's, in ticks.
  private static let roundings: [String: (below: Int64, above: Int64)] = [
    "startofday": (day, 0), "startofweek": (7 * day, 0), "startofmonth": (31 * day, 0), "startofyear": (366 * day, 0),
    "endofday": (0, day), "endofweek": (0, 7 * day), "endofmonth": (0, 31 * day), "endofyear": (0, 366 * day),
  ]

  /// The range of a call; nil when the function is not understood.
  static func of(call name: String, _ arguments: [ValueRange]) -> ValueRange? {
    guard let x = arguments.first else { return nil }
    switch name {
    case "tolong", "toint", "toreal", "todouble", "todecimal", "tobool", "todatetime", "totimespan", "tostring", "toguid":
      return arguments.count == 1 ? converted(x, by: name) : nil
    case "bin", "floor": return arguments.count == 2 ? binned(x, arguments[1]) : nil
    case FunctionName.add where arguments.count == 2: return shifted(x, arguments[1], isNegated: false)
    case FunctionName.subtract where arguments.count == 2: return shifted(x, arguments[1], isNegated: true)
    default:
      guard let rounding = roundings[name], arguments.count == 1, x.type == .datetime else { return nil }
      return ticks(x, below: rounding.below, above: rounding.above)
    }
  }

  /// Conversions that cannot fail and keep order; values that change type keep their bounds, which compare across numeric types.
  private static func converted(_ x: ValueRange, by name: String) -> ValueRange? {
    let wanted: DataType
    switch name {
    case "tolong": wanted = .long
    case "toint": wanted = .int
    case "toreal", "todouble": wanted = .real
    case "todecimal": wanted = .decimal
    case "tobool": wanted = .bool
    case "todatetime": wanted = .datetime
    case "totimespan": wanted = .timespan
    case "toguid": wanted = .guid
    default: wanted = .string
    }
    if x.type == wanted { return x }
    switch (x.type, wanted) {
    case (.int, .long), (.int, .decimal), (.long, .decimal), (.int, .real):
      return ValueRange(type: wanted, low: x.low, high: x.high, mayBeNull: x.mayBeNull, mayHaveValues: x.mayHaveValues)
    case (.long, .real):
      // Rounding keeps order.
      return ValueRange(
        type: .real, low: x.low?.doubleValue.map { .real($0) }, high: x.high?.doubleValue.map { .real($0) }, mayBeNull: x.mayBeNull,
        mayHaveValues: x.mayHaveValues)
    default: return nil
    }
  }

  /// Ticks of a datetime or timespan, or whole numbers, moved apart by constants; unbounded where they overflow.
  private static func ticks(_ x: ValueRange, below: Int64, above: Int64) -> ValueRange {
    func move(_ bound: Scalar?, _ by: Int64) -> Scalar? {
      guard let bound, let v = bound.int64Value else { return nil }
      let (moved, overflow) = v.addingReportingOverflow(by)
      if overflow { return nil }
      switch bound {
      case .datetime: return .datetime(moved)
      case .timespan: return .timespan(moved)
      default: return .long(moved)
      }
    }
    // Results outside the calendar are null.
    return ValueRange(type: x.type == .int ? .long : x.type, low: move(x.low, -below), high: move(x.high, above), mayHaveValues: x.mayHaveValues)
  }

  /// bin(x, step): at most x, more than x - step.
  private static func binned(_ x: ValueRange, _ step: ValueRange) -> ValueRange? {
    guard x.type != .real, let width = step.low?.int64Value, step.high?.int64Value == width, width > 0 else { return nil }
    switch (x.type, step.type) {
    case (.datetime, .timespan), (.timespan, .timespan), (.int, .int), (.int, .long), (.long, .int), (.long, .long):
      return ticks(x, below: width, above: 0)
    default: return nil
    }
  }

  /// x + constant and x - constant, on whole numbers and on times; ends that would wrap make the range unbounded.
  private static func shifted(_ x: ValueRange, _ constant: ValueRange, isNegated: Bool) -> ValueRange? {
    guard let c = constant.low?.int64Value, constant.high?.int64Value == c else { return nil }
    switch (x.type, constant.type) {
    case (.datetime, .timespan), (.timespan, .timespan), (.long, .long), (.long, .int): break
    default: return nil
    }
    let (negated, overflow) = Int64(0).subtractingReportingOverflow(c)
    if isNegated, overflow { return nil }
    let by = isNegated ? negated : c
    guard let low = x.low?.int64Value, let high = x.high?.int64Value, !low.addingReportingOverflow(by).overflow,
      !high.addingReportingOverflow(by).overflow
    else { return nil }
    let opposite = Int64(0).subtractingReportingOverflow(by)
    return opposite.overflow ? nil : ticks(x, below: opposite.partialValue, above: by)
  }
}
