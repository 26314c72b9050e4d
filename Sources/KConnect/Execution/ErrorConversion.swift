// Role: every error that leaves a public function is a `KConnectError`; this is where inner errors become one.

import Columnar
package import DataSource
import Expressions

extension KConnectError {
  /// The public form of any inner error; a `KConnectError` stays what it is.
  package init(converting error: any Error) {
    switch error {
    case let error as KConnectError: self = error
    case let error as ExpressionError: self.init(expression: error)
    case let error as SchemaParseError:
      self.init(.usage, error.description, hint: "write a schema as 'name:type, name:type' or 'name type, name type'")
    case is CancellationError: self.init(.cancelled, "cancelled")
    default: self.init(.internalError, "\(error)", cause: error)
    }
  }

  private init(expression error: ExpressionError) {
    switch error {
    case .columnNotFound(let name, let candidates):
      let near = nearestNames(to: name, among: candidates, limit: 1).first
      let shown = candidates.prefix(8).joined(separator: ", ") + (candidates.count > 8 ? ", … (\(candidates.count))" : "")
      self.init(
        .columnNotFound, "column '\(name)' not found", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "columns: \(shown)", cause: error)
    case .functionNotFound(let name, let candidates):
      self.init(.functionNotFound, "function '\(name)' not found", hint: candidates.first.map { "did you mean '\($0)'?" }, cause: error)
    case .argumentCount, .argumentTypes: self.init(.typeMismatch, error.description, cause: error)
    case .invalidArgument: self.init(.valueInvalid, error.description, cause: error)
    case .notSupported: self.init(.notSupported, error.description, cause: error)
    }
  }
}

/// Runs `body` and turns whatever it throws into the public error.
package func publicErrors<R>(_ body: () throws -> R) throws(KConnectError) -> R {
  do { return try body() } catch { throw KConnectError(converting: error) }
}
