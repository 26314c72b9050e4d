// Role: signs requests to storage with an account key: the string of method, headers and resource that the service computes too.
// Source: Authorize with Shared Key (Blob, Queue and File services, 2015-02-21 and later).

import DataSource

package enum SharedKey {
  private static let signedHeaders = [
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date", "if-modified-since", "if-match", "if-none-match",
    "if-unmodified-since", "range",
  ]

  /// The value of `Authorization`. `request` has its final headers and an encoded URL. Throws CONFIGURATION for a key that is not Base64.
  static func authorization(_ request: HTTPRequest, account: String, key: Secret) throws -> String {
    guard let bytes = Base64.bytes(key.reveal()), !bytes.isEmpty else {
      throw KConnectError(.configuration, "the key of the storage account '\(account)' is not Base64", hint: "copy it from the account's access keys")
    }
    let signature = try Crypto.hmacSHA256(key: bytes, Array(stringToSign(request, account: account).utf8))
    return "SharedKey \(account):\(Base64.text(signature))"
  }

  /// What is signed; exact to the byte.
  package static func stringToSign(_ request: HTTPRequest, account: String) -> String {
    var values: [String: String] = [:]
    for (name, value) in request.headers { values[name.lowercased()] = value }
    if let count = request.body?.count, count > 0 { values["content-length"] = String(count) }
    var lines = [request.method] + signedHeaders.map { values[$0] ?? "" }
    lines += values.filter { $0.key.hasPrefix("x-ms-") }.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
    let parts = URLParts(request.url)
    var resource = "/" + account + (parts?.path ?? "")
    var queries: [String: [String]] = [:]
    for pair in (parts?.query ?? "").split(separator: "&") {
      let name = pair.prefix { $0 != "=" }
      queries[percentDecoded(name).lowercased(), default: []].append(percentDecoded(pair.dropFirst(name.count + 1)))
    }
    for (name, values) in queries.sorted(by: { $0.key < $1.key }) { resource += "\n\(name):\(values.sorted().joined(separator: ","))" }
    return (lines + [resource]).joined(separator: "\n")
  }
}
