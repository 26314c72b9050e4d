// Role: refuses the options of requests that are not done (`RequestSettings`); their values are JSON here.

import Columnar
import DataSource
import KQL
import KustoWire

enum RefusedOptions {
  /// Those of `set` statements, and those that only statements can be.
  private static let names = RequestSettings.refused.sorted() + ["query_bin_auto_at", "query_bin_auto_size"]

  /// Throws NOT_SUPPORTED for the first of them that is set to something else than false.
  static func check(_ options: RequestOptions) throws {
    if let language = options.text("query_language"), RequestSettings.isForeign(language: language) {
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
