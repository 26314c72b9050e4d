// Role: how many files the process may have open at a time.

#if canImport(Glibc)
import Glibc
#endif

package enum OpenFiles {
  /// As many as the system grants, within reason. Connections and open tables are descriptors, and the usual limit of 1,024 is less than a server's
  /// connections or a large database's tables. Programs call it when they start; what cannot be raised stays.
  package static func raiseLimit() {
    var limit = rlimit()
    // SAFETY: the calls fill and read `limit`.
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    let wanted = min(limit.rlim_max, 1 << 20)
    guard limit.rlim_cur < wanted else { return }
    limit.rlim_cur = wanted
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
