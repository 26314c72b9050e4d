// Bound queries run: what they answer, where the binding decides it. Functions have tests of their own.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Testing

/// Rows as text, cells separated by `|`, rows by line breaks; nulls are `null`.
func answer(_ text: String) throws -> String {
  let options = bindOptions()
  let bound = try KQL.bind(text, catalog: PlanCatalog(), options: options)
  var lines: [String] = []
  for result in bound.results {
    try QueryExecution(result.plan, options: ExecutionOptions(), context: options.context).run { batch in
      for i in 0..<batch.rowCount { lines.append(batch.row(i).map { $0.isNull ? "null" : cellText($0) }.joined(separator: "|")) }
      return true
    }
  }
  return lines.joined(separator: "\n")
}

/// A value as text; dynamic values as JSON.
func cellText(_ value: Scalar) -> String {
  if case .dynamic = value, case .string(let json) = ColumnVector.of(.dynamic, [value]).cast(to: .string).scalar(0) { return json }
  return ScalarText.text(value) ?? "?"
}

struct AnswerCase: Sendable, CustomTestStringConvertible {
  var text: String
  var rows: [String]
  init(_ text: String, _ rows: String...) {
    self.text = text
    self.rows = rows
  }
  var testDescription: String { text }
}

private let letTables = """
  let L = datatable(k: long, a: string)[1, 'x', 2, 'y', 2, 'z', long(null), 'n'];
  let R = datatable(k: long, b: string)[2, 'p', 2, 'q', 3, 'r', long(null), 'm'];

  """

struct ExecutionTests {
  @Test(arguments: [
    AnswerCase("print 1 + 2 * 3, 'a' == 'A', 'a' =~ 'A'", "7|false|true"),
    AnswerCase("range x from 1 to 10 step 3", "1", "4", "7", "10"),
    AnswerCase("range x from 3 to 1 step -1", "3", "2", "1"),
    AnswerCase("range x from 1h to 3h step 1h | count", "3"),
    AnswerCase("datatable(a: int, b: real, c: datetime)[1, 2, datetime(2024-02-01), int(null), real(nan), null]", "1|2|2024-02-01T00:00:00.0000000Z", "null|NaN|null"),
    AnswerCase("datatable(a: long)[3, 1, long(null), 2] | sort by a", "3", "2", "1", "null"),
    AnswerCase("datatable(a: long)[3, 1, long(null), 2] | sort by a asc", "null", "1", "2", "3"),
    AnswerCase("datatable(a: long)[3, 1, long(null), 2] | sort by a asc nulls last | take 1", "1"),
    AnswerCase("datatable(a: long)[3, 1, 2] | top 2 by a", "3", "2"),
    AnswerCase(letTables + "L | join kind=inner R on k | sort by a asc, b asc", "2|y|2|p", "2|y|2|q", "2|z|2|p", "2|z|2|q"),
    AnswerCase(letTables + "L | join R on k | count", "2"),
    AnswerCase(letTables + "L | join kind=leftouter R on k | sort by a asc, b asc", "null|n|null|null", "1|x|null|null", "2|y|2|p", "2|y|2|q", "2|z|2|p", "2|z|2|q"),
    AnswerCase(letTables + "L | join kind=fullouter R on k | count", "8"),
    AnswerCase(letTables + "L | join kind=leftsemi R on k | sort by a asc", "2|y", "2|z"),
    AnswerCase(letTables + "L | join kind=leftanti R on k | sort by a asc", "null|n", "1|x"),
    AnswerCase(letTables + "L | join kind=rightanti R on k | sort by b asc", "null|m", "3|r"),
    AnswerCase(letTables + "L | lookup (R | where b == 'p') on k | sort by a asc", "null|n|null", "1|x|null", "2|y|p", "2|z|p"),
    AnswerCase(letTables + "L | where k in (R | project k) | sort by a asc", "2|y", "2|z"),
    AnswerCase(letTables + "L | where k !in (R) | sort by a asc", "null|n", "1|x"),
    AnswerCase(letTables + "L | where k in (R) or a == 'x' | sort by a asc", "1|x", "2|y", "2|z"),
    AnswerCase(letTables + "union L, (R | project-rename a = b) | summarize n = count() by k | sort by k asc", "null|2", "1|1", "2|4", "3|1"),
    AnswerCase(letTables + "union withsource=T L, R | summarize n = count() by T | sort by T asc", "L|4", "R|4"),
    AnswerCase(letTables + "L | summarize s = sum(k), n = count(), m = max(a)", "5|4|z"),
    AnswerCase(letTables + "L | summarize 10 * count() + sum(k)", "45"),
    AnswerCase(letTables + "L | summarize arg_max(a, k), take_any(k) by k2 = k % 2 | count", "3"),
    AnswerCase(letTables + "L | distinct k | sort by k asc", "null", "1", "2"),
    AnswerCase(letTables + "L | summarize by k | count", "3"),
    AnswerCase(letTables + "print toscalar(L | summarize max(k)) + 1", "3"),
    AnswerCase("let f = (x: long, y: long = 10) { let z = x + y; z * 2 }; range i from 1 to 2 step 1 | project f(i), f(i, y = 1)", "22|4", "24|6"),
    AnswerCase("let big = (T: (x: long), n: long) { T | where x > n }; big((range x from 1 to 5 step 1), 3)", "4", "5"),
    AnswerCase("let m = materialize(range x from 1 to 3 step 1); m | where x > 1 | union m | summarize sum(x)", "11"),
    AnswerCase("range x from 1 to 3 step 1 | as T | where x == toscalar(T | summarize max(x))", "3"),
    AnswerCase("range x from 1 to 3 step 1 | extend x = x * 2, y = x | project-reorder y", "1|2", "2|4", "3|6"),
    AnswerCase("datatable(a: int, ['b c']: string)[] | getschema | project ColumnName, ColumnOrdinal, ColumnType", "a|0|int", "b c|1|string"),
    AnswerCase("print a = 1 | where a between (1 .. 3) and not(a in (2, 3))", "1"),
    AnswerCase("print x = 1; print y = 2", "1", "2"),
    AnswerCase("range x from 1 to 6 step 1 | top-hitters 1 of y = x % 2 by x", "0|12"),
  ])
  func answers(_ item: AnswerCase) throws {
    #expect(try answer(item.text) == item.rows.joined(separator: "\n"))
  }
}
