// Role: how a request failed, as the cause of the public error: what retries and fall-backs decide on.

import DataSource
package import KustoWire

/// Behind errors of requests.
package struct RequestFailure: Error, Sendable {
  /// The status of the answer; nil: there was none, or it failed half-way.
  package var status: Int?
  /// What the service says.
  package var service: ServiceError
  /// The wait it asks for.
  package var retryAfterMilliseconds: Int?

  package init(status: Int?, service: ServiceError, retryAfterMilliseconds: Int? = nil) {
    self.status = status
    self.service = service
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }

  /// The failure behind an error; nil for others.
  package static func of(_ error: any Error) -> RequestFailure? { (error as? KConnectError)?.cause as? RequestFailure }

  /// Whether a request that failed so was turned away before anything of it was carried out, or never left. A service that says of its own error
  /// that it is not permanent asks for another attempt.
  static func isRefusal(_ error: KConnectError) -> Bool {
    if error.cause is RequestNotSent { return true }
    guard let failure = of(error), let status = failure.status else { return false }
    return status == 429 || status == 503 || failure.service.isPermanent == false && status != 504 && status != 408
  }

  /// Whether it is not known if the request was carried out: no answer came, or one of something on the way.
  static func leavesOutcomeOpen(_ error: KConnectError) -> Bool {
    if error.cause is RequestNotSent { return false }
    guard let failure = of(error) else { return error.code == .http || error.code == .formatCorrupt }
    guard let status = failure.status else { return false }
    return [408, 502, 504].contains(status) || status >= 500 && status != 503 && failure.service.code.isEmpty
  }

  /// The error that says so; `what` it was about, `hint` how to find out. `isRetryable`: the caller finds out itself before it tries again.
  static func outcomeUnknown(_ error: KConnectError, _ what: String, hint: String, isRetryable: Bool = false) -> KConnectError {
    KConnectError(error.code, "\(error.message): it is not known whether \(what)", hint: hint, cause: error.cause, isRetryable: isRetryable)
  }

  /// The public error with this as its cause.
  func publicError(doing what: String) -> KConnectError {
    var error = service.publicError(status: status, doing: what)
    error.cause = self
    return error
  }
}
