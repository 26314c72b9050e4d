// Role: errors as Kusto's clients read them: the status, the OneApi object, and the code map of our own errors.
// Source: Microsoft REST API guidelines ("OneApi" errors); the codes are those Kusto's SDKs tell apart.

package import Columnar
import DataSource

/// An error of a request.
package struct WireError: Error, Sendable {
  /// The finding inside a query or command text.
  package struct Inner: Sendable {
    package var code: String
    package var type: String
    /// Without the code in front.
    package var message: String
    /// Both counted from 1.
    package var position: (line: Int, column: Int)?
  }

  package var status: Int
  package var code: String
  /// Without the namespace `Kusto.Data.Exceptions.`, or whole.
  package var type: String
  /// The whole story: clients show this.
  package var detail: String
  /// Whether trying again is of no use.
  package var isPermanent: Bool
  package var inner: Inner?
  /// For status 401: how the client may say who it is.
  package var challenge: String?

  package init(status: Int, code: String, type: String, detail: String, isPermanent: Bool, inner: Inner? = nil) {
    self.status = status
    self.code = code
    self.type = type
    self.detail = detail
    self.isPermanent = isPermanent
    self.inner = inner
  }

  /// What Kusto answers to our error. `isCommand`: the text was a management command.
  package init(_ error: any Error, isCommand: Bool = false) {
    if let error = error as? WireError {
      self = error
      return
    }
    guard let error = error as? KConnectError else {
      self.init(status: 500, code: "General_InternalServerError", type: "InternalServiceErrorException", detail: "\(error)", isPermanent: false)
      return
    }
    let text = error.message + (error.hint.map { " (\($0))" } ?? "")
    let place = error.place.map { (line: $0.line, column: $0.column) }
    switch error.code {
    case .kqlSyntax:
      let inner = Inner(code: "SYN0002", type: "SyntaxException", message: text, position: place)
      let what = "Syntax error: " + (isCommand ? "" : "SYN0002: ") + text
      self.init(
        status: 400, code: isCommand ? "BadRequest_SyntaxError" : "General_BadRequest", type: isCommand ? "SyntaxException" : "KustoBadRequestException",
        detail: isCommand ? what : "Request is invalid and cannot be processed: " + what, isPermanent: true, inner: inner)
    case .kqlSemantic, .columnNotFound, .functionNotFound, .typeMismatch:
      self.init(
        status: 400, code: "General_BadRequest", type: "KustoBadRequestException",
        detail: "Request is invalid and cannot be processed: Semantic error: SEM0100: " + text, isPermanent: true,
        inner: Inner(code: "SEM0100", type: "SemanticException", message: text, position: place))
    case .pathNotFound: self.init(status: 400, code: "BadRequest_EntityNotFound", type: "EntityNotFoundException", detail: text, isPermanent: true)
    case .alreadyExists: self.init(status: 400, code: "BadRequest_EntityAlreadyExists", type: "EntityAlreadyExistsException", detail: text, isPermanent: true)
    case .permission: self.init(status: 403, code: "Forbidden", type: "KustoRequestDeniedException", detail: text, isPermanent: true)
    case .throttled: self.init(status: 429, code: "TooManyRequests", type: "KustoRequestThrottledException", detail: text, isPermanent: false)
    case .locked, .checkpointConflict: self.init(status: 409, code: "Conflict", type: "KustoConflictException", detail: text, isPermanent: false)
    case .cancelled: self.init(status: 400, code: "BadRequest_RequestCancelled", type: "KustoRequestCancelledException", detail: text, isPermanent: true)
    case .lowMemory:
      self.init(status: 400, code: "LowMemoryCondition", type: "KustoServicePartialQueryFailureLowMemoryConditionException", detail: text, isPermanent: false)
    // An address that a request names; one that did not answer in time, or said that it is busy, may do so next time.
    case .http: self.init(status: 400, code: "General_BadRequest", type: "KustoBadRequestException", detail: text, isPermanent: !error.isRetryable)
    case .io, .diskFull, .internalError, .configuration:
      self.init(status: 500, code: "General_InternalServerError", type: "InternalServiceErrorException", detail: text, isPermanent: false)
    default: self.init(status: 400, code: "General_BadRequest", type: "KustoBadRequestException", detail: text, isPermanent: !error.isRetryable)
    }
    // Our own family of errors, for clients that know it.
    if inner == nil { inner = Inner(code: error.code.description, type: type, message: text, position: place) }
  }

  /// The server's own time limit.
  package static func timeout(seconds: Int) -> WireError {
    WireError(
      status: 504, code: "Timeout", type: "KustoServiceTimeoutException",
      detail: "Request execution has timed-out on the service side after \(seconds) seconds (option servertimeout)", isPermanent: false)
  }

  /// More rows or bytes than an answer may have.
  package static func truncated(_ what: String) -> WireError {
    WireError(
      status: 400, code: "LimitsExceeded", type: "KustoServicePartialQueryFailureLimitsExceededException",
      detail: "Query execution has exceeded the allowed limits (80DA0003): The results of this query exceed the set limit of \(what), so not all records were returned "
        + "(E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See https://aka.ms/kustoquerylimits for more information and possible solutions.", isPermanent: false)
  }

  package static func badRequest(_ detail: String) -> WireError {
    WireError(status: 400, code: "General_BadRequest", type: "KustoBadRequestException", detail: detail, isPermanent: true)
  }

  private static func qualified(_ type: String) -> String { type.contains(".") ? type : "Kusto.Data.Exceptions." + type }
}

