// Azure storage as a place of files: addresses, signatures, listing, ranges, block uploads, save modes — against a storage service in memory.

import Columnar
import DataSource
import Expressions
import FileConnector
import KustoConnector
import Synchronization
import Testing

/// A storage account in memory, which checks what clients promise: ranges, conditions, block lists.
final class MemoryStorage: HTTPTransport {
  private struct State {
    var blobs: [String: [UInt8]] = [:]
    var blocks: [String: [String: [UInt8]]] = [:]
    var version = 0
    var tags: [String: String] = [:]
    var requests: [HTTPRequest] = []
    var failures: [Int: Int] = [:]
    /// The blocks of blobs that were put as such.
    var lists: [String: [String]] = [:]
    /// Requests that are carried out while their answer is lost.
    var lost: Set<Int> = []
  }
  private let state = Mutex(State())
  /// Blobs in a page of a listing.
  let pageSize: Int

  init(pageSize: Int = 2) { self.pageSize = pageSize }

  var blobs: [String: [UInt8]] { state.withLock { $0.blobs } }
  var requests: [HTTPRequest] { state.withLock { $0.requests } }
  func put(_ name: String, _ text: String) { put(name, Array(text.utf8)) }
  func put(_ name: String, _ bytes: [UInt8]) {
    state.withLock { state in
      state.version += 1
      state.blobs[name] = bytes
      state.tags[name] = "\"\(state.version)\""
    }
  }
  /// The n-th request from now answers with a status.
  func fail(_ n: Int, _ status: Int) { state.withLock { $0.failures[$0.requests.count + n] = status } }

  /// The answer to the n-th request from now is lost.
  func lose(_ n: Int) { state.withLock { _ = $0.lost.insert($0.requests.count + n) } }

  func send(_ request: HTTPRequest, receive: HTTPBodyReceiver?) throws -> HTTPResponse {
    let (answer, isLost) = state.withLock { state in (Self.answer(&state, request, pageSize), state.lost.contains(state.requests.count)) }
    if isLost { throw KConnectError(.http, "cut", isRetryable: true) }
    return answer
  }

  private static func answer(_ state: inout State, _ request: HTTPRequest, _ pageSize: Int) -> HTTPResponse {
    state.requests.append(request)
    if let status = state.failures[state.requests.count] { return HTTPResponse(status: status) }
    guard let parts = URLParts(request.url) else { return HTTPResponse(status: 400) }
    var query: [String: String] = [:]
    for pair in (parts.query ?? "").split(separator: "&") {
      let name = pair.prefix { $0 != "=" }
      query[percentDecoded(name)] = percentDecoded(pair.dropFirst(name.count + 1))
    }
    func header(_ name: String) -> String? { request.headers.first { $0.name.lowercased() == name.lowercased() }?.value }
    guard query["sig"] == "good" || header("Authorization") != nil else {
      return HTTPResponse(status: 403, headers: ["x-ms-error-code": "AuthenticationFailed"], body: Array("<Error><Code>AuthenticationFailed</Code></Error>".utf8))
    }
    let segments = parts.path.split(separator: "/").map { percentDecoded($0) }
    guard segments.first == "box" else { return HTTPResponse(status: 404, headers: ["x-ms-error-code": "ContainerNotFound"]) }
    let name = segments.dropFirst().joined(separator: "/")
    switch (request.method, query["comp"]) {
    case ("GET", "list"): return list(state, query, pageSize)
    case ("PUT", "block"):
      state.blocks[name, default: [:]][query["blockid"] ?? ""] = request.body
      return HTTPResponse(status: 201)
    case ("PUT", "blocklist"):
      if header("If-None-Match") == "*", state.blobs[name] != nil { return HTTPResponse(status: 409, headers: ["x-ms-error-code": "BlobAlreadyExists"]) }
      let ids = String(decoding: request.body ?? [], as: UTF8.self).split(separator: "<Latest>").dropFirst().map { String($0.prefix { $0 != "<" }) }
      state.version += 1
      state.blobs[name] = ids.flatMap { state.blocks[name]?[$0] ?? [] }
      state.tags[name] = "\"\(state.version)\""
      state.blocks[name] = nil
      state.lists[name] = ids
      return HTTPResponse(status: 201)
    case ("GET", "blocklist"):
      guard state.blobs[name] != nil else { return HTTPResponse(status: 404) }
      let blocks = (state.lists[name] ?? []).map { "<Block><Name>\($0)</Name><Size>1</Size></Block>" }.joined()
      return HTTPResponse(status: 200, body: Array("<BlockList><CommittedBlocks>\(blocks)</CommittedBlocks></BlockList>".utf8))
    case ("DELETE", _): return HTTPResponse(status: state.blobs.removeValue(forKey: name) == nil ? 404 : 202)
    case ("HEAD", _), ("GET", _):
      guard let bytes = state.blobs[name] else { return HTTPResponse(status: 404, headers: ["x-ms-error-code": "BlobNotFound"]) }
      if let wanted = header("If-Match"), wanted != state.tags[name] { return HTTPResponse(status: 412) }
      var headers = ["content-length": String(bytes.count), "etag": state.tags[name] ?? "", "last-modified": "Wed, 01 Jan 2025 00:00:00 GMT"]
      if request.method == "HEAD" { return HTTPResponse(status: 200, headers: headers) }
      guard let range = header("x-ms-range")?.dropFirst(6).split(separator: "-").compactMap({ Int($0) }), range.count == 2, range[0] < bytes.count else {
        return HTTPResponse(status: 416)
      }
      let piece = Array(bytes[range[0]...min(range[1], bytes.count - 1)])
      headers["content-length"] = String(piece.count)
      return HTTPResponse(status: 206, headers: headers, body: piece)
    default: return HTTPResponse(status: 400)
    }
  }

