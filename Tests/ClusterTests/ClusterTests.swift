// Role: kconnect and hostile clients against `kconnect serve`, program against program, judged by scripts beside this file with the official client libraries as further
// judges. Skipped with a message where programs or packages are missing.

import Foundation
import Testing

@Suite struct ClusterTests {
  private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  /// A built program, beside the test bundle.
  private static func program(_ name: String, _ override: String) -> String? {
    if let given = variable(override) { return given }
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let places = [own, URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent(), root.appendingPathComponent(".build/release")]
    return places.map { $0.appendingPathComponent(name).path }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  @Test(arguments: ["attacks", "credentials", "identities", "storage", "reads", "writes"]) func judged(_ script: String) async throws {
    guard let python = Self.variable("KCONNECT_SDK_PYTHON") ?? Self.variable("KCONNECT_PYTHON") else {
      print("skipped: KCONNECT_PYTHON names no python with cryptography and azure-storage-blob")
      return
    }
    guard let kconnect = Self.program("kconnect", "KCONNECT_PROGRAM"), let server = Self.program("kconnect-server", "KCONNECT_SERVER") else {
      print("skipped: kconnect and kconnect-server are not built")
      return
    }
    let place = FileManager.default.temporaryDirectory.appendingPathComponent("kconnect-cluster-\(script)-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: place) }
    let judge = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(script + ".py").path
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [judge, kconnect, server, place.path]
    process.environment = ProcessInfo.processInfo.environment.merging(["PYTHONDONTWRITEBYTECODE": "1"]) { $1 }
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    // The judges take a minute; other tests run meanwhile.
    let text = await withCheckedContinuation { done in
      Thread.detachNewThread { done.resume(returning: String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)) }
    }
    process.waitUntilExit()
    if process.terminationStatus == 77 {
      print("skipped: \(text)")
      return
    }
    #expect(process.terminationStatus == 0, "\(text)")
    #expect(text.contains("ok ") && !text.contains("FAILED "), "\(text)")
  }
}
