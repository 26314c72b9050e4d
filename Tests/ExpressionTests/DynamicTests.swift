import Columnar
import Testing

@Suite struct DynamicTests {
  static func parse(_ text: String, _ dialect: DynamicDialect = .json) -> String {
    do { return try DynamicValue(parsing: text, as: dialect).json } catch { return "error at \(error.offset)" }
  }

  @Test(arguments: [
    ("[]", "[]"), ("{}", "{}"), (" [1, 2.0 ,\"x\"] ", "[1,2.0,\"x\"]"), ("{\"a\":{\"b\":[null,true,false]}}", "{\"a\":{\"b\":[null,true,false]}}"),
    ("\"\\u00e9\\n\\\"\"", "\"é\\n\\\"\""), ("\"\\ud83d\\ude00\"", "\"😀\""), ("9223372036854775808", "9.223372036854776E+18"), ("-0", "0"), ("1e2", "100.0"),
    ("{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"), ("\"\\ud800\"", "\"\u{FFFD}\""),
    ("[1,]", "error at 3"), ("{\"a\"}", "error at 4"), ("[1 2]", "error at 3"), ("01", "error at 1"), ("-", "error at 0"), ("1.", "error at 2"), ("'a'", "error at 0"),
    ("\"a", "error at 0"), ("\"\\x\"", "error at 1"), ("\"\t\"", "error at 1"), ("nul", "error at 0"), ("[", "error at 1"), ("", "error at 0"), ("1 2", "error at 2"),
    ("{a:1}", "error at 1"), ("NaN", "error at 0"), ("+1", "error at 0"), (".5", "error at 0"), ("[1,,2]", "error at 3"), ("{\"a\":1,}", "error at 7"),
  ]) func json(_ text: String, _ expected: String) { #expect(Self.parse(text) == expected) }

  @Test(arguments: [
    ("{'a': datetime(2020-01-01), \"b\": 1}", "{\"a\":\"2020-01-01T00:00:00.0000000Z\",\"b\":1}"), ("[timespan(1h), guid(70fc66f7-8279-44fc-9092-d364d70fce44)]", "[\"01:00:00\",\"70fc66f7-8279-44fc-9092-d364d70fce44\"]"),
    ("['it\\'s', real(1.5), long(3), bool(true), dynamic({})]", "[\"it's\",1.5,3,true,{}]"), ("{a:1}", "{\"a\":1}"), ("[datetime(x)]", "error at 1"),
  ]) func literals(_ text: String, _ expected: String) { #expect(Self.parse(text, .kqlLiteral) == expected) }

  @Test func depthIsBounded() {
    let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    #expect(Self.parse(deep) == "error at \(JSONCursor.maxDepth)")
    let fine = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
    #expect(Self.parse(fine) == fine)
  }

  @Test func membersOfALine() throws {
    let line = Array(#"{"id": 12, "name":"a\nb", "tags":[1,{"x":2}], "n":null, "r":-1.5e3}"#.utf8)
    try line.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return }
      var cursor = JSONCursor(base, bytes.count)
      try cursor.openObject()
      var seen: [String] = []
      var isFirst = true
      while let member = try cursor.nextMember(isFirst: isFirst) {
        isFirst = false
        let key = String(decoding: UnsafeBufferPointer(rebasing: bytes[member.key.start..<member.key.end]), as: UTF8.self)
        let value = String(decoding: UnsafeBufferPointer(rebasing: bytes[member.value.start..<member.value.end]), as: UTF8.self)
        seen.append("\(key)=\(member.value.kind):\(value):\(member.value.needsDecoding)")
      }
      try cursor.expectEnd()
      #expect(seen == ["id=integer:12:false", "name=string:a\\nb:true", "tags=array:[1,{\"x\":2}]:false", "n=null:null:false", "r=number:-1.5e3:false"])
    }
  }

  @Test func orderAndEquality() throws {
    func view<R>(_ a: String, _ b: String, _ body: (DynamicView, DynamicView) -> R) throws -> R {
      let x = try DynamicValue(parsing: a).binary, y = try DynamicValue(parsing: b).binary
      return x.withUnsafeBufferPointer { p in y.withUnsafeBufferPointer { q in body(DynamicView(p.baseAddress!, p.count), DynamicView(q.baseAddress!, q.count)) } }
    }
    #expect(try view("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}") { $0.isEqual($1) })
    #expect(try !view("[1,2]", "[2,1]") { $0.isEqual($1) })
    #expect(try view("1", "1.5") { $0.order($1) } == -1)
    #expect(try view("\"a\"", "1") { $0.order($1) } == nil)
    #expect(try view("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}") { a, b in
      var x = Hasher(), y = Hasher()
      a.hash(into: &x)
      b.hash(into: &y)
      return x.finalize() == y.finalize()
    })
  }
}
