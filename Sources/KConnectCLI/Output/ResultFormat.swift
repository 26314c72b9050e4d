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
}
