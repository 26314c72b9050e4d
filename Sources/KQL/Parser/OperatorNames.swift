// The words that can stand after a pipe, for dispatch, recovery and "did you mean".

enum OperatorNames {
  /// Every operator name, synonyms included; names with dashes are several tokens.
  static let all: Set<String> = [
    "as", "assert-schema", "consume", "count", "distinct", "evaluate", "extend", "facet", "filter", "find", "fork",
    "getschema", "graph-mark-components", "graph-match", "graph-shortest-paths", "graph-to-table", "graph-where-edges",
    "graph-where-nodes", "invoke", "join", "limit", "lookup", "macro-expand", "make-graph", "make-series", "mv-apply",
    "mv-expand", "mvapply", "mvexpand", "order", "parse", "parse-kv", "parse-where", "partition", "print", "project",
    "project-away", "project-by-names", "project-keep", "project-rename", "project-reorder", "range", "reduce", "render",
    "sample", "sample-distinct", "scan", "search", "serialize", "sort", "summarize", "take", "top", "top-hitters",
    "top-nested", "union", "where",
  ]

  /// Words that a statement can begin with and something follow.
  static let beginnings = ["alias", "declare", "evaluate", "find", "let", "print", "range", "restrict", "search", "set", "union"]

  /// Sort orders as other languages write them.
  static let directions = [
    "asc": "write 'asc' in small letters", "desc": "write 'desc' in small letters", "ascending": "write 'asc'", "descending": "write 'desc'",
  ]

  /// Names people write from other languages, with what to write here.
  static let foreign: [String: String] = [
    "select": "use 'project' to choose columns", "group": "use 'summarize ... by ...'", "having": "use 'where' after 'summarize'",
    "offset": "use 'serialize' with row_number()", "head": "use 'take'", "stats": "use 'summarize'", "eval": "use 'extend'",
    "rename": "use 'project-rename'", "dedup": "use 'distinct' or 'summarize take_any(*) by ...'", "expand": "use 'mv-expand'",
    "groupby": "use 'summarize ... by ...'", "orderby": "write 'order by'", "sortby": "write 'sort by'", "unique": "use 'distinct'", "uniq": "use 'distinct'",
    "fields": "use 'project'", "skip": "use 'serialize' with row_number()", "left": "write 'join kind=leftouter (T) on key'",
    "right": "write 'join kind=rightouter (T) on key'", "full": "write 'join kind=fullouter (T) on key'", "inner": "write 'join kind=inner (T) on key'",
    "outer": "write 'join kind=fullouter (T) on key'", "cross": "extend a constant on both sides and join on it",
    "delete": "rows are deleted by the command .delete table T records <| query", "update": "rows are changed by the command .update table",
    "insert": "rows are added by the command .append T <| query",
    "drop": "use 'project-away'", "table": "use 'project'", "bin": "use 'summarize ... by bin(...)'",
  ]
}
