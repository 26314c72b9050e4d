// Answers as services write them, whole and broken, cut at every kind of place.

import Columnar
import DataSource
import KustoWire
import Testing

struct AnswerCase: CustomTestStringConvertible, Sendable {
  var name: String
  var format: AnswerFormat
  var text: String
  /// Lines that `events` must end with.
  var expected: String
  var testDescription: String { name }
}

private let allTypes = AnswerCase(
  name: "every type and null", format: .v2,
  text: Answers.v2(
    "b:bool,i:int,l:long,r:real,d:decimal,s:string,t:datetime,p:timespan,g:guid,y:dynamic",
    """
    [true,-1,9223372036854775807,1.5,"2.00000000000001","a\\"\\u00e9\\n\\ud83d\\ude00","2020-03-04T14:05:01.3109965Z","1.02:03:04.0050000","74be27de-1e4e-49d9-b579-fe0b331d3642",{"a":[1,"x",null]}],
    [0,2147483647,-9223372036854775808,"NaN",12.5,"","0001-01-01T00:00:00Z","-2.00:00:02","74BE27DE-1E4E-49D9-B579-FE0B331D3642","text"] ,
    [1,null,null,"-Infinity",null,null,null,null,null,null],[null,0,0,"Infinity","0.10","é","9999-12-31T23:59:59.9999999Z","00:00:00.0000001","00000000-0000-0000-0000-000000000000",[]]
    """),
  expected: """
    true|-1|9223372036854775807|1.5|2.00000000000001|a"é
    😀|2020-03-04T14:05:01.3109965Z|1.02:03:04.0050000|74be27de-1e4e-49d9-b579-fe0b331d3642|{"a":[1,"x",null]}
    false|2147483647|-9223372036854775808|NaN|12.50000000000000||0001-01-01T00:00:00.0000000Z|-2.00:00:02|74be27de-1e4e-49d9-b579-fe0b331d3642|"text"
    true|null|null|-Infinity|null|null|null|null|null|null
    null|0|0|Infinity|0.10000000000000|é|9999-12-31T23:59:59.9999999Z|00:00:00.0000001|00000000-0000-0000-0000-000000000000|[]
    end 1 4
    """)

let answerCases: [AnswerCase] = [
  allTypes,
  AnswerCase(
    name: "fragments of two tables", format: .v2,
    text: """
      [{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0","IsFragmented":true,"ErrorReportingPlacement":"EndOfTable"}
      ,{"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","TableName":"A","Columns":[{"ColumnName":"n","ColumnType":"long"}]}
      ,{"FrameType":"TableHeader","TableId":2,"TableKind":"PrimaryResult","TableName":"B","Columns":[{"ColumnName":"s","ColumnType":"string"}]}
      ,{"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":1,"Rows":[[1],[2]]}
      ,{"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":2,"Rows":[["x"]]}
      ,{"FrameType":"TableProgress","TableId":1,"TableProgress":50}
      ,{"FrameType":"Unheard","Rows":7,"Some":{"thing":[1,{"a":"]}"}]}}
      ,{"FrameType":"TableFragment","TableId":1,"FieldCount":1,"TableFragmentType":"DataAppend","Rows":[[3]]}
      ,{"FrameType":"TableCompletion","TableId":1,"RowCount":3}
      ,{"FrameType":"TableCompletion","TableId":2,"RowCount":1}
      ,{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}
      ]
      """,
    expected: "begin 1 primaryResult A (n:long)\nbegin 2 primaryResult B (s:string)\n1\n2\n3\nend 1 3\nx\nend 2 1"),
  AnswerCase(
    name: "progressive with replacement", format: .v2,
    text: """
      [{"FrameType":"DataSetHeader","IsProgressive":true,"Version":"v2.0"},
      {"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","TableName":"A","Columns":[{"ColumnName":"n","ColumnType":"long"}]},
      {"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":1,"Rows":[[1],[2]]},
      {"FrameType":"TableFragment","TableFragmentType":"DataReplace","TableId":1,"Rows":[[5]]},
      {"FrameType":"TableCompletion","TableId":1,"RowCount":1},{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}]
      """,
    expected: "begin 1 primaryResult A (n:long)\nrestart 1\n5\nend 1 1"),
  AnswerCase(
    name: "v1 with .NET types, texts as dynamic", format: .v1,
    text: """
      {"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":"a","DataType":"System.SByte"},{"ColumnName":"y","DataType":"Object","ColumnType":"dynamic"},{"ColumnName":"d","DataType":"SqlDecimal"}],
      "Rows":[[1,"{\\"k\\":[1]}","1.50"],[0,"",null],[null,"plain","3"]]}]}
      """,
    expected: "begin 0 other Table_0 (a:bool, y:dynamic, d:decimal)\ntrue|{\"k\":[1]}|1.50\nfalse|null|null\nnull|\"plain\"|3.00\nend 0 3"),
  AnswerCase(
    name: "no rows, equal names", format: .v2, text: Answers.v2("a:int,a:long", ""),
    expected: "begin 1 primaryResult PrimaryResult (a:int, a1:long)\nend 1 0"),
]

