// Role: secrets of each kind through server and client, and a search for them in everything that these leave (secret_search.py).

import Foundation
import Testing

@Suite struct SecretTests {
  @Test func nothingTellsASecret() throws {
    let python = [ProcessInfo.processInfo.environment["KCONNECT_PYTHON"], "/usr/bin/python3", "/usr/local/bin/python3"].compactMap { $0 }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    let server = URL(fileURLWithPath: Program.path).deletingLastPathComponent().appendingPathComponent("kconnect-server").path
    guard let python, system("openssl", "version") == 0, FileManager.default.isExecutableFile(atPath: server) else {
      return print("skipped: python3, openssl or kconnect-server is missing")
    }
    let place = try Place()
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Judges/secret_search.py").path, Program.path, server, place.file("secrets")]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(output)")
  }
}
