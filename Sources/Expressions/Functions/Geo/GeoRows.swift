// Role: the arguments of geospatial functions row by row: positions from two columns, shapes from a dynamic one. A constant shape is read,
// checked and indexed once per batch, one of a dictionary once per value.

import Columnar
import Geospatial

/// A shape made from a geometry.
protocol GeoShape {
  /// Nil when the geometry is of another kind or not valid.
  static func shape(_ geometry: Geometry) -> Self?
}

extension LineSet: GeoShape {
  static func shape(_ geometry: Geometry) -> LineSet? { LineSet(geometry) }
}

extension Region: GeoShape {
  static func shape(_ geometry: Geometry) -> Region? { Region(geometry) }
}

extension RegionIndex: GeoShape {
  static func shape(_ geometry: Geometry) -> RegionIndex? { Region(geometry).map { RegionIndex($0) } }
}

/// Valid positions, nil for others.
struct PositionRows {
  private let lng: RealRows
  private let lat: RealRows

  /// The columns at `first` and behind it.
  init(_ arguments: [ColumnVector], _ first: Int) {
    lng = RealRows(arguments[first])
    lat = RealRows(arguments[first + 1])
  }

  @inline(__always) func position(_ i: Int) -> LngLat? { LngLat(lng[i], lat[i]) }
  @inline(__always) subscript(i: Int) -> Vector? { position(i)?.vector }
}

/// Shapes of a dynamic column.
final class ShapeRows<Shape: GeoShape> {
  private static var maxKept: Int { 4_096 }
  private let rows: DynamicRows
  private let vector: ColumnVector
  private let repeats: Bool
  private var kept: [Int: Shape?] = [:]

  init(_ vector: ColumnVector) {
    rows = DynamicRows(vector)
    self.vector = vector
    repeats = vector.isConstant || vector.isDictionary
  }

  // SAFETY: a dictionary's codes exist for each row below the vector's count; kernels keep their arguments, and with them the codes, alive.
  subscript(i: Int) -> Shape? {
    // A null row has a code too, of some other row's value.
    guard repeats, vector.isValid(i) else { return make(i) }
    let slot = unsafe rows.text.codes.map { unsafe Int($0[i]) } ?? 0
    if let known = kept[slot] { return known }
    let shape = make(i)
    if kept.count < Self.maxKept { kept[slot] = .some(shape) }
    return shape
  }

  private func make(_ i: Int) -> Shape? { GeoJSON.geometry(rows[i]).flatMap { Shape.shape($0) } }
}

/// The shapes of an array of geometries; nil when it is empty or one of them is not valid.
func shapes<Shape: GeoShape>(_: Shape.Type, _ array: DynamicView) -> [Shape]? {
  guard array.tag == .array, array.childCount > 0 else { return nil }
  var out: [Shape] = []
  for i in 0..<array.childCount {
    guard let element = array.element(i), let geometry = GeoJSON.geometry(element), let shape = Shape.shape(geometry) else { return nil }
    out.append(shape)
  }
  return out
}

/// A geospatial function whose arguments are converted to fixed types; the last ones may be left out and take these values.
func geo(
  _ name: String, _ type: DataType, _ parameters: [DataType], defaults: [Scalar] = [], _ signature: String, _ summary: String, _ example: String,
  _ kernel: @escaping Kernel
) -> FunctionSpec {
  FunctionSpec(name, .geospatial, parameters.count - defaults.count...parameters.count, parameters: signature, summary, example: example) { call in
    BoundFunction(type, Array(parameters.prefix(call.count))) { arguments, n in
      try kernel(arguments + defaults.suffix(parameters.count - arguments.count).map { .constant($0, count: n) }, n)
    }
  }
}

/// A line for examples.
let geoLine = #"dynamic({"type":"LineString","coordinates":[[-73.95796,40.80042],[-73.97317,40.764486]]})"#
/// A polygon for examples.
let geoPolygon = #"dynamic({"type":"Polygon","coordinates":[[[-73.9495,40.7969],[-73.95807,40.80068],[-73.98201,40.76825],[-73.97317,40.76455],[-73.9495,40.7969]]]})"#
