// Role: geohash: positions as base-32 text of interleaved bits, its rectangle and neighbours. Source: Niemeyer's geohash.

/// A rectangle of the geohash grid.
package struct Geohash: Sendable {
  private static let digits = Array("0123456789bcdefghjkmnpqrstuvwxyz".utf8)
  package static let maxLength = 18

  /// Steps from the west and from the south, of 2^lngBits and 2^latBits.
  private let column: UInt64
  private let row: UInt64
  private let length: Int

  private var lngBits: Int { (length * 5 + 1) / 2 }
  private var latBits: Int { length * 5 / 2 }

  private init(column: UInt64, row: UInt64, length: Int) {
    self.column = column
    self.row = row
    self.length = length
  }

  /// The cell of a position; nil for a length outside 1…18.
  package init?(_ position: LngLat, length: Int) {
    guard (1...Geohash.maxLength).contains(length) else { return nil }
    self.length = length
    func steps(_ value: Double, _ low: Double, _ span: Double, _ bits: Int) -> UInt64 {
      // Halving as the reference does, so that borders fall to the same side.
      var from = low, to = low + span
      var out: UInt64 = 0
      for _ in 0..<bits {
        let middle = (from + to) / 2
        out <<= 1
        if value >= middle {
          out |= 1
          from = middle
        } else {
          to = middle
        }
      }
      return out
    }
    column = steps(position.lng, -180, 360, (length * 5 + 1) / 2)
    row = steps(position.lat, -90, 180, length * 5 / 2)
  }

  /// Nil for other characters than geohash digits and for lengths outside 1…18. Capital letters are read as small ones.
  package init?(_ text: [UInt8]) {
    guard (1...Geohash.maxLength).contains(text.count) else { return nil }
    var column: UInt64 = 0, row: UInt64 = 0
    var isEven = true
    for byte in text {
      guard let digit = Geohash.digits.firstIndex(of: byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) else { return nil }
      for k in (0..<5).reversed() {
        let bit = UInt64(digit >> k & 1)
        if isEven { column = column << 1 | bit } else { row = row << 1 | bit }
        isEven.toggle()
      }
    }
    self.init(column: column, row: row, length: text.count)
  }

  package var text: String {
    var out: [UInt8] = []
    var lng = lngBits, lat = latBits
    var isEven = true
    for _ in 0..<length {
      var digit = 0
      for _ in 0..<5 {
        if isEven { lng -= 1 } else { lat -= 1 }
        digit = digit << 1 | Int(isEven ? column >> UInt64(lng) & 1 : row >> UInt64(lat) & 1)
        isEven.toggle()
      }
      out.append(Geohash.digits[digit])
    }
    return String(decoding: out, as: UTF8.self)
  }

  private var low: LngLat { corner(column, row) }
  private var high: LngLat { corner(column + 1, row + 1) }

  private func corner(_ column: UInt64, _ row: UInt64) -> LngLat {
    LngLat(unchecked: -180 + 360 * (Double(column) / Double(1 << UInt64(lngBits))), -90 + 180 * (Double(row) / Double(1 << UInt64(latBits))))
  }

  package var center: LngLat { LngLat(unchecked: (low.lng + high.lng) / 2, (low.lat + high.lat) / 2) }

  /// The rectangle, counterclockwise from the south-west.
  package var polygon: Geometry {
    let a = low, b = high
    return .polygon([[a, LngLat(unchecked: b.lng, a.lat), b, LngLat(unchecked: a.lng, b.lat), a]])
  }

  /// The up to eight cells around, in the order Kusto documents. At the poles there are fewer; across the antimeridian they wrap.
  package var neighbors: [Geohash] {
    let columns = UInt64(1) << UInt64(lngBits), rows = Int64(1) << Int64(latBits)
    return Geohash.around.compactMap { dx, dy in
      let y = Int64(row) + dy
      guard y >= 0, y < rows else { return nil }
      return Geohash(column: UInt64(truncatingIfNeeded: Int64(column) + dx) & (columns - 1), row: UInt64(y), length: length)
    }
  }

  /// Columns and rows away, in the order of the results.
  private static let around: [(Int64, Int64)] = [(-1, -1), (-1, 1), (1, -1), (0, 1), (-1, 0), (1, 1), (1, 0), (0, -1)]
}
