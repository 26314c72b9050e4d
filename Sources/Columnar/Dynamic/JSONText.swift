// Role: JSON on bytes, the lowest level: tokens with their extents, checked strictly (RFC 8259). The dynamic parser, the JSON source and
// parse_json all stand on it. Nothing is allocated; every error carries the byte offset.

/// Text that is not JSON: where and why.
package struct JSONTextError: Error, Sendable, CustomStringConvertible {
  /// 0-based byte offset in the text given.
  package let offset: Int
  package let message: String
  package var description: String { "JSON, byte \(offset): \(message)" }

  package init(offset: Int, message: String) {
    self.offset = offset
    self.message = message
  }
}

/// What a JSON value is.
package enum JSONKind: UInt8, Sendable {
  case null, `false`, `true`, integer, number, string, array, object
}

/// A value's extent: bytes `start ..< end` of the text. For strings the quotes lie outside of it.
package struct JSONExtent: Sendable {
  package var kind: JSONKind
  package var start: Int
  package var end: Int
  /// For strings: a backslash or a byte above 0x7F that is not valid UTF-8 needs `JSONCursor.appendString`; otherwise the bytes are the text.
  package var needsDecoding: Bool
}

/// A member of an object: its key (always a string) and its value.
package struct JSONMember: Sendable {
  package var key: JSONExtent
  package var value: JSONExtent
}

