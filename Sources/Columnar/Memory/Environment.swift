// Role: the few environment switches that the engine's inner layers read, once each.

#if canImport(Glibc)
import Glibc
#endif

/// The integer value of an environment variable within `range`, else `default`.
// SAFETY: getenv answers nil or a zero-terminated text, which is copied at once; the environment is changed at most before other threads start.
package func environmentInteger(_ name: String, default fallback: Int, range: ClosedRange<Int>) -> Int {
  guard let raw = unsafe getenv(name), let value = unsafe Int(String(cString: raw)), range.contains(value) else { return fallback }
  return value
}

/// True when `KCONNECT_VERIFY=1`: operators check the invariants of every batch, the optimizer those of every plan.
package let isVerifying: Bool = environmentInteger("KCONNECT_VERIFY", default: 0, range: 0...1) == 1
