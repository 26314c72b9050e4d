import Geospatial
import Testing

/// Distances, areas and positions, against the figures the Kusto reference prints.
@Suite struct MeasureTests {
  @Test func distance() throws {
    let a = try #require(LngLat(-122.407628, 47.578557)), b = try #require(LngLat(-118.275287, 34.019056))
    #expect(isClose(Geodesic.distance(a.vector, b.vector), 1_546_754.35197381))
  }

  /// Latitude and longitude of two positions and the metres between them, from the tests of GeographicLib; many nearly opposite each other.
  @Test(arguments: [
    (40.6, -73.8, 49.01666667, 2.55, 5_853_226), (36.493349428792, 0, 36.49334942879201, 0.0000008, 0.072), (0, 0, 0, 179, 19_926_189), (0, 0, 0, 180, 20_003_931),
    (88.202499451857, 0, -88.202499451857, 179.981022032992859592, 20_003_898.214), (89.262080389218, 0, -89.262080389218, 179.992207982775375662, 20_003_925.854),
    (89.333123580033, 0, -89.333123580032997687, 179.99295812360148422, 20_003_926.881), (56.320923501171, 0, -56.320923501171, 179.664747671772880215, 19_993_558.287),
    (52.784459512564, 0, -52.784459512563990912, 179.634407464943777557, 19_991_596.095), (0, 0, 0, 179.5, 19_980_862), (0, 0, 1, 180, 19_893_357), (90, 10, -90, 20, 20_003_931.459),
    (90, 10, 90, 20, 0), (12, 34, 12, 34, 0),
  ] as [(Double, Double, Double, Double, Double)]) func spheroid(_ lat1: Double, _ lng1: Double, _ lat2: Double, _ lng2: Double, _ metres: Double) throws {
    let a = try #require(LngLat(lng1, lat1)), b = try #require(LngLat(lng2, lat2))
    let allowed = metres == metres.rounded() ? 0.5 : 0.0005
    #expect((Spheroid.distance(a, b) - metres).magnitude <= allowed)
    #expect((Spheroid.distance(b, a) - metres).magnitude <= allowed)
  }

  @Test func directions() throws {
    #expect(isClose(try #require(Geodesic.azimuth(at(5, 10), at(10, -40))), 3.05459939796449))
    #expect(isClose(try #require(Geodesic.angle(at(0, 10), at(0, 5), at(3, -10))), 2.94493843406882))
    #expect(Geodesic.azimuth(at(5, 10), at(5, 10)) == nil)
    #expect(Geodesic.azimuth(at(5, 10), at(-175, -10)) == nil)
  }

  @Test func polygon() throws {
    let region = try #require(Region(centralPark))
    #expect(isClose(region.area, 3_475_207.28346606))
    #expect(isClose(region.perimeter, 9_930.30149604938))
    #expect(isNear(try #require(region.centroid), -73.965735689907618, 40.782550538057812))
    let index = RegionIndex(region)
    #expect(isClose(index.distance(at(-73.9839, 40.7705)), 259.940756070596))
    #expect(isNear(index.nearest(at(-73.9839, 40.7705)), -73.981205580153926, 40.769359452843211))
    #expect(index.contains(at(-73.9657, 40.7825)))
    #expect(!index.contains(at(-73.9657, -40.7825)))
    #expect(!index.contains(at(106.0343, 40.7825)))
  }

  @Test(arguments: [
    [[0.0, 0.0], [10, 10], [10, 10], [0, 0]], [[0, 0], [10, 10], [0, 0]], [[0, 0], [10, 0], [0, 10], [10, 10], [0, 0]],
    [[0, 0], [10, 0], [10, 10]], [[0, 0], [200, 0], [10, 10], [0, 0]], [[0, 0], [180, 0], [10, 10], [0, 0]],
  ]) func invalidPolygons(_ ring: [[Double]]) { #expect(Region(.polygon([positions(ring)])) == nil) }

  /// The smaller of the two regions is meant, whatever the order of the ring; poles may lie inside.
  @Test(arguments: [false, true]) func poles(_ isReversed: Bool) throws {
    let ring = stride(from: -180.0, through: 180, by: 30).map { [$0, -60.0] }
    var cap = Array(ring.dropLast()) + [ring[0]]
    if isReversed { cap.reverse() }
    let region = try #require(Region(.polygon([positions(cap)])))
    let index = RegionIndex(region)
    #expect(index.contains(at(0, -90)) && index.contains(at(77, -80)))
    #expect(!index.contains(at(0, 90)) && !index.contains(at(77, 0)))
    #expect(region.area < 0.51e15 / 10)
  }

  @Test func lines() throws {
    let line = try #require(LineSet(.lineString(positions([[-73.95796, 40.80042], [-73.97317, 40.764486]]))))
    #expect(isNear(line.point(at: 0.25), -73.961764043218281, 40.791436687257232))
    #expect(isClose(line.fraction(nearest: at(-73.965, 40.792)), 0.25560135100307552))
    #expect(isNear(try #require(line.centroid), -73.965567057230942, 40.782453249627416))
    let path = try #require(LineSet(.lineString(positions([
      [-73.95807266235352, 40.800426144169315], [-73.94966125488281, 40.79691751000055], [-73.97317886352539, 40.764486356930334],
    ]))))
    #expect(isClose(path.length, 4_922.48016992081))
    #expect(LineSet(.lineString(positions([[1, 1]]))) == nil)
  }

  @Test func densify() throws {
    let densifier = try #require(Densifier(tolerance: 10, crossesAntimeridian: false))
    let square = Geometry.polygon([positions([[10, 10], [11, 10], [11, 11], [10, 11], [10, 10]])])
    let expected = [[10.0, 10.0], [10.25, 10], [10.5, 10], [10.75, 10], [11, 10], [11, 11], [10.75, 11], [10.5, 11], [10.25, 11], [10, 11], [10, 10]]
    #expect(densifier.densified(square) == Geometry.polygon([positions(expected)]))
    let diagonal = Geometry.lineString(positions([[50, 50], [51, 51]]))
    let steps = stride(from: 50.0, through: 51, by: 0.125).map { [$0, $0] }
    #expect(densifier.densified(diagonal) == Geometry.lineString(positions(steps)))
    #expect(Densifier(tolerance: 0, crossesAntimeridian: false) == nil)
  }

  @Test func simplify() throws {
    let line = try #require(LineSet(.lineString(positions([
      [-73.97033169865608, 40.789063020152824], [-73.97039607167244, 40.78897975920816], [-73.9704617857933, 40.78888837512432],
      [-73.97052884101868, 40.7887949601531], [-73.97079303860664, 40.788434498977836],
    ]))))
    #expect(line.simplified(tolerance: 10)?.lines[0].count == 2)
    #expect(line.simplified(tolerance: 100_000) == nil)
    let park = try #require(Region(centralPark))
    #expect(park.simplified(tolerance: 10_000) == nil)
    #expect(park.simplified(tolerance: 1)?.area == park.area)
  }
}
