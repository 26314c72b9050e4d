import Geospatial
import Testing

/// Cells of the grids; expected values by h3 4.5 and s2sphere 0.2.5, orders of neighbours by the Kusto reference.
@Suite struct GridTests {
  @Test(arguments: cells) func cell(_ lng: Double, _ lat: Double, _ resolution: Int, _ h3: String, _ level: Int, _ s2: String) throws {
    #expect(H3Cell(at(lng, lat), resolution: resolution)?.token == h3)
    #expect(S2Cell(at(lng, lat), level: level)?.token == s2)
    let hexagon = try #require(H3Cell(token: Array(h3.utf8))), square = try #require(S2Cell(token: Array(s2.utf8)))
    #expect(hexagon.resolution == resolution && square.level == level)
    #expect(H3Cell(hexagon.center, resolution: resolution) == hexagon)
    #expect(S2Cell(square.center, level: level) == square)
    // Neighbours see each other.
    for other in hexagon.neighbors { #expect(other.neighbors.contains(hexagon)) }
    for other in square.neighbors { #expect(other.neighbors.contains(square)) }
  }

  @Test(arguments: pentagons) func pentagon(_ expected: Pentagon) throws {
    let cell = try #require(H3Cell(token: Array(expected.token.utf8)))
    #expect(cell.boundary.count == expected.corners)
    #expect(isNear(cell.boundary[0], expected.lng, expected.lat))
    #expect(cell.neighbors.map(\.token).sorted() == expected.neighbors)
    #expect(cell.children(min(15, cell.resolution + 1))?.count == 6)
    #expect(cell.rings(2)[2].count == 10)
  }

  @Test(arguments: squareNeighbors) func neighborsOfSquare(_ token: String, _ expected: [String]) throws {
    let found = try #require(S2Cell(token: Array(token.utf8))).neighbors.map(\.token)
    // Where three faces of the cube meet a cell has seven neighbours; s2sphere names an eighth that only comes near.
    #expect(Set(found).isSubset(of: expected))
    #expect(found.count >= expected.count - 1)
  }

  @Test func documentedOrders() throws {
    let hexagon = try #require(H3Cell(token: Array("862a1072fffffff".utf8)))
    #expect(hexagon.neighbors.map(\.token) == ["862a10727ffffff", "862a10707ffffff", "862a1070fffffff", "862a10777ffffff", "862a100dfffffff", "862a100d7ffffff"])
    #expect(hexagon.parent(1)?.token == "812a3ffffffffff")
    #expect(isNear(hexagon.center, -74.016008479792447, 40.7041679083504))
    #expect(isNear(hexagon.boundary[0], -74.0022744646159, 40.735376026215022))
    let square = try #require(S2Cell(token: Array("89c259".utf8)))
    #expect(square.neighbors.map(\.token) == ["89c25d", "89c2f9", "89c251", "89c257", "89c25f", "89c25b", "89c2f7", "89c2f5"])
    #expect(isNear(square.vertices[0], -74.030012249838478, 40.8012684339439))
    let hash = try #require(Geohash(Array("sunny".utf8)))
    #expect(hash.neighbors.map(\.text) == ["sunnt", "sunpj", "sunnx", "sunpn", "sunnv", "sunpp", "sunnz", "sunnw"])
    #expect(hash.center == LngLat(42.47314453125, 23.70849609375))
    #expect(Geohash(LngLat(unchecked: -80.195829, 25.802215), length: 8)?.text == "dhwfz15h")
  }

  @Test(arguments: ["", "abc", "862a1072ffffff", "862a1072ffffffff", "062a1072fffffff", "86fa1072fffffff", "+62a1072fffffff", "872a1072fffffff"])
  func invalidHexagons(_ token: String) { #expect(H3Cell(token: Array(token.utf8)) == nil) }

  @Test(arguments: ["", "a", "x", "0", "f", "11111111111111111"]) func invalidSquares(_ token: String) {
    #expect(S2Cell(token: Array(token.utf8)) == nil)
  }

  /// The reference counts 286 cells: those that only touch the border are among them.
  @Test func covering() throws {
    let region = try #require(Region(.polygon([positions([[0, 0], [0, 50], [100, 50], [0, 0]])])))
    #expect(S2Covering.cells(of: region, level: 5, radius: 0)?.count == 286)
    #expect(S2Covering.cells(of: region, level: 30, radius: 0) == nil)
  }

  @Test func filling() throws {
    let region = try #require(Region(.polygon([positions([[-3.659, 40.553], [-3.913, 40.409], [-3.729, 40.273], [-3.524, 40.440], [-3.659, 40.553]])])))
    #expect(H3Filling.cells(of: region, resolution: 6)?.map(\.token) == [
      "86390ca07ffffff", "86390ca27ffffff", "86390ca2fffffff", "86390ca37ffffff", "86390cb07ffffff", "86390cb0fffffff", "86390cb17ffffff", "86390cb1fffffff",
      "86390cb57ffffff", "86390cb87ffffff", "86390cb8fffffff", "86390cba7ffffff", "86390cbafffffff",
    ])
    #expect(H3Filling.cells(of: region, resolution: 15) == nil)
  }
}

struct Pentagon: Sendable, CustomTestStringConvertible {
  let token: String
  let corners: Int
  let lng: Double
  let lat: Double
  let neighbors: [String]
  var testDescription: String { token }

