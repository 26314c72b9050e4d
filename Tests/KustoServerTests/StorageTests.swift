// Role: the server's own storage: blobs of equal and of long names, and messages whose work was done before it could be said.

import Columnar
import DataSource
import Foundation
import KustoServer
import KustoStore
import Synchronization
import Testing

struct StorageTests {
  /// Addresses of the server's own resources: path and key by type.
  private static func resources(_ server: TestService, _ command: String = ".get ingestion resources") -> [String: (path: String, key: String)] {
    var roots: [String: (path: String, key: String)] = [:]
    for row in DynamicValue(json: server.command(command).text)?["Tables"]?.elements?.first?["Rows"]?.elements ?? [] {
      let cells = row.elements ?? [], address = cells.last?.stringValue ?? ""
      let path = address.firstRange(of: "/devstore").map { String(address[$0.lowerBound...].prefix { $0 != "?" }) } ?? ""
      roots[cells.count > 1 ? cells[0].stringValue ?? "" : "container"] = (path, String(address.drop { $0 != "?" }.dropFirst()))
    }
    return roots
  }

  /// Blocks of the same ids and blob names in two containers.
  @Test func blocksOfEqualNames() throws {
    let server = try TestService()
    let one = try #require(Self.resources(server)["TempStorage"]), two = try #require(Self.resources(server, ".show export containers")["container"])
    #expect(one.path != two.path)
    func put(_ root: (path: String, key: String), _ more: String, _ body: String) -> Int {
      server.send("PUT", "\(root.path)/d/same.csv?\(root.key)\(more)", Array(body.utf8)).status
    }
    let list = "<BlockList><Latest>MDAwMDAx</Latest></BlockList>"
    for (root, text) in [(one, "of one"), (two, "of two")] { #expect(put(root, "&comp=block&blockid=MDAwMDAx", text) == 201) }
    for root in [one, two] { #expect(put(root, "&comp=blocklist", list) == 201) }
    #expect(server.send("GET", "\(one.path)/d/same.csv?\(one.key)").text == "of one")
    #expect(server.send("GET", "\(two.path)/d/same.csv?\(two.key)").text == "of two")
  }

  static let blobNames = [
    "a.csv", String(repeating: "x", count: 101) + "~y", String(repeating: "n", count: 1_024), "k=1/day=2024-01-01/" + String(repeating: "ä", count: 100) + ".parquet",
    String(repeating: "p/", count: 90) + "~", "~", "a~b",
  ]

  /// Whatever its name, a blob that was put is listed under it, read, and gone when it is removed.
  @Test(arguments: blobNames) func names(_ name: String) throws {
    let server = try TestService()
    let root = try #require(Self.resources(server, ".show export containers")["container"])
    let target = "\(root.path)/\(percentEncoded(name))?\(root.key)"
    func listed() -> [String] {
      server.send("GET", "\(root.path)?\(root.key)&restype=container&comp=list").text.components(separatedBy: "<Name>").dropFirst().map { String($0.prefix { $0 != "<" }) }
    }
    #expect(server.send("PUT", target, Array("1,x\n".utf8)).status == 201)
    #expect(server.send("PUT", "\(root.path)/other?\(root.key)", Array("2".utf8)).status == 201)
    #expect(listed().sorted() == [name, "other"].sorted())
    #expect(server.send("GET", target).text == "1,x\n")
    #expect(server.send("PUT", target, Array("2,y\n".utf8)).status == 201)
    #expect(server.send("GET", target).text == "2,y\n")
    #expect(server.send("DELETE", target).status == 202)
    #expect(listed() == ["other"])
    #expect(server.send("GET", target).status == 404)
    #expect(try FileManager.default.contentsOfDirectory(atPath: server.directory + "/store/_kconnect/ingest").count == 1)
  }

  struct Use: CustomTestStringConvertible, Sendable {
    let type: String
    let method: String
    let path: String
    var more = ""
    let status: Int
    var testDescription: String { "\(method) \(type)\(path)\(more)" }
  }

  /// What clients are told of is for what they do there.
  static let uses: [Use] = [
    Use(type: "TempStorage", method: "PUT", path: "/x.csv", status: 201), Use(type: "TempStorage", method: "GET", path: "/there.csv", status: 200),
    Use(type: "TempStorage", method: "HEAD", path: "/there.csv", status: 200), Use(type: "TempStorage", method: "DELETE", path: "/there.csv", status: 202),
    Use(type: "TempStorage", method: "GET", path: "", more: "&restype=container&comp=list", status: 403),
    Use(type: "SecuredReadyForAggregationQueue", method: "GET", path: "/messages", status: 403),
    Use(type: "SecuredReadyForAggregationQueue", method: "GET", path: "/messages", more: "&peekonly=true", status: 403),
    Use(type: "SecuredReadyForAggregationQueue", method: "DELETE", path: "/messages", status: 403),
    Use(type: "SecuredReadyForAggregationQueue", method: "DELETE", path: "/messages/1", more: "&popreceipt=1", status: 403),
    Use(type: "FailedIngestionsQueue", method: "GET", path: "/messages", status: 200), Use(type: "FailedIngestionsQueue", method: "DELETE", path: "/messages", status: 403),
    Use(type: "FailedIngestionsQueue", method: "POST", path: "/messages", status: 403),
    Use(type: "container", method: "PUT", path: "/x.csv", status: 201), Use(type: "container", method: "DELETE", path: "/there.csv", status: 202),
    Use(type: "container", method: "GET", path: "", more: "&restype=container&comp=list", status: 200),
  ]

  @Test(arguments: uses) func rights(_ use: Use) throws {
    let server = try TestService()
    let all = Self.resources(server).merging(Self.resources(server, ".show export containers")) { a, _ in a }
    let root = try #require(all[use.type]), temporary = try #require(all["TempStorage"])
    for place in [temporary, try #require(all["container"])] { #expect(server.send("PUT", "\(place.path)/there.csv?\(place.key)", Array("1".utf8)).status == 201) }
    let reply = server.send(use.method, "\(root.path)\(use.path)?\(root.key)\(use.more)", Array("1".utf8))
    #expect(reply.status == use.status, "\(reply.text)")
    if use.status == 403 { #expect(reply.text.contains("AuthorizationPermissionMismatch")) }
    // Rights, end and resource are signed.
    let keys = [root.key.replacing("&sp=", with: "&sp=d"), root.key.replacing("&se=", with: "&se=3"), root.key.replacing("&sig=", with: "&sig=x"), temporary.key + "x"]
    for key in keys {
      let forged = server.send(use.method, "\(root.path)\(use.path)?\(key)\(use.more)", Array("1".utf8))
      #expect(forged.status == 403 && (use.method == "HEAD" || forged.text.contains("AuthenticationFailed")), "\(key): \(forged.text)")
    }
  }

  /// Keys go through clients that read and write queries as forms do.
  @Test func keysHoldLettersOfFormsOnly() throws {
    let server = try TestService()
    for _ in 0..<40 {
      let root = try #require(Self.resources(server, ".show export containers")["container"])
      #expect(!root.key.contains("+") && !root.key.contains(" ") && !root.key.contains("/"))
      #expect(server.send("PUT", "\(root.path)/x?\(root.key)", Array("1".utf8)).status == 201)
      #expect(server.send("PUT", "\(root.path)/x?\(root.key.replacing("%2B", with: "%20"))", Array("1".utf8)).status == 201)
      usleep(1)
    }
  }

  /// Rows of the status table as the table service of Azure keeps them.
  @Test func statusRows() throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["IngestionsStatusTable"])
    func ask(_ method: String, _ key: String, _ body: String = "", _ headers: [(name: String, value: String)] = []) -> CollectedReply {
      server.send(method, "\(root.path)\(key)?\(root.key)", headers: headers, Array(body.utf8))
    }
    let key = "(PartitionKey='RowKey=''b',RowKey='c%2Fd')"
    let row = #"{"PartitionKey":"RowKey='b","RowKey":"c/d","Status":"Pending"}"#
    #expect(ask("POST", "", row).status == 204)
    // One whose answer was lost is not done twice.
    let again = ask("POST", "", row.replacing("Pending", with: "Other"))
    #expect(again.status == 409 && again.header("x-ms-error-code") == "EntityAlreadyExists")
    #expect(ask("GET", key).text == row)
    #expect(ask("POST", key, #"{"Details":"d"}"#, [("X-HTTP-Method", "MERGE"), ("If-Match", "*")]).status == 204)
    #expect(DynamicValue(json: ask("GET", key).text)?["Status"]?.stringValue == "Pending")
    #expect(DynamicValue(json: ask("GET", key).text)?["Details"]?.stringValue == "d")
    #expect(ask("PUT", key, #"{"Status":"Failed"}"#).status == 204)
    #expect(DynamicValue(json: ask("GET", key).text)?["Details"] == nil)
    #expect(DynamicValue(json: ask("GET", key).text)?["RowKey"]?.stringValue == "c/d")
    let none = "(PartitionKey='p',RowKey='r')"
    for reply in [ask("GET", none), ask("MERGE", none, "{}", [("If-Match", "*")]), ask("PUT", none, "{}", [("If-Match", "*")])] {
      #expect(reply.status == 404 && reply.header("x-ms-error-code") == "ResourceNotFound", "\(reply.text)")
    }
    #expect(ask("MERGE", none, #"{"Status":"Queued"}"#).status == 204)
    #expect(ask("GET", none).text == #"{"PartitionKey":"p","RowKey":"r","Status":"Queued"}"#)
    #expect(ask("GET", "()").status == 501)
  }

  /// As clients of other languages ask.
  @Test func resourcesByTheirOtherName() throws {
    let server = try TestService()
    #expect(Set(Self.resources(server, ".show ingestion resources").keys) == Set(Self.resources(server).keys))
    #expect(Self.resources(server, ".create tempstorage")["container"]?.path == Self.resources(server, ".show export containers")["container"]?.path)
    #expect(server.command(".refresh database 'NetDefaultDB' table 'T' cache ingestionbatchingpolicy").text.contains("Succeeded"))
  }

  /// What is asked of a new blob and not done is refused, as is a blob without a kind.
  @Test(arguments: [([], "AppendBlob"), ([], "PageBlob"), ([(name: "x-ms-copy-source", value: "http://localhost/a/b")], nil), ([], nil)] as [([(name: String, value: String)], String?)])
  func blobsOfOtherKinds(_ headers: [(name: String, value: String)], _ kind: String?) throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["TempStorage"])
    let target = "\(root.path)/x?\(root.key)"
    let reply = server.send("PUT", target, headers: headers, kind: kind, Array("1".utf8))
    let isUnsaid = headers.isEmpty && kind == nil
    #expect(reply.status == (isUnsaid ? 400 : 501) && reply.header("x-ms-error-code") == (isUnsaid ? "MissingRequiredHeader" : "NotImplemented"), "\(reply.text)")
    #expect(server.send("HEAD", target).status == 404)
  }

