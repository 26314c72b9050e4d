// Role: positions along lines: the nearest point, the fraction of the length at a point, the point at a fraction.

extension LineSet {
  /// The nearest point of the lines and its distance in metres.
  package func nearest(_ p: Vector) -> (point: Vector, distance: Double) {
    let found = step(nearest: p)
    return (found.point, p.angle(to: found.point) * Earth.radius)
  }

  private func step(nearest p: Vector) -> (point: Vector, line: Int, index: Int) {
    var best = (point: lines[0][0], line: 0, index: 0)
    var least = Double.infinity
    for (k, line) in lines.enumerated() {
      for i in line.indices.dropLast() {
        let q = Geodesic.nearest(p, line[i], line[i + 1])
        let square = (q - p).dot(q - p)
        if square < least { (best, least) = ((q, k, i), square) }
      }
    }
    return best
  }

  /// The fraction of the first line's length, 0…1, at the point nearest to p.
  package func fraction(nearest p: Vector) -> Double {
    let found = LineSet(lines: [lines[0]], isMultiple: false).step(nearest: p)
    let line = lines[0]
    let whole = pathLength(line)
    let before = pathLength(Array(line[...found.index])) + line[found.index].angle(to: found.point)
    return whole > 0 ? min(1, before / whole) : 0
  }

  /// The same on the spheroid, whose geodesics join the points of the line.
  package func spheroidFraction(nearest p: Vector) -> Double {
    let positions = lines[0].positions, position = LngLat(p)
    // Sphere and spheroid differ by less than a hundredth of a distance, and their paths by less than that of their length: which parts can be nearest?
    let bounds = lines[0].indices.dropLast().map { i -> (least: Double, most: Double) in
      let distance = Geodesic.angle(from: p, toArc: lines[0][i], lines[0][i + 1]), margin = 0.01 * (distance + lines[0][i].angle(to: lines[0][i + 1]))
      return (distance - margin, distance + margin)
    }
    let most = bounds.reduce(Double.infinity) { min($0, $1.most) }
    var whole = 0.0, before = 0.0, least = Double.infinity
    for (i, bound) in bounds.enumerated() {
      let path = SpheroidPath(positions[i], positions[i + 1])
      if bound.least <= most {
        let found = path.nearest(position)
        if found.distance < least { (before, least) = (whole + found.along, found.distance) }
      }
      whole += path.distance
    }
    return whole > 0 ? min(1, before / whole) : 0
  }

  /// The point of the first line at a fraction 0…1 of its length.
  package func point(at fraction: Double) -> Vector {
    let line = lines[0]
    var left = pathLength(line) * fraction
    for i in line.indices.dropLast() {
      let step = line[i].angle(to: line[i + 1])
      if left < step { return Geodesic.interpolate(line[i], line[i + 1], left / step) }
      left -= step
    }
    return line[line.count - 1]
  }
}
