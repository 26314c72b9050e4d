// The JSON module: paths, the row parser over every type, duplicate and escaped keys, splitting in blocks of any size, inference, writing.

import Columnar
import JSON
import Testing

private func parse(_ text: String, _ ddl: String, paths: [String: String] = [:]) throws -> ([[Scalar]], [String]) {
  let schema = try StructType(ddl: ddl)
  let parser = JSONRowParser(schema: schema, paths: try paths.mapValues { try JSONPath($0) })
  var errors: [String] = []
  for line in text.split(separator: "\n") {
    let bytes = Array(line.utf8)
    bytes.withUnsafeBufferPointer { b in
      guard let base = b.baseAddress else { return }
      var cursor = JSONCursor(base, b.count)
      do {
        try parser.parse(&cursor)
        try cursor.expectEnd()
      } catch { errors.append("\(error)") }
    }
  }
  let batch = parser.finish()
  #expect(batch.brokenInvariant() == nil)
  return ((0..<batch.rowCount).map { batch.row($0) }, errors)
}

@Suite struct JSONRowTests {
  @Test func everyType() throws {
    let (rows, errors) = try parse(
      """
      {"b":true,"i":1,"l":9007199254740993,"r":1.5,"d":123.45,"s":"a\\u00e9\\n","t":"2024-01-02T03:04:05Z","p":"1.02:03:04","g":"74be27de-1e4e-49d9-b579-fe0b331d3642","x":{"a":[1,2]}}
      {"x":[],"g":null,"s":7,"r":2,"l":"12","b":"false"}
      {}
      """, "b:bool, i:int, l:long, r:real, d:decimal, s:string, t:datetime, p:timespan, g:guid, x:dynamic")
    #expect(errors.isEmpty)
    #expect(rows[0][2] == .long(9_007_199_254_740_993) && rows[0][5] == .string("aé\n") && rows[0][4] == .decimal(DecimalValue(12345, scale: 2)))
    #expect(rows[0][9] == .dynamic(.bag([DynamicEntry("a", .array([.long(1), .long(2)]))])))
    #expect(rows[1][5] == .string("7") && rows[1][3] == .real(2) && rows[1][2] == .long(12) && rows[1][0] == .bool(false))
    #expect(rows[2].filter { !$0.isNull }.isEmpty)
  }

  @Test func orderDuplicatesAndEscapedKeys() throws {
    let (rows, errors) = try parse(
      """
      {"a":1,"b":2,"zz":[{"q":"}"}],"c":3}
      {"c":3,"a":1,"b":2}
      {"a":1,"a":9,"b":2,"\\u0063":3}
      {"a":"x","b":2}
      """, "a:long, b:long, c:long")
    #expect(rows == [[.long(1), .long(2), .long(3)], [.long(1), .long(2), .long(3)], [.long(9), .long(2), .long(3)], [.null(.long), .long(2), .null(.long)]])
    #expect(errors == ["column 'a': found \"x\", expected long"])
  }

  @Test func malformedRecordsLeaveNoTrace() throws {
    let bad = ["{\"a\":1", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "[1]", "3", "{\"a\":01}", "{\"a\":\"\u{1}\"}", "{\"s\":\"x", "{\"x\":[1,}", "{\"a\":1}x", "nul"]
    for line in bad {
      let (rows, errors) = try parse("{\"a\":1,\"s\":\"p\",\"x\":[1]}\n\(line)\n{\"a\":2,\"s\":\"q\",\"x\":{}}", "a:long, s:string, x:dynamic")
      #expect(errors.count == 1, "\(line)")
      #expect(rows.first == [.long(1), .string("p"), .dynamic(.array([.long(1)]))] && rows.last == [.long(2), .string("q"), .dynamic(.bag([]))], "\(line)")
    }
  }

