// Role: one or several lines that are known to be valid.

/// Lines of at least two distinct points each, with arcs shorter than half a great circle.
package struct LineSet: Sendable {
  package let lines: [[Vector]]
  /// True when given as MultiLineString.
  package let isMultiple: Bool

  /// Nil for another geometry and for invalid lines.
  package init?(_ geometry: Geometry) {
    switch geometry {
    case .lineString(let line): self.init([line], isMultiple: false)
    case .multiLineString(let lines): self.init(lines, isMultiple: true)
    default: return nil
    }
  }

  private init?(_ given: [[LngLat]], isMultiple: Bool) {
    guard !given.isEmpty else { return nil }
    var lines: [[Vector]] = []
    for line in given {
      var points: [Vector] = []
      for position in line {
        guard let valid = LngLat(position.lng, position.lat) else { return nil }
        let v = valid.vector
        if let last = points.last {
          if last == v { continue }
          if Geodesic.areOpposite(last, v) { return nil }
        }
        points.append(v)
      }
      guard points.count >= 2 else { return nil }
      lines.append(points)
    }
    self.init(lines: lines, isMultiple: isMultiple)
  }

  init(lines: [[Vector]], isMultiple: Bool) {
    self.lines = lines
    self.isMultiple = isMultiple
  }

  /// All arcs, line by line.
  var arcs: [Arc] { lines.flatMap { line in line.indices.dropLast().map { Arc(line[$0], line[$0 + 1]) } } }

  package var geometry: Geometry { .of(lines: lines.map(\.positions)) }
}
