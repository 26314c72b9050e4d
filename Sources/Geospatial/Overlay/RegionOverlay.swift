// Role: union and intersection of regions. Edges are cut against each other, each piece is told inside, outside or on the border of the
// other region, and the pieces kept are joined again.

/// The parts two shapes have in common, by dimension.
package struct Intersection: Sendable {
  var points: [Vector] = []
  var lines: [[Vector]] = []
  var region = Region(polygons: [])

  package var isEmpty: Bool { points.isEmpty && lines.isEmpty && region.isEmpty }
  package var geometry: Geometry {
    .of(points: points.positions, lines: lines.map(\.positions), polygons: region.coordinates)
  }
}

extension Region {
  /// The region with overlapping polygons merged.
  package var unified: Region { polygons.count > 1 ? Region.union(polygons.map { Region(polygons: [$0]) }) : self }

  /// All regions as one, merged smallest first.
  package static func union(_ regions: [Region]) -> Region {
    // Largest first; of equal sizes the one given first is last.
    var queue = regions.enumerated().sorted { ($0.element.vertexCount, $0.offset) > ($1.element.vertexCount, $1.offset) }.map(\.element)
    while queue.count > 1 {
      let merged = queue.removeLast().union(queue.removeLast())
      let count = merged.vertexCount
      queue.insert(merged, at: queue.firstIndex { $0.vertexCount <= count } ?? queue.count)
    }
    return queue.first ?? Region(polygons: [])
  }

  /// The area of both.
  func union(_ other: Region) -> Region {
    overlay(other, keeping: .outside).region
  }

  /// The area in both, and the borders and points they share where no area is.
  package func intersection(_ other: Region) -> Intersection { overlay(other, keeping: .inside) }

  /// True when the regions have a point in common.
  package func intersects(_ other: Region) -> Bool {
    let arcs = arcs, others = other.arcs
    var meets = false
    forEachPair(arcs + others) { i, j in
      if (i < arcs.count) != (j < arcs.count) {
        let (p, q) = (arcs[min(i, j)], others[max(i, j) - arcs.count])
        if Geodesic.touch(p.a, p.b, q.a, q.b) { meets = true }
      }
      return !meets
    }
    if meets { return true }
    let index = RegionIndex(self), otherIndex = RegionIndex(other)
    return polygons.contains { otherIndex.contains($0[0][0]) } || other.polygons.contains { index.contains($0[0][0]) }
  }

  private enum Part { case inside, outside }

  private func overlay(_ other: Region, keeping part: Part) -> Intersection {
    let indexes = [RegionIndex(other), RegionIndex(self)]
    let cut = Arrangement(arcs, other.arcs)
    var sides: [PieceKey: [Piece]] = [:]
    for piece in cut.pieces { sides[piece.key, default: []].append(piece) }
    var kept: [Piece] = []
    var touching: [Piece] = []
    for piece in cut.pieces {
      let same = sides[piece.key] ?? []
      if same.contains(where: { $0.side != piece.side }) {
        // A common border counts once where both regions lie on the same side of it.
        guard piece.side == 0 else { continue }
        if same.contains(where: { $0.side == 1 && $0.from == piece.from }) { kept.append(piece) } else { touching.append(piece) }
      } else if indexes[piece.side].contains(cut.middle(piece)) == (part == .inside) {
        kept.append(piece)
      }
    }
    let builder = LoopBuilder(points: cut.points)
    var out = Intersection(region: Region(polygons: builder.polygons(kept)))
    guard part == .inside else { return out }
    out.lines = builder.lines(touching)
    out.points = isolated(cut, kept + touching).map { cut.points[$0] }
    return out
  }

  /// Points of both borders at which no kept piece ends.
  private func isolated(_ cut: Arrangement, _ kept: [Piece]) -> [Int] {
    var on: [Int: Int] = [:]
    for piece in cut.pieces {
      on[piece.from, default: 0] |= 1 << piece.side
      on[piece.to, default: 0] |= 1 << piece.side
    }
    let used = Set(kept.flatMap { [$0.from, $0.to] })
    return on.filter { $0.value == 3 && !used.contains($0.key) }.map(\.key).sorted()
  }
}
