// Role: what a service says went wrong: the OneApi error object of failed requests and of answers that fail half-way, and v1's plain exceptions.
// Source: REST "error handling" (Microsoft REST API guidelines with Kusto's `@` members).

package import Columnar
package import DataSource
import KQL

/// An error of a service, with what it tells about it.
package struct ServiceError: Error, Sendable, CustomStringConvertible {
  /// Such as `General_BadRequest`; empty when the service gave none.
  package var code: String
  /// The specific text.
  package var message: String
  /// The class name, such as `Kusto.Data.Exceptions.SemanticException`.
  package var type: String
  /// False: another attempt may succeed; nil: not said.
  package var isPermanent: Bool?
  /// The code of the innermost error, such as `SEM0100`.
  package var innerCode: String?
  package var activityId: String?

  package init(code: String = "", message: String, type: String = "", isPermanent: Bool? = nil) {
    self.code = code
    self.message = message
    self.type = type
    self.isPermanent = isPermanent
  }

  /// The value of a member `error` or of an element of `OneApiErrors`; nil when it is no such object.
  package init?(_ value: DynamicValue) {
    let object = value["error"] ?? value
    guard case .bag = object else {
      if case .string(let text) = object {
        self.init(message: text)
        return
      }
      return nil
    }
    let message = Self.text(object, "@message") ?? Self.text(object, "message")
    guard message != nil || Self.text(object, "code") != nil else { return nil }
    self.init(code: Self.text(object, "code") ?? "", message: message ?? "", type: Self.text(object, "@type") ?? "")
    if case .bool(let permanent)? = object["@permanent"] { isPermanent = permanent }
    if let context = object["@context"] { activityId = Self.text(context, "activityId") }
    var inner = object["innererror"]
    var depth = 0
    while let found = inner, depth < 16 {
      if let code = Self.text(found, "@errorCode") ?? Self.text(found, "code") { innerCode = code }
      if self.message.isEmpty || self.message == Self.text(object, "message"), let text = Self.text(found, "@message") ?? Self.text(found, "message") { self.message = text }
      inner = found["innererror"]
      depth += 1
    }
  }

  /// The error in the body of a failed request; bodies that are no such object are cut to a line.
  package init(status: Int, body: [UInt8]) {
    let text = String(decoding: body.prefix(1 << 20), as: UTF8.self)
    if let value = try? DynamicValue(parsing: text), let error = ServiceError(value) {
      self = error
      return
    }
    let line = text.split(whereSeparator: \.isNewline).first.map { String($0.prefix(200)) } ?? ""
    self.init(message: line)
  }

  private static func text(_ value: DynamicValue, _ name: String) -> String? {
    guard case .string(let text)? = value[name], !text.isEmpty else { return nil }
    return text
  }

  package var description: String { code.isEmpty ? message : "\(code): \(message)" }

  /// Whether the service's own limits cut the result.
  package var isLimit: Bool { code == "LimitsExceeded" || message.contains("E_QUERY_RESULT_SET_TOO_LARGE") || message.contains("80DA0003") }

  /// The public error. `status` is that of the answer, nil for failures inside one.
  package func publicError(status: Int?, doing what: String) -> KConnectError {
    let family = family(status)
    let transient = status == 429 || status == 502 || status == 503 || status == 504 || (status ?? 0) == 408
    // Services repeat addresses in their messages; a key in one opens a container to whoever reads a log.
    let message = ObfuscatedText.hidden(message, isMessage: true)
    var text = what + ": "
    if let status, status != 200 { text += "HTTP \(status): " }
    text += message.isEmpty ? (code.isEmpty ? "the service gave no reason" : code) : message
    if let innerCode, !text.contains(innerCode) { text += " [\(innerCode)]" }
    if let activityId { text += " (activity \(activityId))" }
    return KConnectError(family, text, hint: hint(family), cause: self, isRetryable: isPermanent.map { !$0 } ?? (transient || (status ?? 0) >= 500))
  }

  private func family(_ status: Int?) -> KConnectError.Code {
    let inner = innerCode ?? ""
    if status == 401 || status == 403 || code.hasPrefix("Forbidden") || code.hasPrefix("Unauthorized") { return .permission }
    if status == 429 || code.hasPrefix("TooManyRequests") || code.contains("Throttled") { return .throttled }
    if inner.hasPrefix("SYN") || code == "BadRequest_SyntaxError" || type.hasSuffix(".SyntaxException") { return .kqlSyntax }
    if code.contains("EntityNotFound") || code.contains("NotExist") || type.contains("NotFoundException") { return .pathNotFound }
    if inner.hasPrefix("SEM") || type.hasSuffix(".SemanticException") || message.contains("Semantic error") { return .kqlSemantic }
    if code.hasPrefix("LowMemory") { return .lowMemory }
    if code.contains("AlreadyExists") { return .alreadyExists }
    // A server of ours says which of our errors it was; what went wrong inside it is not our doing.
    if let own = KConnectError.Code(name: inner), ![.io, .internalError, .configuration, .diskFull, .usage].contains(own) { return own }
    return .http
  }

  private func hint(_ family: KConnectError.Code) -> String? {
    switch family {
    case .permission: "check the credentials and the roles of their principal on the database"
    case .throttled: "the cluster is busy; try again later"
    case _ where isLimit: "the cluster cut the result at its limits: notruncation in clientRequestPropertiesJson lifts them, readMode=ForceDistributedMode reads through storage"
    default: nil
    }
  }
}
