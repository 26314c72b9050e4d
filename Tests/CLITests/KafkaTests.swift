// Role: Kafka from the shell, against brokers in a process of their own.

import Foundation
import Testing

/// The mock cluster; ends with the test.
private final class Brokers {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  let address: String

  init() throws {
    process.executableURL = URL(fileURLWithPath: Program.path).deletingLastPathComponent().appendingPathComponent("kafka-mock")
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    address = Self.line(output)
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private static func line(_ pipe: Pipe) -> String {
    var bytes: [UInt8] = []
    while let byte = try? pipe.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func tell(_ commands: String...) throws {
    for command in commands {
      try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
      #expect(Self.line(output) == "ok", "\(command)")
    }
  }
}

@Suite struct KafkaTests {
  private func read(_ place: Place, _ locator: String, _ more: String...) throws -> RunResult {
    try Program.run(["read", locator, "--format", "csv", "--no-header"] + more, in: place)
  }

  @Test func readsWhatIsThere() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 2", "produce t 0 2 a", "tombstone t 0", "header t 1")
    let rows = try read(place, "kafka:\(brokers.address)/t", "-o", "includeHeaders=true", "--query", "order by partition asc, offset asc | project key, value, topic, partition, offset, timestamp, timestampType, headers")
    #expect(rows.status == 0, "\(rows.errors)")
    #expect(
      rows.output == """
        k-0,a-0,t,0,0,2023-11-14T22:13:20Z,0,[]
        k-1,a-1,t,0,1,2023-11-14T22:13:20.001Z,0,[]
        gone,,t,0,2,2023-11-14T22:13:20Z,0,[]
        h,with headers,t,1,0,2023-11-14T22:13:20Z,0,"[{""key"":""a"",""value"":""1""},{""key"":""b"",""value"":null}]"

        """, "\(rows.output)")
    #expect(try read(place, "kafka:\(brokers.address)/t", "--query", "where isnull(value) or value == '' | count").output == "1\n")
    let part = try read(
      place, "kafka:", "-o", "kafka.bootstrap.servers=\(brokers.address)", "-o", "assign={\"t\":[0]}", "-o", "startingOffsets={\"t\":{\"0\":1}}", "-o", "endingOffsets={\"t\":{\"0\":2}}",
      "--columns", "value")
    #expect(part.output == "a-1\n", "\(part.errors)")
    #expect(try read(place, "kafka:", "-o", "kafka.bootstrap.servers=\(brokers.address)", "-o", "subscribePattern=t|nothing", "--query", "count").output == "4\n")
    #expect(try read(place, "kafka:\(brokers.address)", "-o", "assign={\"t\":[0]}", "-o", "binaryForm=base64", "--columns", "key", "--limit", "1").output == "ay0w\n")
  }

