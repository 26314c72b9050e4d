// Role: the plot of a terminal chart: a grid of cells with 2 × 4 braille dots each, and characters that stand over them.
// Source: Unicode block "Braille Patterns": bit k of U+2800 + mask is dot k + 1; dots 1-3 and 7 are the left column, 4-6 and 8 the right one.

struct Canvas {
  let width: Int
  let height: Int
  private var dots: [UInt8]
  private var owner: [Int]
  private var over: [Cell?]

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    dots = Array(repeating: 0, count: width * height)
    owner = Array(repeating: 0, count: width * height)
    over = Array(repeating: nil, count: width * height)
  }

  var dotWidth: Int { width * 2 }
  var dotHeight: Int { height * 4 }

  private static let bits: [UInt8] = [0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80]

  /// Sets a dot; y counts from the bottom. Dots outside are left out.
  mutating func dot(_ x: Int, _ y: Int, series: Int) {
    guard x >= 0, x < dotWidth, y >= 0, y < dotHeight else { return }
    let row = dotHeight - 1 - y
    let cell = row / 4 * width + x / 2
    dots[cell] |= Self.bits[x % 2 * 4 + row % 4]
    owner[cell] = series
  }

  /// A line between two dots (Bresenham), cut at the edges.
  mutating func line(_ x0: Int, _ y0: Int, _ x1: Int, _ y1: Int, series: Int) {
    let limit = 20 * (dotWidth + dotHeight)
    var x = x0, y = y0
    let dx = abs(x1 - x0), dy = -abs(y1 - y0)
    guard dx - dy < limit else { return }
    let sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1
    var error = dx + dy
    while true {
      dot(x, y, series: series)
      if x == x1, y == y1 { return }
      let twice = 2 * error
      if twice >= dy { error += dy; x += sx }
      if twice <= dx { error += dx; y += sy }
    }
  }

  /// Puts a character over a cell; row counts from the top.
  mutating func put(_ character: Character, column: Int, row: Int, ink: Cell.Ink) {
    guard column >= 0, column < width, row >= 0, row < height else { return }
    over[row * width + column] = Cell(character: character, ink: ink)
  }

  /// The cells of a line; an empty cell takes the character of the grid.
  func cells(row: Int, grid: Character) -> [Cell] {
    (0..<width).map { column in
      let i = row * width + column
      if let cell = over[i] { return cell }
      if dots[i] == 0 { return Cell(character: grid, ink: .dim) }
      let character = Unicode.Scalar(0x2800 + UInt32(dots[i])).map { Character($0) } ?? " "
      return Cell(character: character, ink: .series(owner[i]))
    }
  }
}
