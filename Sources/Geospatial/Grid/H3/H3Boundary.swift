// Role: the corners of H3 cells. At odd resolutions an edge that crosses an edge of the icosahedron bends there and gets a corner more.

extension H3Cell {
  /// The corners, counterclockwise.
  package var boundary: [Vector] {
    let isOdd = H3Position.isOdd(resolution)
    let even = resolution + (isOdd ? 1 : 0)
    var center = position
    var at = center.at.cornerGrid
    if isOdd { at = at.finer(isOdd: false) }
    center.at = at
    let steps = (isOdd ? H3Cell.oddCorners : H3Cell.evenCorners).prefix(isPentagon ? 5 : 6)
    let corners = steps.map { H3Position(face: center.face, at: (at + $0).normalized) }
    return isPentagon ? pentagon(corners, even, isOdd) : hexagon(corners, even, isOdd)
  }

  package var polygon: Geometry {
    let ring = boundary.positions
    return .polygon([ring + [ring[0]]])
  }

  private static let evenCorners = [(2, 1, 0), (1, 2, 0), (0, 2, 1), (0, 1, 2), (1, 0, 2), (2, 0, 1)].map { H3Coordinates($0.0, $0.1, $0.2) }
  private static let oddCorners = [(5, 4, 0), (1, 5, 0), (0, 5, 4), (0, 1, 5), (4, 0, 5), (5, 0, 1)].map { H3Coordinates($0.0, $0.1, $0.2) }

  private func hexagon(_ corners: [H3Position], _ even: Int, _ isOdd: Bool) -> [Vector] {
    var out: [Vector] = []
    let home = corners[0].face
    var lastFace = -1
    var lastOverage = H3Position.Overage.inside
    for n in 0...6 {
      let v = n % 6
      var corner = corners[v]
      let overage = corner.overflow(even, corners: true)
      if isOdd, n > 0, corner.face != lastFace, lastOverage != .onEdge {
        let other = lastFace == home ? corner.face : lastFace
        if let side = H3Position.side(home, towards: other) {
          let a = corners[(v + 5) % 6].at.plane, b = corners[v].at.plane
          if let bend = H3Cell.crossing(a, b, side, even) { out.append(H3Position.point(bend, home, even, corners: true)) }
        }
      }
      if n < 6 { out.append(corner.point(even, corners: true)) }
      lastFace = corner.face
      lastOverage = overage
    }
    return out
  }

  private func pentagon(_ corners: [H3Position], _ even: Int, _ isOdd: Bool) -> [Vector] {
    var out: [Vector] = []
    var last = corners[0]
    for n in 0...5 {
      var corner = corners[n % 5]
      while corner.overflow(even, corners: true) == .moved {}
      if isOdd, n > 0, let back = H3Position.side(corner.face, towards: last.face) {
        // Both ends in the grid of the face before.
        let here = corner.corner(across: back, even)
        if let side = H3Position.side(here.face, towards: corner.face), let bend = H3Cell.crossing(last.at.plane, here.at.plane, side, even) {
          out.append(H3Position.point(bend, here.face, even, corners: true))
        }
      }
      if n < 5 { out.append(corner.point(even, corners: true)) }
      last = corner
    }
    return out
  }

  /// Where the line from a to b meets a side of the face's triangle; nil when that is one of them.
  private static func crossing(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double), _ side: H3Position.Side, _ even: Int) -> (x: Double, y: Double)? {
    let reach = Double(H3Position.reach(even))
    let corners: [(x: Double, y: Double)] = [(3 * reach, 0), (-1.5 * reach, 3 * H3Coordinates.sin60 * reach), (-1.5 * reach, -3 * H3Coordinates.sin60 * reach)]
    let (p, q): ((x: Double, y: Double), (x: Double, y: Double)) = switch side {
    case .ij: (corners[0], corners[1])
    case .jk: (corners[1], corners[2])
    case .ki: (corners[2], corners[0])
    }
    let (rx, ry) = (b.x - a.x, b.y - a.y), (sx, sy) = (q.x - p.x, q.y - p.y)
    let divisor = rx * sy - ry * sx
    guard divisor != 0 else { return nil }
    let t = ((p.x - a.x) * sy - (p.y - a.y) * sx) / divisor
    guard t > 1e-9, t < 1 - 1e-9 else { return nil }
    return (a.x + t * rx, a.y + t * ry)
  }
}
