// Role: coordinates of hexagon grids: three axes 120° apart, steps between resolutions (each a grid of aperture 7 turned one way or the
// other), and the plane. Source: Sahr, "Hexagonal discrete global grid systems"; the H3 specification.

#if canImport(Glibc)
import Glibc
#endif

/// Steps along the three axes; `normalized` has no negative one and at least one zero.
struct H3Coordinates: Sendable, Hashable {
  var i: Int
  var j: Int
  var k: Int

  init(_ i: Int, _ j: Int, _ k: Int) {
    self.i = i
    self.j = j
    self.k = k
  }

  /// The step of a digit: 0 stays, 1 k, 2 j, 3 jk, 4 i, 5 ik, 6 ij.
  init(digit: Int) { self.init(digit >> 2 & 1, digit >> 1 & 1, digit & 1) }

  /// The hexagon that holds a point of the plane.
  init(_ x: Double, _ y: Double) {
    // Axial coordinates, rounded to the nearest centre.
    let b = y / H3Coordinates.sin60
    let a = x + b / 2
    let c = -(a - b) - b
    // a = i - k, b = j - k; cube coordinates q + r + s = 0 with q = a - b, r = b.
    let q = a - b, r = b
    var rq = q.rounded(), rr = r.rounded()
    let rs = c.rounded()
    let dq = (rq - q).magnitude, dr = (rr - r).magnitude, ds = (rs - c).magnitude
    if dq > dr, dq > ds { rq = -rr - rs } else if dr > ds { rr = -rq - rs }
    self = H3Coordinates(Int(rq + rr), Int(rr), 0).normalized
  }

  static let sin60 = 0.8660254037844386467637231707529361834714

  var plane: (x: Double, y: Double) {
    let a = Double(i - k), b = Double(j - k)
    return (a - 0.5 * b, b * H3Coordinates.sin60)
  }

  var normalized: H3Coordinates {
    let least = min(i, j, k)
    return H3Coordinates(i - least, j - least, k - least)
  }

  var sum: Int { i + j + k }

  /// The digit of a unit step; 7 for what is none.
  var digit: Int { max(i, j, k) > 1 || min(i, j, k) < 0 ? 7 : i << 2 | j << 1 | k }

  static func + (a: H3Coordinates, b: H3Coordinates) -> H3Coordinates { H3Coordinates(a.i + b.i, a.j + b.j, a.k + b.k) }
  static func - (a: H3Coordinates, b: H3Coordinates) -> H3Coordinates { H3Coordinates(a.i - b.i, a.j - b.j, a.k - b.k) }
  static func * (a: H3Coordinates, n: Int) -> H3Coordinates { H3Coordinates(a.i * n, a.j * n, a.k * n) }

  /// The coordinates under new axes.
  private func mapped(_ i: H3Coordinates, _ j: H3Coordinates, _ k: H3Coordinates) -> H3Coordinates {
    (i * self.i + j * self.j + k * self.k).normalized
  }

  var turnedCounterclockwise: H3Coordinates { mapped(H3Coordinates(1, 1, 0), H3Coordinates(0, 1, 1), H3Coordinates(1, 0, 1)) }
  var turnedClockwise: H3Coordinates { mapped(H3Coordinates(1, 0, 1), H3Coordinates(1, 1, 0), H3Coordinates(0, 1, 1)) }

  /// The same point in the grid of the next resolution. Odd resolutions are turned counterclockwise, even ones back.
  func finer(isOdd: Bool) -> H3Coordinates {
    isOdd
      ? mapped(H3Coordinates(3, 0, 1), H3Coordinates(1, 3, 0), H3Coordinates(0, 1, 3))
      : mapped(H3Coordinates(3, 1, 0), H3Coordinates(0, 3, 1), H3Coordinates(1, 0, 3))
  }

  /// The cell of the resolution before that holds this one, whose resolution is odd or even.
  func coarser(isOdd: Bool) -> H3Coordinates {
    let a = i - k, b = j - k
    func seventh(_ n: Int) -> Int { Int((Double(n) / 7).rounded()) }
    return (isOdd ? H3Coordinates(seventh(3 * a - b), seventh(a + 2 * b), 0) : H3Coordinates(seventh(2 * a + b), seventh(3 * b - a), 0)).normalized
  }

  /// The same point in grids of a third of the spacing, turned one way and back: the grid that has the corners of cells as points.
  var cornerGrid: H3Coordinates {
    mapped(H3Coordinates(2, 0, 1), H3Coordinates(1, 2, 0), H3Coordinates(0, 1, 2))
      .mapped(H3Coordinates(2, 1, 0), H3Coordinates(0, 2, 1), H3Coordinates(1, 0, 2))
  }
}
