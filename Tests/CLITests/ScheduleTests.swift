// Role: ten minutes of a one-minute schedule: starts that overlap, a night on which the disk is full, and the catch-up. Nothing sleeps: each
// start gets its time, and a run that is to overlap others is stopped where it holds the lock.

import Foundation
import Testing

@Suite struct ScheduleTests {
  /// 2026-02-01T00:00:00Z.
  private static let midnight = 1_769_904_000_000

  private static let configuration = """
    [pipelines.events]
    on-failure = "echo \\"$KCONNECT_PIPELINE $KCONNECT_STEP $KCONNECT_EXIT_CODE\\" >> failures"
    [[pipelines.events.steps]]
    name = "bronze"
    from = "csv:in"
    to = "parquet:bronze"
    stream = true
    schema = "minute:long, n:long"
    [[pipelines.events.steps]]
    name = "gold"
    from = "parquet:bronze"
    to = "parquet:gold"
    mode = "overwrite"
    query = "summarize rows = count(), total = sum(n) by minute"
    """

  private func environment(_ minute: Int, _ more: [String: String] = [:]) -> [String: String] {
    ["KCONNECT_CLOCK": String(Self.midnight + minute * 60_000 + 1_000)].merging(more) { $1 }
  }

  private func arrive(_ minute: Int, _ place: Place) throws {
    try place.write("in/\(minute).csv", "minute,n\n" + (0...minute).map { "\(minute),\($0)\n" }.joined())
  }

  private func run(_ place: Place, _ minute: Int, _ more: [String: String] = [:]) throws -> RunResult {
    try Program.run(["run", "pipelines.toml"], in: place, environment: environment(minute, more))
  }

  /// One line, with the time of the start.
  private func expectLine(_ result: RunResult, _ minute: Int, _ parts: String..., at location: SourceLocation = #_sourceLocation) {
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 1, "\(result.errors)", sourceLocation: location)
    #expect(result.errors.hasPrefix("2026-02-01T00:0\(minute):"), "\(result.errors)", sourceLocation: location)
    for part in parts { #expect(result.errors.contains(part), "\(part) not in: \(result.errors)", sourceLocation: location) }
    #expect(result.output == "", sourceLocation: location)
  }

  @Test func tenMinutes() throws {
    let place = try Place()
    try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
    try place.write("pipelines.toml", Self.configuration)
    for minute in 0..<3 {
      try arrive(minute, place)
      let result = try run(place, minute)
      #expect(result.status == 0)
      expectLine(result, minute, "events: done in", "bronze \(minute + 1) row", "in 1 batch", "gold \(minute + 1) row")
    }
    // Minute 3 hangs in its first step; minutes 4 and 5 find it running.
    try arrive(3, place)
    let hanging = try Program.start(["run", "pipelines.toml"], in: place, environment: environment(3, ["KCONNECT_FAILPOINT": "sink.before=stop"]))
    try awaitStop(hanging.process)
    for minute in 4...5 {
      try arrive(minute, place)
      let result = try run(place, minute)
      #expect(result.status == 75)
      expectLine(result, minute, "events: not started, exit code 75: LOCKED: the pipeline 'events' is in use by another process")
    }
    #expect(!FileManager.default.fileExists(atPath: place.file("failures")))
    kill(hanging.process.processIdentifier, SIGCONT)
    hanging.process.waitUntilExit()
    let late = try hanging.result()
    #expect(late.status == 0)
    expectLine(late, 3, "events: done in")
    // Minute 6 catches up with what the overlapping starts left.
    try arrive(6, place)
    let sixth = try run(place, 6)
    #expect(sixth.status == 0)
    expectLine(sixth, 6, "events: done in", "gold 7 rows")
    // The night: the disk is full.
    for minute in 7...8 {
      try arrive(minute, place)
      let result = try run(place, minute, ["KCONNECT_FAILPOINT": "sink.before=enospc"])
      #expect(result.status == 1)
      expectLine(result, minute, "events: step 'bronze' failed, exit code 1: DISK_FULL", "stays planned")
    }
    #expect(try place.text("failures") == "events bronze 1\nevents bronze 1\n")
    let dry = try Program.run(["run", "pipelines.toml", "--dry-run"], in: place, environment: environment(9))
    #expect(dry.status == 0)
    #expect(dry.output.contains("would read again up to"), "\(dry.output)")
    // The catch-up runs the batch that was planned in the night, and what came since.
    try arrive(9, place)
    let last = try run(place, 9)
    #expect(last.status == 0)
    expectLine(last, 9, "events: done in", "bronze 27 rows in 2 batches", "gold 10 rows")
    let rows = try Program.run(["read", "gold", "--query", "where rows == minute + 1 and total == minute * (minute + 1) / 2 | count", "--format", "csv", "--no-header"], in: place)
    #expect(rows.output == "10\n", "\(rows.output)\(rows.errors)")
    let again = try run(place, 9)
    #expect(again.status == 0)
    #expect(try Program.run(["read", "bronze", "--query", "count", "--format", "csv", "--no-header"], in: place).output == "55\n")
  }

  @Test func mistakesOfTheFile() throws {
    let place = try Place()
    try place.write("p.toml", "[[pipelines.p.steps]]\nfrom = \"csv:storms.csv\"\nto = \"out.parquet\"\noptions = { hedaer = true }\n")
    let result = try Program.run(["run", "p.toml"], in: place)
    #expect(result.status == 78)
    #expect(result.errors.contains("p.toml:1:1: step 'step1': unknown option 'hedaer'"), "\(result.errors)")
    #expect(try Program.run(["run", "none.toml"], in: place).status == 78)
    #expect(try Program.run(["run", "p.toml", "q"], in: place).status == 2)
    let json = try Program.run(["run", "p.toml", "--progress", "json"], in: place)
    #expect(json.status == 78)
    #expect(json.errors.contains("\"failedStep\":\"step1\"") && json.errors.contains("\"exitCode\":78"), "\(json.errors)")
  }
}
