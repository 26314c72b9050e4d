// Role: cuts the edges of two inputs where they meet, so that pieces touch only at their ends. The base of all overlays.

/// A directed part of an input edge between two points of an arrangement.
struct Piece {
  let from: Int
  let to: Int
  /// 0 for the first input, 1 for the second.
  let side: Int
  /// The number of the input edge, the second input's after the first's.
  let edge: Int

  /// The same for both directions.
  var key: PieceKey { PieceKey(low: min(from, to), high: max(from, to)) }
}

struct PieceKey: Hashable {
  let low: Int
  let high: Int
}

/// Distinct points and the pieces between them.
struct Arrangement {
  private(set) var points: [Vector] = []
  private(set) var pieces: [Piece] = []
  private var numbers: [SIMD3<Int64>: [Int]] = [:]

  /// Cuts edges of both inputs against each other; with `cutsWithin` also those of one input against each other.
  init(_ first: [Arc], _ second: [Arc], cutsWithin: Bool = false) {
    let arcs = first + second
    let ends = arcs.map { (number($0.a), number($0.b)) }
    var cuts = Array(repeating: [Int](), count: arcs.count)
    // One point for each corner, so that equal input points are one.
    forEachPair(arcs) { i, j in
      if !cutsWithin, (i < first.count) == (j < first.count) { return true }
      cut(i, j, arcs, ends, &cuts)
      return true
    }
    for (e, arc) in arcs.enumerated() {
      let along = (cuts[e] + [ends[e].0, ends[e].1]).map { ($0, (points[$0] - arc.a).length) }.sorted { $0.1 < $1.1 }
      for k in along.indices.dropLast() where along[k].0 != along[k + 1].0 {
        pieces.append(Piece(from: along[k].0, to: along[k + 1].0, side: e < first.count ? 0 : 1, edge: e))
      }
    }
  }

  private mutating func cut(_ i: Int, _ j: Int, _ arcs: [Arc], _ ends: [(Int, Int)], _ cuts: inout [[Int]]) {
    var touches = false
    for (e, o) in [(i, j), (j, i)] {
      for p in [ends[o].0, ends[o].1] {
        if p == ends[e].0 || p == ends[e].1 {
          touches = true
        } else if Geodesic.angle(from: points[p], toArc: arcs[e].a, arcs[e].b) <= Geodesic.samePoint {
          cuts[e].append(p)
          touches = true
        }
      }
    }
    let (p, q) = (arcs[i], arcs[j])
    guard !touches, Geodesic.cross(p.a, p.b, q.a, q.b) else { return }
    let point = number(Geodesic.crossing(p.a, p.b, q.a, q.b))
    cuts[i].append(point)
    cuts[j].append(point)
  }

  /// The number of the point, that of a point within the tolerance if there is one.
  private mutating func number(_ p: Vector) -> Int {
    let size = 1e-12
    let cell = SIMD3<Int64>(Int64((p.x / size).rounded(.down)), Int64((p.y / size).rounded(.down)), Int64((p.z / size).rounded(.down)))
    // Cells are wide against the tolerance: only points next to a wall look into the cell behind it.
    let inCell = Vector(p.x / size, p.y / size, p.z / size) - Vector(Double(cell.x), Double(cell.y), Double(cell.z))
    let edge = 0.01
    let around = (0..<3).map { axis -> [Int64] in inCell[axis] < edge ? [0, -1] : inCell[axis] > 1 - edge ? [0, 1] : [0] }
    for dx in around[0] {
      for dy in around[1] {
        for dz in around[2] {
          if let known = numbers[cell &+ SIMD3(dx, dy, dz)]?.first(where: { Geodesic.areSame(points[$0], p) }) { return known }
        }
      }
    }
    points.append(p)
    numbers[cell, default: []].append(points.count - 1)
    return points.count - 1
  }

  /// The point in the middle of a piece.
  func middle(_ piece: Piece) -> Vector { (points[piece.from] + points[piece.to]).unit }
}
