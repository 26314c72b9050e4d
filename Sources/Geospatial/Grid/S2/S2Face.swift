// Role: the cube under the S2 grid: its faces, the curve from grid steps to coordinates on a face, and the Hilbert curve's tables.
// Source: S2 geometry, "S2 projections" (quadratic).

/// Conversions between points of the sphere and coordinates u, v in -1…1 on the faces 0…5.
enum S2Face {
  /// The place along the Hilbert curve of each quadrant (i high bit, j low bit), by orientation: bit 0 swaps the axes, bit 1 reverses them.
  static let positionOfQuadrant: [[Int]] = [[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]]
  static let quadrantOfPosition: [[Int]] = [[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]]
  /// How the orientation changes inside a place.
  static let turnOfPosition: [Int] = [1, 0, 0, 3]

  /// The face whose axis is nearest and the coordinates on it.
  static func project(_ p: Vector) -> (face: Int, u: Double, v: Double) {
    let (x, y, z) = (p.x.magnitude, p.y.magnitude, p.z.magnitude)
    let axis = x > y ? (x > z ? 0 : 2) : (y > z ? 1 : 2)
    switch (axis, p[axis] < 0) {
    case (0, false): return (0, p.y / p.x, p.z / p.x)
    case (1, false): return (1, -p.x / p.y, p.z / p.y)
    case (2, false): return (2, -p.x / p.z, -p.y / p.z)
    case (0, true): return (3, p.z / p.x, p.y / p.x)
    case (1, true): return (4, p.z / p.y, -p.x / p.y)
    default: return (5, -p.y / p.z, -p.x / p.z)
    }
  }

  /// A vector, not of length 1, through the coordinates of a face.
  static func vector(_ face: Int, _ u: Double, _ v: Double) -> Vector {
    switch face {
    case 0: Vector(1, u, v)
    case 1: Vector(-u, 1, v)
    case 2: Vector(-u, -v, 1)
    case 3: Vector(-1, -v, -u)
    case 4: Vector(v, -1, -u)
    default: Vector(v, u, -1)
    }
  }

  /// The coordinate of a place 0…1 along a side.
  static func curve(_ s: Double) -> Double { s >= 0.5 ? (4 * s * s - 1) / 3 : (1 - 4 * (1 - s) * (1 - s)) / 3 }

  /// The grid step 0..<2^30 of a coordinate.
  static func step(_ u: Double) -> Int {
    let s = u >= 0 ? 0.5 * (1 + 3 * u).squareRoot() : 1 - 0.5 * (1 - 3 * u).squareRoot()
    return clamped(s)
  }

  /// The grid step of a coordinate as if steps were even, for cells next to an edge.
  static func linearStep(_ u: Double) -> Int { clamped((u + 1) / 2) }

  private static func clamped(_ s: Double) -> Int {
    let side = Double(1 << 30)
    return Int(min(max((s * side).rounded(.down), 0), side - 1))
  }
}
