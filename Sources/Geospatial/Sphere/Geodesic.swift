// Role: great-circle geometry of points and arcs: distance, direction, points along an arc, the nearest point of an arc, crossings.

#if canImport(Glibc)
import Glibc
#endif

/// Functions of points and shortest arcs between them. Angles in radians, distances in metres.
package enum Geodesic {
  /// Points closer than this many radians (30 nanometres) are one point.
  static let samePoint = 5e-15

  package static func distance(_ a: Vector, _ b: Vector) -> Double { a.angle(to: b) * Earth.radius }

  /// True when no shortest arc is defined: the points lie opposite each other.
  static func areOpposite(_ a: Vector, _ b: Vector) -> Bool { (a + b).length < 1e-15 * 4 }

  static func areSame(_ a: Vector, _ b: Vector) -> Bool { (a - b).length <= samePoint }

  /// The direction at a towards b, clockwise from north in 0..<2π; nil for equal or opposite points.
  package static func azimuth(_ a: Vector, _ b: Vector) -> Double? {
    guard !areSame(a, b), !areOpposite(a, b) else { return nil }
    let (east, north) = axes(a)
    let angle = atan2(b.dot(east), b.dot(north))
    return angle < 0 ? angle + 2 * .pi : angle
  }

  /// The angle at b from the arc to a clockwise to the arc to c, in 0..<2π; nil where an arc is not defined.
  package static func angle(_ a: Vector, _ b: Vector, _ c: Vector) -> Double? {
    guard let first = azimuth(b, a), let second = azimuth(b, c) else { return nil }
    let angle = second - first
    return angle < 0 ? angle + 2 * .pi : angle
  }

  /// East and north at a point; at a pole the directions of longitude 90 and 0.
  static func axes(_ p: Vector) -> (east: Vector, north: Vector) {
    let flat = (p.x * p.x + p.y * p.y).squareRoot()
    let east = flat > 0 ? Vector(-p.y / flat, p.x / flat, 0) : Vector(0, 1, 0)
    return (east, p.cross(east))
  }

  /// The point at a distance in radians in a direction clockwise from north.
  static func destination(_ p: Vector, azimuth: Double, angle: Double) -> Vector {
    let (east, north) = axes(p)
    return (p * cos(angle) + (north * cos(azimuth) + east * sin(azimuth)) * sin(angle)).unit
  }

  /// The point of the arc at a fraction of its length.
  package static func interpolate(_ a: Vector, _ b: Vector, _ fraction: Double) -> Vector {
    if fraction <= 0 { return a }
    if fraction >= 1 { return b }
    let angle = a.angle(to: b) * fraction
    let side = a.normal(to: b).cross(a).unit
    return (a * cos(angle) + side * sin(angle)).unit
  }

  /// The point of the arc a–b nearest to p.
  package static func nearest(_ p: Vector, _ a: Vector, _ b: Vector) -> Vector {
    let n = a.normal(to: b)
    let square = n.dot(n)
    if square > 0 {
      let foot = p - n * (p.dot(n) / square)
      if n.cross(a).dot(foot) >= 0, n.cross(b).dot(foot) <= 0, foot.dot(foot) > 0 { return foot.unit }
    }
    return (p - a).dot(p - a) <= (p - b).dot(p - b) ? a : b
  }

  /// Radians from p to the arc a–b.
  static func angle(from p: Vector, toArc a: Vector, _ b: Vector) -> Double { p.angle(to: nearest(p, a, b)) }

  /// True when the insides of two arcs cross in one point.
  static func cross(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) -> Bool {
    let abc = turn(a, b, c), abd = turn(a, b, d)
    guard abc * abd < 0 else { return false }
    let cda = turn(c, d, a), cdb = turn(c, d, b)
    // The last test tells the crossing from that of the opposite great circles.
    return cda * cdb < 0 && abc * cda < 0
  }

  /// Where the great circles of two crossing arcs meet, on the side of the arcs.
  static func crossing(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) -> Vector {
    let p = a.normal(to: b).cross(c.normal(to: d)).unit
    return p.dot(a + b + c + d) < 0 ? -p : p
  }

  /// True when two arcs have a point in common, ends included.
  static func touch(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) -> Bool {
    if cross(a, b, c, d) { return true }
    return [angle(from: a, toArc: c, d), angle(from: b, toArc: c, d), angle(from: c, toArc: a, b), angle(from: d, toArc: a, b)].contains { $0 <= samePoint }
  }

  /// Radians between two arcs; 0 when they touch.
  static func angle(between a: Vector, _ b: Vector, and c: Vector, _ d: Vector) -> Double {
    if cross(a, b, c, d) { return 0 }
    return min(
      min(angle(from: a, toArc: c, d), angle(from: b, toArc: c, d)), min(angle(from: c, toArc: a, b), angle(from: d, toArc: a, b)))
  }
}
