// Literal values as the text states them.
// Numbers, strings, short timespans and dynamic values are decoded here; literals in a type's own notation
// (`datetime(2024-02-01)`, `guid(...)`) keep their text, which the binder converts with the engine's own parsers.

/// A real number that equals itself bit by bit, so that `real(nan)` equals `real(nan)`.
package struct RealValue: Hashable, Sendable {
  package var value: Double
  package static func == (a: RealValue, b: RealValue) -> Bool { a.value.bitPattern == b.value.bitPattern }
  package func hash(into hasher: inout Hasher) { hasher.combine(value.bitPattern) }
}

/// A scalar literal.
package enum Literal: Hashable, Sendable {
  /// `true`, `False`.
  case bool(Bool)
  /// `42`, `0x2A`.
  case long(Int64)
  /// `1.5`, `1e9`.
  case real(RealValue)
  /// `2.5h`, in ticks of 100 ns.
  case timespan(Int64)
  /// Any string form; adjacent literals are already joined. `isObfuscated` is set for `h"..."`.
  case string(String, isObfuscated: Bool)
  /// `type(text)` with the text between the parentheses, trimmed: `datetime(2024-02-01)`, `int(null)`, `decimal(1.25)`.
  case typed(ScalarTypeName, String)
  /// `dynamic(...)`.
  case dynamic(DynamicNode)
}

/// A value inside `dynamic(...)`: JSON, plus Kusto's scalar literals.
package indirect enum DynamicNode: Hashable, Sendable {
  case null
  case bool(Bool)
  case long(Int64)
  case real(RealValue)
  case string(String)
  case timespan(Int64)
  /// A literal in a type's own notation, such as `datetime(2024-02-01)`.
  case typed(ScalarTypeName, String)
  case array([DynamicNode])
  /// Members in the order written; a repeated key is kept, the last one wins when evaluated.
  case object([DynamicMember])
}

/// One `"key": value` of a dynamic object.
package struct DynamicMember: Hashable, Sendable {
  package var key: String
  package var value: DynamicNode
}
