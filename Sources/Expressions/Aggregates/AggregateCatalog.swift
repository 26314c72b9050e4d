// Role: all aggregation functions, declared once: KQL name, aliases, arguments, result type, accumulator.
// Source: Kusto's "Aggregation functions" reference. Calls have one result column; functions that fill several columns are one call per
// column: percentiles(x, 5, 50) is percentile(x, 5) and percentile(x, 50); arg_max(by, a, b) is arg_max(by), arg_max(by, a), arg_max(by, b)
// (the same row is picked in each); take_any(*) is take_any_row(c) for every column c.

import Columnar

enum AggregateCatalog {
  static let all: [AggregateSpec] = counts + sums + moments + extremes + distinct + percentiles + picks + collections

  /// Known to Kusto, not done here.
  static let missing = ["passthrough"]

  static let byName: [String: AggregateSpec] = {
    var out: [String: AggregateSpec] = [:]
    for spec in all {
      for name in [spec.name] + spec.aliases { out[name] = spec }
    }
    return out
  }()

  private static let defaultLimit = 1_048_576

  // MARK: - Counts, sums, moments

  private static let counts = [
    AggregateSpec("count", 0...1, aliases: ["cnt"], "count(): the number of rows") { b in
      if b.arguments.count == 1, b.type(0) != .bool { throw b.mismatch("no argument, or a bool predicate") }
      let hasPredicate = b.arguments.count == 1
      return BoundAggregate(type: .long, evaluated: hasPredicate ? [0] : []) { CountAccumulator(hasPredicate: hasPredicate) }
    },
    AggregateSpec("countif", 1...1, "countif(p): the number of rows where p is true") { b in
      guard b.type(0) == .bool else { throw b.mismatch("a bool predicate") }
      return BoundAggregate(type: .long, evaluated: [0]) { CountAccumulator(hasPredicate: true) }
    },
  ]

  private static let sum = AggregateSpec("sum", 1...1, "sum(x): the sum of the values, 0 if there are none") { b in
    switch b.type(0) {
    case .int, .long, .timespan, .decimal:
      let type = b.type(0)
      return BoundAggregate(type: type == .int ? .long : type, evaluated: [0]) { ExactSumAccumulator(.sum, of: type) }
    case .real: return BoundAggregate(type: .real, evaluated: [0]) { RealSumAccumulator(.sum) }
    default: throw b.mismatch("int, long, real, decimal or timespan")
    }
  }

  private static let avg = AggregateSpec("avg", 1...1, "avg(x): the mean of the values, NaN if there are none") { b in
    switch b.type(0) {
    case .int, .long, .timespan, .datetime, .decimal:
      let type = b.type(0)
      return BoundAggregate(type: type == .int || type == .long ? .real : type, evaluated: [0]) { ExactSumAccumulator(.average, of: type) }
    case .real: return BoundAggregate(type: .real, evaluated: [0]) { RealSumAccumulator(.average) }
    default: throw b.mismatch("int, long, real, decimal, timespan or datetime")
    }
  }

  private static let sums = [
    sum, sum.filtered("sumif", "sumif(x, p): the sum of x where p is true"),
    avg, avg.filtered("avgif", "avgif(x, p): the mean of x where p is true"),
  ]

  private static func moment(_ name: String, _ arguments: Int, _ result: MomentResult, _ help: String) -> AggregateSpec {
    AggregateSpec(name, arguments...arguments, help) { b in
      for i in 0..<arguments {
        guard b.type(i).isNumeric || b.type(i) == .timespan || b.type(i) == .datetime else { throw b.mismatch("numbers") }
      }
      let needsCast = (0..<arguments).contains { b.type($0) != .real }
      return BoundAggregate(type: .real, evaluated: Array(0..<arguments)) {
        let inner = MomentAccumulator(result)
        return needsCast ? RealArgumentsAccumulator(inner, count: arguments) : inner
      }
    }
  }

