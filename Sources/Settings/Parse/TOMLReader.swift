// Role: text to tree: TOMLKit reads TOML 1.0, `KeyPositions` says where things stand.

import DataSource
import TOMLKit

enum TOMLReader {
  /// The top-level table. Throws CONFIGURATION with line and column.
  static func read(_ bytes: [UInt8], path: String) throws -> [TOMLEntry] {
    func place(_ line: Int, _ column: Int) -> ConfigurationPlace { ConfigurationPlace(path: path, position: TextPosition(line: line, column: column)) }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw place(1, 1).error("the file is not UTF-8 text") }
    // The parser takes a zero byte for the end.
    if let zero = bytes.firstIndex(of: 0) { throw place(1 + bytes[..<zero].count { $0 == 0x0A }, 1).error("the file holds a zero byte") }
    let root: TOMLTable
    do { root = try TOMLTable(string: text) } catch let error as TOMLParseError {
      throw place(error.source.begin.line, error.source.begin.column).error(sentence(error.description), hint: "the file is TOML: https://toml.io")
    }
    return entries(root, [], KeyPositions(text), above: TextPosition(line: 1, column: 1))
  }

  /// The parser's words without its own prefix.
  private static func sentence(_ text: String) -> String {
    guard let range = text.firstRange(of: "Error while parsing ") else { return text }
    return String(text[range.upperBound...])
  }

  private static func entries(_ table: TOMLTable, _ path: [KeyPositions.Step], _ positions: KeyPositions, above: TextPosition) -> [TOMLEntry] {
    table.keys.compactMap { key -> TOMLEntry? in
      guard let value = table[key] else { return nil }
      return TOMLEntry(key: key, node: node(value, path + [.key(key)], positions, above: above))
    }.sorted { ($0.node.position, $0.key) < ($1.node.position, $1.key) }
  }

  private static func node(_ value: any TOMLValueConvertible, _ path: [KeyPositions.Step], _ positions: KeyPositions, above: TextPosition) -> TOMLNode {
    let position = positions[path] ?? above
    let found: TOMLNode.Value
    if let table = value.table {
      found = .table(entries(table, path, positions, above: position))
    } else if let array = value.array {
      found = .array(array.enumerated().map { node($1, path + [.index($0)], positions, above: position) })
    } else if let text = value.string {
      found = .text(text)
    } else if let flag = value.bool {
      found = .bool(flag)
    } else if let number = value.int {
      found = .integer(number)
    } else if let number = value.double {
      found = .real(number)
    } else {
      found = .time(value.debugDescription)
    }
    return TOMLNode(value: found, position: position)
  }
}
