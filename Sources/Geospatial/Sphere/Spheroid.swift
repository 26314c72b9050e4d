// Role: geodesics of the WGS84 spheroid: distance and direction between two positions, points along the way. The shortest path is found by its
// direction at one end, between two bounds, so that positions nearly opposite each other are no exception. Right to some ten nanometres.
// Source: C. F. F. Karney, "Algorithms for geodesics", Journal of Geodesy 87 (2013), sections 2 to 4; its integrals by Gauss's rule.

#if canImport(Glibc)
import Glibc
#endif

/// The spheroid of WGS84.
package enum Spheroid {
  /// Metres, at the equator.
  static let radius = 6_378_137.0
  static let flattening = 1 / 298.257223563
  static let polarRadius = radius * (1 - flattening)
  /// The second eccentricity squared.
  static let eccentricity = flattening * (2 - flattening) / ((1 - flattening) * (1 - flattening))

  /// Metres along the shortest path.
  package static func distance(_ a: LngLat, _ b: LngLat) -> Double { SpheroidPath(a, b).distance }

  /// Nodes and weights of Gauss's rule with twelve points, one half of them.
  private static let nodes = [
    (0.1252334085114689, 0.2491470458134027), (0.3678314989981802, 0.2334925365383546), (0.5873179542866175, 0.20316742672306573),
    (0.7699026741943047, 0.16007832854334642), (0.9041172563704748, 0.10693932599531907), (0.9815606342467192, 0.04717533638651141),
  ]

  /// The integrals along the arc from `first` to `last` of the auxiliary sphere: of the distance over the polar radius, and of what longitude lacks of the
  /// sphere's, over flattening and the sine of the azimuth at the equator. `k2` is the eccentricity times the cosine of that azimuth squared.
  static func integrals(_ k2: Double, from first: Double, to last: Double) -> (distance: Double, longitude: Double) {
    let middle = (first + last) / 2, half = (last - first) / 2
    var distance = 0.0, longitude = 0.0
    @inline(__always) func add(_ at: Double, _ weight: Double) {
      let sine = sin(at)
      let q = (1 + k2 * sine * sine).squareRoot()
      distance += weight * q
      longitude += weight * (2 - flattening) / (1 + (1 - flattening) * q)
    }
    for (node, weight) in nodes {
      add(middle - half * node, weight)
      add(middle + half * node, weight)
    }
    return (distance * half, longitude * half)
  }

  /// Where a function that is `atLow` < 0 at `low` and `atHigh` > 0 at `high` is zero: Ridders' method, which halves the bounds at least.
  static func root(_ low: Double, _ atLow: Double, _ high: Double, _ atHigh: Double, tolerance: Double, _ f: (Double) -> Double) -> Double {
    var low = low, atLow = atLow, high = high, atHigh = atHigh
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if middle <= low || middle >= high { return middle }
      let value = f(middle)
      if value.magnitude <= tolerance { return middle }
      let guess = middle - (middle - low) * value / (value * value - atLow * atHigh).squareRoot()
      if value < 0 { (low, atLow) = (middle, value) } else { (high, atHigh) = (middle, value) }
      guard guess > low, guess < high else { continue }
      let near = f(guess)
      if near.magnitude <= tolerance { return guess }
      if near < 0 { (low, atLow) = (guess, near) } else { (high, atHigh) = (guess, near) }
    }
    return (low + high) / 2
  }
}

/// Sine and cosine of a reduced latitude: that of the position's place on the auxiliary sphere.
private struct ReducedLatitude {
  var s: Double
  var c: Double

  init(_ degrees: Double) {
    if degrees.magnitude < 1e-13 {
      s = 0
      c = 1
    } else if degrees.magnitude >= 90 {
      // Directions at a pole are told by a place next to it.
      s = degrees < 0 ? -1 : 1
      c = 1e-150
    } else {
      let latitude = degrees * (.pi / 180)
      let y = (1 - Spheroid.flattening) * sin(latitude), x = cos(latitude)
      let r = hypot(x, y)
      s = y / r
      c = x / r
    }
  }
}

/// The path that starts at `first`, with an azimuth of 90° and `turn` radians, and ends where it comes to the latitude of `second` going north; `first` lies
/// south and is no less far from the equator than `second`.
private struct CanonicalPath {
  let longitude: Double
  let distance: Double
  let arc: Double
  /// Sine of the azimuth at the equator, and the azimuths at both ends; the end's cosine is times that of its latitude, as is the first sine.
  let equatorSine: Double
  let startSine: Double
  let startCosine: Double
  let endCosine: Double

