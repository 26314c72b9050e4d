// Role: signs requests to storage with an account key: the string of method, headers and resource that the service computes too.
// Source: Authorize with Shared Key (Blob, Queue and File services, 2015-02-21 and later).

import Columnar
import DataSource

package enum SharedKey {
  private static let signedHeaders = [
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date", "if-modified-since", "if-match", "if-none-match",
    "if-unmodified-since", "range",
  ]

  /// The value of `Authorization`. `request` has its final headers and an encoded URL. Throws CONFIGURATION for a key that is not Base64.
  static func authorization(_ request: HTTPRequest, account: String, key: Secret) throws -> String {
    "SharedKey \(account):\(try signature(of: stringToSign(request, account: account), key: key, account: account))"
  }

  /// The signature of a text, in Base64. Throws CONFIGURATION for a key that is not Base64.
  package static func signature(of text: String, key: Secret, account: String) throws -> String {
    guard let bytes = Base64.bytes(key.reveal()), !bytes.isEmpty else {
      throw KConnectError(.configuration, "the key of the storage account '\(account)' is not Base64", hint: "copy it from the account's access keys")
    }
    return Base64.text(try Crypto.hmacSHA256(key: bytes, Array(text.utf8)))
  }

  /// Whether a request's date is near enough that its signature counts: within a quarter of an hour.
  package static func isFresh(_ date: String, nowTicks: Int64) -> Bool {
    guard let ticks = HTTPDate.ticks(date) else { return false }
    return abs(ticks - nowTicks) <= 15 * 60 * 10_000_000
  }

  /// What is signed; exact to the byte.
  package static func stringToSign(_ request: HTTPRequest, account: String) -> String {
    let parts = URLParts(request.url)
    var headers = request.headers.map { ($0.name, $0.value) }
    if let count = request.body?.count { headers.append(("content-length", String(count))) }
    return stringToSign(method: request.method, path: parts?.path ?? "", query: parts?.query ?? "", headers: headers, account: account)
  }

  /// The same of a request in pieces; `path` and `query` as they are sent.
  package static func stringToSign(method: String, path: String, query: String, headers: [(String, String)], account: String) -> String {
    var values: [String: String] = [:]
    for (name, value) in headers { values[name.lowercased()] = value }
    if values["content-length"] == "0" { values["content-length"] = nil }
    // The other date is the one that counts.
    if values["x-ms-date"] != nil { values["date"] = nil }
    var lines = [method] + signedHeaders.map { values[$0] ?? "" }
    lines += values.filter { $0.key.hasPrefix("x-ms-") }.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
    var resource = "/" + account + path
    var queries: [String: [String]] = [:]
    for pair in query.split(separator: "&") {
      let name = pair.prefix { $0 != "=" }
      queries[percentDecoded(name).lowercased(), default: []].append(percentDecoded(pair.dropFirst(name.count + 1)))
    }
    for (name, values) in queries.sorted(by: { $0.key < $1.key }) { resource += "\n\(name):\(values.sorted().joined(separator: ","))" }
    return (lines + [resource]).joined(separator: "\n")
  }
}
