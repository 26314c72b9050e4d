// Role: lengths, areas and centres of mass of lines and regions.

#if canImport(Glibc)
import Glibc
#endif

extension LineSet {
  /// Metres along all lines.
  package var length: Double { lines.reduce(0) { $0 + pathLength($1) } * Earth.radius }

  /// The centre of mass of the lines, on the sphere; nil when they balance out.
  package var centroid: Vector? {
    let sum = arcs.reduce(into: Vector()) { $0 += arcCentre($1.a, $1.b) }
    return sum.length > 0 ? sum.unit : nil
  }
}

extension Region {
  /// Square metres; polygons must not overlap.
  package var area: Double {
    polygons.reduce(0) { total, loops in
      total + loops.enumerated().reduce(0) { $0 + ($1.offset == 0 ? leftArea($1.element) : leftArea($1.element) - 4 * .pi) }
    } * Earth.radius * Earth.radius
  }

  /// Metres along all rings, holes included; polygons must not overlap.
  package var perimeter: Double { arcs.reduce(0) { $0 + $1.a.angle(to: $1.b) } * Earth.radius }

  /// The centre of mass, on the sphere; polygons must not overlap. Nil when it balances out.
  package var centroid: Vector? {
    var sum = Vector()
    for loop in polygons.joined() {
      for i in 1..<max(1, loop.count - 1) { sum += triangleCentre(loop[0], loop[i], loop[i + 1]) }
    }
    return sum.length > 0 ? sum.unit : nil
  }
}

/// The length of a path in radians.
func pathLength(_ line: [Vector]) -> Double {
  var sum = 0.0
  for i in line.indices.dropLast() { sum += line[i].angle(to: line[i + 1]) }
  return sum
}

/// The integral of position along an arc.
private func arcCentre(_ a: Vector, _ b: Vector) -> Vector {
  let difference = a - b, sum = a + b
  let square = sum.dot(sum)
  return square > 0 ? sum * (difference.dot(difference) / square).squareRoot() : Vector()
}

/// The integral of position over a triangle, negative when it runs clockwise. Source: Brock, "The inertia tensor for a spherical triangle".
private func triangleCentre(_ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
  func weight(_ p: Vector, _ q: Vector) -> Double {
    let angle = p.angle(to: q)
    return angle == 0 ? 1 : angle / sin(angle)
  }
  let ra = weight(b, c), rb = weight(c, a), rc = weight(a, b)
  // A system of three equations, solved by Cramer's rule on differences so that small triangles keep their precision.
  let x = Vector(a.x, b.x - a.x, c.x - a.x)
  let y = Vector(a.y, b.y - a.y, c.y - a.y)
  let z = Vector(a.z, b.z - a.z, c.z - a.z)
  let r = Vector(ra, rb - ra, rc - ra)
  return Vector(y.cross(z).dot(r), z.cross(x).dot(r), x.cross(y).dot(r)) * 0.5
}