  @Test func streamsOnceAndGoesOn() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 2", "produce t 0 50 a", "produce t 1 7 b")
    let stream = ["stream", "--from", "kafka:\(brokers.address)/t", "--to", "parquet:out", "--checkpoint", "cp", "--trigger", "available-now", "-o", "startingOffsets=earliest", "-o", "maxOffsetsPerTrigger=20"]
    let first = try Program.run(stream, in: place)
    #expect(first.status == 0 && first.errors.contains("wrote 57 rows in 3 batches"), "\(first.errors)")
    #expect(try place.text("cp/sources/0/0").contains("{\"t\":{\"0\":0,\"1\":0}}"))
    #expect(try place.text("cp/offsets/2").contains("{\"t\":{\"0\":50,\"1\":7}}"))
    #expect(try Program.run(stream, in: place).errors.hasPrefix("nothing new"))
    try brokers.tell("produce t 0 3 c")
    for point in ["wal.after", "sink.encoded", "batch.written"] {
      #expect(try Program.run(stream, in: place, environment: ["KCONNECT_FAILPOINT": "\(point)=kill"]).status == -9)
    }
    #expect(try Program.run(stream, in: place).status == 0)
    #expect(try read(place, "out", "--query", "summarize count(), dcount(strcat(partition, '/', offset))").output == "60,60\n")
  }

  @Test func latestIsDecidedOnce() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 1", "produce t 0 5 old")
    let stream = ["stream", "--from", "kafka:\(brokers.address)/t", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now"]
    #expect(try Program.run(stream, in: place).status == 0)
    try brokers.tell("produce t 0 2 new")
    #expect(try Program.run(stream, in: place).status == 0)
    #expect(try read(place, "csv:out", "--columns", "value").output == "new-0\nnew-1\n")
  }

  @Test func lostMessages() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 1", "bulk t 0 80 100000")
    let from = "kafka:\(brokers.address)/t", start = "startingOffsets={\"t\":{\"0\":0}}"
    let strict = try read(place, from, "-o", start, "--query", "count")
    #expect(strict.status == 1 && strict.errors.contains("failOnDataLoss=false"), "\(strict.errors)")
    let loose = try read(place, from, "-o", start, "-o", "failOnDataLoss=false", "--query", "summarize min(offset), max(offset), n = count() | where n == max_offset - min_offset + 1 and min_offset > 0 | project max_offset")
    #expect(loose.output == "79\n", "\(loose.errors)\(loose.output)")
    let stream = ["stream", "--from", from, "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now", "-o", start, "--columns", "offset"]
    let lost = try Program.run(stream, in: place)
    #expect(lost.status == 1 && lost.errors.contains("error[CHECKPOINT_CONFLICT]: Kafka: t[0]: offsets 0 to"), "\(lost.errors)")
    #expect(try Program.run(stream + ["-o", "failOnDataLoss=false"], in: place).status == 0)
  }

  /// Names and partitions that are given twice are read once.
  @Test(arguments: [["-o", "subscribe=t,t"], ["-o", "assign={\"t\":[0,0]}"]]) func givenTwice(_ more: [String]) throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 1", "produce t 0 3 a")
    let result = try Program.run(["read", "kafka:\(brokers.address)", "--format", "csv", "--no-header", "--query", "count"] + more, in: place)
    #expect(result.output == "3\n", "\(result.errors)")
  }

  /// Messages that expire between the plan of a batch and its reading.
  @Test(arguments: [true, false]) func messagesThatExpireMeanwhile(_ fails: Bool) throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 1", "produce t 0 10 a")
    let stream = [
      "stream", "--from", "kafka:\(brokers.address)/t", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now", "-o", "startingOffsets=earliest", "-o",
      "failOnDataLoss=\(fails)", "--columns", "offset",
    ]
    let running = try Program.start(stream, in: place, environment: ["KCONNECT_FAILPOINT": "kafka.fetch=stop"])
    try awaitStop(running.process)
    try brokers.tell("bulk t 0 80 100000")
    kill(running.process.processIdentifier, SIGCONT)
    running.process.waitUntilExit()
    let result = try running.result()
    if fails {
      // Found by looking at what there is, or by the fetch itself, whichever comes first.
      #expect(result.status == 1, "\(result.errors)")
      #expect(["t[0]: offsets 0 to 9 are gone", "t[0]: offsets from 0 on are gone"].contains { result.errors.contains($0) }, "\(result.errors)")
    } else {
      #expect(result.status == 0 && result.errors.contains("t[0]: offsets 0 to 9 are gone and were left out"), "\(result.errors)")
    }
  }

  /// A topic found later whose first messages expire between plan and replay.
  @Test func lostStartOfANewTopic() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic a 1", "produce a 0 3 x")
    let stream = [
      "stream", "--from", "kafka:", "-o", "kafka.bootstrap.servers=\(brokers.address)", "-o", "subscribePattern=a|b", "--to", "csv:out", "--checkpoint", "cp", "--trigger", "available-now",
      "-o", "startingOffsets=earliest", "--columns", "offset",
    ]
    #expect(try Program.run(stream, in: place).status == 0)
    try brokers.tell("topic b 1", "produce b 0 50 y")
    #expect(try Program.run(stream, in: place, environment: ["KCONNECT_FAILPOINT": "wal.after=kill"]).status == -9)
    try brokers.tell("bulk b 0 60 100000")
    let replay = try Program.run(stream, in: place)
    #expect(replay.status == 1 && replay.errors.contains("Kafka: b[0]: offsets 0 to"), "\(replay.errors)")
  }

  @Test func writes() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 1")
    let to = "kafka:\(brokers.address)/t"
    let query = "take 3 | serialize n = row_number() | project key = tostring(n), value = iff(n == 2, dynamic(null), pack('n', n)), headers = pack_array(pack('key', 'h', 'value', tostring(n)))"
    let written = try Program.run(["write", "--from", "storms.csv", "--to", to, "--query", query], in: place)
    #expect(written.status == 0, "\(written.errors)")
    let back = try read(place, to, "-o", "includeHeaders=true", "--query", "project key, value, v = isnull(value), h = tostring(headers[0].value)")
    #expect(back.output.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false).first ?? "" } == ["1", "2", "3"], "\(back.output)")
    try FileManager.default.createDirectory(atPath: place.file("in"), withIntermediateDirectories: true)
    try place.write("in/a.csv", "value\nx\ny\n")
    let stream = try Program.run(["stream", "--from", "csv:in", "--to", to, "--checkpoint", "cp", "--trigger", "once", "--schema", "value:string"], in: place)
    #expect(stream.status == 0 && stream.errors.contains("at least once"), "\(stream.errors)")
    #expect(try read(place, to, "--query", "count").output == "5\n")
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let arguments: [String]
    let status: Int32
    let says: String
    init(_ arguments: [String], _ status: Int32, _ says: String) { (testDescription, self.arguments, self.status, self.says) = (says, arguments, status, says) }
  }

  /// `B` stands for the brokers.
  @Test(arguments: [
    Wrong(["read", "kafka:B/tt"], 1, "did you mean 't'?"), Wrong(["read", "kafka:B"], 2, "no topic given"), Wrong(["read", "kafka:", "-o", "subscribe=t"], 2, "no Kafka brokers given"),
    Wrong(["read", "kafka:B/t", "-o", "kafka.fetch.mni.bytes=1"], 2, "did you mean 'kafka.fetch.min.bytes'?"), Wrong(["read", "kafka:B/t", "-o", "kafka.auto.offset.reset=latest"], 2, "use startingOffsets"),
    Wrong(["read", "kafka:B/t", "-o", "startingOffset=earliest"], 2, "did you mean 'startingOffsets'?"), Wrong(["read", "kafka:B/t", "-o", "assign={\"t\":[0]}"], 2, "more than one of"),
    Wrong(["read", "kafka:B/t", "-o", "endingOffsets={\"t\":{\"0\":7,\"1\":-1}}"], 2, "option 'endingOffsets': t[0] has 7, but ends at 0"),
    Wrong(["read", "kafka:B/t", "-o", "startingOffsets={\"t\":{\"0\":-2,\"1\":9}}"], 2, "option 'startingOffsets': t[1] has 9, but ends at 0"),
    Wrong(["read", "kafka:B/t", "-o", "startingOffsets={\"t\":{\"0\":0}}"], 2, "does not name t[1]"), Wrong(["read", "kafka:B/t", "-o", "kafka.bootstrap.servers=other:1"], 2, "give one of them"),
    Wrong(["read", "kafka:", "-o", "kafka.bootstrap.servers=B", "-o", "subscribePattern=("], 2, "is not a regular expression"), Wrong(["read", "kafka:user:pw@B/t"], 2, "credentials are options"),
    Wrong(["write", "--from", "storms.csv", "--to", "kafka:B/t"], 1, "needs a column 'value'"), Wrong(["write", "--from", "storms.csv", "--to", "kafka:B/t", "--query", "project value = deaths"], 1, "tostring(value)"),
    Wrong(["write", "--from", "storms.csv", "--to", "kafka:B/t", "--mode", "overwrite", "--query", "project value = state"], 1, "can only be appended to"),
    Wrong(["stream", "--from", "kafka:B/t", "--to", "csv:o", "--checkpoint", "cp", "-o", "endingOffsets=latest"], 2, "not for streams"),
  ]) func mistakes(_ wrong: Wrong) throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 2")
    let result = try Program.run(wrong.arguments.map { $0.replacingOccurrences(of: "B", with: brokers.address) }, in: place)
    #expect(result.status == wrong.status, "\(result.errors)")
    #expect(result.errors.contains(wrong.says), "\(result.errors)")
    #expect(!result.errors.contains("pw"))
  }

  @Test func brokersThatAreAway() throws {
    let place = try Place(), brokers = try Brokers()
    try brokers.tell("topic t 1", "produce t 0 3 a", "down")
    let result = try Program.run(["read", "kafka:\(brokers.address)/t", "-o", "fetchOffset.numRetries=0", "--query", "count"], in: place)
    #expect(result.status == 75, "\(result.errors)")
    try brokers.tell("up")
    #expect(try read(place, "kafka:\(brokers.address)/t", "--query", "count").output == "3\n")
  }
}
