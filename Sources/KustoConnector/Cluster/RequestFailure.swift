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

  /// The public error with this as its cause.
  func publicError(doing what: String) -> KConnectError {
    var error = service.publicError(status: status, doing: what)
    error.cause = self
    return error
  }
}
