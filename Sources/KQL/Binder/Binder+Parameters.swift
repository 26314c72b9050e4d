// Values of query parameters that come as texts.

import Columnar

extension Binder {
  /// The value of a text as `type`: a constant in KQL (`long(1)`, `'a'`, `-1`), or the bare form of the value; nil when it is neither.
  func parameterValue(_ text: String, as type: DataType) -> Scalar? {
    let trimmed = text.drop { $0.isWhitespace }
    let isQuoted = ["'", "\"", "@'", "@\"", "h'", "h\"", "```"].contains { trimmed.hasPrefix($0) }
    if type != .string || isQuoted {
      let parsed = KQLParser.parseExpression(text)
      if !parsed.diagnostics.contains(where: { $0.severity == .error }), let expression = parsed.expression,
        let value = try? Binder(catalog: PlanCatalog(), options: options).constant(expression), let converted = Self.convert(value, to: type)
      {
        return converted
      }
    }
    switch type {
    case .string: return .string(text)
    case .dynamic: return (try? DynamicValue(parsing: text)).map { .dynamic($0) }
    default: return ScalarText.parse(text, as: type)
    }
  }

  /// The value of an option that is a literal: requests write it as a text, such as `1h` or `datetime(2024-01-31)`.
  func literal(_ value: Scalar) -> Scalar {
    guard case .string(let text) = value else { return value }
    var plain = options
    plain.settings = [:]
    let parsed = KQLParser.parseExpression(text)
    if !parsed.diagnostics.contains(where: { $0.severity == .error }), let expression = parsed.expression,
      let constant = try? Binder(catalog: PlanCatalog(), options: plain).constant(expression)
    {
      return constant
    }
    return ScalarText.parse(text, as: .timespan) ?? ScalarText.parse(text, as: .datetime) ?? value
  }
}
