// Role: reads a schema from text: `a:long, ['my b']:string` as Kusto writes it, or `a long, b string` as Spark's DDL does.

/// A schema text that cannot be read; `position` is the 1-based character.
public struct SchemaParseError: Error, Sendable, CustomStringConvertible {
  public let position: Int
  public let message: String
  public var description: String { "schema text, character \(position): \(message)" }
}

struct SchemaTextParser {
  let text: [UInt8]
  var at = 0

  init(_ text: String) { self.text = Array(text.utf8) }

  mutating func parse() throws -> [StructField] {
    var fields: [StructField] = []
    var seen: Set<String> = []
    skipSpace()
    let isWrapped = at < text.count && text[at] == UInt8(ascii: "(")
    if isWrapped { at += 1 }
    while true {
      skipSpace()
      let start = at
      let name = try parseName()
      skipSpace()
      if at < text.count, text[at] == UInt8(ascii: ":") { at += 1 }
      skipSpace()
      let typeStart = at
      let typeName = word()
      guard let type = DataType(name: typeName) else {
        throw SchemaParseError(
          position: typeStart + 1,
          message: "'\(typeName)' is not a type; expected one of \(DataType.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      guard seen.insert(name).inserted else { throw SchemaParseError(position: start + 1, message: "column '\(name)' is given twice") }
      fields.append(StructField(name, type))
      skipSpace()
      if at < text.count, text[at] == UInt8(ascii: ",") { at += 1; continue }
      if isWrapped {
        guard at < text.count, text[at] == UInt8(ascii: ")") else { throw SchemaParseError(position: at + 1, message: "expected ',' or ')'") }
        at += 1
        skipSpace()
      }
      guard at == text.count else { throw SchemaParseError(position: at + 1, message: "expected ',' or the end") }
      return fields
    }
  }

  private mutating func skipSpace() {
    while at < text.count, text[at] == 0x20 || (text[at] >= 9 && text[at] <= 13) { at += 1 }
  }

  private mutating func word() -> String {
    let start = at
    while at < text.count, isWordByte(text[at]) { at += 1 }
    return String(decoding: text[start..<at], as: UTF8.self)
  }

  private func isWordByte(_ b: UInt8) -> Bool {
    (b | 0x20) >= 0x61 && (b | 0x20) <= 0x7A || b >= 0x30 && b <= 0x39 || b == 0x5F || b >= 0x80
  }

  private mutating func parseName() throws -> String {
    guard at < text.count else { throw SchemaParseError(position: at + 1, message: "expected a column name") }
    let isBracketed = text[at] == UInt8(ascii: "[")
    if isBracketed { at += 1 }
    if at < text.count, [UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`")].contains(text[at]) {
      let quote = text[at]
      at += 1
      var name: [UInt8] = []
      while at < text.count, text[at] != quote {
        if text[at] == UInt8(ascii: "\\"), at + 1 < text.count { at += 1 }
        name.append(text[at])
        at += 1
      }
      guard at < text.count else { throw SchemaParseError(position: at + 1, message: "the quoted name does not end") }
      at += 1
      if isBracketed {
        guard at < text.count, text[at] == UInt8(ascii: "]") else { throw SchemaParseError(position: at + 1, message: "expected ']'") }
        at += 1
      }
      return String(decoding: name, as: UTF8.self)
    }
    let start = at
    let name = word()
    guard !name.isEmpty else { throw SchemaParseError(position: start + 1, message: "expected a column name") }
    return name
  }
}
