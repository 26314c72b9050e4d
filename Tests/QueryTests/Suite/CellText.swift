// Role: results as the lines of a case: a typed header, then one line per row with cells between ` | `.

import Columnar

enum CellText {
  /// `a:long, b:string` and the rows.
  static func lines(schema: StructType, rows: [[Scalar]]) -> [String] {
    [schema.description] + rows.map { row in row.map(text).joined(separator: " | ") }
  }

  /// A cell: `null`, the text `tostring` gives, JSON of a dynamic; strings that would be misread stand in quotes.
  static func text(_ scalar: Scalar) -> String {
    switch scalar {
    case .null: "null"
    case .dynamic(let value): quotedIfNeeded(value.json, isString: false)
    case .string(let text): quotedIfNeeded(text, isString: true)
    default: ScalarText.text(scalar) ?? ""
    }
  }

  private static func quotedIfNeeded(_ text: String, isString: Bool) -> String {
    let isPlain = !text.isEmpty && text != "null" && text.first != "'" && text != "----" && !text.hasPrefix("#")
      && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "|" && $0.value != 0x7F && $0.value != 0xA0 }
      && text.first != " " && text.last != " "
    if isPlain || !isString && !text.contains("|") { return text }
    var out = "'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'": out += "\\'"
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "|": out += "\\x7c"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7F || scalar.value == 0xA0 {
          let hex = String(scalar.value, radix: 16)
          out += "\\x" + (hex.utf8.count == 1 ? "0" : "") + hex
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "'"
  }

  /// The cells of a row line.
  static func split(_ line: String) -> [String] {
    line.split(separator: "|", omittingEmptySubsequences: false).map { cell in
      var cell = cell
      while cell.first == " " { cell.removeFirst() }
      while cell.last == " " { cell.removeLast() }
      return String(cell)
    }
  }

  /// The value a cell stands for; nil when it is none of the type.
  static func value(_ cell: String, _ type: DataType) -> Scalar? {
    if cell == "null" { return .null(type) }
    let text = cell.count > 1 && cell.first == "'" && cell.last == "'" ? unquoted(cell) : cell
    if type == .dynamic { return (try? DynamicValue(parsing: text)).map { .dynamic($0) } }
    return ScalarText.parse(text, as: type)
  }

  private static func unquoted(_ cell: String) -> String {
    var out = ""
    var rest = Array(cell.unicodeScalars.dropFirst().dropLast())[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\", let escaped = rest.popFirst() else {
        out.unicodeScalars.append(scalar)
        continue
      }
      switch escaped {
      case "n": out += "\n"
      case "r": out += "\r"
      case "t": out += "\t"
      case "x":
        let digits = String(String.UnicodeScalarView(rest.prefix(2)))
        rest = rest.dropFirst(2)
        out.unicodeScalars.append(UInt32(digits, radix: 16).flatMap(UnicodeScalar.init) ?? "?")
      default: out.unicodeScalars.append(escaped)
      }
    }
    return out
  }

  /// Equal values; reals, also within dynamics, may differ in the last digits, since sums depend on the order of their terms.
  static func agree(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a, b) {
    case (.real(let x), .real(let y)): close(x, y)
    case (.dynamic(let x), .dynamic(let y)): agree(x, y)
    case (.decimal(let x), .decimal(let y)): x.normalized == y.normalized
    default: a == b
    }
  }

  private static func close(_ x: Double, _ y: Double) -> Bool {
    x == y || x.isNaN && y.isNaN || abs(x - y) <= 1e-12 * max(abs(x), abs(y))
  }

  private static func agree(_ a: DynamicValue, _ b: DynamicValue) -> Bool {
    // What the text of a case cannot tell apart: a datetime and its text, a long and an equal real.
    switch (a, b) {
    case (.array(let x), .array(let y)): x.count == y.count && zip(x, y).allSatisfy { agree($0, $1) }
    case (.bag(let x), .bag(let y)): x.count == y.count && zip(x, y).allSatisfy { $0.key == $1.key && agree($0.value, $1.value) }
    case (.real(let x), .real(let y)): close(x, y)
    default: a == b || a.json == b.json
    }
  }
}
