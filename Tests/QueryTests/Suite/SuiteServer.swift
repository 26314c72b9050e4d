// Role: the suite through HTTP: a server of this process, and the client that `query --cluster` uses.

import Columnar
import DataSource
import Engine
import Foundation
import KustoConnector
import KustoServer

/// A database of its own on the suite's server, reached by HTTP.
struct SuiteServer: Sendable {
  let reader: ClusterReader

  /// One server for all files; it ends with the process.
  private static let address: Result<String, any Error> = Result {
    let path = FileManager.default.temporaryDirectory.path + "/kqltest-server-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)"
    RemovedAtExit.append(path)
    var configuration = ServerConfiguration(storePath: path)
    configuration.upkeepInterval = 0
    let service = try KustoService(configuration)
    service.start()
    let (urls, found) = AsyncStream<String>.makeStream()
    Task.detached {
      do { try await HTTPServer.run(service, try ListenAddress("127.0.0.1:0")) { found.yield($0) } } catch { found.finish() }
    }
    let url = Waiting<String?>()
    Task.detached {
      var iterator = urls.makeAsyncIterator()
      url.set(await iterator.next())
    }
    guard let url = url.get() else { throw CaseFileError(description: "the suite's server does not listen") }
    return url
  }

  init() throws {
    let url = try Self.address.get()
    let database = "d" + UUID().uuidString.replacingOccurrences(of: "-", with: "")
    let now = #"{"Options":{"query_now":"datetime(2024-06-01T12:00:00Z)"}}"#
    let first = try ClusterReader(cluster: url, database: nil, options: []) { _ in }
    _ = try first.client.command(".create database \(database)", database: nil)
    reader = try ClusterReader(cluster: url, database: database, options: [("clientRequestPropertiesJson", now)]) { _ in }
  }

  func run(command: String) throws { _ = try reader.client.command(command, database: reader.database) }

  func results(_ text: String) throws -> [LogicalPlan] { try ClusterResults.run(text, reader).map(\.plan) }
}

/// A value that one thread waits for and another one gives.
private final class Waiting<Value: Sendable>: @unchecked Sendable {  // the semaphore orders the accesses
  private let semaphore = DispatchSemaphore(value: 0)
  private var value: Value?

  func set(_ value: Value) {
    self.value = value
    semaphore.signal()
  }

  func get() -> Value {
    semaphore.wait()
    guard let value else { preconditionFailure("signalled before it was set") }
    return value
  }
}
