// The cases of the language, each file in every mode. `KCONNECT_RECORD=1` writes what the standard mode answers into the files.

import Foundation
import Testing

struct CaseTests {
  static let isRecording = ProcessInfo.processInfo.environment["KCONNECT_RECORD"] == "1"

  @Test(arguments: CaseFile.all, isRecording ? [.standard] : Mode.selected)
  func file(_ file: CaseFile, _ mode: Mode) async throws {
    // On a thread of its own: queries block, and a server of this process needs the threads of asynchronous code.
    let found = await withCheckedContinuation { done in Thread.detachNewThread { done.resume(returning: Result { try Self.problems(file, mode) }) } }
    for problem in try found.get() { Issue.record("\(problem)") }
  }

  /// What is wrong with the cases of a file in a mode.
  private static func problems(_ file: CaseFile, _ mode: Mode) throws -> [String] {
    var problems: [String] = []
    var session = try SuiteSession(mode)
    var done = 0
    var recorded: [(lines: Range<Int>, text: [String])] = []
    for item in try file.cases() where item.excludedModes[mode.rawValue] == nil {
      for command in item.setup[done...] { try session.run(command: command) }
      done = item.setup.count
      let difference: String?
      var lines: [String] = []
      if case .plan(let expected) = item.expectation {
        // A plan is the same in one mode only.
        guard mode == .standard else { continue }
        lines = try item.plan(session)
        difference = lines == expected ? nil : Diff.text(["plan"] + expected, ["plan"] + lines)
        lines.insert("plan", at: 0)
      } else {
        let outcome = item.run(session)
        lines = outcome.lines(sorted: item.isRowSorted)
        difference = item.difference(outcome)
      }
      if isRecording {
        if difference != nil, item.expectedFailure == nil { recorded.append((item.expectationLines, lines)) }
      } else if let difference {
        if item.expectedFailure == nil { problems.append("\(item.place) [\(mode)]\n\(item.text)\n\(difference)") }
      } else if let reason = item.expectedFailure, mode == .standard {
        problems.append("\(item.place): passes, although it should not: \(reason)")
      }
    }
    if !recorded.isEmpty { try record(file, recorded) }
    return problems
  }

  private static func record(_ file: CaseFile, _ changes: [(lines: Range<Int>, text: [String])]) throws {
    var lines = try file.lines()
    for change in changes.reversed() { lines.replaceSubrange(change.lines, with: change.text) }
    try lines.joined(separator: "\n").write(toFile: file.sourcePath, atomically: true, encoding: .utf8)
    print("recorded \(changes.count) cases of \(file.name)")
  }

  @Test func thereAreCases() { #expect(!CaseFile.all.isEmpty || ProcessInfo.processInfo.environment["KQLTEST_FILTER"] != nil) }
}
