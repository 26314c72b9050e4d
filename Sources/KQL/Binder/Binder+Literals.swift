// Literal syntax to scalars, constants by folding, and lossless conversions between scalar types.

import Columnar
import Engine
import Expressions

extension Binder {
  func literal(_ literal: Literal, _ span: SourceSpan) throws(BindFailure) -> Scalar {
    switch literal {
    case .bool(let value): return .bool(value)
    case .long(let value): return .long(value)
    case .real(let value): return .real(value.value)
    case .timespan(let ticks): return .timespan(ticks)
    case .string(let value, _): return .string(value)
    case .typed(let name, let text): return try typed(DataType(name), text, span)
    case .dynamic(let node):
      let value = try dynamic(node, span)
      return value == .null ? .null(.dynamic) : .dynamic(value)
    }
  }

  /// `type(text)`: the text may be quoted; `null` is the null of the type. `datetime()` is now.
  private func typed(_ type: DataType, _ text: String, _ span: SourceSpan) throws(BindFailure) -> Scalar {
    let isMissing = text.isEmpty
    var text = text
    if text.count >= 2, let quote = text.first, quote == "'" || quote == "\"", text.last == quote { text = String(text.dropFirst().dropLast()) }
    switch (type, text) {
    case (.datetime, "") where isMissing, (.datetime, "now"):
      if case .datetime(let ticks)? = settings["query_now"] { return .datetime(ticks) }
      return .datetime(options.context.nowTicks)
    case (_, "null"), (.guid, ""), (.datetime, ""): return .null(type)
    case (.real, "nan"), (.real, "NaN"): return .real(.nan)
    case (.real, "+inf"), (.real, "inf"): return .real(.infinity)
    case (.real, "-inf"): return .real(-.infinity)
    case (.int, _) where text.hasPrefix("0x"), (.long, _) where text.hasPrefix("0x"):
      if let value = LiteralText.long(text) {
        if type == .long { return .long(value) }
        if let small = Int32(exactly: value) { return .int(small) }
      }
    case (.datetime, _) where text.contains(","):
      if let ticks = Self.ticks(parts: text) { return .datetime(ticks) }
    case (.datetime, _) where text.utf8.count == 4 && text.utf8.allSatisfy({ (0x30...0x39).contains($0) }):
      if let ticks = Self.ticks(parts: "\(text),1,1") { return .datetime(ticks) }
    case (.datetime, _) where text.contains("-") && !text.contains(":"):
      // Editors that format queries put spaces around the dashes: 2017 - 08 - 01.
      if let value = ScalarText.parse(text.filter { $0 != " " }, as: .datetime) { return value }
    case (.datetime, _) where text.contains(":") && text.allSatisfy({ $0.isNumber || $0 == ":" || $0 == "." }):
      // A time of day alone is that of today.
      let padded = text.prefix { $0 != ":" }.count == 1 ? "0" + text : text
      if case .timespan(let ticks)? = ScalarText.parse(padded, as: .timespan), (0..<CivilTime.ticksPerDay).contains(ticks) {
        return .datetime(Int64(CivilTime.day(ofTicks: options.context.nowTicks)) &* CivilTime.ticksPerDay &+ ticks)
      }
    case (.bool, "1"): return .bool(true)
    case (.bool, "0"): return .bool(false)
    case (.timespan, _):
      if let ticks = LiteralText.timespan(text) { return .timespan(ticks) }
      if text.hasPrefix("-"), let ticks = LiteralText.timespan(String(text.dropFirst())) { return .timespan(-ticks) }
    default: break
    }
    if let value = ScalarText.parse(text, as: type) { return value }
    try fail(.malformedLiteral, "'\(text.prefix(40))' is no \(type)", at: span, hint: Self.forms[type])
  }

