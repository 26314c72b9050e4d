// Role: options of requests that would change what may happen or what is answered, and are not done: named, where ignoring them would be a lie. Others
// that are not known are hints, and ignored as Kusto does. Source: Kusto "Request properties".

import Columnar
import DataSource
import KustoWire

enum RefusedOptions {
  private static let names = [
    "validate_permissions", "validatepermissions", "query_results_apply_getschema", "query_force_row_level_security", "request_block_row_level_security",
    "request_external_data_disabled", "request_external_table_disabled", "query_cursor_after_default", "query_cursor_before_or_at_default", "query_cursor_current",
    "query_cursor_disabled", "query_cursor_scoped_tables", "query_bin_auto_at", "query_bin_auto_size",
  ]

  /// Throws NOT_SUPPORTED for the first of them that is set to something else than false.
  static func check(_ options: RequestOptions) throws {
    if let language = options.text("query_language")?.lowercased(), !["csl", "kql", "auto", ""].contains(language) {
      throw KConnectError(.notSupported, "not supported: the query language '\(language.prefix(60))' (request option query_language)", hint: "write the query in KQL")
    }
    for name in names {
      switch options[name] {
      case nil, .null?, .bool(false)?: continue
      case .string(let text)? where text.isEmpty || text.lowercased() == "false": continue
      default: throw KConnectError(.notSupported, "not supported yet: the request option '\(name)'", hint: "leave it out")
      }
    }
  }
}