  private static let moments: [AggregateSpec] = {
    let sample = MomentResult(isSample: true, takesRoot: false), population = MomentResult(isSample: false, takesRoot: false)
    let sampleRoot = MomentResult(isSample: true, takesRoot: true), populationRoot = MomentResult(isSample: false, takesRoot: true)
    let stdev = moment("stdev", 1, sampleRoot, "stdev(x): the standard deviation of a sample")
    let stdevp = moment("stdevp", 1, populationRoot, "stdevp(x): the standard deviation of a population")
    let variance = moment("variance", 1, sample, "variance(x): the variance of a sample")
    let variancep = moment("variancep", 1, population, "variancep(x): the variance of a population")
    let covariance = moment("covariance", 2, sample, "covariance(x, y): the covariance of a sample")
    let covariancep = moment("covariancep", 2, population, "covariancep(x, y): the covariance of a population")
    return [
      stdev, stdev.filtered("stdevif", "stdevif(x, p): stdev of x where p is true"),
      stdevp, stdevp.filtered("stdevpif", "stdevpif(x, p): stdevp of x where p is true"),
      variance, variance.filtered("varianceif", "varianceif(x, p): variance of x where p is true"),
      variancep, variancep.filtered("variancepif", "variancepif(x, p): variancep of x where p is true"),
      covariance, covariance.filtered("covarianceif", predicateAt: 2, "covarianceif(x, y, p): covariance where p is true"),
      covariancep, covariancep.filtered("covariancepif", predicateAt: 2, "covariancepif(x, y, p): covariancep where p is true"),
    ]
  }()

  // MARK: - Extremes

  private static func extreme(_ name: String, isMax: Bool, _ help: String) -> AggregateSpec {
    AggregateSpec(name, 1...1, help) { b in
      let type = b.type(0)
      guard type != .dynamic else { throw b.mismatch("a type with an order; cast the dynamic value, e.g. with tolong()") }
      return BoundAggregate(type: type, evaluated: [0]) { makeMinMax(isMax: isMax, type: type) ?? TakeAnyAccumulator(type: type, skipsNulls: true) }
    }
  }

  private static func bitwise(_ name: String, _ fold: WordFold, _ help: String) -> AggregateSpec {
    AggregateSpec(name, 1...1, help) { b in
      guard b.type(0) == .long || b.type(0) == .int else { throw b.mismatch("long") }
      return BoundAggregate(type: .long, evaluated: [0]) { WordFoldAccumulator(fold, type: .long) }
    }
  }

  private static let extremes: [AggregateSpec] = {
    let least = extreme("min", isMax: false, "min(x): the least value"), greatest = extreme("max", isMax: true, "max(x): the greatest value")
    return [
      least, least.filtered("minif", "minif(x, p): the least x where p is true"),
      greatest, greatest.filtered("maxif", "maxif(x, p): the greatest x where p is true"),
      bitwise("binary_all_and", .and, "binary_all_and(x): the bitwise and of the values"),
      bitwise("binary_all_or", .or, "binary_all_or(x): the bitwise or of the values"),
      bitwise("binary_all_xor", .xor, "binary_all_xor(x): the bitwise exclusive or of the values"),
    ]
  }()

  // MARK: - Distinct values

  private static func sketch(_ name: String, givesSketch: Bool, _ help: String) -> AggregateSpec {
    AggregateSpec(name, 1...2, help) { b in
      let accuracy = try b.integer(1, default: 1)
      guard let precision = HyperLogLog.precision(accuracy: accuracy) else {
        throw ExpressionError.invalidArgument(function: b.name, message: "accuracy is 0, 1, 2, 3 or 4, found \(accuracy)")
      }
      return BoundAggregate(type: givesSketch ? .dynamic : .long, evaluated: [0]) {
        HyperLogLogAccumulator(precision: precision, givesSketch: givesSketch, takesSketches: false)
      }
    }
  }

  private static let distinct: [AggregateSpec] = {
    let dcount = sketch("dcount", givesSketch: false, "dcount(x[, accuracy]): an estimate of the number of distinct values")
    let hll = sketch("hll", givesSketch: true, "hll(x[, accuracy]): the intermediate result of dcount")
    let exact = AggregateSpec("count_distinct", 1...1, "count_distinct(x): the exact number of distinct values") { b in
      let type = b.type(0)
      return BoundAggregate(type: .long, evaluated: [0]) { CountDistinctAccumulator(type: type) }
    }
    let merge = AggregateSpec("hll_merge", 1...1, "hll_merge(h): merges results of hll()") { b in
      guard b.type(0) == .dynamic else { throw b.mismatch("dynamic, as hll() gives") }
      return BoundAggregate(type: .dynamic, evaluated: [0]) { HyperLogLogAccumulator(precision: 14, givesSketch: true, takesSketches: true) }
    }
    return [
      dcount, dcount.filtered("dcountif", "dcountif(x, p[, accuracy]): dcount of x where p is true"),
      hll, hll.filtered("hll_if", "hll_if(x, p[, accuracy]): hll of x where p is true"), merge,
      exact, exact.filtered("count_distinctif", "count_distinctif(x, p): count_distinct of x where p is true"),
    ]
  }()

