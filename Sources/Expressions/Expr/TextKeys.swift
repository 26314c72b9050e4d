// Role: strings as KQL tells them apart. Files and DataFrames keep a null string from ''; KQL knows only ''. Its keys (groups, joins, orders) are
// therefore wrapped in `FunctionName.text`, and predicates that move below such a key lose the wrapping where it changes nothing.

import Columnar

extension Expr {
  /// The string with '' for null. Constants and what is wrapped already stay as they are.
  package static func text(_ expr: Expr) -> Expr {
    switch expr {
    case .literal(.null(.string)): .literal(.string(""))
    case .literal, .call(FunctionName.text, _): expr
    default: .call(FunctionName.text, [expr])
    }
  }

  /// The column that the expression passes on, up to null strings; nil for computed values.
  package var passedColumn: String? {
    switch self {
    case .column(let name): name
    case .call(FunctionName.text, let arguments): if case .column(let name)? = arguments.first { name } else { nil }
    default: nil
    }
  }

  /// The expression without `FunctionName.text` below functions that see '' in a null string anyway, so that sources understand it.
  package var withoutText: Expr {
    guard case .call(let name, let arguments) = self else { return self }
    let inner = arguments.map(\.withoutText)
    guard Self.seesEmptyText(name) else { return .call(name, inner) }
    return .call(name, inner.map { if case .call(FunctionName.text, let wrapped) = $0, let value = wrapped.first { value } else { $0 } })
  }

  /// True when the expression tells a null string of these columns from ''.
  package func tellsNullTexts(of columns: Set<String>) -> Bool {
    replacingColumns { columns.contains($0) ? .call(FunctionName.text, [.column($0)]) : nil }.withoutText.callsText
  }

  /// The expression with every `FunctionName.text` replaced by its argument: for languages that know no null string.
  package var strippingText: Expr {
    guard case .call(let name, let arguments) = self else { return self }
    if name == FunctionName.text, let value = arguments.first { return value.strippingText }
    return .call(name, arguments.map(\.strippingText))
  }

  private var callsText: Bool {
    guard case .call(let name, let arguments) = self else { return false }
    return name == FunctionName.text || arguments.contains(where: \.callsText)
  }

  private static func seesEmptyText(_ function: String) -> Bool { emptyTextFunctions.contains(function) || FunctionName.stringOperators.contains(function) }

  private static let emptyTextFunctions: Set<String> = [
    FunctionName.equal, FunctionName.notEqual, FunctionName.less, FunctionName.lessOrEqual, FunctionName.greater, FunctionName.greaterOrEqual,
    FunctionName.equalTilde, FunctionName.notEqualTilde, FunctionName.in, FunctionName.notIn, FunctionName.inTilde, FunctionName.notInTilde,
    FunctionName.between, FunctionName.notBetween, FunctionName.matchesRegex, FunctionName.hasAny, FunctionName.hasAll, "isempty", "isnotempty",
    "notempty", "isnull", "isnotnull", "notnull", "strlen", "tolower", "toupper",
  ]
}
