// Role: one line of syntax and one of meaning for every operator, for `\h`.
// Source: Kusto "Tabular operators" reference.

/// Help on tabular operators and statements.
enum OperatorHelp {
  struct Entry {
    var name: String
    var syntax: String
    var meaning: String
    init(_ name: String, _ syntax: String, _ meaning: String) {
      self.name = name
      self.syntax = syntax
      self.meaning = meaning
    }
  }

  static let all: [Entry] = [
    Entry("as", "T | as Name", "gives the table a name for the rest of the query"),
    Entry("assert-schema", "T | assert-schema (a: long, b: string)", "fails unless the table has this schema"),
    Entry("consume", "T | consume", "reads all rows and gives none"),
    Entry("count", "T | count", "the number of rows"),
    Entry("distinct", "T | distinct a, b    T | distinct *", "each combination of values once"),
    Entry("evaluate", "T | evaluate bag_unpack(d)", "calls a plugin"),
    Entry("extend", "T | extend x = expression, …", "adds columns, or replaces those of the same name"),
    Entry("facet", "T | facet by a, b with (pipeline)", "one table of values and counts for each column"),
    Entry("find", "find in (A, B) where predicate project a, b", "rows of several tables that satisfy a predicate"),
    Entry("fork", "T | fork (pipeline) (pipeline)", "several pipelines over one input"),
    Entry("getschema", "T | getschema", "names and types of the columns as rows"),
    Entry("invoke", "T | invoke f(x)", "calls a function with the table as first argument"),
    Entry("join", "T | join kind=inner (U) on key    … on $left.a == $right.b", "matches the rows of two tables; the default kind is innerunique"),
    Entry("let", "let x = 5; let T = A | where …; let f = (a: long) { a + 1 };", "gives a name to a value, a table or a function"),
    Entry("lookup", "T | lookup (U) on key", "adds the columns of a small table by key"),
    Entry("make-graph", "E | make-graph source --> target with N on id", "a graph from tables of edges and nodes"),
    Entry("make-series", "T | make-series n = count() default = 0 on t from a to b step 1h by k", "arrays of values at even steps, one row for each k"),
    Entry("mv-apply", "T | mv-apply x = array on (pipeline)", "a pipeline over the elements of an array, row by row"),
    Entry("mv-expand", "T | mv-expand x to typeof(long)", "one row for each element of an array or bag"),
    Entry("parse", "T | parse s with * 'id=' id: long ',' rest", "columns from parts of a text"),
    Entry("parse-kv", "T | parse-kv s as (a: long) with (pair_delimiter = ' ', kv_delimiter = '=')", "columns from keys and values in a text"),
    Entry("parse-where", "T | parse-where s with …", "as parse, without the rows that do not match"),
    Entry("partition", "T | partition by k (pipeline)", "a pipeline for each value of a column"),
    Entry("print", "print x = expression, …", "one row of values"),
    Entry("project", "T | project a, x = expression", "chooses, renames and computes columns"),
    Entry("project-away", "T | project-away a, b*", "all columns but these"),
    Entry("project-keep", "T | project-keep a, b*", "these columns, in the table's order"),
    Entry("project-rename", "T | project-rename new = old", "renames columns"),
    Entry("project-reorder", "T | project-reorder a, * asc", "orders columns"),
    Entry("range", "range x from 1 to 10 step 1", "a table of one counting column"),
    Entry("reduce", "T | reduce by s", "groups texts by their patterns"),
    Entry("render", "T | render timechart with (title = '…', ycolumns = a, b)", "draws the result: time, line, area, column, bar, pie, scatter, anomaly chart, card"),
    Entry("sample", "T | sample 10", "some random rows"),
    Entry("sample-distinct", "T | sample-distinct 10 of a", "some different values"),
    Entry("scan", "T | scan with (step s: predicate => x = …;)", "finds sequences of rows"),
    Entry("search", "search in (A, B) 'text'", "rows that hold a term in any column"),
    Entry("serialize", "T | serialize n = row_number()", "fixes the order of rows for functions of rows"),
    Entry("sort", "T | sort by a desc, b asc nulls last", "orders rows; descending unless asc is written"),
    Entry("summarize", "T | summarize n = count(), avg(x) by k, bin(t, 1h)", "aggregates groups of rows"),
    Entry("take", "T | take 10", "some rows; the same as limit"),
    Entry("top", "T | top 10 by x desc", "the first rows in an order"),
    Entry("top-hitters", "T | top-hitters 5 of a by x", "the values that occur most, or have the largest sums"),
    Entry("top-nested", "T | top-nested 3 of a by sum(x), top-nested 2 of b by sum(x)", "the top values of a, and in each the top values of b"),
    Entry("union", "union A, B    T | union withsource=Name (U)", "the rows of several tables"),
    Entry("where", "T | where predicate", "the rows for which a predicate is true; the same as filter"),
  ]
}
