import Columnar
import Expressions
import Testing

/// Every expression gives the same on flat, dictionary and constant columns, on whole batches and row by row, and `select` agrees with `evaluate`.
@Suite struct FormTests {
  static let schema = StructType([
    StructField("s", .string), StructField("i", .int), StructField("k", .long), StructField("r", .real), StructField("d", .decimal),
    StructField("t", .datetime), StructField("p", .timespan), StructField("b", .bool), StructField("y", .dynamic), StructField("g", .guid),
  ])

  /// 150 rows, every seventh (shifted per column) null.
  static func rows(_ n: Int = 150) -> [[Scalar]] {
    let words = ["", "North America", "south", "a-b c", "über uns", "EXPRESS mail", "x express y", "12", "2020-01-31", "ÄÖ"]
    return (0..<n).map { i in
      let values: [Scalar] = [
        .string(words[i % words.count]), .int(Int32(i % 13) - 6), .long(Int64(i % 17) * 1_000_003 - 5_000_000), .real(Double(i % 11) * 0.75 - 3),
        .decimal(DecimalValue(Int128(i % 19) * 105 - 900, scale: 2)), .datetime(Int64(i) * 777_777_777_777), .timespan(Int64(i % 23) * 10_000_000_000),
        .bool(i % 3 == 0), .dynamic(i % 2 == 0 ? .bag([DynamicEntry("a", .long(Int64(i % 5)))]) : .array([.long(1), .string("x")])),
        .guid(GUID(high: UInt64(i % 4), low: 7)),
      ]
      return values.enumerated().map { c, v in (i + c) % 7 == 0 ? .null(v.type) : v }
    }
  }

  static func flat(_ rows: [[Scalar]]) -> RecordBatch {
    RecordBatch(schema: schema, columns: schema.fields.indices.map { c in .of(schema[c].type, rows.map { $0[c] }) }, rowCount: rows.count)
  }

  static func dictionary(_ batch: RecordBatch) -> RecordBatch {
    RecordBatch(schema: schema, columns: batch.columns.map { column in
      var values: [Scalar] = []
      var codes: [Int32] = []
      for value in column.scalars {
        if value.isNull { codes.append(0); continue }
        if let k = values.firstIndex(of: value) { codes.append(Int32(k)) } else {
          codes.append(Int32(values.count))
          values.append(value)
        }
      }
      return .dictionary(codes: Buffer(codes), values: .of(column.type, values), validity: column.validity)
    })
  }