  init(_ token: String, corners: Int, _ lng: Double, _ lat: Double, neighbors: [String]) {
    self.token = token
    self.corners = corners
    self.lng = lng
    self.lat = lat
    self.neighbors = neighbors
  }
}

/// Longitude, latitude, H3 resolution and cell, S2 level and cell.
private let cells: [(Double, Double, Int, String, Int, String)] = [
  (-63.420205, -62.148847, 0, "80dffffffffffff", 0, "b"),
  (54.33641, -76.106341, 1, "81f0fffffffffff", 7, "b1adc"),
  (12.917522, -23.907373, 2, "82ac17fffffffff", 14, "1c7a3695"),
  (-159.120387, 1.323561, 3, "8388cdfffffffff", 21, "7a0411c7846c"),
  (-166.501563, -11.811068, 4, "849ab53ffffffff", 28, "7104ab0a6f434af"),
  (-154.852048, -72.853084, 5, "85f3768ffffffff", 4, "a5b"),
  (-27.173092, 58.179678, 6, "86199471fffffff", 11, "491577c"),
  (-135.431294, -49.263464, 7, "87c7a6a2affffff", 18, "a110714a01"),
  (45.87596, 79.692192, 8, "8800026cbdfffff", 25, "45105d8755f17c"),
  (27.757062, -18.390876, 9, "899756ad69bffff", 1, "1c"),
  (171.451838, -80.708283, 10, "8af380c35947fff", 8, "af83f"),
  (129.048645, -37.449547, 11, "8bb97051a4a8fff", 15, "2a9e43be4"),
  (-128.06817, -68.032982, 12, "8ce3844d19023ff", 22, "a468ebac75ff"),
  (-68.946543, 56.270492, 13, "8d0e7578288367f", 29, "4c500bb7a34c07b4"),
  (0.0, 90.0, 14, "8e0326233ab039f", 5, "5004"),
  (180.0, 0.0, 15, "8f7eb57221a2bb0", 12, "6ffffff"),
  (-180.0, -45.0, 0, "80dbfffffffffff", 19, "72aaaaaaaac"),
  (11.25, 58.2825, 1, "8109bffffffffff", 26, "4645bdabd58503"),
]

private let pentagons: [Pentagon] = [
  Pentagon("8009fffffffffff", corners: 5, -10.444977545, 63.095054078, neighbors: ["8001fffffffffff", "8007fffffffffff", "8011fffffffffff", "8019fffffffffff", "801ffffffffffff"]),
  Pentagon("801dfffffffffff", corners: 5, -139.683593482, 59.169482567, neighbors: ["800dfffffffffff", "8013fffffffffff", "8023fffffffffff", "8029fffffffffff", "8037fffffffffff"]),
  Pentagon("8031fffffffffff", corners: 5, 116.212895637, 47.309451303, neighbors: ["8015fffffffffff", "8025fffffffffff", "802ffffffffffff", "8041fffffffffff", "804bfffffffffff"]),
  Pentagon("81083ffffffffff", corners: 10, 4.012620898, 63.327061328, neighbors: ["8108bffffffffff", "8108fffffffffff", "81093ffffffffff", "81097ffffffffff", "8109bffffffffff"]),
  Pentagon("811c3ffffffffff", corners: 10, -144.424565132, 53.217495589, neighbors: ["811cbffffffffff", "811cfffffffffff", "811d3ffffffffff", "811d7ffffffffff", "811dbffffffffff"]),
  Pentagon("81303ffffffffff", corners: 10, 119.136909529, 41.148270828, neighbors: ["8130bffffffffff", "8130fffffffffff", "81313ffffffffff", "81317ffffffffff", "8131bffffffffff"]),
  Pentagon("820807fffffffff", corners: 5, 7.646201117, 64.665070305, neighbors: ["820817fffffffff", "82081ffffffffff", "820827fffffffff", "82082ffffffffff", "820837fffffffff"]),
  Pentagon("821c07fffffffff", corners: 5, -143.064496135, 51.311333257, neighbors: ["821c17fffffffff", "821c1ffffffffff", "821c27fffffffff", "821c2ffffffffff", "821c37fffffffff"]),
  Pentagon("823007fffffffff", corners: 5, 121.581754458, 40.20568112, neighbors: ["823017fffffffff", "82301ffffffffff", "823027fffffffff", "82302ffffffffff", "823037fffffffff"]),
  Pentagon("85080003fffffff", corners: 10, 10.401972242, 64.675924337, neighbors: ["8508000bfffffff", "8508000ffffffff", "85080013fffffff", "85080017fffffff", "8508001bfffffff"]),
  Pentagon("851c0003fffffff", corners: 10, -143.495864717, 50.164430832, neighbors: ["851c000bfffffff", "851c000ffffffff", "851c0013fffffff", "851c0017fffffff", "851c001bfffffff"]),
  Pentagon("85300003fffffff", corners: 10, 122.239691787, 39.141035262, neighbors: ["8530000bfffffff", "8530000ffffffff", "85300013fffffff", "85300017fffffff", "8530001bfffffff"]),
  Pentagon("8808000001fffff", corners: 5, 10.527874877, 64.699980501, neighbors: ["8808000005fffff", "8808000007fffff", "8808000009fffff", "880800000bfffff", "880800000dfffff"]),
  Pentagon("881c000001fffff", corners: 5, -143.477328836, 50.106680117, neighbors: ["881c000005fffff", "881c000007fffff", "881c000009fffff", "881c00000bfffff", "881c00000dfffff"]),
  Pentagon("8830000001fffff", corners: 5, 122.297966157, 39.103188055, neighbors: ["8830000005fffff", "8830000007fffff", "8830000009fffff", "883000000bfffff", "883000000dfffff"]),
]

private let squareNeighbors: [(String, [String])] = [
  ("04", ["0c", "14", "1c", "8c", "94", "b4", "bc"]),
  ("44", ["0c", "14", "34", "3c", "4c", "54", "5c"]),
  ("a4", ["6c", "74", "94", "9c", "ac", "b4", "bc"]),
  ("01", ["03", "05", "07", "93", "95", "b9", "bf"]),
  ("41", ["13", "15", "39", "3f", "43", "45", "47"]),
  ("a1", ["73", "75", "99", "9f", "a3", "a5", "a7"]),
  ("000001", ["000003", "000005", "000007", "955553", "955555", "bffff9", "bfffff"]),
  ("400001", ["155553", "155555", "3ffff9", "3fffff", "400003", "400005", "400007"]),
  ("a00001", ["755553", "755555", "9ffff9", "9fffff", "a00003", "a00005", "a00007"]),
  ("0000000000000001", ["0000000000000003", "0000000000000005", "0000000000000007", "9555555555555553", "9555555555555555", "bffffffffffffff7", "bffffffffffffff9", "bfffffffffffffff"]),
  ("4000000000000001", ["1555555555555553", "1555555555555555", "3ffffffffffffff7", "3ffffffffffffff9", "3fffffffffffffff", "4000000000000003", "4000000000000005", "4000000000000007"]),
  ("a000000000000001", ["7555555555555553", "7555555555555555", "9ffffffffffffff7", "9ffffffffffffff9", "9fffffffffffffff", "a000000000000003", "a000000000000005", "a000000000000007"]),
]
