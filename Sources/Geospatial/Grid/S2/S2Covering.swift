// Role: the cells of one level that meet a line or a region, or come within a radius of it: a descent through the quadtree that keeps only
// the edges near each cell.

#if canImport(Glibc)
import Glibc
#endif

/// Covers shapes with cells of one level.
package struct S2Covering {
  /// Most cells of a covering.
  package static let maxCells = 65_536

  private let level: Int
  /// Radians.
  private let radius: Double
  private let arcs: [Arc]
  private let index: RegionIndex?
  private var cells: [S2Cell] = []

  /// The cells in order of their numbers; nil for a level outside 0…30, a radius in metres that is negative, and for too many cells.
  package static func cells(of region: Region, level: Int, radius: Double) -> [S2Cell]? {
    cells(region.arcs, RegionIndex(region), level, radius)
  }

  package static func cells(of lines: LineSet, level: Int, radius: Double) -> [S2Cell]? { cells(lines.arcs, nil, level, radius) }

  private static func cells(_ arcs: [Arc], _ index: RegionIndex?, _ level: Int, _ radius: Double) -> [S2Cell]? {
    guard (0...S2Cell.maxLevel).contains(level), radius >= 0, radius.isFinite else { return nil }
    var covering = S2Covering(level: level, radius: radius / Earth.radius, arcs: arcs, index: index)
    for face in S2Cell.faces {
      guard covering.visit(face, Array(arcs.indices)) else { return nil }
    }
    return covering.cells
  }

  private init(level: Int, radius: Double, arcs: [Arc], index: RegionIndex?) {
    self.level = level
    self.radius = radius
    self.arcs = arcs
    self.index = index
  }

  /// Adds the cells inside one; false when there are too many.
  private mutating func visit(_ cell: S2Cell, _ candidates: [Int]) -> Bool {
    let corners = cell.vertices
    let center = cell.center
    let reach = radius + corners.reduce(0) { max($0, $1.angle(to: center)) } * 1.000001 + Geodesic.samePoint
    let near = candidates.filter { Geodesic.angle(from: center, toArc: arcs[$0].a, arcs[$0].b) <= reach }
    if near.isEmpty {
      // No border near: all of the cell is inside or all outside.
      guard let index, index.contains(center) else { return true }
      guard level - cell.level <= 8, cells.count + 1 << (2 * (level - cell.level)) <= S2Covering.maxCells else { return false }
      cells += cell.descendants(level: level)
      return true
    }
    if cell.level == level {
      if (index?.contains(center) ?? false) || near.contains(where: { reaches(arcs[$0], corners) }) { cells.append(cell) }
      return cells.count <= S2Covering.maxCells
    }
    for child in cell.children {
      guard visit(child, near) else { return false }
    }
    return true
  }

  /// True when an arc comes within the radius of a cell, its border included.
  private func reaches(_ arc: Arc, _ corners: [Vector]) -> Bool {
    let sides = (0..<4).map { (corners[$0], corners[($0 + 1) & 3]) }
    if sides.allSatisfy({ turn($0, $1, arc.a) >= 0 }) || sides.allSatisfy({ turn($0, $1, arc.b) >= 0 }) { return true }
    let reach = max(radius, Geodesic.samePoint)
    return sides.contains { Geodesic.angle(between: $0, $1, and: arc.a, arc.b) <= reach }
  }
}