  private static func list(_ state: State, _ query: [String: String], _ pageSize: Int) -> HTTPResponse {
    let names = state.blobs.keys.filter { $0.hasPrefix(query["prefix"] ?? "") }.sorted()
    let start = query["marker"].flatMap { Int($0) } ?? 0
    var text = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://a/\" ContainerName='box'><Blobs>"
    for name in names.dropFirst(start).prefix(pageSize) {
      let shown = name.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
      text +=
        "<Blob><Name>\(shown)</Name><Properties><Last-Modified>Wed, 01 Jan 2025 00:00:00 GMT</Last-Modified><Etag>\(state.tags[name]?.filter { $0 != "\"" } ?? "")</Etag>"
        + "<Content-Length>\(state.blobs[name]?.count ?? 0)</Content-Length><Content-MD5 /></Properties></Blob>"
    }
    let end = start + pageSize
    text += "</Blobs><NextMarker>\(end < names.count ? String(end) : "")</NextMarker></EnumerationResults>"
    // Listings give tags without quotes; conditions want them as they were.
    return HTTPResponse(status: 200, body: Array(text.utf8))
  }
}

@Suite struct BlobTests {
  private static let root = "https://acct.blob.core.windows.net/box"
  private static let signature = ["sas": "?sv=2024&sig=good"]
  private static let context = EvaluationContext(nowTicks: 0, seed: 1)

  private func provider(_ storage: MemoryStorage, _ format: any FileFormat = CSVFormat()) -> FileProvider {
    let clock = HandClock()
    return FileProvider(
      format,
      stores: ObjectStores([
        BlobStore { CredentialContext(transport: storage, now: { clock.now }, wait: { clock.wait($0) }, environment: { _ in nil }, run: { _, _ in throw KConnectError(.pathNotFound, "") }, isInteractive: false) }
      ]))
  }

  private func options(_ provider: FileProvider, _ given: [String: String], _ use: OptionSpec.Use) throws -> DataSourceOptions {
    try DataSourceOptions(source: provider.shortName, specs: provider.options, given: given.map { ($0.key, $0.value) }, use: use)
  }

  /// The rows of a table as texts.
  private func read(_ provider: FileProvider, _ url: String, _ given: [String: String] = signature) throws -> [String] {
    let table = try provider.open([url], schema: nil, options: options(provider, given, .read))
    #expect(!table.description.contains("sig="))
    let scan = try table.scan(ScanRequest(columns: table.schema.names), context: Self.context)
    var rows: [String] = []
    while let morsel = try scan.nextMorsel() {
      try morsel.read { batch in
        for i in 0..<batch.rowCount { rows.append(batch.columns.map { ScalarText.text($0.scalar(i)) ?? "null" }.joined(separator: ",")) }
        return true
      }
    }
    return rows
  }

