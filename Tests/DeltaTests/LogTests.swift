// Logs written by hand: what is read, and what is refused with file and reason.

import Columnar
import DataSource
import Delta
import Expressions
import Testing

private let first = """
  {"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
  {"metaData":{"id":"7","format":{"provider":"parquet","options":{}},"schemaString":"{\\"type\\":\\"struct\\",\\"fields\\":[{\\"name\\":\\"a\\",\\"type\\":\\"long\\",\\"nullable\\":true,\\"metadata\\":{}}]}","partitionColumns":[],"configuration":{}}}

  """

private func add(_ path: String, _ extra: String = "") -> String {
  "{\"add\":{\"path\":\"\(path)\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true\(extra)}}\n"
}

private func remove(_ path: String) -> String { "{\"remove\":{\"path\":\"\(path)\",\"dataChange\":true,\"deletionTimestamp\":5}}\n" }

private func name(_ version: Int) -> String { "t/_delta_log/" + LogFileName.commitName(Int64(version)) }

@Suite struct LogTests {
  /// A log and the files it leaves, or what the refusal says.
  struct Case: CustomTestStringConvertible {
    let title: String
    let commits: [Int: String]
    var files: [String] = []
    var says: String?
    var testDescription: String { title }
  }

  static let cases: [Case] = [
    Case(title: "adds in order", commits: [0: first + add("b") + add("a"), 1: add("c")], files: ["b", "a", "c"]),
    Case(title: "remove", commits: [0: first + add("a") + add("b"), 1: remove("a")], files: ["b"]),
    Case(title: "remove and add again", commits: [0: first + add("a"), 1: remove("a"), 2: add("a")], files: ["a"]),
    Case(title: "a path in two forms", commits: [0: first + add("/x/with%20space"), 1: remove("file:///x/with%20space")], files: []),
    Case(title: "unknown actions and members", commits: [0: first + "{\"hello\":{\"x\":1}}\n" + add("a", ",\"hello\":[1]")], files: ["a"]),
    Case(title: "blank lines, no last newline", commits: [0: first + "\n\r\n" + add("a").dropLast()], files: ["a"]),
    Case(title: "two deletion vectors of a path", commits: [
      0: first + add("a"),
      1: remove("a") + add("a", ",\"deletionVector\":{\"storageType\":\"i\",\"pathOrInlineDv\":\"x\",\"sizeInBytes\":1,\"cardinality\":1}"),
    ], files: ["a"]),
    Case(title: "gap", commits: [0: first, 2: add("a")], says: "00000000000000000001.json': the file is missing"),
    Case(title: "torn line", commits: [0: first, 1: String(add("a").dropLast(20))], says: "00000000000000000001.json' line 1, byte"),
    Case(title: "empty commit", commits: [0: first, 1: ""], says: "the file is empty"),
    Case(title: "no protocol", commits: [0: "{\"txn\":{\"appId\":\"a\",\"version\":1}}\n"], says: "no protocol action"),
    Case(title: "not an object", commits: [0: first + "[1]\n"], says: "line 3: expected an object"),
    Case(title: "add without path", commits: [0: first + "{\"add\":{\"size\":1}}\n"], says: "line 3: add lacks the required member 'path'"),
    Case(title: "size is text", commits: [0: first + add("a").replacing("\"size\":1", with: "\"size\":\"1\"")], says: "add.size: expected a whole number"),
    Case(title: "negative size", commits: [0: first + add("a").replacing("\"size\":1", with: "\"size\":-1")], says: "add.size: expected a size"),
    Case(title: "size beyond any disk", commits: [0: first + add("a").replacing("\"size\":1", with: "\"size\":9223372036854775000")], says: "line 3: add.size: expected a size in bytes of 0 to 2^44, found 9223372036854775000"),
    Case(title: "committed at no time", commits: [0: first + "{\"commitInfo\":{\"inCommitTimestamp\":9223372036854775807}}\n"], says: "line 3: commitInfo.inCommitTimestamp: expected milliseconds since 1970 of the years 1 to 9999, found 9223372036854775807"),
    Case(title: "committed before all times", commits: [0: first, 1: "{\"commitInfo\":{\"inCommitTimestamp\":-62135596800001}}\n"], says: "00000000000000000001.json' line 1: commitInfo.inCommitTimestamp"),
    Case(title: "committed at the last time", commits: [0: first + "{\"commitInfo\":{\"inCommitTimestamp\":253402300799999}}\n" + add("a")], files: ["a"]),
    Case(title: "a file added twice in a version", commits: [0: first + add("a") + add("a")], says: "added twice"),
    Case(title: "two metaData", commits: [0: first + first], says: "two metaData"),
    Case(title: "deep nesting", commits: [0: first + "{\"x\":" + String(repeating: "[", count: 5_000) + "\n"], says: "nested deeper"),
    Case(title: "columns differ by case", commits: [0: first.replacing("\\\"fields\\\":[", with: "\\\"fields\\\":[{\\\"name\\\":\\\"A\\\",\\\"type\\\":\\\"long\\\"},")], says: "twice"),
    Case(title: "unknown type", commits: [0: first.replacing("\\\"long\\\"", with: "\\\"interval\\\"")], says: "the Delta type 'interval'"),
    Case(title: "reader feature", commits: [0: first.replacing("\"minReaderVersion\":1,\"minWriterVersion\":2", with: "\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"deletionVectors\",\"catalogManaged\"],\"writerFeatures\":[]")], says: "'catalogManaged'"),
  ]

