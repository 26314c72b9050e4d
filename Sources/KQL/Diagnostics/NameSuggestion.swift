// "Did you mean": one wording for operators, columns, tables, functions and parameters.

import Columnar

/// Suggestions for mistyped names.
enum NameSuggestion {
  /// `did you mean 'a'?` with the nearest other name by edit distance, or nil when nothing is near.
  static func hint(for name: String, among candidates: some Sequence<String>) -> String? {
    nearestNames(to: name, among: Array(Set(candidates)).sorted(), limit: 2).first { $0 != name }.map { "did you mean '\($0)'?" }
  }
}
