// Role: one JSON line for each request, on standard error or in a file; query texts only when they are asked for, without secrets.

import Columnar
import DataSource
import KustoStore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Where requests are logged.
package final class AccessLog: Sendable {
  /// Of the file that is open, and how many hang-ups there had been when it was opened.
  private let open: Guarded<(descriptor: Int32, hangUps: Int)>?
  private let path: String?
  private let showsText: Bool

  /// Hang-up signals so far.
  private static let hangUps = Atomic<Int>(0)

  /// `-`: standard error; nil: no log.
  package init(path: String?, showsText: Bool) throws {
    self.showsText = showsText
    self.path = path == "-" ? nil : path
    switch path {
    case nil: open = nil
    case "-"?: open = Guarded((descriptor: 2, hangUps: 0))
    case let path?: open = Guarded((descriptor: try Self.opened(path), hangUps: Self.hangUps.load(ordering: .relaxed)))
    }
  }

  deinit { if path != nil { open?.withLock { _ = close($0.descriptor) } } }

  /// From now on SIGHUP says that the file was renamed and a new one is to be begun.
  package func followHangUps() {
    guard path != nil else { return }
    // The counter is made before a signal can ask for it.
    _ = Self.hangUps.load(ordering: .relaxed)
    // The handler does nothing but count, which signals may do anywhere.
    _ = signal(SIGHUP) { _ in AccessLog.countHangUp() }
  }

  package static func countHangUp() { hangUps.wrappingAdd(1, ordering: .relaxed) }

  private static func opened(_ path: String) throws -> Int32 {
    // SAFETY: open reads the zero-terminated bridged path during the call.
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw SystemError.make("cannot open the access log", path, errno) }
    return descriptor
  }

  /// A sentence for whoever runs the server, on standard error.
  static func say(_ text: String) {
    var line = "kconnect-server: \(text)\n"
    // SAFETY: the bytes live through the call.
    line.withUTF8 { _ = unsafe Glibc.write(2, $0.baseAddress, $0.count) }
  }

  func write(_ scope: RequestScope, status: Int, milliseconds: Int, bytes: Int) {
    guard let open else { return }
    var entries = [
      DynamicEntry("time", .datetime(scope.startedOn)), DynamicEntry("peer", .string(scope.request.peer)), DynamicEntry("method", .string(scope.request.method)),
      DynamicEntry("path", .string(scope.request.path)), DynamicEntry("status", .long(Int64(status))), DynamicEntry("ms", .long(Int64(milliseconds))),
      DynamicEntry("bytes", .long(Int64(bytes))), DynamicEntry("principal", .string(scope.principal?.fullyQualifiedName ?? "")),
      DynamicEntry("clientRequestId", .string(scope.clientRequestId)), DynamicEntry("activityId", .string(scope.activityId)),
    ]
    if showsText, let text = scope.text.withLock({ $0 }) { entries.append(DynamicEntry("text", .string(RedactedText.redacted(text)))) }
    var line = DynamicValue.bag(entries).json + "\n"
    open.withLock { open in
      let hangUps = Self.hangUps.load(ordering: .relaxed)
      if let path, hangUps != open.hangUps {
        open.hangUps = hangUps
        // The old file goes on while there is no new one.
        if let descriptor = try? Self.opened(path) {
          close(open.descriptor)
          open.descriptor = descriptor
        }
      }
      // SAFETY: the bytes live through the call.
      line.withUTF8 { _ = unsafe Glibc.write(open.descriptor, $0.baseAddress, $0.count) }
    }
  }
}
