// evaluate plugins and reduce. Expected rows of the activity and funnel plugins are those of the Kusto language reference where it shows any.

import KQL
import Testing

private let tables = """
  let Bags = datatable(k: long, d: dynamic)[1, dynamic({"b": 1, "a": "x"}), 2, dynamic({"b": 2.5}), 3, dynamic(null)];
  let Sales = datatable(state: string, kind: string, n: long)['A', 'x', 1, 'A', 'y', 2, 'B', 'x', 3, 'A', 'x', 4];
  let Visits = datatable(UserId: string, Timestamp: datetime)
    ['Bob', datetime(2017-08-01), 'David', datetime(2017-08-01), 'David', datetime(2017-08-01), 'John', datetime(2017-08-01), 'Bob', datetime(2017-08-01),
     'Ananda', datetime(2017-08-02), 'Atul', datetime(2017-08-02), 'John', datetime(2017-08-02), 'Ananda', datetime(2017-08-03), 'Atul', datetime(2017-08-03),
     'Atul', datetime(2017-08-03), 'John', datetime(2017-08-03), 'Bob', datetime(2017-08-03), 'Betsy', datetime(2017-08-04), 'Bob', datetime(2017-08-05)];
  let Users = datatable(u: long, t: datetime)
    [0, datetime(2019-11-01), 2, datetime(2019-11-01), 3, datetime(2019-11-01), 4, datetime(2019-11-01), 0, datetime(2019-11-02), 1, datetime(2019-11-02),
     3, datetime(2019-11-02), 4, datetime(2019-11-02), 5, datetime(2019-11-02), 0, datetime(2019-11-03), 2, datetime(2019-11-03), 4, datetime(2019-11-03),
     5, datetime(2019-11-03)];
  let Steps = datatable(u: string, t: long, s: string)
    ['p', 1, 'in', 'p', 2, 'buy', 'p', 3, 'buy', 'p', 4, 'out', 'q', 1, 'in', 'q', 9, 'buy', 'r', 2, 'buy', 'r', 3, 'out'];

  """

