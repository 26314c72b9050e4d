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

  /// Python with Kqlmagic: KCONNECT_KQLMAGIC_PYTHON, else the one of the other judges.
  static let kqlmagicPython: String? = {
    let environment = ProcessInfo.processInfo.environment
    guard let python = environment["KCONNECT_KQLMAGIC_PYTHON"] ?? environment["KCONNECT_PYTHON"] else { return nil }
    return run(python, ["-c", "import Kqlmagic"]).code == 0 ? python : nil
  }()

  @Test(.enabled(if: python != nil, "KCONNECT_PYTHON has no azure-kusto-data and azure-kusto-ingest to judge"))
  func officialClients() async throws { try await judge(try #require(Self.python), "judge.py") }

  @Test(.enabled(if: kqlmagicPython != nil, "KCONNECT_KQLMAGIC_PYTHON has no Kqlmagic to judge"))
  func kqlmagic() async throws { try await judge(try #require(Self.kqlmagicPython), "kqlmagic.py") }

  private func judge(_ python: String, _ script: String) async throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(script).path
    try await LiveServer.with(try TestService { $0.upkeepInterval = 1 }) { server in
      let result = Self.run(python, [path, server.url])
      #expect(result.code == 0, "\(result.output)")
    }
  }
}
