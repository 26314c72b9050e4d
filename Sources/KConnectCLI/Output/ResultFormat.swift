// Role: the words of `--format` and what each means.

import Columnar
import DataSource
import KConnect

/// How a result is written.
enum ResultFormat: String, CaseIterable {
  case table, csv, tsv, json, ndjson, markdown, parquet

  /// The format of a word; throws USAGE with the nearest one.
  init(word: String) throws {
    guard let format = Self(rawValue: word.lowercased()) else {
      let names = Self.allCases.map(\.rawValue)
      let near = nearestNames(to: word, among: names, limit: 1).first
      throw KConnectError(
        .usage, "unknown output format '\(word)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "formats: \(names.joined(separator: ", "))")
    }
    self = format
  }

  /// The format that a file name means; nil when it says nothing.
  init?(path: String) {
    let lower = path.lowercased()
    let name = lower.hasSuffix(".gz") ? String(lower.dropLast(3)) : lower.hasSuffix(".zst") ? String(lower.dropLast(4)) : lower
    let endings: [(String, ResultFormat)] = [
      (".csv", .csv), (".tsv", .tsv), (".json", .json), (".ndjson", .ndjson), (".jsonl", .ndjson), (".md", .markdown), (".parquet", .parquet),
      (".pq", .parquet), (".txt", .table),
    ]
    guard let found = endings.first(where: { name.hasSuffix($0.0) }) else { return nil }
    self = found.1
  }

  /// The source format whose writer makes it, with the options that make the difference; nil for the formats written here.
  func sink(noHeader: Bool) -> (format: String, options: [(String, String)])? {
    switch self {
    case .csv: ("csv", [("header", noHeader ? "false" : "true")])
    case .tsv: ("csv", [("header", noHeader ? "false" : "true"), ("sep", "\\t")])
    case .ndjson: ("json", [])
    case .parquet: ("parquet", [])
    case .table, .json, .markdown: nil
    }
  }

  /// How several tables stand in one text; nil for formats that hold one table.
  func separator(hasHeader: Bool) -> ResultSeparator? {
    switch self {
    case .table, .markdown, .json: ResultSeparator(format: self, hasHeader: hasHeader)
    case .csv, .tsv, .ndjson, .parquet: nil
    }
  }
}

/// What stands before, between and after several tables: JSON makes an array of one object per table, text a line with each table's name.
struct ResultSeparator {
  let format: ResultFormat
  let hasHeader: Bool

  func before(_ i: Int, _ name: String?) -> String {
    switch format {
    case .json: return i == 0 ? "[" : ","
    case .markdown: return (i == 0 ? "" : "\n") + (hasHeader ? "### \(name ?? "Result \(i + 1)")\n\n" : "")
    default: return (i == 0 ? "" : "\n") + (hasHeader ? "\(name ?? "Result \(i + 1)")\n" : "")
    }
  }

  var end: String { format == .json ? "]\n" : "" }
}
