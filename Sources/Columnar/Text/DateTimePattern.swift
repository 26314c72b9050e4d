// Role: datetime patterns compiled once and run on bytes: Spark/Java letters (`yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX`, `M/d/yyyy h:mm:ss a`)
// and those of Kusto's `format_datetime`. Here: the pattern's elements and the compiler; parsing and printing are extensions.
// Source: Spark "Datetime Patterns for Formatting and Parsing"; Kusto "format_datetime()".

/// Why a pattern is not understood; `position` is the 1-based character.
package struct DateTimePatternError: Error, Sendable, CustomStringConvertible {
  package let pattern: String
  package let position: Int
  package let message: String
  package var description: String { "pattern '\(pattern)', character \(position): \(message)" }
}

/// A compiled pattern. Immutable, shared between threads.
package struct DateTimePattern: Sendable {
  /// Which letters mean what.
  package enum Dialect: Sendable {
    /// Spark and java.time.
    case java
    /// Kusto's `format_datetime` and `format_timespan` letters: `yyyy MM dd HH hh mm ss fffffff FFF tt`.
    case kusto
  }

  enum Kind: UInt8, Sendable {
    case literal, year, yearOfCentury, month, monthName, day, dayOfYear, weekdayName, halfDay, hour24, hour12, hour11, hour24From1, minute, second
    case fraction, fractionTrimmed, offset, offsetZ, offsetWords, zoneName, optionalStart, optionalEnd
  }

  struct Element: Sendable {
    var kind: Kind
    /// Letters; for a literal the byte; for an optional start the index behind its end.
    var width: Int
  }

  package let text: String
  let elements: [Element]
  /// True when a time of day occurs in the pattern.
  package let hasTime: Bool
  /// Bytes that `write` may need.
  package let room: Int

  package init(_ pattern: String, dialect: Dialect = .java) throws {
    text = pattern
    elements = try dialect == .java ? Self.compileJava(pattern) : Self.compileKusto(pattern)
    hasTime = elements.contains { $0.kind.rawValue >= Kind.halfDay.rawValue && $0.kind.rawValue <= Kind.fractionTrimmed.rawValue }
    room = elements.reduce(32) { $0 + ($1.kind == .literal ? 1 : max(12, $1.width)) }
    guard room < 4_096 else { throw DateTimePatternError(pattern: pattern, position: 1, message: "the pattern is too long") }
  }

  private static func compileJava(_ pattern: String) throws -> [Element] {
    let bytes = Array(pattern.utf8)
    var out: [Element] = []
    var open: [Int] = []
    var at = 0
    func fail(_ message: String) -> DateTimePatternError { DateTimePatternError(pattern: pattern, position: at + 1, message: message) }
    while at < bytes.count {
      let c = bytes[at]
      switch c {
      case UInt8(ascii: "'"):
        let start = at
        at += 1
        if at < bytes.count, bytes[at] == c {
          out.append(Element(kind: .literal, width: Int(c)))
          at += 1
          continue
        }
        while true {
          guard at < bytes.count else { at = start; throw fail("the quoted text does not end") }
          if bytes[at] == c {
            at += 1
            guard at < bytes.count, bytes[at] == c else { break }
          }
          out.append(Element(kind: .literal, width: Int(bytes[at])))
          at += 1
        }
        continue
      case UInt8(ascii: "["):
        open.append(out.count)
        out.append(Element(kind: .optionalStart, width: 0))
        at += 1
        continue
      case UInt8(ascii: "]"):
        guard let start = open.popLast() else { throw fail("']' without '['") }
        out.append(Element(kind: .optionalEnd, width: 0))
        out[start].width = out.count
        at += 1
        continue
      case UInt8(ascii: "#"), UInt8(ascii: "{"), UInt8(ascii: "}"): throw fail("'\(Character(UnicodeScalar(c)))' is reserved; quote it")
      default: break
      }
      guard (c | 0x20) &- 0x61 < 26 else {
        out.append(Element(kind: .literal, width: Int(c)))
        at += 1
        continue
      }
      let start = at
      while at < bytes.count, bytes[at] == c { at += 1 }
      let width = at - start
      let kind: Kind
      switch UnicodeScalar(c) {
      case "y", "u": kind = .year
      case "M", "L": kind = width >= 3 ? .monthName : .month
      case "d": kind = .day
      case "D": kind = .dayOfYear
      case "E": kind = .weekdayName
      case "a": kind = .halfDay
      case "H": kind = .hour24
      case "h": kind = .hour12
      case "K": kind = .hour11
      case "k": kind = .hour24From1
      case "m": kind = .minute
      case "s": kind = .second
      case "S": kind = .fraction
      case "X": kind = .offsetZ
      case "x": kind = .offset
      case "Z": kind = width == 4 ? .offsetWords : width == 5 ? .offsetZ : .offset
      case "O": kind = .offsetWords
      case "z", "V": kind = .zoneName
      default:
        at = start
        throw fail("letter '\(Character(UnicodeScalar(c)))' is not supported; known: y M d D E a H h K k m s S X x Z O z V, quote text with '…'")
      }
      guard width <= (kind == .fraction || kind == .year ? 9 : kind == .offset || kind == .offsetZ ? 5 : 4) else {
        at = start
        throw fail("too many letters '\(Character(UnicodeScalar(c)))': \(width)")
      }
      out.append(Element(kind: kind, width: c == UInt8(ascii: "Z") ? (kind == .offset ? 2 : kind == .offsetZ ? 3 : 4) : width))
    }
    guard open.isEmpty else { throw fail("'[' without ']'") }
    return out
  }

  private static func compileKusto(_ pattern: String) throws -> [Element] {
    let bytes = Array(pattern.utf8)
    var out: [Element] = []
    var at = 0
    func fail(_ message: String) -> DateTimePatternError { DateTimePatternError(pattern: pattern, position: at + 1, message: message) }
    while at < bytes.count {
      let c = bytes[at]
      let start = at
      while at < bytes.count, bytes[at] == c { at += 1 }
      let width = at - start
      let limit: Int
      let kind: Kind
      switch UnicodeScalar(c) {
      case "y": (kind, limit) = (width == 1 ? .yearOfCentury : .year, 4)
      case "M": (kind, limit) = (.month, 2)
      case "d": (kind, limit) = (.day, 2)
      case "H": (kind, limit) = (.hour24, 2)
      case "h": (kind, limit) = (.hour12, 2)
      case "m": (kind, limit) = (.minute, 2)
      case "s": (kind, limit) = (.second, 2)
      case "f": (kind, limit) = (.fraction, 7)
      case "F": (kind, limit) = (.fractionTrimmed, 7)
      case "t": (kind, limit) = (.halfDay, 2)
      case " ", "/", "-", ":", ",", ".", "_", "[", "]":
        for _ in 0..<width { out.append(Element(kind: .literal, width: Int(c))) }
        continue
      default:
        at = start
        throw fail("'\(Character(UnicodeScalar(c)))' is neither a letter of y M d H h m s f F t nor a delimiter of ' /-:,._[]'")
      }
      guard width <= limit else {
        at = start
        throw fail("too many letters '\(Character(UnicodeScalar(c)))': \(width)")
      }
      out.append(Element(kind: kind, width: width))
    }
    return out
  }
}
