// Role: functions on the values that the aggregations hll() and tdigest() give: counts, percentiles, ranks, merging row by row. A value that is
// no such sketch gives null. Source: Kusto "dcount_hll()", "percentile_tdigest()", "rank_tdigest()" and so on.

import Columnar

private func sketchSpec(
  _ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, aliases: aliases, .sketch, arity, parameters: parameters, summary, example: example, bind: bind)
}

/// Merges the sketches of each row's arguments; nulls are left out, a row of nothing else is null.
private func merging<Sketch>(
  _ name: String, _ read: @escaping @Sendable (DynamicValue) -> Sketch?, _ merge: @escaping @Sendable (inout Sketch, Sketch) throws -> Void,
  _ write: @escaping @Sendable (inout Sketch) -> DynamicValue
) -> @Sendable (FunctionCall) throws -> BoundFunction {
  { call in
    BoundFunction(.dynamic, Array(repeating: .dynamic, count: call.count), nulls: .custom) { arguments, n in
      let columns = arguments.map { DynamicRows($0) }
      return try DynamicValue.collect(n) { i in
        var merged: Sketch?
        for column in columns where column[i].tag != .null {
          guard let sketch = read(column[i].value) else {
            throw ExpressionError.invalidArgument(function: name, message: "found a value that is no such sketch, at row \(i)")
          }
          if merged == nil { merged = sketch } else if var sum = merged {
            try merge(&sum, sketch)
            merged = sum
          }
        }
        guard var result = merged else { return .null }
        return write(&result)
      }
    }
  }
}

/// The type named by the last argument, if it is a `typeof(…)`, and how many arguments stand before it.
private func typeLiteral(_ call: FunctionCall) throws -> (type: DataType?, count: Int) {
  guard call.types[call.count - 1] == .string else { return (nil, call.count) }
  let text = try call.constantText(call.count - 1, "the type")
  guard let type = DataType(rawValue: text) else { throw call.invalid("unknown type '\(text)'") }
  return (type, call.count - 1)
}

/// A kernel with a dynamic result whose values are converted to `type`.
private func converted(_ kernel: @escaping Kernel, to type: DataType?) -> Kernel {
  guard let type, type != .dynamic else { return kernel }
  return { arguments, n in try kernel(arguments, n).cast(to: type) }
}

private func percentile(_ call: FunctionCall) throws -> BoundFunction {
  let (type, count) = try typeLiteral(call)
  guard count == 2, call.count == 2 || type != nil else { throw call.wrongTypes("a tdigest, a percentile and a type") }
  let kernel = rows(DynamicRows.self, RealRows.self) { digest, p in tdigestPercentile(digest.value, p) ?? .null }
  return BoundFunction(type ?? .dynamic, Array([.dynamic, .real, .string].prefix(call.count)), kernel: converted(kernel, to: type))
}

private func percentiles(_ call: FunctionCall) throws -> BoundFunction {
  let (type, count) = try typeLiteral(call)
  guard count >= 2 else { throw call.wrongTypes("a tdigest and percentiles") }
  let typeParameter: [DataType] = type == nil ? [] : [.string]
  if count == 2, call.types[1] != .dynamic, type != nil { return try percentile(call) }
  if count == 2, call.types[1] == .dynamic {
    return BoundFunction(.dynamic, [.dynamic, .dynamic] + typeParameter) { arguments, n in
      let digests = DynamicRows(arguments[0]), lists = DynamicRows(arguments[1])
      var list = NumericSeries()
      return try DynamicValue.collect(n) { i in
        guard list.read(lists[i]), var state = PercentileState(digests[i].value) else { return .null }
        state.settle()
        return .array(list.values.indices.map { k -> DynamicValue in
          guard !list.isMissing[k], let key = state.percentile(list.values[k]) else { return .null }
          return state.value(key)
        })
      }
    }
  }
  return BoundFunction(.dynamic, [.dynamic] + Array(repeating: .real, count: count - 1) + typeParameter) { arguments, n in
    let digests = DynamicRows(arguments[0]), points = arguments[1..<count].map { RealRows($0) }
    return try DynamicValue.collect(n) { i in
      guard var state = PercentileState(digests[i].value) else { return .null }
      state.settle()
      return .array(points.map { p in state.percentile(p[i]).map { state.value($0) } ?? .null })
    }
  }
}

