// Role: values as people read them and as text formats write them; one place for `show`, the command line and messages.

package import Columnar

/// Text forms of values.
package enum ValueText {
  /// The plain text of a value as `tostring` gives it: numbers in shortest form, datetimes in ISO 8601, dynamic as JSON; `null` for nulls.
  package static func text(_ scalar: Scalar) -> String {
    if scalar.isNull { return "null" }
    if case .dynamic(let value) = scalar { return json(value) }
    return ScalarText.text(scalar) ?? ""
  }

  /// A dynamic value as JSON.
  package static func json(_ value: DynamicValue) -> String {
    var out = ""
    appendJSON(value, to: &out)
    return out
  }

  /// A value as a JSON token: numbers and booleans bare, everything else quoted. NaN and the infinities, which JSON lacks, are quoted too.
  package static func jsonToken(_ scalar: Scalar) -> String {
    switch scalar {
    case .null: return "null"
    case .bool, .int, .long, .decimal: return text(scalar)
    case .real(let value): return value.isFinite ? text(scalar) : "\"\(text(scalar))\""
    case .dynamic(let value): return json(value)
    default:
      var out = ""
      appendQuoted(text(scalar), to: &out)
      return out
    }
  }

  /// A text as a JSON string.
  package static func quoted(_ text: String) -> String {
    var out = ""
    appendQuoted(text, to: &out)
    return out
  }

  private static func appendJSON(_ value: DynamicValue, to out: inout String) {
    switch value {
    case .array(let items):
      out += "["
      for (i, item) in items.enumerated() {
        if i > 0 { out += "," }
        appendJSON(item, to: &out)
      }
      out += "]"
    case .bag(let entries):
      out += "{"
      for (i, entry) in entries.enumerated() {
        if i > 0 { out += "," }
        appendQuoted(entry.key, to: &out)
        out += ":"
        appendJSON(entry.value, to: &out)
      }
      out += "}"
    case .null: out += "null"
    default: out += jsonToken(value.unwrapped)
    }
  }

  private static func appendQuoted(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default:
        if scalar.value < 0x20 {
          out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    out += "\""
  }
}
