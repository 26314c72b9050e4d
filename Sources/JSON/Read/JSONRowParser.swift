// Role: records to rows: walks each object once, stores wanted members in their columns, passes over the others (checking that they are JSON).
// A member that occurs twice counts with its last value. A record that is no row leaves no trace; what then happens is the caller's policy.

package import Columnar

/// Parses records of one schema. One per thread.
package final class JSONRowParser {
  package let schema: StructType
  private let tree: ColumnTree
  private let builders: [JSONColumnBuilder]
  private let corrupt: Int?
  /// The members that a record may have; nil: any.
  private let known: ColumnTree?
  private var guesses: [Int]
  private var row = 0
  private var mismatch: JSONRowError?
  private let key = BufferBuilder<UInt8>()

  /// - Parameters:
  ///   - paths: where each field's value stands; nil: the member of its name.
  ///   - corruptColumn: the field that takes the text of records that are no rows.
  ///   - knownMembers: with it a record with another member that is not null is a mismatch.
  package init(
    schema: StructType, paths: [String: JSONPath] = [:], corruptColumn: String? = nil, options: JSONValueOptions = JSONValueOptions(), knownMembers: [String]? = nil
  ) {
    known = knownMembers.map { ColumnTree($0.map { JSONPath(member: $0) }) }
    self.schema = schema
    corrupt = corruptColumn.flatMap { schema.index(of: $0) }
    let corrupt = corrupt
    // The column of bad records has a path nothing matches.
    tree = ColumnTree(schema.fields.enumerated().map { i, field in i == corrupt ? JSONPath(unreachable: ()) : paths[field.name] ?? JSONPath(member: field.name) })
    builders = schema.fields.map { JSONColumnBuilder($0.type, options) }
    guesses = [Int](repeating: 0, count: tree.nodeCount)
  }

  /// Rows since the last `finish`.
  package var rowCount: Int { row }
  /// Rough bytes of these rows.
  package var byteSize: Int { builders.reduce(0) { $0 + $1.byteSize } }

  /// Parses the record at the cursor, which must be an object, into the next row and passes it. Throws `JSONRowError`: for a malformed
  /// text there is no row; for a mismatch there is one, with null in the column, unless the caller calls `dropLast`.
  package func parse(_ cursor: inout JSONCursor) throws(JSONRowError) {
    mismatch = nil
    do throws(JSONTextError) {
      guard let first = cursor.peek() else { throw cursor.error("expected an object, found the end") }
      guard first == UInt8(ascii: "{") else {
        let start = cursor.at
        let extent = try cursor.skipValue()
        throw cursor.error("expected an object, found \(Self.name(extent.kind))", at: start)
      }
      if tree.root.column >= 0 { try value(&cursor, tree.root, 0) } else { try object(&cursor, tree.root, 0) }
    } catch {
      for builder in builders { builder.cut(to: row) }
      throw JSONRowError(.malformed, offset: error.offset, message: error.message)
    }
    endRow()
    if let mismatch { throw mismatch }
  }

  private func endRow() {
    row &+= 1
    for builder in builders where builder.count < row { builder.appendNull() }
  }

  /// A row of nulls for a record that is none, with its text in the corrupt column.
  // SAFETY: the text is the caller's for the call and is copied.
  package func appendCorrupt(_ text: UnsafeBufferPointer<UInt8>) {
    if let corrupt { unsafe builders[corrupt].append(text: text) }
    endRow()
  }

  /// Puts the text of the record into the corrupt column of the last row (a mismatch).
  // SAFETY: the text is the caller's for the call and is copied.
  package func markLastCorrupt(_ text: UnsafeBufferPointer<UInt8>) {
    guard let corrupt, row > 0 else { return }
    builders[corrupt].cut(to: row - 1)
    unsafe builders[corrupt].append(text: text)
  }

  package var hasCorruptColumn: Bool { corrupt != nil }

  /// Takes the last row back.
  package func dropLast() {
    row -= 1
    for builder in builders { builder.cut(to: row) }
  }

  /// The rows as a batch; the parser goes on with an empty one.
  package func finish() -> RecordBatch {
    let batch = RecordBatch(schema: schema, columns: builders.map { $0.finish() }, rowCount: row)
    row = 0
    return batch
  }

  // MARK: Walking

  // SAFETY: `p` and `n` are the key within the cursor's text, or in `key`, which changes only with the next key: `p` is not used
  // behind the value. `guess` is below the number of children, and used only where there are some.
  private func object(_ cursor: inout JSONCursor, _ node: ColumnNode, _ depth: Int) throws(JSONTextError) {
    guard depth < JSONCursor.maxDepth else { throw cursor.error("nested deeper than \(JSONCursor.maxDepth)") }
    cursor.at &+= 1
    guard var next = cursor.peek() else { throw cursor.error("the object does not end") }
    if next == UInt8(ascii: "}") {
      cursor.at &+= 1
      return
    }
    var guess = guesses[node.index]
    if guess >= node.children.count { guess = 0 }
    let childCount = node.children.count
    while true {
      guard next == UInt8(ascii: "\"") else { throw cursor.error("expected a key in double quotes") }
      let name = try cursor.scanString()
      guard cursor.peek() == UInt8(ascii: ":") else { throw cursor.error("expected ':' behind the key") }
      cursor.at &+= 1
      var p = unsafe cursor.base + name.start
      var n = name.end &- name.start
      if name.needsDecoding {
        key.count = 0
        cursor.appendString(name, to: key)
        unsafe p = unsafe UnsafePointer(key.pointer)
        n = key.count
      }
      var found = -1
      if childCount > 0 {
        if unsafe node.isKey(guess, p, n) { found = guess } else { found = unsafe node.child(p, n) }
      }
      if found >= 0 {
        guess = found &+ 1 < childCount ? found &+ 1 : 0
        try value(&cursor, node.children[found], depth &+ 1)
      } else {
        if depth == 0, let known, mismatch == nil, unsafe known.root.child(p, n) < 0, cursor.peek() != UInt8(ascii: "n") {
          let text = unsafe String(decoding: UnsafeBufferPointer(start: p, count: min(n, 80)), as: UTF8.self)
          mismatch = JSONRowError(.mismatch, offset: name.start, message: "found a member '\(text)', expected one of the \(known.root.children.count) seen so far")
        }
        _ = try cursor.skipValue(depth: depth &+ 1)
      }
      guard let separator = cursor.peek() else { throw cursor.error("the object does not end") }
      cursor.at &+= 1
      if separator == UInt8(ascii: "}") { break }
      guard separator == UInt8(ascii: ",") else { throw cursor.error("expected ',' or '}'", at: cursor.at - 1) }
      guard let following = cursor.peek() else { throw cursor.error("the object does not end") }
      next = following
    }
    guesses[node.index] = guess
  }

  private func value(_ cursor: inout JSONCursor, _ node: ColumnNode, _ depth: Int) throws(JSONTextError) {
    if node.column >= 0 {
      let behind = try fill(node.column, cursor)
      if node.isShared { for column in node.others { _ = try fill(column, cursor) } }
      if node.isLeaf {
        cursor = behind
        return
      }
    }
    switch cursor.peek() {
    case UInt8(ascii: "{")? where !node.children.isEmpty: try object(&cursor, node, depth)
    case UInt8(ascii: "[")? where !node.elements.isEmpty: try array(&cursor, node, depth)
    default: _ = try cursor.skipValue(depth: depth)
    }
  }

  /// Stores the value at the cursor in a column; gives the cursor behind it.
  @inline(__always) private func fill(_ column: Int, _ cursor: JSONCursor) throws(JSONTextError) -> JSONCursor {
    let builder = builders[column]
    // A repeated member: the last value counts.
    if builder.count > row { builder.cut(to: row) }
    var behind = cursor
    if try !builder.append(&behind) {
      if mismatch == nil { mismatch = describe(cursor, schema[column], cursor.at) }
      builder.appendNull()
    }
    return behind
  }

  private func array(_ cursor: inout JSONCursor, _ node: ColumnNode, _ depth: Int) throws(JSONTextError) {
    guard depth < JSONCursor.maxDepth else { throw cursor.error("nested deeper than \(JSONCursor.maxDepth)") }
    cursor.at &+= 1
    if cursor.peek() == UInt8(ascii: "]") {
      cursor.at &+= 1
      return
    }
    var position = 0
    while true {
      if let wanted = node.elements.first(where: { $0.position == position }) {
        try value(&cursor, wanted.node, depth + 1)
      } else {
        _ = try cursor.skipValue(depth: depth + 1)
      }
      guard let separator = cursor.peek() else { throw cursor.error("the array does not end") }
      cursor.at &+= 1
      if separator == UInt8(ascii: "]") { return }
      guard separator == UInt8(ascii: ",") else { throw cursor.error("expected ',' or ']'", at: cursor.at - 1) }
      position += 1
    }
  }

  // SAFETY: the extent lies within the cursor's text, for a string with a quote on either side.
  private func describe(_ cursor: JSONCursor, _ field: StructField, _ start: Int) -> JSONRowError {
    var cursor = cursor
    var shown = ""
    if let extent = try? cursor.skipValue() {
      let quote = extent.kind == .string ? 1 : 0
      let length = min(extent.end - extent.start + 2 * quote, 80)
      shown = unsafe String(decoding: UnsafeBufferPointer(start: cursor.base + extent.start - quote, count: length), as: UTF8.self)
    }
    return JSONRowError(.mismatch, offset: start, message: "column '\(field.name)': found \(shown), expected \(field.type)")
  }

  private static func name(_ kind: JSONKind) -> String {
    switch kind {
    case .null: "null"
    case .true, .false: "a boolean"
    case .integer, .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONPath {
  /// A path that no record has.
  init(unreachable: Void) { steps = [.element(Int.max)] }
}