  private func write(_ provider: FileProvider, _ url: String, _ rows: Range<Int>, _ mode: SaveMode, _ given: [String: String] = signature, partitionBy: [String] = []) throws -> WriteSummary? {
    let schema = StructType([StructField("n", .long), StructField("k", .string)])
    let batch = RecordBatch(
      schema: schema, columns: [.of(.long, rows.map { .long(Int64($0)) }), .of(.string, rows.map { .string("k\($0 % 2)") })], rowCount: rows.count)
    guard let sink = try provider.makeSink(url, schema: schema, mode: mode, partitionBy: partitionBy, options: options(provider, given, .write)) else { return nil }
    try sink.append(try sink.encode([batch]))
    try sink.endOfRows()
    while let work = sink.takeWork() { try work() }
    return try sink.commit()
  }

  @Test(arguments: [
    "https://acct.blob.core.windows.net/box/dir", "https://acct.dfs.core.windows.net/box/dir/", "wasbs://box@acct.blob.core.windows.net/dir", "abfss://box@acct.dfs.core.windows.net/dir/",
    "https://acct.blob.core.windows.net/box/dir/*.csv", "wasbs://box@acct.blob.core.windows.net/d*",
  ])
  func directoriesInEverySpelling(_ url: String) throws {
    let storage = MemoryStorage()
    storage.put("dir/a.csv", "n\n1\n2\n")
    storage.put("dir/b & c.csv", "n\n3\n")
    storage.put("dir/z.csv", "n\n4\n")
    storage.put("dir/_SUCCESS", "")
    storage.put("dirt/x.txt", "no")
    #expect(try read(provider(storage), url.hasSuffix("/d*") ? "wasbs://box@acct.blob.core.windows.net/dir*/*.csv" : url) == ["1", "2", "3", "4"])
    #expect(storage.requests.allSatisfy { $0.url.hasPrefix("https://acct.blob.core.windows.net/box") })
    // Pages of two.
    #expect(storage.requests.count { $0.url.contains("comp=list") } >= 2)
  }

  @Test func partitionColumnsAndOneObject() throws {
    let storage = MemoryStorage()
    storage.put("t/k=a/p.csv", "n\n1\n")
    storage.put("t/k=b/p.csv", "n\n2\n")
    #expect(try read(provider(storage), Self.root + "/t") == ["1,a", "2,b"])
    #expect(try read(provider(storage), Self.root + "/t/k=b/p.csv?sv=1&sig=good", [:]) == ["2"])
    let error = failure { _ = try read(provider(storage), Self.root + "/none") }
    #expect(error.code == .pathNotFound && error.message.contains("/box/none"))
    #expect(failure { _ = try read(provider(storage), "https://acct.blob.core.windows.net/other/x") }.message.contains("the container"))
  }

  @Test func refusalsHoldNoSignature() throws {
    let storage = MemoryStorage()
    storage.put("a.csv", "n\n1\n")
    let error = failure { _ = try read(provider(storage), Self.root + "/a.csv?sv=1&sig=HUSH", [:]) }
    #expect(error.code == .authentication && error.message.contains("AuthenticationFailed") && error.hint?.contains("SAS") == true, "\(error)")
    #expect(!error.description.contains("HUSH"))
    let both = failure { _ = try read(provider(storage), Self.root + "/a.csv?sig=HUSH", ["storageAccountKey": "a2V5"]) }
    #expect(both.code == .configuration && both.message.contains("'storageAccountKey'") && !both.description.contains("HUSH"))
    #expect(failure { _ = try read(provider(storage), Self.root + "/a.csv", ["storageAccountKey": "***"]) }.message.contains("not Base64"))
    for url in ["wasbs://acct.blob.core.windows.net/x", "abfss://box/x", "https://acct.blob.core.windows.net/", "https://acct.blob.core.windows.net/box/../x"] {
      #expect(failure { _ = try read(provider(storage), url) }.code == .usage, "\(url)")
    }
  }

