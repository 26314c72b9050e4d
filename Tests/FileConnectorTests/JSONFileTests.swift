// JSON through provider and sink: ranges, arrays, compression, modes, bad rows, inference, the conformance suite.

import Columnar
import DataSource
import FileConnector
import Glibc
import Testing

private let json = FileProvider(JSONFormat())

@Suite struct JSONFileTests {
  @Test(arguments: [[:], ["compression": "gzip"], ["compression": "zstd"], ["arrayForm": "true"], ["arrayForm": "true", "compression": "gzip"], ["ignoreNullFields": "false"]])
  func roundTrip(_ options: [String: String]) throws {
    let s = Scratch()
    let rows = (0..<5000).map { n -> [Scalar] in
      let text: Scalar = n % 7 == 0 ? .null(.string) : .string("näme \(n) \"x\"\n")
      let list: Scalar = .dynamic(.array([.long(Int64(n)), .null]))
      return [.long(Int64(n)), text, .real(Double(n) / 4), .datetime(Int64(n) * 10_000_000), list]
    }
    let data = try batch("k:long, s:string, r:real, t:datetime, x:dynamic", rows)
    try writeRows(json, s("out"), [data.slice(0..<3000), data.slice(3000..<5000)], options: options)
    let table = try openTable(json, [s("out")])
    // Members appear in the order in which they are first seen; the first row has no s.
    #expect(Set(table.schema.fields.map(\.description)) == Set(data.schema.fields.map(\.description)))
    #expect(try readRows(table, columns: data.schema.names) == rows)
    #expect(try readRows(table, columns: ["x", "k"]).count == 5000)
    #expect(try readBatches(table, columns: []).reduce(0) { $0 + $1.rowCount } == 5000)
    try writeRows(json, s("one.json.gz"), [data.slice(0..<10)])
    #expect(try readRows(try openTable(json, [s("one.json.gz")])).count == 10)
  }

  @Test func rangesCutAtLines() throws {
    let s = Scratch()
    var text = ""
    var n = 0
    while text.utf8.count < 3 << 20 {
      let pad = String(repeating: "x", count: n % 997)
      text += "{\"k\":\(n),\"pad\":\"" + pad + "\"}"
      text += n % 3 == 0 ? "\r\n" : "\n"
      if n % 100 == 0 { text += "\n  \n" }
      n += 1
    }
    s.put("x.ndjson", text + "{\"k\":\(n)}")
    let read = try readRows(try openTable(json, [s("x.ndjson")]), columns: ["k"])
    #expect(read == (0...n).map { [.long(Int64($0))] })
    s.put("mark.json", "\u{FEFF}{\"k\":1}\n")
    #expect(try readRows(try openTable(json, [s("mark.json")])) == [[.long(1)]])
    s.put("pretty.json", "{\n \"k\": 1\n}\n{\n \"k\": 2}\n")
    #expect(try readRows(try openTable(json, [s("pretty.json")], options: ["multiLine": "true"])) == [[.long(1)], [.long(2)]])
    s.put("long.json", "{\"k\":\"\(String(repeating: "y", count: 6 << 20))\"}\n{\"k\":\"b\"}\n")
    #expect(try readRows(try openTable(json, [s("long.json")], schema: StructType(ddl: "k:string"))).count == 2)
  }

