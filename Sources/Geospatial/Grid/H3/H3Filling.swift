// Role: the H3 cells whose centres lie in a polygon drawn straight in longitude and latitude: a descent from the base cells that keeps those
// near the polygon's rectangle.

#if canImport(Glibc)
import Glibc
#endif

/// Fills polygons with cells of one resolution.
package struct H3Filling {
  /// Most cells of a result.
  package static let maxCells = 61_680

  private let resolution: Int
  private let polygon: PlanePolygon
  private var cells: [H3Cell] = []

  /// The cells in order of their numbers; nil for a resolution outside 0…15 and for too many cells.
  package static func cells(of region: Region, resolution: Int) -> [H3Cell]? {
    guard (0...H3Cell.maxResolution).contains(resolution) else { return nil }
    var out: Set<H3Cell> = []
    for rings in region.coordinates {
      var filling = H3Filling(resolution: resolution, polygon: PlanePolygon(rings))
      for cell in H3Cell.baseCells { guard filling.visit(cell) else { return nil } }
      out.formUnion(filling.cells)
      guard out.count <= maxCells else { return nil }
    }
    return out.sorted { $0.id < $1.id }
  }

  private init(resolution: Int, polygon: PlanePolygon) {
    self.resolution = resolution
    self.polygon = polygon
  }

  private mutating func visit(_ cell: H3Cell) -> Bool {
    let center = cell.center
    if cell.resolution == resolution {
      if polygon.contains(LngLat(center)) { cells.append(cell) }
      return cells.count <= H3Filling.maxCells
    }
    // Descendants stick out of a cell by less than its own radius.
    let reach = cell.boundary.reduce(0) { max($0, $1.angle(to: center)) } * 1.5
    guard polygon.isNear(LngLat(center), reach) else { return true }
    for child in cell.children(cell.resolution + 1) ?? [] { guard visit(child) else { return false } }
    return true
  }
}

/// A polygon drawn in longitude and latitude. Rings over more than 180° of longitude are taken to cross the antimeridian.
private struct PlanePolygon {
  let rings: [[LngLat]]
  let low: LngLat
  let high: LngLat
  let crosses: Bool

  init(_ rings: [[LngLat]]) {
    let lngs = rings.joined().map(\.lng), lats = rings.joined().map(\.lat)
    let crosses = (lngs.max() ?? 0) - (lngs.min() ?? 0) > 180
    self.crosses = crosses
    self.rings = rings.map { $0.map { LngLat(unchecked: crosses && $0.lng < 0 ? $0.lng + 360 : $0.lng, $0.lat) } }
    let x = self.rings.joined().map(\.lng)
    low = LngLat(unchecked: x.min() ?? 0, lats.min() ?? 0)
    high = LngLat(unchecked: x.max() ?? 0, lats.max() ?? 0)
  }

  func contains(_ p: LngLat) -> Bool {
    let x = crosses && p.lng < 0 ? p.lng + 360 : p.lng
    guard x >= low.lng, x <= high.lng, p.lat >= low.lat, p.lat <= high.lat else { return false }
    var inside = false
    for ring in rings {
      for i in ring.indices.dropLast() {
        let a = ring[i], b = ring[i + 1]
        guard (a.lat > p.lat) != (b.lat > p.lat) else { continue }
        if x < (b.lng - a.lng) * (p.lat - a.lat) / (b.lat - a.lat) + a.lng { inside.toggle() }
      }
    }
    return inside
  }

  /// True when the rectangle may lie within an angle in radians of a position.
  func isNear(_ p: LngLat, _ angle: Double) -> Bool {
    let degrees = angle * (180 / .pi)
    guard p.lat >= low.lat - degrees, p.lat <= high.lat + degrees else { return false }
    // Near a pole every longitude may be within reach.
    let flat = min(90, p.lat.magnitude + degrees)
    guard flat < 89 else { return true }
    let spread = degrees / cos(flat * (.pi / 180))
    return [p.lng - 360, p.lng, p.lng + 360].contains { $0 >= low.lng - spread && $0 <= high.lng + spread }
  }
}
