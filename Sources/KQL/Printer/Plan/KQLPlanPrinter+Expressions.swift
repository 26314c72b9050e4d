// Role: scalar expressions to KQL. Every operator stands in parentheses; what is called is a function of the language whose answer is the same everywhere.

import Columnar
import Expressions

extension KQLPlanPrinter {
  /// Functions whose answer depends on the place, the moment or the order of rows.
  private static let localFunctions: Set<String> = [
    "rand", "new_guid", "current_database", "current_cluster_endpoint", "current_principal", "current_principal_details", "current_node_id",
    "current_principal_is_member_of", "current_cursor", "cursor_current", "cursor_after", "cursor_before_or_at", "prev", "next", "row_number",
    "row_cumsum", "row_rank", "row_rank_dense", "row_rank_min", "row_window_session", "extent_id", "extentid", "extent_tags", "ingestion_time",
    "datetime_list_timezones", "geo_info_from_ip_address", "assert", "estimate_data_size",
  ]

  private static let infixOperators: Set<String> = [
    FunctionName.equal, FunctionName.notEqual, FunctionName.less, FunctionName.lessOrEqual, FunctionName.greater, FunctionName.greaterOrEqual,
    FunctionName.add, FunctionName.subtract, FunctionName.multiply, FunctionName.divide, FunctionName.modulo, FunctionName.equalTilde,
    FunctionName.notEqualTilde, FunctionName.matchesRegex,
  ]

  /// Functions that the evaluator handles itself.
  private static let controlFlow: Set<String> = ["iff", "iif", "case", "coalesce", FunctionName.not]

  /// The text; nil when KQL has no equal expression.
  mutating func expression(_ expr: Expr) -> String? {
    switch expr {
    case .column(let column): return name(column)
    case .literal(let scalar): return KQLLiteral.text(scalar)
    case .call(let function, let arguments): return call(function, arguments)
    }
  }

  private mutating func call(_ function: String, _ arguments: [Expr]) -> String? {
    if function == "now", let text = now(arguments) { return text }
    if function == "ago", arguments.count == 1, let text = expression(arguments[0]), let now = KQLLiteral.text(.datetime(nowTicks)) { return "(\(now) - \(text))" }
    var texts: [String] = []
    for argument in arguments {
      guard let text = expression(argument) else { return nil }
      texts.append(text)
    }
    switch function {
    case FunctionName.and, FunctionName.or:
      return texts.count == 1 ? texts[0] : "(\(texts.joined(separator: " \(function) ")))"
    case FunctionName.negate: return texts.count == 1 ? "(-\(texts[0]))" : nil
    case FunctionName.member:
      guard texts.count == 2, case .column? = arguments.first else { return texts.count == 2 ? "(\(texts[0]))[\(texts[1])]" : nil }
      return "\(texts[0])[\(texts[1])]"
    case FunctionName.between, FunctionName.notBetween:
      return texts.count == 3 ? "(\(texts[0]) \(function) (\(texts[1]) .. \(texts[2])))" : nil
    case FunctionName.in, FunctionName.notIn, FunctionName.inTilde, FunctionName.notInTilde, FunctionName.hasAny, FunctionName.hasAll:
      guard let value = texts.first, texts.count > 1 else { return nil }
      return "(\(value) \(function) (\(texts.dropFirst().joined(separator: ", "))))"
    case _ where Self.infixOperators.contains(function) || FunctionName.stringOperators.contains(function):
      return texts.count == 2 ? "(\(texts[0]) \(function) \(texts[1]))" : nil
    default:
      guard Self.isPortable(function) else { return nil }
      return "\(function)(\(texts.joined(separator: ", ")))"
    }
  }

  private mutating func now(_ arguments: [Expr]) -> String? {
    guard let now = KQLLiteral.text(.datetime(nowTicks)) else { return nil }
    guard let offset = arguments.first else { return now }
    return expression(offset).map { "(\(now) + \($0))" }
  }

  /// Whether a function of that name is Kusto's own and answers alike everywhere.
  private static func isPortable(_ function: String) -> Bool {
    if localFunctions.contains(function) { return false }
    if controlFlow.contains(function) { return true }
    // The registry tells a function of the language, which it may lack, from a name nobody knows.
    guard case .notSupported = FunctionRegistry.missing(function) else { return false }
    return true
  }
}