/// The rank of a value: a number, datetime or timespan.
private func ranking(_ f: @escaping @Sendable (_ rank: Double, _ count: Double) -> Double) -> @Sendable (FunctionCall) throws -> BoundFunction {
  { call in
    let isTicks = call.types[1] == .datetime || call.types[1] == .timespan
    return BoundFunction(.real, [.dynamic, isTicks ? call.types[1] : .real]) { arguments, n in
      let digests = DynamicRows(arguments[0])
      let ticks = isTicks ? LongRows(arguments[1]) : nil, reals = isTicks ? nil : RealRows(arguments[1])
      return try Double?.collect(n) { i in
        guard var state = PercentileState(digests[i].value), let value = ticks.map({ Double($0[i]) }) ?? reals?[i] else { return nil }
        state.settle()
        return f(state.rank(value), state.count)
      }
    }
  }
}

let sketchFunctions: [FunctionSpec] = [
  sketchSpec("dcount_hll", 1...1, "hll", "The number of distinct values that went into an hll.", example: "dcount_hll(h)",
    bind: BoundFunction.unary(.long, .dynamic, rows(DynamicRows.self) { HyperLogLog($0)?.estimate })),
  sketchSpec("hll_isvalid", 1...1, "hll", "True when the value is an hll.", example: "hll_isvalid(h)",
    bind: BoundFunction.unary(.bool, .dynamic, rows(DynamicRows.self) { HyperLogLog($0) != nil })),
  sketchSpec("hll_merge", 2...64, "hll, hll [, …]", "The hll of all values that went into several.", example: "hll_merge(h1, h2)",
    bind: merging("hll_merge", { HyperLogLog($0) }, { sum, sketch in
      guard sum.precision == sketch.precision else {
        throw ExpressionError.invalidArgument(function: "hll_merge", message: "sketches of different accuracy cannot be merged")
      }
      sum.merge(sketch)
    }, { $0.dynamic })),
  sketchSpec("tdigest_isvalid", 1...1, "tdigest", "True when the value is a tdigest.", example: "tdigest_isvalid(t)",
    bind: BoundFunction.unary(.bool, .dynamic, rows(DynamicRows.self) { PercentileState($0.value) != nil })),
  sketchSpec(
    "tdigest_merge", aliases: ["merge_tdigest", "merge_tdigests"], 1...64, "tdigest, tdigest [, …]", "The tdigest of all values that went into several.",
    example: "tdigest_merge(t1, t2)", bind: merging("tdigest_merge", { PercentileState($0) }, { try $0.merge($1) }, { $0.dynamic() })),
  sketchSpec(
    "percentile_tdigest", 2...3, "tdigest, percentile [, typeof(type)]", "The percentile of the values that went into a tdigest.",
    example: "percentile_tdigest(t, 95, typeof(long))", bind: percentile),
  sketchSpec(
    "percentiles_array_tdigest", aliases: ["percentile_array_tdigest"], 2...102, "tdigest, percentile [, …] [, typeof(type)]",
    "Several percentiles as an array; they may be given as an array too.", example: "percentiles_array_tdigest(t, 50, 95)", bind: percentiles),
  sketchSpec("rank_tdigest", 2...2, "tdigest, value", "How many of the values that went into a tdigest are not above a value.", example: "rank_tdigest(t, 685)",
    bind: ranking { rank, _ in rank }),
  sketchSpec(
    "percentrank_tdigest", 2...2, "tdigest, value", "How many percent of the values that went into a tdigest are not above a value.",
    example: "percentrank_tdigest(t, 685)", bind: ranking { rank, count in count > 0 ? rank * 100 / count : .nan }),
]
