// Role: the manifests of a directory sink's batches: one file each while they are new, one file for each block of them later.

import Columnar
import DataSource
import Foundation
import Streaming
import Testing

@Suite struct ManifestTests {
  @Test func oldManifestsStandTogether() throws {
    let place = try Place()
    try FileManager.default.createDirectory(atPath: place.file("m"), withIntermediateDirectories: true)
    let manifests = BatchManifests(place.file("m"), .system, block: 10, own: 3)
    func run(_ batches: ClosedRange<Int>) throws {
      for batch in batches {
        try manifests.put(batch, .bag([DynamicEntry("batchId", .long(Int64(batch)))]))
        manifests.gather(after: batch)
      }
    }
    func lines(_ name: String) throws -> [String] {
      try String(contentsOfFile: place.file("m/\(name)"), encoding: .utf8).split(separator: "\n").map(String.init)
    }
    try run(0...12)
    #expect(try manifests.batches().sorted() == Array(0...12))
    try run(13...27)
    #expect(try manifests.batches().sorted() == Array(20...27))
    #expect(try lines("0-9.jsonl") == (0..<10).map { #"{"batchId":\#($0)}"# })
    #expect(try lines("10-19.jsonl").count == 10)
    // What a crash left beside its block goes with the next one.
    try manifests.put(5, .bag([]))
    try run(28...33)
    #expect(try manifests.batches().sorted() == [30, 31, 32, 33])
    #expect(try lines("0-9.jsonl").count == 10)
  }
}
