// Role: + - * / % and unary minus with Kusto's types: integers give long, the wider number wins, datetime and timespan arithmetic, dynamic
// operands take the other side's type. Source: Kusto "Numerical operators", "Datetime / timespan arithmetic".

import Columnar

private enum ArithmeticOperator: String {
  case add = "+", subtract = "-", multiply = "*", divide = "/", modulo = "%"

  var decimal: DecimalOperation {
    switch self {
    case .add: .add
    case .subtract: .subtract
    case .multiply: .multiply
    case .divide: .divide
    case .modulo: .modulo
    }
  }
}

let arithmeticOperators: [FunctionSpec] = [
  arithmetic(.add, "Sum.", "1 + 2"),
  arithmetic(.subtract, "Difference.", "datetime(2020-01-02) - datetime(2020-01-01)"),
  arithmetic(.multiply, "Product.", "1.5 * 1h"),
  arithmetic(.divide, "Quotient; whole numbers are divided without remainder, by zero gives null.", "1h / 1m"),
  arithmetic(.modulo, "Remainder, never negative.", "-14 % 12"),
  FunctionSpec(FunctionName.negate, .operator, 1...1, parameters: "value", "The value with the other sign.", example: "-(1 + 2)") { call in
    switch call.types[0] {
    case .int where call.constants[0] != nil: return BoundFunction(.int, [.int], kernel: rows(IntRows.self) { 0 &- $0 })
    case .int, .long: return BoundFunction(.long, [.long], kernel: rows(LongRows.self) { 0 &- $0 })
    case .timespan: return BoundFunction(.timespan, [.timespan], kernel: rows(LongRows.self) { 0 &- $0 })
    case .real: return BoundFunction(.real, [.real], kernel: rows(RealRows.self) { -$0 })
    case .decimal:
      return BoundFunction(.decimal, [.decimal], kernel: rows(DecimalRows.self) { DecimalValue(0 &- $0.coefficient, scale: Int($0.scale)) })
    case .dynamic:
      return BoundFunction(.dynamic, [.dynamic], nulls: .custom, kernel: rows(DynamicRows.self) { value -> DynamicValue in
        switch value.tag {
        case .long: .long(0 &- value.int64)
        case .timespan: .timespan(0 &- value.int64)
        case .real: .real(-value.real)
        case .decimal: .decimal(DecimalValue(0 &- value.decimal.coefficient, scale: Int(value.decimal.scale)))
        default: .null
        }
      })
    default: throw call.wrongTypes("a number or a timespan")
    }
  },
]

private func arithmetic(_ op: ArithmeticOperator, _ summary: String, _ example: String) -> FunctionSpec {
  FunctionSpec(op.rawValue, .operator, 2...2, parameters: "left, right", summary, example: example) { call in
    try bindArithmetic(op, call.types[0], call.types[1], call)
  }
}

