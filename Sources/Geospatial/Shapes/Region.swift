// Role: an area of the sphere bounded by loops: what a valid GeoJSON polygon becomes. Loops are open (the first point is not repeated) and
// run with the inside on their left, whatever the order of the input: of the two parts a ring makes, the smaller is meant.

#if canImport(Glibc)
import Glibc
#endif

/// A polygon or several of them, which overlap at most in points when `isDisjoint`.
package struct Region: Sendable {
  /// Loops polygon by polygon: a shell and its holes.
  package let polygons: [[[Vector]]]

  init(polygons: [[[Vector]]]) { self.polygons = polygons }

  /// Nil for another geometry and for invalid polygons: fewer than three distinct points, an open ring, crossing rings, shared edges.
  package init?(_ geometry: Geometry) {
    switch geometry {
    case .polygon(let rings):
      guard let loops = Region.loops(rings) else { return nil }
      polygons = [loops]
    case .multiPolygon(let all):
      guard !all.isEmpty else { return nil }
      var polygons: [[[Vector]]] = []
      for rings in all {
        guard let loops = Region.loops(rings) else { return nil }
        polygons.append(loops)
      }
      self.polygons = polygons
    default: return nil
    }
  }

  /// All polygons of some regions, overlapping or not.
  package init(joining regions: [Region]) { polygons = Array(regions.map(\.polygons).joined()) }

  /// The loops of one polygon, checked and turned to have the inside on the left.
  private static func loops(_ rings: [[LngLat]]) -> [[Vector]]? {
    guard !rings.isEmpty else { return nil }
    var loops: [[Vector]] = []
    for (k, ring) in rings.enumerated() {
      guard ring.count >= 4, ring[0] == ring[ring.count - 1] else { return nil }
      var loop: [Vector] = []
      for position in ring.dropLast() {
        guard let valid = LngLat(position.lng, position.lat) else { return nil }
        let v = valid.vector
        if let last = loop.last, Geodesic.areOpposite(last, v) { return nil }
        loop.append(v)
      }
      guard Set(loop).count == loop.count, !Geodesic.areOpposite(loop[loop.count - 1], loop[0]) else { return nil }
      let isSmaller = leftArea(loop) <= 2 * .pi
      loops.append(isSmaller == (k == 0) ? loop : loop.reversed())
    }
    return areSimple(loops) ? loops : nil
  }

  /// True when no two edges cross, overlap or touch except at common vertices.
  private static func areSimple(_ loops: [[Vector]]) -> Bool {
    let arcs = arcs(of: loops)
    var isValid = true
    forEachPair(arcs) { i, j in
      let (p, q) = (arcs[i], arcs[j])
      let shared = [p.a == q.a, p.a == q.b, p.b == q.a, p.b == q.b].filter { $0 }.count
      if shared >= 2 || shared == 0 && Geodesic.cross(p.a, p.b, q.a, q.b) { isValid = false }
      return isValid
    }
    return isValid
  }

  static func arcs(of loops: [[Vector]]) -> [Arc] {
    loops.flatMap { loop in loop.indices.map { Arc(loop[$0], loop[$0 + 1 == loop.count ? 0 : $0 + 1]) } }
  }

  /// All edges, loop by loop, with the inside on their left.
  var arcs: [Arc] { polygons.flatMap { Region.arcs(of: $0) } }

  var vertexCount: Int { polygons.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } }

  package var isEmpty: Bool { polygons.isEmpty }

  package var geometry: Geometry { .of(polygons: coordinates) }

  /// Closed rings in degrees.
  var coordinates: [[[LngLat]]] { polygons.map { $0.map { loop in (loop + [loop[0]]).positions } } }
}

/// The area of the triangle a, b, c on the unit sphere, negative when it runs clockwise. Source: Eriksson, "On the measure of solid angles".
func signedArea(_ a: Vector, _ b: Vector, _ c: Vector) -> Double {
  2 * atan2(a.dot((b - a).cross(c - a)), 1 + a.dot(b) + b.dot(c) + c.dot(a))
}

/// The area on the left of a loop in steradians, 0…4π.
func leftArea(_ loop: [Vector]) -> Double {
  var sum = 0.0
  for i in 1..<max(1, loop.count - 1) { sum += signedArea(loop[0], loop[i], loop[i + 1]) }
  return sum < 0 ? sum + 4 * .pi : sum
}
