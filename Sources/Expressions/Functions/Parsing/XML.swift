// Role: parse_xml: XML text as a dynamic value. Elements become members, attributes members named with '@', text '#text'; elements of one
// name become an array. Source: Kusto "parse_xml()"; XML 1.0.

import Columnar

/// Reads one document. Declarations, comments and processing instructions are read over; there are no entities but the five of XML.
struct XMLReader {
  static let maxBytes = 1_048_576
  private static let maxDepth = 256

  private let bytes: [UInt8]
  private var at = 0

  /// Nil for text that is not well-formed or too long.
  static func parse(_ bytes: [UInt8]) -> DynamicValue? {
    guard bytes.count <= maxBytes else { return nil }
    var reader = XMLReader(bytes: bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.at = 3 }
    guard reader.skipMisc(), let (name, value) = reader.element(0), reader.skipMisc(), reader.at == bytes.count else { return nil }
    return .bag([DynamicEntry(name, value)])
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func starts(_ text: String) -> Bool { bytes[at...].starts(with: text.utf8) }

  private mutating func take(_ text: String) -> Bool {
    guard starts(text) else { return false }
    at += text.utf8.count
    return true
  }

  private mutating func skip(past end: String) -> Bool {
    while at < bytes.count {
      if take(end) { return true }
      at += 1
    }
    return false
  }

  private static func isSpace(_ b: UInt8) -> Bool { b == 0x20 || b == 0x09 || b == 0x0A || b == 0x0D }

  private mutating func skipSpaces() { while at < bytes.count, Self.isSpace(bytes[at]) { at += 1 } }

  /// White space, comments, instructions and the document type outside the root element.
  private mutating func skipMisc() -> Bool {
    while true {
      skipSpaces()
      if take("<!--") { guard skip(past: "-->") else { return false } } else if take("<?") { guard skip(past: "?>") else { return false } }
      else if take("<!DOCTYPE") { guard skipDoctype() else { return false } } else { return true }
    }
  }

  private mutating func skipDoctype() -> Bool {
    var depth = 0
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ">") where depth <= 0:
        at += 1
        return true
      default: break
      }
      at += 1
    }
    return false
  }

  private mutating func name() -> String? {
    let start = at
    while at < bytes.count {
      let b = bytes[at]
      let isLetter = (b | 0x20) &- 0x61 < 26 || b == UInt8(ascii: "_") || b == UInt8(ascii: ":") || b >= 0x80
      guard isLetter || at > start && (b &- 0x30 < 10 || b == UInt8(ascii: "-") || b == UInt8(ascii: ".")) else { break }
      at += 1
    }
    return at > start ? String(decoding: bytes[start..<at], as: UTF8.self) : nil
  }

  private mutating func element(_ depth: Int) -> (String, DynamicValue)? {
    guard depth < Self.maxDepth, take("<"), let tag = name() else { return nil }
    var members = Members()
    while true {
      skipSpaces()
      if take("/>") { return (tag, members.value(text: nil)) }
      if take(">") { break }
      guard let key = name() else { return nil }
      skipSpaces()
      guard take("=") else { return nil }
      skipSpaces()
      guard let quote = at < bytes.count ? bytes[at] : nil, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
      at += 1
      guard let text = text(until: quote) else { return nil }
      at += 1
      guard members.add("@" + key, .string(text), isAttribute: true) else { return nil }
    }
    var own = ""
    while at < bytes.count {
      if take("</") {
        guard name() == tag else { return nil }
        skipSpaces()
        return take(">") ? (tag, members.value(text: own.isEmpty ? nil : own)) : nil
      }
      if take("<!--") { guard skip(past: "-->") else { return nil } } else if take("<![CDATA[") {
        let start = at
        guard skip(past: "]]>") else { return nil }
        own += String(decoding: bytes[start..<at - 3], as: UTF8.self)
        members.reserveText()
      } else if take("<?") { guard skip(past: "?>") else { return nil } } else if starts("<") {
        guard let (key, value) = element(depth + 1) else { return nil }
        _ = members.add(key, value, isAttribute: false)
      } else {
        guard let text = text(until: UInt8(ascii: "<")) else { return nil }
        let trimmed = Self.trimmed(text)
        if !trimmed.isEmpty {
          own += trimmed
          members.reserveText()
        }
      }
    }
    return nil
  }

  private static func trimmed(_ text: String) -> String {
    let utf8 = text.utf8
    guard let first = utf8.firstIndex(where: { !isSpace($0) }), let last = utf8.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(text[first...last])
  }

  /// Text up to a byte, with references replaced; nil when it is missing or a reference is not known.
  private mutating func text(until end: UInt8) -> String? {
    var out: [UInt8] = []
    while at < bytes.count, bytes[at] != end {
      if bytes[at] == UInt8(ascii: "&") {
        guard let scalar = reference() else { return nil }
        out.append(contentsOf: String(Character(scalar)).utf8)
      } else {
        out.append(bytes[at])
        at += 1
      }
    }
    return at < bytes.count ? String(decoding: out, as: UTF8.self) : nil
  }

  private mutating func reference() -> Unicode.Scalar? {
    if take("&lt;") { return "<" }
    if take("&gt;") { return ">" }
    if take("&amp;") { return "&" }
    if take("&quot;") { return "\"" }
    if take("&apos;") { return "'" }
    let isHex = take("&#x")
    guard isHex || take("&#") else { return nil }
    let start = at
    while at < bytes.count, at - start < 8, bytes[at] != UInt8(ascii: ";") { at += 1 }
    guard let code = UInt32(String(decoding: bytes[start..<at], as: UTF8.self), radix: isHex ? 16 : 10), take(";") else { return nil }
    return Unicode.Scalar(code)
  }

  /// The members of an element in the order they were met.
  private struct Members {
    private var entries: [DynamicEntry] = []
    private var places: [String: Int] = [:]
    private static let textKey = "#text"

    /// False for an attribute given twice.
    mutating func add(_ key: String, _ value: DynamicValue, isAttribute: Bool) -> Bool {
      guard let place = places[key] else {
        places[key] = entries.count
        entries.append(DynamicEntry(key, value))
        return true
      }
      if case .array(let items) = entries[place].value { entries[place].value = .array(items + [value]) } else { entries[place].value = .array([entries[place].value, value]) }
      return !isAttribute
    }

    /// Keeps a place for the text before later elements.
    mutating func reserveText() { if places[Self.textKey] == nil { _ = add(Self.textKey, .null, isAttribute: false) } }

    func value(text: String?) -> DynamicValue {
      guard let text else { return entries.isEmpty ? .null : .bag(entries) }
      if entries.count == 1 { return .string(text) }
      return .bag(entries.map { $0.key == Self.textKey ? DynamicEntry($0.key, .string(text)) : $0 })
    }
  }
}

// SAFETY: the row is a window on the argument's memory, which lives for the call, and is copied.
let xmlFunctions: [FunctionSpec] = [
  unsafe FunctionSpec("parse_xml", .parsing, 1...1, parameters: "text", "Reads XML text as a dynamic value; null for what is not well-formed.",
    example: "parse_xml('<e name=\"value\">text</e>')", bind: BoundFunction.unary(.dynamic, .string, rows(TextRows.self) { text -> DynamicValue in XMLReader.parse(unsafe Array(text)) ?? .null })),
]
