// Role: everything within a radius of a point, a line or a region: the union of discs around the points and of strips along the edges.

#if canImport(Glibc)
import Glibc
#endif

/// Grows shapes by a radius.
package struct ShapeBuffer: Sendable {
  private let radius: Double
  /// Corners of a whole circle.
  private let corners: Int

  /// Radius and tolerance in metres: how far the border may lie from the ideal one. Nil for what is not positive, for a tolerance below a
  /// millionth of the radius and for a radius above a quarter of the way round.
  package init?(radius: Double, tolerance: Double) {
    guard radius > 0, tolerance > 0, tolerance >= radius * 1e-6, radius / Earth.radius < .pi / 2 else { return nil }
    self.radius = radius / Earth.radius
    // A chord of n corners lies 1 - cos(π/n) of the radius inside the circle.
    let share = min(tolerance / radius, 0.5)
    corners = max(4, Int((.pi / acos(1 - share)).rounded(.up)))
  }

  /// The disc around a point.
  package func around(_ p: Vector) -> Region {
    // Counterclockwise.
    let ring = (0..<corners).map { Geodesic.destination(p, azimuth: -2 * .pi * Double($0) / Double(corners), angle: radius) }
    return Region(polygons: [[ring]])
  }

  package func around(_ lines: LineSet) -> Region { Region.union(parts(lines.lines)) }

  package func around(_ region: Region) -> Region {
    let rings = region.polygons.joined().map { $0 + [$0[0]] }
    return Region.union(region.polygons.map { Region(polygons: [$0]) } + parts(rings))
  }

  private func parts(_ lines: [[Vector]]) -> [Region] {
    var discs: Set<Vector> = []
    var parts: [Region] = []
    for line in lines {
      // Neighbours are merged first: a long line stays a chain of small unions.
      for start in stride(from: 0, to: line.count - 1, by: 8) {
        var group: [Region] = []
        for i in start..<min(start + 8, line.count - 1) {
          for p in [line[i], line[i + 1]] where discs.insert(p).inserted { group.append(around(p)) }
          group.append(strip(line[i], line[i + 1]))
        }
        parts.append(Region.union(group))
      }
    }
    return parts
  }

  /// Both sides of an arc. Sides are cut where their arcs would leave the radius: they follow small circles.
  private func strip(_ a: Vector, _ b: Vector) -> Region {
    let left = a.normal(to: b).unit
    let length = a.angle(to: b)
    let steps = max(1, Int((length / 0.01).rounded(.up)))
    let path = (0...steps).map { Geodesic.interpolate(a, b, Double($0) / Double(steps)) }
    func side(_ way: Vector) -> [Vector] { path.map { ($0 * cos(radius) + way * sin(radius)).unit } }
    return Region(polygons: [[side(-left) + side(left).reversed()]])
  }
}
