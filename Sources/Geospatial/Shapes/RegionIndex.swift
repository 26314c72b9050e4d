// Role: a region prepared for point tests: its edges by longitude. A point is inside when the meridian from it to the south pole crosses the
// edges an odd number of times, or an even number when the pole is inside. All this in axes turned away from those of the globe: real shapes
// have edges along meridians, and points on them would be told by rounding alone.

#if canImport(Glibc)
import Glibc
#endif

/// Answers whether points lie in a region, and how far away they are.
package struct RegionIndex: Sendable {
  private struct Layer: Sendable {
    var from: [Vector] = []
    var to: [Vector] = []
    /// Edge numbers of bin i are bins[starts[i]..<starts[i + 1]].
    var starts: [Int32] = []
    var bins: [Int32] = []
    var holdsSouthPole = false
  }

  /// One layer for each polygon: those of a MultiPolygon may overlap.
  private let layers: [Layer]
  private let arcs: [Arc]
  package let region: Region

  private static let axes: (x: Vector, y: Vector, z: Vector) = {
    let x = Vector(0.8127, -0.4331, 0.3904).unit
    let z = x.cross(Vector(0.2713, 0.9041, 0.3301)).unit
    return (x, z.cross(x), z)
  }()

  private static func turned(_ p: Vector) -> Vector { Vector(axes.x.dot(p), axes.y.dot(p), axes.z.dot(p)) }

  package init(_ region: Region) {
    self.region = region
    arcs = region.arcs
    layers = region.polygons.map { loops in
      var layer = Layer()
      for loop in loops.map({ $0.map { RegionIndex.turned($0) } }) {
        for i in loop.indices {
          layer.from.append(loop[i])
          layer.to.append(loop[i + 1 == loop.count ? 0 : i + 1])
        }
        if RegionIndex.holdsSouthPole(loop) { layer.holdsSouthPole.toggle() }
      }
      RegionIndex.fillBins(&layer)
      return layer
    }
  }

  /// A fan of triangles from the north pole leaves out the south pole, so its signed area falls by 4π when the pole is inside.
  private static func holdsSouthPole(_ loop: [Vector]) -> Bool {
    var sum = 0.0
    let pole = Vector(0, 0, 1)
    for i in loop.indices { sum += signedArea(pole, loop[i], loop[i + 1 == loop.count ? 0 : i + 1]) }
    // A hole has the outside of its ring on the left; what counts is the ring's own, smaller side.
    let left = leftArea(loop)
    return left <= 2 * .pi ? sum < left - 2 * .pi : -sum < 2 * .pi - left
  }

  private static func binCount(_ edges: Int) -> Int { edges <= 8 ? 1 : min(4_096, edges) }

  private static func bin(_ lng: Double, _ count: Int) -> Int { min(count - 1, max(0, Int((lng + .pi) / (2 * .pi) * Double(count)))) }

  private static func fillBins(_ layer: inout Layer) {
    let count = binCount(layer.from.count)
    var lists = Array(repeating: [Int32](), count: count)
    for e in layer.from.indices {
      let a = layer.from[e], b = layer.to[e]
      let x = atan2(a.y, a.x), y = atan2(b.y, b.x)
      let low = min(x, y), high = max(x, y)
      let flat = { (p: Vector) in p.x * p.x + p.y * p.y }
      var spans: [(Double, Double)] = high - low <= .pi - 1e-9 ? [(low, high)] : [(-.pi, low), (high, .pi)]
      if (high - low - .pi).magnitude < 1e-6 || flat(a) < 1e-20 || flat(b) < 1e-20 { spans = [(-.pi, .pi)] }
      var last = -1
      for (from, to) in spans {
        for k in max(0, bin(from, count) - 1)...min(count - 1, bin(to, count) + 1) where k > last {
          lists[k].append(Int32(truncatingIfNeeded: e))
          last = k
        }
      }
    }
    layer.starts = [0]
    for list in lists {
      layer.bins += list
      layer.starts.append(Int32(truncatingIfNeeded: layer.bins.count))
    }
  }

  /// True when the point lies inside; on the boundary either may be answered.
  package func contains(_ p: Vector) -> Bool {
    let p = RegionIndex.turned(p)
    return layers.contains { RegionIndex.contains($0, p) }
  }

  private static func contains(_ layer: Layer, _ p: Vector) -> Bool {
    let count = layer.starts.count - 1
    let k = count == 1 ? 0 : bin(atan2(p.y, p.x), count)
    var inside = layer.holdsSouthPole
    for at in Int(layer.starts[k])..<Int(layer.starts[k + 1]) {
      let e = Int(layer.bins[at])
      let a = layer.from[e], b = layer.to[e]
      // Sides of the meridian's plane; the half-open rule counts a vertex on it once.
      let sa = p.x * a.y - p.y * a.x, sb = p.x * b.y - p.y * b.x
      guard (sa >= 0) != (sb >= 0) else { continue }
      // The pole and the point must lie on different sides of the edge, and the crossing on the point's half of the meridian.
      let above = turn(a, b, p)
      let pole = a.y * b.x - a.x * b.y
      if (above > 0) != (pole > 0), (sa >= 0) != (above > 0) { inside.toggle() }
    }
    return inside
  }

  /// The nearest point of the boundary.
  func nearestOnBoundary(_ p: Vector) -> (point: Vector, angle: Double)? {
    var best: (point: Vector, angle: Double)?
    for arc in arcs {
      let q = Geodesic.nearest(p, arc.a, arc.b)
      let angle = p.angle(to: q)
      if best.map({ angle < $0.angle }) ?? true { best = (q, angle) }
    }
    return best
  }

  /// Metres to the region; 0 inside.
  package func distance(_ p: Vector) -> Double { contains(p) ? 0 : (nearestOnBoundary(p)?.angle ?? 0) * Earth.radius }

  /// The point itself inside, else the nearest point of the boundary.
  package func nearest(_ p: Vector) -> Vector { contains(p) ? p : nearestOnBoundary(p)?.point ?? p }
}
