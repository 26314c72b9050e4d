// Role: reads the XML of storage answers: elements and their text, one after the other. No document types, no entities but the five and character
// numbers; names of namespaces are left as they are.

/// A flat reader. Positions only move forward; broken text ends the document.
package struct XMLScanner {
  enum Event: Equatable {
    case open(String)
    case close(String)
    case text(String)
  }

  private let bytes: [UInt8]
  private var at = 0
  /// The end of an element written as `<a/>`.
  private var pendingClose: String?

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
  }

  /// The next event; nil at the end.
  mutating func next() -> Event? {
    if let name = pendingClose {
      pendingClose = nil
      return .close(name)
    }
    while at < bytes.count {
      if bytes[at] != UInt8(ascii: "<") {
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "<") { at += 1 }
        return .text(Self.decoded(bytes[start..<at]))
      }
      if starts("<!--") { skip(past: "-->") } else if starts("<![CDATA[") {
        let start = at + 9
        skip(past: "]]>")
        return .text(String(decoding: bytes[min(start, max(start, at - 3))..<max(start, at - 3)], as: UTF8.self))
      } else if starts("<?") || starts("<!") { skip(past: ">") } else { return tag() }
    }
    return nil
  }

  private mutating func tag() -> Event? {
    let isClose = at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "/")
    at += isClose ? 2 : 1
    let start = at
    while at < bytes.count, !Self.endsName(bytes[at]) { at += 1 }
    let name = String(decoding: bytes[start..<at], as: UTF8.self)
    var quote: UInt8 = 0
    var last: UInt8 = 0
    while at < bytes.count {
      let c = bytes[at]
      at += 1
      if quote != 0 {
        if c == quote { quote = 0 }
      } else if c == UInt8(ascii: "\"") || c == UInt8(ascii: "'") {
        quote = c
      } else if c == UInt8(ascii: ">") {
        if isClose { return .close(name) }
        if last == UInt8(ascii: "/") { pendingClose = name }
        return .open(name)
      }
      last = c
    }
    return nil
  }

  private static func endsName(_ c: UInt8) -> Bool { c <= 0x20 || c == UInt8(ascii: ">") || c == UInt8(ascii: "/") }

  private func starts(_ text: StaticString) -> Bool {
    // SAFETY: a static string's bytes live for ever.
    text.withUTF8Buffer { unsafe bytes[at...].starts(with: $0) }
  }

  private mutating func skip(past end: StaticString) {
    while at < bytes.count, !starts(end) { at += 1 }
    at = min(bytes.count, at + end.utf8CodeUnitCount)
  }

  /// The texts of all elements of those names, in order.
  package static func texts(of names: Set<String>, in bytes: [UInt8]) -> [String] {
    var scanner = XMLScanner(bytes)
    var found: [String] = []
    while let event = scanner.next() { if case .open(let name) = event, names.contains(name) { found.append(scanner.elementText()) } }
    return found
  }

  /// The text of the next element of that name; nil when there is none.
  mutating func text(of name: String) -> String? {
    while let event = next() {
      if event == .open(name) { return elementText() }
    }
    return nil
  }

  /// The text up to the end of the element that was just opened; of elements inside too.
  mutating func elementText() -> String {
    var depth = 1
    var out = ""
    while let event = next() {
      switch event {
      case .open: depth += 1
      case .close:
        depth -= 1
        if depth == 0 { return out }
      case .text(let text): out += text
      }
    }
    return out
  }

  private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
    guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
    var out = ""
    var rest = String(decoding: bytes, as: UTF8.self)[...]
    while let mark = rest.firstIndex(of: "&") {
      out += rest[..<mark]
      rest = rest[mark...].dropFirst()
      guard let end = rest.prefix(12).firstIndex(of: ";") else {
        out += "&"
        continue
      }
      let name = rest[..<end]
      let code = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
      switch name {
      case "amp": out += "&"
      case "lt": out += "<"
      case "gt": out += ">"
      case "quot": out += "\""
      case "apos": out += "'"
      default:
        if let scalar = code.flatMap({ Unicode.Scalar($0) }) { out.unicodeScalars.append(scalar) } else { out += "&\(name);" }
      }
      rest = rest[end...].dropFirst()
    }
    return out + rest
  }
}
