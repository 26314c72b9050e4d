// Role: the cells around an H3 cell: its neighbours and the rings further out.

extension H3Cell {
  /// Most rings around a cell.
  package static let maxRings = 142

  /// The cells that share an edge: six, five for a pentagon.
  package var neighbors: [H3Cell] { rings(1)[1] }

  /// The cell itself, its neighbours, and so on up to a distance. In the open grid a ring begins in the direction ij and runs
  /// counterclockwise; around pentagons cells come in the order they are met. A ring may be short where a pentagon bends the grid.
  package func rings(_ distance: Int) -> [[H3Cell]] {
    openRings(distance) ?? metRings(distance)
  }

  /// j, jk, k, ik, i, ij.
  private static let walk = [2, 3, 1, 5, 4, 6]

  /// The rings of the open grid; nil when a pentagon may lie within reach.
  private func openRings(_ distance: Int) -> [[H3Cell]]? {
    guard !isNearPentagon(distance) else { return nil }
    var out = [[self]]
    for ring in stride(from: 1, through: distance, by: 1) {
      var cells: [H3Cell] = []
      var at = H3Coordinates(digit: 4) * ring
      for direction in H3Cell.walk {
        for _ in 0..<ring {
          at = (at + H3Coordinates(digit: direction)).normalized
          guard let cell = cell(at: at) else { return nil }
          cells.append(cell)
        }
      }
      out.append(cells)
    }
    return out
  }

  /// True when a corner of the icosahedron, where the pentagons lie, is within some steps and a few more.
  private func isNearPentagon(_ distance: Int) -> Bool {
    let center = center
    let step = boundary.reduce(0) { max($0, $1.angle(to: center)) } * 2
    let reach = step * Double(distance + 2)
    return H3Tables.pentagons.keys.contains { H3Cell.baseCells[$0].center.angle(to: center) <= reach }
  }

  private func metRings(_ distance: Int) -> [[H3Cell]] {
    var out = [[self]]
    var seen: Set<H3Cell> = [self]
    for _ in stride(from: 1, through: distance, by: 1) {
      out.append(out[out.count - 1].flatMap { $0.cellsAcrossEdges }.filter { seen.insert($0).inserted })
    }
    return out
  }

  /// The cells just beyond the middle of each edge.
  private var cellsAcrossEdges: [H3Cell] {
    let corners = boundary, center = center
    var out: [H3Cell] = []
    for i in corners.indices {
      let middle = (corners[i] + corners[(i + 1) % corners.count]).unit
      let beyond = (middle + (middle - center) * 0.3).unit
      if let cell = H3Cell(beyond, resolution: resolution), cell != self, !out.contains(cell) { out.append(cell) }
    }
    return out
  }
}
