// Role: offsets, choices and limits of the kafka source, without a broker.

import DataSource
import KafkaConnector
import Testing

private func partition(_ topic: String, _ n: Int32) -> TopicPartition { TopicPartition(topic: topic, partition: n) }

@Suite struct OffsetTests {
  @Test func json() throws {
    let offsets = [partition("b", 10): Int64(5), partition("b", 2): 7, partition("a", 0): 1]
    let text = OffsetMap.json(offsets)
    #expect(text == "{\"a\":{\"0\":1},\"b\":{\"2\":7,\"10\":5}}")
    #expect(try OffsetMap.parse(text, "x") == offsets)
    #expect(try OffsetMap.parsePartitions("{\"t\":[1,0],\"s\":[2]}", "x") == [partition("s", 2), partition("t", 0), partition("t", 1)])
    #expect(try OffsetMap.parsePartitions("{\"t\":[0,0,1,0]}", "x") == [partition("t", 0), partition("t", 1)])
  }

  @Test(arguments: ["", "3", "[]", "{\"t\":3}", "{\"t\":{\"x\":3}}", "{\"t\":{\"-1\":3}}", "{\"t\":{\"0\":\"3\"}}", "{\"t\":{\"0\":1.5}}", "{\"t\":"])
  func wrongJSON(_ text: String) {
    let error = #expect(throws: KConnectError.self) { try OffsetMap.parse(text, "option 'startingOffsets'") }
    #expect(error?.code == .optionInvalid)
  }

  struct Choice: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let options: [(String, String)]
    let expected: OffsetChoice?
    init(_ options: [(String, String)], _ expected: OffsetChoice?) {
      testDescription = options.map { "\($0)=\($1)" }.joined(separator: " ")
      self.options = options
      self.expected = expected
    }
  }

  @Test(arguments: [
    Choice([], .earliest), Choice([("startingOffsets", "Latest")], .latest), Choice([("startingOffsets", "earlest")], nil),
    Choice([("startingOffsets", "{\"t\":{\"0\":-2,\"1\":-1,\"2\":9}}")], .offsets([partition("t", 0): -2, partition("t", 1): -1, partition("t", 2): 9])),
    Choice([("startingOffsets", "{\"t\":{\"0\":-3}}")], nil),
    Choice([("startingTimestamp", "1700000000000"), ("startingOffsets", "latest")], .timestamp(1_700_000_000_000)),
    Choice([("startingTimestamp", "2023-11-14T22:13:20Z")], .timestamp(1_700_000_000_000)), Choice([("startingTimestamp", "soon")], nil),
    Choice([("startingOffsetsByTimestamp", "{\"t\":{\"0\":7}}"), ("startingOffsets", "latest")], .timestamps([partition("t", 0): 7])),
  ]) func choices(_ test: Choice) throws {
    let options = try DataSourceOptions(source: "kafka", specs: KafkaOptions.specs, given: test.options, use: .read)
    if let expected = test.expected {
      #expect(try OffsetChoice.read("starting", options, default: .earliest) == expected)
    } else {
      #expect(throws: KConnectError.self) { try OffsetChoice.read("starting", options, default: .earliest) }
    }
  }

  /// The client's own repeats are told apart unless a setting excludes it.
  @Test(arguments: [
    ([], true), ([("acks", "all")], true), ([("request.required.acks", "-1")], true), ([("acks", "1")], false), ([("max.in.flight", "5")], true),
    ([("max.in.flight.requests.per.connection", "6")], false), ([("retries", "3")], true), ([("message.send.max.retries", "0")], false), ([("queuing.strategy", "lifo")], false),
    ([("linger.ms", "0"), ("acks", "0")], false),
  ] as [([(String, String)], Bool)]) func idempotence(_ given: [(String, String)], _ isIdempotent: Bool) {
    let settings = ProducerSettings.completed(given.map { (name: $0.0, value: $0.1) })
    #expect(settings.contains { $0.name == "enable.idempotence" && $0.value == "true" } == isIdempotent)
    #expect(Set(settings.map(\.name)).count == settings.count)
    #expect(settings.filter { $0.name == "linger.ms" }.map(\.value) == [given.first { $0.0 == "linger.ms" }?.1 ?? "5"])
  }

  @Test func ownChoiceOfIdempotence() {
    let settings = ProducerSettings.completed([("enable.idempotence", "false")])
    #expect(settings.filter { $0.name == "enable.idempotence" }.map(\.value) == ["false"])
  }

  @Test func endsAreLater() throws {
    for (key, value) in [("endingOffsets", "earliest"), ("endingOffsets", "{\"t\":{\"0\":-2}}")] {
      let options = try DataSourceOptions(source: "kafka", specs: KafkaOptions.specs, given: [(key, value)], use: .read)
      #expect(throws: KConnectError.self) { try OffsetChoice.read("ending", options, default: .latest) }
    }
  }

  /// The limit is split in proportion to what waits; a partition with little is not starved.
  @Test func rateLimit() {
    let starts = [partition("t", 0): Int64(0), partition("t", 1): 100, partition("t", 2): 50, partition("t", 3): 9]
    let latest = [partition("t", 0): Int64(900), partition("t", 1): 190, partition("t", 2): 51, partition("t", 3): 9]
    let ends = RateLimit.ends(starts, latest, limit: 100)
    #expect(ends[partition("t", 0)] == 90)
    #expect(ends[partition("t", 1)] == 109)
    #expect(ends[partition("t", 2)] == 51)
    #expect(ends[partition("t", 3)] == 9)
    #expect(RateLimit.ends(starts, latest, limit: 1_000_000) == latest)
    var at = starts
    var rounds = 0
    while at != latest, rounds < 1_000 {
      at = RateLimit.ends(at, latest, limit: 100)
      rounds += 1
    }
    #expect(at == latest)
  }
}
