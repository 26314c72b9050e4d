// Role: refuses what a request asks for and this server does not do, where ignoring it would be a lie; other unknown options are hints.

import DataSource
import KQL
import KustoWire

enum RefusedOptions {
  /// Throws NOT_SUPPORTED for query languages other than KQL.
  static func check(_ options: RequestOptions) throws {
    guard let language = options.text("query_language"), RequestSettings.isForeign(language: language) else { return }
    throw KConnectError(.notSupported, "not supported: the query language '\(language.prefix(60))' (request option query_language)", hint: "write the query in KQL")
  }
}
