import Geospatial

func at(_ lng: Double, _ lat: Double) -> Vector { LngLat(unchecked: lng, lat).vector }

func positions(_ list: [[Double]]) -> [LngLat] { list.map { LngLat(unchecked: $0[0], $0[1]) } }

/// Equal in ten digits.
func isClose(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude <= 1e-10 * max(a.magnitude, b.magnitude) }

/// Within 0.1 millimetres or so.
func isNear(_ p: Vector, _ lng: Double, _ lat: Double) -> Bool { Geodesic.distance(p, at(lng, lat)) < 1e-4 }

/// Kusto's example polygon.
let centralPark = Geometry.polygon([positions([
  [-73.9495, 40.7969], [-73.95807266235352, 40.80068603561921], [-73.98201942443848, 40.76825672305777], [-73.97317886352539, 40.76455136505513],
  [-73.9495, 40.7969],
])])
