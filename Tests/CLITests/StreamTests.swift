// Role: streams from the shell: bad records, bad files, where they begin, what a dry run shows.

import Foundation
import Testing

@Suite struct StreamTests {
  private static let stream = ["stream", "--from", "csv:in", "--to", "parquet:out", "--checkpoint", "cp", "--trigger", "available-now", "--schema", "a:long, b:string"]

  /// The same without a target.
  private static let command = stream.filter { $0 != "--to" && $0 != "parquet:out" }

  private func place() throws -> Place {
    let place = try Place()
    try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
    return place
  }

  private func put(_ place: Place, _ name: String, _ text: String, time: TimeInterval = 1_700_000_000) throws {
    try place.write("in/\(name)", text)
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: time)], ofItemAtPath: place.file("in/\(name)"))
  }

  private func run(_ place: Place, _ more: String..., failpoint: String? = nil) throws -> RunResult {
    try Program.run(Self.stream + more, in: place, environment: failpoint.map { ["KCONNECT_FAILPOINT": $0] } ?? [:])
  }

  private func values(_ place: Place) throws -> String {
    try Program.run(["read", "out", "--query", "project a | order by a asc", "--format", "csv", "--no-header"], in: place).output
  }

  private func files(_ place: Place, _ directory: String) throws -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: place.file(directory)))?.sorted() ?? []
  }

  @Test func deadLetters() throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\ntwo,y\n3,z\n")
    let first = try run(place, "-o", "deadLetterPath=bad")
    #expect(first.status == 0, "\(first.errors)")
    #expect(try values(place) == "1\n3\n")
    let name = try #require(try files(place, "bad").first)
    #expect(name.hasPrefix("bad-00000000000000000000-") && name.hasSuffix(".jsonl"))
    let record = try place.text("bad/\(name)")
    for part in ["in/1.csv\"", "\"line\":3", "\"offset\":8", "\"reason\":", "\"record\":\"two,y\""] { #expect(record.contains(part), "\(part) not in \(record)") }
    // A batch without bad records leaves no file; one that is run again after a crash leaves one.
    try put(place, "2.csv", "a,b\n4,x\n", time: 1_700_000_001)
    #expect(try run(place, "-o", "deadLetterPath=bad").status == 0)
    #expect(try files(place, "bad").count == 1)
    try put(place, "3.csv", "a,b\nfive,x\n6,y\n", time: 1_700_000_002)
    #expect(try run(place, "-o", "deadLetterPath=bad", failpoint: "sink.encoded=kill").status == -9)
    #expect(try run(place, "-o", "deadLetterPath=bad").status == 0)
    #expect(try values(place) == "1\n3\n4\n6\n")
    let all = try files(place, "bad")
    #expect(all.count == 2, "\(all)")
    #expect(try place.text("bad/\(all[1])").split(separator: "\n").count == 1)
  }

  /// A scheduled stream that infers its columns finds nothing new, or columns in another order: they are those of the first run.
  @Test func columnsAreThoseOfTheCheckpoint() throws {
    let place = try place()
    let stream = ["stream", "--from", "csv:in", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now", "-o", "from.cleanSource=delete"]
    try put(place, "1.csv", "a,b\n1,x\n")
    #expect(try Program.run(stream, in: place).status == 0)
    #expect(try files(place, "in") == [])
    let empty = try Program.run(stream, in: place)
    #expect(empty.status == 0 && empty.errors.contains("nothing new"), "\(empty.errors)")
    try put(place, "2.csv", "a,b\n2,y\n", time: 1_700_000_001)
    #expect(try Program.run(stream, in: place).status == 0)
    #expect(try Program.run(["read", "out", "--query", "order by a asc", "--format", "csv"], in: place).output == "a,b\n1,x\n2,y\n")
    // Of another place they say nothing.
    try FileManager.default.createDirectory(atPath: place.file("other"), withIntermediateDirectories: true)
    try place.write("other/1.csv", "c\n1\n")
    #expect(try Program.run(["stream", "--from", "csv:other", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now"], in: place).errors.contains("CHECKPOINT_CONFLICT"))
  }

  @Test func statusTellsLagAndLastError() throws {
    let place = try place()
    func status() throws -> String { try Program.run(["stream", "status", "cp"], in: place).output }
    try put(place, "1.csv", "a,b\n1,x\n2,y\n")
    #expect(try run(place).status == 0)
    var text = try status()
    for part in ["progress     batch 0 of ", ": 2 rows in, 2 out, ", "waiting 0    0 files, 0 bytes"] { #expect(text.contains(part), "\(text)") }
    #expect(!text.contains("last error"))
    try put(place, "2.csv", "a,b\nthree,x\n", time: 1_700_000_001)
    #expect(try run(place, "-o", "mode=FAILFAST").status == 1)
    try put(place, "3.csv", "a,b\n4,x\n", time: 1_700_000_002)
    text = try status()
    for part in ["last error   20", "'three'", "waiting 0    1 files, 8 bytes"] { #expect(text.contains(part), "\(text)") }
    #expect(try run(place, "-o", "mode=DROPMALFORMED").status == 0)
    text = try status()
    #expect(!text.contains("last error") && text.contains("progress     batch 2 of "), "\(text)")
  }

  /// All of it would be taken for the header.
  @Test(arguments: [(["-o", "lineSep=;"], "a,b;1,x;2,y;"), ([], "a,b\r1,x\r2,y\r")]) func inputWithoutLineFeeds(_ options: [String], _ input: String) throws {
    let place = try place()
    let arguments = ["stream", "--from", "csv:-", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now", "--schema", "a:long, b:string", "-o", "header=true"]
    let result = try Program.run(arguments + options, in: place, input: input)
    #expect(result.status != 0 && result.errors.contains("NOT_SUPPORTED") && result.errors.contains("line feeds"), "\(result.errors)")
  }

  @Test func deadLettersOfABatchThatWasWritten() throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\ntwo,y\n")
    #expect(try run(place, "-o", "deadLetterPath=bad", failpoint: "commit.before=kill").status == -9)
    #expect(try run(place, "-o", "deadLetterPath=bad").status == 0)
    #expect(try files(place, "bad").count == 1)
    #expect(try values(place) == "1\n")
  }

  struct Mode: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let status: Int32
    let values: String
  }

  @Test(arguments: [Mode(testDescription: "PERMISSIVE", status: 0, values: "\n1\n3\n"), Mode(testDescription: "DROPMALFORMED", status: 0, values: "1\n3\n"), Mode(testDescription: "FAILFAST", status: 1, values: "")])
  func modes(_ mode: Mode) throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\ntwo,y\n3,z\n")
    let result = try run(place, "-o", "mode=\(mode.testDescription)")
    #expect(result.status == mode.status, "\(result.errors)")
    if mode.status == 0 { return #expect(try values(place) == mode.values) }
    for part in ["1.csv", "line 3", "batch 0 stays planned in 'cp'"] { #expect(result.errors.contains(part), "\(part) not in: \(result.errors)") }
    // The same command goes on once the file is mended, or with another mode.
    #expect(try run(place, "-o", "mode=DROPMALFORMED").status == 0)
    #expect(try values(place) == "1\n3\n")
  }

  @Test func poisonFilesGoToQuarantine() throws {
    let place = try place()
    let stream = ["stream", "--from", "parquet:in", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now", "--schema", "state:string, deaths:long"]
    #expect(try Program.run(["write", "--from", "storms.csv", "--to", "in/good.parquet", "--columns", "state,deaths"], in: place).status == 0)
    try place.write("in/bad.parquet", "PAR1 this is no Parquet file PAR1")
    let failed = try Program.run(stream, in: place)
    #expect(failed.status == 1)
    #expect(failed.errors.contains("bad.parquet") && failed.errors.contains("stays planned"), "\(failed.errors)")
    let result = try Program.run(stream + ["-o", "onBadFile=quarantine", "-o", "quarantinePath=poison"], in: place)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try files(place, "poison") == ["bad.parquet", "bad.parquet.reason"])
    #expect(try place.text("poison/bad.parquet.reason").contains("FORMAT_CORRUPT"))
    #expect(try files(place, "in") == ["good.parquet"])
    #expect(try Program.run(["read", "csv:out", "--query", "count", "--format", "csv", "--no-header"], in: place).output == "60\n")
  }

  @Test(arguments: [("startingTimestamp=2023-11-14T22:13:21Z", "2\n3\n"), ("startingTimestamp=1700000002000", "3\n"), ("startingAfter=1.csv", "2\n3\n"), ("startingTimestamp=latest", "")])
  func starts(_ option: String, _ expected: String) throws {
    let place = try place()
    for n in 1...3 { try put(place, "\(n).csv", "a,b\n\(n),x\n", time: 1_699_999_999 + Double(n)) }
    let first = try run(place, "-o", option)
    #expect(first.status == 0, "\(first.errors)")
    #expect(try values(place) == expected)
    // The start stays what it was when the option goes.
    try put(place, "0.csv", "a,b\n0,x\n", time: 1_700_000_000)
    try put(place, "9.csv", "a,b\n9,x\n", time: 4_000_000_000)
    #expect(try run(place).status == 0)
    #expect(try values(place) == expected + "9\n")
  }

  @Test func startOfAStreamThatHasBegun() throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\n")
    #expect(try run(place).status == 0)
    let late = try run(place, "-o", "startingAfter=1.csv")
    #expect(late.status == 1)
    #expect(late.errors.contains("has begun"), "\(late.errors)")
  }

  @Test func dryRun() throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\n")
    try put(place, "2.csv", "a,b\n2,x\n")
    let before = place.contents
    let new = try run(place, "--dry-run", "-o", "maxFilesPerTrigger=1")
    #expect(new.status == 0, "\(new.errors)")
    #expect(new.output.contains("does not exist: the first batch would be 0"))
    #expect(new.output.contains("the next batch would read 1 of 2 files, 8 bytes\n  in/1.csv"), "\(new.output)")
    #expect(place.contents == before)
    #expect(try run(place).status == 0)
    try put(place, "3.csv", "a,b\n3,x\n")
    let later = try run(place, "--dry-run")
    #expect(later.output.contains("next batch 1") && later.output.contains("would read 1 files, 8 bytes\n  in/3.csv"), "\(later.output)")
  }

  /// A look at a stream that is about to write an entry of its checkpoint.
  /// Rows for a command can be opened by nobody else, and nothing is left of them.
  @Test func rowsForACommandAreNobodyElses() throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\n")
    let result = try Program.run(Self.command + ["--exec", "stat -L -c %a%h /proc/self/fd/0 >> modes; ls -A cp tmp | grep -c batch >> modes; cat > rows"], in: place)
    #expect(result.status == 0, "\(result.errors)")
    #expect(try place.text("modes") == "6000\n0\n")
    #expect(try place.text("rows") == "{\"a\":1,\"b\":\"x\"}\n")
    #expect(try files(place, "cp").allSatisfy { !$0.contains("exec") })
  }

  /// The rows go to one place, and every option has somebody it is meant for.
  @Test(arguments: [
    ([], "--to is missing"), (["--exec", "cat", "--to", "console:"], "exclude each other"), (["--exec", "cat", "--partition-by", "b"], "--partition-by needs --to"),
    (["--exec", "cat", "-o", "to.header=false"], "'to.header'"), (["--exec", "cat", "-o", "heder=true"], "heder"),
  ]) func whereRowsGo(_ more: [String], _ says: String) throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\n")
    let result = try Program.run(Self.command + more, in: place)
    #expect(result.status == 2 && result.errors.contains(says), "\(result.status): \(result.errors)")
  }

  /// What was left out is said however quiet the rest is, and counted where there is a summary.
  @Test func warningsAreNotSilenced() throws {
    let place = try place()
    try FileManager.default.createDirectory(atPath: place.file("pq"), withIntermediateDirectories: true)
    func poison() throws { try place.write("pq/bad.parquet", "PAR1garbage") }
    let options = ["--schema", "a:long", "--trigger", "available-now", "-o", "onBadFile=quarantine", "-o", "quarantinePath=q"]
    try poison()
    let quiet = try Program.run(["stream", "--from", "parquet:pq", "--to", "csv:out", "--checkpoint", "cp", "--quiet"] + options, in: place)
    #expect(quiet.status == 0 && quiet.errors.hasPrefix("warning: '") && quiet.errors.contains("bad.parquet' cannot be read"), "\(quiet.errors)")
    try poison()
    let loud = try Program.run(["stream", "--from", "parquet:pq", "--to", "csv:out2", "--checkpoint", "cp2"] + options, in: place)
    #expect(loud.errors.contains("warning: '") && loud.errors.hasSuffix(", 1 warning\n"), "\(loud.errors)")
    try poison()
    try place.write("c.toml", "[[pipelines.p.steps]]\nname = \"s\"\nfrom = \"parquet:pq\"\nto = \"csv:out3\"\nstream = true\nschema = \"a:long\"\ntrigger = \"available-now\"\n"
      + "options = { onBadFile = \"quarantine\", quarantinePath = \"q\" }\n")
    let pipeline = try Program.run(["run", "c.toml"], in: place)
    #expect(pipeline.status == 0 && pipeline.errors.contains("warning: '") && pipeline.errors.hasSuffix("1 batch, 1 warning\n"), "\(pipeline.errors)")
  }

  /// A source that is not there is a mistake, unless a step before makes it.
  @Test(arguments: [("csv:in/silver", false), ("parquet:bronze", true), ("parquet:./bronze/", true), ("parquet:bronze/sub", true), ("parquet:bronz", false)])
  func dryRunOfAPipeline(_ source: String, _ isMade: Bool) throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\n")
    try place.write("c.toml", "[[pipelines.p.steps]]\nfrom = \"csv:in\"\nto = \"parquet:bronze\"\n[[pipelines.p.steps]]\nfrom = \"\(source)\"\nto = \"parquet:silver\"\n")
    let result = try Program.run(["run", "c.toml", "--dry-run"], in: place)
    #expect(result.output.contains("an earlier step makes it") == isMade, "\(result.output)")
    #expect((result.status == 0) == isMade, "\(result.errors)")
  }

  @Test func statusOfARunningStream() throws {
    let place = try place()
    try put(place, "1.csv", "a,b\n1,x\n")
    let running = try Program.start(Self.stream, in: place, environment: ["KCONNECT_FAILPOINT": "log.written@3=stop"])
    try awaitStop(running.process)
    let status = try Program.run(["stream", "status", "cp"], in: place)
    #expect(status.status == 0 && status.output.contains("running      yes"), "\(status.errors)\(status.output)")
    #expect(try run(place, "--dry-run").status == 0)
    kill(running.process.processIdentifier, SIGCONT)
    running.process.waitUntilExit()
    let result = try running.result()
    #expect(result.status == 0, "\(result.errors)")
    #expect(try values(place) == "1\n")
  }

  /// Relative places mean the working directory of the first start: elsewhere they are other places.
  @Test func anotherWorkingDirectory() throws {
    let place = try place(), other = try self.place()
    try put(place, "1.csv", "a,b\n1,x\n")
    try put(other, "1.csv", "a,b\n77,x\n")
    #expect(try run(place).status == 0)
    var words = Self.stream
    words[6] = place.file("cp")
    let elsewhere = try Program.run(words, in: other)
    #expect(elsewhere.status == 1 && elsewhere.errors.contains("was written with"), "\(elsewhere.errors)")
    #expect(try files(other, "out") == [])
    (words[2], words[4]) = ("csv:" + place.file("in"), "parquet:" + place.file("out"))
    let same = try Program.run(words, in: other)
    #expect(same.status == 0 && same.errors.hasPrefix("nothing new"), "\(same.errors)")
    let reset = try Program.run(["stream", "reset", place.file("cp")], in: other)
    #expect(reset.output.contains("has batches of query"), "\(reset.output)")
  }

  /// The wall clock is set back by an hour while the stream waits: the library in front shows a time that the kernel does not have yet.
  @Test func clockThatIsSetBack() throws {
    let place = try place()
    try place.write("clock.c", """
      #define _GNU_SOURCE
      #include <time.h>
      #include <unistd.h>
      #include <sys/syscall.h>
      int clock_gettime(clockid_t id, struct timespec *time) {
        int result = syscall(SYS_clock_gettime, id, time);
        if (id == CLOCK_REALTIME) time->tv_sec += 3600;
        return result;
      }
      """)
    guard system("cc", "-shared", "-fPIC", "-o", place.file("clock.so"), place.file("clock.c")) == 0 else {
      print("not run: no C compiler")
      return
    }
    try put(place, "1.csv", "a,b\n1,x\n")
    // Without a trigger the query waits for files until its time is over.
    var words = Self.stream
    words.removeSubrange(7...8)
    let result = try Program.run(words + ["--timeout", "200ms"], in: place, environment: ["LD_PRELOAD": place.file("clock.so")], prefix: ["/usr/bin/timeout", "-s", "KILL", "120"])
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test(arguments: [
    (["-o", "quarantinePath=x"], "onBadFile"), (["-o", "onBadFile=quarantine"], "quarantinePath"), (["-o", "badRecordsPath=x"], "deadLetterPath"), (["-o", "deadLeterPath=x"], "did you mean 'deadLetterPath'"),
  ]) func wrongOptions(_ more: [String], _ says: String) throws {
    let place = try place()
    let result = try Program.run(Self.stream + more, in: place)
    #expect(result.status == 2)
    #expect(result.errors.contains(says), "\(result.errors)")
  }
}
