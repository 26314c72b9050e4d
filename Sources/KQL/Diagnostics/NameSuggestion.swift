// "Did you mean": ranks known names by edit distance to a name that was not found.

/// Suggestions for mistyped names.
package enum NameSuggestion {
  /// Names that are no further from `name` than a third of its length (at least one edit), nearest first, at most `limit`.
  /// Letters that differ only in case count as equal, so `stormevents` finds `StormEvents`.
  package static func nearest(to name: String, among candidates: some Sequence<String>, limit: Int = 3) -> [String] {
    let wanted = folded(name)
    let bound = max(1, wanted.count / 3)
    var found: [(distance: Int, name: String)] = []
    var seen = Set<String>()
    for candidate in candidates where candidate != name {
      let other = folded(candidate)
      guard abs(other.count - wanted.count) <= bound else { continue }
      let distance = distance(wanted, other, bound: bound)
      if distance <= bound && seen.insert(candidate).inserted { found.append((distance, candidate)) }
    }
    found.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
    return found.prefix(limit).map(\.name)
  }

  /// `did you mean 'a' or 'b'?`, or nil when nothing is near.
  package static func hint(for name: String, among candidates: some Sequence<String>) -> String? {
    let near = nearest(to: name, among: candidates)
    guard !near.isEmpty else { return nil }
    return "did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?"
  }

  private static func folded(_ name: String) -> [UInt8] {
    name.utf8.prefix(128).map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
  }

  /// Optimal string alignment distance (insert, delete, replace, swap neighbours) in bytes; `bound + 1` stands for more.
  private static func distance(_ a: [UInt8], _ b: [UInt8], bound: Int) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var older = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    for i in 1...a.count {
      var row = [Int](repeating: 0, count: b.count + 1)
      row[0] = i
      var best = i
      for j in 1...b.count {
        var cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] { cost = min(cost, older[j - 2] + 1) }
        row[j] = cost
        best = min(best, cost)
      }
      if best > bound { return bound + 1 }
      older = previous
      previous = row
    }
    return previous[b.count]
  }
}
