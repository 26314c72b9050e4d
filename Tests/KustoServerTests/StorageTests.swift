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
    let root = try #require(Self.resources(server)["TempStorage"])
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

  @Test func namesThatAreTooLong() throws {
    let server = try TestService()
    let root = try #require(Self.resources(server)["TempStorage"])
    #expect(server.send("PUT", "\(root.path)/\(String(repeating: "n", count: 1_025))?\(root.key)", [49]).status == 400)
  }

  /// - Parameter address: of the file, where it is not a blob of the server.
  private static func post(_ server: TestService, blob: String, address: String? = nil, level: Int = 2) throws -> Int64 {
    let roots = resources(server)
    let temporary = try #require(roots["TempStorage"]), ready = try #require(roots["SecuredReadyForAggregationQueue"])
    let message = """
      {"Id":"\(UUID().uuidString)","BlobPath":"\(address ?? "http://localhost\(temporary.path)/\(blob)?\(temporary.key)")","DatabaseName":"NetDefaultDB","TableName":"T",
      "RetainBlobOnSuccess":false,"ReportLevel":\(level),"ReportMethod":2,"IngestionStatusInTable":{"PartitionKey":"p","RowKey":"r"},"AdditionalProperties":{"format":"csv"}}
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
    let found = Mutex<UInt16>(0)
    try await LiveServer.with(other) { server in found.withLock { $0 = server.port } }
    let place = "127.0.0.1:\(found.withLock { $0 })"
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
