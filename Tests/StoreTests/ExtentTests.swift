// Role: what happens to extents: tags, replacing, dropping, moving, deleting rows, merging; what rows keep through all of it.

import Columnar
import DataSource
import Expressions
import Foundation
import KustoStore
import Testing

@Suite struct ExtentTests {
  /// What is wrong with a file is told under the name that it has in the store, not under that of the descriptor it was opened through.
  @Test(arguments: ["cut off", "empty", "missing", "a directory"]) func damageIsToldWithItsPath(_ damage: String) throws {
    let test = try TestStore()
    let table = try test.table()
    let extent = try #require(table.ingest([numbered(1...3)]).extents.first)
    let path = test.store.path + "/db/T/" + extent.fileName
    switch damage {
    case "cut off": try Data(try Data(contentsOf: URL(fileURLWithPath: path)).dropLast(50)).write(to: URL(fileURLWithPath: path))
    case "empty": try Data().write(to: URL(fileURLWithPath: path))
    default:
      try FileManager.default.removeItem(atPath: path)
      if damage == "a directory" { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
    }
    let error = try #require(throws: KConnectError.self) { try ids(table) }
    #expect(error.message.contains(path) && !error.message.contains("/proc/"), "\(error)")
    let problems = try test.store.verify().problems
    #expect(problems.count == 1 && problems.allSatisfy { $0.contains(path) && !$0.contains("/proc/") }, "\(problems)")
  }

  @Test func ingestionProperties() throws {
    let test = try TestStore()
    let table = try test.table()
    var properties = IngestProperties()
    properties.dropByTags = ["d"]
    properties.ingestByTags = ["i"]
    properties.additionalTags = ["plain"]
    properties.ingestIfNotExists = ["i"]
    properties.creationTime = 15_000_000_000_000_000
    let first = try table.ingest([numbered(1...3)], properties)
    #expect(first.rowCount == 3)
    #expect(first.extents.count == 1)
    #expect(first.extents.first?.tags.all == ["drop-by:d", "ingest-by:i", "plain"])
    #expect(first.extents.first?.minCreatedOn == 15_000_000_000_000_000)
    let second = try table.ingest([numbered(4...5)], properties)
    #expect(second.isSkipped)
    #expect(try ids(table) == [1, 2, 3])
    #expect(try rows(table.snapshot().rows(), columns: [HiddenColumns.extentTags])[0] == [.dynamic(.array([.string("drop-by:d"), .string("ingest-by:i"), .string("plain")]))])
    var transaction = IngestProperties()
    transaction.transaction = ("stream", 7)
    #expect(try !table.ingest([numbered(6...6)], transaction).isSkipped)
    #expect(try table.ingest([numbered(6...6)], transaction).isSkipped)
    transaction.transaction = ("stream", 8)
    #expect(try !table.ingest([numbered(7...7)], transaction).isSkipped)
    #expect(try ids(table) == [1, 2, 3, 6, 7])
  }

  /// Two ingestions prepared side by side: the tag decides at the commit, not only at the start.
  @Test func ingestIfNotExistsHoldsAtTheCommit() throws {
    let test = try TestStore()
    let table = try test.table()
    var properties = IngestProperties()
    properties.ingestByTags = ["once"]
    properties.ingestIfNotExists = ["once"]
    let rows = numbered(1...2)
    let a = try table.ingest(schema: rows.schema, properties), b = try table.ingest(schema: rows.schema, properties)
    try a.append(a.encode([rows]))
    try b.append(b.encode([rows]))
    #expect(try !a.finish().isSkipped)
    #expect(try b.finish().isSkipped)
    #expect(try ids(table) == [1, 2])
  }

  @Test func replaceTakesTheSnapshotAway() throws {
    let test = try TestStore()
    let table = try test.table()
    try table.ingest([numbered(1...3)])
    try table.ingest([numbered(4...6)])
    let replacement = try table.ingest(schema: numbered(0..<0).schema, mode: .replace)
    try replacement.append(replacement.encode([numbered(100...101)]))
    // An append and a merge come first: the appended rows stay, the merged ones go.
    _ = try table.mergeExtents()
    try table.ingest([numbered(7...7)])
    _ = try replacement.finish()
    #expect(try ids(table) == [7, 100, 101])
  }

  @Test func dropAndRetag() throws {
    let test = try TestStore()
    let table = try test.table()
    var properties = IngestProperties()
    properties.dropByTags = ["a"]
    try table.ingest([numbered(1...3)], properties)
    properties.dropByTags = ["b"]
    let kept = try table.ingest([numbered(4...6)], properties).extents
    try table.dropExtents { $0.tags.all.contains("drop-by:a") }
    #expect(try ids(table) == [4, 5, 6])
    try table.alterExtentTags(Set(kept.map(\.id))) { $0.union(ExtentTags(["more"])) }
    #expect(try table.snapshot().extents.map(\.tags.all) == [["drop-by:b", "more"]])
    #expect(try table.clearData().count == 1)
    #expect(try ids(table).isEmpty)
    #expect(try table.snapshot().rowCount == 0)
  }

  @Test func deletesRows() throws {
    let test = try TestStore()
    let table = try test.table()
    try table.ingest([numbered(0..<10)])
    try table.ingest([numbered(10..<20)])
    let untouched = try table.ingest([numbered(20..<30)]).extents
    let versions = try rows(table.snapshot().rows(), columns: ["id", HiddenColumns.rowVersion])
    let count = try table.deleteRows(
      where: .call(FunctionName.or, [.call(FunctionName.less, [.column("id"), .literal(.long(10))]), equal("text", .string("text 12"))]), context: anyContext)
    #expect(count == 11)
    #expect(try ids(table) == [11] .map { $0 - 1 } + [11] + Array(13..<30))
    let after = try rows(table.snapshot().rows(), columns: ["id", HiddenColumns.rowVersion])
    #expect(Set(after).isSubset(of: Set(versions)))
    #expect(try table.snapshot().extents.contains { $0.id == untouched[0].id })
    #expect(try table.deleteRows(where: equal("text", .string("none")), context: anyContext) == 0)
  }

  @Test func mergesKeepWhatRowsHave() throws {
    let test = try TestStore()
    let table = try test.table()
    var properties = IngestProperties()
    for i in 0..<6 {
      properties.ingestionTime = 16_000_000_000_000_000 + Int64(i)
      properties.dropByTags = i < 4 ? ["a"] : ["b"]
      properties.additionalTags = ["n\(i)"]
      try table.ingest([numbered(i * 10..<i * 10 + 10)], properties)
    }
    let hidden = ["id", HiddenColumns.ingestionTime, HiddenColumns.rowVersion]
    let before = try rows(table.snapshot().rows(), columns: hidden)
    let merged = try table.mergeExtents()
    #expect(merged.merged.map(\.old.count).sorted() == [2, 4])
    #expect(try table.snapshot().extents.count == 2)
    #expect(Set(try rows(table.snapshot().rows(), columns: hidden)) == Set(before))
    // Filters on hidden columns, constants before the merge and stored after it.
    let late = try rows(table.snapshot().rows(), columns: ["id"], where: .call(FunctionName.greater, [.column(HiddenColumns.rowVersion), .literal(.long(4))]))
    #expect(late.count == 20)
    let timed = try rows(table.snapshot().rows(), columns: ["id"], where: equal(HiddenColumns.ingestionTime, .datetime(16_000_000_000_000_002)))
    #expect(timed.count == 10)
    try table.ingest([numbered(100..<101)], properties)
    _ = try table.mergeExtents()
    #expect(Set(try rows(table.snapshot().rows(), columns: hidden)).isSuperset(of: before))
    #expect(try table.snapshot().extents.first { $0.tags.all.contains("drop-by:a") }?.tags.all == ["drop-by:a", "n0", "n1", "n2", "n3"])
  }

  @Test func manySmallExtentsMergeByThemselves() throws {
    let test = try TestStore()
    let table = try test.table()
    for i in 0..<40 { try table.ingest([numbered(i..<i + 1)]) }
    #expect(try table.snapshot().extents.count <= 33)
    #expect(try ids(table) == Array(0..<40))
  }

  @Test func movesKeepOrSetTheIngestionTime() throws {
    let test = try TestStore()
    let a = try test.table("A"), b = try test.table("B")
    var properties = IngestProperties()
    properties.ingestionTime = 16_000_000_000_000_000
    try a.ingest([numbered(1...3)], properties)
    properties.ingestionTime = 16_000_000_000_000_007
    try a.ingest([numbered(4...4)], properties)
    _ = try a.mergeExtents()
    try a.ingest([numbered(5...5)], properties)
    try b.ingest([numbered(9...9)])
    let cursor = try a.database.currentCursor()
    let transaction = StoreTransaction(a.database)
    let snapshot = try a.snapshot()
    try transaction.move(snapshot.extents, of: snapshot, to: b, setNewIngestionTime: false)
    #expect(try transaction.commit().count == 2)
    #expect(try ids(a).isEmpty)
    #expect(try ids(b) == [1, 2, 3, 4, 5, 9])
    let moved = try rows(b.snapshot().rows(), columns: ["id", HiddenColumns.ingestionTime, HiddenColumns.rowVersion], where: .call(FunctionName.less, [.column("id"), .literal(.long(9))]))
    for row in moved {
      #expect(row[1] == .datetime(row[0].int64Value ?? 0 < 4 ? 16_000_000_000_000_000 : 16_000_000_000_000_007))
      // New to the target: after the cursor taken before the move.
      #expect(row[2].int64Value ?? 0 > cursor.version(of: b.id))
    }
    // And back: versions stored for A before are not read again.
    let back = StoreTransaction(a.database)
    let other = try b.snapshot()
    try back.move(other.extents.filter { $0.rowCount == 4 }, of: other, to: a, setNewIngestionTime: true)
    try back.commit()
    let versions = try rows(a.snapshot().rows(), columns: [HiddenColumns.rowVersion, HiddenColumns.ingestionTime])
    #expect(versions.count == 4)
    #expect(try versions.allSatisfy { try $0[0] == .long(a.snapshot().version) && $0[1].int64Value ?? 0 > 17_000_000_000_000_000 })
  }

  @Test func altersColumns() throws {
    let test = try TestStore()
    let table = try test.table()
    try table.ingest([numbered(1...3)])
    let data = try #require(try? table.snapshot().extents)
    try table.alter { try $0.merge(StructType([StructField("extra", .real)])) }
    #expect(try table.snapshot().extents == data)
    try table.ingest([batch(try table.snapshot().schema, [[.long(4), .string("four"), .real(4)]])])
    #expect(try rows(table.snapshot().rows(), columns: ["id", "extra"]).sorted { $0[0].int64Value ?? 0 < $1[0].int64Value ?? 0 }
      == [[.long(1), .null(.real)], [.long(2), .null(.real)], [.long(3), .null(.real)], [.long(4), .real(4)]])
    #expect(try rows(table.snapshot().rows(), columns: ["id"], where: equal("extra", .real(4))) == [[.long(4)]])
    let versions = try rows(table.snapshot().rows(), columns: ["id", HiddenColumns.rowVersion])
    try table.alter { alteration in
      try alteration.rename("text", to: "word")
      try alteration.drop("extra")
      try alteration.changeType("id", to: .string, keepsValues: true)
    }
    #expect(try table.snapshot().schema.description == "id:string, word:string")
    #expect(try rows(table.snapshot().rows()).map { $0[0] } == [.string("1"), .string("2"), .string("3"), .string("4")])
    #expect(Set(try rows(table.snapshot().rows(), columns: [HiddenColumns.rowVersion])) == Set(versions.map { [$0[1]] }))
    // A name that comes again shows nothing old.
    try table.alter { try $0.merge(StructType([StructField("extra", .real)])) }
    #expect(try rows(table.snapshot().rows(), columns: ["extra"]).allSatisfy { $0[0].isNull })
    try table.alter { try $0.changeType("word", to: .long, keepsValues: false) }
    #expect(try rows(table.snapshot().rows(), columns: ["word"]).allSatisfy { $0 == [.null(.long)] })
  }

  @Test func ingestsByNameAndRefusesOthers() throws {
    let test = try TestStore()
    let table = try test.table()
    try table.ingest([batch(StructType([StructField("text", .string)]), [[.string("only")]])])
    #expect(try rows(table.snapshot().rows()) == [[.null(.long), .string("only")]])
    #expect { try table.ingest([batch(StructType([StructField("txt", .string)]), [])]) } throws: { "\($0)".contains("did you mean 'text'") }
    #expect { try table.ingest([batch(StructType([StructField("id", .string)]), [])]) } throws: { ($0 as? KConnectError)?.code == .schemaMismatch }
  }
}
