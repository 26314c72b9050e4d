// Syntax tree to text: one line per operator, parentheses only where precedence needs them.
// Parsing the result gives an equal tree.

/// Prints query syntax as KQL.
package struct KQLPrinter {
  /// Everything printed so far.
  var out = ""
  /// Spaces before a new line of a pipeline.
  var indent = 0

  init() {}

  /// The text of a query: statements separated by `;` and line breaks.
  package static func print(_ query: QueryText) -> String {
    var printer = KQLPrinter()
    printer.statements(query.statements)
    return printer.out
  }

  /// The text of an expression.
  package static func print(_ expression: Expression) -> String {
    var printer = KQLPrinter()
    printer.expression(expression)
    return printer.out
  }

  /// The text of a pipeline.
  package static func print(_ pipeline: Pipeline) -> String {
    var printer = KQLPrinter()
    printer.pipeline(pipeline)
    return printer.out
  }

  mutating func write(_ text: String) { out += text }

  mutating func newLine() { out += "\n" + String(repeating: " ", count: indent) }

  /// Writes items separated by commas.
  mutating func list<Item>(_ items: [Item], _ separator: String = ", ", _ body: (inout KQLPrinter, Item) -> Void) {
    for (i, item) in items.enumerated() {
      if i > 0 { write(separator) }
      body(&self, item)
    }
  }

  // MARK: Names and literals

  mutating func name(_ name: Name) { write(Self.quoted(name: name.text)) }

  /// A name as it must be written: bare, or `['...']`.
  package static func quoted(name: String) -> String {
    let bytes = Array(name.utf8)
    let isPlain = !bytes.isEmpty && isWordStart(bytes[0]) && bytes.allSatisfy(isWordPart) && bytes.allSatisfy { $0 < 0x80 }
    return isPlain && !reservedNames.contains(name) ? name : "[" + quoted(string: name) + "]"
  }

  /// Words that mean something else where a name may stand.
  private static let reservedNames: Set<String> = [
    "true", "false", "True", "False", "TRUE", "FALSE", "and", "or", "by", "in", "between", "has", "has_cs", "has_any", "has_all",
    "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains", "contains_cs", "containscs", "startswith",
    "startswith_cs", "endswith", "endswith_cs", "notcontains", "notcontainscs", "like", "likecs", "notlike", "notlikecs", "where",
    "print", "union", "search", "find", "evaluate", "range", "let", "set", "declare", "alias", "restrict", "on", "of", "to", "with",
    "asc", "desc", "nulls", "from", "step", "default", "limit", "project", "as", "matches", "extend", "summarize", "take", "sort",
    "order", "join", "distinct", "mv", "make", "graph", "view", "kind", "hint", "toscalar", "totable", "dynamic", "datatable",
    "externaldata", "typeof", "entity_group", "inline_external_table", "macro", "count", "optional", "output", "declare", "bin",
  ]

  /// A string literal in single quotes with escapes.
  package static func quoted(string: String) -> String {
    var out = "'"
    for scalar in string.unicodeScalars {
      switch scalar {
      case "'": out += "\\'"
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7F {
          let hex = String(scalar.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "'"
  }

  mutating func literal(_ literal: Literal) {
    switch literal {
    case .bool(let value): write(value ? "true" : "false")
    case .long(let value): write(String(value))
    case .real(let value): write(Self.text(of: value.value))
    case .timespan(let ticks): write(Self.text(ofTicks: ticks))
    case .string(let value, let isObfuscated): write((isObfuscated ? "h" : "") + Self.quoted(string: value))
    case .typed(let type, let text): write("\(type.rawValue)(\(text))")
    case .dynamic(let node):
      write("dynamic(")
      dynamicNode(node)
      write(")")
    }
  }

  /// A real with a point or an exponent, so that it does not read as a long.
  static func text(of value: Double) -> String {
    if value.isNaN { return "real(nan)" }
    if value.isInfinite { return value < 0 ? "real(-inf)" : "real(+inf)" }
    let text = value.description
    return text.contains(".") || text.contains("e") ? text : text + ".0"
  }

  /// A timespan with the largest unit that divides it.
  static func text(ofTicks ticks: Int64) -> String {
    for (unit, size) in [("d", 864_000_000_000), ("h", 36_000_000_000), ("m", 600_000_000), ("s", 10_000_000), ("ms", 10_000)] as [(String, Int64)]
    where ticks != 0 && ticks % size == 0 {
      return "\(ticks / size)\(unit)"
    }
    return ticks == 0 ? "0s" : "\(ticks)tick"
  }

  mutating func dynamicNode(_ node: DynamicNode) {
    switch node {
    case .null: write("null")
    case .bool(let value): write(value ? "true" : "false")
    case .long(let value): write(String(value))
    case .real(let value): write(Self.text(of: value.value))
    case .string(let value): write(Self.quoted(string: value))
    case .timespan(let ticks): write(Self.text(ofTicks: ticks))
    case .typed(let type, let text): write("\(type.rawValue)(\(text))")
    case .array(let values):
      write("[")
      list(values) { $0.dynamicNode($1) }
      write("]")
    case .object(let members):
      write("{")
      list(members) {
        $0.write(Self.quoted(string: $1.key) + ": ")
        $0.dynamicNode($1.value)
      }
      write("}")
    }
  }
}
