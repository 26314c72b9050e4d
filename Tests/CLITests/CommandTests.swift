// Role: the commands doing their work: formats, pipelines, writes, configuration, interrupts, generated files.

import Foundation
import Testing

@Suite struct CommandTests {
  private static let csv = ["-o", "header=true", "-o", "inferSchema=true"]

  private func run(_ arguments: [String], _ place: Place, input: String? = nil) throws -> String {
    let result = try Program.run(arguments, in: place, input: input)
    #expect(result.status == 0, "\(arguments): \(result.errors)")
    return result.output
  }

  struct Format: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    let output: String
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: [String], _ output: String) {
      self.arguments = arguments
      self.output = output
    }
  }

  static let query = "print n = 1, s = 'a|\"b\", c', x = real(null), d = dynamic({'k':[1,null]})"

  static let formats: [Format] = [
    Format(["--format", "table"], """
      ┌───┬──────────┬───┬────────────────┐
      │ n │ s        │ x │ d              │
      ├───┼──────────┼───┼────────────────┤
      │ 1 │ a|"b", c │ ∅ │ {"k":[1,null]} │
      └───┴──────────┴───┴────────────────┘

      """),
    Format(["--format", "markdown"], "| n | s | x | d |\n| ---: | --- | ---: | --- |\n| 1 | a\\|\"b\", c | ∅ | {\"k\":[1,null]} |\n"),
    Format(["--format", "json"], "{\"columns\":[{\"name\":\"n\",\"type\":\"long\"},{\"name\":\"s\",\"type\":\"string\"},{\"name\":\"x\",\"type\":\"real\"},{\"name\":\"d\",\"type\":\"dynamic\"}],\"rows\":[\n[1,\"a|\\\"b\\\", c\",null,{\"k\":[1,null]}]\n]}\n"),
    Format(["--format", "csv"], "n,s,x,d\n1,\"a|\"\"b\"\", c\",,\"{\"\"k\"\":[1,null]}\"\n"),
    Format(["--format", "csv", "--no-header"], "1,\"a|\"\"b\"\", c\",,\"{\"\"k\"\":[1,null]}\"\n"),
    Format(["--format", "markdown", "--no-header"], "| 1 | a\\|\"b\", c | ∅ | {\"k\":[1,null]} |\n"),
  ]

  @Test(arguments: formats) func format(_ format: Format) throws {
    #expect(try run(["query", Self.query] + format.arguments, Place()) == format.output)
  }

  @Test func ndjsonAndTSV() throws {
    let place = try Place()
    let line = try run(["query", "print n = 1, s = 'x'", "--format", "ndjson"], place)
    #expect(line == "{\"n\":1,\"s\":\"x\"}\n")
    #expect(try run(["query", "print n = 1, s = 'x'", "--format", "tsv"], place) == "n\ts\n1\tx\n")
  }

  @Test func formatFollowsTheOutputName() throws {
    let place = try Place()
    for name in ["o.csv", "o.tsv", "o.json", "o.ndjson", "o.md", "o.parquet", "o.txt"] {
      _ = try run(["query", "range n from 1 to 3 step 1", "--output", name], place)
    }
    #expect(try place.text("o.csv") == "n\n1\n2\n3\n")
    #expect(try place.text("o.json").hasPrefix("{\"columns\":"))
    #expect(try place.text("o.ndjson") == "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n")
    #expect(try place.text("o.md").hasPrefix("| n |"))
    #expect(try run(["query", "T | summarize sum(n)", "--table", "T=o.parquet", "--format", "csv"], place) == "sum_n\n6\n")
    // Written again: replaced, whatever the format; nothing else left.
    _ = try run(["query", "print n = 9", "--output", "o.csv"], place)
    #expect(try place.text("o.csv") == "n\n9\n")
    #expect(place.contents.filter { $0.hasPrefix(".") } == [])
  }

  @Test func readPipeline() throws {
    let place = try Place()
    let top = try run(["read", "storms.csv", "--query", "summarize n = count() by state | order by n desc, state asc | take 2", "--format", "csv"] + Self.csv, place)
    #expect(top.hasPrefix("state,n\n") && top.split(separator: "\n").count == 3)
    let filtered = try run(["read", "storms.csv", "--columns", "state,deaths", "--filter", "deaths > 1 and type == 'Hail'", "--limit", "1", "--format", "csv"] + Self.csv, place)
    #expect(filtered.hasPrefix("state,deaths\n"))
    #expect(try run(["read", "storms.csv", "--query", "where deaths == toscalar(source | summarize max(deaths)) | summarize n = count() | extend n > 0", "--format", "csv"] + Self.csv, place).hasSuffix(",true\n"))
  }

  @Test func standardInput() throws {
    let place = try Place()
    #expect(try run(["read", "csv:-", "-o", "header=true", "--format", "csv"], place, input: "a,b\n1,x\n") == "a,b\n1,x\n")
    #expect(try run(["query", "--format", "csv"], place, input: "print a = 1\n| extend b = a + 1\n") == "a,b\n1,2\n")
    #expect(try run(["query", "-", "--format", "csv"], place, input: "print a = 1") == "a\n1\n")
    #expect(try run(["query", "T | count", "-t", "T=csv:-", "-o", "header=true", "--format", "csv"], place, input: "a\n1\n2\n") == "Count\n2\n")
  }

  /// What `set` statements say of a query's limits holds over files and over a store.
  @Test(arguments: [
    ("set truncationmaxrecords = 5; range x from 1 to 10 step 1", "truncationmaxrecords"),
    ("set notruncation; set truncationmaxsize = 1000; range x from 1 to 100000 step 1", "truncationmaxsize"),
    ("set maxoutputcolumns = 1; print 1, 2", "maxoutputcolumns"),
    ("set max_memory_consumption_per_query_per_node = 100000; range x from 1 to 900000 step 1 | summarize make_list(x)", "LOW_MEMORY"),
    ("set servertimeout = 1m; print 1", "servertimeout"),
  ])
  func limitsByStatements(_ query: String, _ said: String) throws {
    let place = try Place()
    for store in [[], ["--store", "s"]] {
      if !store.isEmpty { _ = try run(["query", ".create database D"] + store, place) }
      let result = try Program.run(["query", query] + store, in: place)
      #expect(result.status != 0 && result.errors.contains(said), "\(result.errors)")
      #expect(try run(["query", "--format", "csv", "set truncationmaxrecords = 2; range x from 1 to 2 step 1"] + store, place) == "x\n1\n2\n")
    }
  }

  @Test func writeAndSummary() throws {
    let place = try Place()
    let result = try Program.run(["write", "--from", "storms.csv", "--to", "storms.parquet"] + Self.csv, in: place)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output == "")
    #expect(result.errors.contains("wrote 60 rows") && result.errors.contains("1 file"), "\(result.errors)")
    #expect(try Program.run(["write", "--from", "storms.csv", "--to", "storms.parquet", "--mode", "overwrite", "--quiet"] + Self.csv, in: place).errors == "")
    #expect(try Program.run(["write", "--from", "storms.csv", "--to", "storms.parquet", "--mode", "ignore"] + Self.csv, in: place).errors.contains("skipped"))
    let json = try Program.run(["write", "--from", "storms.parquet", "--to", "csv:-", "--progress", "json"], in: place)
    #expect(json.errors.split(separator: "\n").last?.contains("\"event\":\"summary\"") == true)
    #expect(json.output.split(separator: "\n").count >= 60)
    _ = try run(["write", "--from", "storms.parquet", "--to", "parquet:parts", "--partition-by", "state"], place)
    #expect(try run(["read", "parts", "--query", "where state == 'OHIO' | count", "--format", "csv"], place) != "Count\n0\n")
  }

  @Test func configuration() throws {
    let place = try Place()
    try place.write("c.toml", """
      [defaults]
      format = "csv"
      threads = 2
      [profiles.docs]
      format = "markdown"
      [options.csv]
      header = true
      inferSchema = "true"
      [tables]
      S = "storms.csv"
      """)
    #expect(try run(["query", "S | where deaths > 100 | project state, deaths", "--config", "c.toml"], place) == "state,deaths\n")
    #expect(try run(["query", "S | count", "--config", "c.toml", "--profile", "docs"], place).hasPrefix("| Count |"))
    #expect(try run(["query", "S | count", "--config", "c.toml", "--format", "tsv"], place) == "Count\n60\n")
  }

  @Test func schemas() throws {
    let place = try Place()
    #expect(try run(["schema", "states.csv", "--schema", "state:string, capital:string, people:long", "-o", "header=true"], place) == "state:string, capital:string, people:long\n")
    #expect(try run(["schema", "states.csv", "--schema", "state:string, ['the capital']:string, people:long", "--format", "ddl"], place) == "state string, `the capital` string, people long\n")
    #expect(try run(["schema", "states.csv", "--schema", "a:long", "--format", "json"], place) == "{\"columns\":[{\"name\":\"a\",\"type\":\"long\",\"nullable\":true}]}\n")
  }

  @Test func explain() throws {
    let place = try Place()
    let plan = try run(["explain", "S | where deaths > 1 | project state", "--table", "S=storms.csv"] + Self.csv, place)
    #expect(plan.contains("storms.csv"))
    #expect(try run(["explain", "S | count", "--table", "S=storms.csv", "--mode", "analyze"], place).contains("rows"))
    #expect(try run(["read", "storms.csv", "--filter", "deaths > 1", "--explain"] + Self.csv, place).contains("deaths"))
    #expect(try run(["write", "--from", "storms.csv", "--to", "x.parquet", "--explain"], place).contains("storms.csv"))
    #expect(!place.contents.contains("x.parquet"))
  }

  @Test func inspect() throws {
    let place = try Place()
    _ = try run(["write", "--from", "storms.csv", "--to", "s.parquet"] + Self.csv, place)
    let text = try run(["inspect", "s.parquet"], place)
    #expect(text.contains("60") && text.contains("deaths") && text.lowercased().contains("row group"))
    #expect(try run(["inspect", "s.parquet", "--format", "json"], place).hasPrefix("{"))
  }

  @Test(arguments: ["csv", "json", "parquet"]) func optionSchemasAreCurrent(_ source: String) throws {
    let file = Program.packageRoot.appendingPathComponent("schemas/options.\(source).schema.json")
    let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    #expect(try run(["options", source, "--format", "schema"], Place()) == expected, "scripts/check-docs KCONNECT --update renews it")
    _ = try JSONSerialization.jsonObject(with: Data(expected.utf8))
  }

  @Test func completionsAndVersion() throws {
    let place = try Place()
    for shell in ["bash", "zsh", "fish"] {
      let script = try run(["completions", shell], place)
      // The sources of 'options', the functions of 'functions'.
      #expect(["kconnect", "kafka", "geo_point_in_polygon"].allSatisfy(script.contains))
    }
    #expect(try run(["--version"], place).split(separator: ".").count == 3)
  }

  /// What bash offers for the last of some words.
  @Test(arguments: [
    (["stream", "--ch"], ["--checkpoint"]), (["stream", "--from", "csv:in", "--trig"], ["--trigger"]), (["stream", "st"], ["status"]), (["stream", "run", "--dedup-k"], ["--dedup-key"]),
    (["options", "ka"], ["kafka"]), (["functions", "geo_point_in_pol"], ["geo_point_in_polygon"]), (["functions", "--family", "geosp"], ["geospatial"]),
  ])
  func bashCompletes(_ words: [String], _ expected: [String]) throws {
    let place = try Place()
    try place.write("complete.sh", try run(["completions", "bash"], place) + """

      COMP_WORDS=(kconnect "$@")
      COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
      COMP_LINE="${COMP_WORDS[*]}"
      COMP_POINT=${#COMP_LINE}
      _kconnect kconnect "${COMP_WORDS[$COMP_CWORD]}" "${COMP_WORDS[$((COMP_CWORD - 1))]}"
      printf '%s\\n' "${COMPREPLY[@]}" | sort -u
      """)
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    shell.arguments = [place.file("complete.sh")] + words
    let output = Pipe()
    shell.standardOutput = output
    try shell.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(text.split(separator: "\n").map(String.init) == expected)
  }

  @Test(arguments: ["", "read", "write", "query", "explain", "inspect", "schema", "options", "functions", "completions", "stream", "run", "shell"])
  func helpIsKept(_ command: String) throws {
    let place = try Place()
    let text = try run((command.isEmpty ? [] : [command]) + ["--help"], place)
    let name = "Tests/CLITests/Help/\(command.isEmpty ? "kconnect" : command).txt"
    let file = Program.packageRoot.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["KCONNECT_RECORD"] == "1" { try Data(text.utf8).write(to: file) }
    #expect(text == String(decoding: try Data(contentsOf: file), as: UTF8.self), "KCONNECT_RECORD=1 renews \(name)")
  }

  struct Signal: Sendable, CustomTestStringConvertible {
    let number: Int32
    let status: Int32
    let arguments: [String]
    var testDescription: String { "\(number) \(arguments[0])" }
  }

  static let endless = "range a from 1 to 200000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 200000 step 1 | extend k = 1) on k"

  @Test(arguments: [
    Signal(number: SIGINT, status: 130, arguments: ["query", endless + " | summarize sum(a * b)"]),
    Signal(number: SIGINT, status: 130, arguments: ["query", endless, "--output", "out.parquet"]),
    Signal(number: SIGINT, status: 130, arguments: ["query", endless, "--output", "out.json"]),
    Signal(number: SIGTERM, status: 143, arguments: ["query", endless + " | count"]),
    Signal(number: SIGINT, status: 130, arguments: ["read", "csv:pipe"]),
  ]) func interrupts(_ signal: Signal) throws {
    let place = try Place()
    mkfifo(place.file("pipe"), 0o600)
    let before = place.contents
    let running = try Program.start(signal.arguments, in: place)
    // The thread that receives signals and the workers are up once there are more threads than one.
    let tasks = "/proc/\(running.process.processIdentifier)/task"
    while running.process.isRunning, ((try? FileManager.default.contentsOfDirectory(atPath: tasks).count) ?? 0) < 2 { sched_yield() }
    #expect(running.process.isRunning)
    // Left alone these would run for hours (or wait for a writer that never comes): ending at all shows that the signal stops them.
    kill(running.process.processIdentifier, signal.number)
    running.process.waitUntilExit()
    let result = try running.result()
    #expect(result.status == signal.status, "\(result.errors)")
    #expect(result.errors.contains("interrupted"))
    #expect(place.contents == before)
  }

  /// A stream that has ended takes no signal from the step behind it.
  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)]) func interruptsBehindAStream(_ number: Int32, _ status: Int32) throws {
    let place = try Place()
    mkfifo(place.file("pipe"), 0o600)
    try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
    try place.write("in/1.csv", "a\n1\n")
    try place.write("c.toml", """
      [[pipelines.p.steps]]
      from = "csv:in"
      to = "csv:out"
      stream = true
      trigger = "available-now"
      [[pipelines.p.steps]]
      from = "csv:pipe"
      to = "two.csv"
      schema = "a:long"
      """)
    let running = try Program.start(["run", "c.toml"], in: place)
    // There is a reader once the second step has begun; it waits for rows that never come.
    var descriptor: Int32 = -1
    while running.process.isRunning, descriptor < 0 {
      descriptor = open(place.file("pipe"), O_WRONLY | O_NONBLOCK)
      sched_yield()
    }
    #expect(running.process.isRunning)
    kill(running.process.processIdentifier, number)
    running.process.waitUntilExit()
    close(descriptor)
    let result = try running.result()
    #expect(result.status == status, "\(result.errors)")
    #expect(!place.contents.contains("two.csv"))
  }

  @Test func closedPipe() throws {
    let place = try Place()
    for format in ["table", "csv", "json", "ndjson"] {
      let status = system("sh", "-c", "cd '\(place.url.path)' && '\(Program.path)' query 'range n from 1 to 3000000 step 1' --format \(format) 2>err.\(format) | head -1 >/dev/null")
      #expect(status == 0)
      #expect(try place.text("err.\(format)") == "")
    }
  }

  @Test func devicesStayDevices() throws {
    let place = try Place()
    _ = try run(["query", "print 1", "--output", "/dev/null"], place)
    _ = try run(["query", "print 1", "--output", "/dev/null", "--format", "csv"], place)
    var info = stat()
    #expect(stat("/dev/null", &info) == 0 && info.st_mode & S_IFMT == S_IFCHR)
  }
}
