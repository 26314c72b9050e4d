// Role: which cloud a cluster belongs to, as the cluster itself says: `GET /v1/rest/auth/metadata`, asked once per origin. 404 and
// `"AzureAD": null` stand for the defaults. Source: reference, section 5.1.

import Columnar
import DataSource
import Synchronization

/// Metadata documents of clusters, by origin. Thread-safe.
final class CloudMetadata: Sendable {
  private let context: CredentialContext
  private let known = Mutex<[String: Cloud]>([:])

  init(_ context: CredentialContext) { self.context = context }

  /// Bytes a document may have.
  private static let limit = 1 << 20

  /// The cloud of the cluster at `address`. Throws HTTP when it does not answer, FORMAT_CORRUPT for a broken document.
  func cloud(of address: URLParts) throws -> Cloud {
    let origin = address.origin
    if let found = known.withLock({ $0[origin] }) { return found }
    let cloud = try ask(address)
    known.withLock { $0[origin] = cloud }
    return cloud
  }

  private func ask(_ address: URLParts) throws -> Cloud {
    let url = address.origin + "/v1/rest/auth/metadata"
    var request = HTTPRequest("GET", url, headers: [("Accept", "application/json")])
    request.timeoutMilliseconds = 30_000
    let fallback = Cloud.ofHost(address.host) ?? .publicCloud
    let answer = try Retry.send(request, context)
    if answer.status == 404 { return fallback }
    guard answer.status == 200 else {
      throw KConnectError(.http, "'\(url)' answered HTTP \(answer.status), expected the cluster's sign-in settings", hint: "check the cluster's address", isRetryable: answer.status >= 500)
    }
    func broken(_ what: String) -> KConnectError { KConnectError(.formatCorrupt, "'\(url)': \(what)", hint: "is this a Kusto cluster?") }
    guard answer.body.count <= Self.limit else { throw broken("\(answer.body.count) bytes, expected at most \(Self.limit)") }
    guard let document = try? DynamicValue(parsing: String(decoding: answer.body, as: UTF8.self)) else { throw broken("the answer is not JSON") }
    guard let own = document["AzureAD"] else { throw broken("the answer has no member 'AzureAD'") }
    if case .null = own { return fallback }
    guard let login = own["LoginEndpoint"]?.text, let resource = own["KustoServiceResourceId"]?.text else {
      throw broken("'AzureAD' lacks 'LoginEndpoint' or 'KustoServiceResourceId'")
    }
    guard let loginAddress = URLParts(login), loginAddress.scheme == "https" || loginAddress.isLoopback else {
      throw broken("'LoginEndpoint' is '\(login.prefix(80))', expected an https address")
    }
    var cloud = Cloud(loginEndpoint: login.withoutTrailingSlashes, kustoResource: resource.withoutTrailingSlashes)
    if let application = own["KustoClientAppId"]?.text { cloud.clientApplication = application }
    if case .bool(true)? = own["LoginMfaRequired"] { cloud.requiresMultiFactor = true }
    return cloud
  }
}

/// One more attempt or two for failures that pass; the last answer stands.
enum Retry {
  private static let attempts = 3

  /// Sends; waits and sends again after retryable errors and statuses of `isPassing`, as long as the service asks but at most 30 s.
  static func send(
    _ request: HTTPRequest, _ context: CredentialContext, attempts: Int = attempts, isPassing: (Int) -> Bool = { $0 == 429 || $0 >= 500 && $0 != 501 }
  ) throws -> HTTPResponse {
    var attempt = 1
    while true {
      var delay = 500 << (attempt - 1)
      do {
        // SAFETY: no receiver, so no pointer is handed over.
        let answer = try unsafe context.transport.send(request, receive: nil)
        guard attempt < attempts, isPassing(answer.status) else { return answer }
        if let asked = answer.headers["retry-after"].flatMap({ Int($0) }) { delay = min(max(asked, 0), 30) * 1_000 }
      } catch let error as KConnectError where error.isRetryable && attempt < attempts {}
      try context.wait(delay)
      attempt += 1
    }
  }
}

extension DynamicValue {
  /// The text of a string; nil for other values.
  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// A whole number, also one that stands as a text, as identity services write them.
  var wholeNumber: Int64? {
    switch self {
    case .long(let n): n
    case .real(let n) where n.magnitude < 9e15: Int64(n)
    case .string(let text): Int64(text)
    default: nil
    }
  }
}

extension String {
  var withoutTrailingSlashes: String {
    var text = self
    while text.hasSuffix("/") { text.removeLast() }
    return text
  }
}
