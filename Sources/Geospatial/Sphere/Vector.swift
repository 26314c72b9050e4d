// Role: points on the unit sphere as vectors, and the products the rest is made of. Positions are longitude and latitude in degrees outside,
// unit vectors inside. Source: Kusto's geospatial functions measure on a sphere, not on the ellipsoid.

#if canImport(Glibc)
import Glibc
#endif

/// A point of the unit sphere, or any vector in space.
package typealias Vector = SIMD3<Double>

/// The sphere that stands for the Earth.
package enum Earth {
  /// Metres. The mean radius Kusto's documented distances come from.
  package static let radius = 6_371_010.0
}

extension SIMD3 where Scalar == Double {
  @inline(__always) func dot(_ o: Vector) -> Double { x * o.x + y * o.y + z * o.z }

  @inline(__always) func cross(_ o: Vector) -> Vector { Vector(y * o.z - z * o.y, z * o.x - x * o.z, x * o.y - y * o.x) }

  var length: Double { dot(self).squareRoot() }

  /// The vector of length 1 in the same direction; the zero vector stays.
  var unit: Vector {
    let n = length
    return n > 0 ? self / n : self
  }

  /// The normal of the great circle through two points, precise for close points as well.
  @inline(__always) func normal(to o: Vector) -> Vector { (o - self).cross(o + self) * -0.5 }

  /// The angle to another vector in radians, precise for all angles.
  func angle(to o: Vector) -> Double { atan2(cross(o).length, dot(o)) }
}

/// Positive when a, b, c run counterclockwise; precise for points close to each other.
@inline(__always) func turn(_ a: Vector, _ b: Vector, _ c: Vector) -> Double { (a - c).cross(b - c).dot(c) }

/// A position in degrees.
package struct LngLat: Sendable, Hashable {
  package var lng: Double
  package var lat: Double

  /// A position as given, not checked.
  package init(unchecked lng: Double, _ lat: Double) {
    self.lng = lng
    self.lat = lat
  }

  /// Nil outside -180…180 and -90…90, and for what is no number.
  package init?(_ lng: Double, _ lat: Double) {
    guard lng.magnitude <= 180, lat.magnitude <= 90 else { return nil }
    self.init(unchecked: lng, lat)
  }

  /// The position of a vector.
  package init(_ v: Vector) {
    self.init(unchecked: atan2(v.y, v.x) * (180 / .pi), atan2(v.z, (v.x * v.x + v.y * v.y).squareRoot()) * (180 / .pi))
  }

  /// The unit vector of the position.
  package var vector: Vector {
    let a = lng * (.pi / 180), b = lat * (.pi / 180)
    let c = cos(b)
    return Vector(cos(a) * c, sin(a) * c, sin(b))
  }
}
