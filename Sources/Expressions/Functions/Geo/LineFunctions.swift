// Role: geospatial functions of lines. Source: Kusto "Geospatial functions".

import Columnar
import Geospatial

let geoLineFunctions: [FunctionSpec] = [
  geo("geo_line_length", .real, [.dynamic], "line", "Metres along a line or multiline.", "geo_line_length(\(geoLine))") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0])
    return try Optional<Double>.collect(n) { shape[$0]?.unified.length }
  },
  geo("geo_line_centroid", .dynamic, [.dynamic], "line", "The centre of mass of a line or multiline.", "geo_line_centroid(\(geoLine))") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0])
    return try DynamicValue.collect(n) { GeoJSON.point(shape[$0]?.unified.centroid) }
  },
  geo("geo_line_interpolate_point", .dynamic, [.dynamic, .real], "line, fraction", "The point at a fraction 0 to 1 of a line's length.",
    "geo_line_interpolate_point(\(geoLine), 0.25)") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0]), fraction = RealRows(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let line = shape[i], line.lines.count == 1, (0...1).contains(fraction[i]) else { return .null }
      return GeoJSON.point(line.point(at: fraction[i]))
    }
  },
  geo("geo_line_locate_point", .real, [.dynamic, .real, .real, .bool], defaults: [.bool(false)], "line, lng, lat [, use_spheroid]",
    "The fraction 0 to 1 of a line's length at the point nearest to a point.", "geo_line_locate_point(\(geoLine), -73.965, 40.792)") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0]), point = PositionRows(arguments, 1), isSpheroid = BoolRows(arguments[3])
    return try Optional<Double>.collect(n) { i in
      guard let line = shape[i], line.lines.count == 1, let p = point[i] else { return nil }
      return isSpheroid[i] ? line.spheroidFraction(nearest: p) : line.fraction(nearest: p)
    }
  },
  geo("geo_line_simplify", .dynamic, [.dynamic, .real], defaults: [.real(10)], "line [, tolerance]",
    "A line or multiline without the points that matter less than a tolerance in metres.", "geo_line_simplify(\(geoLine), 100)") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0]), tolerance = RealRows(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let line = shape[i], isSimplifyTolerance(tolerance[i]) else { return .null }
      return GeoJSON.optional(line.unified.simplified(tolerance: tolerance[i])?.geometry)
    }
  },
  geo("geo_line_buffer", .dynamic, [.dynamic, .real, .real], defaults: [.real(10)], "line, radius [, tolerance]",
    "The polygon of everything within a radius in metres of a line or multiline.", "geo_line_buffer(\(geoLine), 100)") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0]), radius = RealRows(arguments[1]), tolerance = RealRows(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let line = shape[i], let buffer = ShapeBuffer(radius: radius[i], tolerance: tolerance[i]) else { return .null }
      return GeoJSON.value(buffer.around(line).geometry)
    }
  },
  geo("geo_line_to_s2cells", .dynamic, [.dynamic, .long, .real], defaults: [.long(11), .real(0)], "line [, level [, radius]]",
    "The tokens of the S2 cells of a level that a line or multiline meets.", "geo_line_to_s2cells(\(geoLine), 14)") { arguments, n in
    let shape = ShapeRows<LineSet>(arguments[0]), level = LongRows(arguments[1]), radius = RealRows(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let line = shape[i], let level = Int(exactly: level[i]) else { return .null }
      return tokens(S2Covering.cells(of: line, level: level, radius: radius[i])?.map(\.token))
    }
  },
  geo("geo_line_densify", .dynamic, [.dynamic, .real, .bool], defaults: [.real(10), .bool(false)], "line [, tolerance [, preserve_crossing]]",
    "A line or multiline drawn straight on a flat map, with points added until great-circle edges follow it.", "geo_line_densify(\(geoLine), 10)",
    densify { LineSet($0) != nil }),
  geo("geo_intersects_2lines", .bool, [.dynamic, .dynamic], "line1, line2", "True when two lines or multilines have a point in common.",
    "geo_intersects_2lines(\(geoLine), \(geoLine))") { arguments, n in
    let a = ShapeRows<LineSet>(arguments[0]), b = ShapeRows<LineSet>(arguments[1])
    return try Optional<Bool>.collect(n) { i in
      guard let first = a[i], let second = b[i] else { return nil }
      return first.intersects(second)
    }
  },
  geo("geo_intersection_2lines", .dynamic, [.dynamic, .dynamic], "line1, line2", "What two lines or multilines have in common.",
    "geo_intersection_2lines(\(geoLine), \(geoLine))") { arguments, n in
    let a = ShapeRows<LineSet>(arguments[0]), b = ShapeRows<LineSet>(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let first = a[i], let second = b[i] else { return .null }
      return GeoJSON.value(first.intersection(second).geometry)
    }
  },
  geo("geo_intersects_line_with_polygon", .bool, [.dynamic, .dynamic], "line, polygon", "True when a line has a point in common with a polygon.",
    "geo_intersects_line_with_polygon(\(geoLine), \(geoPolygon))") { arguments, n in
    let a = ShapeRows<LineSet>(arguments[0]), b = ShapeRows<RegionIndex>(arguments[1])
    return try Optional<Bool>.collect(n) { i in
      guard let line = a[i], let region = b[i] else { return nil }
      return line.intersects(region)
    }
  },
  geo("geo_intersection_line_with_polygon", .dynamic, [.dynamic, .dynamic], "line, polygon", "The stretches of a line inside a polygon.",
    "geo_intersection_line_with_polygon(\(geoLine), \(geoPolygon))") { arguments, n in
    let a = ShapeRows<LineSet>(arguments[0]), b = ShapeRows<RegionIndex>(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let line = a[i], let region = b[i] else { return .null }
      return GeoJSON.value(line.intersection(region).geometry)
    }
  },
  geo("geo_union_lines_array", .dynamic, [.dynamic], "lines", "An array of lines and multilines as one, common stretches once.",
    "geo_union_lines_array(pack_array(\(geoLine)))") { arguments, n in
    let arrays = DynamicRows(arguments[0])
    return try DynamicValue.collect(n) { GeoJSON.optional(shapes(LineSet.self, arrays[$0]).map { LineSet.union($0).geometry }) }
  },
]

/// Metres; up to about 70° of a great circle.
func isSimplifyTolerance(_ metres: Double) -> Bool { metres >= 0 && metres <= 7_800_000 }

/// Tokens as an array; null for none.
func tokens(_ texts: [String]?) -> DynamicValue { texts.map { .array($0.map { .string($0) }) } ?? .null }

/// A geometry, a tolerance and a flag: densified, null when it is not valid.
func densify(_ isValid: @escaping @Sendable (Geometry) -> Bool) -> Kernel {
  { arguments, n in
    let geometry = DynamicRows(arguments[0]), tolerance = RealRows(arguments[1]), crosses = BoolRows(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let densifier = Densifier(tolerance: tolerance[i], crossesAntimeridian: crosses[i]) else { return .null }
      guard let given = GeoJSON.geometry(geometry[i]), isValid(given) else { return .null }
      return GeoJSON.optional(densifier.densified(given))
    }
  }
}
