// Role: cells of the H3 grid: 122 base cells, hexagons and 12 pentagons, each of 7 finer ones down to resolution 15. A cell's number: mode 1,
// the resolution, the base cell, and three bits for each digit. Source: the H3 specification, "H3Index".

/// A cell.
package struct H3Cell: Sendable, Hashable {
  package static let maxResolution = 15
  package let id: UInt64

  /// Nil for numbers that name no cell.
  package init?(id: UInt64) {
    let cell = H3Cell(unchecked: id)
    guard id >> 59 == 1, id >> 56 & 7 == 0, cell.baseCell < 122 else { return nil }
    for r in 1...H3Cell.maxResolution where (cell.digit(r) == 7) != (r > cell.resolution) { return nil }
    guard !cell.isPentagonBase || cell.leadingDigit != 1 else { return nil }
    self = cell
  }

  /// Nil for texts that are no hexadecimal number of a cell.
  package init?(token: [UInt8]) {
    guard (1...16).contains(token.count), token[0] != 0x2B, token[0] != 0x2D else { return nil }
    guard let id = UInt64(String(decoding: token, as: UTF8.self), radix: 16) else { return nil }
    self.init(id: id)
  }

  private init(unchecked id: UInt64) { self.id = id }

  package var token: String { String(id, radix: 16) }
  package var resolution: Int { Int(id >> 52 & 15) }
  var baseCell: Int { Int(id >> 45 & 127) }
  var isPentagonBase: Bool { H3Tables.pentagons[baseCell] != nil }
  var isPentagon: Bool { isPentagonBase && leadingDigit == 0 }

  func digit(_ r: Int) -> Int { Int(id >> UInt64(3 * (15 - r)) & 7) }

  private func setting(_ r: Int, _ digit: Int) -> H3Cell {
    let shift = UInt64(3 * (15 - r))
    return H3Cell(unchecked: id & ~(7 << shift) | UInt64(digit) << shift)
  }

  /// The first digit that is not 0, or 0.
  private var leadingDigit: Int {
    for r in 0..<resolution where digit(r + 1) != 0 { return digit(r + 1) }
    return 0
  }

  private static func base(_ cell: Int, _ resolution: Int) -> H3Cell {
    H3Cell(unchecked: 1 << 59 | UInt64(resolution) << 52 | UInt64(cell) << 45 | (1 << 45 - 1))
  }

  /// The cells of resolution 0.
  static let baseCells: [H3Cell] = (0..<122).map { base($0, 0) }

  // MARK: - Turning

  private static let counterclockwise = [0, 5, 3, 1, 6, 4, 2, 7]
  private static let clockwise = [0, 3, 6, 2, 5, 1, 4, 7]

  private func turned(_ digits: [Int]) -> H3Cell {
    (0..<resolution).reduce(self) { $0.setting($1 + 1, digits[digit($1 + 1)]) }
  }

  /// Turned by 60° counterclockwise around a pentagon, whose k sixth is missing.
  private var turnedAroundPentagon: H3Cell {
    var out = self
    var hasFirst = false
    for r in 0..<resolution {
      out = out.setting(r + 1, H3Cell.counterclockwise[out.digit(r + 1)])
      if !hasFirst, out.digit(r + 1) != 0 {
        hasFirst = true
        if out.leadingDigit == 1 { out = out.turned(H3Cell.counterclockwise) }
      }
    }
    return out
  }

  // MARK: - Positions

  /// The cell of a resolution that holds a point; nil for a resolution outside 0…15.
  package init?(_ p: Vector, resolution: Int) {
    guard (0...H3Cell.maxResolution).contains(resolution) else { return nil }
    self.init(H3Position(p, resolution: resolution), resolution)
  }

  /// The cell at grid coordinates of a face; nil far outside the face.
  init?(_ position: H3Position, _ resolution: Int) {
    var digits = H3Cell.base(0, resolution)
    var at = position.at
    for r in (0..<resolution).reversed() {
      let isOdd = H3Position.isOdd(r + 1)
      let parent = at.coarser(isOdd: isOdd)
      let digit = (at - parent.finer(isOdd: isOdd)).normalized.digit
      guard digit < 7 else { return nil }
      digits = digits.setting(r + 1, digit)
      at = parent
    }
    guard max(at.i, at.j, at.k) <= 2 else { return nil }
    let entry = Int(H3Tables.baseCells[position.face * 27 + at.i * 9 + at.j * 3 + at.k])
    var cell = H3Cell(unchecked: digits.id & ~(127 << 45) | UInt64(entry / 6) << 45)
    if let turnedFaces = H3Tables.pentagons[entry / 6] {
      if cell.leadingDigit == 1 {
        cell = cell.turned(position.face == turnedFaces.0 || position.face == turnedFaces.1 ? H3Cell.clockwise : H3Cell.counterclockwise)
      }
      for _ in 0..<entry % 6 { cell = cell.turnedAroundPentagon }
    } else {
      for _ in 0..<entry % 6 { cell = cell.turned(H3Cell.counterclockwise) }
    }
    self = cell
  }

  /// Coordinates on the face of the base cell, which may run over its edge.
  private var home: H3Position {
    let place = H3Tables.homes[baseCell]
    var at = H3Coordinates(place / 9 % 3, place / 3 % 3, place % 3)
    for r in 0..<resolution { at = (at.finer(isOdd: H3Position.isOdd(r + 1)) + H3Coordinates(digit: digit(r + 1))).normalized }
    return H3Position(face: place / 27, at: at)
  }

  /// Coordinates on the face that holds the cell's centre.
  var position: H3Position { position(offset: H3Coordinates(0, 0, 0)) }

  /// The same for the cell some steps away in the grid of the base cell's face.
  private func position(offset: H3Coordinates) -> H3Position {
    let isFirstSixth = isPentagonBase && leadingDigit == 5
    let cell = isFirstSixth ? turned(H3Cell.clockwise) : self
    var out = cell.home
    out.at = (out.at + offset).normalized
    let original = out.at
    let isOdd = H3Position.isOdd(resolution)
    if isOdd { out.at = out.at.finer(isOdd: false) }
    let even = resolution + (isOdd ? 1 : 0)
    if out.overflow(even, isPentagonSide: isPentagonBase && cell.leadingDigit == 4) == .moved {
      while isPentagonBase || offset != H3Coordinates(0, 0, 0), out.overflow(even) == .moved {}
      if isOdd { out.at = out.at.coarser(isOdd: false) }
    } else if isOdd {
      out.at = original
    }
    return out
  }

  package var center: Vector { position.point(resolution) }

  /// The cell some steps away, where the grid around is not bent by a pentagon.
  func cell(at offset: H3Coordinates) -> H3Cell? { H3Cell(position(offset: offset), resolution) }

  // MARK: - Hierarchy

  /// The cell of a coarser resolution that holds this one's digits; the cell itself at its own; nil for finer ones.
  package func parent(_ resolution: Int) -> H3Cell? {
    guard resolution >= 0, resolution <= self.resolution else { return nil }
    var out = H3Cell(unchecked: id & ~(15 << 52) | UInt64(resolution) << 52)
    for r in resolution..<self.resolution { out = out.setting(r + 1, 7) }
    return out
  }

  /// The cells of a finer resolution, in order of their numbers; nil for a coarser one or one beyond 15.
  package func children(_ resolution: Int) -> [H3Cell]? {
    guard resolution >= self.resolution, resolution <= H3Cell.maxResolution else { return nil }
    var out = [self]
    for r in self.resolution..<resolution {
      out = out.flatMap { parent -> [H3Cell] in
        let finer = H3Cell(unchecked: parent.id & ~(15 << 52) | UInt64(r + 1) << 52)
        return (0..<7).filter { !(parent.isPentagon && $0 == 1) }.map { finer.setting(r + 1, $0) }
      }
    }
    return out
  }
}
