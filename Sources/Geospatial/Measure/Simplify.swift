// Role: lines and polygons with fewer points. Points closer than the tolerance to the point before are dropped, then those whose removal
// moves the path by less than the tolerance (Douglas and Peucker). Common borders of polygons are simplified once, so that they stay common.

extension LineSet {
  /// Tolerance in metres; nil when every line disappears.
  package func simplified(tolerance: Double) -> LineSet? {
    let angle = tolerance / Earth.radius
    let kept = lines.map { simplifiedPath($0, angle) }.filter { $0.count >= 2 && $0[0].angle(to: $0[$0.count - 1]) + pathLength($0) > angle }
    return kept.isEmpty ? nil : LineSet(lines: kept, isMultiple: isMultiple)
  }
}

extension Region {
  /// Tolerance in metres; nil when every polygon disappears.
  package func simplified(tolerance: Double) -> Region? {
    let angle = tolerance / Earth.radius
    let junctions = junctions()
    var out: [[[Vector]]] = []
    for loops in polygons {
      let kept = loops.map { simplifiedLoop($0, angle, junctions) }
      guard kept[0].count >= 3 else { continue }
      out.append([kept[0]] + kept.dropFirst().filter { $0.count >= 3 })
    }
    return out.isEmpty ? nil : Region(polygons: out)
  }

  /// Points where borders part: those with more than two different neighbours over all loops.
  private func junctions() -> Set<Vector> {
    var neighbours: [Vector: Set<Vector>] = [:]
    for arc in arcs {
      neighbours[arc.a, default: []].insert(arc.b)
      neighbours[arc.b, default: []].insert(arc.a)
    }
    return Set(neighbours.lazy.filter { $0.value.count > 2 }.map(\.key))
  }

  private func simplifiedLoop(_ loop: [Vector], _ angle: Double, _ junctions: Set<Vector>) -> [Vector] {
    var cuts = loop.indices.filter { junctions.contains(loop[$0]) }
    if cuts.count < 2 {
      // A loop is two paths between its first cut and the point farthest from it.
      let first = cuts.first ?? 0
      guard let far = loop.indices.max(by: { (loop[$0] - loop[first]).length < (loop[$1] - loop[first]).length }) else { return [] }
      cuts = [min(first, far), max(first, far)]
    }
    var out: [Vector] = []
    for (k, start) in cuts.enumerated() {
      let end = cuts[(k + 1) % cuts.count]
      var path = end > start ? Array(loop[start...end]) : Array(loop[start...] + loop[...end])
      // The same path whichever way round: both neighbours of a border must drop the same points.
      let isTurned = path.count > 2 && (path[0], path[path.count - 1]) > (path[path.count - 1], path[0])
      if isTurned { path.reverse() }
      path = simplifiedPath(path, angle)
      if isTurned { path.reverse() }
      out += path.dropLast()
    }
    // A loop within the tolerance of a line or a point disappears.
    let isThin = out.count < 3 || out.allSatisfy { p in out.allSatisfy { p.angle(to: $0) <= angle } }
    return isThin ? [] : rotated(out, like: loop)
  }

  /// Starts with the first of the original points that was kept.
  private func rotated(_ kept: [Vector], like loop: [Vector]) -> [Vector] {
    for p in loop { if let k = kept.firstIndex(of: p) { return Array(kept[k...] + kept[..<k]) } }
    return kept
  }
}

private func > (a: (Vector, Vector), b: (Vector, Vector)) -> Bool {
  (a.0.x, a.0.y, a.0.z, a.1.x, a.1.y, a.1.z) > (b.0.x, b.0.y, b.0.z, b.1.x, b.1.y, b.1.z)
}

/// The path with its ends and the points that matter at this tolerance in radians.
private func simplifiedPath(_ path: [Vector], _ angle: Double) -> [Vector] {
  guard path.count > 2 else { return path }
  var thin = [path[0]]
  for p in path[1..<path.count - 1] where p.angle(to: thin[thin.count - 1]) > angle { thin.append(p) }
  while thin.count > 1, thin[thin.count - 1].angle(to: path[path.count - 1]) <= angle { thin.removeLast() }
  thin.append(path[path.count - 1])
  var keeps = Array(repeating: false, count: thin.count)
  keeps[0] = true
  keeps[thin.count - 1] = true
  var pending = [(0, thin.count - 1)]
  while let (from, to) = pending.popLast() {
    var far = 0.0
    var at = from
    for i in from + 1..<max(from + 1, to) {
      let d = Geodesic.angle(from: thin[i], toArc: thin[from], thin[to])
      if d > far { (far, at) = (d, i) }
    }
    guard far > angle else { continue }
    keeps[at] = true
    pending.append((from, at))
    pending.append((at, to))
  }
  return thin.indices.filter { keeps[$0] }.map { thin[$0] }
}
