// Role: the formats every session has, and which of them a path means.

package import DataSource
import FileConnector

package enum BuiltInSources {
  /// All providers of this package.
  package static let registry = SourceRegistry([])

  /// The format a path's extension says: `.parquet`, `.csv`, `.csv.gz`, `.json`, …. Throws USAGE when it says nothing.
  package static func format(ofPath path: String) throws(KConnectError) -> String {
    throw KConnectError(
      .usage, "cannot tell the format of '\(path)' from its name", hint: "name it: format(\"csv\"), or a locator such as csv:\(path)")
  }
}