struct PluginTests {
  @Test(arguments: [
    AnswerCase("Bags | evaluate bag_unpack(d)", "1|x|1", "2||2.5", "3||null"),
    AnswerCase("Bags | evaluate bag_unpack(d, 'p_') | project-away p_b | getschema | project ColumnName, ColumnType", "k|long", "p_a|string"),
    AnswerCase("Bags | evaluate bag_unpack(d, ignoredProperties = dynamic(['a'])) | getschema | project ColumnName, ColumnType", "k|long", "b|dynamic"),
    AnswerCase("Bags | evaluate bag_unpack(d) : (b: real, k: long)", "1|1", "2.5|2", "null|3"),
    AnswerCase("Bags | evaluate bag_unpack(d) : (*, a: string) | getschema | project ColumnName", "k", "a"),
    AnswerCase("datatable(a: string, d: dynamic)['s', dynamic({'a': 't'})] | evaluate bag_unpack(d, columnsConflict = 'replace_source')", "t"),
    AnswerCase("datatable(a: string, d: dynamic)['s', dynamic({'a': 't'})] | evaluate bag_unpack(d, columnsConflict = 'keep_source')", "s"),
    AnswerCase("Sales | evaluate pivot(state) | sort by kind asc, n asc", "x|1|1|0", "x|3|0|1", "x|4|1|0", "y|2|1|0"),
    AnswerCase("Sales | evaluate pivot(state, sum(n), kind) | sort by kind asc", "x|5|3", "y|2|0"),
    AnswerCase("Sales | evaluate pivot(state, max(n), kind) : (kind: string, B: long, C: long) | sort by kind asc", "x|3|null", "y|null|null"),
    AnswerCase("Sales | take 1 | evaluate narrow()", "0|state|A", "0|kind|x", "0|n|1"),
    AnswerCase("range x from 1 to 10 step 1 | evaluate rows_near(x == 5, 1, 2)", "4", "5", "6", "7"),
    AnswerCase("range x from 1 to 10 step 1 | evaluate rows_near(x == 1 or x == 10, 1)", "1", "2", "9", "10"),
    AnswerCase("range x from 1 to 5 step 1 | evaluate preview(2)", "1", "2", "5"),
    AnswerCase(
      "range x from 1 to 100 step 1 | summarize a = hll(iff(x % 2 == 0, x, 0), 2), b = hll(iff(x % 3 == 0, x, 0), 2), c = hll(iff(x % 5 == 0, x, 0), 2) "
        + "| evaluate dcount_intersect(a, b, c)", "51|17|4"),
    AnswerCase(
      "range i from 0 to 71 step 1 | project t = datetime(2018-01-01) + 1h * i, v = i + 1 | evaluate rolling_percentile(v, 50, t, 1d, 3) | sort by t asc",
      "2018-01-01T00:00:00.0000000Z|12", "2018-01-02T00:00:00.0000000Z|24", "2018-01-03T00:00:00.0000000Z|36"),
    AnswerCase(
      "Visits | evaluate sliding_window_counts(UserId, Timestamp, datetime(2017-08-01), datetime(2017-08-07), 3d, 1d) | project Count, dcount",
      "5|3", "8|5", "13|5", "9|5", "7|5", "2|2", "1|1"),
    AnswerCase(
      "Visits | evaluate activity_counts_metrics(UserId, Timestamp, datetime(2017-08-01), datetime(2017-08-03), 1d) | project-away Timestamp",
      "5|3|3|3", "3|3|2|5", "5|4|0|5"),
    AnswerCase(
      "Visits | evaluate activity_metrics(UserId, Timestamp, datetime(2017-08-01), datetime(2017-08-03), 1d) | project-away Timestamp",
      "3|3|NaN|NaN", "3|2|0.3333333333333333|0.6666666666666667", "4|1|1|0"),
    AnswerCase(
      "Visits | evaluate activity_engagement(UserId, Timestamp, datetime(2017-08-02), datetime(2017-08-03), 1d, 2d) | project-away Timestamp", "3|5|0.6", "4|4|1"),
    AnswerCase(
      "Users | evaluate new_activity_metrics(u, t, datetime(2019-11-01), datetime(2019-11-04) - 1tick, 1d) | project-away from_t, to_t",
      "4|4|0|1|0", "2|3|1|0.75|0.25", "1|3|1|0.75|0.25", "2|2|0|1|0", "0|1|1|0.5|0.5"),
    AnswerCase(
      "let T = datatable(User: string, Timestamp: datetime)['B', datetime(2018-06-29), 'B', datetime(2018-06-30), 'A', datetime(2018-07-02), 'B', datetime(2018-07-04), "
        + "'B', datetime(2018-07-08), 'A', datetime(2018-07-10), 'A', datetime(2018-07-14), 'A', datetime(2018-07-17), 'A', datetime(2018-07-20), 'B', datetime(2018-07-24)]; "
        + "T | evaluate active_users_count(User, Timestamp, datetime(2018-07-01), datetime(2018-07-31), 8d, 1d, 3, 7d)",
      "2018-07-01T00:00:00.0000000Z|1", "2018-07-15T00:00:00.0000000Z|1"),
    AnswerCase("range t from 1 to 100 step 10 | extend u = 'a' | evaluate session_count(u, t, 1, 100, 50, 5)", "1|5", "51|5"),
    AnswerCase(
      "Steps | evaluate sequence_detect(t, 2, 2, i = s == 'in', b = s == 'buy', u)", "p|1|2|1", "p|1|3|2"),
    AnswerCase("Steps | evaluate funnel_sequence_completion(u, t, 0, 100, 200, s, dynamic(['in', 'buy', 'out']), dynamic([2, 10])) | project s, Period, dcount",
      "in|2|2", "buy|2|1", "out|2|0", "in|10|2", "buy|10|2", "out|10|1"),
    AnswerCase("Steps | evaluate funnel_sequence(u, t, 0, 100, 5, 200, s, dynamic(['buy']))",
      "0|||1|[\"q\"]", "0||out|1|[\"r\"]", "0|in|out|1|[\"p\"]", "0||2|[\"q\",\"r\"]", "0|in|1|[\"p\"]", "0|out|2|[\"p\",\"r\"]", "0||1|[\"q\"]"),
    AnswerCase(
      "let L = datatable(net: string, w: string)['10.0.0.0/8', 'ten', '10.1.0.0/16', 'ten-one', 'bad', 'x']; datatable(ip: string)['10.1.2.3', '10.9.9.9', '11.0.0.1', ''] "
        + "| evaluate ipv4_lookup(L, ip, net) | project ip, w | sort by ip asc, w asc", "10.1.2.3|ten", "10.1.2.3|ten-one", "10.9.9.9|ten"),
    AnswerCase(
      "let L = datatable(net: string, w: string)['2001:db8::/32', 'doc']; datatable(ip: string)['2001:db8::1', 'fe80::1'] "
        + "| evaluate ipv6_lookup(L, ip, net, return_unmatched = true) | project ip, w", "2001:db8::1|doc", "fe80::1|null"),
    AnswerCase(
      "union (datatable(a: string, b: int)[] | getschema), (datatable(a: string, c: string, b: int)[] | getschema) | evaluate schema_merge(PreserveOrder = false) "
        + "| project ColumnName, ColumnOrdinal, ColumnType", "a|0|string", "c|1|string", "b|2|int"),
    AnswerCase("range x from 1 to 10 step 1 | project s = strcat('foo', 'Z', tostring(x)) | reduce by s", "others|10|"),
    AnswerCase("range x from 1 to 10 step 1 | project s = strcat('foo', 'Z', tostring(x)) | reduce by s with characters = 'Z'", "foo*|10|fooZ1"),
    AnswerCase("datatable(s: string)['a b', 'a c', 'a d'] | reduce kind = source by s", "a b|a *", "a c|a *", "a d|a *"),
    AnswerCase("Sales | project state, kind | evaluate basket(0.5)", "0|3|75|A|", "1|3|75||x", "2|2|50|A|x"),
    AnswerCase("Sales | project state, kind | evaluate basket(0.7, '~', '~', '*') | project state, kind", "A|*", "*|x"),
    AnswerCase("Sales | evaluate basket(0.7, n) | project Count, Percent, state, kind", "8|80||x", "7|70|A|"),
    AnswerCase("Sales | project state, kind | evaluate diffpatterns(state, 'A', 'B', '~', 0.3)", "0|2|1|66.66666666666667|100|33.33333333333333|x", "1|1|0|33.333333333333336|0|33.333333333333336|y"),
    AnswerCase("range x from 1 to 10 step 1 | project a = iff(x < 9, 'p', 'q'), b = iff(x < 9, 'r', tostring(x)) | evaluate autocluster() | project Count, Percent, a, b", "8|80|p|r"),
    AnswerCase("datatable(s: string, y: bool)['disk full now', true, 'disk full here', true, 'all good', false] | evaluate diffpatterns_text(s, y, 2, 0.6)",
      "0|1|0|100|all good", "2|0|100|0|disk full *"),
  ])
  func answers(_ c: AnswerCase) throws {
    #expect(try answer(tables + c.text) == c.rows.joined(separator: "\n"))
  }