/// A position in a JSON text. The text must outlive the cursor.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe package struct JSONCursor {
  package let base: UnsafePointer<UInt8>
  package let count: Int
  package var at: Int
  /// Nesting of arrays and objects beyond which a text is refused.
  package static let maxDepth = 500

  package init(_ base: UnsafePointer<UInt8>, _ count: Int, at: Int = 0) {
    unsafe self.base = unsafe base
    self.count = count
    self.at = at
  }

  package func error(_ message: String, at offset: Int? = nil) -> JSONTextError { JSONTextError(offset: offset ?? at, message: message) }

  @inline(__always) package mutating func skipSpace() {
    while at < count {
      let b = unsafe base[at]
      if b > 0x20 || !(b == 0x20 || b == 0x0A || b == 0x0D || b == 0x09) { return }
      at &+= 1
    }
  }

  /// The next byte after white space, or nil at the end.
  @inline(__always) package mutating func peek() -> UInt8? {
    skipSpace()
    return unsafe at < count ? base[at] : nil
  }

  /// Throws unless only white space is left.
  package mutating func expectEnd() throws(JSONTextError) {
    if peek() != nil { throw error("expected the end of the text, found \(shown(at))") }
  }

  func shown(_ at: Int) -> String {
    guard at < count else { return "the end" }
    let b = unsafe base[at]
    return b >= 0x20 && b < 0x7F ? "'\(Character(UnicodeScalar(b)))'" : "byte 0x\(String(b, radix: 16))"
  }

  /// Passes over one value of any kind, checking it, and gives its extent.
  package mutating func skipValue(depth: Int = 0) throws(JSONTextError) -> JSONExtent {
    guard let b = peek() else { throw error("expected a value, found the end") }
    let start = at
    switch b {
    case UInt8(ascii: "\""): return try scanString()
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      try skipContainer(depth)
      return JSONExtent(kind: b == UInt8(ascii: "{") ? .object : .array, start: start, end: at, needsDecoding: false)
    case UInt8(ascii: "t"): return try word("true", .true)
    case UInt8(ascii: "f"): return try word("false", .false)
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try scanNumber()
    }
  }

  private mutating func skipContainer(_ depth: Int) throws(JSONTextError) {
    guard depth < Self.maxDepth else { throw error("nested deeper than \(Self.maxDepth)") }
    let isObject = unsafe base[at] == UInt8(ascii: "{")
    let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    at &+= 1
    if peek() == close { at &+= 1; return }
    while true {
      if isObject {
        guard peek() == UInt8(ascii: "\"") else { throw error("expected a key in double quotes, found \(shown(at))") }
        _ = try scanString()
        guard peek() == UInt8(ascii: ":") else { throw error("expected ':', found \(shown(at))") }
        at &+= 1
      }
      _ = try skipValue(depth: depth + 1)
      guard let next = peek() else { throw error("the \(isObject ? "object" : "array") does not end") }
      at &+= 1
      if next == close { return }
      if next != UInt8(ascii: ",") { throw error("expected ',' or '\(isObject ? "}" : "]")', found \(shown(at - 1))", at: at - 1) }
    }
  }

  mutating func word(_ text: StaticString, _ kind: JSONKind) throws(JSONTextError) -> JSONExtent {
    let n = text.utf8CodeUnitCount
    guard at + n <= count else { throw error("expected '\(text)'") }
    for i in 0..<n where unsafe base[at + i] != text.utf8Start[i] { throw error("expected '\(text)'") }
    at &+= n
    return JSONExtent(kind: kind, start: at - n, end: at, needsDecoding: false)
  }

  /// At a double quote: passes over the string.
  @inline(__always)
  package mutating func scanString() throws(JSONTextError) -> JSONExtent {
    let open = at
    var i = at &+ 1
    var needsDecoding = false
    var hasHigh = false
    while true {
      // Blocks without quote, backslash and control bytes pass at once.
      while i &+ 8 <= count {
        let word = unsafe UnsafeRawPointer(base + i).loadUnaligned(as: UInt64.self)
        let quotes = word ^ 0x2222_2222_2222_2222
        let slashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let ones: UInt64 = 0x0101_0101_0101_0101
        let found = ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | ((word &- 0x2020_2020_2020_2020) & ~word)
        if word & 0x8080_8080_8080_8080 != 0 { hasHigh = true }
        let hits = found & 0x8080_8080_8080_8080
        if hits != 0 {
          i &+= hits.trailingZeroBitCount >> 3
          break
        }
        i &+= 8
      }
      guard i < count else { throw error("the string does not end", at: open) }
      let b = unsafe base[i]
      if b == UInt8(ascii: "\"") { break }
      if b == UInt8(ascii: "\\") {
        needsDecoding = true
        guard i &+ 1 < count else { throw error("the string does not end", at: open) }
        switch unsafe base[i &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
          UInt8(ascii: "r"), UInt8(ascii: "t"):
          i &+= 2
        case UInt8(ascii: "u"):
          guard i &+ 5 < count, unsafe hex4(base + i + 2) != nil else { throw error("expected four hexadecimal digits behind \\u", at: i) }
          i &+= 6
        default: throw error("unknown escape \(shown(i + 1))", at: i)
        }
        continue
      }
      if b < 0x20 { throw error("a control character in a string must be escaped", at: i) }
      if b >= 0x80 { hasHigh = true }
      i &+= 1
    }
    if hasHigh, !needsDecoding, unsafe !isValidUTF8(UnsafeBufferPointer(start: base + open + 1, count: i - open - 1)) { needsDecoding = true }
    at = i &+ 1
    return JSONExtent(kind: .string, start: open &+ 1, end: i, needsDecoding: needsDecoding)
  }

  /// At a number: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
  package mutating func scanNumber() throws(JSONTextError) -> JSONExtent {
    let start = at
    var i = at
    @inline(__always) func digits() -> Int {
      let first = i
      while i < count, unsafe base[i] &- 0x30 < 10 { i &+= 1 }
      return i &- first
    }
    if i < count, unsafe base[i] == UInt8(ascii: "-") { i &+= 1 }
    if i < count, unsafe base[i] == UInt8(ascii: "0") {
      i &+= 1
    } else if digits() == 0 {
      throw error("expected a value, found \(shown(start))")
    }
    var kind = JSONKind.integer
    if i < count, unsafe base[i] == UInt8(ascii: ".") {
      i &+= 1
      kind = .number
      if digits() == 0 { throw error("expected a digit behind the point", at: i) }
    }
    if i < count, unsafe base[i] | 0x20 == UInt8(ascii: "e") {
      i &+= 1
      kind = .number
      if i < count, unsafe base[i] == UInt8(ascii: "+") || base[i] == UInt8(ascii: "-") { i &+= 1 }
      if digits() == 0 { throw error("expected a digit in the exponent", at: i) }
    }
    at = i
    return JSONExtent(kind: kind, start: start, end: i, needsDecoding: false)
  }
}

// MARK: - Walking objects and arrays

extension JSONCursor {
  /// At `{`: steps inside. Then call `nextMember(first:)` until it gives nil.
  package mutating func openObject() throws(JSONTextError) {
    guard peek() == UInt8(ascii: "{") else { throw error("expected '{', found \(shown(at))") }
    at &+= 1
  }

  /// The next member, passing over its value; nil behind the closing brace. `isFirst` is true for the first call after `openObject`.
  package mutating func nextMember(isFirst: Bool) throws(JSONTextError) -> JSONMember? {
    guard let next = peek() else { throw error("the object does not end") }
    if next == UInt8(ascii: "}") {
      at &+= 1
      return nil
    }
    if !isFirst {
      guard next == UInt8(ascii: ",") else { throw error("expected ',' or '}', found \(shown(at))") }
      at &+= 1
    }
    guard peek() == UInt8(ascii: "\"") else { throw error("expected a key in double quotes, found \(shown(at))") }
    let key = try scanString()
    guard peek() == UInt8(ascii: ":") else { throw error("expected ':', found \(shown(at))") }
    at &+= 1
    return JSONMember(key: key, value: try skipValue())
  }

  /// At `[`: steps inside. Then call `nextElement(isFirst:)` until it gives nil.
  package mutating func openArray() throws(JSONTextError) {
    guard peek() == UInt8(ascii: "[") else { throw error("expected '[', found \(shown(at))") }
    at &+= 1
  }

