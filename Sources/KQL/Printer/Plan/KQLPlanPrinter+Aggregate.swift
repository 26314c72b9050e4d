// Role: aggregates to `summarize`. Calls that must speak of one row (`arg_max(x, a)` and `arg_max(x, b)`) are put into one call of several columns.

import Columnar
import Engine
import Expressions

extension KQLPlanPrinter {
  mutating func aggregate(_ keys: [NamedExpr], _ aggregates: [NamedAggregate], _ input: LogicalPlan) -> PrintedPlan? {
    guard input.schema.count > 0, let printed = node(input) else { return nil }
    var order: [String] = []
    var by: [String] = []
    for key in keys {
      guard let text = expression(key.expr) else { return nil }
      by.append(key.expr == .column(key.name) ? text : "\(name(key.name)) = \(text)")
      order.append(name(key.name))
    }
    let wanted = order + columnNames(aggregates)
    var items: [String] = []
    var grouped: Set<AggregateCall> = []
    for aggregate in aggregates {
      guard let group = Group(aggregate.call) else {
        guard let text = call(aggregate.call) else { return nil }
        items.append("\(name(aggregate.name)) = \(text)")
        order.append(name(aggregate.name))
        continue
      }
      guard grouped.insert(group.key).inserted else { continue }
      let members = aggregates.filter { Group($0.call)?.key == group.key }
      guard let (text, names) = self.group(group, members) else { return nil }
      items.append(text)
      order += names
    }
    let list = items.isEmpty ? "" : items.joined(separator: ", ") + (by.isEmpty ? "" : " ")
    let out = printed.with("summarize \(list)\(by.isEmpty ? "" : "by " + by.joined(separator: ", "))")
    return order == wanted ? out : out.with("project \(wanted.joined(separator: ", "))")
  }

  private mutating func columnNames(_ aggregates: [NamedAggregate]) -> [String] {
    var out: [String] = []
    for aggregate in aggregates { out.append(name(aggregate.name)) }
    return out
  }

  /// What calls have in common that share a row.
  private struct Group {
    /// `arg_max`, `arg_min`, `take_any`.
    var function: String
    var extreme: Expr?
    var key: AggregateCall { AggregateCall(function, extreme.map { [$0] } ?? []) }

    init?(_ call: AggregateCall) {
      switch call.name {
      case "arg_max", "arg_min": (function, extreme) = (call.name, call.arguments[0])
      case "take_any_row": (function, extreme) = ("take_any", nil)
      default: return nil
      }
    }
  }

  /// `(m, a, b) = arg_max(x, p, q)` and its column names.
  private mutating func group(_ group: Group, _ members: [NamedAggregate]) -> (text: String, names: [String])? {
    var arguments: [String] = []
    var names: [String] = []
    if let extreme = group.extreme {
      guard let text = expression(extreme) else { return nil }
      arguments.append(text)
      // The extreme itself comes out first; without a column of its own it gets a helper that the projection drops.
      let own = members.first { $0.call.arguments.count == 1 }
      names.append(own.map { name($0.name) } ?? helperName())
      // A second column of the same extreme would have no place.
      if members.filter({ $0.call.arguments.count == 1 }).count > 1 { return nil }
    }
    for member in members where group.extreme == nil || member.call.arguments.count > 1 {
      guard let value = member.call.arguments.last, let text = expression(value) else { return nil }
      arguments.append(text)
      names.append(name(member.name))
    }
    let target = names.count == 1 ? names[0] : "(\(names.joined(separator: ", ")))"
    return ("\(target) = \(group.function)(\(arguments.joined(separator: ", ")))", names)
  }

  private mutating func call(_ call: AggregateCall) -> String? {
    guard ResultNames.isAggregate(call.name) else { return nil }
    var arguments: [String] = []
    for argument in call.arguments {
      guard let text = expression(argument) else { return nil }
      arguments.append(text)
    }
    return "\(call.name)(\(arguments.joined(separator: ", ")))"
  }
}
