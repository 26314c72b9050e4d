// Role: bin, floor and bin_at: values rounded down to multiples. Datetimes are counted from 0001-01-01, as Kusto does.

import Columnar

private func spec(_ name: String, aliases: [String], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction) -> FunctionSpec
{
  FunctionSpec(name, aliases: aliases, .math, arity, parameters: parameters, summary, example: example, bind: bind)
}

let binFunctions: [FunctionSpec] = [
  spec("bin", aliases: ["floor"], 1...2, "value, size", "The largest multiple of size not above the value; null for a size that is not positive.", "bin(4.5, 1)") { call in
    if call.count == 1 {
      guard call.name == "floor" else { throw ExpressionError.argumentCount(function: call.name, found: 1, expected: "2") }
      guard call.types[0].isNumeric || call.types[0] == .dynamic else { throw call.wrongTypes("a number") }
      return try binFunction(call.types[0] == .dynamic ? .real : call.types[0], .int, call, nil, hasSize: false)
    }
    return try binFunction(call.types[0], call.types[1], call, nil, hasSize: true)
  },
  spec("bin_at", aliases: [], 3...3, "value, size, fixed", "The largest value not above that lies whole sizes away from a fixed point.", "bin_at(6.5, 2.5, 7)") { call in
    try binFunction(call.types[0], call.types[1], call, call.types[2], hasSize: true)
  },
]

private func binFunction(
  _ value: DataType, _ sizeType: DataType, _ call: FunctionCall, _ fixed: DataType?, hasSize: Bool
) throws -> BoundFunction {
  let value = value == .dynamic ? (sizeType == .timespan ? DataType.timespan : sizeType.promoted) : value
  let type: DataType
  switch value {
  case .datetime:
    guard sizeType == .timespan || sizeType == .datetime || sizeType == .dynamic, fixed == nil || fixed == .datetime else {
      throw call.wrongTypes("a datetime and a timespan")
    }
    return binLongs(.datetime, [.datetime, .timespan] + (fixed == nil ? [] : [.datetime]), origin: CivilTime.minTicks)
  case .timespan:
    guard sizeType == .timespan || sizeType == .dynamic || fixed != nil && sizeType.isNumeric else { throw call.wrongTypes("two timespans") }
    return binLongs(.timespan, [.timespan, .timespan] + (fixed == nil ? [] : [.timespan]), origin: 0)
  default:
    guard let wide = DataType.widest(value, sizeType == .dynamic ? value : sizeType).flatMap({ fixed == nil ? $0 : DataType.widest($0, fixed ?? $0) }) else {
      throw call.wrongTypes("numbers, timespans, or a datetime and a timespan")
    }
    type = wide.promoted
  }
  let parameters = Array(repeating: type, count: !hasSize ? 1 : fixed == nil ? 2 : 3)
  switch type {
  case .long: return binLongs(.long, parameters, origin: 0)
  case .real:
    return BoundFunction(.real, parameters) { arguments, n in
      let x = RealRows(arguments[0]), s = arguments.count > 1 ? RealRows(arguments[1]) : nil, f = arguments.count > 2 ? RealRows(arguments[2]) : nil
      return try Optional<Double>.collect(n) { i -> Double? in
        let step = s?[i] ?? 1
        guard step > 0 else { return nil }
        let origin = f?[i] ?? 0
        return ((x[i] - origin) / step).rounded(.down) * step + origin
      }
    }
  default:
    return BoundFunction(.decimal, parameters) { arguments, n in
      let x = DecimalRows(arguments[0]), s = arguments.count > 1 ? DecimalRows(arguments[1]) : nil, f = arguments.count > 2 ? DecimalRows(arguments[2]) : nil
      return try Optional<DecimalValue>.collect(n) { i -> DecimalValue? in
        let step = s?[i] ?? DecimalValue(1)
        guard step.coefficient > 0 else { return nil }
        let shifted = f.map { DecimalOperation.subtract.apply(x[i], $0[i]) } ?? x[i]
        guard let shifted, let rest = DecimalOperation.modulo.apply(shifted, step) else { return nil }
        return DecimalOperation.subtract.apply(x[i], rest)
      }
    }
  }
}

// SAFETY: `out` has n slots of `builder`, which grows no more; the reader borrows from the arguments, which live for the call.
private func binLongs(_ type: DataType, _ parameters: [DataType], origin: Int64) -> BoundFunction {
  BoundFunction(type, parameters) { arguments, n in
    let x = LongRows(arguments[0])
    // The usual case: a constant size.
    if arguments.count < 3, let step = arguments.count == 1 ? 1 : arguments[1].longOperand?.constant {
      if step <= 0 { return .nulls(type, count: n) }
      let builder = BufferBuilder<Int64>(capacity: n)
      let out = unsafe builder.appendUninitialized(n)
      for i in 0..<n { unsafe out[i] = x[i] &- ArithmeticKernels.floorModulo(x[i] &- origin, step) }
      return .long(builder.finish(), type: type)
    }
    let s = LongRows(arguments[1]), f = arguments.count > 2 ? LongRows(arguments[2]) : nil
    return try Optional<Int64>.collect(n) { i -> Int64? in
      let step = Int128(s[i]), value = Int128(x[i])
      if step <= 0 { return nil }
      let rest = (value - Int128(f?[i] ?? origin)) % step
      guard let out = Int64(exactly: value - (rest < 0 ? rest + step : rest)), type != .datetime || CivilTime.isInRange(out) else { return nil }
      return out
    }
  }
}

extension Operand {
  /// The value of a constant operand.
  var constant: T? {
    if case .value(let v) = self { return v }
    return nil
  }
}
