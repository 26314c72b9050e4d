// Role: geospatial functions of points: distances, directions, tests against circles and polygons, the grid cells of a point.
// Source: Kusto "Geospatial functions".

import Columnar
import Geospatial

let geoPointFunctions: [FunctionSpec] = [
  geo("geo_distance_2points", .real, [.real, .real, .real, .real, .bool], defaults: [.bool(false)], "lng1, lat1, lng2, lat2 [, use_spheroid]",
    "Metres between two points on the sphere, or on the WGS84 spheroid.", "geo_distance_2points(-122.407628, 47.578557, -118.275287, 34.019056)") { arguments, n in
    let a = PositionRows(arguments, 0), b = PositionRows(arguments, 2), isSpheroid = BoolRows(arguments[4])
    return try Optional<Double>.collect(n) { i in
      guard let p = a.position(i), let q = b.position(i) else { return nil }
      return isSpheroid[i] ? Spheroid.distance(p, q) : Geodesic.distance(p.vector, q.vector)
    }
  },
  geo("geo_azimuth", .real, [.real, .real, .real, .real], "lng1, lat1, lng2, lat2", "The direction from one point to another, in radians clockwise from north.",
    "geo_azimuth(5, 10, 10, -40)") { arguments, n in
    let a = PositionRows(arguments, 0), b = PositionRows(arguments, 2)
    return try Optional<Double>.collect(n) { i in
      guard let p = a[i], let q = b[i] else { return nil }
      return Geodesic.azimuth(p, q)
    }
  },
  geo("geo_angle", .real, Array(repeating: .real, count: 6), "lng1, lat1, lng2, lat2, lng3, lat3",
    "The angle at the second point from the first clockwise to the third, in radians.", "geo_angle(0, 10, 0, 5, 3, -10)") { arguments, n in
    let a = PositionRows(arguments, 0), b = PositionRows(arguments, 2), c = PositionRows(arguments, 4)
    return try Optional<Double>.collect(n) { i in
      guard let p = a[i], let q = b[i], let r = c[i] else { return nil }
      return Geodesic.angle(p, q, r)
    }
  },
  geo("geo_point_in_circle", .bool, Array(repeating: .real, count: 5), "lng, lat, center_lng, center_lat, radius",
    "True when a point lies within a radius in metres.", "geo_point_in_circle(-122.143564, 47.535677, -122.100896, 47.527351, 3500)") { arguments, n in
    let a = PositionRows(arguments, 0), b = PositionRows(arguments, 2), radius = RealRows(arguments[4])
    return try Optional<Bool>.collect(n) { i in
      guard let p = a[i], let q = b[i], radius[i] > 0 else { return nil }
      return Geodesic.distance(p, q) <= radius[i]
    }
  },
  geo("geo_point_in_polygon", .bool, [.real, .real, .dynamic], "lng, lat, polygon", "True when a point lies in a polygon or multipolygon.",
    "geo_point_in_polygon(-73.96, 40.79, \(geoPolygon))") { arguments, n in
    let point = PositionRows(arguments, 0), shape = ShapeRows<RegionIndex>(arguments[2])
    return try Optional<Bool>.collect(n) { i in
      guard let p = point[i], let region = shape[i] else { return nil }
      return region.contains(p)
    }
  },
  geo("geo_distance_point_to_line", .real, [.real, .real, .dynamic], "lng, lat, line", "Metres from a point to a line or multiline.",
    "geo_distance_point_to_line(-73.9, 40.8, \(geoLine))") { arguments, n in
    let point = PositionRows(arguments, 0), shape = ShapeRows<LineSet>(arguments[2])
    return try Optional<Double>.collect(n) { i in
      guard let p = point[i], let line = shape[i] else { return nil }
      return line.nearest(p).distance
    }
  },
  geo("geo_distance_point_to_polygon", .real, [.real, .real, .dynamic], "lng, lat, polygon",
    "Metres from a point to a polygon or multipolygon; 0 inside.", "geo_distance_point_to_polygon(-73.9, 40.8, \(geoPolygon))") { arguments, n in
    let point = PositionRows(arguments, 0), shape = ShapeRows<RegionIndex>(arguments[2])
    return try Optional<Double>.collect(n) { i in
      guard let p = point[i], let region = shape[i] else { return nil }
      return region.distance(p)
    }
  },
  geo("geo_closest_point_on_line", .dynamic, [.real, .real, .dynamic], "lng, lat, line", "The point of a line or multiline nearest to a point.",
    "geo_closest_point_on_line(-73.9, 40.8, \(geoLine))") { arguments, n in
    let point = PositionRows(arguments, 0), shape = ShapeRows<LineSet>(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let p = point[i], let line = shape[i] else { return .null }
      return GeoJSON.point(line.nearest(p).point)
    }
  },
  geo("geo_closest_point_on_polygon", .dynamic, [.real, .real, .dynamic], "lng, lat, polygon",
    "The point of a polygon or multipolygon nearest to a point; the point itself inside.", "geo_closest_point_on_polygon(-73.9, 40.8, \(geoPolygon))") { arguments, n in
    let point = PositionRows(arguments, 0), shape = ShapeRows<RegionIndex>(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let p = point[i], let region = shape[i] else { return .null }
      return GeoJSON.point(region.nearest(p))
    }
  },
  geo("geo_point_buffer", .dynamic, [.real, .real, .real, .real], defaults: [.real(10)], "lng, lat, radius [, tolerance]",
    "The polygon of everything within a radius in metres of a point.", "geo_point_buffer(-115.17, 36.15, 2000)") { arguments, n in
    let point = PositionRows(arguments, 0), radius = RealRows(arguments[2]), tolerance = RealRows(arguments[3])
    return try DynamicValue.collect(n) { i in
      guard let p = point[i], let buffer = ShapeBuffer(radius: radius[i], tolerance: tolerance[i]) else { return .null }
      return GeoJSON.value(buffer.around(p).geometry)
    }
  },
  cellOfPoint("geo_point_to_geohash", 5, "accuracy", "The geohash of a point with 1 to 18 characters.") { Geohash($0, length: $1)?.text },
  cellOfPoint("geo_point_to_s2cell", 11, "level", "The token of the S2 cell of a level 0 to 30 that holds a point.") { S2Cell($0.vector, level: $1)?.token },
  cellOfPoint("geo_point_to_h3cell", 6, "resolution", "The token of the H3 cell of a resolution 0 to 15 that holds a point.") { H3Cell($0.vector, resolution: $1)?.token },
]

/// The cell of a grid as text; empty for invalid positions and levels.
private func cellOfPoint(
  _ name: String, _ level: Int64, _ parameter: String, _ summary: String, _ cell: @escaping @Sendable (LngLat, Int) -> String?
) -> FunctionSpec {
  geo(name, .string, [.real, .real, .long], defaults: [.long(level)], "lng, lat [, \(parameter)]", summary, "\(name)(-80.195829, 25.802215, 8)") { arguments, n in
    let point = PositionRows(arguments, 0), level = LongRows(arguments[2])
    return try String.collect(n) { i in
      guard let p = point.position(i), let level = Int(exactly: level[i]) else { return "" }
      return cell(p, level) ?? ""
    }
  }
}
