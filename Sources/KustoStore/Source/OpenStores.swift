// Role: one executor for each store of the process, so that all sources, sinks and queries share its leases and caches.

import DataSource
package import Engine
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The stores that are open.
package enum OpenStores {
  private static let open = Mutex<[String: CommandExecutor]>([:])

  /// Where the store is unless a flag or an option says: `$KCONNECT_STORE`, else `./kustodata`.
  package static var defaultPath: String {
    // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
    unsafe getenv("KCONNECT_STORE").map { unsafe String(cString: $0) } ?? "kustodata"
  }

  /// Whether there is a store.
  package static func exists(_ path: String) -> Bool { pathKind(joinPath(path, StoreFormat.directory)) == .directory }

  /// The executor of a store; with `create` a missing store is made. Throws PATH_NOT_FOUND, CONFIGURATION or NOT_SUPPORTED.
  package static func executor(_ path: String, create: Bool, options: ExecutionOptions = ExecutionOptions()) throws -> CommandExecutor {
    if pathKind(path) == .directory, let known = open.withLock({ $0[resolvedPath(path)] }) { return known }
    let store = try Store.open(path, create: create)
    return open.withLock { open in
      if let known = open[store.path] { return known }
      let made = CommandExecutor(store, options: options)
      open[store.path] = made
      return made
    }
  }

  /// Waits until the asynchronous operations of this process have ended, and brings its queries into the stores' logs.
  package static func drain() { for executor in open.withLock({ Array($0.values) }) { executor.drain() } }

  /// Brings the queries of this process into the stores' logs, for the end of the process.
  package static func logQueries() { for executor in open.withLock({ Array($0.values) }) { executor.logQueries() } }
}