  @Test func parquetByRangesAndWhatChangesMeanwhile() throws {
    let storage = MemoryStorage()
    let parquet = provider(storage, ParquetFormat())
    #expect(try write(parquet, Self.root + "/x/data.parquet", 0..<1_000, .error)?.rows == 1_000)
    #expect(try read(parquet, Self.root + "/x/data.parquet").count == 1_000)
    #expect(storage.requests.contains { $0.method == "GET" && $0.headers.contains { $0.name == "x-ms-range" } })
    let table = try parquet.open([Self.root + "/x/data.parquet"], schema: nil, options: options(parquet, Self.signature, .read))
    storage.put("big.csv", "n\n" + (0..<200_000).map { "\($0)\n" }.joined())
    #expect(try read(provider(storage), Self.root + "/big.csv").count == 200_000)
    storage.put("x/data.parquet", storage.blobs["x/data.parquet"]! + [0])
    #expect(table.schema.names == ["n", "k"])
    let csv = provider(storage)
    let open = try csv.open([Self.root + "/big.csv"], schema: nil, options: options(csv, Self.signature, .read))
    storage.put("big.csv", "n\n1\n")
    let error = failure {
      let scan = try open.scan(ScanRequest(columns: ["n"]), context: Self.context)
      while let morsel = try scan.nextMorsel() { try morsel.read { _ in true } }
    }
    #expect(error.message.contains("changed while it was read"), "\(error)")
  }

  @Test func failuresThatPassAreTriedAgain() throws {
    let storage = MemoryStorage()
    storage.put("a.csv", "n\n1\n")
    storage.fail(1, 503)
    storage.fail(3, 500)
    #expect(try read(provider(storage), Self.root + "/a.csv") == ["1"])
    for n in 1...4 { storage.fail(n, 503) }
    let error = failure { _ = try read(provider(storage), Self.root + "/a.csv") }
    #expect(error.code == .http && error.isRetryable && error.message.contains("HTTP 503"))
  }

  @Test func modesOfWrites() throws {
    let storage = MemoryStorage(pageSize: 100)
    let csv = provider(storage)
    let (file, directory) = (Self.root + "/out.csv", "wasbs://box@acct.blob.core.windows.net/out")
    #expect(try write(csv, file, 0..<2, .error)?.files == 1)
    #expect(failure { _ = try write(csv, file, 0..<2, .error) }.code == .alreadyExists)
    #expect(failure { _ = try write(csv, file, 0..<2, .append) }.code == .notSupported)
    #expect(try write(csv, file, 0..<2, .ignore) == nil)
    _ = try write(csv, file, 5..<7, .overwrite)
    #expect(try read(csv, file) == ["5,k1", "6,k0"])
    _ = try write(csv, directory, 0..<2, .error)
    #expect(failure { _ = try write(csv, directory, 0..<2, .error) }.code == .alreadyExists)
    _ = try write(csv, directory, 2..<3, .append)
    #expect(try Set(read(csv, directory)) == ["0,k0", "1,k1", "2,k0"])
    _ = try write(csv, directory, 9..<10, .overwrite)
    #expect(try read(csv, directory) == ["9,k1"])
    _ = try write(csv, directory + "/parts", 0..<4, .error, partitionBy: ["k"])
    #expect(storage.blobs.keys.filter { $0.hasPrefix("out/parts/k=k") }.count == 2)
    storage.put("foreign/report.docx", "x")
    #expect(failure { _ = try write(csv, Self.root + "/foreign", 0..<1, .overwrite) }.message.contains("would delete it"))
    storage.put("delta/_delta_log/0.json", "{}")
    #expect(failure { _ = try write(csv, Self.root + "/delta", 0..<1, .append) }.code == .notSupported)
  }

