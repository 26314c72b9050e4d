import Columnar
import Expressions
import Testing

/// 2026-01-02T03:04:05Z.
let testContext = EvaluationContext(nowTicks: 17_673_230_450_000_000, seed: 42)

/// The printed value of an expression without columns; `null` for nulls, errors as text.
func printed(_ text: String) -> String {
  do {
    let expr = try CompiledExpr(try ExpressionText.parse(text), schema: StructType(), context: testContext)
    let vector = try expr.evaluate(RecordBatch(schema: StructType(), columns: [], rowCount: 1))
    if let broken = vector.brokenInvariant() { return "broken: \(broken)" }
    return shown(vector.scalar(0))
  } catch {
    return "error: \(error)"
  }
}

func shown(_ scalar: Scalar) -> String {
  switch scalar {
  case .null: "null"
  case .dynamic(let value): value.json
  default: ScalarText.text(scalar) ?? "?"
  }
}

@Suite struct OperatorTests {
  @Test(arguments: [
    ("1 + 2", "3"), ("int(1) + int(2)", "3"), ("gettype(int(1) + int(2))", "long"), ("7 / 2", "3"), ("-7 / 2", "-3"), ("7 / 0", "null"),
    ("7 % 0", "null"), ("1.0 / 0", "Infinity"), ("0.0 / 0", "NaN"), ("14 % 12", "2"), ("-14 % 12", "10"), ("14 % -12", "2"), ("-14 % -12", "10"),
    ("10.5 % 3.0", "1.5"), ("-10.5 % 3.0", "1.5"), ("9223372036854775807 + 1", "-9223372036854775808"),
    ("1.5 * 1h", "01:30:00"), ("10d / 2.5", "4.00:00:00"), ("1d * 10", "10.00:00:00"), ("1h / 1m", "60"), ("1d / 5h", "4.8"),
    ("datetime(2020-01-02) - datetime(2020-01-01)", "1.00:00:00"), ("datetime(2020-01-01) + 36h", "2020-01-02T12:00:00.0000000Z"),
    ("datetime(9999-12-31) + 365d", "null"), ("decimal(5.5) - decimal(2.2)", "3.3"), ("decimal(7.5) / decimal(2.5)", "3"),
    ("decimal(1) / decimal(3)", "0.3333333333333333333333333333333333"), ("decimal(1.5) * 2", "3.0"), ("decimal(1) / 0", "null"),
    ("gettype(decimal(1) + 1.5)", "decimal"), ("-(3)", "-3"), ("dynamic(3) + 4", "7"), ("1 + long(null)", "null"), ("5 - 3 - 1", "1"),
    ("'a' + 1", "error: + does not take (string, long); expected numbers, or a fitting pair of datetime and timespan"),
  ]) func arithmetic(_ text: String, _ expected: String) { #expect(printed(text) == expected) }

  @Test(arguments: [
    ("1 == 1.0", "true"), ("1 < 1.5", "true"), ("decimal(1.10) == 1.1", "true"), ("decimal(1.105) > decimal(1.1)", "true"),
    ("bool(null) == bool(null)", "null"), ("bool(null) != bool(null)", "null"), ("5 == int(null)", "false"), ("5 != int(null)", "true"),
    ("long(null) > 3", "null"), ("'a' == 'A'", "false"), ("'a' =~ 'A'", "true"), ("'Ä' =~ 'ä'", "true"), ("'a' !~ 'A'", "false"),
    ("real(nan) == real(nan)", "false"), ("real(nan) != 1.0", "true"), ("0.0 == -0.0", "true"), ("1s < 1m", "true"),
    ("datetime(2020-01-01) < datetime(2020-01-02)", "true"), ("5 between (1 .. 5)", "true"), ("5 !between (1 .. 5)", "false"),
    ("datetime(2020-01-02) between (datetime(2020-01-01) .. 2d)", "true"), ("long(null) between (1 .. 2)", "null"),
    ("dynamic({'a':1}).a == 1", "true"), ("dynamic('x') == 'x'", "true"), ("dynamic([1,2]) == dynamic([1,2])", "true"),
    ("2 in (1, 2)", "true"), ("2 !in (1, 2)", "false"), ("long(null) in (1, 2)", "false"), ("'A' in~ ('a')", "true"), ("'A' in ('a')", "false"),
    ("2 in (dynamic([1,2]))", "true"), ("'b' in (dynamic(['a','b']))", "true"), ("2.0 in (1, 2)", "true"), ("true == 1", "true"),
    ("1 == 'a'", "error: == does not take (long, string); expected values of one type; convert one side, for instance with tolong()"),
  ]) func comparison(_ text: String, _ expected: String) { #expect(printed(text) == expected) }

  @Test(arguments: [
    ("bool(null) and true", "null"), ("bool(null) and false", "false"), ("bool(null) or true", "true"), ("bool(null) or false", "null"),
    ("not(bool(null))", "null"), ("true and true and false", "false"), ("iff(bool(null), 1, 2)", "2"), ("iff(true, 1, 2.5)", "1"),
    ("gettype(iff(true, 1, 2.5))", "real"), ("case(false, 'a', true, 'b', 'c')", "b"), ("coalesce(long(null), 5)", "5"),
    ("coalesce('', 'x')", "x"), ("isnull('')", "false"), ("isempty('')", "true"), ("isnull(int(null))", "true"), ("isnotnull(1)", "true"),
    ("isnan(0.0/0)", "true"), ("isinf(-1.0/0)", "true"), ("isfinite(1)", "true"), ("isempty(dynamic(null))", "true"),
  ]) func logic(_ text: String, _ expected: String) { #expect(printed(text) == expected) }

  @Test(arguments: [
    ("'North America' has 'america'", "true"), ("'North America' has 'amer'", "false"), ("'North America' has_cs 'america'", "false"),
    ("'North America' hasprefix 'ame'", "true"), ("'North America' hassuffix 'ica'", "true"), ("'North America' !has 'amer'", "true"),
    ("'FabriKam' contains 'BRik'", "true"), ("'FabriKam' contains_cs 'BRik'", "false"), ("'Fabrikam' startswith 'fab'", "true"),
    ("'Fabrikam' endswith 'Kam'", "true"), ("'Fabrikam' endswith_cs 'Kam'", "false"), ("'Fabrikam' !startswith_cs 'fab'", "true"),
    ("'KustoExplorerQueryRun' has 'Explorer'", "false"), ("'a-b' has 'a'", "true"), ("'straße x' has 'STRASSE'", "false"),
    ("'über uns' has 'Über'", "true"), ("'über' has 'ber'", "false"), ("'North and South America' has_all ('south', 'north')", "true"),
    ("'North America' has_any ('south', 'north')", "true"), ("'abc' contains ''", "true"), ("'' contains 'a'", "false"), ("'ab' has 'b'", "false"),
  ]) func text(_ text: String, _ expected: String) { #expect(printed(text) == expected) }

  @Test(arguments: [
    ("tolong('123')", "123"), ("tolong(' 12 ')", "12"), ("tolong('')", "null"), ("tolong(123.5)", "123"), ("toint(3000000000)", "null"),
    ("tolong('0x1F')", "31"), ("toreal('1e3')", "1000"), ("todecimal('3.14')", "3.14"), ("tobool('true')", "true"), ("tobool(123)", "true"),
    ("tobool('x')", "null"), ("tostring(1.0)", "1"), ("tostring(true)", "true"), ("tostring(long(null))", ""), ("tostring(1h)", "01:00:00"),
    ("todatetime('2023-01-01')", "2023-01-01T00:00:00.0000000Z"), ("todatetime('not-a-date')", "null"), ("totimespan('1.02:03:04')", "1.02:03:04"),
    ("tostring(dynamic({'a':1,'b':[1,2.0,'x',null,true]}))", #"{"a":1,"b":[1,2.0,"x",null,true]}"#), ("tostring(dynamic('x'))", "x"),
    ("toguid('70FC66F7-8279-44FC-9092-D364D70FCE44')", "70fc66f7-8279-44fc-9092-d364d70fce44"), ("gettype(parse_json('{\"a\":1}'))", "dictionary"),
    ("parse_json('invalid')", "\"invalid\""), ("parse_json('[1, 2]')", "[1,2]"), ("gettype(1)", "long"), ("gettype(dynamic([1]))", "array"),
    ("tolong(dynamic('12'))", "12"), ("todecimal(1.1)", "1.1"), ("toreal(decimal(1.25))", "1.25"),
  ]) func conversion(_ text: String, _ expected: String) { #expect(printed(text) == expected) }

  @Test func errorsNameNearFunctions() {
    #expect(printed("tolng(1)") == "error: function 'tolng' not found; did you mean 'tolong'?")
    #expect(printed("geo_point_in_polygon(1,2,dynamic({}))") == "error: not supported yet: function 'geo_point_in_polygon'")
    #expect(printed("tolong()") == "error: tolong() takes 1 arguments, found 0")
    #expect(printed("nocolumn") == "error: column 'nocolumn' not found; columns: ")
  }
}