  @Test func paths() throws {
    let (rows, errors) = try parse(
      """
      {"a":{"b":[{"c":1},{"c":2}],"n.m":5},"k":"v"}
      {"a":[1],"k":"w"}
      """, "first:long, second:long, odd:long, whole:dynamic, k:string",
      paths: ["first": "$.a.b[0].c", "second": "$['a'].b[1].c", "odd": "$.a['n.m']", "whole": "$.a"])
    #expect(errors.isEmpty)
    #expect(rows[0][0] == .long(1) && rows[0][1] == .long(2) && rows[0][2] == .long(5) && rows[0][4] == .string("v"))
    #expect(rows[1][3] == .dynamic(.array([.long(1)])) && rows[1][0].isNull)
    #expect(try JSONPath.mapping("a=$.x.y, b = $['q,r'][3]; c=d").map(\.name) == ["a", "b", "c"])
    // Several columns of one path, and the record itself.
    let (shared, _) = try parse(
      #"{"a":7,"b":{"c":"x"}}"#, "n:long, t:string, all:dynamic, text:string, c:string, again:string",
      paths: ["n": "$.a", "t": "$.a", "all": "$", "text": "$", "c": "$.['b'].c", "again": "$.b.['c']"])
    #expect(shared[0][0] == .long(7) && shared[0][1] == .string("7") && shared[0][4] == .string("x") && shared[0][5] == .string("x"))
    #expect(shared[0][3] == .string(#"{"a":7,"b":{"c":"x"}}"#))
    #expect(shared[0][2] == .dynamic(.bag([DynamicEntry("a", .long(7)), DynamicEntry("b", .bag([DynamicEntry("c", .string("x"))]))])))
    #expect(try JSONPath.mapping(#"a=$['it\'s, so'].b, c=$"#).map(\.path.text) == [#"$['it\'s, so']['b']"#, "$"])
    for bad in ["$.", "$.a[", "$.a[x]", "$x", "", "$['a"] { #expect(throws: JSONPathError.self) { try JSONPath(bad) } }
  }

  @Test func depthIsBounded() throws {
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    #expect(try parse("{\"x\":\(deep)}", "x:dynamic").1.count == 1)
    #expect(try parse("{\"y\":\(deep)}", "x:dynamic").1.count == 1)
  }

  @Test(arguments: [
    ("[{\"a\":1},{\"a\":\"]}\\\"\"}, 3 ,\"s\"]", ["{\"a\":1}", "{\"a\":\"]}\\\"\"}", "3", "\"s\""]), (" {\"a\":\n1}\n\n{\"b\":[1,2]} 7 true", ["{\"a\":\n1}", "{\"b\":[1,2]}", "7", "true"]),
    ("[]", []), ("", []), ("[\n]\n", []),
  ]) func splitting(_ text: String, _ expected: [String]) throws {
    let bytes = Array(text.utf8)
    for size in 1...max(1, bytes.count) {
      var splitter = ValueSplitter()
      var held: [UInt8] = []
      var out: [String] = []
      var at = 0
      repeat {
        let seen = held.count
        held += bytes[at..<min(bytes.count, at + size)]
        at += size
        var open = seen > 0 ? 0 : -1
        var records: [Range<Int>] = []
        try held.withUnsafeBufferPointer { b in
          try splitter.scan(b, from: seen, open: &open, records: &records)
          if at >= bytes.count { try splitter.finish(at: b.count, open: &open, records: &records) }
        }
        out += records.map { String(decoding: held[$0], as: UTF8.self) }
        held = open >= 0 ? Array(held[open...]) : []
      } while at < bytes.count
      #expect(out == expected, "blocks of \(size)")
    }
  }

  @Test(arguments: ["[1,]", "[1 2]", "[1", "[,1]", "[1]x", "{\"a\":", "\"abc"]) func brokenArrays(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: JSONTextError.self) {
      try bytes.withUnsafeBufferPointer { b in
        var splitter = ValueSplitter()
        var open = -1
        var records: [Range<Int>] = []
        try splitter.scan(b, from: 0, open: &open, records: &records)
        try splitter.finish(at: b.count, open: &open, records: &records)
      }
    }
  }

  @Test func inference() throws {
    var inference = JSONInference(infersTimestamps: true)
    for line in [
      "{\"a\":1,\"t\":\"2024-01-01T00:00:00Z\",\"n\":null,\"o\":{\"x\":1},\"m\":true}", "{\"a\":1.5,\"t\":\"2024-01-02\",\"m\":3,\"u\":\"2024-01-02\"}",
      "{\"u\":\"never\",\"o\":[1],\"big\":99999999999999999999}",
    ] {
      let bytes = Array(line.utf8)
      try bytes.withUnsafeBufferPointer { b in
        guard let base = b.baseAddress else { return }
        var cursor = JSONCursor(base, b.count)
        try inference.add(&cursor)
      }
    }
    #expect(inference.schema.description == "a:real, t:datetime, n:string, o:dynamic, m:string, u:string, big:decimal")
    #expect(inference.widenings == ["column 'a' widened from long to real", "column 'm' widened from bool to string", "column 'u' widened from datetime to string"])
  }

  @Test func writing() throws {
    let schema = try StructType(ddl: "b:bool, l:long, r:real, d:decimal, s:string, t:datetime, p:timespan, g:guid, x:dynamic")
    let rows: [[Scalar]] = [
      [.bool(true), .long(-5), .real(2), .decimal(DecimalValue(12345, scale: 2)), .string("a\"\\\n\u{1}é"), .datetime(0), .timespan(10_000_000), .guid(GUID(high: 1, low: 2)), .dynamic(.array([.long(1), .string("q")]))],
      schema.fields.map { .null($0.type) },
    ]
    let batch = RecordBatch(schema: schema, columns: schema.fields.indices.map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: 2)
    func text(_ options: JSONWriteOptions) -> String {
      let out = BufferBuilder<UInt8>()
      JSONRowWriter(schema: schema, options: options).append(batch, to: out)
      return String(decoding: UnsafeBufferPointer(start: UnsafePointer(out.pointer), count: out.count), as: UTF8.self)
    }
    #expect(
      text(JSONWriteOptions())
        == "{\"b\":true,\"l\":-5,\"r\":2.0,\"d\":123.45,\"s\":\"a\\\"\\\\\\n\\u0001é\",\"t\":\"1970-01-01T00:00:00Z\",\"p\":\"00:00:01\",\"g\":\"00000000-0000-0001-0000-000000000002\",\"x\":[1,\"q\"]}\n{}\n")
    var options = JSONWriteOptions()
    options.ignoresNulls = false
    options.quotesDecimals = true
    #expect(text(options).contains("\"d\":\"123.45\"") && text(options).hasSuffix("{\"b\":null,\"l\":null,\"r\":null,\"d\":null,\"s\":null,\"t\":null,\"p\":null,\"g\":null,\"x\":null}\n"))
    let (read, errors) = try parse(text(JSONWriteOptions()), schema.description)
    #expect(errors.isEmpty && read == rows)
  }
}
