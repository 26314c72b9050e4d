// Role: expressions as one line of KQL-like text, for explain and messages.

import Columnar
import Expressions

/// Prints expressions. For people; the KQL printer of the front end is the exact one.
enum ExprText {
  static func text(_ expr: Expr) -> String {
    switch expr {
    case .column(let name): return quotedName(name)
    case .literal(let scalar): return text(scalar)
    case .call(let name, let arguments):
      if arguments.count == 2, isInfix(name) { return "\(operand(arguments[0])) \(name) \(operand(arguments[1]))" }
      // What the user wrote is the argument.
      if name == FunctionName.text, let value = arguments.first { return text(value) }
      if name == FunctionName.negate, arguments.count == 1 { return "-\(operand(arguments[0]))" }
      if name == FunctionName.member, arguments.count == 2 { return "\(operand(arguments[0]))[\(text(arguments[1]))]" }
      if name == FunctionName.between || name == FunctionName.notBetween, arguments.count == 3 {
        return "\(operand(arguments[0])) \(name) (\(text(arguments[1])) .. \(text(arguments[2])))"
      }
      if [FunctionName.in, FunctionName.notIn, FunctionName.inTilde, FunctionName.notInTilde, FunctionName.hasAny, FunctionName.hasAll].contains(name),
        let first = arguments.first
      {
        return "\(operand(first)) \(name) (\(list(Array(arguments.dropFirst()))))"
      }
      return "\(name)(\(list(arguments)))"
    }
  }

  static func text(_ columns: [NamedExpr]) -> String {
    columns.map { column in
      if column.expr.passedColumn == column.name { return quotedName(column.name) }
      return "\(quotedName(column.name)) = \(text(column.expr))"
    }.joined(separator: ", ")
  }

  static func text(_ aggregates: [NamedAggregate]) -> String {
    aggregates.map { "\(quotedName($0.name)) = \($0.call.name)(\(list($0.call.arguments)))" }.joined(separator: ", ")
  }

  static func text(_ keys: [SortKey]) -> String {
    keys.map { "\(text($0.expr)) \($0.isDescending ? "desc" : "asc") nulls \($0.nullsFirst ? "first" : "last")" }.joined(separator: ", ")
  }

  private static func list(_ arguments: [Expr]) -> String {
    let shown = arguments.prefix(8).map { text($0) }.joined(separator: ", ")
    return arguments.count > 8 ? "\(shown), … (\(arguments.count))" : shown
  }

  private static func isInfix(_ name: String) -> Bool {
    switch name {
    case "and", "or", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "=~", "!~", "matches regex": true
    default: FunctionName.stringOperators.contains(name)
    }
  }

  private static func operand(_ expr: Expr) -> String {
    if case .call(let name, let arguments) = expr, arguments.count > 1, isInfix(name) || name.hasSuffix("between") { return "(\(text(expr)))" }
    return text(expr)
  }

  private static func text(_ scalar: Scalar) -> String {
    switch scalar {
    case .null(let type): return "\(type)(null)"
    case .bool(let v): return "\(v)"
    case .int(let v): return "int(\(v))"
    case .long(let v): return "\(v)"
    case .real(let v): return "real(\(v))"
    case .decimal(let v): return "decimal(\(v.coefficient)e\(-Int(v.scale)))"
    case .string(let v): return "'\(v.count > 80 ? v.prefix(80) + "…" : v[...])'"
    case .datetime(let v): return "datetime(\(TickText.datetime(v)))"
    case .timespan(let v): return "timespan(\(v) ticks)"
    case .guid(let v): return "guid(\(v))"
    case .dynamic: return "dynamic(…)"
    }
  }
}

/// Datetime ticks as ISO text.
enum TickText {
  static func datetime(_ ticks: Int64) -> String {
    let perDay: Int64 = 864_000_000_000
    var days = ticks / perDay, rest = ticks % perDay
    if rest < 0 { rest += perDay; days -= 1 }
    // Days to civil date, proleptic Gregorian calendar.
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let doe = z - era * 146_097
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
    let mp = (5 * doy + 2) / 153
    let day = doy - (153 * mp + 2) / 5 + 1
    let month = mp < 10 ? mp + 3 : mp - 9
    let year = yoe + era * 400 + (month <= 2 ? 1 : 0)
    let seconds = rest / 10_000_000
    var out = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))"
    if rest != 0 {
      out += "T\(pad(seconds / 3_600, 2)):\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2))"
      if rest % 10_000_000 != 0 { out += ".\(pad(rest % 10_000_000, 7))" }
    }
    return out
  }

  private static func pad(_ value: Int64, _ width: Int) -> String {
    let text = "\(value)"
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