  @Test(arguments: cases) func replay(_ c: Case) throws {
    let s = Scratch()
    for (version, text) in c.commits { s.put(name(version), text) }
    let log = DeltaLog(path: s("t"))
    if let says = c.says {
      let error = try #require(thrown { _ = try log.snapshot() })
      #expect(error.message.contains(says), "\(error)")
      return
    }
    let snapshot = try log.snapshot()
    #expect(snapshot.adds.map(\.path) == c.files)
    // The same state when it is read step by step.
    var step = try log.snapshot(at: 0)
    #expect(step.version == 0)
    step = try log.update(step)
    #expect(step.adds.map(\.path) == c.files && step.version == snapshot.version)
  }

  /// A directory is no snapshot: what came while it was listed may be in the listing without what came before it.
  @Test func aListingThatMissedAFileIsCompleted() throws {
    let s = Scratch()
    for version in 0...2 { s.put(name(version), version == 0 ? first : add("\(version)")) }
    let directory = s("t/_delta_log")
    let listing = LogListing(directory: directory, names: [LogFileName.commitName(0), LogFileName.commitName(2)])
    #expect(try listing.segment(for: 2).tail.map(\.last) == [0, 1, 2])
  }

  @Test func compactedFilesStandForTheirRange() throws {
    let s = Scratch()
    s.put(name(0), first)
    s.put("t/_delta_log/00000000000000000001.00000000000000000003.compacted.json", add("a") + add("c"))
    s.put(name(4), add("d"))
    let snapshot = try DeltaLog(path: s("t")).snapshot()
    #expect(snapshot.adds.map(\.path) == ["a", "c", "d"])
  }

  @Test func timeTravel() throws {
    let s = Scratch()
    func stamp(_ time: Int) -> String { "{\"commitInfo\":{\"inCommitTimestamp\":\(time)}}\n" }
    s.put(name(0), stamp(1_000) + first)
    s.put(name(1), stamp(2_000) + add("a"))
    s.put(name(2), stamp(1_500) + add("b"))
    s.put(name(3), stamp(5_000) + add("c"))
    let log = DeltaLog(path: s("t"))
    for (time, version) in [(1_000, 0), (1_999, 0), (2_000, 1), (2_001, 2), (4_999, 2), (5_000, 3), (9_999, 3)] {
      #expect(try log.version(asOf: Int64(time)) == Int64(version), "\(time)")
    }
    let early = thrown { _ = try log.version(asOf: 999) }
    #expect(early?.code == .pathNotFound && early?.hint == "its oldest readable version is 0, committed at 1970-01-01T00:00:01.0000000Z")
    #expect(try log.snapshot(at: 2).adds.map(\.path) == ["a", "b"])
    #expect(thrown { _ = try log.snapshot(at: 4) }?.hint == "versions 0 to 3 can be read")
  }

  /// A bound as logs have it, a value that it may stand for, and whether it stands for that value alone.
  struct DecimalBound: CustomTestStringConvertible {
    let precision: Int, scale: Int
    let bound: String, value: String
    var isExact = false
    var testDescription: String { "decimal(\(precision),\(scale)) \(value) as \(bound)" }
  }

