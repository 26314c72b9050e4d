// Role: runs the built program as a user does, in a directory of its own.

import Foundation
import Testing

/// What a run left.
struct RunResult: Sendable {
  let status: Int32
  let output: String
  let errors: String
}

/// The program under test, beside the test bundle.
enum Program {
  static let path: String = {
    if let given = ProcessInfo.processInfo.environment["KCONNECT_PROGRAM"] { return given }
    let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for folder in [own, bundle, packageRoot.appendingPathComponent(".build/release")] {
      let candidate = folder.appendingPathComponent("kconnect").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    return packageRoot.appendingPathComponent(".build/release/kconnect").path
  }()

  /// The repository.
  static let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Runs the program to its end. `prefix` puts another program in front (`setpriv …`).
  static func run(
    _ arguments: [String], in place: Place, input: String? = nil, environment: [String: String] = [:], prefix: [String] = []
  ) throws -> RunResult {
    let process = try start(arguments, in: place, input: input, environment: environment, prefix: prefix)
    process.process.waitUntilExit()
    return try process.result()
  }

  /// A running program with its output in files.
  struct Running {
    let process: Process
    let folder: URL

    func result() throws -> RunResult {
      defer { try? FileManager.default.removeItem(at: folder) }
      let status = process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus
      return RunResult(
        status: status, output: String(decoding: try Data(contentsOf: folder.appendingPathComponent("out")), as: UTF8.self),
        errors: String(decoding: try Data(contentsOf: folder.appendingPathComponent("err")), as: UTF8.self))
    }
  }

  static func start(
    _ arguments: [String], in place: Place, input: String? = nil, environment: [String: String] = [:], prefix: [String] = []
  ) throws -> Running {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kconnect-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: folder.appendingPathComponent(name).path, contents: nil) }
    try Data((input ?? "").utf8).write(to: folder.appendingPathComponent("in"))
    let process = Process()
    let words = prefix + [path] + arguments
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    process.currentDirectoryURL = place.url
    var variables = ProcessInfo.processInfo.environment
    for name in ["COLUMNS", "KCONNECT_CONFIG", "NO_COLOR"] { variables[name] = nil }
    variables.merge(environment) { $1 }
    process.environment = variables
    process.standardInput = try FileHandle(forReadingFrom: folder.appendingPathComponent("in"))
    process.standardOutput = try FileHandle(forWritingTo: folder.appendingPathComponent("out"))
    process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent("err"))
    try process.run()
    return Running(process: process, folder: folder)
  }
}

/// Waits until a process stands still.
func awaitStop(_ process: Process) throws {
  for _ in 0..<50_000_000 {
    let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
    if text.contains(") T ") { return }
    guard process.isRunning else { break }
    sched_yield()
  }
  Issue.record("the run did not stop")
}

/// A directory for one test, removed with it.
final class Place: Sendable {
  let url: URL

  /// With the examples' data in it.
  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("kconnect-cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    for name in ["storms.csv", "states.csv"] {
      try FileManager.default.copyItem(at: Program.packageRoot.appendingPathComponent("examples/data/\(name)"), to: url.appendingPathComponent(name))
    }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String) -> String { url.appendingPathComponent(name).path }

  func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: url.appendingPathComponent(name)) }

  func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: url.appendingPathComponent(name)), as: UTF8.self) }

  /// All paths below, sorted, hidden ones included.
  var contents: [String] {
    (FileManager.default.enumerator(atPath: url.path)?.allObjects as? [String] ?? []).sorted()
  }
}

/// Runs another program; nil when it cannot be started.
@discardableResult
func system(_ words: String...) -> Int32? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = words
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = FileHandle.nullDevice
  process.standardError = FileHandle.nullDevice
  do { try process.run() } catch { return nil }
  process.waitUntilExit()
  return process.terminationStatus
}
