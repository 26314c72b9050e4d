// Role: what lines have in common with lines and with regions, and the union of lines.

extension LineSet {
  /// The points and stretches both have.
  package func intersection(_ other: LineSet) -> Intersection {
    let cut = Arrangement(arcs, other.arcs)
    let others = Set(cut.pieces.lazy.filter { $0.side == 1 }.map(\.key))
    var seen: Set<PieceKey> = []
    let common = cut.pieces.filter { $0.side == 0 && others.contains($0.key) && seen.insert($0.key).inserted }
    var on: [Int: Int] = [:]
    for piece in cut.pieces {
      on[piece.from, default: 0] |= 1 << piece.side
      on[piece.to, default: 0] |= 1 << piece.side
    }
    let used = Set(common.flatMap { [$0.from, $0.to] })
    let points = on.filter { $0.value == 3 && !used.contains($0.key) }.map(\.key).sorted()
    return Intersection(points: points.map { cut.points[$0] }, lines: LoopBuilder(points: cut.points).lines(common))
  }

  /// True when the lines have a point in common.
  package func intersects(_ other: LineSet) -> Bool {
    let own = arcs, others = other.arcs
    var meets = false
    forEachPair(own + others) { i, j in
      if (i < own.count) != (j < own.count) {
        let (p, q) = (own[min(i, j)], others[max(i, j) - own.count])
        if Geodesic.touch(p.a, p.b, q.a, q.b) { meets = true }
      }
      return !meets
    }
    return meets
  }

  /// The stretches inside the region or on its border, and the points where the line only touches it.
  package func intersection(_ index: RegionIndex) -> Intersection {
    let cut = Arrangement(arcs, index.region.arcs)
    let border = Set(cut.pieces.lazy.filter { $0.side == 1 }.map(\.key))
    let kept = cut.pieces.filter { $0.side == 0 && (border.contains($0.key) || index.contains(cut.middle($0))) }
    let used = Set(kept.flatMap { [$0.from, $0.to] })
    let corners = Set(cut.pieces.lazy.filter { $0.side == 1 }.flatMap { [$0.from, $0.to] })
    let touched = Set(cut.pieces.lazy.filter { $0.side == 0 }.flatMap { [$0.from, $0.to] }).intersection(corners).subtracting(used)
    return Intersection(points: touched.sorted().map { cut.points[$0] }, lines: LoopBuilder(points: cut.points).lines(kept))
  }

  /// True when a line has a point in common with the region.
  package func intersects(_ index: RegionIndex) -> Bool {
    lines.contains { index.contains($0[0]) } || intersects(LineSet(lines: index.region.polygons.joined().map { $0 + [$0[0]] }, isMultiple: true))
  }

  /// The lines with common stretches once.
  package var unified: LineSet { lines.count > 1 ? LineSet.union([self]) : self }

  /// All lines as one: common stretches once, cut where lines cross.
  package static func union(_ sets: [LineSet]) -> LineSet {
    let arcs = sets.flatMap(\.arcs)
    let cut = Arrangement(arcs, [], cutsWithin: true)
    var seen: Set<PieceKey> = []
    let lines = LoopBuilder(points: cut.points).lines(cut.pieces.filter { seen.insert($0.key).inserted })
    return LineSet(lines: lines, isMultiple: lines.count > 1)
  }
}
