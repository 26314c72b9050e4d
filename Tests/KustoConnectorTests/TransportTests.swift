// libcurl against a server that drops, delays, lies about lengths and refuses. Needs Python (KCONNECT_PYTHON); waits are those of a manual clock.

import Columnar
import DataSource
import Engine
import Expressions
import Glibc
import KQL
import KustoConnector
import KustoWire
import Synchronization
import Testing

/// The Python program beside this file; ends when it is released.
private final class FakeCluster: @unchecked Sendable {
  let port: Int
  private let input: Int32
  private let process: pid_t

  static var python: String? { getenv("KCONNECT_PYTHON").map { String(cString: $0) } }

  init() throws {
    let script = #filePath.replacingSuffix("TransportTests.swift", with: "fake_cluster.py")
    var toChild: [Int32] = [0, 0], fromChild: [Int32] = [0, 0]
    guard let python = Self.python, pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw KConnectError(.io, "no Python") }
    // The child must not hold the ends of this process, or its input would never end.
    for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    var child: pid_t = 0
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup(python), strdup(script), nil]
    defer { for argument in arguments { free(argument) } }
    let code = posix_spawn(&child, python, &actions, nil, arguments, environ)
    posix_spawn_file_actions_destroy(&actions)
    close(toChild[0])
    close(fromChild[1])
    guard code == 0 else { throw KConnectError(.io, "cannot start \(python)") }
    process = child
    input = toChild[1]
    var line = ""
    var byte: UInt8 = 0
    while read(fromChild[0], &byte, 1) == 1, byte != 10 { line.append(Character(UnicodeScalar(byte))) }
    close(fromChild[0])
    guard let number = Int(line) else { throw KConnectError(.io, "the server did not say its port: '\(line)'") }
    port = number
  }

  deinit {
    close(input)
    waitpid(process, nil, 0)
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String { hasSuffix(suffix) ? dropLast(suffix.count) + other : self }
}

/// Sends everything to this machine, whatever host it is meant for, and keeps what was to be sent.
private final class Rehosted: HTTPTransport {
  private let port: Int
  private let inner = CurlTransport()
  private let kept = Mutex<[HTTPRequest]>([])

  init(port: Int) { self.port = port }

  var requests: [HTTPRequest] { kept.withLock { $0 } }

  func send(_ request: HTTPRequest, receive: HTTPBodyReceiver?) throws -> HTTPResponse {
    kept.withLock { $0.append(request) }
    var request = request
    if let parts = URLParts(request.url) { request.url = "http://127.0.0.1:\(port)" + request.url.dropFirst(parts.origin.count) }
    return try inner.send(request, receive: receive)
  }
}