/// What surrounds an error: which request, when, about which text.
package struct ErrorContext: Sendable {
  package var clientRequestId: String
  package var activityId: String
  package var timestamp: Int64
  package var text: String?
  package var database: String?

  package init(clientRequestId: String, activityId: String, timestamp: Int64, text: String? = nil, database: String? = nil) {
    self.clientRequestId = clientRequestId
    self.activityId = activityId
    self.timestamp = timestamp
    self.text = text
    self.database = database
  }
}

extension BufferBuilder<UInt8> {
  /// `{"error":{…}}`.
  package func error(_ error: WireError, _ context: ErrorContext) {
    raw("{\"error\":{\"code\":")
    string(error.code)
    raw(",\"message\":\"Request is invalid and cannot be executed.\",\"@type\":")
    string(WireError.typeName(error.type))
    raw(",\"@message\":")
    string(error.detail)
    raw(",\"@context\":")
    self.context(context)
    raw(error.isPermanent ? ",\"@permanent\":true" : ",\"@permanent\":false")
    if error.code == "BadRequest_StreamingIngestionPolicyNotEnabled" { raw(",\"@failureCode\":400") }
    if let text = context.text {
      raw(",\"@text\":")
      string(String(text.prefix(4_096)))
    }
    if let database = context.database {
      raw(",\"@database\":")
      string(database)
    }
    if let inner = error.inner {
      raw(",\"innererror\":{\"code\":")
      string(inner.code)
      raw(",\"message\":")
      string(inner.message)
      raw(",\"@type\":")
      string(WireError.typeName(inner.type))
      raw(",\"@message\":")
      string((inner.code.hasPrefix("SYN") ? "Syntax error: " : inner.code.hasPrefix("SEM") ? "Semantic error: " : "") + inner.code + ": " + inner.message)
      raw(",\"@context\":")
      self.context(context)
      raw(error.isPermanent ? ",\"@permanent\":true,\"@errorCode\":" : ",\"@permanent\":false,\"@errorCode\":")
      string(inner.code)
      raw(",\"@errorMessage\":")
      string(inner.message)
      if let position = inner.position {
        raw(",\"@line\":\"")
        number(position.line)
        raw("\",\"@pos\":\"")
        number(position.column)
        raw("\"")
      }
      raw("}")
    }
    raw("}}")
  }

  private func context(_ context: ErrorContext) {
    raw("{\"timestamp\":")
    datetime(context.timestamp)
    raw(",\"serviceAlias\":\"KCONNECT\",\"clientRequestId\":")
    string(context.clientRequestId)
    raw(",\"activityId\":")
    string(context.activityId)
    raw(",\"subActivityId\":")
    string(context.activityId)
    raw(",\"activityType\":\"GW.Http.CallContext\",\"parentActivityId\":")
    string(context.activityId)
    raw("}")
  }
}

extension WireError {
  fileprivate static func typeName(_ type: String) -> String { qualified(type) }
}
