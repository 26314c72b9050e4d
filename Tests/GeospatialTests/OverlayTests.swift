import Geospatial
import Testing

/// Unions, intersections and buffers: the figures of the Kusto reference, and laws that hold for any shapes.
@Suite struct OverlayTests {
  private func region(_ ring: [[Double]]) throws -> Region { try #require(Region(.polygon([positions(ring)]))) }

  @Test func union() throws {
    let first = try #require(Region(centralPark))
    let second = try region([
      [-73.94262313842773, 40.775991804565585], [-73.98107528686523, 40.791849155467695], [-73.99600982666016, 40.77092185281977],
      [-73.96150588989258, 40.75609977566361], [-73.94262313842773, 40.775991804565585],
    ])
    let both = Region.union([first, second])
    #expect(isClose(both.area, 10_889_971.5343487))
    #expect(isClose(both.perimeter, 15_943.5384578745))
    let common = first.intersection(second)
    guard case .polygon(let rings) = common.geometry, let overlap = Region(.polygon(rings)) else {
      Issue.record("no polygon")
      return
    }
    #expect(isClose(first.area + second.area - overlap.area, both.area))
  }

  /// Cells of a grid have edges along the same meridians: the union of nine is a square without inner borders.
  @Test func unionOfGrid() throws {
    let hash = try #require(Geohash(Array("sunny".utf8)))
    let cells = try ([hash] + hash.neighbors).map { try #require(Region($0.polygon)) }
    let all = Region.union(cells)
    #expect(isClose(all.area, cells.reduce(0) { $0 + $1.area }))
    guard case .polygon(let rings) = all.geometry else {
      Issue.record("no polygon")
      return
    }
    #expect(rings.count == 1 && rings[0].count == 13)
    for cell in cells { #expect(RegionIndex(all).contains(cell.centroid ?? at(0, 0))) }
  }

  @Test func touching() throws {
    let first = try region([[2, 45], [0, 45], [1, 44], [2, 45]])
    #expect(first.intersection(try region([[3, 44], [2, 45], [2, 43], [3, 44]])).geometry == .point(LngLat(at(2, 45))))
    let apart = try region([[3, 44], [3, 45], [2, 43], [3, 44]])
    #expect(first.intersection(apart).geometry == .collection([]))
    #expect(!first.intersects(apart))
    #expect(first.intersects(try region([[3, 44], [2, 45], [2, 43], [3, 44]])))
    #expect(first.intersection(first).geometry == first.geometry)
  }

  @Test func lines() throws {
    let first = try #require(LineSet(.lineString(positions([[-73.978929, 40.785155], [-73.980903, 40.782621]]))))
    let second = try #require(LineSet(.lineString(positions([[-73.985195, 40.788275], [-73.974552, 40.779761]]))))
    guard case .point(let p) = first.intersection(second).geometry else {
      Issue.record("no point")
      return
    }
    #expect(isNear(p.vector, -73.979837116670978, 40.783989289772165))
    #expect(first.intersects(second))
    #expect(first.intersection(first).geometry == first.geometry)
  }

  @Test func lineThroughPolygonWithHole() throws {
    let line = try #require(LineSet(.lineString(positions([[-110.522, 39.198], [-91.428, 40.880]]))))
    let polygon = try #require(Region(.polygon([
      positions([[-90.263, 36.738], [-102.041, 45.274], [-109.335, 36.527], [-90.263, 36.738]]),
      positions([[-100.393, 41.705], [-103.139, 38.925], [-97.558, 39.113], [-100.393, 41.705]]),
    ])))
    guard case .multiLineString(let parts) = line.intersection(RegionIndex(polygon)).geometry else {
      Issue.record("no lines")
      return
    }
    #expect(parts.count == 2)
    #expect(isNear(parts[0][0].vector, -106.89353655881905, 39.769226209776306))
    #expect(isNear(parts[1][1].vector, -95.284527737311791, 40.799060242246348))
  }

  /// The area of a buffer follows from the shape: A + P·r + π·r² on a plane for convex shapes.
  @Test(arguments: [10.0, 100, 1_000]) func buffers(_ radius: Double) throws {
    let park = try #require(Region(centralPark))
    let buffer = try #require(ShapeBuffer(radius: radius, tolerance: radius / 1_000))
    let expected = park.area + park.perimeter * radius + .pi * radius * radius
    let grown = buffer.around(park)
    #expect((grown.area - expected).magnitude < expected * 2e-3)
    let index = RegionIndex(grown)
    for position in [[-73.9495, 40.7969], [-73.95807266235352, 40.80068603561921], [-73.9657, 40.7825]] { #expect(index.contains(at(position[0], position[1]))) }
    let disc = buffer.around(at(10, 10))
    #expect((disc.area - .pi * radius * radius).magnitude < .pi * radius * radius * 4e-3)
    #expect(ShapeBuffer(radius: -1, tolerance: 1) == nil)
  }

  @Test func coveringHoldsTheShape() throws {
    let park = try #require(Region(centralPark))
    let cells = try #require(S2Covering.cells(of: park, level: 16, radius: 100))
    let tokens = Set(cells.map(\.token))
    let index = RegionIndex(park)
    var seed: UInt64 = 7
    for _ in 0..<2_000 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let lng = -74 + Double(seed >> 40) / Double(1 << 24) * 0.07, lat = 40.75 + Double(seed >> 16 & 0xFFFFFF) / Double(1 << 24) * 0.06
      let p = at(lng, lat)
      guard index.distance(p) < 99, let cell = S2Cell(p, level: 16) else { continue }
      #expect(tokens.contains(cell.token))
    }
  }

  @Test(arguments: [
    ("POINT (1 2)", true), ("point(1 2)", true), ("POINT (1)", false), ("LINESTRING", false), ("POLYGON ((0 0, 2 0, 2 2, 0 0))", true),
    ("MULTIPOINT ((1 1), (2 2))", true), ("GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (2 2, 3 3))", true), ("POINT (1 2) x", false), ("CIRCLE (1 2)", false),
    ("", false),
  ]) func wellKnownText(_ text: String, _ isValid: Bool) { #expect((WellKnownText.parse(Array(text.utf8)) != nil) == isValid) }
}