  @Test func nothingIsVisibleBeforeTheCommit() throws {
    let storage = MemoryStorage()
    let csv = provider(storage)
    let schema = StructType([StructField("n", .long)])
    for url in [Self.root + "/a.csv", Self.root + "/dir"] {
      let sink = try #require(try csv.makeSink(url, schema: schema, mode: .error, partitionBy: [], options: options(csv, Self.signature, .write)))
      let batch = RecordBatch(schema: schema, columns: [.constant(.long(1), count: 60_000)], rowCount: 60_000)
      for _ in 0..<80 { try sink.append(try sink.encode([batch])) }
      #expect(storage.requests.contains { $0.url.contains("comp=block") } && storage.blobs.isEmpty)
      sink.abort()
      #expect(storage.blobs.isEmpty)
    }
  }

  @Test func somebodyElseWritesMeanwhile() throws {
    let storage = MemoryStorage()
    let csv = provider(storage)
    let schema = StructType([StructField("n", .long)])
    let sink = try #require(try csv.makeSink(Self.root + "/a.csv", schema: schema, mode: .error, partitionBy: [], options: options(csv, Self.signature, .write)))
    storage.put("a.csv", "theirs")
    #expect(failure { _ = try sink.commit() }.code == .alreadyExists)
    #expect(storage.blobs["a.csv"] == Array("theirs".utf8))
  }

  /// A blob that may not be there yet is there once, also when the answer to its last request is lost; another's is not taken for it.
  @Test func answerOfTheCommitIsLost() throws {
    let storage = MemoryStorage()
    let csv = provider(storage)
    let schema = StructType([StructField("n", .long)])
    func sink() throws -> any TableSink { try #require(try csv.makeSink(Self.root + "/a.csv", schema: schema, mode: .error, partitionBy: [], options: options(csv, Self.signature, .write))) }
    let first = try sink()
    try first.append(try first.encode([RecordBatch(schema: schema, columns: [.of(.long, [.long(7)])], rowCount: 1)]))
    try first.endOfRows()
    while let work = first.takeWork() { try work() }
    // One block, then the list of blocks.
    storage.lose(2)
    #expect(try first.commit().rows == 1)
    #expect(storage.requests.last?.url.contains("blocklisttype=committed") == true)
    #expect(storage.blobs["a.csv"] == Array("n\n7\n".utf8))
  }

  /// Account keys sign; tokens of a directory are sent to storage hosts alone.
  @Test func keysAndTokens() throws {
    let storage = MemoryStorage()
    storage.put("a.csv", "n\n1\n")
    #expect(try read(provider(storage), Self.root + "/a.csv", ["storageAccountKey": "a2V5"]) == ["1"])
    #expect(storage.requests.allSatisfy { $0.headers.contains { $0.name == "Authorization" && $0.value.hasPrefix("SharedKey acct:") } })
    #expect(try read(provider(storage), Self.root + "/a.csv", ["accessToken": "T"]) == ["1"])
    #expect(storage.requests.last?.headers.contains { $0.value == "Bearer T" } == true)
    let error = failure { _ = try read(provider(storage), "https://evil.example.com/box/a.csv", ["accessToken": "T"]) }
    #expect(error.code == .authentication && error.message.contains("a token is not sent"))
  }

  struct SignCase: Sendable, CustomTestStringConvertible {
    let request: HTTPRequest
    let text: String
    var testDescription: String { request.url }
  }

  /// The strings that the service's documentation prints for such requests.
  @Test(arguments: [
    SignCase(
      request: HTTPRequest("GET", "https://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20", headers: [("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"), ("x-ms-version", "2015-02-21")]),
      text: "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"),
    SignCase(
      request: HTTPRequest(
        "PUT", "https://myaccount.blob.core.windows.net/c/a%20b?comp=block&blockid=QUE%3D", headers: [("Content-Type", "text/plain; charset=UTF-8"), ("x-ms-date", "Sun, 20 Sep 2009 20:36:40 GMT"), ("Range", "bytes=0-9")],
        body: Array(repeating: 1, count: 11)),
      text: "PUT\n\n\n11\n\ntext/plain; charset=UTF-8\n\n\n\n\n\nbytes=0-9\nx-ms-date:Sun, 20 Sep 2009 20:36:40 GMT\n/myaccount/c/a%20b\nblockid:QUE=\ncomp:block"),
  ])
  func stringToSign(_ testCase: SignCase) { #expect(SharedKey.stringToSign(testCase.request, account: "myaccount") == testCase.text) }
}
