// Role: figures of this process from the system.

import DataSource

#if canImport(Glibc)
import Glibc
#endif

enum ProcessClock {
  /// Ticks of 100 ns of processor time.
  static var ticks: Int64 {
    var time = timespec()
    // SAFETY: clock_gettime fills `time` during the call.
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) &* 10_000_000 &+ Int64(time.tv_nsec) / 100
  }

  /// Bytes of memory in use; 0 where the system does not say.
  static var residentBytes: Int {
    guard let file = try? InputFile(path: "/proc/self/statm") else { return 0 }
    var space = [UInt8](repeating: 0, count: 256)
    // SAFETY: the array lives through the call.
    guard let n = try? unsafe space.withUnsafeMutableBytes({ try unsafe file.read(into: $0) }) else { return 0 }
    let fields = String(decoding: space[..<n], as: UTF8.self).split(separator: " ")
    return (fields.dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
