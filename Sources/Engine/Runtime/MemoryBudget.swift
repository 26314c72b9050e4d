// Role: the memory the engine may use: one budget for the process, a share for each query. Operators reserve before they hold rows beyond
// the batch at hand; a refusal makes them spill, or fail with LOW_MEMORY when they cannot.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
package import DataSource
import Synchronization

/// The budget of the process.
package final class MemoryBudget: Sendable {
  /// 60 % of the machine's memory or of the cgroup limit, whichever is less; `KCONNECT_MEMORY_MB` overrides.
  package static let process = MemoryBudget(
    limit: {
      let megabytes = environmentInteger("KCONNECT_MEMORY_MB", default: 0, range: 1...1 << 30)
      return megabytes > 0 ? megabytes << 20 : availableMemory() / 10 * 6
    }())

  private let limitBytes: Atomic<Int>
  private let used = Atomic<Int>(0)

  package init(limit: Int) { limitBytes = Atomic(limit) }

  /// Bytes that may be reserved in all; set from `--memory-limit`.
  package var limit: Int {
    get { limitBytes.load(ordering: .relaxed) }
    set { limitBytes.store(newValue, ordering: .relaxed) }
  }

  fileprivate func reserve(_ bytes: Int) -> Bool {
    let now = used.add(bytes, ordering: .relaxed).newValue
    if now <= limit || bytes <= 0 { return true }
    used.subtract(bytes, ordering: .relaxed)
    return false
  }

  fileprivate func release(_ bytes: Int) { used.subtract(bytes, ordering: .relaxed) }

  /// Bytes of memory the process can have: physical memory, or less by its cgroup.
  private static func availableMemory() -> Int {
    var bytes = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    for path in limitFiles() {
      if let limit = Int(beginning(of: path, 32).prefix { $0.isWholeNumber }), limit > 0 { bytes = min(bytes, limit) }
    }
    return max(bytes, 256 << 20)
  }

  /// Where limits of the process's cgroup and of those around it stand, versions 2 and 1.
  private static func limitFiles() -> [String] {
    var files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    for line in beginning(of: "/proc/self/cgroup", 4_096).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[1].isEmpty || parts[1].split(separator: ",").contains("memory") else { continue }
      var place = parts[1].isEmpty ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      for name in parts[2].split(separator: "/") {
        place += "/" + name
        files.append(place + (parts[1].isEmpty ? "/memory.max" : "/memory.limit_in_bytes"))
      }
    }
    return files
  }

  /// The first bytes of a small file; empty when it cannot be read.
  // SAFETY: the path is copied for the call; `bytes` has as many bytes as are asked for.
  private static func beginning(of path: String, _ count: Int) -> String {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let n = unsafe read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, n)), as: UTF8.self)
  }
}

/// One query's share of the budget.
package final class QueryMemory: Sendable {
  package let limit: Int
  private let process: MemoryBudget
  private let used = Atomic<Int>(0)
  private let peakBytes = Atomic<Int>(0)

  package init(limit: Int?, process: MemoryBudget = .process) {
    self.limit = min(limit ?? process.limit, process.limit)
    self.process = process
  }

  /// The most that was reserved at a time.
  package var peak: Int { peakBytes.load(ordering: .relaxed) }
  package var inUse: Int { used.load(ordering: .relaxed) }

  /// True when `bytes` more may be held; then the caller releases them later.
  package func reserve(_ bytes: Int) -> Bool {
    let now = used.add(bytes, ordering: .relaxed).newValue
    if bytes > 0, now > limit || !process.reserve(bytes) {
      used.subtract(bytes, ordering: .relaxed)
      return false
    }
    if bytes <= 0 { process.release(-bytes) }
    peakBytes.max(now, ordering: .relaxed)
    return true
  }

  package func release(_ bytes: Int) {
    used.subtract(bytes, ordering: .relaxed)
    process.release(bytes)
  }

  /// Reserves or throws LOW_MEMORY naming what needed it.
  package func require(_ bytes: Int, for what: String) throws {
    if !reserve(bytes) { throw lowMemory(what) }
  }

  /// The error for state that can neither grow nor be spilled.
  package func lowMemory(_ what: String) -> KConnectError {
    KConnectError(
      .lowMemory, "\(what) needs more than the query's \(limit >> 20) MiB of memory", hint: "raise --memory-limit, filter earlier, or group less finely")
  }
}

/// What one thread or operator has reserved; follows a size that it reports.
struct MemoryAccount: ~Copyable {
  private let memory: QueryMemory
  private(set) var held = 0

  init(_ memory: QueryMemory) { self.memory = memory }

  /// Brings the reservation to `bytes` (in steps of 256 KiB, so that most calls cost nothing); false when that is refused.
  mutating func resize(to bytes: Int) -> Bool {
    let wanted = (bytes + 0x3FFFF) & ~0x3FFFF
    if wanted > held {
      if !memory.reserve(wanted - held) { return false }
      held = wanted
    } else if wanted < held {
      memory.release(held - wanted)
      held = wanted
    }
    return true
  }

  mutating func clear() { _ = resize(to: 0) }

  deinit { if held > 0 { memory.release(held) } }
}
