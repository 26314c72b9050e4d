// Role: requests to one storage container: signed, sent again after failures that pass, refusals as named errors. Source: Blob service REST API.

import Columnar
import DataSource
import FileConnector

/// How requests prove who sends them.
enum BlobCredential: Sendable {
  /// A shared access signature, as it stands behind `?`.
  case signature(Secret)
  case accountKey(Secret)
  case tokens(any TokenProvider)
  /// Public containers.
  case anonymous
}

/// One container. Thread-safe.
struct BlobClient: Sendable {
  let address: BlobAddress
  let credential: BlobCredential
  let context: CredentialContext

  static let version = "2021-12-02"

  /// The container's address without secrets.
  var shown: String { address.endpoint + "/" + address.container }

  /// Sends a request for `name` (empty: the container) and answers what has a status of 2xx or one in `expected`. Other statuses throw.
  func send(
    _ method: String, _ name: String, query: [(String, String)] = [], headers: [(String, String)] = [], body: [UInt8]? = nil, expected: Set<Int> = []
  ) throws -> HTTPResponse {
    let answer = try attempt(method, name, query, headers, body, isRenewed: false)
    if answer.status >= 200 && answer.status < 300 || expected.contains(answer.status) { return answer }
    throw failure(answer, method, name)
  }

  private func attempt(
    _ method: String, _ name: String, _ query: [(String, String)], _ headers: [(String, String)], _ body: [UInt8]?, isRenewed: Bool
  ) throws -> HTTPResponse {
    var url = address.endpoint + "/" + FormText.encoded(address.container)
    if !name.isEmpty { url += "/" + FormText.encoded(name, keeping: "/") }
    var items = query.map { FormText.encoded($0.0) + "=" + FormText.encoded($0.1) }
    if case .signature(let text) = credential { items.append(text.reveal()) }
    if !items.isEmpty { url += "?" + items.joined(separator: "&") }
    var request = HTTPRequest(method, url, headers: headers.map { (name: $0.0, value: $0.1) }, body: body ?? (method == "PUT" ? [] : nil))
    request.headers.append((name: "x-ms-version", value: Self.version))
    request.headers.append((name: "x-ms-date", value: HTTPDate.text(context.now())))
    request.timeoutMilliseconds = 600_000
    // Sizes and ranges are those of what is stored.
    request.decodesBody = false
    var token: Token?
    let resource = TokenResource(endpoint: URLParts(address.endpoint)?.origin ?? address.endpoint, audience: Cloud.publicCloud.storageResource)
    switch credential {
    case .signature, .anonymous: break
    case .accountKey(let key): request.headers.append((name: "Authorization", value: try SharedKey.authorization(request, account: address.account, key: key)))
    case .tokens(let provider):
      token = try provider.token(for: resource)
      if let token { request.headers.append((name: "Authorization", value: "Bearer " + token.secret)) }
    }
    let answer: HTTPResponse
    do { answer = try Retry.send(request, context, attempts: 4) } catch let error as KConnectError where error.code == .http {
      throw KConnectError(.http, "cannot reach '\(shown)': \(URLText.shown(error.message))", hint: error.hint, isRetryable: error.isRetryable)
    }
    if answer.status == 401, !isRenewed, let token, case .tokens(let provider) = credential, provider.invalidate(token, for: resource) {
      return try attempt(method, name, query, headers, body, isRenewed: true)
    }
    return answer
  }

  /// The error of a refusal: the service's own code, which holds no secret.
  private func failure(_ answer: HTTPResponse, _ method: String, _ name: String) -> KConnectError {
    let what = name.isEmpty ? shown : shown + "/" + name
    var document = XMLScanner(answer.body)
    let reason = answer.headers["x-ms-error-code"] ?? document.text(of: "Code") ?? ""
    let shownReason = reason.isEmpty ? "" : " (\(reason.prefix(80)))"
    switch answer.status {
    case 404 where reason == "ContainerNotFound": return KConnectError(.pathNotFound, "the container '\(shown)' does not exist", hint: "create it, or check the name")
    case 404: return KConnectError(.pathNotFound, "'\(what)' does not exist\(shownReason)")
    case 401, 403:
      return KConnectError(.authentication, "'\(what)' may not be \(method == "GET" || method == "HEAD" ? "read" : "written"): HTTP \(answer.status)\(shownReason)", hint: accessHint(reason))
    case 409 where reason == "BlobAlreadyExists", 412 where method == "PUT":
      return KConnectError(.alreadyExists, "'\(what)' exists already", hint: "mode append adds to it, overwrite replaces it, ignore leaves it alone")
    case 412: return KConnectError(.io, "'\(what)' was changed while it was read", hint: "read it again")
    default:
      return KConnectError(.http, "'\(what)' answered HTTP \(answer.status)\(shownReason)", isRetryable: answer.status == 429 || answer.status >= 500)
    }
  }

  private func accessHint(_ reason: String) -> String {
    switch credential {
    case .signature: "the signature (SAS) has ended or lacks a right: read and list, for writing also create and write"
    case .accountKey: "check storageAccountKey"
    case .tokens: "the identity needs the role Storage Blob Data Reader, for writing Contributor"
    case .anonymous: "give sas, storageAccountKey or a method of authentication: kconnect options parquet"
    }
  }
}
