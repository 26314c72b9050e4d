// Role: numeric functions: elementary, trigonometric, rounding, extremes, random numbers and bits. Source: Kusto language reference,
// "Mathematical functions", "Binary functions".

import Columnar

#if canImport(Glibc)
import Glibc
#endif

private func spec(
  _ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String, isDeterministic: Bool = true,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, aliases: aliases, .math, arity, parameters: parameters, summary, example: example, isDeterministic: isDeterministic, bind: bind)
}

private func real(_ name: String, _ summary: String, _ f: @escaping @Sendable (Double) -> Double) -> FunctionSpec {
  spec(name, 1...1, "number", summary, "\(name)(0.5)", bind: BoundFunction.unary(.real, .real, rows(RealRows.self) { f($0) }))
}

/// Null where the function gives NaN for a number.
private func partial(_ name: String, _ summary: String, _ f: @escaping @Sendable (Double) -> Double) -> FunctionSpec {
  spec(name, 1...1, "number", summary, "\(name)(0.5)", bind: BoundFunction.unary(.real, .real, rows(RealRows.self) { x -> Double? in
    let y = f(x)
    return y.isNaN && !x.isNaN ? nil : y
  }))
}

private func bits2(_ name: String, _ summary: String, _ f: @escaping @Sendable (Int64, Int64) -> Int64?) -> FunctionSpec {
  spec(name, 2...2, "a, b", summary, "\(name)(6, 3)", bind: BoundFunction.fixed(.long, [.long, .long], rows(LongRows.self, LongRows.self) { f($0, $1) }))
}