private func bindArithmetic(_ op: ArithmeticOperator, _ a: DataType, _ b: DataType, _ call: FunctionCall) throws -> BoundFunction {
  if let wide = DataType.widest(a, b) {
    switch wide.promoted {
    case .long: return BoundFunction(.long, [.long, .long], kernel: longKernel(op, .long))
    case .real: return BoundFunction(.real, [.real, .real], kernel: realKernel(op))
    default:
      let operation = op.decimal
      return BoundFunction(.decimal, [.decimal, .decimal]) { DecimalKernels.apply(operation, $0[0], $0[1], $1) }
    }
  }
  switch (a, op, b) {
  case (.timespan, .add, .timespan), (.timespan, .subtract, .timespan), (.timespan, .modulo, .timespan):
    return BoundFunction(.timespan, [a, b], kernel: longKernel(op, .timespan))
  case (.timespan, .multiply, .timespan): throw call.wrongTypes("a timespan and a number")
  case (.datetime, .subtract, .datetime): return BoundFunction(.timespan, [a, b], kernel: longKernel(op, .timespan))
  case (.datetime, .add, .timespan), (.datetime, .subtract, .timespan), (.timespan, .add, .datetime):
    return BoundFunction(.datetime, [a, b], kernel: longKernel(op, .datetime))
  case (.datetime, .add, .datetime):
    return BoundFunction(.datetime, [a, b]) { arguments, n in
      // A datetime counts from the year 1, so the mean of two is (a + b) / 2.
      let x = LongRows(arguments[0]), y = LongRows(arguments[1])
      return try Optional<Int64>.collect(n) { CivilTime.datetime(sinceYear1: x[$0] &- CivilTime.minTicks &+ y[$0] &- CivilTime.minTicks) }.retyped(.datetime)
    }
  case (.datetime, .modulo, .timespan), (.datetime, .modulo, .datetime):
    return BoundFunction(.timespan, [a, b]) { arguments, n in
      guard let x = arguments[0].longOperand, var y = arguments[1].longOperand else { throw call.wrongTypes("datetime and timespan") }
      let shifted = ArithmeticKernels.subtract(x, .value(CivilTime.minTicks), n)
      if b == .datetime { y = .column(ArithmeticKernels.subtract(y, .value(CivilTime.minTicks), n)) }
      let (values, validity) = ArithmeticKernels.modulo(.column(shifted), y, n)
      return .long(values, validity: validity, type: .timespan)
    }
  case (.datetime, .multiply, _) where b.isNumeric, (.datetime, .divide, _) where b.isNumeric, (.datetime, .modulo, _) where b.isNumeric:
    return scalingDatetime(op, b, numberFirst: false)
  case (_, .multiply, .datetime) where a.isNumeric: return scalingDatetime(op, a, numberFirst: true)
  case (.timespan, .divide, .timespan), (.datetime, .divide, .timespan), (.datetime, .divide, .datetime):
    return BoundFunction(.real, [a, b], kernel: { arguments, n in
      guard let x = arguments[0].cast(to: .real).realOperand, let y = arguments[1].cast(to: .real).realOperand else {
        throw call.wrongTypes("timespans")
      }
      return .real(ArithmeticKernels.divide(x, y, n))
    })
  case (.timespan, .multiply, _) where b.isNumeric, (.timespan, .divide, _) where b.isNumeric, (.timespan, .modulo, _) where b.isNumeric:
    return scaling(op, b, numberFirst: false)
  case (_, .multiply, .timespan) where a.isNumeric: return scaling(op, a, numberFirst: true)
  case (.dynamic, _, .dynamic): return dynamicArithmetic(op)
  case (.dynamic, _, _): return try bindArithmetic(op, dynamicSide(b, op, .dynamic, call), b, call)
  case (_, _, .dynamic): return try bindArithmetic(op, a, dynamicSide(a, op, a, call), call)
  default: throw call.wrongTypes("numbers, or a fitting pair of datetime and timespan")
  }
}

/// What a dynamic operand beside a typed one is read as.
private func dynamicSide(_ other: DataType, _ op: ArithmeticOperator, _ left: DataType, _ call: FunctionCall) throws -> DataType {
  switch other {
  case .int, .long, .real, .decimal: return other.promoted
  case .timespan: return left == .dynamic && (op == .add || op == .subtract) || op == .add ? .timespan : op == .multiply ? .real : .timespan
  case .datetime: return op == .subtract ? .datetime : .timespan
  default: throw call.wrongTypes("numbers, or a fitting pair of datetime and timespan")
  }
}

private func longKernel(_ op: ArithmeticOperator, _ type: DataType) -> Kernel {
  { arguments, n in
    guard let a = arguments[0].longOperand, let b = arguments[1].longOperand else {
      throw ExpressionError.argumentTypes(function: op.rawValue, found: arguments.map(\.type), expected: "64-bit columns")
    }
    var values: Buffer<Int64>
    var validity: Bitmap?
    switch op {
    case .add: values = ArithmeticKernels.add(a, b, n)
    case .subtract: values = ArithmeticKernels.subtract(a, b, n)
    case .multiply: values = ArithmeticKernels.multiply(a, b, n)
    case .divide: (values, validity) = ArithmeticKernels.divide(a, b, n)
    case .modulo: (values, validity) = ArithmeticKernels.modulo(a, b, n)
    }
    if type == .datetime {
      // Outside 0001..9999 there is no datetime.
      let inside = CompareKernels.range(values, CivilTime.minTicks, CivilTime.maxTicks)
      if !inside.isAllSet { validity = inside }
    }
    return .long(values, validity: validity, type: type)
  }
}

private func realKernel(_ op: ArithmeticOperator) -> Kernel {
  { arguments, n in
    guard let a = arguments[0].realOperand, let b = arguments[1].realOperand else {
      throw ExpressionError.argumentTypes(function: op.rawValue, found: arguments.map(\.type), expected: "real columns")
    }
    switch op {
    case .add: return .real(ArithmeticKernels.add(a, b, n))
    case .subtract: return .real(ArithmeticKernels.subtract(a, b, n))
    case .multiply: return .real(ArithmeticKernels.multiply(a, b, n))
    case .divide: return .real(ArithmeticKernels.divide(a, b, n))
    case .modulo:
      let x = RealRows(arguments[0]), y = RealRows(arguments[1])
      return try Double.collect(n) { floorModulo(x[$0], y[$0]) }
    }
  }
}

