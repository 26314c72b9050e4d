// Role: scalars to KQL literals that give exactly the same value back.
// Source: Kusto "Scalar data types": the literal forms `type(text)`; dynamic literals are JSON with typed literals within.

import Columnar

enum KQLLiteral {
  /// The literal; nil where no literal has that value (a timespan beyond its text form).
  static func text(_ scalar: Scalar) -> String? {
    switch scalar {
    // Strings have no null in KQL.
    case .null(.string): return "''"
    case .null(let type): return "\(type)(null)"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return "int(\(value))"
    case .long(let value): return value < 0 ? "long(\(value))" : "\(value)"
    case .real(let value): return real(value)
    case .decimal(let value): return "decimal(\(ScalarText.text(.decimal(value)) ?? "null"))"
    case .string(let value): return KQLPrinter.quoted(string: value)
    case .datetime: return ScalarText.text(scalar).map { "datetime(\($0))" }
    case .timespan: return ScalarText.text(scalar).map { "timespan(\($0))" }
    case .guid(let value): return "guid(\(value))"
    case .dynamic(let value): return "dynamic(\(dynamic(value)))"
    }
  }

  private static func real(_ value: Double) -> String {
    if value.isNaN { return "real(nan)" }
    if value.isInfinite { return value < 0 ? "real(-inf)" : "real(+inf)" }
    let text = value.description
    return value.sign == .minus || text.contains("e") ? "real(\(text))" : text
  }

  private static func dynamic(_ value: DynamicValue) -> String {
    switch value {
    case .null: return "null"
    case .bool(let v): return v ? "true" : "false"
    case .long(let v): return "\(v)"
    case .real(let v): return v.isFinite ? v.description : real(v)
    case .string(let v): return DynamicValue.string(v).json
    case .decimal(let v): return text(.decimal(v)) ?? "null"
    case .datetime(let v): return text(.datetime(v)) ?? "null"
    case .timespan(let v): return text(.timespan(v)) ?? "null"
    case .guid(let v): return "guid(\(v))"
    case .array(let items): return "[" + items.map(dynamic).joined(separator: ",") + "]"
    case .bag(let entries): return "{" + entries.map { DynamicValue.string($0.key).json + ":" + dynamic($0.value) }.joined(separator: ",") + "}"
    }
  }
}
