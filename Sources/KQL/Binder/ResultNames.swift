// The names Kusto gives to columns whose expression has none: `sum_x`, `count_`, `Column1`, `a_b` for the path a.b.
// Source: the result-name kinds of Kusto's published function and aggregate declarations.

/// How a function call names its column.
private enum NameKind {
  /// The name of the first argument.
  case firstArgument
  /// The name of the only argument; none when there are more.
  case onlyArgument
  /// A prefix, `_`, and the name of the first argument.
  case prefix(String)
  /// A prefix and the names of the first two arguments, all joined with `_`.
  case prefixOfTwo(String)
  /// A fixed name.
  case fixed(String)
  /// The first argument is the name of a column, as text.
  case quotedColumn
}

enum ResultNames {
  /// The name of an unnamed expression's column, or nil when it gets a numbered one.
  static func name(of expression: Expression) -> String? {
    switch expression.kind {
    case .name(let name): return name
    case .path(let left, let part):
      if case .name(let side) = left.kind, side == "$left" || side == "$right" { return part.text }
      return joined(name(of: left), part.text)
    case .element(let left, let index):
      switch index.kind {
      case .literal(.string(let key, _)): return joined(name(of: left), key)
      case .literal(.long(let i)): return joined(name(of: left), String(i))
      default: return name(of: left)
      }
    case .call(let call): return name(of: call)
    default: return nil
    }
  }

  private static func joined(_ left: String?, _ right: String) -> String { left.map { "\($0)_\(right)" } ?? right }

  private static func name(of call: FunctionCall) -> String? {
    if isScalarToo(call.name.text), call.arguments.count > 1 { return call.name.text == "hll_merge" ? "hll_merged_result" : "tdigests_merge_result" }
    guard let kind = kinds[call.name.text] else { return nil }
    let first = call.arguments.first
    switch kind {
    case .firstArgument: return first.flatMap { name(of: $0.value) }
    case .onlyArgument: return call.arguments.count == 1 ? first.flatMap { name(of: $0.value) } : nil
    case .prefix(let prefix): return prefix + "_" + (first.flatMap { name(of: $0.value) } ?? "")
    case .prefixOfTwo(let prefix): return ([prefix] + call.arguments.prefix(2).map { name(of: $0.value) ?? "" }).joined(separator: "_")
    case .fixed(let name): return name
    case .quotedColumn:
      if case .literal(.string(let name, _))? = first?.value.kind { return name }
      return nil
    }
  }

  private static let kinds: [String: NameKind] = {
    var kinds: [String: NameKind] = [:]
    for name in firstArgument { kinds[name] = .firstArgument }
    for name in ["strlen", "string_size", "percentile_tdigest", "dcount_hll"] { kinds[name] = .prefix(name) }
    for (name, prefix) in aggregatePrefixes { kinds[name] = prefix.isEmpty ? .firstArgument : .prefix(prefix) }
    for name in ["covariance", "covarianceif", "covariancep", "covariancepif"] { kinds[name] = .prefixOfTwo(name) }
    kinds["gettype"] = .prefix("type")
    kinds["treepath"] = .prefix("tree")
    kinds["repeat"] = .prefix("repeat")
    kinds["percentiles_array_tdigest"] = .prefix("percentile_tdigest")
    kinds["ingestion_time"] = .fixed("$IngestionTime")
    kinds["make_datetime"] = .onlyArgument
    kinds["make_timespan"] = .onlyArgument
    kinds["column_ifexists"] = .quotedColumn
    kinds["columnifexists"] = .quotedColumn
    return kinds
  }()

