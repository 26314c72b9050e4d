// Role: what `stream repair` does with damaged checkpoints: what can be proven is put right, what cannot is named and left.

import DataSource
import Foundation
import Streaming
import Testing

@Suite struct RepairTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var source = "csv:in"
    var memory = SinkMemory.unknown
    let damage: @Sendable (Place) throws -> Void
    /// The batch to replay and the next id after the repair; nil: refused.
    let expected: (replay: Int?, next: Int)?
    var says = ""
  }

  @Test(arguments: [
    Case(testDescription: "in order", damage: { _ in }, expected: (nil, 3)),
    Case(testDescription: "a draft", damage: { try $0.write("cp/offsets/.3.x.tmp", "v1") }, expected: (nil, 3), says: "draft"),
    Case(testDescription: "metadata gone", damage: { try $0.remove("cp/metadata") }, expected: (nil, 3), says: "metadata"),
    Case(testDescription: "last commit empty", damage: { try $0.write("cp/commits/2", "") }, expected: (2, 2), says: "commits/2"),
    Case(testDescription: "torn plan of files", damage: { try $0.write("cp/offsets/3", "v1\n{\"ba") }, expected: (nil, 3), says: "offsets/3"),
    Case(testDescription: "torn plan, the sink is behind", source: "kusto:db.t", memory: .newest(2), damage: { try $0.write("cp/offsets/3", "v1") }, expected: (nil, 3), says: "planned anew"),
    Case(testDescription: "torn plan, the sink has it", source: "kusto:db.t", memory: .newest(3), damage: { try $0.write("cp/offsets/3", "v1") }, expected: nil, says: "offsets/3"),
    Case(testDescription: "torn plan, unknown sink", source: "kusto:db.t", damage: { try $0.write("cp/offsets/3", "v1") }, expected: nil, says: "not known"),
    Case(testDescription: "committed plan edited", damage: { try $0.write("cp/offsets/2", "v1\nx\ncrc32:0") }, expected: nil, says: "where it ended"),
    Case(testDescription: "old plan damaged", damage: { try $0.write("cp/offsets/0", "") }, expected: (nil, 3), says: "not needed"),
    Case(testDescription: "two commits gone", damage: { try $0.remove("cp/commits/2"); try $0.remove("cp/commits/1") }, expected: (2, 2), says: "written anew"),
    Case(testDescription: "two commits gone, the sink has none", memory: .newest(0), damage: { try $0.remove("cp/commits/2"); try $0.remove("cp/commits/1") }, expected: nil, says: "does not have batch 1"),
    Case(testDescription: "plan gone, commit there", damage: { try $0.remove("cp/offsets/2") }, expected: nil, says: "is missing"),
  ]) func cases(_ test: Case) throws {
    let place = try Place()
    let id: String
    do {
      let checkpoint = try Checkpoint(place.file("cp"))
      id = checkpoint.id
      for n in 0..<3 {
        let pins = ["kconnect.sink": "x:y", "kconnect.source.0": test.source, "kconnect.query": checkpoint.id]
        try checkpoint.plan(BatchPlan(batchId: n, timestampMs: Int64(n), watermarkMs: 0, pinned: pins, ends: [StreamOffset(json: "{\"logOffset\":\(n)}")]))
        try checkpoint.commit(n, watermarkMs: 0, rows: n)
      }
    }
    try test.damage(place)
    let tried = try CheckpointRepair.run(place.file("cp"), applies: false) { _, _ in test.memory }
    let findings = try CheckpointRepair.run(place.file("cp"), applies: true) { _, _ in test.memory }
    #expect(tried == findings, "a dry run says the same and changes nothing")
    let text = findings.map { "\($0.problem): \($0.remedy ?? "nothing")" }.joined(separator: "; ")
    #expect(test.says.isEmpty ? findings.isEmpty : text.contains(test.says), "\(text)")
    guard let expected = test.expected else {
      #expect(findings.contains { $0.remedy == nil }, "\(text)")
      return
    }
    #expect(findings.allSatisfy { $0.remedy != nil }, "\(text)")
    let checkpoint = try Checkpoint(place.file("cp"))
    #expect(checkpoint.id == id)
    let state = try checkpoint.recover()
    #expect(state.pending?.batchId == expected.replay)
    #expect(state.nextBatchId == expected.next)
  }

  /// A list of files read that is damaged: it can go while the entries that it was made of are there, or a newer list is.
  @Test(arguments: [(["9.compact"], 0, true), (["9.compact"], 3, false), (["9.compact", "19.compact"], 9, true), (["9.compact", "19.compact"], 12, false)])
  func damagedLists(_ lists: [String], _ firstEntry: Int, _ isRepaired: Bool) throws {
    let incoming = try Incoming()
    for n in 0..<20 { try incoming.put("f\(n).csv", [String(n)], second: n) }
    try incoming.run(incoming.source([("maxFilesPerTrigger", "1")]), into: incoming.sink("out"))
    let place = incoming.place, log = "cp/sources/0/"
    // The last list is there, entry 19 beside it; the others come from it.
    let files = try place.text(log + "19.compact").split(separator: "\n").dropFirst().dropLast().map(String.init)
    #expect(files.count == 21)
    for n in firstEntry..<20 { try place.write(log + "\(n)", LogLines.text([files[n + 1]])) }
    try place.remove(log + "19.compact")
    for list in lists { try place.write(log + list, LogLines.text(Array(files[...(list == "9.compact" ? 10 : 20)]))) }
    try place.write(log + (lists.last ?? ""), "v1\ntorn")
    let findings = try CheckpointRepair.run(place.file("cp"), applies: true) { _, _ in .unknown }
    #expect(findings.count == 1 && findings.first?.problem.contains(lists.last ?? "-") == true, "\(findings)")
    #expect((findings.first?.remedy != nil) == isRepaired, "\(findings)")
    if isRepaired { #expect(try incoming.run(incoming.source(), into: incoming.sink("out")) == 0) }
  }

  @Test func runningQueriesAreLeftAlone() throws {
    let place = try Place()
    let held = try Checkpoint(place.file("cp"))
    let error = #expect(throws: KConnectError.self) { try CheckpointRepair.run(place.file("cp"), applies: true) { _, _ in .unknown } }
    #expect(error?.code == .locked)
    withExtendedLifetime(held) {}
  }
}

@Suite struct RecordEndsTests {
  @Test(arguments: [
    ("", 0), ("a", 0), ("a\n", 2), ("a\nb", 2), ("\"x\ny\"\nz", 6), ("\"x\ny", 0), ("a,\"b\"\"\n\"\n", 9), ("a\r\nb\r\n", 6),
  ]) func ends(_ text: String, _ expected: Int) {
    // However the bytes arrive.
    for cut in 0...text.utf8.count {
      var ends = RecordEnds(quote: 0x22, escape: 0x22)
      _ = ends.lastEnd(Array(text.utf8.prefix(cut)))
      #expect(ends.lastEnd(Array(text.utf8)) == expected, "cut at \(cut)")
    }
  }
}