  // MARK: - Percentiles

  private static func percentile(
    _ name: String, arity: ClosedRange<Int>, aliases: [String] = [], isWeighted: Bool, isArray: Bool, _ help: String
  ) -> AggregateSpec {
    AggregateSpec(name, arity, aliases: aliases, help) { b in
      let type: DataType
      switch b.type(0) {
      case .int, .long, .bool: type = .long
      case .real, .decimal: type = .real
      case .datetime, .timespan: type = b.type(0)
      default: throw b.mismatch("a number, datetime or timespan")
      }
      if isWeighted, b.type(1) != .long, b.type(1) != .int { throw b.mismatch("integer weights as argument 2") }
      let percentages = try b.percentages(from: isWeighted ? 2 : 1)
      if !isArray, percentages.count != 1 {
        throw ExpressionError.invalidArgument(function: b.name, message: "several percentiles are several columns: one call for each")
      }
      let isDecimal = b.type(0) == .decimal, narrowWeights = isWeighted && b.type(1) == .int
      let result = isArray ? PercentileResult.array(percentages) : .one(percentages[0])
      return BoundAggregate(type: isArray ? .dynamic : type, evaluated: isWeighted ? [0, 1] : [0]) {
        let inner = PercentileAccumulator(result, type: type)
        let widened: any GroupedAccumulator = narrowWeights ? LongWeightsAccumulator(inner) : inner
        return isDecimal ? RealArgumentsAccumulator(widened, count: 1) : widened
      }
    }
  }

  private static let percentiles: [AggregateSpec] = [
    percentile("percentile", arity: 2...2, aliases: ["percentiles"], isWeighted: false, isArray: false, "percentile(x, p): an estimate of the nearest-rank percentile"),
    percentile(
      "percentilew", arity: 3...3, aliases: ["percentilesw"], isWeighted: true, isArray: false, "percentilew(x, weight, p): a percentile of weighted values"),
    percentile("percentiles_array", arity: 2...101, isWeighted: false, isArray: true, "percentiles_array(x, p, …): percentiles as one array"),
    percentile("percentilesw_array", arity: 3...102, isWeighted: true, isArray: true, "percentilesw_array(x, weight, p, …): weighted percentiles as one array"),
    AggregateSpec("tdigest", 1...2, "tdigest(x[, weight]): the intermediate result of percentile") { b in
      let type: DataType
      switch b.type(0) {
      case .int, .long: type = .long
      case .real, .decimal: type = .real
      case .datetime, .timespan: type = b.type(0)
      default: throw b.mismatch("a number, datetime or timespan")
      }
      let isWeighted = b.arguments.count == 2
      if isWeighted, b.type(1) != .long, b.type(1) != .int { throw b.mismatch("integer weights as argument 2") }
      let isDecimal = b.type(0) == .decimal, narrowWeights = isWeighted && b.type(1) == .int
      return BoundAggregate(type: .dynamic, evaluated: isWeighted ? [0, 1] : [0]) {
        let inner = PercentileAccumulator(.digest, type: type)
        let widened: any GroupedAccumulator = narrowWeights ? LongWeightsAccumulator(inner) : inner
        return isDecimal ? RealArgumentsAccumulator(widened, count: 1) : widened
      }
    },
    AggregateSpec("tdigest_merge", 1...1, aliases: ["merge_tdigest", "merge_tdigests"], "tdigest_merge(t): merges results of tdigest()") { b in
      guard b.type(0) == .dynamic else { throw b.mismatch("dynamic, as tdigest() gives") }
      return BoundAggregate(type: .dynamic, evaluated: [0]) { PercentileAccumulator(.digest, type: .real, takesDigests: true) }
    },
  ]

