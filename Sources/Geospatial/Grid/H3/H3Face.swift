// Role: positions on the twenty faces of the H3 icosahedron: from the sphere to a face's plane and back, and from one face to the next where
// coordinates run over an edge. Source: the H3 specification.

#if canImport(Glibc)
import Glibc
#endif

/// Grid coordinates on a face.
struct H3Position: Sendable {
  var face: Int
  var at: H3Coordinates

  /// What happened to coordinates near the edge of a face.
  enum Overage { case inside, onEdge, moved }

  /// The sides of a face, in the order of `H3Tables.faceAcross`.
  enum Side: Int { case ij = 0, ki, jk }

  static func isOdd(_ resolution: Int) -> Bool { resolution & 1 == 1 }

  /// Steps from the centre to the far corners of a face at an even resolution.
  static func reach(_ resolution: Int) -> Int { 2 * scale(resolution) }

  /// Steps of an even resolution in one of resolution 0.
  private static func scale(_ resolution: Int) -> Int { (0..<resolution / 2).reduce(1) { n, _ in n * 7 } }

  static func join(_ face: Int, _ side: Side) -> (face: Int, origin: H3Coordinates, turns: Int) {
    let join = (face < 5 || face >= 15 ? H3Tables.polarJoin : H3Tables.equatorialJoin)[side.rawValue]
    return (H3Tables.faceAcross[face][side.rawValue], join.origin, join.turns)
  }

  /// The side of a face at which another one lies.
  static func side(_ face: Int, towards other: Int) -> Side? {
    H3Tables.faceAcross[face].firstIndex(of: other).flatMap { Side(rawValue: $0) }
  }

  /// Takes coordinates of an even resolution beyond a face's edge to the next face. With `corners` they are of the corner grid.
  mutating func overflow(_ resolution: Int, isPentagonSide: Bool = false, corners: Bool = false) -> Overage {
    let scale = H3Position.scale(resolution) * (corners ? 3 : 1)
    let reach = 2 * scale
    if at.sum < reach { return .inside }
    if at.sum == reach { return corners ? .onEdge : .inside }
    let side: Side
    if at.k > 0 {
      side = at.j > 0 ? .jk : .ki
      if at.j == 0, isPentagonSide {
        // The missing sixth of a pentagon: turn around the corner.
        let corner = H3Coordinates(reach, 0, 0)
        at = ((at - corner).normalized.turnedClockwise + corner).normalized
      }
    } else {
      side = .ij
    }
    move(across: side, scale)
    return corners && at.sum == reach ? .onEdge : .moved
  }

  /// The same place in the grid of the face across a side.
  mutating func move(across side: Side, _ scale: Int) {
    let join = H3Position.join(face, side)
    face = join.face
    for _ in 0..<join.turns { at = at.turnedCounterclockwise }
    at = (at + join.origin * scale).normalized
  }

  /// The same place of the corner grid on the face across a side.
  func corner(across side: Side, _ resolution: Int) -> H3Position {
    var out = self
    out.move(across: side, H3Position.scale(resolution) * 3)
    return out
  }

  // MARK: - The sphere

  /// The distance from a face's centre to its corners over the grid step at resolution 0, in the face's plane.
  private static let unit = 0.38196601125010500003
  /// The turn between two resolutions.
  private static let turn = 0.333473172251832115336090755351601070065900389
  private static let sqrt7 = 2.6457513110645905905016157536392604257102

  /// The hexagon of a resolution that holds a point.
  init(_ p: Vector, resolution: Int) {
    var best = 0
    var least = Double.infinity
    for (f, center) in H3Tables.faceCenters.enumerated() {
      let square = (center - p).dot(center - p)
      if square < least { (best, least) = (f, square) }
    }
    face = best
    let angle = H3Tables.faceCenters[best].angle(to: p)
    guard angle > 1e-16, let azimuth = Geodesic.azimuth(H3Tables.faceCenters[best], p) else {
      at = H3Coordinates(0, 0, 0)
      return
    }
    var theta = H3Tables.faceAxes[best] - azimuth
    if H3Position.isOdd(resolution) { theta -= H3Position.turn }
    var r = tan(angle) / H3Position.unit
    for _ in 0..<resolution { r *= H3Position.sqrt7 }
    at = H3Coordinates(r * cos(theta), r * sin(theta))
  }

  init(face: Int, at: H3Coordinates) {
    self.face = face
    self.at = at
  }

  /// The point of the sphere; for the corner grid the resolution is even.
  func point(_ resolution: Int, corners: Bool = false) -> Vector { H3Position.point(at.plane, face, resolution, corners: corners) }

  static func point(_ plane: (x: Double, y: Double), _ face: Int, _ resolution: Int, corners: Bool) -> Vector {
    var r = (plane.x * plane.x + plane.y * plane.y).squareRoot()
    guard r > 1e-16 else { return H3Tables.faceCenters[face] }
    var theta = atan2(plane.y, plane.x)
    for _ in 0..<resolution { r /= sqrt7 }
    if corners { r /= 3 }
    if !corners, isOdd(resolution) { theta += turn }
    return Geodesic.destination(H3Tables.faceCenters[face], azimuth: H3Tables.faceAxes[face] - theta, angle: atan(r * unit))
  }
}