/// The remainder with 0 <= r < |y|; NaN for y = 0.
func floorModulo(_ x: Double, _ y: Double) -> Double {
  let r = x.truncatingRemainder(dividingBy: y)
  return r < 0 ? r + y.magnitude : r
}

/// timespan * number, number * timespan, timespan / number, timespan % number.
private func scaling(_ op: ArithmeticOperator, _ number: DataType, numberFirst: Bool) -> BoundFunction {
  if number == .int || number == .long {
    return BoundFunction(.timespan, numberFirst ? [.long, .timespan] : [.timespan, .long], kernel: longKernel(op, .timespan))
  }
  let at = numberFirst ? 1 : 0
  return BoundFunction(.timespan, numberFirst ? [.real, .timespan] : [.timespan, .real]) { arguments, n in
    let ticks = LongRows(arguments[at]), factor = RealRows(arguments[1 - at])
    let column = try Optional<Int64>.collect(n) { i -> Int64? in
      let t = Double(ticks[i])
      let value = op == .multiply ? t * factor[i] : op == .divide ? t / factor[i] : floorModulo(t, factor[i])
      return Int64(checking: value.rounded(.toNearestOrEven))
    }
    return column.retyped(.timespan)
  }
}

/// datetime * number, number * datetime, datetime / number, datetime % number: of the ticks since the year 1.
private func scalingDatetime(_ op: ArithmeticOperator, _ number: DataType, numberFirst: Bool) -> BoundFunction {
  let at = numberFirst ? 1 : 0
  if number == .int || number == .long {
    return BoundFunction(.datetime, numberFirst ? [.long, .datetime] : [.datetime, .long]) { arguments, n in
      let ticks = LongRows(arguments[at]), factor = LongRows(arguments[1 - at])
      return try Optional<Int64>.collect(n) { i -> Int64? in
        let t = ticks[i] &- CivilTime.minTicks, f = factor[i]
        if op == .multiply {
          let (product, overflow) = t.multipliedReportingOverflow(by: f)
          return overflow ? nil : CivilTime.datetime(sinceYear1: product)
        }
        if f == 0 { return nil }
        return CivilTime.datetime(sinceYear1: op == .divide ? (f == -1 ? 0 &- t : t / f) : ArithmeticKernels.floorModulo(t, f))
      }.retyped(.datetime)
    }
  }
  return BoundFunction(.datetime, numberFirst ? [.real, .datetime] : [.datetime, .real]) { arguments, n in
    let ticks = LongRows(arguments[at]), factor = RealRows(arguments[1 - at])
    return try Optional<Int64>.collect(n) { i -> Int64? in
      let t = Double(ticks[i] &- CivilTime.minTicks)
      let value = op == .multiply ? t * factor[i] : op == .divide ? t / factor[i] : floorModulo(t, factor[i])
      return Int64(checking: value.rounded(.toNearestOrEven)).flatMap(CivilTime.datetime(sinceYear1:))
    }.retyped(.datetime)
  }
}

extension CivilTime {
  /// The datetime that many ticks after 0001-01-01; nil outside 0001..9999.
  fileprivate static func datetime(sinceYear1 ticks: Int64) -> Int64? {
    ticks >= 0 && ticks <= maxTicks &- minTicks ? ticks &+ minTicks : nil
  }
}

/// Both sides dynamic: what the values inside give.
private func dynamicArithmetic(_ op: ArithmeticOperator) -> BoundFunction {
  BoundFunction(.dynamic, [.dynamic, .dynamic], nulls: .custom, kernel: rows(DynamicRows.self, DynamicRows.self) { a, b -> DynamicValue in
    switch (a.tag, b.tag) {
    case (.long, .long):
      switch op {
      case .add: return .long(a.int64 &+ b.int64)
      case .subtract: return .long(a.int64 &- b.int64)
      case .multiply: return .long(a.int64 &* b.int64)
      case .divide: return b.int64 == 0 ? .null : b.int64 == -1 ? .long(0 &- a.int64) : .long(a.int64 / b.int64)
      case .modulo: return b.int64 == 0 ? .null : .long(ArithmeticKernels.floorModulo(a.int64, b.int64))
      }
    case (.timespan, .timespan) where op == .add: return .timespan(a.int64 &+ b.int64)
    case (.timespan, .timespan) where op == .subtract: return .timespan(a.int64 &- b.int64)
    case (.datetime, .datetime) where op == .subtract: return .timespan(a.int64 &- b.int64)
    default:
      guard let x = a.number, let y = b.number else { return .null }
      switch op {
      case .add: return .real(x + y)
      case .subtract: return .real(x - y)
      case .multiply: return .real(x * y)
      case .divide: return .real(x / y)
      case .modulo: return .real(floorModulo(x, y))
      }
    }
  })
}
