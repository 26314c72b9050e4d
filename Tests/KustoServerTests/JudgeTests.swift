// Role: Microsoft's own Python clients, unchanged, against the server over HTTP.

import DataSource
import Foundation
import KConnect
import KustoServer
import Testing

@Suite struct JudgeTests {
  /// Python with azure-kusto-data and azure-kusto-ingest, as scripts/test makes it.
  static let python: String? = {
    guard let python = ProcessInfo.processInfo.environment["KCONNECT_PYTHON"] else { return nil }
    return run(python, ["-c", "import azure.kusto.data, azure.kusto.ingest, pandas, requests"]).code == 0 ? python : nil
  }()

  /// Python's standard library is enough.
  static let anyPython: String? = [ProcessInfo.processInfo.environment["KCONNECT_PYTHON"], "/usr/bin/python3", "/usr/local/bin/python3"]
    .compactMap { $0 }.first { FileManager.default.isExecutableFile(atPath: $0) }

  static func run(_ program: String, _ arguments: [String]) -> (code: Int32, output: String) {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    do { try process.run() } catch { return (-1, "\(error)") }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON has no azure-kusto-data and azure-kusto-ingest to judge"))
  func officialClients() async throws {
    let server = try TestService { $0.upkeepInterval = 1 }
    server.service.start()
    let (addresses, found) = AsyncStream<String>.makeStream()
    let service = server.service
    let serving = Task { try await HTTPServer.run(service, try ListenAddress("127.0.0.1:0")) { found.yield($0) } }
    var iterator = addresses.makeAsyncIterator()
    let url = try #require(await iterator.next())
    let judge = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("judge.py").path
    let python = try #require(Self.python)
    let result: (code: Int32, output: String) = await withCheckedContinuation { done in
      Thread.detachNewThread { done.resume(returning: Self.run(python, [judge, url])) }
    }
    #expect(result.code == 0, "\(result.output)")
    serving.cancel()
    _ = await serving.result
    service.stop()
  }
}