  /// Some writers make doubles of decimals, so that a bound of many digits says little about the last ones.
  @Test(arguments: [
    DecimalBound(precision: 38, scale: 10, bound: "1.2345678901234567e+19", value: "12345678901234567890.1234567891"),
    DecimalBound(precision: 38, scale: 10, bound: "-1.2345678901234567e+19", value: "-12345678901234567890.1234567891"),
    DecimalBound(precision: 38, scale: 25, bound: "0.12345678901234568", value: "0.1234567890123456800001"),
    DecimalBound(precision: 38, scale: 25, bound: "0.1", value: "0.1000000000000000000001"),
    DecimalBound(precision: 38, scale: 25, bound: "0.1", value: "0.0999999999999999999999"),
    DecimalBound(precision: 18, scale: 2, bound: "9007199254740993.12", value: "9007199254740993.12"),
    DecimalBound(precision: 38, scale: 18, bound: "0", value: "0", isExact: true),
    DecimalBound(precision: 15, scale: 2, bound: "9999999999999.99", value: "9999999999999.99", isExact: true),
    DecimalBound(precision: 10, scale: 2, bound: "-0.1", value: "-0.1", isExact: true),
  ]) func decimalBounds(_ c: DecimalBound) throws {
    let field = DeltaField("d", .decimal(precision: c.precision, scale: c.scale))
    let statistics = try #require(FileStatistics("{\"numRecords\":1,\"minValues\":{\"d\":\(c.bound)},\"maxValues\":{\"d\":\(c.bound)}}")?.column(field))
    guard case .decimal(let low)? = statistics.min, case .decimal(let high)? = statistics.max, case .decimal(let value)? = ScalarText.parse(c.value, as: .decimal) else {
      Issue.record("\(String(describing: statistics.min)) to \(String(describing: statistics.max))")
      return
    }
    #expect(low <= value && value <= high, "\(low) to \(high)")
    #expect((low == high) == c.isExact)
    // Still narrow enough to prune by.
    #expect(high.doubleValue - low.doubleValue <= value.doubleValue.magnitude * 1e-12)
  }

  @Test func actionsReadBackAsWritten() throws {
    let actions: [DeltaAction] = [
      .protocol(TableProtocol(minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["deletionVectors"], writerFeatures: ["deletionVectors", "rowTracking"])),
      .metadata(TableMetadata(id: "i", name: "n", description: "d\"\\\n", schemaString: "{}", partitionColumns: ["p"], configuration: ["k": "v"], createdTime: 5)),
      .add(
        AddFile(
          path: "a%20b", partitionValues: ["p": nil, "q": "x"], size: 7, modificationTime: 8, dataChange: false, stats: "{\"numRecords\":3}", tags: ["t": "u"],
          deletionVector: DeletionVectorDescriptor(storageType: "u", pathOrInlineDv: "ab", offset: 1, sizeInBytes: 2, cardinality: 3), baseRowId: 4,
          defaultRowCommitVersion: 5, clusteringProvider: "c")),
      .remove(RemoveFile(path: "r", deletionTimestamp: 9, dataChange: true, extendedFileMetadata: true, partitionValues: [:], size: 1)),
      .transaction(AppTransaction(appId: "app", version: 3, lastUpdated: 4)), .domainMetadata(DomainMetadata(domain: "d", configuration: "{}", removed: true)),
      .commitInfo(CommitInfo([DynamicEntry("operation", .string("X")), DynamicEntry("n", .bag([DynamicEntry("m", .real(1.5))]))])),
    ]
    let lines = ActionWriter.text(actions).split(separator: "\n")
    let back = try lines.compactMap { try ActionReader.action(try JSONTree.parse(Array($0.utf8), place: "test"), place: "test") }
    #expect(back == actions)
  }

  @Test func schemasReadBackAsWritten() throws {
    let schema = try StructType(ddl: "a:bool, b:int, c:long, d:real, e:decimal, f:string, g:datetime, h:timespan, i:guid, j:dynamic")
    let written = try DeltaSchema(schema)
    #expect(written.fields.map(\.type.name) == ["boolean", "integer", "long", "double", "decimal(38,18)", "string", "timestamp", "long", "string", "string"])
    let back = try DeltaSchema(json: written.json, place: "test")
    #expect(back == written)
    #expect(back.structType.fields.map(\.type) == schema.fields.map(\.type))
    #expect(thrown { _ = try DeltaSchema(StructType(ddl: "a:long, A:long")) }?.code == .schemaMismatch)
  }
}

extension String {
  func replacing(_ text: String, with other: String) -> String {
    var out = "", rest = self[...]
    while let range = rest.firstRange(of: text) {
      out += rest[..<range.lowerBound] + other
      rest = rest[range.upperBound...]
    }
    return out + rest
  }
}