  @Test(arguments: [
    "s contains 'express'", "s has 'express'", "s has_cs 'express'", "s startswith 'NORTH'", "s endswith_cs 'y'", "s == 'south'", "s != ''", "s =~ 'SOUTH'",
    "s in ('south', '12')", "s !in ('south', '12')", "s in~ ('SOUTH')", "s matches regex 'ex.*y'", "s has_any ('mail', 'b')", "s hasprefix 'ü'",
    "s < 'b'", "isempty(s)", "strlen(s)", "toupper(s)", "substring(s, 1, 3)", "strcat(s, '-', k)", "tolong(s)", "todatetime(s)", "split(s, ' ')",
    "replace_string(s, 'e', 'E')", "extract('(\\\\w+)', 1, s)", "coalesce(s, 'none')", "hash(s)", "reverse(s)", "indexof(s, 'r')",
    "i + 1", "i * k", "k / i", "k % i", "k - 1", "-k", "r * 2", "r / i", "d + 1", "d * d", "d / 3", "d - r", "i > 2", "k <= 0", "r != 0.75", "d == 1.5", "d > decimal(1.005)",
    "k between (-1000000 .. 3000000)", "r between (0 .. 2)", "d between (0 .. 5)", "i in (1, 2, 3)", "k in (0, 2, 3000009)", "i !in (1, null_long)", "r in (0.75, 1.5)",
    "t > datetime(1970-01-05)", "t + p", "t - 1d", "p * 2", "p / 1h", "bin(t, 1d)", "bin(k, 1000)", "bin(r, 0.5)", "startofmonth(t)", "datetime_diff('day', t, datetime(1970-02-01))",
    "format_datetime(t, 'yyyy-MM-dd')", "dayofweek(t)", "hourofday(t)", "b and i > 0", "b or i > 0", "not(b)", "iff(b, k, 0)", "iff(i > 0, 'pos', 'neg')", "iff(b, s, 'x')",
    "case(i > 3, 'a', i > 0, 'b', s)", "coalesce(k, 7)", "isnull(k)", "isnotnull(t)", "tostring(k)", "tostring(r)", "tostring(d)", "tostring(t)", "tostring(p)", "tostring(b)",
    "tostring(y)", "tostring(g)", "toreal(d)", "todecimal(r)", "tobool(i)", "toint(r)", "y.a", "y[0]", "y.a == 2", "array_length(y)", "bag_keys(y)", "gettype(y)", "pack_array(i, s, b)",
    "bag_pack('s', s, 'k', k, 'd', d)", "round(r, 1)", "abs(i)", "sqrt(r)", "min_of(i, k, 3)", "max_of(r, 1.0)", "g == guid(00000000000000010000000000000007)", "hash_md5(s)",
    "b == true", "i == k", "k != i", "r < d", "s == tostring(i)", "y == 'x'", "sign(r)", "binary_and(k, 255)", "make_datetime(2020, i, 1)", "ceiling(r)", "parse_json(s)", "strrep(s, 2)",
    "b and (s has 'express' or k > 0) and not(isnull(t))", "i > 5 and s contains 'x'", "case(b, y.a, i)", "isempty(y)", "tohex(k)", "t in (datetime(1970-01-01), datetime(1970-01-02))",
  ]) func sameInEveryForm(_ text: String) throws {
    let text = text.replacing("null_long", with: "long(null)")
    let rows = Self.rows()
    let batch = Self.flat(rows)
    let expr = try CompiledExpr(try ExpressionText.parse(text), schema: Self.schema, context: testContext)
    let whole = try expr.evaluate(batch)
    #expect(whole.brokenInvariant() == nil)
    #expect(whole.type == expr.type && whole.count == rows.count)
    let expected = whole.scalars.map(shown)
    // Row by row.
    let single = try rows.indices.map { i in shown(try expr.evaluate(batch.slice(i..<i + 1)).scalar(0)) }
    #expect(single == expected)
    // Dictionaries, twice (the second time from memory).
    let dictionary = Self.dictionary(batch)
    for _ in 0..<2 {
      let vector = try expr.evaluate(dictionary)
      #expect(vector.brokenInvariant() == nil)
      #expect(vector.scalars.map(shown) == expected)
    }
    // Constants: the first row everywhere.
    let constant = RecordBatch(schema: Self.schema, columns: rows[1].map { .constant($0, count: 3) }, rowCount: 3)
    let repeated = try expr.evaluate(constant)
    #expect(repeated.brokenInvariant() == nil)
    #expect(repeated.scalars.map(shown) == Array(repeating: expected[1], count: 3))
    // Slices share memory at odd offsets.
    let slice = try expr.evaluate(batch.slice(37..<111))
    #expect(slice.scalars.map(shown) == Array(expected[37..<111]))
    if expr.type == .bool {
      for form in [batch, dictionary] {
        let selected = try expr.select(form)
        #expect((0..<rows.count).filter { selected[$0] } == (0..<rows.count).filter { expected[$0] == "true" })
      }
    }
    #expect(try expr.evaluate(RecordBatch.empty(Self.schema)).count == 0)
  }

  /// Functions that can be written in KQL; the others serve DataFrames and have a space in their name.
  static let written = FunctionRegistry.all.filter { !$0.name.contains(" ") && !$0.name.hasPrefix("$") || !$0.example.isEmpty }

  @Test func registryIsComplete() {
    for spec in FunctionRegistry.all { #expect(!spec.summary.isEmpty) }
    for spec in Self.written {
      #expect(!spec.example.isEmpty)
      #expect(FunctionRegistry.find(spec.name) != nil)
    }
    #expect(Set(FunctionRegistry.all.map(\.name)).count == FunctionRegistry.all.count)
  }

  /// Every example of the registry runs, but those of sketches: what they take comes from an aggregate.
  @Test(arguments: written.filter { $0.family != .sketch }.map(\.example)) func examplesRun(_ example: String) {
    let result = printed(example)
    #expect(!result.hasPrefix("error") && !result.hasPrefix("broken"), "\(example): \(result)")
  }
}
