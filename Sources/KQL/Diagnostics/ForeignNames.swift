// Role: functions and statements of other languages, and what takes their place here.

enum ForeignNames {
  /// What to write for a function of SQL or of a script language; nil where that is not known. Capital letters do not matter.
  static func function(_ name: String) -> String? { functions[name.lowercased()] }

  /// What to write for a word that begins statements elsewhere; nil where that is not known. Capital letters do not matter.
  static func statement(_ word: String) -> String? {
    let word = word.lowercased()
    if let known = statements[word] { return known }
    return CommandForms.all.contains { $0.verb == word } ? "a management command begins with a dot: .\(word)" : nil
  }

  private static let functions: [String: String] = [
    "len": "use strlen()", "length": "use strlen() for texts, array_length() for arrays", "char_length": "use strlen()", "size": "use array_length()",
    "substr": "use substring()", "mid": "use substring()", "left": "use substring(text, 0, length)", "right": "use substring() with a negative start",
    "concat": "use strcat()", "concat_ws": "use strcat_delim()", "upper": "use toupper()", "ucase": "use toupper()", "lower": "use tolower()", "lcase": "use tolower()",
    "ltrim": "use trim_start(regex, text)", "rtrim": "use trim_end(regex, text)",
    "regexp_replace": "use replace_regex()", "regexp_extract": "use extract()", "charindex": "use indexof()", "instr": "use indexof()", "locate": "use indexof()",
    "ifnull": "use coalesce()", "nvl": "use coalesce()", "if": "use iff()", "decode": "use case()", "nullif": "use iff(a == b, long(null), a)",
    "cast": "use tolong(), toreal(), tostring(), todatetime() and their like", "convert": "use tolong(), toreal(), tostring(), todatetime() and their like",
    "to_date": "use todatetime()", "to_timestamp": "use todatetime()", "getdate": "use now()", "sysdate": "use now()",
    "current_timestamp": "use now()", "current_date": "use startofday(now())", "dateadd": "use datetime_add(), or add a timespan: t + 1d",
    "date_add": "use datetime_add(), or add a timespan: t + 1d", "datediff": "use datetime_diff(), or subtract: t1 - t2", "date_trunc": "use bin(t, 1h) or startofmonth()",
    "date_format": "use format_datetime()", "to_char": "use format_datetime()", "datepart": "use datetime_part()", "year": "use getyear()", "month": "use getmonth()",
    "day": "use dayofmonth()", "hour": "use hourofday()", "from_unixtime": "use unixtime_seconds_todatetime()", "ceil": "use ceiling()", "power": "use pow()",
    "mod": "write a % b", "greatest": "use max_of()", "least": "use min_of()", "mean": "use avg()", "average": "use avg()", "median": "use percentile(x, 50)",
    "stddev": "use stdev()", "var": "use variance()", "count_if": "use countif()", "sum_if": "use sumif()", "group_concat": "use strcat_array(make_list(x), ', ')",
    "string_agg": "use strcat_array(make_list(x), ', ')", "array_agg": "use make_list()", "collect_list": "use make_list()", "collect_set": "use make_set()",
    "any_value": "use take_any()", "first": "use take_any() or arg_min()", "last": "use arg_max()", "lag": "use prev() behind serialize or sort",
    "lead": "use next() behind serialize or sort", "rownum": "use row_number() behind serialize or sort", "rank": "use row_rank_min() behind sort",
    "dense_rank": "use row_rank_dense() behind sort", "uuid": "use new_guid()", "newid": "use new_guid()", "json_value": "use parse_json(text).name",
    "get_json_object": "use parse_json(text).name", "json_extract": "use parse_json(text).name",
  ]

  private static let statements: [String: String] = [
    "from": "a query begins with a table: T | where condition | project column", "insert": "rows are added by the command .append T <| query",
    "describe": "T | getschema tells the columns of a table", "desc": "T | getschema tells the columns of a table", "use": "database('name').T reads a table of another database",
    "with": "let name = query; gives a query a name", "truncate": "rows are removed by the command .clear table T data",
  ]
}
