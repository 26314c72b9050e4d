// Role: one open store for each directory of the process, so that all sources, sinks and queries share its leases and caches.

import DataSource
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The stores that are open.
package enum OpenStores {
  private static let open = Mutex<[String: Store]>([:])

  /// Where the store is unless a flag or an option says: `$KCONNECT_STORE`, else `./kustodata`.
  package static var defaultPath: String {
    // SAFETY: getenv answers nil or a zero-terminated text, which is copied at once.
    unsafe getenv("KCONNECT_STORE").map { unsafe String(cString: $0) } ?? "kustodata"
  }

  /// Whether there is a store.
  package static func exists(_ path: String) -> Bool { pathKind(joinPath(path, StoreFormat.directory)) == .directory }

  /// A store; with `create` a missing one is made. Throws PATH_NOT_FOUND, CONFIGURATION or NOT_SUPPORTED.
  package static func store(_ path: String, create: Bool) throws -> Store {
    if pathKind(path) == .directory, let known = open.withLock({ $0[resolvedPath(path)] }) { return known }
    let store = try Store.open(path, create: create)
    return open.withLock { open in
      if let known = open[store.path] { return known }
      open[store.path] = store
      return store
    }
  }
}
