// Role: everything that can be called in KQL, for `kconnect functions` and completion: the registered scalar functions and aggregates, the
// functions that the binder answers itself, and the plugins of `evaluate`.

import Expressions

/// What is told about a function.
package struct FunctionEntry: Sendable {
  package let name: String
  /// Other names of the same function.
  package let aliases: [String]
  /// The chapter: the families of scalar functions, `aggregate`, `window`, `query` or `plugin`.
  package let family: String
  /// `name(parameters)`.
  package let signature: String
  package let summary: String
  /// A query, or empty.
  package let example: String
}

package enum FunctionCatalog {
  /// All functions in order of their names; operators with signs are left out.
  package static let all: [FunctionEntry] = {
    let scalars = FunctionRegistry.all.filter { $0.family != .operator && $0.name != FunctionName.member }.map { spec in
      FunctionEntry(
        name: spec.name, aliases: spec.aliases, family: spec.family.rawValue, signature: "\(spec.name)(\(spec.parameters))", summary: spec.summary,
        example: spec.example.isEmpty ? "" : "print \(spec.example)")
    }
    let aggregates = CompiledAggregate.catalog.map { aggregate in
      let parts = signature(aggregate.help, name: aggregate.name)
      return FunctionEntry(
        name: aggregate.name, aliases: aggregate.aliases, family: "aggregate", signature: parts.signature, summary: parts.summary,
        example: "T | summarize \(parts.signature)")
    }
    return (scalars + aggregates + bound + plugins).sorted { ($0.name, $0.family) < ($1.name, $1.family) }
  }()

  /// The functions that give tables, databases or graphs, and stand where a pipeline begins.
  static let sources: Set<String> = ["cluster", "database", "external_table", "graph", "materialize", "materialized_view", "stored_query_result", "table"]

  /// The families in order.
  package static let families: [String] = Array(Set(all.map(\.family))).sorted()

  /// The functions of a name or alias, a scalar one before an aggregate; capital letters do not matter.
  package static func find(_ name: String) -> [FunctionEntry] {
    let wanted = name.lowercased()
    return all.filter { $0.name == wanted || $0.aliases.contains(wanted) }
  }

  /// `sum(x): the sum of the values` in two parts.
  private static func signature(_ help: String, name: String) -> (signature: String, summary: String) {
    guard let end = help.range(of: "): ") else { return ("\(name)()", help) }
    let summary = help[end.upperBound...]
    return (String(help[..<end.lowerBound]) + ")", summary.prefix(1).uppercased() + summary.dropFirst() + ".")
  }

  private static func entry(_ family: String, _ name: String, _ parameters: String, _ summary: String, _ example: String, _ aliases: [String] = []) -> FunctionEntry {
    FunctionEntry(name: name, aliases: aliases, family: family, signature: "\(name)(\(parameters))", summary: summary, example: example)
  }

  /// Functions that the binder answers itself, because they choose what is evaluated, take tables or look at other rows.
  private static let bound: [FunctionEntry] = [
    entry("logic", "iff", "condition, value, otherwise", "One of two values.", "print iff(2 > 1, 'yes', 'no')", ["iif"]),
    entry("logic", "case", "condition, value, …, otherwise", "The value of the first condition that is true.", "print case(1 > 2, 'a', 2 > 1, 'b', 'c')"),
    entry("logic", "coalesce", "value, value, …", "The first value that is not null and not empty.", "print coalesce(tolong('x'), 5)"),
    entry("conversion", "typeof", "type", "A type, where a function or an operator asks for one.", "print extract('([0-9]+)', 1, 'a12', typeof(long))"),
    entry("query", "toscalar", "query", "The first value of the first row of a query.", "print toscalar(range x from 1 to 3 step 1 | summarize sum(x))"),
    entry("query", "materialize", "query", "The rows of a query, computed once for all uses.", "let t = materialize(range x from 1 to 3 step 1); union t, t"),
    entry("query", "table", "name", "The table of that name.", "table('T') | count"),
    entry("query", "column_ifexists", "name, otherwise", "A column, or a value where the table has no such column.", "print a = 1 | project column_ifexists('b', a)", ["columnifexists"]),
    entry("query", "iscolumnexists", "name", "True when the table has a column of that name.", "print a = 1 | extend iscolumnexists('a')"),
    entry("query", "column_names_of", "table", "The names of a table's columns as an array.", "print column_names_of(T)"),
    entry("query", "pack_all", "[ignore_null_empty]", "A bag of all columns; with true without those that are null or empty.", "print a = 1, b = 'x' | extend pack_all()"),
    entry("query", "bag_pack_columns", "column, …", "A bag of columns under their names.", "print a = 1, b = 'x' | extend bag_pack_columns(a, b)"),
    entry("query", "bin_auto", "value", "The value rounded down by the size in `set query_bin_auto_size`.", "set query_bin_auto_size=2; print bin_auto(5)"),
    entry("query", "external_table", "name [, mapping]", "An external table of the database.", ""),
    entry("query", "materialized_view", "name [, max_age]", "A materialized view of the database.", ""),
    entry("query", "stored_query_result", "name", "The rows that .set stored_query_result kept.", ""),
    entry("query", "graph", "model [, snapshot]", "The graph of a stored graph model, for graph operators: its newest or a named snapshot, or with true what its queries give now.", ""),
    entry("query", "database", "name", "The tables of a database: `database('d').T`.", ""),
    entry("query", "cluster", "name", "The databases of a cluster: `cluster('c').database('d').T`.", ""),
    entry("store", "ingestion_time", "", "The time at which the row was ingested.", "T | where ingestion_time() > ago(1h)"),
    entry("store", "extent_id", "", "The extent that holds the row.", "T | summarize count() by extent_id()", ["extentid"]),
    entry("store", "extent_tags", "", "The tags of the extent that holds the row.", "T | extend extent_tags()"),
    entry("store", "cursor_after", "cursor", "True for rows ingested after the cursor.", "T | where cursor_after('')"),
    entry("store", "cursor_before_or_at", "cursor", "True for rows ingested before or at the cursor.", "T | where cursor_before_or_at(cursor_current())"),
    entry("store", "cursor_current", "", "The cursor of the database as it is now.", "print cursor_current()", ["current_cursor"]),
    entry("store", "current_database", "", "The name of the database.", "print current_database()"),
    entry("graph", "all", "edge, condition", "True when all steps of a variable edge fulfil a condition; in graph-match.", ""),
    entry("graph", "map", "edge, expression", "An expression of each step of a variable edge, as an array; in graph-match.", ""),
    entry("graph", "inner_nodes", "edge", "The nodes between the steps of a variable edge, for all, any and map; in graph-match.", ""),
    entry("graph", "labels", "[element]", "The labels of a node or edge, as an array; in graph operators.", ""),
    entry("graph", "node_id", "[node]", "The id of a node as text; in graph operators.", ""),
    entry("graph", "node_degree_in", "[node]", "The number of edges that end at a node; in graph-match.", ""),
    entry("graph", "node_degree_out", "[node]", "The number of edges that begin at a node; in graph-match.", ""),
    entry("window", "prev", "column [, offset [, default]]", "The value some rows before.", "range x from 1 to 3 step 1 | serialize p = prev(x)"),
    entry("window", "next", "column [, offset [, default]]", "The value some rows behind.", "range x from 1 to 3 step 1 | serialize n = next(x)"),
    entry("window", "row_number", "[start [, restart]]", "The number of the row.", "range x from 5 to 7 step 1 | serialize n = row_number()"),
    entry("window", "row_cumsum", "value [, restart]", "The sum up to the row.", "range x from 1 to 3 step 1 | serialize s = row_cumsum(x)"),
    entry("window", "row_rank_dense", "value [, restart]", "The rank of the row's value, without gaps.", "range x from 1 to 3 step 1 | sort by x asc | extend r = row_rank_dense(x)"),
    entry("window", "row_rank_min", "value [, restart]", "The rank of the first row with the value.", "range x from 1 to 3 step 1 | sort by x asc | extend r = row_rank_min(x)"),
    entry("window", "row_window_session", "time, max_from_first, max_between [, restart]", "The time at which the row's session began.",
      "T | sort by t asc | extend s = row_window_session(t, 1h, 5m)"),
  ]
}

extension String {
  /// The first place of a text; nil when it does not occur.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    let wanted = Array(text)
    var at = startIndex
    while at < endIndex {
      if self[at...].starts(with: wanted), let end = index(at, offsetBy: wanted.count, limitedBy: endIndex) { return at..<end }
      at = index(after: at)
    }
    return nil
  }
}
