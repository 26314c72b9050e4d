// Role: the plugins of `evaluate`, for `kconnect functions` and completion. Every example is a query that runs.

extension FunctionCatalog {
  /// The plugins that are answered here; what asks a service is refused by name and is not listed.
  static let plugins: [FunctionEntry] = [
    plugin("active_users_count", "id, timeline, start, end, lookback, period, active_periods, bin [, dim, …]",
      "Distinct values that were active in enough periods of the lookback window, by bin.",
      "\(visits) | evaluate active_users_count(u, t, datetime(2020-01-01), datetime(2020-01-12), 3d, 1d, 2, 7d)"),
    plugin("activity_counts_metrics", "id, timeline, start, end, step [, dim, …]", "Counts, distinct counts and new values of each window and of all so far.",
      "\(visits) | evaluate activity_counts_metrics(u, t, datetime(2020-01-01), datetime(2020-01-12), 1d)"),
    plugin("activity_engagement", "id, timeline, [start, end,] inner_window, outer_window [, dim, …]", "The ratio of distinct values in an inner and an outer sliding window.",
      "\(visits) | evaluate activity_engagement(u, t, datetime(2020-01-01), datetime(2020-01-12), 1d, 7d)"),
    plugin("activity_metrics", "id, timeline, [start, end,] window [, dim, …]", "Distinct and new values, retention and churn of each window against the one before.",
      "\(visits) | evaluate activity_metrics(u, t, datetime(2020-01-01), datetime(2020-01-12), 1d)"),
    plugin("autocluster", "[size_weight, weight_column, num_seeds, custom_wildcard, …]", "Few patterns of column values that cover many rows.",
      "\(pairs) | evaluate autocluster()"),
    plugin("bag_unpack", "column [, prefix] [, columnsConflict] [, ignoredProperties]", "A column for each key of the bags.",
      "print d = dynamic({\"a\": 1, \"b\": \"x\"}) | evaluate bag_unpack(d)"),
    plugin("basket", "[threshold, weight_column, max_dimensions, custom_wildcard, …, min_percent]", "All patterns of column values that are frequent.",
      "\(pairs) | evaluate basket(0.2)"),
    plugin("dcount_intersect", "hll, hll [, hll, …]", "Estimates of the sizes of the sets and their intersections from sketches.",
      "range x from 1 to 100 step 1 | summarize h1 = hll_if(x, x > 10), h2 = hll_if(x, x < 50) | evaluate dcount_intersect(h1, h2)"),
    plugin("diffpatterns", "split_column, value_a, value_b [, weight_column, threshold, max_dimensions, custom_wildcard, …]",
      "Patterns of column values that tell two sets of rows apart.", "\(pairs) | evaluate diffpatterns(a, 'x', 'y')"),
    plugin("diffpatterns_text", "text_column, condition [, min_tokens, threshold, max_tokens]", "Patterns of words that tell two sets of texts apart.",
      "datatable(t: string, f: int)['got a red one', 0, 'got a blue one', 0, 'lost a red one', 1, 'lost a green one', 1] | evaluate diffpatterns_text(t, f == 0)"),
    plugin("estimate_rows_count", "", "How many rows there are.", "range x from 1 to 3 step 1 | evaluate estimate_rows_count()"),
    plugin("funnel_sequence", "id, timeline, start, end, max_window, step, state, sequence", "What came before and after sequences of states.",
      "\(states) | evaluate funnel_sequence(u, t, datetime(2020-01-01), datetime(2020-01-03), 2d, 1d, s, dynamic(['x', 'y']))"),
    plugin("funnel_sequence_completion", "id, timeline, start, end, step, state, sequence, windows", "How many went how far in a sequence of states within windows.",
      "\(states) | evaluate funnel_sequence_completion(u, t, datetime(2020-01-01), datetime(2020-01-03), 1d, s, dynamic(['x', 'y']), dynamic([2d]))"),
    plugin("geo_line_lookup", "lookup_table, line_column, longitude, latitude, radius [, return_unmatched] [, lookup_area_radius] [, return_lines]",
      "Joins points with the lines of a table that are near.",
      "let lines = datatable(line: dynamic, place: string)[dynamic({\"type\":\"LineString\",\"coordinates\":[[0,0],[2,0]]}), 'road']; "
        + "datatable(lng: real, lat: real)[1.0, 0.0] | evaluate geo_line_lookup(lines, line, lng, lat, 100)"),
    plugin("geo_polygon_lookup", "lookup_table, polygon_column, longitude, latitude [, radius] [, return_unmatched] [, lookup_area_radius] [, return_polygons]",
      "Joins points with the polygons of a table that hold them.",
      "let areas = datatable(area: dynamic, place: string)[dynamic({\"type\":\"Polygon\",\"coordinates\":[[[0,0],[2,0],[2,2],[0,2],[0,0]]]}), 'square']; "
        + "datatable(lng: real, lat: real)[1.0, 1.0] | evaluate geo_polygon_lookup(areas, area, lng, lat)"),
    plugin("infer_storage_schema", "options", "The schema of files as `name: type` text; options is a bag with StorageContainers and DataFormat.", ""),
    plugin("infer_storage_schema_with_suggestions", "options", "The schema of files as JSON, with a recommended type and transformation for each column; options as for infer_storage_schema.", ""),
    plugin("ipv4_lookup", "lookup_table, ip_column, network_column [, extra_key, …] [, return_unmatched]", "Joins addresses with the networks of a table that hold them.",
      "let nets = datatable(network: string, place: string)['10.0.0.0/8', 'home']; datatable(ip: string)['10.1.2.3'] | evaluate ipv4_lookup(nets, ip, network)"),
    plugin("ipv6_lookup", "lookup_table, ip_column, network_column [, return_unmatched]", "Joins addresses, also of version 4, with the networks of a table that hold them.",
      "let nets = datatable(network: string, place: string)['fd00::/8', 'home']; datatable(ip: string)['fd00::1'] | evaluate ipv6_lookup(nets, ip, network)"),
    plugin("narrow", "", "A row for each cell: row number, column and value as text.", "print a = 1, b = 'x' | evaluate narrow()"),
    plugin("new_activity_metrics", "id, timeline, start, end, window [, cohort] [, lookback] [, dim, …]", "New, retained and lost values of each cohort in the windows behind it.",
      "\(visits) | evaluate new_activity_metrics(u, t, datetime(2020-01-01), datetime(2020-01-12), 1d)"),
    plugin("pivot", "column [, aggregate] [, column, …]", "A column for each value of a column, with an aggregate of its rows.",
      "datatable(k: string, v: string)['a', 'x', 'b', 'y', 'a', 'y'] | evaluate pivot(v)"),
    plugin("preview", "rows", "Two tables: the first rows, and how many there are.", "range x from 1 to 3 step 1 | evaluate preview(2)"),
    plugin("rolling_percentile", "value, percentile, index, bin_size, bins_per_window [, dim, …]", "A percentile of the bins of a sliding window.",
      "range x from 1 to 10 step 1 | extend t = datetime(2020-01-01) + 1h * x | evaluate rolling_percentile(x, 50, t, 1h, 3)"),
    plugin("rows_near", "condition, rows [, rows_behind]", "The rows near those that fulfil a condition.", "range x from 1 to 10 step 1 | sort by x asc | evaluate rows_near(x == 5, 1)"),
    plugin("schema_merge", "[preserve_order]", "One schema of several that getschema gave.", "datatable(a: long)[] | getschema | evaluate schema_merge()"),
    plugin("sequence_detect", "timeline, max_step, max_span, name = condition, name = condition, … [, dim, …]", "Sequences of events that fulfil conditions one after the other.",
      "\(states) | evaluate sequence_detect(t, 2d, 2d, first = s == 'x', last = s == 'y', u)"),
    plugin("session_count", "id, timeline, start, end, bin, lookback [, dim, …]", "Sessions by bin: values without a row in the lookback window before.",
      "\(visits) | evaluate session_count(u, t, datetime(2020-01-01), datetime(2020-01-12), 1d, 7d)"),
    plugin("sliding_window_counts", "id, timeline, start, end, window, bin [, dim, …]", "Counts and distinct counts of a sliding window.",
      "\(visits) | evaluate sliding_window_counts(u, t, datetime(2020-01-01), datetime(2020-01-12), 3d, 1d)"),
  ]

  private static let visits = "range x from 1 to 40 step 1 | extend t = datetime(2020-01-01) + 6h * x, u = x % 5"
  private static let pairs = "datatable(a: string, b: string)['x', 'p', 'x', 'p', 'x', 'q', 'y', 'p']"
  private static let states = "datatable(u: string, t: datetime, s: string)['a', datetime(2020-01-01), 'x', 'a', datetime(2020-01-02), 'y']"

  private static func plugin(_ name: String, _ parameters: String, _ summary: String, _ example: String) -> FunctionEntry {
    FunctionEntry(name: name, aliases: [], family: "plugin", signature: "\(name)(\(parameters))", summary: summary, example: example)
  }
}
