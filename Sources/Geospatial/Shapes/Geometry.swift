// Role: the geometries of GeoJSON as plain coordinates, as they come in and go out. Source: RFC 7946.

/// A geometry in degrees; polygons are rings whose last position repeats the first.
package indirect enum Geometry: Sendable, Hashable {
  case point(LngLat)
  case multiPoint([LngLat])
  case lineString([LngLat])
  case multiLineString([[LngLat]])
  case polygon([[LngLat]])
  case multiPolygon([[[LngLat]]])
  case collection([Geometry])

  /// The parts under the plainest name: one part alone, several of one kind as its multiple form, otherwise a collection.
  package static func of(points: [LngLat] = [], lines: [[LngLat]] = [], polygons: [[[LngLat]]] = []) -> Geometry {
    var parts: [Geometry] = []
    if points.count > 1, lines.isEmpty, polygons.isEmpty { return .multiPoint(points) }
    parts += points.map { .point($0) }
    if let line = lines.first { parts.append(lines.count == 1 ? .lineString(line) : .multiLineString(lines)) }
    if let polygon = polygons.first { parts.append(polygons.count == 1 ? .polygon(polygon) : .multiPolygon(polygons)) }
    return parts.count == 1 ? parts[0] : .collection(parts)
  }
}

extension [Vector] {
  var positions: [LngLat] { map { LngLat($0) } }
}
