// Role: which options say how another machine is reached and who asks there, whatever is read or written there.

import DataSource

package enum ConnectionOptions {
  private static let names: Set<String> = Set(
    (AuthenticationOptions.specs + ClusterOptions.connection + BlobStore.ownOptions).flatMap { [$0.name] + $0.aliases }.map { $0.lowercased() })

  /// True for an option of connections, by its name or an alias.
  package static func isOne(_ name: String) -> Bool { names.contains(name.lowercased()) }

  /// True when a path of a format lies on another machine, be it that an option names the cluster.
  package static func leadsOut(_ format: String, _ path: String, _ options: [(String, String)]) -> Bool {
    if path.contains("://") { return true }
    guard format == "kusto" else { return false }
    return options.contains { key, value in
      let name = key.split(separator: ".").last.map { $0.lowercased() } ?? ""
      return !value.isEmpty && (name == "kustocluster" || name == "kustoconnectionstring")
    }
  }
}
