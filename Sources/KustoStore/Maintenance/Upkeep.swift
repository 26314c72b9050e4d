// Role: what a server does while it runs: it holds the store alone among servers, merges small extents, applies policies of time, collects garbage.

import DataSource

/// The right to serve a store; held by one process at a time, freed when it ends.
package final class ServingLock: Sendable {
  private let lock: FileLock

  /// Throws LOCKED while another process serves the store.
  package init(_ store: Store) throws {
    let path = joinPath(joinPath(store.path, StoreFormat.directory), "server.lock")
    guard let lock = try FileLock.tryAcquire(path) else {
      throw KConnectError(
        .locked, "the store '\(store.path)' is served by another process", hint: "stop that server, or serve another store with --store DIR", isRetryable: true)
    }
    self.lock = lock
  }
}

extension CommandExecutor {
  /// One round of upkeep; tables that fail are left to the next round. Answers what was done, as sentences.
  package func maintain(collectsGarbage: Bool) -> [String] {
    var done: [String] = []
    for name in (try? store.databaseNames()) ?? [] {
      guard let database = try? store.databaseIfExists(name) else { continue }
      done += Retention(self).sweep(database, now: StoreClock.nowTicks)
      try? StoredQueryResult.sweep(database, metadata)
      for table in (try? database.everyTable()) ?? [] { table.mergeSmallExtentsIfMany() }
    }
    guard collectsGarbage else { return done }
    do {
      let report = try store.collectGarbage()
      if !report.items.isEmpty { done.append("garbage collection removed \(report.items.count) files, \(report.bytes) bytes") }
    } catch { done.append("garbage collection failed: \(error)") }
    return done
  }
}