  @Test func modes() throws {
    let s = Scratch()
    var lines = (0..<1000).map { "{\"k\":\($0),\"s\":\"v\"}" }
    lines[500] = "{\"k\":oops}"
    lines[700] = "{\"k\":\"text\",\"s\":\"v\"}"
    s.put("x.json", lines.joined(separator: "\n") + "\n")
    let schema = try StructType(ddl: "k:long, s:string, _corrupt_record:string")
    let kept = try readRows(try openTable(json, [s("x.json")], schema: schema))
    #expect(kept.count == 1000 && kept[500] == [.null(.long), .null(.string), .string("{\"k\":oops}")])
    #expect(kept[700] == [.null(.long), .string("v"), .string(lines[700])])
    let dropped = try openTable(json, [s("x.json")], schema: StructType(ddl: "k:long"), options: ["mode": "DROPMALFORMED", "badRecordsPath": s("bad.ndjson")])
    #expect(try readRows(dropped).count == 998)
    let bad = try readRows(try openTable(json, [s("bad.ndjson")]), columns: ["line", "reason"])
    #expect(bad.count == 2 && Set(bad.map { $0[0] }) == [.long(501), .long(701)])
    let fails = thrown { _ = try readRows(try openTable(json, [s("x.json")], schema: StructType(ddl: "k:long"), options: ["mode": "FAILFAST"])) }
    #expect(fails?.code == .formatCorrupt && fails?.message.contains("line 501, byte ") == true)
    let guessed = thrown { _ = try readRows(try openTable(json, [s("x.json")], options: ["sampleRows": "10"])) }
    #expect(guessed?.code == .valueInvalid && guessed?.message.contains("line 701") == true && guessed?.message.contains("column 'k': found \"text\", expected long") == true)
    #expect(try openTable(json, [s("x.json")]).schema.names.contains("_corrupt_record"))
    s.put("none.json", "hello\nworld\n")
    #expect(thrown { _ = try openTable(json, [s("none.json")]) }?.code == .formatCorrupt)
    s.put("cut.json", "[{\"k\":1},{\"k\":2}")
    let cut = thrown { _ = try readRows(try openTable(json, [s("cut.json")])) }
    #expect(cut?.code == .formatCorrupt)
    #expect(thrown { _ = try openTable(json, [s("x.json")], options: ["columnPaths": "a=$["]) }?.code == .optionInvalid)
  }

  @Test func directoriesUniteGuesses() throws {
    let s = Scratch()
    s.put("t/a.json", "{\"a\":1,\"b\":\"x\"}\n")
    s.put("t/b.json", "{\"c\":true,\"a\":2.5}\n")
    let table = try openTable(json, [s("t")])
    #expect(table.schema.description == "a:real, b:string, c:bool")
    #expect(try readRows(table) == [[.real(1), .string("x"), .null(.bool)], [.real(2.5), .null(.string), .bool(true)]])
    let mapped = try openTable(json, [s("t/a.json")], options: ["columnPaths": "x=$.a, y=$.b"])
    #expect(mapped.schema.description == "x:long, y:string")
    #expect(try readRows(mapped) == [[.long(1), .string("x")]])
  }

  @Test func conformance() throws {
    // The suite lies outside the repository; without it there is nothing to judge.
    let archives = ["../shared/data/jsontestsuite.tar.zst", "../../shared/data/jsontestsuite.tar.zst"]
    guard let archive = archives.first(where: { pathKind($0) == .file }) else { return }
    let s = Scratch()
    guard system("tar --zstd -xf \(archive) -C \(s.path)") == 0 else { return }
    var judged = 0
    for name in s.tree where name.hasSuffix(".json") {
      let file = lastPathComponent(name)
      guard file.hasPrefix("y_") || file.hasPrefix("n_") || file.hasPrefix("i_") else { continue }
      judged += 1
      // Each text stands as a member of an array, so that values of every kind are records' members.
      let text = try readSmallBytes(s(name))
      let parser = DynamicParser()
      let out = BufferBuilder<UInt8>()
      var isAccepted = true
      do { try text.withUnsafeBufferPointer { try parser.parse($0, into: out) } } catch { isAccepted = false }
      if file.hasPrefix("y_") { #expect(isAccepted, "\(file)") }
      if file.hasPrefix("n_") { #expect(!isAccepted, "\(file)") }
      // As a table: objects and arrays of objects that are right are read, everything else is an error, never a crash.
      let read = try? readRows(try openTable(json, [s(name)], options: ["mode": "FAILFAST", "multiLine": "true"]))
      if file.hasPrefix("n_") { #expect(read == nil, "\(file)") }
    }
    #expect(judged > 300)
  }
}

private func readSmallBytes(_ path: String) throws -> [UInt8] {
  let file = try InputFile(path: path)
  var bytes = [UInt8](repeating: 0, count: file.size ?? 0)
  _ = try bytes.withUnsafeMutableBytes { try file.pread(into: $0, at: 0) }
  return bytes
}