  // MARK: - One row's values

  private static func argExtreme(_ name: String, alias: String, isMax: Bool, _ help: String) -> AggregateSpec {
    AggregateSpec(name, 1...2, aliases: [alias], help) { b in
      let byType = b.type(0), valueType = b.type(b.arguments.count - 1)
      guard byType != .dynamic else { throw b.mismatch("an ordering expression of a type with an order") }
      return BoundAggregate(type: valueType, evaluated: [0, b.arguments.count - 1]) {
        ArgExtremeAccumulator(isMax: isMax, byType: byType, valueType: valueType)
      }
    }
  }

  private static let picks: [AggregateSpec] = {
    let any = AggregateSpec("take_any", 1...1, aliases: ["any"], "take_any(x): some value, not null if there is one") { b in
      let type = b.type(0)
      return BoundAggregate(type: type, evaluated: [0]) { TakeAnyAccumulator(type: type, skipsNulls: true) }
    }
    let row = AggregateSpec("take_any_row", 1...1, "take_any_row(x): the value of the first row, for take_any(*)") { b in
      let type = b.type(0)
      return BoundAggregate(type: type, evaluated: [0]) { TakeAnyAccumulator(type: type, skipsNulls: false) }
    }
    return [
      any, any.filtered("take_anyif", aliases: ["anyif"], "take_anyif(x, p): some value of x where p is true"), row,
      argExtreme("arg_max", alias: "argmax", isMax: true, "arg_max(by[, x]): x in the row where by is greatest"),
      argExtreme("arg_min", alias: "argmin", isMax: false, "arg_min(by[, x]): x in the row where by is least"),
    ]
  }()

  // MARK: - Collections

  private static func limit(_ b: AggregateBinding) throws -> Int {
    let limit = try b.integer(1, default: defaultLimit)
    guard limit > 0 else { throw ExpressionError.invalidArgument(function: b.name, message: "the maximum size must be positive, found \(limit)") }
    return min(limit, defaultLimit)
  }

  private static let collections: [AggregateSpec] = {
    let list = AggregateSpec("make_list", 1...2, aliases: ["makelist"], "make_list(x[, max]): the values as an array") { b in
      let type = b.type(0), limit = try limit(b)
      return BoundAggregate(type: .dynamic, evaluated: [0]) { ListAccumulator(type: type, keepsNulls: false, limit: limit) }
    }
    let set = AggregateSpec("make_set", 1...2, aliases: ["makeset"], "make_set(x[, max]): the distinct values as an array") { b in
      let type = b.type(0), limit = try limit(b)
      return BoundAggregate(type: .dynamic, evaluated: [0]) { SetAccumulator(type: type, limit: limit) }
    }
    let bag = AggregateSpec("make_bag", 1...2, aliases: ["make_dictionary"], "make_bag(b[, max]): the entries of all bags as one bag") { b in
      guard b.type(0) == .dynamic else { throw b.mismatch("dynamic") }
      let limit = try limit(b)
      return BoundAggregate(type: .dynamic, evaluated: [0]) { BagAccumulator(limit: limit) }
    }
    return [
      list, list.filtered("make_list_if", aliases: ["make_listif"], "make_list_if(x, p[, max]): make_list of x where p is true"),
      AggregateSpec("make_list_with_nulls", 1...1, "make_list_with_nulls(x): the values as an array, nulls included") { b in
        let type = b.type(0)
        return BoundAggregate(type: .dynamic, evaluated: [0]) { ListAccumulator(type: type, keepsNulls: true, limit: defaultLimit) }
      },
      set, set.filtered("make_set_if", aliases: ["make_setif"], "make_set_if(x, p[, max]): make_set of x where p is true"),
      AggregateSpec("buildschema", 1...1, "buildschema(d): the least schema that admits all dynamic values") { b in
        guard b.type(0) == .dynamic else { throw b.mismatch("dynamic") }
        return BoundAggregate(type: .dynamic, evaluated: [0]) { SchemaAccumulator() }
      },
      bag, bag.filtered("make_bag_if", aliases: ["make_bagif"], "make_bag_if(b, p[, max]): make_bag of b where p is true"),
    ]
  }()
}