  private static let firstArgument = [
    "split", "tostring", "tohex", "todynamic", "toobject", "tolong", "toint", "toreal", "todouble", "todatetime", "totimespan", "totime",
    "tobool", "toboolean", "todecimal", "toguid", "parse_csv", "parsejson", "parse_json", "parse_xml", "format_datetime", "format_timespan",
    "startofday", "bin", "floor", "bin_at", "bin_auto", "binary_and", "binary_or", "binary_xor", "binary_not", "binary_shift_right",
    "binary_shift_left", "bitset_count_ones", "series_fir", "series_outliers", "series_iir", "series_fill_backward", "series_fill_forward",
    "series_fill_const", "series_fill_linear", "round", "ceiling", "pow", "sqrt", "log", "log2", "log10", "exp", "exp2", "exp10", "cos", "sin",
    "tan", "acos", "asin", "atan", "atan2", "abs", "rand", "gamma", "loggamma", "erf", "erfc", "format_bytes",
  ]

  // MARK: Aggregates

  /// Aggregation functions and the prefix of their column names; an empty prefix stands for the argument's name alone.
  private static let aggregatePrefixes: [String: String] = [
    "sum": "sum", "sumif": "sumif", "cnt": "cnt", "count": "count", "countif": "countif", "dcount": "dcount", "dcountif": "dcountif",
    "tdigest": "tdigest", "tdigest_merge": "merge_tdigests", "merge_tdigest": "merge_tdigests", "merge_tdigests": "merge_tdigests", "hll": "hll", "hll_if": "hll_if",
    "hll_merge": "hll_merge", "min": "min", "minif": "minif", "max": "max", "maxif": "maxif", "avg": "avg", "avgif": "avgif",
    "makelist": "list", "make_list": "list", "make_list_if": "list", "make_list_with_nulls": "list", "makeset": "set", "make_set": "set",
    "make_set_if": "set", "make_dictionary": "dictionary", "make_bag": "bag", "makebag": "bag", "make_bag_if": "bag", "buildschema": "schema",
    "binary_all_or": "", "binary_all_and": "", "binary_all_xor": "", "count_distinct": "count_distinct", "count_distinctif": "count_distinctif",
    "stdev": "stdev", "stdevif": "stdevif", "stdevp": "stdevp", "stdevpif": "stdevpif", "variance": "variance", "varianceif": "varianceif",
    "variancep": "variancep", "variancepif": "variancepif", "covariance": "covariance", "covarianceif": "covarianceif",
    "covariancep": "covariancep", "covariancepif": "covariancepif", "any": "any", "anyif": "anyif", "take_anyif": "", "take_any": "",
    "percentile": "percentile", "percentilew": "percentile", "percentiles_array": "percentiles", "percentilesw_array": "percentile",
    "percentilew_array": "percentile",
  ]

  /// Aggregation functions with several result columns, which name them themselves.
  private static let multiple: Set<String> = ["arg_max", "arg_min", "argmax", "argmin", "percentiles", "percentilesw"]

  /// Older names and what they are called today.
  static let aggregateAliases: [String: String] = [
    "makelist": "make_list", "makeset": "make_set", "any": "take_any", "anyif": "take_anyif", "argmax": "arg_max", "argmin": "arg_min",
    "cnt": "count", "make_dictionary": "make_bag", "makebag": "make_bag", "merge_tdigest": "tdigest_merge", "merge_tdigests": "tdigest_merge",
    "percentilew_array": "percentilesw_array",
  ]

  /// Whether the language has an aggregation function of this name.
  static func isAggregate(_ name: String) -> Bool { aggregatePrefixes[name] != nil || multiple.contains(name) }

  /// Aggregation functions whose name is a scalar function too.
  static func isScalarToo(_ name: String) -> Bool { ["hll_merge", "tdigest_merge", "merge_tdigest", "merge_tdigests"].contains(name) }

  /// All aggregation functions by the names of today, for suggestions.
  static var aggregates: [String] { aggregatePrefixes.keys.filter { aggregateAliases[$0] == nil } + Array(multiple) }

  /// A number as part of a column name: `99.9` becomes `99_9`.
  static func fragment(_ value: String) -> String {
    String(value.map { $0.isLetter || $0.isNumber || $0 == "_" ? $0 : "_" })
  }
}
