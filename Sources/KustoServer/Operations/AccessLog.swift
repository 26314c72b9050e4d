// Role: one JSON line for each request, on standard error or in a file; query texts only when they are asked for, without secrets.

import Columnar
import DataSource
import KustoStore

#if canImport(Glibc)
import Glibc
#endif

/// Where requests are logged.
package final class AccessLog: Sendable {
  private let descriptor: Int32?
  private let showsText: Bool

  /// `-`: standard error; nil: no log.
  package init(path: String?, showsText: Bool) throws {
    self.showsText = showsText
    switch path {
    case nil: descriptor = nil
    case "-"?: descriptor = 2
    case let path?:
      // SAFETY: open reads the zero-terminated bridged path during the call.
      let opened = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
      guard opened >= 0 else { throw SystemError.make("cannot open the access log", path, errno) }
      descriptor = opened
    }
  }

  /// A sentence for whoever runs the server, on standard error.
  static func say(_ text: String) {
    var line = "kconnect-server: \(text)\n"
    // SAFETY: the bytes live through the call.
    line.withUTF8 { _ = unsafe Glibc.write(2, $0.baseAddress, $0.count) }
  }

  func write(_ scope: RequestScope, status: Int, milliseconds: Int, bytes: Int) {
    guard let descriptor else { return }
    var entries = [
      DynamicEntry("time", .datetime(scope.startedOn)), DynamicEntry("peer", .string(scope.request.peer)), DynamicEntry("method", .string(scope.request.method)),
      DynamicEntry("path", .string(scope.request.path)), DynamicEntry("status", .long(Int64(status))), DynamicEntry("ms", .long(Int64(milliseconds))),
      DynamicEntry("bytes", .long(Int64(bytes))), DynamicEntry("principal", .string(scope.principal?.fullyQualifiedName ?? "")),
      DynamicEntry("clientRequestId", .string(scope.clientRequestId)), DynamicEntry("activityId", .string(scope.activityId)),
    ]
    if showsText, let text = scope.text.withLock({ $0 }) { entries.append(DynamicEntry("text", .string(RedactedText.redacted(text)))) }
    var line = DynamicValue.bag(entries).json + "\n"
    // One call for each line, so that lines of several threads do not mix.
    // SAFETY: the bytes live through the call.
    line.withUTF8 { _ = unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}
