// Role: who may use the server's blobs with the key of the storage account: requests signed with it (SharedKey), and addresses signed with it (SAS).
// Source: Microsoft, "Authorize with Shared Key", "Create a service SAS".

import Columnar
import DataSource
import KustoConnector
import KustoStore
import KustoWire

/// The account `devstoreaccount1` with its key.
package struct StorageAccount: Sendable {
  private let key: Secret

  /// - Parameter key: in Base64. Throws CONFIGURATION.
  package init(key: String) throws {
    let key = Secret(String(key.prefix { !$0.isWhitespace }))
    _ = try SharedKey.signature(of: "", key: key, account: BlobStore.account)
    self.key = key
  }

  /// Containers that only the account's key and signatures made with it open.
  static func isContainerName(_ name: String) -> Bool {
    let isWord = name.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: "-") }
    return isWord && (3...63).contains(name.utf8.count) && name != "block" && !name.hasPrefix("-") && !name.hasSuffix("-")
  }

  /// True when the request has the key's signature, in a header or in its address. `blob`: decoded; nil for the container.
  func allows(_ request: ServerRequest, container: String, blob: String?) throws -> Bool {
    if let given = request.header("authorization"), given.hasPrefix("SharedKey ") { return try isSigned(request, given) }
    guard let signature = request.parameter("sig") else { return false }
    return try isSigned(request, signature, container, blob)
  }

  private func isSigned(_ request: ServerRequest, _ given: String) throws -> Bool {
    guard let date = request.header("x-ms-date") ?? request.header("date"), SharedKey.isFresh(date, nowTicks: StoreClock.nowTicks) else { return false }
    let text = SharedKey.stringToSign(
      method: request.method, path: request.path, query: request.query, headers: request.headers.map { ($0.name, $0.value) }, account: BlobStore.account)
    return Secret(given) == Secret("SharedKey \(BlobStore.account):" + (try SharedKey.signature(of: text, key: key, account: BlobStore.account)))
  }

  private func isSigned(_ request: ServerRequest, _ signature: String, _ container: String, _ blob: String?) throws -> Bool {
    func field(_ name: String) -> String { request.parameter(name) ?? "" }
    func ticks(_ name: String) -> Int64? { if case .datetime(let ticks)? = ScalarText.parse(field(name), as: .datetime) { ticks } else { nil } }
    guard let end = ticks("se"), end > StoreClock.nowTicks, field("st").isEmpty || ticks("st").map({ $0 <= StoreClock.nowTicks }) == true else { return false }
    let resource = field("sr")
    guard resource == "c" || resource == "b" && blob != nil else { return false }
    let place = "/blob/\(BlobStore.account)/\(container)" + (resource == "b" ? "/" + (blob ?? "") : "")
    let text = [
      field("sp"), field("st"), field("se"), place, field("si"), field("sip"), field("spr"), field("sv"), resource, field("snapshot"), field("ses"), field("rscc"),
      field("rscd"), field("rsce"), field("rscl"), field("rsct"),
    ].joined(separator: "\n")
    guard Secret(signature) == Secret(try SharedKey.signature(of: text, key: key, account: BlobStore.account)) else { return false }
    guard field("spr") != "https" || request.isSecure, field("sip").isEmpty, field("si").isEmpty else { return false }
    return Self.rights(request, blob).contains { field("sp").contains($0) }
  }

  /// Letters of which one is needed.
  static func rights(_ request: ServerRequest, _ blob: String?) -> Set<Character> {
    switch request.method {
    case "GET", "HEAD": blob == nil ? ["l"] : ["r"]
    case "DELETE": blob == nil ? [] : ["d"]
    default: blob == nil ? [] : ["w", "c"]
    }
  }
}
