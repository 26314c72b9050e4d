// Role: sessions that may run Python, and results as text.

import Foundation
import KConnect
import Testing

/// Python with pandas and pyarrow: KCONNECT_PYTHON.
let python = ProcessInfo.processInfo.environment["KCONNECT_PYTHON"]
let needsPython: ConditionTrait = .enabled(if: python != nil, "KCONNECT_PYTHON is not set: no Python with pandas and pyarrow to run scripts")

/// A session whose queries may run scripts.
func session(_ settings: [String: String] = [:]) async throws -> Session {
  var builder = Session.builder.appName("python tests").config("enablePython", "true").config("python", python ?? "python3")
  for (key, value) in settings { builder = builder.config(key, value) }
  return try await builder.getOrCreate()
}

/// All rows, cells separated by a bar, nulls as ∅.
func rows(_ text: String, _ settings: [String: String] = [:]) async throws -> [String] {
  try await session(settings).kql(text).collect().map { row in
    row.values.map { $0.isNull ? "∅" : ValueText.text($0) }.joined(separator: "|")
  }
}

/// The error of a query; nil when it gives rows.
func failure(_ text: String, _ settings: [String: String] = [:]) async -> KConnectError? {
  do {
    _ = try await session(settings).kql(text).collect()
    return nil
  } catch let error as KConnectError {
    return error
  } catch {
    return nil
  }
}

/// A script as a KQL literal.
func literal(_ script: String) -> String { "```\(script)```" }

/// A directory for one test.
final class Place {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "kconnect-python-tests-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) { FileManager.default.createFile(atPath: path + "/" + name, contents: Data(text.utf8)) }

  /// Runs a line of Python outside of any sandbox.
  func python(_ line: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: PythonTests.python ?? "/usr/bin/python3")
    process.arguments = ["-c", line]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  /// Processes that run a script of a session with this `spillDirectory`: they work in a directory below it. Other tests run scripts meanwhile.
  func scripts() throws -> Int {
    let name = URL(fileURLWithPath: path).lastPathComponent
    return try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int32($0) != nil }.count { process in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd"))?.contains(name) == true
    }
  }
}
