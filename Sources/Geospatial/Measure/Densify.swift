// Role: puts points on edges that are straight in longitude and latitude until great-circle edges between them stay within a tolerance.
// Source: the error estimate of S2's edge tessellator: the distance between plane and sphere at two points of the edge bounds that of all.

/// Straight edges in degrees turned into chains of great-circle edges.
package struct Densifier {
  /// Most points of a result.
  static let maxPoints = 10_485_760
  private static let fraction = 0.31215691082248312
  private static let scale = 0.83829992569888509

  private let toleranceSquare: Double
  private let crossesAntimeridian: Bool

  /// Tolerance in metres, 0.1…10,000; nil outside. With `crossesAntimeridian` an edge between two longitudes more than 180° apart goes the
  /// short way across the antimeridian, otherwise the long way, as drawn on a flat map.
  package init?(tolerance: Double, crossesAntimeridian: Bool) {
    guard tolerance >= 0.1, tolerance <= 10_000 else { return nil }
    let chord = tolerance / Earth.radius * Densifier.scale
    toleranceSquare = chord * chord
    self.crossesAntimeridian = crossesAntimeridian
  }

  /// The line or polygon with points added; nil for other geometries, invalid positions and results that are too long.
  package func densified(_ geometry: Geometry) -> Geometry? {
    switch geometry {
    case .lineString(let line): return path(line).map { .lineString($0) }
    case .multiLineString(let lines): return all(lines, path).map { .multiLineString($0) }
    case .polygon(let rings): return all(rings, path).map { .polygon($0) }
    case .multiPolygon(let polygons): return all(polygons) { all($0, path) }.map { .multiPolygon($0) }
    default: return nil
    }
  }

  private func all<T>(_ items: [T], _ body: (T) -> T?) -> [T]? {
    guard !items.isEmpty else { return nil }
    var out: [T] = []
    for item in items {
      guard let made = body(item) else { return nil }
      out.append(made)
    }
    return out
  }

  private func path(_ line: [LngLat]) -> [LngLat]? {
    guard line.count >= 2, line.allSatisfy({ LngLat($0.lng, $0.lat) != nil }) else { return nil }
    var out = [line[0]]
    for i in line.indices.dropLast() {
      let from = line[i]
      var to = line[i + 1]
      if crossesAntimeridian {
        if to.lng - from.lng > 180 { to.lng -= 360 } else if from.lng - to.lng > 180 { to.lng += 360 }
      }
      guard edge(from, to, into: &out, depth: 0) else { return nil }
      out[out.count - 1] = line[i + 1]
    }
    return out
  }

  private func edge(_ a: LngLat, _ b: LngLat, into out: inout [LngLat], depth: Int) -> Bool {
    guard out.count < Densifier.maxPoints else { return false }
    if depth >= 40 || error(a, b) <= toleranceSquare {
      var end = b
      if end.lng > 180 { end.lng -= 360 } else if end.lng < -180 { end.lng += 360 }
      out.append(end)
      return true
    }
    let middle = LngLat(unchecked: (a.lng + b.lng) / 2, (a.lat + b.lat) / 2)
    return edge(a, middle, into: &out, depth: depth + 1) && edge(middle, b, into: &out, depth: depth + 1)
  }

  /// The square of the largest chord between plane and sphere.
  private func error(_ a: LngLat, _ b: LngLat) -> Double {
    let p = a.vector, q = b.vector
    if p.dot(q) < -1e-14 { return .infinity }
    func at(_ t: Double) -> Double {
      let plane = LngLat(unchecked: a.lng * (1 - t) + b.lng * t, a.lat * (1 - t) + b.lat * t).vector
      let d = plane - Geodesic.interpolate(p, q, t)
      return d.dot(d)
    }
    return max(at(Densifier.fraction), at(1 - Densifier.fraction))
  }
}
