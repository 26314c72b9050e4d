// "Did you mean": one wording for operators, columns, tables, functions and parameters.

import Columnar

/// Suggestions for mistyped names.
enum NameSuggestion {
  /// `did you mean 'a' or 'b'?` with the nearest names by edit distance, or nil when nothing is near.
  static func hint(for name: String, among candidates: some Sequence<String>) -> String? {
    let near = nearestNames(to: name, among: Array(Set(candidates)).sorted(), limit: 3)
    guard !near.isEmpty else { return nil }
    return "did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?"
  }
}
