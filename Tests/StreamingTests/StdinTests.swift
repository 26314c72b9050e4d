// Role: standard input that goes on where a run ended: headers, bytes that are no text.

import Columnar
import DataSource
import FileConnector
import Foundation
import Streaming
import Testing

@Suite struct StdinTests {
  private static let csv = FileProvider(CSVFormat())

  /// A run over a pipe that holds a text and then ends: the ids of its batches, and its notes.
  private func run(_ place: Place, _ text: String, _ start: inout StreamOffset?, header: Bool = true) throws -> (ids: [Int], notes: [String]) {
    try place.write("pipe", text)
    let descriptor = open(place.file("pipe"), O_RDONLY)
    defer { close(descriptor) }
    let options = try checked("csv", Self.csv.options, [("header", header ? "true" : "false")])
    let source = try StdinStreamSource(
      .records(Self.csv, options), json: FileProvider(JSONFormat()), schema: StructType([StructField("id", .long)]), maxBytes: 6, descriptor: descriptor)
    let checkpoint = try Checkpoint(place.file("cp"))
    defer { checkpoint.close() }
    try source.attach(checkpoint, index: 0)
    return (try batches(source, after: &start).flatMap { $0 }, source.takeNotes())
  }

  struct Restart: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let second: String
    let ids: [Int]
    var hasNote = false
    var header = true
  }

  @Test(arguments: [
    Restart(testDescription: "the rest of the pipe", second: "4\n5\n", ids: [4, 5], hasNote: true), Restart(testDescription: "the same header", second: "id\n4\n", ids: [4]),
    Restart(testDescription: "the same header, other line end", second: "id\r\n4\r\n", ids: [4]), Restart(testDescription: "nothing", second: "", ids: []),
    Restart(testDescription: "the header alone", second: "id", ids: []),
  ]) func headers(_ restart: Restart) throws {
    let place = try Place()
    var at: StreamOffset?
    #expect(try run(place, "id\n1\n2\n3\n", &at).ids == [1, 2, 3])
    let (ids, notes) = try run(place, restart.second, &at)
    #expect(ids == restart.ids)
    #expect(notes.isEmpty != restart.hasNote, "\(notes)")
  }

  @Test func damagedHeader() throws {
    let place = try Place()
    var at: StreamOffset?
    _ = try run(place, "id\n1\n", &at)
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: place.file("cp/sources/0")).first { $0.hasPrefix("header-") })
    try place.write("cp/sources/0/\(name)", "ix")
    let error = #expect(throws: KConnectError.self) { try run(place, "2\n", &at) }
    #expect(error?.code == .checkpointConflict && error?.message.contains(name) == true)
  }

  @Test func linesThatAreNotUTF8() throws {
    let place = try Place()
    try Data(Array("ok\n".utf8) + [0x62, 0xFF, 0x0A] + Array("x\n".utf8)).write(to: URL(fileURLWithPath: place.file("pipe")))
    let descriptor = open(place.file("pipe"), O_RDONLY)
    defer { close(descriptor) }
    let source = try StdinStreamSource(.lines, json: FileProvider(JSONFormat()), schema: nil, maxBytes: nil, descriptor: descriptor)
    try source.attach(try Checkpoint(place.file("cp")), index: 0)
    let end = try #require(try source.latestOffset(after: nil, .limited))
    #expect(try texts(source.rows(after: nil, through: end)) == ["ok", "Yv8=", "x"])
    #expect(source.takeNotes().count == 1)
  }
}