  /// Bytes that did not arrive as they were sent are not kept.
  @Test func digests() throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["TempStorage"])
    let target = "\(root.path)/x?\(root.key)"
    let damaged = server.send("PUT", target, headers: [("Content-MD5", "JdUg9QxJ2LSGQMDSSA3CpQ==")], Array("0123456789".utf8))
    #expect(damaged.status == 400 && damaged.header("x-ms-error-code") == "Md5Mismatch")
    #expect(server.send("HEAD", target).status == 404)
    #expect(server.send("PUT", target, headers: [("Content-MD5", "eB5eJF1ptWaXm4bijSPyxw==")], Array("0123456789".utf8)).status == 201)
    #expect(server.send("PUT", target + "&comp=block&blockid=QQ%3D%3D", headers: [("Content-MD5", "eB5eJF1ptWaXm4bijSPyxw==")], Array("012".utf8)).status == 400)
  }

  /// The sum is the one that the service of Azure gives for these bytes.
  @Test func sums() throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["TempStorage"])
    let target = "\(root.path)/x?\(root.key)", bytes = [UInt8](repeating: UInt8(ascii: "b"), count: 1_024)
    let damaged = server.send("PUT", target, headers: [("x-ms-content-crc64", "AQIDBAUGBwg=")], bytes)
    #expect(damaged.status == 400 && damaged.header("x-ms-error-code") == "Crc64Mismatch" && damaged.text.contains("pK+ypU+jreM="), "\(damaged.text)")
    #expect(server.send("HEAD", target).status == 404)
    #expect(server.send("PUT", target, headers: [("x-ms-content-crc64", "pK+ypU+jreM=")], bytes).status == 201)
    let block = "&comp=block&blockid=QQ%3D%3D", list = Array("<BlockList><Latest>QQ==</Latest></BlockList>".utf8)
    #expect(server.send("PUT", target + block, headers: [("x-ms-content-crc64", "AAAAAAAAAAA=")], bytes).status == 400)
    #expect(server.send("PUT", target + block, headers: [("x-ms-content-crc64", "pK+ypU+jreM=")], bytes).status == 201)
    #expect(server.send("PUT", target + "&comp=blocklist", headers: [("x-ms-content-crc64", "pK+ypU+jreM=")], list).status == 400)
    #expect(server.send("PUT", target + "&comp=blocklist", list).status == 201)
  }

  @Test(arguments: [
    ("bytes=2-2", "2", 206), ("bytes=7-", "789", 206), ("bytes=-3", "789", 206), ("bytes=-30", "0123456789", 206), ("bytes=0-99", "0123456789", 206),
    ("bytes=0-1,4-5", "0123456789", 200), ("rows=0-1", "0123456789", 200), ("bytes=5-2", "0123456789", 200), ("bytes=-", "0123456789", 200), ("bytes=-0", "", 416),
    ("bytes=10-", "", 416),
  ])
  func ranges(_ range: String, _ text: String, _ status: Int) throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["TempStorage"])
    let target = "\(root.path)/x?\(root.key)"
    #expect(server.send("PUT", target, Array("0123456789".utf8)).status == 201)
    let reply = server.send("GET", target, headers: [("Range", range)])
    #expect(reply.status == status && reply.text == text)
  }

  @Test func namesThatAreTooLong() throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["TempStorage"])
    #expect(server.send("PUT", "\(root.path)/\(String(repeating: "n", count: 1_025))?\(root.key)", [49]).status == 400)
  }

  /// - Parameter address: of the file, where it is not a blob of the server.
  private static func post(_ server: TestService, blob: String, address: String? = nil, level: Int = 2, format: String = "csv") throws -> Int64 {
    let roots = resources(server)
    let temporary = try #require(roots["TempStorage"]), ready = try #require(roots["SecuredReadyForAggregationQueue"])
    let message = """
      {"Id":"\(UUID().uuidString)","BlobPath":"\(address ?? "http://localhost\(temporary.path)/\(blob)?\(temporary.key)")","DatabaseName":"NetDefaultDB","TableName":"T",
      "RetainBlobOnSuccess":false,"ReportLevel":\(level),"ReportMethod":2,"IngestionStatusInTable":{"PartitionKey":"p","RowKey":"r"},"AdditionalProperties":{"format":"\(format)"}}
      """
    let reply = server.send("POST", "\(ready.path)/messages?\(ready.key)", Array("<QueueMessage><MessageText>\(Data(message.utf8).base64EncodedString())</MessageText></QueueMessage>".utf8))
    let id = reply.text.components(separatedBy: "<MessageId>").last?.prefix(16) ?? ""
    return try #require(Int64(id, radix: 16))
  }

  private static func wait(_ server: TestService, _ queue: String) throws -> DynamicValue {
    while try server.service.executor.metadata.count(queue) == 0 { usleep(1_000) }
    let text = try server.service.executor.metadata.first(queue, limit: 1)[0].text
    return try #require(Data(base64Encoded: text).flatMap { DynamicValue(json: String(decoding: $0, as: UTF8.self)) })
  }

  /// The server died behind the commit of a message's rows, its blob is gone: they are in the table, and the client is told so.
  @Test(.timeLimit(.minutes(15))) func messagesThatWereDone() throws {
    let server = try TestService()
    server.command(".create table T (a:long)")
    let number = try Self.post(server, blob: "gone.csv")
    var properties = IngestProperties()
    properties.transaction = ("kconnect-queued", number)
    let table = try server.service.executor.store.database("NetDefaultDB").table("T")
    let schema = StructType([StructField("a", .long)])
    _ = try table.ingest([RecordBatch(schema: schema, columns: [.of(.long, [.long(7)])], rowCount: 1)], properties)
    server.service.start()
    _ = try Self.wait(server, "success")
    server.service.stop()
    #expect(try server.service.executor.metadata.count("failed") == 0 && server.service.executor.metadata.count("ready") == 0)
    #expect(try server.service.executor.metadata.ingestionStatus("p/r")?["Status"]?.stringValue == "Succeeded")
    #expect(server.rows("T") == "[[7]]")
  }

  /// Rows of a message are committed, then the disk fails: the message is done, and is not done again.
  @Test(.timeLimit(.minutes(15))) func failureBehindTheCommit() throws {
    let faults = Guarded(0)
    let server = try TestService {
      $0.fileSystem = FileSystem(fault: { operation, path in
        guard operation == .syncDirectory, path.hasSuffix("_delta_log") else { return nil }
        return faults.withLock { left -> Int32? in
          guard left > 0 else { return nil }
          left -= 1
          return EIO
        }
      })
    }
    server.command(".create table T (a:long)")
    let root = try #require(Self.resources(server)["TempStorage"])
    for (name, text) in [("a.csv", "1\n"), ("b.csv", "2\n")] { #expect(server.send("PUT", "\(root.path)/\(name)?\(root.key)", Array(text.utf8)).status == 201) }
    let first = try Self.post(server, blob: "a.csv"), second = try Self.post(server, blob: "b.csv")
    faults.withLock { $0 = 1 }
    server.service.start()
    while try server.service.executor.metadata.count("success") + server.service.executor.metadata.count("failed") < 2 { usleep(1_000) }
    server.service.stop()
    #expect(faults.withLock { $0 } == 0)
    #expect(server.rows("T | order by a asc") == "[[1],[2]]")
    #expect(try server.service.executor.metadata.count("failed") == 0 && server.service.executor.metadata.count("ready") == 0)
    #expect(try server.service.executor.metadata.ingestionStatus("p/r")?["Status"]?.stringValue == "Succeeded")
    #expect(try server.service.executor.store.database("NetDefaultDB").table("T").recordedTransaction("kconnect-queued") == second && first < second)
    for name in ["a.csv", "b.csv"] { #expect(server.send("HEAD", "\(root.path)/\(name)?\(root.key)").status == 404) }
  }

  /// A blob without any record of its format is no success: nothing of it is committed, not even its message's number.
  @Test(.timeLimit(.minutes(15))) func blobsWithoutRecords() throws {
    let server = try TestService()
    server.command(".create table T (a:long)")
    let root = try #require(Self.resources(server)["TempStorage"])
    #expect(server.send("PUT", "\(root.path)/none.json?\(root.key)", Array("nope\n{\"a\":\n".utf8)).status == 201)
    _ = try Self.post(server, blob: "none.json", format: "json")
    server.service.start()
    let failed = try Self.wait(server, "failed")
    server.service.stop()
    #expect(failed["ErrorCode"]?.stringValue == "BadRequest_NoRecordsOrWrongFormat", "\(failed.json)")
    #expect(try server.service.executor.metadata.count("success") == 0)
    #expect(try server.service.executor.store.database("NetDefaultDB").table("T").recordedTransaction("kconnect-queued") == nil)
  }

  /// A blob goes behind its message, and only with it.
  @Test(.timeLimit(.minutes(15))) func blobsOfMessages() throws {
    let server = try TestService()
    server.command(".create table T (a:long)")
    let root = try #require(Self.resources(server)["TempStorage"])
    func exists(_ name: String) -> Bool { server.send("HEAD", "\(root.path)/\(name)?\(root.key)").status == 200 }
    #expect(server.send("PUT", "\(root.path)/good.csv?\(root.key)", Array("1\n".utf8)).status == 201)
    #expect(server.send("PUT", "\(root.path)/bad.csv?\(root.key)", Array("1,\"x\n".utf8)).status == 201)
    _ = try Self.post(server, blob: "good.csv")
    _ = try Self.post(server, blob: "bad.csv")
    server.service.start()
    _ = try Self.wait(server, "failed")
    server.service.stop()
    #expect(try server.service.executor.metadata.count("success") == 1)
    #expect(!exists("good.csv") && exists("bad.csv"))
    #expect(server.rows("T") == "[[1]]")
  }

  /// A file whose server does not answer yet: its message is put aside, the one behind it goes on, and it is done once the server answers.
  @Test(.timeLimit(.minutes(15))) func failuresThatPass() async throws {
    let other = try TestService()
    let root = try #require(Self.resources(other)["TempStorage"])
    #expect(other.send("PUT", "\(root.path)/late.csv?\(root.key)", Array("5\n".utf8)).status == 201)
    // A port on which nobody listens, for now.
    let reserved = try ReservedPort()
    let place = "127.0.0.1:\(reserved.port)"
    let server = try TestService(allowedURLs: ["http://\(place)/"])
    server.command(".create table T (a:long)")
    let own = try #require(Self.resources(server)["TempStorage"])
    #expect(server.send("PUT", "\(own.path)/here.csv?\(own.key)", Array("1\n".utf8)).status == 201)
    _ = try Self.post(server, blob: "late.csv", address: "http://\(place)\(root.path)/late.csv?\(root.key)")
    _ = try Self.post(server, blob: "here.csv")
    server.service.start()
    _ = try Self.wait(server, "success")
    #expect(server.rows("T") == "[[1]]")
    #expect(try server.service.executor.metadata.count("failed") == 0)
    try await LiveServer.with(other, listen: place) { _ in
      while try server.service.executor.metadata.count("success") + server.service.executor.metadata.count("failed") < 2 { usleep(1_000) }
    }
    withExtendedLifetime(reserved) {}
    server.service.stop()
    #expect(try server.service.executor.metadata.count("failed") == 0)
    #expect(server.rows("T | order by a asc") == "[[1],[5]]")
  }

  /// What fails before the store has a part in it is among the failures as well.
  @Test(.timeLimit(.minutes(15))) func messagesForMissingTables() throws {
    let server = try TestService()
    _ = try Self.post(server, blob: "any.csv")
    server.service.start()
    _ = try Self.wait(server, "failed")
    server.service.stop()
    let failures = server.command(".show ingestion failures | project Database, Table, OperationKind, OriginatesFromUpdatePolicy").text
    #expect(failures.contains(#"["NetDefaultDB","T","DataIngestPull",false]"#) || failures.contains(#"["NetDefaultDB","T","DataIngestPull",0]"#), "\(failures)")
  }
}
