// Role: reads well-known text: POINT (1 2), LINESTRING, POLYGON, their multiple forms and GEOMETRYCOLLECTION. Source: OGC 06-103r4, 7.

/// A reader of one text.
package struct WellKnownText {
  private let bytes: [UInt8]
  private var at = 0
  private static let maxDepth = 32

  /// Nil for texts that are not valid.
  package static func parse(_ bytes: [UInt8]) -> Geometry? {
    var reader = WellKnownText(bytes: bytes)
    guard let geometry = reader.geometry(0) else { return nil }
    reader.skipSpaces()
    return reader.at == bytes.count ? geometry : nil
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func geometry(_ depth: Int) -> Geometry? {
    guard depth < WellKnownText.maxDepth else { return nil }
    switch word() {
    case "POINT": return list { $0.position() }.flatMap { $0.count == 1 ? .point($0[0]) : nil }
    case "LINESTRING": return line().flatMap { $0.count >= 2 ? .lineString($0) : nil }
    case "POLYGON": return list { $0.line() }.map { .polygon($0) }
    case "MULTIPOINT":
      return list { reader in reader.peek() == UInt8(ascii: "(") ? reader.list { $0.position() }?.first : reader.position() }.map { .multiPoint($0) }
    case "MULTILINESTRING": return list { $0.line() }.map { .multiLineString($0) }
    case "MULTIPOLYGON": return list { reader in reader.list { $0.line() } }.map { .multiPolygon($0) }
    case "GEOMETRYCOLLECTION": return list { $0.geometry(depth + 1) }.map { .collection($0) }
    default: return nil
    }
  }

  private mutating func line() -> [LngLat]? { list { $0.position() } }

  /// `( item, item … )` with at least one item.
  private mutating func list<T>(_ item: (inout WellKnownText) -> T?) -> [T]? {
    guard take(UInt8(ascii: "(")) else { return nil }
    var out: [T] = []
    repeat {
      guard let next = item(&self) else { return nil }
      out.append(next)
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: ")")) ? out : nil
  }

  /// Two numbers; further ones (height, measure) are read over.
  private mutating func position() -> LngLat? {
    guard let x = number(), let y = number() else { return nil }
    while let next = peek(), next != UInt8(ascii: ","), next != UInt8(ascii: ")") { guard number() != nil else { return nil } }
    return LngLat(unchecked: x, y)
  }

  private mutating func number() -> Double? {
    skipSpaces()
    let start = at
    while at < bytes.count, bytes[at] &- 0x30 < 10 || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(bytes[at]) { at += 1 }
    return at - start <= 64 ? Double(String(decoding: bytes[start..<at], as: UTF8.self)) : nil
  }

  private mutating func word() -> String {
    skipSpaces()
    let start = at
    while at < bytes.count, (bytes[at] | 0x20) &- 0x61 < 26 { at += 1 }
    return String(decoding: bytes[start..<min(at, start + 32)], as: UTF8.self).uppercased()
  }

  private mutating func peek() -> UInt8? {
    skipSpaces()
    return at < bytes.count ? bytes[at] : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    at += 1
    return true
  }

  private mutating func skipSpaces() { while at < bytes.count, bytes[at] == 0x20 || bytes[at] &- 9 < 5 { at += 1 } }
}
