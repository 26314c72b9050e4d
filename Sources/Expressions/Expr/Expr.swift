// Role: the one expression IR. KQL text, the DataFrame API and command-line flags all build it; the optimizer rewrites it;
// `CompiledExpr` evaluates it; the KQL printer writes it. Columns are named: a plan node's column names are unique.

public import Columnar

/// An untyped expression over named columns. Operators are calls under their KQL spelling (`FunctionName`).
public indirect enum Expr: Sendable, Hashable {
  /// A column of the input by exact name.
  case column(String)
  case literal(Scalar)
  /// A function or operator: name and arguments. Path access is `FunctionName.member` over (value, key or index).
  case call(String, [Expr])

  /// True for the same expression: one whose literals no function can tell apart. `x / 0.0` is not `x / -0.0`.
  public static func == (a: Expr, b: Expr) -> Bool {
    switch (a, b) {
    case (.column(let x), .column(let y)): x == y
    case (.literal(let x), .literal(let y)): x.isIdentical(to: y)
    case (.call(let f, let x), .call(let g, let y)): f == g && x == y
    default: false
    }
  }
}

/// Canonical names of the operators; named functions use their KQL name in lower case.
public enum FunctionName {
  public static let and = "and", or = "or", not = "not"
  public static let equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
  public static let add = "+", subtract = "-", multiply = "*", divide = "/", modulo = "%", negate = "neg"
  public static let equalTilde = "=~", notEqualTilde = "!~"
  /// (value, item, item, …); items may be one dynamic array.
  public static let `in` = "in", notIn = "!in", inTilde = "in~", notInTilde = "!in~"
  /// (value, low, high), both ends included.
  public static let between = "between", notBetween = "!between"
  /// (text, pattern literal).
  public static let matchesRegex = "matches regex"
  /// (dynamic, string key or long index).
  public static let member = "[]"
  /// All of KQL's binary string operators, as they are written; each takes (text, text).
  public static let stringOperators: Set<String> = [
    "has", "!has", "has_cs", "!has_cs", "hasprefix", "!hasprefix", "hasprefix_cs", "!hasprefix_cs", "hassuffix", "!hassuffix",
    "hassuffix_cs", "!hassuffix_cs", "contains", "!contains", "contains_cs", "!contains_cs", "startswith", "!startswith",
    "startswith_cs", "!startswith_cs", "endswith", "!endswith", "endswith_cs", "!endswith_cs",
  ]
  /// (tuple, place, type as text): one output of a function that gives several columns. No name of the language.
  package static let output = "$output"
  /// (text): the text with '' for null, as KQL sees it. No name of the language.
  package static let text = "$text"
  /// (array of bags): one bag of all their members. No name of the language.
  package static let dictionary = "$dictionary"
  /// (text, item, …); items may be one dynamic array.
  public static let hasAny = "has_any", hasAll = "has_all"
}

extension Expr {
  /// The names of all columns read.
  package var columns: Set<String> {
    var out: Set<String> = []
    collectColumns(into: &out)
    return out
  }

  /// The columns that any of several expressions reads.
  package static func columns(of exprs: [Expr]) -> Set<String> {
    var out: Set<String> = []
    for expr in exprs { expr.collectColumns(into: &out) }
    return out
  }

  private func collectColumns(into out: inout Set<String>) {
    switch self {
    case .column(let name): out.insert(name)
    case .literal: break
    case .call(_, let arguments): for argument in arguments { argument.collectColumns(into: &out) }
    }
  }

  /// The expression with each column replaced by what `substitute` gives for it (nil keeps it).
  package func replacingColumns(_ substitute: (String) -> Expr?) -> Expr {
    switch self {
    case .column(let name): substitute(name) ?? self
    case .literal: self
    case .call(let name, let arguments): .call(name, arguments.map { $0.replacingColumns(substitute) })
    }
  }

  /// The terms of a conjunction; a single term for anything else.
  package var conjuncts: [Expr] {
    if case .call(FunctionName.and, let arguments) = self { return arguments.flatMap(\.conjuncts) }
    return [self]
  }

  /// The conjunction of terms; nil when there is none.
  package static func conjunction(_ terms: [Expr]) -> Expr? {
    guard let first = terms.first else { return nil }
    return terms.dropFirst().reduce(first) { .call(FunctionName.and, [$0, $1]) }
  }
}

/// An output column: its name and the expression that computes it.
public struct NamedExpr: Sendable, Hashable {
  public var name: String
  public var expr: Expr

  public init(_ name: String, _ expr: Expr) {
    self.name = name
    self.expr = expr
  }
}

/// A call of an aggregation function: `name(arguments)`, such as `sumif(x, y > 1)`.
public struct AggregateCall: Sendable, Hashable {
  public var name: String
  public var arguments: [Expr]

  public init(_ name: String, _ arguments: [Expr]) {
    self.name = name
    self.arguments = arguments
  }
}

/// An aggregate output column.
public struct NamedAggregate: Sendable, Hashable {
  public var name: String
  public var call: AggregateCall

  public init(_ name: String, _ call: AggregateCall) {
    self.name = name
    self.call = call
  }
}
