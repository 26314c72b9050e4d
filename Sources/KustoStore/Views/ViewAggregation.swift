// Role: the aggregation of a view's query, taken apart so that it can go on from what was aggregated before: states that can be stored, their
// merge with those of newer rows, and the results they stand for.
// Source: Kusto reference, "Materialized views": a view is its materialized part, combined with the rows that came later.

import Columnar
import Engine
import Expressions

/// A query that ends in an aggregation, perhaps with projections and filters behind it.
struct ViewAggregation {
  private let keys: [NamedExpr]
  private let outputs: [Output]
  /// The distinct states that the outputs are worked out from.
  private var states: [State] = []
  private let input: LogicalPlan
  private let whole: LogicalPlan
  /// What stands above the aggregation, outermost first.
  private let above: [LogicalPlan]

  /// One stored column: what makes it of rows, and what makes one of two.
  private struct State {
    var call: AggregateCall
    var merge: (Expr) -> AggregateCall
    /// The output that it was first made for, by which it is known in the stored table.
    var label: String
  }

  private struct Output {
    var name: String
    var type: DataType
    var value: Expr
  }

  /// Nil, with the aggregate's name, where an aggregate has no state that can be stored.
  static func of(_ plan: LogicalPlan) -> (aggregation: ViewAggregation?, obstacle: String?) {
    var node = plan
    var above: [LogicalPlan] = []
    while true {
      switch node.node {
      case .project(_, let input), .filter(_, let input):
        above.append(node)
        node = input
      case .distinct(let input):
        return (ViewAggregation(keys: input.schema.names.map { NamedExpr($0, .column($0)) }, input: input, whole: node, above: above), nil)
      case .aggregate(let keys, let aggregates, let input):
        var out = ViewAggregation(keys: keys, input: input, whole: node, above: above)
        var outputs: [Output] = []
        for (i, aggregate) in aggregates.enumerated() {
          let type = node.schema[keys.count + i].type
          guard let value = out.value(of: aggregate.call, type, label: aggregate.name) else { return (nil, aggregate.call.name) }
          outputs.append(Output(name: aggregate.name, type: type, value: value))
        }
        return (ViewAggregation(out, outputs), nil)
      default: return (nil, "the last operator")
      }
    }
  }

  private init(keys: [NamedExpr], input: LogicalPlan, whole: LogicalPlan, above: [LogicalPlan]) {
    self.keys = keys
    self.input = input
    self.whole = whole
    self.above = above
    outputs = []
  }

  private init(_ other: ViewAggregation, _ outputs: [Output]) {
    keys = other.keys
    input = other.input
    whole = other.whole
    above = other.above
    states = other.states
    self.outputs = outputs
  }

  // MARK: States