let mathFunctions: [FunctionSpec] = [
  real("exp", "e to the power of the number.") { exp($0) },
  real("exp2", "2 to the power of the number.") { exp2($0) },
  real("exp10", "10 to the power of the number.") { pow(10, $0) },
  partial("sqrt", "Square root; null for negative numbers.") { $0.squareRoot() },
  partial("log", "Natural logarithm; null for negative numbers.") { log($0) },
  partial("log2", "Logarithm to base 2; null for negative numbers.") { log2($0) },
  partial("log10", "Logarithm to base 10; null for negative numbers.") { log10($0) },
  real("sin", "Sine.") { sin($0) },
  real("cos", "Cosine.") { cos($0) },
  real("tan", "Tangent.") { tan($0) },
  real("cot", "Cotangent.") { 1 / tan($0) },
  partial("asin", "Arc sine; null outside of -1 to 1.") { asin($0) },
  partial("acos", "Arc cosine; null outside of -1 to 1.") { acos($0) },
  real("atan", "Arc tangent.") { atan($0) },
  real("degrees", "Radians to degrees.") { $0 * (180 / Double.pi) },
  real("radians", "Degrees to radians.") { $0 * (Double.pi / 180) },
  real("gamma", "Gamma function.") { tgamma($0) },
  real("loggamma", "Natural logarithm of the absolute value of the gamma function.") { lgamma($0) },
  real("erf", "Error function.") { erf($0) },
  real("erfc", "Complementary error function.") { erfc($0) },
  spec("atan2", 2...2, "y, x", "Angle of a point.", "atan2(1, 1)", bind: BoundFunction.fixed(.real, [.real, .real], rows(RealRows.self, RealRows.self) { atan2($0, $1) })),
  spec("pow", 2...2, "base, exponent", "Base to the power of exponent.", "pow(2, 3)",
    bind: BoundFunction.fixed(.real, [.real, .real], rows(RealRows.self, RealRows.self) { pow($0, $1) })),
  spec("pi", 0...0, "", "The number pi.", "pi()") { _ in BoundFunction(.real, []) { _, n in .constant(.real(.pi), count: n) } },
  spec("abs", 1...1, "number", "Absolute value.", "abs(-5)") { call in
    switch call.types[0] {
    case .int, .long: return BoundFunction(.long, [.long], kernel: rows(LongRows.self) { Int64(bitPattern: UInt64($0.magnitude)) })
    case .timespan: return BoundFunction(.timespan, [.timespan], kernel: rows(LongRows.self) { Int64(bitPattern: UInt64($0.magnitude)) })
    case .decimal: return BoundFunction(.decimal, [.decimal], kernel: rows(DecimalRows.self) { $0.coefficient < 0 ? DecimalValue(0 &- $0.coefficient, scale: Int($0.scale)) : $0 })
    case .real, .dynamic: return BoundFunction(.real, [.real], kernel: rows(RealRows.self) { $0.magnitude })
    default: throw call.wrongTypes("a number or a timespan")
    }
  },
  spec("sign", 1...1, "number", "-1, 0 or 1.", "sign(-4.2)", bind: BoundFunction.unary(.real, .real, rows(RealRows.self) { $0 > 0 ? 1.0 : $0 < 0 ? -1.0 : $0 })),
  spec("ceiling", 1...1, "number", "The smallest whole number not below.", "ceiling(4.2)") { call in
    switch call.types[0] {
    case .int, .long: return BoundFunction(call.types[0], [call.types[0]]) { arguments, _ in arguments[0] }
    case .decimal:
      return BoundFunction(.decimal, [.decimal], kernel: rows(DecimalRows.self) { x -> DecimalValue in
        let down = DecimalValue(0 &- x.coefficient, scale: Int(x.scale)).floored
        return DecimalValue(0 &- down.coefficient, scale: Int(down.scale))
      })
    default: return BoundFunction(.real, [.real], kernel: rows(RealRows.self) { $0.rounded(.up) })
    }
  },
  spec("round", 1...2, "number [, digits]", "Rounded half away from zero to a number of digits.", "round(2.15, 1)") { call in
    let digits = call.count > 1 ? try call.constantInteger(1, "the precision") : 0
    let places = Int(max(-300, min(digits, 300)))
    let parameters: [DataType] = call.count > 1 ? [call.types[0], .long] : [call.types[0]]
    switch call.types[0] {
    case .int, .long: if places < 0 { break }
      return BoundFunction(call.types[0], parameters) { arguments, _ in arguments[0] }
    case .decimal: return BoundFunction(.decimal, parameters, kernel: rows(DecimalRows.self) { $0.rounded(to: places) })
    case .real, .dynamic:
      let scale = pow(10, Double(min(places.magnitude, 300)))
      return BoundFunction(.real, [.real] + parameters.dropFirst(), kernel: rows(RealRows.self) { roundedReal($0, scale, isUp: places > 0) })
    default: throw call.wrongTypes("a number")
    }
    let toLong: [DataType] = [.long] + parameters.dropFirst()
    return BoundFunction(.long, toLong, kernel: rows(LongRows.self) { roundedWhole($0, places) })
  },
  extreme("min_of", isMax: false), extreme("max_of", isMax: true),
  spec("rand", 0...1, "[n]", "A random number in [0, 1), or a whole one in 0..<n.", "rand()", isDeterministic: false) { call in
    let state = RandomState(call.context.nextSeed())
    if call.count == 0 {
      return BoundFunction(.real, [], isRowWise: false) { _, n in
        var random = state.fork()
        return try Double.collect(n) { _ in random.unit() }
      }
    }
    return BoundFunction(.real, [.long], isRowWise: false) { arguments, n in
      var random = state.fork()
      let limit = LongRows(arguments[0])
      return try Double.collect(n) { i in
        let m = limit[i]
        return m <= 1 ? random.unit() : Double(Int64(random.unit() * Double(m)))
      }
    }
  },
  spec("new_guid", 0...0, "", "A random GUID.", "new_guid()", isDeterministic: false) { call in
    let state = RandomState(call.context.nextSeed())
    return BoundFunction(.guid, [], isRowWise: false) { _, n in
      var random = state.fork()
      return try GUID.collect(n) { _ in
        GUID(high: random.next() & ~0xF000 | 0x4000, low: random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
      }
    }
  },
  bits2("binary_and", "Bitwise and.") { $0 & $1 },
  bits2("binary_or", "Bitwise or.") { $0 | $1 },
  bits2("binary_xor", "Bitwise exclusive or.") { $0 ^ $1 },
  bits2("binary_shift_left", "Bits shifted to the left (by the amount modulo 64).") { $1 < 0 ? nil : $0 &<< $1 },
  bits2("binary_shift_right", "Bits shifted to the right (by the amount modulo 64).") { $1 < 0 ? nil : $0 &>> $1 },
  spec("binary_not", 1...1, "value", "Bitwise complement.", "binary_not(100)", bind: BoundFunction.unary(.long, .long, rows(LongRows.self) { ~$0 })),
  spec("bitset_count_ones", 1...1, "value", "Number of set bits.", "bitset_count_ones(42)",
    bind: BoundFunction.unary(.long, .long, rows(LongRows.self) { Int64($0.nonzeroBitCount) })),
  spec("around", 3...3, "value, center, delta", "True when the value lies within delta of the center.", "around(datetime(2020-01-01), datetime(2020-01-02), 1d)") { call in
    switch call.types[0] {
    case .datetime:
      return BoundFunction(.bool, [.datetime, .datetime, .timespan], kernel: rows(LongRows.self, LongRows.self, LongRows.self) { v, c, d in v >= c &- d && v <= c &+ d })
    case .timespan:
      return BoundFunction(.bool, [.timespan, .timespan, .timespan], kernel: rows(LongRows.self, LongRows.self, LongRows.self) { v, c, d in v >= c &- d && v <= c &+ d })
    default:
      return BoundFunction(.bool, [.real, .real, .real], kernel: rows(RealRows.self, RealRows.self, RealRows.self) { v, c, d in v >= c - d && v <= c + d })
    }
  },
]

/// Half away from zero to a multiple of 1 / scale (`isUp`) or of scale.
@inline(__always) func roundedReal(_ x: Double, _ scale: Double, isUp: Bool) -> Double {
  guard x.isFinite else { return x }
  if !isUp { return (x / scale).rounded(.toNearestOrAwayFromZero) * scale }
  let scaled = x * scale
  // From 2^52 on a double has no digits behind the point.
  return scaled.magnitude < 4.5e15 ? scaled.rounded(.toNearestOrAwayFromZero) / scale : x
}

private func roundedWhole(_ x: Int64, _ places: Int) -> Int64 {
  guard places < 0 else { return x }
  guard places >= -18 else { return 0 }
  let scale = Int64(powerOfTen(-places))
  let rest = x % scale
  let down = x - rest
  return rest.magnitude >= UInt64(scale) - UInt64(scale) / 2 ? down &+ (x < 0 ? 0 - scale : scale) : down
}

/// min_of and max_of: nulls are passed over.
private func extreme(_ name: String, isMax: Bool) -> FunctionSpec {
  spec(name, 2...64, "value, value, …", "The \(isMax ? "largest" : "smallest") of the arguments that are not null.", "\(name)(3, 1, 2)") { call in
    var type = call.types[0]
    for other in call.types.dropFirst() {
      if type == other { continue }
      if let wide = DataType.widest(type, other) { type = wide } else if type == .dynamic { type = other } else if other != .dynamic {
        throw call.wrongTypes("values of one type")
      }
    }
    guard type != .dynamic else { throw call.wrongTypes("numbers, texts or times; convert dynamic values first") }
    let common = type
    return BoundFunction(type, Array(repeating: type, count: call.count), nulls: .custom) { arguments, n in
      var best = arguments[0].isConstant && arguments[0].isAllNull ? arguments[0].flattened : arguments[0]
      for other in arguments.dropFirst() {
        let wins = compareBits(isMax ? .greater : .less, other, best, n)
        let otherThere = other.validity ?? Bitmap(repeating: true, count: n), bestThere = best.validity ?? Bitmap(repeating: true, count: n)
        let take = common == .string ? wins : otherThere.and(wins.or(bestThere.inverted))
        if take.isAllClear { continue }
        best = ColumnVector.merge([(take, other, false), (take.inverted, best, false)], type: common, count: n).flattened
      }
      return best
    }
  }
}
