// Role: options that a request and `set` statements have in common: which of them a catalog obeys, and which a statement cannot be. Others that are
// not known are hints, and ignored as Kusto does.
// Source: Kusto reference, "Request properties".

package import Columnar
package import Engine

/// What the names of options and `set` statements mean. Names are lower-case.
package enum RequestSettings {
  /// Options that only a request can have: the text is read when they have done their work, or its time runs already.
  private static let early: Set<String> = ["request_readonly", "request_readonly_hardline", "servertimeout", "norequesttimeout"]

  /// Settings that a catalog obeys: which of its rows it shows, and what it refuses to reach.
  static let ofCatalog: Set<String> = [
    "query_datetimescope_column", "query_datetimescope_from", "query_datetimescope_to", "query_force_row_level_security", "request_block_row_level_security",
    "request_external_data_disabled", "request_external_table_disabled", "request_remote_entities_disabled", "request_callout_disabled",
    "query_cursor_current", "query_cursor_disabled", "query_cursor_scoped_tables", "validatepermissions", "validate_permissions",
  ]

  /// Options that are true or false, which requests may also write as texts and numbers.
  package static let flags: Set<String> = [
    "best_effort", "query_cursor_disabled", "query_force_row_level_security", "query_results_apply_getschema", "request_block_row_level_security",
    "request_callout_disabled", "request_external_data_disabled", "request_external_table_disabled", "request_readonly", "request_readonly_hardline",
    "request_remote_entities_disabled", "request_sandboxed_execution_disabled", "validatepermissions", "validate_permissions",
  ]

  /// Options with other values that are obeyed.
  private static let values: Set<String> = [
    "max_memory_consumption_per_query_per_node", "notruncation", "query_bin_auto_at", "query_bin_auto_size", "query_cursor_after_default",
    "query_cursor_before_or_at_default", "query_language", "query_max_entities_in_union", "query_now", "query_take_max_records", "truncationmaxrecords",
    "truncationmaxsize",
  ]

  /// The names that a `set` statement can say and that are obeyed.
  static let ofStatements: [String] = flags.union(ofCatalog).union(values).subtracting(early).sorted()

  /// Whether a value asks for nothing.
  package static func isOff(_ value: Scalar) -> Bool {
    switch value {
    case .null, .bool(false), .long(0): true
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
    return early.contains(key) && !isOff(value) ? ("the option '\(name)' cannot be set by a statement", "it is a property of the request") : nil
  }
}

extension ExecutionOptions {
  /// With no more memory than these options allow (`max_memory_consumption_per_query_per_node`); the least counts.
  package func limited(by options: [String: Scalar]...) -> ExecutionOptions {
    var limited = self
    for case let wanted? in options.map({ $0["max_memory_consumption_per_query_per_node"]?.int64Value }) where wanted > 0 {
      limited.memoryLimit = min(limited.memoryLimit ?? .max, Int(clamping: wanted))
    }
    return limited
  }
}