  /// `datetime(2024, 2, 1)` and up to hour, minute and second behind.
  private static func ticks(parts text: String) -> Int64? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int(String($0.filter { $0 != " " })) }
    guard (3...6).contains(parts.count), !parts.contains(nil) else { return nil }
    let numbers = parts.compactMap(\.self) + [0, 0, 0]
    return CivilTime.ticks(year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4], second: numbers[5])
  }

  private static let forms: [DataType: String] = [
    .datetime: "write datetime(2024-02-01) or datetime(2024-02-01 10:30:00.123)", .timespan: "write timespan(1.02:03:04) or 1d",
    .guid: "write guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", .bool: "write bool(true) or bool(false)",
  ]

  private func dynamic(_ node: DynamicNode, _ span: SourceSpan) throws(BindFailure) -> DynamicValue {
    switch node {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .long(let value): return .long(value)
    case .real(let value): return .real(value.value)
    case .string(let value): return .string(value)
    case .timespan(let ticks): return .timespan(ticks)
    case .typed(let name, let text): return Self.dynamicValue(try typed(DataType(name), text, span)) ?? .null
    case .array(let items):
      var values: [DynamicValue] = []
      values.reserveCapacity(items.count)
      for item in items { values.append(try dynamic(item, span)) }
      return .array(values)
    case .object(let members):
      var entries: [DynamicEntry] = []
      var places: [TextKey: Int] = [:]
      for member in members {
        let value = try dynamic(member.value, span)
        let key = TextKey(member.key)
        if let i = places[key] {
          entries[i].value = value
        } else {
          places[key] = entries.count
          entries.append(DynamicEntry(member.key, value))
        }
      }
      return .bag(entries)
    }
  }

  /// A scalar inside a dynamic value.
  static func dynamicValue(_ scalar: Scalar) -> DynamicValue? {
    switch scalar {
    case .null: .null
    case .bool(let v): .bool(v)
    case .int(let v): .long(Int64(v))
    case .long(let v): .long(v)
    case .real(let v): .real(v)
    case .decimal(let v): .decimal(v)
    case .string(let v): .string(v)
    case .datetime(let v): .datetime(v)
    case .timespan(let v): .timespan(v)
    case .guid(let v): .guid(v)
    case .dynamic(let v): v
    }
  }

  /// The value of an expression that reads no columns.
  func constant(_ expression: Expression) throws(BindFailure) -> Scalar {
    if case .literal(let value) = expression.kind { return try literal(value, expression.span) }
    let bound = try scalar(expression, .none)
    if case .literal(let value) = bound.expr { return value }
    guard bound.expr.columns.isEmpty else {
      try fail(.constantExpected, "a constant is needed here", at: expression.span)
    }
    _ = try type(of: bound, .none, expression)
    do {
      let compiled = try CompiledExpr(bound.expr, schema: StructType(), context: options.context)
      return try compiled.evaluate(RecordBatch(schema: StructType(), columns: [], rowCount: 1)).scalar(0)
    } catch {
      try report(error, expression)
    }
  }

  /// A constant whole number of rows.
  func rowCount(_ expression: Expression, _ what: String) throws(BindFailure) -> Int {
    guard let value = try constant(expression).int64Value, let count = Int(exactly: value), count >= 0 else {
      try fail(.valueNotAllowed, "\(what) takes a whole number of at least 0", at: expression.span)
    }
    return count
  }

  /// A value as another type where nothing is lost; nil otherwise. Nulls take any type.
  static func convert(_ value: Scalar, to type: DataType) -> Scalar? {
    if value.type == type { return value }
    switch (value, type) {
    case (.null, _): return .null(type)
    case (.int(let v), .long): return .long(Int64(v))
    case (.long(let v), .int): return Int32(exactly: v).map { .int($0) }
    case (.int(let v), .real): return .real(Double(v))
    case (.long(let v), .real): return .real(Double(v))
    case (.int(let v), .decimal): return .decimal(DecimalValue(Int128(v)))
    case (.long(let v), .decimal): return .decimal(DecimalValue(Int128(v)))
    case (.decimal(let v), .real): return .real(v.doubleValue)
    case (.real(let v), .decimal): return ScalarText.parse("\(v)", as: .decimal)
    case (.real(let v), .long): return Int64(exactly: v).map { .long($0) }
    case (.real(let v), .int): return Int32(exactly: v).map { .int($0) }
    case (.long(let v), .bool): return .bool(v != 0)
    case (.dynamic(.null), _): return .null(type)
    case (let v, .dynamic): return dynamicValue(v).map { .dynamic($0) }
    case (.string(let text), .datetime), (.string(let text), .timespan), (.string(let text), .guid): return ScalarText.parse(text, as: type)
    default: return nil
    }
  }
}
