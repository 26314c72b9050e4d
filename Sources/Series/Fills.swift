// Role: what stands in for missing points: the nearest known point before or behind (series_fill_forward, series_fill_backward) or the line
// between both (series_fill_linear).

/// For each point the index of the one whose value it takes: itself, or for a missing point the last known one before it (behind it when not
/// `isForward`); missing points without such a one keep themselves.
package func fillSources(isMissing: [Bool], isForward: Bool) -> [Int] {
  var out = Array(isMissing.indices)
  var known: Int?
  func visit(_ i: Int) {
    if !isMissing[i] { known = i } else if let known { out[i] = known }
  }
  if isForward { isMissing.indices.forEach(visit) } else { isMissing.indices.reversed().forEach(visit) }
  return out
}

/// Missing points get the value of the line between their known neighbours; those at the ends that of the nearest known one, or with
/// `fillsEdges` false they stay missing. `isMissing` is updated. Nothing changes where no point is known.
package func fillLinear(_ x: [Double], isMissing: inout [Bool], fillsEdges: Bool) -> [Double] {
  var out = x
  let known = x.indices.filter { !isMissing[$0] }
  guard let first = known.first, let last = known.last else { return out }
  for (a, b) in zip(known, known.dropFirst()) where b - a > 1 {
    for i in a + 1..<b {
      out[i] = x[a] + (x[b] - x[a]) * Double(i - a) / Double(b - a)
      isMissing[i] = false
    }
  }
  guard fillsEdges else { return out }
  for i in 0..<first { (out[i], isMissing[i]) = (x[first], false) }
  for i in last + 1..<max(x.count, last + 1) { (out[i], isMissing[i]) = (x[last], false) }
  return out
}
