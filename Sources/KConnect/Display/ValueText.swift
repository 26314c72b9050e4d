// Role: values as people read them and as text formats write them; one place for `show`, the command line and messages.

package import Columnar

/// Text forms of values.
package enum ValueText {
  /// The plain text of a value as `tostring` gives it: numbers in shortest form, datetimes in ISO 8601, dynamic as JSON; `null` for nulls.
  package static func text(_ scalar: Scalar) -> String {
    if scalar.isNull { return "null" }
    if case .dynamic(let value) = scalar { return value.json }
    return ScalarText.text(scalar) ?? ""
  }

  /// A text as a JSON string.
  package static func quoted(_ text: String) -> String { DynamicValue.string(text).json }
}
