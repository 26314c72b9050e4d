// Role: cells of the S2 grid: six faces of a cube around the sphere, each a quadtree numbered along a Hilbert curve. A cell's number is the
// face (3 bits), two bits a level, and a final 1. Source: S2 geometry, "S2 cells"; quadratic projection.

#if canImport(Glibc)
import Glibc
#endif

/// A cell of a level 0…30.
package struct S2Cell: Sendable, Hashable {
  package static let maxLevel = 30

  /// The cell's number; its lowest set bit tells the level.
  package let id: UInt64

  private init(id: UInt64) { self.id = id }

  /// The cell of a level that holds a point; nil for a level outside 0…30.
  package init?(_ p: Vector, level: Int) {
    guard (0...S2Cell.maxLevel).contains(level) else { return nil }
    let (face, u, v) = S2Face.project(p)
    self.init(face: face, i: S2Face.step(u), j: S2Face.step(v), level: level)
  }

  /// The cell of a level around a grid point of a face (2^30 steps to a side).
  init(face: Int, i: Int, j: Int, level: Int) {
    var orientation = face & 1
    var path: UInt64 = UInt64(face)
    for k in (0..<S2Cell.maxLevel).reversed() {
      let quadrant = (i >> k & 1) << 1 | (j >> k & 1)
      let position = S2Face.positionOfQuadrant[orientation][quadrant]
      path = path << 2 | UInt64(position)
      orientation ^= S2Face.turnOfPosition[position]
    }
    let leaf = path << 1 | 1
    let lowest = UInt64(1) << UInt64(2 * (S2Cell.maxLevel - level))
    id = leaf & (0 &- lowest) | lowest
  }

  /// Nil for texts that name no cell: hexadecimal digits of the number without its trailing zeros.
  package init?(token: [UInt8]) {
    guard (1...16).contains(token.count) else { return nil }
    var id: UInt64 = 0
    for byte in token {
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x61 + 10
      case 0x41...0x46: digit = byte - 0x41 + 10
      default: return nil
      }
      id = id << 4 | UInt64(digit)
    }
    id <<= UInt64(4 * (16 - token.count))
    let lowest = id & (0 &- id)
    guard id >> 61 < 6, lowest & 0x1555_5555_5555_5555 != 0 else { return nil }
    self.init(id: id)
  }

  package var token: String {
    let text = String(id, radix: 16)
    let full = String(repeating: "0", count: 16 - text.count) + text
    return String(full.prefix(16 - id.trailingZeroBitCount / 4))
  }

  package var level: Int { S2Cell.maxLevel - id.trailingZeroBitCount / 2 }

  var face: Int { Int(id >> 61) }

  /// Grid steps of a side.
  var size: Int { 1 << (S2Cell.maxLevel - level) }

  /// The cell's corner with the lowest grid steps on its face.
  var corner: (i: Int, j: Int) {
    var i = 0, j = 0
    var orientation = face & 1
    for k in 0..<level {
      let position = Int(id >> UInt64(59 - 2 * k) & 3)
      let quadrant = S2Face.quadrantOfPosition[orientation][position]
      i = i << 1 | quadrant >> 1
      j = j << 1 | quadrant & 1
      orientation ^= S2Face.turnOfPosition[position]
    }
    let shift = S2Cell.maxLevel - level
    return (i << shift, j << shift)
  }

  /// The four cells of the next level, in order of their numbers; none at the last level.
  var children: [S2Cell] {
    guard level < S2Cell.maxLevel else { return [] }
    let lowest = id & (0 &- id)
    let step = lowest >> 2
    return (0..<4).map { S2Cell(id: id &- lowest &+ step &* (2 &* UInt64($0) &+ 1)) }
  }

  /// The first and the last cell of a level inside this one, as numbers a fixed step apart.
  func descendants(level: Int) -> [S2Cell] {
    let lowest = id & (0 &- id), inner = UInt64(1) << UInt64(2 * (S2Cell.maxLevel - level))
    return (0..<(lowest / inner)).map { S2Cell(id: id &- lowest &+ inner &* (2 &* $0 &+ 1)) }
  }

  package static let faces: [S2Cell] = (0..<6).map { S2Cell(id: UInt64($0) << 61 | 1 << 60) }

  package var center: Vector {
    let (i, j) = corner
    let half = size / 2
    // A leaf's centre lies between grid steps: steps are counted in halves.
    func place(_ k: Int) -> Double { size == 1 ? Double(2 * k + 1) : Double(2 * (k + half)) }
    return S2Face.vector(face, S2Face.curve(place(i) / Double(1 << 31)), S2Face.curve(place(j) / Double(1 << 31))).unit
  }

  /// The four corners, counterclockwise from the lowest grid steps.
  package var vertices: [Vector] {
    let (i, j) = corner
    return [(0, 0), (1, 0), (1, 1), (0, 1)].map { di, dj in
      S2Face.vector(face, S2Face.curve(Double(i + di * size) / Double(1 << 30)), S2Face.curve(Double(j + dj * size) / Double(1 << 30))).unit
    }
  }

  package var polygon: Geometry {
    let ring = vertices.positions
    return .polygon([ring + [ring[0]]])
  }

  /// The up to eight cells of the same level around, in the order Kusto documents; seven at a corner of the cube.
  package var neighbors: [S2Cell] {
    let (i, j) = corner
    var out: [S2Cell] = []
    for (di, dj) in S2Cell.around {
      let next = S2Cell.wrapped(face, i + di * size, j + dj * size, size, level)
      if next != self, !out.contains(next) { out.append(next) }
    }
    return out
  }

  private static let around = [(1, 1), (-1, -1), (1, -1), (0, -1), (0, 1), (1, 0), (-1, 0), (-1, 1)]

  /// The cell at grid steps that may lie beyond the face: their centre is taken to the neighbouring face.
  private static func wrapped(_ face: Int, _ i: Int, _ j: Int, _ size: Int, _ level: Int) -> S2Cell {
    let side = 1 << maxLevel
    if i >= 0, j >= 0, i < side, j < side { return S2Cell(face: face, i: i, j: j, level: level) }
    // Beyond the edge the linear projection is enough to find the face, and a step just outside is the nearest there.
    func coordinate(_ k: Int) -> Double {
      let inside = min(max(k, -1), side)
      let s = (2 * Double(inside) + 1 - Double(side)) / Double(side)
      return min(max(s, -1 - 1e-12), 1 + 1e-12)
    }
    let p = S2Face.vector(face, coordinate(i + (size - 1) / 2), coordinate(j + (size - 1) / 2))
    let (other, u, v) = S2Face.project(p)
    return S2Cell(face: other, i: S2Face.linearStep(u), j: S2Face.linearStep(v), level: level)
  }
}