  init(_ first: ReducedLatitude, _ second: ReducedLatitude, turn: Double) {
    startSine = cos(turn)
    startCosine = -sin(turn)
    equatorSine = startSine * first.c
    let equatorCosine = hypot(startCosine, startSine * first.s)
    let difference = first.c < -first.s ? (second.c - first.c) * (second.c + first.c) : (first.s - second.s) * (first.s + second.s)
    let north = startCosine * first.c
    endCosine = max(0, north * north + difference).squareRoot()
    let from = atan2(first.s, north), to = max(from, atan2(second.s, endCosine))
    let integrals = Spheroid.integrals(Spheroid.eccentricity * equatorCosine * equatorCosine, from: from, to: to)
    arc = to - from
    distance = Spheroid.polarRadius * integrals.distance
    longitude = atan2(equatorSine * second.s, endCosine) - atan2(equatorSine * first.s, north) - Spheroid.flattening * equatorSine * integrals.longitude
  }
}

/// A shortest path on the spheroid.
package struct SpheroidPath {
  let start: LngLat
  /// Metres.
  package let distance: Double
  /// Its length on the auxiliary sphere in radians.
  let arc: Double
  /// The direction at the start, radians clockwise from north.
  let azimuth: Double

  package init(_ a: LngLat, _ b: LngLat) {
    start = a
    let east = (b.lng - a.lng).remainder(dividingBy: 360)
    let side = east < 0 ? -1.0 : 1.0
    let wanted = east.magnitude * (.pi / 180)
    // The path is turned round and mirrored until it starts in the south, not nearer to the equator than it ends, and goes east.
    let isTurned = a.lat.magnitude < b.lat.magnitude
    var first = ReducedLatitude(isTurned ? b.lat : a.lat), second = ReducedLatitude(isTurned ? a.lat : b.lat)
    let mirror = first.s < 0 ? 1.0 : -1.0
    first.s *= mirror
    second.s *= mirror
    if first.s == 0, second.s == 0, wanted <= (1 - Spheroid.flattening) * .pi {
      distance = Spheroid.radius * wanted
      arc = wanted / (1 - Spheroid.flattening)
      azimuth = side * .pi / 2
      return
    }
    let south = first, north = second
    let turn: Double
    if wanted <= 0 {
      turn = -.pi / 2
    } else if wanted >= .pi {
      turn = .pi / 2
    } else {
      turn = Spheroid.root(-.pi / 2, -wanted, .pi / 2, .pi - wanted, tolerance: 1e-15) { CanonicalPath(south, north, turn: $0).longitude - wanted }
    }
    let path = CanonicalPath(south, north, turn: turn)
    // What is left of the difference in longitude counts by the direction at the end.
    distance = max(0, path.distance - (path.longitude - wanted) * Spheroid.radius * path.equatorSine)
    arc = path.arc
    let sine = isTurned ? path.equatorSine : path.startSine, cosine = isTurned ? -path.endCosine : path.startCosine
    azimuth = atan2(sine * side, cosine * mirror)
  }

  /// The position at `arc` radians of the auxiliary sphere from the start, the direction there, and the metres to it.
  func point(at arc: Double) -> (position: LngLat, azimuth: Double, distance: Double) {
    let latitude = ReducedLatitude(start.lat)
    let sine = sin(azimuth), cosine = cos(azimuth)
    let equatorSine = sine * latitude.c, equatorCosine = hypot(cosine, sine * latitude.s)
    let from = atan2(latitude.s, cosine * latitude.c), to = from + arc
    let integrals = Spheroid.integrals(Spheroid.eccentricity * equatorCosine * equatorCosine, from: from, to: to)
    let turned = atan2(equatorSine * sin(to), cos(to)) - atan2(equatorSine * latitude.s, cosine * latitude.c)
    let lng = start.lng + (turned - Spheroid.flattening * equatorSine * integrals.longitude) * (180 / .pi)
    let lat = atan2(equatorCosine * sin(to), (1 - Spheroid.flattening) * hypot(equatorSine, equatorCosine * cos(to))) * (180 / .pi)
    return (LngLat(unchecked: lng.remainder(dividingBy: 360), lat), atan2(equatorSine, equatorCosine * cos(to)), Spheroid.polarRadius * integrals.distance)
  }

  /// The metres along the path to its point nearest to a position, and those from there to the position.
  func nearest(_ position: LngLat) -> (along: Double, distance: Double) {
    // How fast the distance grows along the path, over the speed.
    func growth(_ at: Double) -> Double {
      let here = point(at: at)
      let way = SpheroidPath(here.position, position)
      return way.distance > 0 ? -cos(way.azimuth - here.azimuth) : 0
    }
    func place(_ at: Double) -> (along: Double, distance: Double) {
      let here = point(at: at)
      return (here.distance, Spheroid.distance(here.position, position))
    }
    let atStart = growth(0), atEnd = growth(arc)
    if atStart < 0, atEnd > 0 { return place(Spheroid.root(0, atStart, arc, atEnd, tolerance: 1e-12, growth)) }
    let first = place(0), last = place(arc)
    return first.distance <= last.distance ? first : last
  }
}
