// Role: GeoJSON in dynamic columns to geometries and back. Source: RFC 7946.

import Columnar
import Geospatial

/// Reads and writes geometries as dynamic values.
enum GeoJSON {
  private static let maxDepth = 16

  /// The geometry of a bag with `type` and `coordinates`; nil for everything else. Whether its coordinates make sense is not checked.
  // SAFETY: the string's bytes are a window on the value's memory, which the caller keeps alive, and are copied.
  static func geometry(_ value: DynamicView, depth: Int = 0) -> Geometry? {
    guard depth < maxDepth, let type = member(value, "type"), type.tag == .string else { return nil }
    let name = unsafe String(decoding: type.stringBytes, as: UTF8.self)
    if name == "GeometryCollection" {
      guard let parts = member(value, "geometries") else { return nil }
      return list(parts) { geometry($0, depth: depth + 1) }.map { .collection($0) }
    }
    guard let coordinates = member(value, "coordinates") else { return nil }
    switch name {
    case "Point": return position(coordinates).map { .point($0) }
    case "MultiPoint": return line(coordinates).map { .multiPoint($0) }
    case "LineString": return line(coordinates).map { .lineString($0) }
    case "MultiLineString": return list(coordinates, line).map { .multiLineString($0) }
    case "Polygon": return list(coordinates, line).map { .polygon($0) }
    case "MultiPolygon": return list(coordinates) { list($0, line) }.map { .multiPolygon($0) }
    default: return nil
    }
  }

  // SAFETY: the key's bytes live for the call; what is found is a window on the bag's memory.
  private static func member(_ bag: DynamicView, _ key: String) -> DynamicView? {
    var key = key
    return key.withUTF8 { unsafe bag.value(forKey: $0) }
  }

  private static func list<T>(_ array: DynamicView, _ item: (DynamicView) -> T?) -> [T]? {
    guard array.tag == .array else { return nil }
    var out: [T] = []
    out.reserveCapacity(array.childCount)
    for i in 0..<array.childCount {
      guard let element = array.element(i), let value = item(element) else { return nil }
      out.append(value)
    }
    return out
  }

  private static func line(_ array: DynamicView) -> [LngLat]? { list(array, position) }

  /// Longitude and latitude; further numbers (a height) are left out.
  private static func position(_ array: DynamicView) -> LngLat? {
    guard array.tag == .array, array.childCount >= 2, let x = array.element(0), let y = array.element(1), let lng = number(x), let lat = number(y) else {
      return nil
    }
    return LngLat(unchecked: lng, lat)
  }

  private static func number(_ value: DynamicView) -> Double? {
    switch value.tag {
    case .long: Double(value.int64)
    case .real: value.real
    case .decimal: value.decimal.doubleValue
    default: nil
    }
  }

  /// `{"type": …, "coordinates": …}`.
  static func value(_ geometry: Geometry) -> DynamicValue {
    switch geometry {
    case .point(let p): shape("Point", position(p))
    case .multiPoint(let points): shape("MultiPoint", line(points))
    case .lineString(let points): shape("LineString", line(points))
    case .multiLineString(let lines): shape("MultiLineString", .array(lines.map(line)))
    case .polygon(let rings): shape("Polygon", .array(rings.map(line)))
    case .multiPolygon(let polygons): shape("MultiPolygon", .array(polygons.map { .array($0.map(line)) }))
    case .collection(let parts):
      .bag([DynamicEntry("type", .string("GeometryCollection")), DynamicEntry("geometries", .array(parts.map(value)))])
    }
  }

  private static func shape(_ type: String, _ coordinates: DynamicValue) -> DynamicValue {
    .bag([DynamicEntry("type", .string(type)), DynamicEntry("coordinates", coordinates)])
  }

  private static func line(_ points: [LngLat]) -> DynamicValue { .array(points.map(position)) }
  private static func position(_ p: LngLat) -> DynamicValue { .array([number(p.lng), number(p.lat)]) }

  /// Whole numbers as such.
  private static func number(_ x: Double) -> DynamicValue { Int64(exactly: x).map { .long($0) } ?? .real(x) }
}

extension GeoJSON {
  /// A point as GeoJSON; null for none.
  static func point(_ v: Vector?) -> DynamicValue { v.map { value(.point(LngLat($0))) } ?? .null }

  /// A geometry as GeoJSON; null for none.
  static func optional(_ geometry: Geometry?) -> DynamicValue { geometry.map { value($0) } ?? .null }
}
