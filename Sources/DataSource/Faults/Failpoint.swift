// Role: named places where a test makes the process die or fail: `KCONNECT_FAILPOINT=name[@nth]=kill|exit|stop|error|enospc`. With
// `KCONNECT_FAILPOINT_TRACE=FILE` every place passed is listed there, so that a harness can enumerate them from one clean run.

#if canImport(Glibc)
import Glibc
#endif
import Synchronization

package enum Failpoint {
  private struct Order {
    let name: String
    let nth: Int
    let action: String
  }

  private static let order: Order? = {
    // SAFETY: the environment is not changed by this program; the text is copied.
    guard let raw = unsafe getenv("KCONNECT_FAILPOINT") else { return nil }
    let parts = unsafe String(cString: raw).split(separator: "=", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let place = parts[0].split(separator: "@", maxSplits: 1)
    return Order(name: String(place[0]), nth: place.count == 2 ? Int(place[1]) ?? 1 : 1, action: String(parts[1]))
  }()

  // SAFETY: as above.
  private static let trace: String? = unsafe getenv("KCONNECT_FAILPOINT_TRACE").map { unsafe String(cString: $0) }

  private static let counts = Mutex<[String: Int]>([:])

  /// Passes the place `name`; throws or does not return when the environment asks for it.
  package static func pass(_ name: StaticString) throws {
    if order == nil, trace == nil { return }
    let name = "\(name)"
    let count = counts.withLock { counts in
      counts[name, default: 0] += 1
      return counts[name] ?? 0
    }
    if let trace { record("\(name)@\(count)\n", in: trace) }
    guard let order, order.name == name, order.nth == count else { return }
    switch order.action {
    case "kill": kill(getpid(), SIGKILL)
    case "exit": _exit(9)
    case "stop": raise(SIGSTOP)
    case "enospc": throw SystemError.make("cannot write at failpoint", name, ENOSPC)
    default: throw KConnectError(.io, "failpoint '\(name)'")
    }
  }

  private static func record(_ line: String, in path: String) {
    // SAFETY: path and line are copied or used within the calls.
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { return }
    var line = line
    _ = line.withUTF8 { unsafe write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }
}
