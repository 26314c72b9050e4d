// Role: options of requests that would change what may happen or what is answered, and are not done: named, where ignoring them would be a lie,
// whether they come with a request or in a `set` statement. Others that are not known are hints, and ignored as Kusto does.
// Source: Kusto reference, "Request properties".

package import Columnar

/// What the names of options and `set` statements mean.
package enum RequestSettings {
  /// Refused unless they are false.
  package static let refused: Set<String> = [
    "validate_permissions", "validatepermissions", "query_results_apply_getschema", "query_force_row_level_security", "request_block_row_level_security",
    "request_external_data_disabled", "request_external_table_disabled", "request_remote_entities_disabled", "request_callout_disabled", "query_cursor_after_default",
    "query_cursor_before_or_at_default", "query_cursor_current", "query_cursor_disabled", "query_cursor_scoped_tables", "query_max_entities_in_union",
  ]

  /// Options that a request can have and a `set` statement cannot: the text is read when they have done their work.
  private static let early: Set<String> = ["request_sandboxed_execution_disabled", "request_readonly", "request_readonly_hardline"]

  /// Settings that decide which rows of its tables a catalog shows.
  static let ofCatalog: Set<String> = ["query_datetimescope_column", "query_datetimescope_from", "query_datetimescope_to"]

  /// Whether a value asks for nothing.
  package static func isOff(_ value: Scalar) -> Bool {
    switch value {
    case .null, .bool(false): true
    case .string(let text): text.isEmpty || text.lowercased() == "false"
    default: false
    }
  }

  /// Whether a query language is another one than this.
  package static func isForeign(language: String) -> Bool { !["csl", "kql", "auto", ""].contains(language.lowercased()) }

  /// Why a `set` statement cannot be obeyed; nil when it can, or is a hint.
  static func obstacle(_ name: String, _ value: Scalar) -> (message: String, hint: String)? {
    let key = name.lowercased()
    if key == "query_language", case .string(let language) = value, isForeign(language: language) {
      return ("not supported: the query language '\(language.prefix(60))'", "write the query in KQL")
    }
    if isOff(value) { return nil }
    if refused.contains(key) { return ("not supported yet: the option '\(name)'", "leave it out") }
    return early.contains(key) ? ("the option '\(name)' cannot be set by a statement", "it is a property of the request") : nil
  }
}
