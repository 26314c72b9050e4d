// Role: exported files kept for later reads of the same text (distributedReadModeTransientCache): by cluster, identity, storage, options and the
// text itself, filters and columns included. They are removed when their time is over, and at the end of the process.

#if canImport(Glibc)
import Glibc
#endif
import Synchronization

package final class ExportCache: Sendable {
  static let shared = ExportCache()

  private struct Entry {
    var files: ExportedFiles
    var until: Int64
  }
  private let entries = Mutex<[String: Entry]>([:])
  /// One export of a text at a time.
  private let turn = Mutex(false)

  /// Less than the life of the signatures that clusters give out.
  private static let lifeTicks: Int64 = 2 * 3_600 * 10_000_000

  /// The files under a key, made by `export` where there are none. `now` in ticks.
  func files(_ key: String, now: Int64, _ export: () throws -> ExportedFiles) throws -> ExportedFiles {
    try turn.withLock { isRegistered in
      // What is too old goes.
      let old = entries.withLock { entries in
        let old = entries.filter { $0.value.until <= now }
        for key in old.keys { entries[key] = nil }
        return old
      }
      withExtendedLifetime(old) {}
      if let known = entries.withLock({ $0[key] }) { return known.files }
      let made = try export()
      entries.withLock { $0[key] = Entry(files: made, until: now + Self.lifeTicks) }
      if !isRegistered {
        isRegistered = true
        atexit { ExportCache.shared.removeAll() }
      }
      return made
    }
  }

  /// Removes everything; at the end of programs that leave without atexit.
  package static func drain() { shared.removeAll() }

  private func removeAll() {
    let all = entries.withLock { entries in
      defer { entries = [:] }
      return entries
    }
    // Plans that are still alive have no use for them any more.
    for entry in all.values { entry.files.remove() }
  }
}
