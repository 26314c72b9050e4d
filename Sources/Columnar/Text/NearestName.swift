// Role: "did you mean": candidates ranked by edit distance. Shared by options, columns, functions, tables and paths.

/// Longer texts are no mistyped names.
private let mostScalars = 256

/// Names close to `name`, nearest first, at most `limit`; none that differ in more than a third of their letters (at least 2), nor in more than half
/// of those of the longer one; none at all for a text of more than 256 scalars.
package func nearestNames(to name: String, among candidates: [String], limit: Int = 5) -> [String] {
  guard name.unicodeScalars.prefix(mostScalars + 1).count <= mostScalars else { return [] }
  let wanted = Array(name.lowercased().unicodeScalars)
  let allowed = max(2, wanted.count / 3)
  var scored: [(Int, String)] = []
  for candidate in candidates {
    let letters = Array(candidate.lowercased().unicodeScalars)
    guard abs(letters.count - wanted.count) <= allowed else { continue }
    let distance = editDistance(wanted, letters)
    if distance <= allowed, 2 * distance <= max(wanted.count, letters.count) { scored.append((distance, candidate)) }
  }
  return scored.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(limit).map(\.1)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two texts.
private func editDistance(_ a: [UnicodeScalar], _ b: [UnicodeScalar]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  var row = beforeLast
  for i in 1...a.count {
    row[0] = i
    for j in 1...b.count {
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], beforeLast[j - 2] + 1) }
    }
    // The oldest row is the next one to fill.
    swap(&beforeLast, &last)
    swap(&last, &row)
  }
  return last[b.count]
}