struct BrokenAnswer: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var format = AnswerFormat.v2
  var text: String
  /// What the message must hold.
  var expected: String
  init(_ name: String, _ text: String, _ expected: String, format: AnswerFormat = .v2) {
    testDescription = name
    self.text = text
    self.expected = expected
    self.format = format
  }
}

private let oneApi = "{\"OneApiErrors\":[{\"error\":{\"code\":\"LimitsExceeded\",\"message\":\"m\",\"@message\":\"Query result set too large (80DA0003)\",\"@permanent\":false}}]}"

let brokenAnswers: [BrokenAnswer] = [
  BrokenAnswer("error row", Answers.v2("n:long", "[1],[2],\(oneApi)"), "80DA0003"),
  BrokenAnswer(
    "completion errors",
    Answers.v2("n:long", "[1]").replacing("\"HasErrors\":false", with: "\"HasErrors\":true,\"OneApiErrors\":[{\"error\":{\"code\":\"Timeout\",\"@message\":\"too slow\"}}]"), "too slow"),
  BrokenAnswer("errors without reason", Answers.v2("n:long", "[1]").replacing("\"HasErrors\":false", with: "\"HasErrors\":true"), "HasErrors"),
  BrokenAnswer("cancelled", Answers.v2("n:long", "[1]").replacing("\"Cancelled\":false", with: "\"Cancelled\":true"), "cancelled"),
  BrokenAnswer("half an answer", String(Answers.v2("n:long", "[1],[2]").prefix(520)), "breaks off"),
  BrokenAnswer("no completion", "[{\"FrameType\":\"DataSetHeader\"}]", "DataSetCompletion"),
  BrokenAnswer("nothing", "", "breaks off"),
  BrokenAnswer("HTML", "<html><body>Bad gateway</body></html>", "expected the '['"),
  BrokenAnswer("text in a number column", Answers.v2("n:long", "[1],[\"x\"]"), "column 'n': found \"x\", expected long"),
  BrokenAnswer("overflow of int", Answers.v2("n:int", "[2147483648]"), "expected int"),
  BrokenAnswer("too few values", Answers.v2("a:long,b:long", "[1]"), "a value for each of the 2 columns"),
  BrokenAnswer("too many values", Answers.v2("a:long", "[1,2]"), "expected ']'"),
  BrokenAnswer("not JSON in a row", Answers.v2("a:long", "[1],[tru]"), "byte"),
  BrokenAnswer("deep dynamic", Answers.v2("a:dynamic", "[" + String(repeating: "[", count: 600) + String(repeating: "]", count: 600) + "]"), "nested deeper"),
  BrokenAnswer(
    "fewer rows than counted",
    """
    [{"FrameType":"TableHeader","TableId":1,"TableKind":"PrimaryResult","TableName":"A","Columns":[{"ColumnName":"n","ColumnType":"long"}]},
    {"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":1,"Rows":[[1]]},{"FrameType":"TableCompletion","TableId":1,"RowCount":2},
    {"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}]
    """, "the service counted 2"),
  BrokenAnswer("fragment without header", "[{\"FrameType\":\"TableFragment\",\"TableId\":9,\"Rows\":[[1]]}]", "no TableHeader"),
  BrokenAnswer("rows before columns", "[{\"FrameType\":\"DataTable\",\"Rows\":[[1]],\"Columns\":[]}]", "before 'Columns'"),
  BrokenAnswer("unknown type", Answers.v2("a:geometry", ""), "no type that is known"),
  BrokenAnswer("something behind the end", Answers.v2("n:long", "") + "x", "expected the end"),
  BrokenAnswer("v1 exceptions", "{\"Tables\":[{\"TableName\":\"T\",\"Columns\":[{\"ColumnName\":\"n\",\"ColumnType\":\"long\"}],\"Rows\":[[1],{\"Exceptions\":[\"it broke\"]}]}],\"Exceptions\":[\"it broke\"]}", "it broke", format: .v1),
  BrokenAnswer("v1 error object", "{\"error\":{\"code\":\"X\",\"@message\":\"no\"}}", "no", format: .v1),
]

