// Role: functions of the cells of the geohash, S2 and H3 grids. Source: Kusto "Geospatial functions".

import Columnar
import Geospatial

/// A function of a cell given as text that gives a dynamic value, null for what is no cell.
// SAFETY: rows are windows on the argument's memory, which lives for the call, and are copied.
private func ofCell(_ name: String, _ parameter: String, _ summary: String, _ cell: String, _ f: @escaping @Sendable ([UInt8]) -> DynamicValue?) -> FunctionSpec {
  geo(name, .dynamic, [.string], parameter, summary, "\(name)('\(cell)')") { arguments, n in
    let text = TextRows(arguments[0])
    return try DynamicValue.collect(n) { f(unsafe Array(text[$0])) ?? .null }
  }
}

private let h3 = "862a1072fffffff"

// SAFETY: as above, for all functions with a text here.
let geoCellFunctions: [FunctionSpec] = [
  ofCell("geo_geohash_to_central_point", "geohash", "The point in the middle of a geohash rectangle.", "sunny") { Geohash($0).map { GeoJSON.value(.point($0.center)) } },
  ofCell("geo_geohash_to_polygon", "geohash", "The rectangle of a geohash.", "sunny") { Geohash($0).map { GeoJSON.value($0.polygon) } },
  ofCell("geo_geohash_neighbors", "geohash", "The geohashes around one.", "sunny") { Geohash($0).map { tokens($0.neighbors.map(\.text)) } },
  ofCell("geo_s2cell_to_central_point", "cell", "The point in the middle of an S2 cell.", "89c259") { S2Cell(token: $0).map { GeoJSON.point($0.center) } },
  ofCell("geo_s2cell_to_polygon", "cell", "The polygon of an S2 cell.", "89c259") { S2Cell(token: $0).map { GeoJSON.value($0.polygon) } },
  ofCell("geo_s2cell_neighbors", "cell", "The S2 cells of the same level around one.", "89c259") { S2Cell(token: $0).map { tokens($0.neighbors.map(\.token)) } },
  ofCell("geo_h3cell_to_central_point", "cell", "The point in the middle of an H3 cell.", h3) { H3Cell(token: $0).map { GeoJSON.point($0.center) } },
  ofCell("geo_h3cell_to_polygon", "cell", "The polygon of an H3 cell.", h3) { H3Cell(token: $0).map { GeoJSON.value($0.polygon) } },
  ofCell("geo_h3cell_neighbors", "cell", "The H3 cells that share an edge with one.", h3) { H3Cell(token: $0).map { tokens($0.neighbors.map(\.token)) } },
  geo("geo_h3cell_level", .int, [.string], "cell", "The resolution of an H3 cell.", "geo_h3cell_level('\(h3)')") { arguments, n in
    let text = TextRows(arguments[0])
    return try Optional<Int32>.collect(n) { H3Cell(token: unsafe Array(text[$0])).map { Int32($0.resolution) } }
  },
  FunctionSpec(
    "geo_h3cell_parent", .geospatial, 1...2, parameters: "cell [, resolution]", "The H3 cell of a coarser resolution that holds one; the next without it.",
    example: "geo_h3cell_parent('\(h3)', 1)"
  ) { call in
    BoundFunction(.string, Array([DataType.string, .long].prefix(call.count))) { arguments, n in
      let text = TextRows(arguments[0]), resolution = arguments.count == 2 ? LongRows(arguments[1]) : nil
      return try String.collect(n) { i in
        guard let cell = H3Cell(token: unsafe Array(text[i])), let wanted = Int(exactly: resolution?[i] ?? Int64(cell.resolution - 1)) else { return "" }
        return cell.parent(wanted)?.token ?? ""
      }
    }
  },
  FunctionSpec(
    "geo_h3cell_children", .geospatial, 1...2, parameters: "cell [, resolution]", "The H3 cells of a finer resolution inside one, up to five levels below.",
    example: "geo_h3cell_children('\(h3)')"
  ) { call in
    BoundFunction(.dynamic, Array([DataType.string, .long].prefix(call.count))) { arguments, n in
      let text = TextRows(arguments[0]), resolution = arguments.count == 2 ? LongRows(arguments[1]) : nil
      return try DynamicValue.collect(n) { i in
        guard let cell = H3Cell(token: unsafe Array(text[i])), let wanted = Int(exactly: resolution?[i] ?? Int64(cell.resolution + 1)),
          (0...5).contains(wanted - cell.resolution)
        else { return .null }
        return tokens(cell.children(wanted)?.map(\.token))
      }
    }
  },
  geo("geo_h3cell_rings", .dynamic, [.string, .long], "cell, distance", "The rings of H3 cells around one up to a distance of 0 to 142.", "geo_h3cell_rings('\(h3)', 2)") { arguments, n in
    let text = TextRows(arguments[0]), distance = LongRows(arguments[1])
    return try DynamicValue.collect(n) { i in
      guard (0...Int64(H3Cell.maxRings)).contains(distance[i]), let cell = H3Cell(token: unsafe Array(text[i])) else { return .null }
      return .array(cell.rings(Int(distance[i])).map { tokens($0.map(\.token)) })
    }
  },
]