  private mutating func state(_ call: AggregateCall, _ label: String, merge: @escaping (Expr) -> AggregateCall) -> Expr {
    let i = states.firstIndex { $0.call == call } ?? states.count
    if i == states.count { states.append(State(call: call, merge: merge, label: "\(label)#\(states.filter { $0.label.hasPrefix(label + "#") }.count)")) }
    return .column("s\(i)")
  }

  /// The value of an aggregate from its states, which are added; nil when it has none that can be stored.
  private mutating func value(of call: AggregateCall, _ type: DataType, label: String) -> Expr? {
    let arguments = call.arguments
    func again(_ name: String, _ more: [Expr] = []) -> (Expr) -> AggregateCall { { AggregateCall(name, [$0] + more) } }
    switch call.name {
    case "count", "countif", "sum", "sumif": return state(call, label, merge: again("sum"))
    case "min", "minif": return state(call, label, merge: again("min"))
    case "max", "maxif": return state(call, label, merge: again("max"))
    case "binary_all_and", "binary_all_or", "binary_all_xor", "take_any_row": return state(call, label, merge: again(call.name))
    case "take_any", "take_anyif": return state(call, label, merge: again("take_any"))
    case "hll", "hll_if", "hll_merge": return state(call, label, merge: again("hll_merge"))
    case "dcount": return .call("dcount_hll", [state(AggregateCall("hll", arguments), label, merge: again("hll_merge"))])
    case "dcountif": return .call("dcount_hll", [state(AggregateCall("hll_if", arguments), label, merge: again("hll_merge"))])
    case "tdigest", "tdigest_merge": return state(call, label, merge: again("tdigest_merge"))
    case "percentile" where type.isNumeric && arguments.count == 2:
      let digest = state(AggregateCall("tdigest", [arguments[0]]), label, merge: again("tdigest_merge"))
      return .call("percentile_tdigest", [digest, arguments[1]])
    case "make_set", "make_list", "make_bag": return state(call, label, merge: again(call.name, Array(arguments.dropFirst())))
    case "make_set_if", "make_list_if", "make_bag_if": return state(call, label, merge: again(String(call.name.dropLast(3)), Array(arguments.dropFirst(2))))
    case "avg", "avgif":
      guard type == .real || type == .decimal || type == .timespan, let value = arguments.first else { return nil }
      let condition = Expr.call("isnotnull", [value])
      let counted = arguments.count > 1 ? Expr.call(FunctionName.and, [condition, arguments[1]]) : condition
      let sum = state(AggregateCall(call.name == "avg" ? "sum" : "sumif", arguments), label, merge: again("sum"))
      let count = state(AggregateCall("countif", [counted]), label, merge: again("sum"))
      switch type {
      case .real: return .call(FunctionName.divide, [.call("toreal", [sum]), .call("toreal", [count])])
      case .decimal: return .call(FunctionName.divide, [sum, .call("todecimal", [count])])
      default: return .call(FunctionName.divide, [sum, count])
      }
    case "arg_max", "arg_min":
      guard let by = arguments.first else { return nil }
      let extreme = state(AggregateCall(call.name, [by]), label, merge: again(call.name))
      if arguments.count == 1 { return extreme }
      let name = call.name
      return state(call, label) { AggregateCall(name, [extreme, $0]) }
    default: return nil
    }
  }

  // MARK: Plans

  /// The states of the rows, one row per group: keys `k0`, `k1`, …, states `s0`, `s1`, ….
  func partial() throws -> LogicalPlan {
    try input.aggregate(
      keys: keys.enumerated().map { NamedExpr("k\($0)", $1.expr) }, aggregates: states.enumerated().map { NamedAggregate("s\($0)", $1.call) })
  }

  /// The states of the rows and of those aggregated before, in the form of `partial`.
  func combined(with stored: LogicalPlan) throws -> LogicalPlan {
    let merged = try LogicalPlan.union([partial(), stored]).aggregate(
      keys: keys.indices.map { NamedExpr("k\($0)", .column("k\($0)")) },
      aggregates: states.enumerated().map { NamedAggregate("m\($0)", $1.merge(.column("s\($0)"))) })
    return try merged.project(
      keys.indices.map { NamedExpr("k\($0)", .column("k\($0)")) } + states.indices.map { NamedExpr("s\($0)", .column("m\($0)")) })
  }

  /// The result of the whole query for the rows and for those aggregated before.
  func result(with stored: LogicalPlan) throws -> LogicalPlan {
    let states = try combined(with: stored)
    let columns = keys.enumerated().map { NamedExpr($1.name, .column("k\($0)")) } + outputs.map { NamedExpr($0.name, $0.value) }
    var plan = try states.project(columns)
    if plan.schema.fields.map(\.type) != whole.schema.fields.map(\.type) {
      plan = try plan.project(plan.schema.fields.enumerated().map { i, field in
        let wanted = whole.schema[i].type
        return NamedExpr(field.name, field.type == wanted ? .column(field.name) : .call("to\(wanted)", [.column(field.name)]))
      })
    }
    return above.reversed().reduce(plan) { $1.withInputs([$0]) }
  }

  // MARK: The stored table

  /// What each column of `partial` is known by: the key's name, or the output's and a number.
  private var labels: [String] { keys.map { "key " + $0.name } + states.map { $0.label } }

  /// The columns of the stored table; their docstrings say what they are.
  func description(_ name: String) throws -> TableDescription {
    let schema = try partial().schema
    return TableDescription(name, schema: schema, columnDocstrings: Dictionary(zip(schema.names, labels)) { a, _ in a })
  }

  /// The rows of a stored table in the form of `partial`: columns go by what they are known by, new ones are null, results that are in the query no
  /// more are left out. Nil when it has other groups, or columns of other types.
  func arranged(_ stored: LogicalPlan, _ description: TableDescription) throws -> LogicalPlan? {
    let schema = try partial().schema
    var columnOf: [String: String] = [:]
    for field in description.schema.fields { columnOf[description.columnDocstrings[field.name] ?? ""] = field.name }
    func groups(_ labels: some Sequence<String>) -> Set<String> { Set(labels.filter { $0.hasPrefix("key ") }) }
    guard groups(columnOf.keys) == groups(labels) else { return nil }
    var columns: [NamedExpr] = []
    for (field, label) in zip(schema.fields, labels) {
      guard let name = columnOf[label] else {
        columns.append(NamedExpr(field.name, .literal(.null(field.type))))
        continue
      }
      guard description.schema.field(name)?.type == field.type else { return nil }
      columns.append(NamedExpr(field.name, .column(name)))
    }
    return try stored.project(columns)
  }

  /// Whether a stored table has exactly these columns.
  func fits(_ description: TableDescription) throws -> Bool {
    let schema = try partial().schema
    return description.schema.names == schema.names && schema.names.map { description.columnDocstrings[$0] ?? "" } == labels
  }
}