extension String {
  fileprivate func replacing(_ text: String, with other: String) -> String {
    var out = ""
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      out += rest[..<range.lowerBound] + other
      rest = rest[range.upperBound...]
    }
    return out + rest
  }
}

@Suite struct AnswerReaderTests {
  @Test(arguments: answerCases) func reads(_ answer: AnswerCase) throws {
    let whole = try events(answer.format, answer.text)
    #expect(whole.hasSuffix(answer.expected), "got:\n\(whole)")
    // Wherever the bytes are cut, the answer is the same.
    for pieces in [1, 2, 3, 7, 64, 1_000] { #expect(try events(answer.format, answer.text, pieces: pieces) == whole, "pieces of \(pieces)") }
  }

  @Test(arguments: brokenAnswers) func refuses(_ answer: BrokenAnswer) {
    for pieces in [1, 5, 1 << 20] {
      do {
        let found = try events(answer.format, answer.text, pieces: pieces)
        Issue.record("read although broken: \(found)")
      } catch { #expect("\(error)".contains(answer.expected), "\(error)") }
    }
  }

  @Test func everyPrefixIsRefused() {
    let text = answerCases[0].text
    for length in stride(from: 0, to: text.utf8.count - 1, by: 3) {
      let part = String(decoding: text.utf8.prefix(length), as: UTF8.self)
      #expect(throws: (any Error).self) { try events(.v2, part) }
    }
  }

  @Test func randomDamageNeverTraps() {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let bytes = Array(answerCases[0].text.utf8)
    for _ in 0..<2_000 {
      var damaged = bytes
      for _ in 0..<(1 + next() % 4) { damaged[Int(next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: next()) }
      _ = try? events(.v2, String(decoding: damaged, as: UTF8.self), pieces: Int(1 + next() % 300))
    }
  }

  @Test func longValuesAreBounded() {
    var limits = AnswerReader.Limits()
    limits.unitBytes = 1_000
    let reader = AnswerReader(.v2, limits: limits) { _ in }
    let text = Answers.v2("s:string", "[\"" + String(repeating: "a", count: 200_000) + "\"]")
    #expect(throws: KConnectError.self) {
      for piece in stride(from: 0, to: text.utf8.count, by: 500) {
        let bytes = Array(text.utf8.dropFirst(piece).prefix(500))
        try bytes.withUnsafeBytes { try reader.append($0) }
      }
    }
  }

  @Test func batchesAreCut() throws {
    var limits = AnswerReader.Limits()
    limits.batchRows = 10
    var sizes: [Int] = []
    let reader = AnswerReader(.v2, limits: limits) { event in if case .rows(let table, let batch) = event, table.id == 1 { sizes.append(batch.rowCount) } }
    let text = Array(Answers.v2("n:long", (0..<25).map { "[\($0)]" }.joined(separator: ",")).utf8)
    try text.withUnsafeBytes { try reader.append($0) }
    try reader.finish()
    #expect(sizes == [10, 10, 5])
  }
}
