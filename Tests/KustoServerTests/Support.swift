// Role: a service over a store in a temporary directory, and requests made by hand.

import Columnar
import DataSource
import Foundation
import KustoServer
import KustoStore

/// A reply, whole.
final class CollectedReply: ReplyWriter {
  private(set) var head: ReplyHead?
  private(set) var bytes: [UInt8] = []
  func start(_ head: ReplyHead) { self.head = head }
  func write(_ bytes: Buffer<UInt8>) { self.bytes += bytes.array }
  var status: Int { head?.status ?? 0 }
  var text: String { String(decoding: bytes, as: UTF8.self) }
  func header(_ name: String) -> String? { head?.headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// A service for one test; its store goes with it.
final class TestService: Sendable {
  let directory: String
  let service: KustoService

  init(allowedPaths: [String] = [], allowedURLs: [String] = [], authenticator: (any Authenticator)? = nil, accessLog: AccessLog? = nil, change: (inout ServerConfiguration) -> Void = { _ in }) throws {
    directory = NSTemporaryDirectory() + "kconnect-server-" + UUID().uuidString
    var configuration = ServerConfiguration(storePath: directory + "/store")
    configuration.allowedPaths = allowedPaths
    configuration.allowedURLs = allowedURLs
    configuration.upkeepInterval = 0
    change(&configuration)
    service = try KustoService(configuration, authenticator: authenticator, accessLog: accessLog)
  }

  deinit {
    service.executor.store.close()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// - Parameter kind: of the blob that a PUT makes; nil: it is not said.
  @discardableResult
  func send(_ method: String, _ target: String, headers: [(name: String, value: String)] = [], kind: String? = "BlockBlob", _ body: [UInt8] = []) -> CollectedReply {
    let reply = CollectedReply()
    let kinds = method == "PUT" ? kind.map { [(name: "x-ms-blob-type", value: $0)] } ?? [] : []
    service.handle(ServerRequest(method: method, target: target, headers: headers + kinds, body: MemoryBytes(body)), reply)
    return reply
  }

  /// A query or command as clients send it.
  @discardableResult
  func ask(_ text: String, _ path: String = "/v2/rest/query", database: String? = nil, properties: String? = nil) -> CollectedReply {
    var entries = [DynamicEntry("csl", .string(text))]
    if let database { entries.append(DynamicEntry("db", .string(database))) }
    if let properties { entries.append(DynamicEntry("properties", .string(properties))) }
    return send("POST", path, Array(DynamicValue.bag(entries).json.utf8))
  }

  @discardableResult
  func command(_ text: String) -> CollectedReply { ask(text, "/v1/rest/mgmt") }

  /// The rows of a query as JSON.
  func rows(_ text: String) -> String {
    let reply = ask(text, "/v1/rest/query")
    guard let table = DynamicValue(json: reply.text)?["Tables"]?.elements?.first, let rows = table["Rows"] else { return reply.text }
    return rows.json
  }
}
