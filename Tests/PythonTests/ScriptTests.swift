// Role: evaluate python(...): what scripts get, what becomes of what they give, and how their mistakes are told.

import KConnect
import Testing

@Suite(.serialized, needsPython) struct ScriptTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var query: String
    var expected: [String]
    var testDescription: String { name }
  }

  static let all = """
    datatable(b: bool, i: int, l: long, r: real, m: decimal, s: string, t: datetime, d: timespan, g: guid, j: dynamic) [
      true, 1, 9223372036854775807, 0.1, decimal(0.1234567890123456789012345678901234), 'a"b', datetime(2024-02-29T12:30:00.1234567Z), time(1.02:03:04.1234567),
        guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({"a":[1,2.5,null,"x"]}),
      bool(null), int(null), long(null), real(null), decimal(null), '', datetime(null), timespan(null), guid(null), dynamic(null),
      false, -2147483648, -9223372036854775808, -1e300, decimal(-7), 'ü', datetime(1677-09-22), time(-00:00:00.0000001),
        guid(00000000-0000-0000-0000-000000000000), dynamic("12") ]
    """

  static let cases: [Case] = [
    Case(
      name: "every type goes there and back", query: "\(all) | evaluate python(typeof(*), 'result = df')",
      expected: [
        #"true|1|9223372036854775807|0.1|0.1234567890123456789012345678901234|a"b|2024-02-29T12:30:00.1234567Z|1.02:03:04.1234567|74be27de-1e4e-49d9-b579-fe0b331d3642|{"a":[1,2.5,null,"x"]}"#,
        "∅|∅|∅|∅|∅||∅|∅|∅|∅",
        "false|-2147483648|-9223372036854775808|-1E+300|-7|ü|1677-09-22T00:00:00.0000000Z|-00:00:00.0000001|00000000-0000-0000-0000-000000000000|\"12\"",
      ]),
    Case(
      name: "a string inside dynamic stays one", query: "print j = dynamic(\"12\") | evaluate python(typeof(*), 'result = df') | project gettype(j)", expected: ["string"]),
    Case(
      name: "times outside of what pandas holds to 100 ns",
      query: "print t = datetime(0001-01-01), u = datetime(9999-12-31T23:59:59.999999Z) | evaluate python(typeof(*), 'result = df')",
      expected: ["0001-01-01T00:00:00.0000000Z|9999-12-31T23:59:59.9999990Z"]),
    Case(
      name: "the documented example", query: """
        range x from 1 to 4 step 1 | evaluate python(typeof(*, fx: double), ```
        result = df
        n = df.shape[0]
        g = kargs["gain"]
        f = kargs["cycles"]
        result["fx"] = g * np.sin(df["x"]/n*2*np.pi*f)
        ```, bag_pack('gain', 100, 'cycles', 4)) | project x, isZero = abs(fx) < 1e-6
        """, expected: ["1|true", "2|true", "3|true", "4|true"]),
    Case(
      name: "named arguments", query: "print x = 2 | evaluate python(typeof(y: long), script_parameters = bag_pack('k', 5), script = 'result = pd.DataFrame({\"y\": df.x * kargs[\"k\"]})')",
      expected: ["10"]),
    Case(
      name: "no rows", query: "print x = 1 | where x > 1 | evaluate python(typeof(n: long, x: long), 'result = pd.DataFrame({\"x\": [7], \"n\": [len(df)]})')", expected: ["0|7"]),
    Case(
      name: "a column declared again has the new type", query: "print a = '5', b = 1 | evaluate python(typeof(*, a: long), 'result = df; result.a = result.a.astype(int)') | project a + 1, b", expected: ["6|1"]),
    Case(
      name: "several types of columns", query: """
        print 1 | evaluate python(typeof(a: datetime, b: timespan, c: dynamic, d: string, e: bool, f: decimal, g: guid, h: real), ```if 1:
          import datetime, decimal, uuid
          result = pd.DataFrame({"a": [datetime.date(2020, 1, 2), pd.Timestamp("2020-01-02 03:04+02:00"), None], "b": [datetime.timedelta(seconds=1), pd.NaT, pd.Timedelta(100, "ns")],
            "c": [{"x": np.int64(1), "y": [np.nan, np.arange(2)]}, '[1, {"z": true}]', "text"], "d": [1, None, 2.5], "e": [1, 0.0, None],
            "f": [decimal.Decimal("1.10"), 2, float("nan")], "g": [uuid.UUID(int=1), None, "{00000000-0000-0000-0000-000000000002}"], "h": [decimal.Decimal("0.5"), True, float("inf")]}, dtype=object)
        ```)
        """,
      expected: [
        #"2020-01-02T00:00:00.0000000Z|00:00:01|{"x":1,"y":[null,[0,1]]}|1|true|1.10|00000000-0000-0000-0000-000000000001|0.5"#,
        #"2020-01-02T01:04:00.0000000Z|∅|[1,{"z":true}]||false|2|∅|1"#,
        #"∅|00:00:00.0000001|"text"|2.5|∅|∅|00000000-0000-0000-0000-000000000002|Infinity"#,
      ]),
    Case(name: "columns without names go by place", query: "print 1 | evaluate python(typeof(a: long, b: real), 'result = pd.DataFrame(np.array([[1, 2], [3, 4]]))')", expected: ["1|2", "3|4"]),
    Case(name: "what a script prints goes nowhere", query: "print x = 1 | evaluate python(typeof(*), 'print(\"{}\" * 100000); import sys; sys.stderr.write(\"x\" * 1000000); result = df')", expected: ["1"]),
    Case(name: "in memory", query: "print x = 1 | evaluate hint.distribution=per_node hint.remote=local python(typeof(*), 'result = df', spill_to_disk = false)", expected: ["1"]),
    Case(
      name: "filters that may run before", query: "range x from 1 to 5 step 1 | evaluate hint.pass_filters=true python(typeof(*, n: long), 'result = df; result[\"n\"] = len(df)') | where x > 3",
      expected: ["4|2", "5|2"]),
    Case(name: "filters that may not", query: "range x from 1 to 5 step 1 | evaluate python(typeof(*, n: long), 'result = df; result[\"n\"] = len(df)') | where x > 3", expected: ["4|5", "5|5"]),
    Case(
      name: "inside partition", query: "range x from 1 to 4 step 1 | extend k = x % 2 | partition by k (evaluate python(typeof(*, n: long), 'result = df; result[\"n\"] = df.x.sum()')) | order by x asc | project x, n",
      expected: ["1|4", "2|6", "3|4", "4|6"]),
    Case(
      name: "more rows than a batch", query: "range x from 1 to 200000 step 1 | evaluate python(typeof(y: long), 'result = pd.DataFrame({\"y\": df.x.to_numpy() * 2})') | summarize count(), sum(y)",
      expected: ["200000|40000200000"]),
  ]

  @Test(arguments: cases) func gives(_ c: Case) async throws {
    #expect(try await rows(c.query) == c.expected)
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    var script: String
    /// What the message has to say.
    var said: [String]
    var schema = "typeof(*)"
    var code = KConnectError.Code.valueInvalid
    var testDescription: String { script }
  }

  static let mistakes: [Mistake] = [
    Mistake(script: "a = 1\nb = undefined_name\nresult = df", said: ["line 2", "NameError: name 'undefined_name' is not defined"]),
    Mistake(script: "def f():\n  return 1 / 0\n\nf()", said: ["line 2", "ZeroDivisionError"]),
    Mistake(script: "x = (", said: ["line 1", "SyntaxError"]),
    Mistake(script: "raise ValueError('no\\nrows')", said: ["ValueError: no"]),
    Mistake(script: "pass", said: ["sets no 'result'"]),
    Mistake(script: "result = 5", said: ["is a int", "DataFrame"]),
    Mistake(script: "result = df[[]]", said: ["no column 'x'"]),
    Mistake(script: "result = df; result['y'] = 1", said: ["does not name: y"]),
    Mistake(script: "result = pd.DataFrame({'x': [1.5]})", said: ["row 0 of column 'x'", "1.5 is no long"]),
    Mistake(script: "result = pd.DataFrame({'x': [2**63]})", said: ["column 'x'", "out of range"]),
    Mistake(script: "result = pd.DataFrame({'x': ['one']})", said: ["'one' is no long"]),
    Mistake(script: "result = df; result['t'] = pd.to_datetime(['2020-01-01 00:00:00.000000001'])", said: ["finer than 100 ns"], schema: "typeof(*, t: datetime)"),
    Mistake(script: "from decimal import Decimal\nresult = pd.DataFrame({'x': [Decimal('1' * 40)]})", said: ["decimal"], schema: "typeof(x: decimal)"),
    Mistake(script: "result = pd.DataFrame({'x': ['no guid']})", said: ["is no guid"], schema: "typeof(x: guid)"),
    Mistake(script: "import module_that_is_not_there", said: ["line 1", "ModuleNotFoundError"]),
  ]

  @Test(arguments: mistakes) func tells(_ m: Mistake) async throws {
    let error = try #require(await failure("print x = 1 | evaluate python(\(m.schema), \(literal(m.script)))"))
    #expect(error.code == m.code)
    for text in m.said { #expect(error.message.contains(text), "\(error.message)") }
  }

  @Test func offUnlessAllowed() async throws {
    let spark = try await Session.builder.appName("python tests off").getOrCreate()
    let error = #expect(throws: KConnectError.self) { try spark.kql("print 1 | evaluate python(typeof(*), 'result = df')") }
    #expect(error?.code == .notSupported)
    #expect(error?.hint?.contains("--enable-python") == true)
  }

  @Test func artifacts() async throws {
    let place = Place()
    place.write("numbers.txt", "1\n2\n")
    let zip = place.path + "/package.zip"
    try place.python("import zipfile; z = zipfile.ZipFile('\(zip)', 'w'); z.writestr('greeting/__init__.py', 'word = \"hello\"'); z.close()")
    let script = """
      from sandbox_utils import Zipackage
      Zipackage.install("Package.zip")
      import greeting
      result = pd.DataFrame({"a": [sum(int(line) for line in open("Temp/numbers.txt"))], "b": [greeting.word]})
      """
    let bag = "bag_pack('numbers.txt', '\(place.path)/numbers.txt', 'package.zip', '\(zip)')"
    #expect(try await rows("print 1 | evaluate python(typeof(a: long, b: string), \(literal(script)), external_artifacts = \(bag))") == ["3|hello"])
  }

  struct WrongUse: Sendable, CustomTestStringConvertible {
    var call: String
    var code: KConnectError.Code
    var testDescription: String { call }
  }

  @Test(arguments: [
    WrongUse(call: "python(typeof(*))", code: .kqlSemantic),
    WrongUse(call: "python('x', 'result = df')", code: .typeMismatch),
    WrongUse(call: "python(typeof(*, a: long, a: real), 'result = df')", code: .kqlSyntax),
    WrongUse(call: "python(typeof(*), 'result = df', 5)", code: .typeMismatch),
    WrongUse(call: "python(typeof(*), 'result = df', scriptparameters = bag_pack('a', 1))", code: .kqlSemantic),
    WrongUse(call: "python(typeof(*), x)", code: .kqlSemantic),
    WrongUse(call: "python(typeof(*), 'result = df', external_artifacts = bag_pack('../a', '/etc/passwd'))", code: .kqlSemantic),
    WrongUse(call: "hint.distribution=per_shard python(typeof(*), 'result = df')", code: .kqlSemantic),
    WrongUse(call: "hint.nothing=1 python(typeof(*), 'result = df')", code: .kqlSyntax),
  ]) func refuses(_ use: WrongUse) async throws {
    let spark = try await session()
    let error = #expect(throws: KConnectError.self) { try spark.kql("print x = 'a' | evaluate \(use.call)") }
    #expect(error?.code == use.code, "\(String(describing: error))")
  }
}