@Suite(.enabled(if: FakeCluster.python != nil, "KCONNECT_PYTHON names no Python"), .serialized) struct TransportTests {
  private let cluster: FakeCluster
  private let clock = ManualClock()

  init() throws { cluster = try FakeCluster() }

  private func rows(_ query: String, transport: CurlTransport = CurlTransport()) throws -> (rows: Int, sum: Int64) {
    let client = ClusterClient(try ClusterAddress("http://127.0.0.1:\(cluster.port)"), transport: transport, retry: RetryPolicy(clock: clock))
    var rows = 0
    var sum: Int64 = 0
    try client.query(query, database: "db") { event in
      guard case .rows(let table, let batch) = event, table.kind == .primaryResult else { return }
      rows += batch.rowCount
      for i in 0..<batch.rowCount { if case .long(let n) = batch.columns[0].scalar(i) { sum += n } }
    }
    return (rows, sum)
  }

  @Test func answersOfManySizes() throws {
    for n in [0, 1, 1_000, 200_000] {
      #expect(try rows("rows \(n)") == (n, Int64(n) * Int64(n - 1) / 2))
      #expect(try rows("gzip \(n)") == (n, Int64(n) * Int64(n - 1) / 2))
    }
  }

  @Test func connectionsAreUsedAgain() throws {
    let transport = CurlTransport()
    #expect(try rows("peer 1", transport: transport).sum == rows("peer 2", transport: transport).sum)
  }

  @Test(arguments: ["drop", "length", "truncated", "permanent", "redirect"]) func failures(_ query: String) {
    #expect(throws: KConnectError.self) { try rows(query) }
  }

  @Test func passingFailuresAreTriedAgain() throws {
    #expect(try rows("throttled a").rows == 1)
    #expect(clock.waits == [3_000])
    #expect(try rows("broken b").rows == 1)
    #expect(clock.waits.count == 3)
    #expect(try rows("early c").rows == 1)
  }

  @Test func transfersCanBeCancelled() throws {
    let transport = CurlTransport()
    var request = HTTPRequest("POST", "http://127.0.0.1:\(cluster.port)/v2/rest/query", body: Array("{\"csl\":\"slow\"}".utf8))
    request.isCancelled = { true }
    do {
      _ = try transport.send(request, receive: nil)
      Issue.record("not cancelled")
    } catch let error as KConnectError { #expect(error.code == .cancelled) }
  }

  @Test func timeIsLimited() throws {
    var request = HTTPRequest("POST", "http://127.0.0.1:\(cluster.port)/v2/rest/query", body: Array("{\"csl\":\"slow\"}".utf8))
    request.timeoutMilliseconds = 50
    do {
      _ = try CurlTransport().send(request, receive: nil)
      Issue.record("no time-out")
    } catch let error as KConnectError {
      #expect(error.code == .http)
      #expect(error.isRetryable)
    }
  }

  /// Bytes behind an answer without a body are no head of the next answer: such failures pass.
  @Test func pagesBehindAnswersWithoutBodies() throws {
    let transport = CurlTransport()
    let request = HTTPRequest("HEAD", "http://127.0.0.1:\(cluster.port)/bodied")
    for _ in 0..<4 {
      do { #expect(try transport.send(request, receive: nil).status == 500) } catch let error as KConnectError { #expect(error.isRetryable) }
    }
  }

  /// A service may work as long as it likes before its first byte; only bodies that stand still are given up.
  @Test func longWorkBeforeTheAnswer() throws {
    var settings = HTTPSettings()
    settings.stallTimeoutMilliseconds = 1_500
    #expect(try rows("late 3", transport: CurlTransport(settings)).rows == 3)
  }

  /// Time in which the receiver does not take more is not the service's.
  @Test func slowReceivers() throws {
    // The service has the answer ready then.
    #expect(try rows("rows 100000").rows == 100_000)
    var request = HTTPRequest("POST", "http://127.0.0.1:\(cluster.port)/v2/rest/query", body: Array("{\"csl\":\"rows 100000\"}".utf8))
    request.timeoutMilliseconds = 3_000
    var calls = 0, bytes = 0
    _ = try CurlTransport().send(request) { piece in
      calls += 1
      bytes += piece.count
      if calls == 1 { usleep(4_000_000) }
      return true
    }
    #expect(calls > 1 && bytes > 1_000_000)
  }

  /// The library sends a request again when a connection that was used before is closed without an answer: not those that may count once only.
  @Test(arguments: [true, false]) func closedConnections(_ isRepeatable: Bool) throws {
    let transport = CurlTransport()
    let query = "vanish \(isRepeatable)"
    #expect(try rows("rows 1", transport: transport).rows == 1)
    var request = HTTPRequest("POST", "http://127.0.0.1:\(cluster.port)/v2/rest/query", body: Array("{\"csl\":\"\(query)\"}".utf8))
    request.isRepeatable = isRepeatable
    #expect(throws: KConnectError.self) { try transport.send(request, receive: nil) }
    #expect(try rows("times \(query)").rows == (isRepeatable ? 2 : 1))
  }

  @Test func bodiesAsTheyAreStored() throws {
    var request = HTTPRequest("POST", "http://127.0.0.1:\(cluster.port)/v2/rest/query", body: Array("{\"csl\":\"gzip 10\"}".utf8))
    #expect(try CurlTransport().send(request, receive: nil).body.first == UInt8(ascii: "["))
    request.decodesBody = false
    #expect(try CurlTransport().send(request, receive: nil).body.prefix(2) == [0x1F, 0x8B])
  }

  @Test func distributedReads() throws {
    let url = "http://127.0.0.1:\(cluster.port)"
    let given = [
      ("kustoCluster", url), ("kustoDatabase", "db"), ("kustoQuery", "exported rows"), ("readMode", "ForceDistributedMode"),
      ("transientStorage", "{\"storageCredentials\":[{\"sasUrl\":\"\(url)/account/c?sig=secret\"}]}"), ("kustoExportOptionsJson", "{\"sizeLimit\":\"100\",\"compressionType\":\"zstd\"}"),
    ]
    let source = KustoSource()
    let context = EvaluationContext(nowTicks: 0, seed: 1)
    var rows = 0
    var last: Int64 = 0
    do {
      let options = try DataSourceOptions(source: "kusto", specs: source.options(for: [], given: given), given: given, use: .read)
      let plan = try source.plan([], schema: nil, options: options, execution: ExecutionOptions(), context: context)
      #expect(plan.schema.fields.map(\.type) == [.long, .timespan])
      try QueryExecution(plan, options: ExecutionOptions(), context: context).run { batch in
        rows += batch.rowCount
        for i in 0..<batch.rowCount { if case .timespan(let ticks) = batch.columns[1].scalar(i) { last = max(last, ticks) } }
        return true
      }
    }
    #expect(rows == 6_000)
    #expect(last == 59 * 10_000_000)
    // Nothing stays in the container. The files go when the last thread has let go of the scan: asked again until then, so often at most.
    var deleted = 0
    for _ in 0..<5_000 where deleted < 3 { deleted = try self.rows("deleted").rows }
    #expect(deleted == 3)
  }

  struct Storage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let json: String
    /// What the command says of each container.
    let roots: [String]
    /// How the requests for files begin, and how they prove themselves.
    let reads: Set<String>
  }

  /// Storage that the caller's own token opens, in OneLake too, and containers of several accounts in one read.
  @Test(arguments: [
    Storage(
      testDescription: "impersonation", json: #"{"storageCredentials":[{"sasUrl":"https://acct.blob.core.windows.net/box;impersonate"}]}"#,
      roots: ["https://acct.blob.core.windows.net/box;impersonate"], reads: ["https://acct.blob.core.windows.net/box/part Bearer T"]),
    Storage(
      testDescription: "OneLake", json: #"{"storageCredentials":[{"oneLakeUrl":"https://onelake.dfs.fabric.microsoft.com/sales/Lake.Lakehouse/Files/x"}]}"#,
      roots: ["https://onelake.dfs.fabric.microsoft.com/sales/Lake.Lakehouse/Files/x;impersonate"], reads: ["https://onelake.blob.fabric.microsoft.com/sales/Lake.Lakehouse/Files/x/part Bearer T"]),
    Storage(
      testDescription: "OneLake as Hadoop names it", json: #"{"STORAGECREDENTIALS":[{"OneLakeUrl":"abfss://sales@OneLake.dfs.fabric.microsoft.com/Lake.Lakehouse/Tables/a%20b/"}]}"#,
      roots: ["https://onelake.dfs.fabric.microsoft.com/sales/Lake.Lakehouse/Tables/a%20b;impersonate"], reads: ["https://onelake.blob.fabric.microsoft.com/sales/Lake.Lakehouse/Tables/a%20b/part Bearer T"]),
    Storage(
      testDescription: "two accounts and a signature",
      json: #"{"storageCredentials":[{"storageAccountName":"one","storageAccountKey":"b25l","blobContainer":"box"},{"storageAccountName":"two","storageAccountKey":"dHdv","blobContainer":"box"},{"sasUrl":"https://three.blob.core.windows.net/box?sig=secret"}],"endpointSuffix":"core.windows.net"}"#,
      roots: ["https://one.blob.core.windows.net/box;b25l", "https://two.blob.core.windows.net/box;dHdv", "https://three.blob.core.windows.net/box?sig=secret"],
      reads: ["https://one.blob.core.windows.net/box/part SharedKey one", "https://two.blob.core.windows.net/box/part SharedKey two", "https://three.blob.core.windows.net/box/part "]),
  ])
  func storages(_ storage: Storage) throws {
    let transport = Rehosted(port: cluster.port)
    let client = ClusterClient(try ClusterAddress("http://127.0.0.1:\(cluster.port)"), tokens: FixedToken("T"), transport: transport, retry: RetryPolicy(clock: clock))
    var reader = ClusterReader(client: client, database: "db")
    reader.export = try ClusterExport(storage: try TransientStorage(json: storage.json), options: nil, timeoutSeconds: 600)
    let shape = QueryTextShape("exported rows")
    var rows = 0
    do {
      let table = ClusterTable(reader, shape, schema: try reader.probe(shape), takesPlans: false)
      try QueryExecution(.scan(table), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 1)).run { batch in
        rows += batch.rowCount
        return true
      }
    }
    #expect(rows == 6_000)
    let command = try #require(transport.requests.compactMap { ScriptedTransport.text($0) }.first { $0.hasPrefix(".export") })
    for root in storage.roots { #expect(command.contains(root), "\(command)") }
    let reads = transport.requests.filter { $0.method == "GET" && $0.url.contains("/part") }.map { request -> String in
      let proof = request.headers.first { $0.name == "Authorization" }?.value.prefix { $0 != ":" } ?? ""
      return request.url.prefix { $0 != "?" }.replacing(/part\d\.parquet/, with: "part") + " " + proof
    }
    #expect(Set(reads) == storage.reads)
    var deleted = 0
    for _ in 0..<5_000 where deleted < 3 { deleted = try self.rows("deleted").rows }
    #expect(deleted == 3)
  }

  @Test func storageOfTheCallerNeedsACaller() throws {
    let client = ClusterClient(try ClusterAddress("http://127.0.0.1:\(cluster.port)"), transport: CurlTransport(), retry: RetryPolicy(clock: clock))
    var reader = ClusterReader(client: client, database: "db")
    reader.export = try ClusterExport(storage: try TransientStorage(json: #"{"storageCredentials":[{"sasUrl":"https://a.blob.core.windows.net/box;impersonate"}]}"#), options: nil, timeoutSeconds: 600)
    let shape = QueryTextShape("exported rows")
    let table = ClusterTable(reader, shape, schema: try reader.probe(shape), takesPlans: false)
    let error = failure { try QueryExecution(.scan(table), options: ExecutionOptions(), context: EvaluationContext(nowTicks: 0, seed: 1)).run { _ in true } }
    #expect(error.code == .configuration && error.message.contains("there is none"))
  }

  @Test func headersHoldNoLines() {
    let request = HTTPRequest("GET", "http://127.0.0.1:\(cluster.port)/", headers: [("x-a", "b\r\nx-c: d")])
    #expect(throws: KConnectError.self) { try CurlTransport().send(request, receive: nil) }
  }

  @Test func nobodyAnswers() {
    let client = HTTPRequest("GET", "http://127.0.0.1:1/")
    #expect(throws: KConnectError.self) { try CurlTransport().send(client, receive: nil) }
  }
}
