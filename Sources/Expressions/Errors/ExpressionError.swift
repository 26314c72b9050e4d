// Role: what can be wrong with an expression: names, types, values. The front ends turn it into diagnostics with positions.

package import Columnar

/// An error in an expression, found while it is type-checked or evaluated.
package enum ExpressionError: Error, Sendable, CustomStringConvertible {
  /// No such column; `candidates` are the input's names.
  case columnNotFound(String, candidates: [String])
  /// No such function; `candidates` are near names.
  case functionNotFound(String, candidates: [String])
  /// A known function called with the wrong number of arguments.
  case argumentCount(function: String, found: Int, expected: String)
  /// A known function called with types it does not take.
  case argumentTypes(function: String, found: [DataType], expected: String)
  /// A value outside what the function takes, a bad regular expression, a non-constant argument where one is needed, …
  case invalidArgument(function: String, message: String)
  /// Known to Kusto, not done here; names it.
  case notSupported(String)

  package var description: String {
    switch self {
    case .columnNotFound(let name, let candidates):
      "column '\(name)' not found; columns: \(candidates.prefix(8).joined(separator: ", "))\(candidates.count > 8 ? ", … (\(candidates.count))" : "")"
    case .functionNotFound(let name, let candidates):
      "function '\(name)' not found" + (candidates.isEmpty ? "" : "; did you mean '\(candidates[0])'?")
    case .argumentCount(let function, let found, let expected): "\(function)() takes \(expected) argument\(expected == "1" ? "" : "s"), found \(found)"
    case .argumentTypes(let function, let found, let expected):
      "\(function) does not take (\(found.map(\.rawValue).joined(separator: ", "))); expected \(expected)"
    case .invalidArgument(let function, let message): "\(function): \(message)"
    case .notSupported(let what): "not supported yet: \(what)"
    }
  }
}