  @Test(arguments: [
    ("Sales | evaluate nope()", "KS211"), ("evaluate narrow()", "KS174"),
    ("Bags | evaluate bag_unpack(k)", "KS107"), ("datatable(a: string, d: dynamic)['s', dynamic({'a': 't'})] | evaluate bag_unpack(d)", "KS171"),
    ("Sales | evaluate pivot(state, percentile(n, 5))", "KS140"), ("Sales | evaluate rows_near(n, 2)", "KS107"), ("Sales | evaluate preview(1) | count", "KS002"),
    ("Sales | evaluate autocluster(3)", "KS140"), ("Sales | evaluate session_count(state)", "KS119"), ("Sales | reduce by kind with speed = 2", "KS179"),
    ("Sales | evaluate narrow() : (Row: string)", "KS140"),
    ("evaluate infer_storage_schema(dynamic({'StorageContainers': [1], 'DataFormat': 'csv'}))", "KS140"),
    ("evaluate infer_storage_schema(dynamic({'StorageContainers': ['h', null], 'DataFormat': 'csv'}))", "KS140"),
    ("evaluate infer_storage_schema(dynamic({'StorageContainers': ['h'], 'DataFormat': 1}))", "KS140"),
    ("evaluate infer_storage_schema_with_suggestions(dynamic({'StorageContainers': ['h'], 'DataFormat': 'csv', 'FileExtension': ['.csv']}))", "KS140"),
  ])
  func refuses(_ text: String, _ code: String) {
    let codes = KQLChecker.diagnostics(tables + text, catalog: PlanCatalog(), options: bindOptions()).map(\.code.description)
    #expect(codes.contains(code), "\(codes)")
  }

  /// What `kconnect functions` shows of a plugin runs, and gives rows.
  @Test(arguments: FunctionCatalog.all.filter { $0.family == "plugin" && !$0.example.isEmpty }.map(\.example))
  func examplesRun(_ example: String) throws {
    #expect(try !answer(example).isEmpty)
  }

  @Test func catalogNamesEachPluginOnce() {
    let names = FunctionCatalog.all.filter { $0.family == "plugin" }.map(\.name)
    #expect(names.count == Set(names).count && names.contains("ipv4_lookup") && names.contains("pivot"))
  }
}
