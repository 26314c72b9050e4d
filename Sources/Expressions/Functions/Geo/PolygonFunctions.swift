// Role: geospatial functions of polygons. Source: Kusto "Geospatial functions".

import Columnar
import Geospatial

let geoPolygonFunctions: [FunctionSpec] = [
  geo("geo_polygon_area", .real, [.dynamic], "polygon", "Square metres of a polygon or multipolygon.", "geo_polygon_area(\(geoPolygon))") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0])
    return try Optional<Double>.collect(n) { shape[$0]?.unified.area }
  },
  geo("geo_polygon_perimeter", .real, [.dynamic], "polygon", "Metres around a polygon or multipolygon, holes included.", "geo_polygon_perimeter(\(geoPolygon))") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0])
    return try Optional<Double>.collect(n) { shape[$0]?.unified.perimeter }
  },
  geo("geo_polygon_centroid", .dynamic, [.dynamic], "polygon", "The centre of mass of a polygon or multipolygon.", "geo_polygon_centroid(\(geoPolygon))") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0])
    return try DynamicValue.collect(n) { GeoJSON.point(shape[$0]?.unified.centroid) }
  },
  geo("geo_polygon_simplify", .dynamic, [.dynamic, .real], defaults: [.real(10)], "polygon [, tolerance]",
    "A polygon or multipolygon without the points that matter less than a tolerance in metres.", "geo_polygon_simplify(\(geoPolygon), 100)") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0]), tolerance = RealRows(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let region = shape[i], isSimplifyTolerance(tolerance[i]) else { return .null }
      return GeoJSON.optional(region.unified.simplified(tolerance: tolerance[i])?.geometry)
    }
  },
  geo("geo_simplify_polygons_array", .dynamic, [.dynamic, .real], defaults: [.real(10)], "polygons [, tolerance]",
    "An array of polygons simplified together, so that common borders stay common.", "geo_simplify_polygons_array(pack_array(\(geoPolygon)), 100)") { arguments, n in
    let arrays = DynamicRows(arguments[0]), tolerance = RealRows(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let regions = shapes(Region.self, arrays[i]), isSimplifyTolerance(tolerance[i]) else { return .null }
      return GeoJSON.optional(Region(joining: regions).simplified(tolerance: tolerance[i])?.geometry)
    }
  },
  geo("geo_polygon_buffer", .dynamic, [.dynamic, .real, .real], defaults: [.real(10)], "polygon, radius [, tolerance]",
    "The polygon of everything within a radius in metres of a polygon or multipolygon.", "geo_polygon_buffer(\(geoPolygon), 100)") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0]), radius = RealRows(arguments[1]), tolerance = RealRows(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let region = shape[i], let buffer = ShapeBuffer(radius: radius[i], tolerance: tolerance[i]) else { return .null }
      return GeoJSON.value(buffer.around(region).geometry)
    }
  },
  geo("geo_polygon_to_s2cells", .dynamic, [.dynamic, .long, .real], defaults: [.long(11), .real(0)], "polygon [, level [, radius]]",
    "The tokens of the S2 cells of a level that a polygon or multipolygon meets.", "geo_polygon_to_s2cells(\(geoPolygon), 12)") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0]), level = LongRows(arguments[1]), radius = RealRows(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard let region = shape[i], let level = Int(exactly: level[i]) else { return .null }
      return tokens(S2Covering.cells(of: region, level: level, radius: radius[i])?.map(\.token))
    }
  },
  geo("geo_polygon_to_h3cells", .dynamic, [.dynamic, .long, .real], defaults: [.long(6), .real(0)], "polygon [, resolution [, radius]]",
    "The tokens of the H3 cells of a resolution whose centres lie in a polygon or multipolygon.", "geo_polygon_to_h3cells(\(geoPolygon), 8)") { arguments, n in
    let shape = ShapeRows<Region>(arguments[0]), resolution = LongRows(arguments[1]), radius = RealRows(arguments[2])
    return try DynamicValue.collect(n) { i in
      guard var region = shape[i], let resolution = Int(exactly: resolution[i]), radius[i] >= 0 else { return .null }
      if radius[i] > 0 {
        guard let buffer = ShapeBuffer(radius: radius[i], tolerance: min(10, radius[i])) else { return .null }
        region = buffer.around(region)
      }
      return tokens(H3Filling.cells(of: region, resolution: resolution)?.map(\.token))
    }
  },
  geo("geo_polygon_densify", .dynamic, [.dynamic, .real, .bool], defaults: [.real(10), .bool(false)], "polygon [, tolerance [, preserve_crossing]]",
    "A polygon or multipolygon drawn straight on a flat map, with points added until great-circle edges follow it.", "geo_polygon_densify(\(geoPolygon), 10)",
    densify { Region($0) != nil }),
  geo("geo_intersects_2polygons", .bool, [.dynamic, .dynamic], "polygon1, polygon2", "True when two polygons or multipolygons have a point in common.",
    "geo_intersects_2polygons(\(geoPolygon), \(geoPolygon))") { arguments, n in
    let a = ShapeRows<Region>(arguments[0]), b = ShapeRows<Region>(arguments[1])
    return try Optional<Bool>.collect(n) { i in
      guard let first = a[i], let second = b[i] else { return nil }
      return first.intersects(second)
    }
  },
  geo("geo_intersection_2polygons", .dynamic, [.dynamic, .dynamic], "polygon1, polygon2", "What two polygons or multipolygons have in common.",
    "geo_intersection_2polygons(\(geoPolygon), \(geoPolygon))") { arguments, n in
    let a = ShapeRows<Region>(arguments[0]), b = ShapeRows<Region>(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard let first = a[i], let second = b[i] else { return .null }
      return GeoJSON.value(first.unified.intersection(second.unified).geometry)
    }
  },
  geo("geo_union_polygons_array", .dynamic, [.dynamic], "polygons", "An array of polygons and multipolygons as one.",
    "geo_union_polygons_array(pack_array(\(geoPolygon)))") { arguments, n in
    let arrays = DynamicRows(arguments[0])
    return try DynamicValue.collect(n) { GeoJSON.optional(shapes(Region.self, arrays[$0]).map { Region(joining: $0).unified.geometry }) }
  },
  // SAFETY: the row is a window on the argument's memory, which lives for the call, and is copied.
  geo("geo_from_wkt", .dynamic, [.string], "text", "The geometry of a well-known text as GeoJSON.", "geo_from_wkt('POINT (1 2)')") { arguments, n in
    let text = TextRows(arguments[0])
    return try DynamicValue.collect(n) { GeoJSON.optional(WellKnownText.parse(unsafe Array(text[$0]))) }
  },
]