  /// The next element; nil behind the closing bracket.
  package mutating func nextElement(isFirst: Bool) throws(JSONTextError) -> JSONExtent? {
    guard let next = peek() else { throw error("the array does not end") }
    if next == UInt8(ascii: "]") {
      at &+= 1
      return nil
    }
    if !isFirst {
      guard next == UInt8(ascii: ",") else { throw error("expected ',' or ']', found \(shown(at))") }
      at &+= 1
    }
    return try skipValue()
  }

  /// Appends the text of a string extent: escapes resolved, bad UTF-8 and lone surrogates replaced by U+FFFD.
  package func appendString(_ extent: JSONExtent, to out: BufferBuilder<UInt8>) {
    let n = extent.end - extent.start
    if !extent.needsDecoding {
      unsafe out.append(contentsOf: UnsafeBufferPointer(start: base + extent.start, count: n))
      return
    }
    let first = unsafe out.count
    var i = extent.start
    while i < extent.end {
      let b = unsafe base[i]
      guard b == UInt8(ascii: "\\"), i + 1 < extent.end else {
        out.append(b)
        i += 1
        continue
      }
      i += 2
      switch unsafe base[i - 1] {
      case UInt8(ascii: "b"): out.append(8)
      case UInt8(ascii: "f"): out.append(12)
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "u"):
        guard i + 4 <= extent.end, var scalar = unsafe hex4(base + i) else { break }
        i += 4
        if scalar >= 0xD800, scalar < 0xDC00, i + 6 <= extent.end, unsafe base[i] == UInt8(ascii: "\\"), unsafe base[i + 1] == UInt8(ascii: "u"),
          let low = unsafe hex4(base + i + 2), low >= 0xDC00, low < 0xE000
        {
          scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
          i += 6
        }
        appendUTF8(scalar >= 0xD800 && scalar < 0xE000 ? 0xFFFD : scalar, to: out)
      default: unsafe out.append(base[i - 1])
      }
    }
    let written = unsafe UnsafeBufferPointer(start: UnsafePointer(out.pointer + first), count: out.count - first)
    if unsafe !isValidUTF8(written) {
      var repaired = unsafe String(decoding: written, as: UTF8.self)
      unsafe out.count = first
      repaired.withUTF8 { unsafe out.append(contentsOf: $0) }
    }
  }
}

/// Appends a scalar value as UTF-8.
package func appendUTF8(_ scalar: UInt32, to out: BufferBuilder<UInt8>) {
  func put(_ byte: UInt32) { out.append(UInt8(truncatingIfNeeded: byte)) }
  switch scalar {
  case 0..<0x80: put(scalar)
  case 0x80..<0x800: put(0xC0 | scalar >> 6); put(0x80 | scalar & 63)
  case 0x800..<0x10000: put(0xE0 | scalar >> 12); put(0x80 | scalar >> 6 & 63); put(0x80 | scalar & 63)
  default: put(0xF0 | scalar >> 18); put(0x80 | scalar >> 12 & 63); put(0x80 | scalar >> 6 & 63); put(0x80 | scalar & 63)
  }
}

/// Four hexadecimal digits, or nil.
func hex4(_ p: UnsafePointer<UInt8>) -> UInt32? {
  var value: UInt32 = 0
  for i in 0..<4 {
    let c = unsafe p[i]
    let digit = c &- 0x30, letter = (c | 0x20) &- 0x61
    guard digit < 10 || letter < 6 else { return nil }
    value = value << 4 | UInt32(digit < 10 ? digit : letter &+ 10)
  }
  return value
}

/// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
package func isValidUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
  guard let p = bytes.baseAddress else { return true }
  let n = bytes.count
  var i = 0
  while i < n {
    if i &+ 8 <= n, unsafe UnsafeRawPointer(p + i).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
      i &+= 8
      continue
    }
    let b = unsafe p[i]
    if b < 0x80 { i &+= 1; continue }
    @inline(__always) func tail(_ k: Int) -> Bool { unsafe i &+ k < n && p[i &+ k] & 0xC0 == 0x80 }
    switch b {
    case 0xC2...0xDF:
      guard tail(1) else { return false }
      i &+= 2
    case 0xE0...0xEF:
      guard tail(1), tail(2) else { return false }
      if unsafe b == 0xE0 && p[i &+ 1] < 0xA0 || b == 0xED && p[i &+ 1] >= 0xA0 { return false }
      i &+= 3
    case 0xF0...0xF4:
      guard tail(1), tail(2), tail(3) else { return false }
      if unsafe b == 0xF0 && p[i &+ 1] < 0x90 || b == 0xF4 && p[i &+ 1] >= 0x90 { return false }
      i &+= 4
    default: return false
    }
  }
  return true
}
