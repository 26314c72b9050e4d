// Role: JSON text to the binary form of dynamic values, written straight into a buffer. Two dialects: strict JSON for files and parse_json,
// and the literal form inside `dynamic(…)` of KQL, which also takes single quotes, bare keys and typed literals such as datetime(2020-01-01).

/// Which texts are taken.
package enum DynamicDialect: Sendable {
  case json, kqlLiteral
}

/// Appends binary dynamic values to a buffer. Reusable; not thread-safe.
package final class DynamicParser {
  private let dialect: DynamicDialect
  /// Ends of the children of all open containers, innermost last.
  private let ends = BufferBuilder<UInt32>()

  package init(_ dialect: DynamicDialect = .json) { self.dialect = dialect }

  /// Parses a whole text, which may be surrounded by white space. On an error the buffer is as before.
  // SAFETY: the cursor does not outlive the call, through which the caller keeps the text alive. `count` of the builders is read and set without
  // overlap checks: parser and buffer belong to one thread, and cutting back only makes them shorter.
  package func parse(_ text: UnsafeBufferPointer<UInt8>, into out: BufferBuilder<UInt8>) throws(JSONTextError) {
    guard let base = text.baseAddress, text.count > 0 else { throw JSONTextError(offset: 0, message: "expected a value, found the end") }
    var cursor = unsafe JSONCursor(base, text.count)
    let start = unsafe out.count
    do throws(JSONTextError) {
      try parseValue(&cursor, into: out)
      try cursor.expectEnd()
    } catch {
      unsafe out.count = start
      unsafe ends.count = 0
      throw error
    }
  }

  /// Parses the value at the cursor and leaves the cursor behind it. On an error the buffer may hold a part; the caller cuts it back.
  package func parseValue(_ cursor: inout JSONCursor, into out: BufferBuilder<UInt8>) throws(JSONTextError) {
    try value(&cursor, out, 0)
  }

  /// Appends a value whose extent is known already.
  package func append(_ extent: JSONExtent, of cursor: JSONCursor, into out: BufferBuilder<UInt8>) throws(JSONTextError) {
    switch extent.kind {
    case .array, .object:
      var inner = cursor
      inner.at = extent.start
      try value(&inner, out, 0)
    default: scalar(extent, cursor, out)
    }
  }

  private func value(_ cursor: inout JSONCursor, _ out: BufferBuilder<UInt8>, _ depth: Int) throws(JSONTextError) {
    guard let b = cursor.peek() else { throw cursor.error("expected a value, found the end") }
    switch b {
    case UInt8(ascii: "{"): try bag(&cursor, out, depth)
    case UInt8(ascii: "["): try array(&cursor, out, depth)
    default:
      if dialect == .kqlLiteral, try literal(&cursor, b, out, depth) { return }
      scalar(try cursor.skipValue(), cursor, out)
    }
  }

  // SAFETY: a cursor gives extents only within its text, so p has n bytes. `store` overwrites the length that `put` wrote at start + 1.
  private func scalar(_ extent: JSONExtent, _ cursor: JSONCursor, _ out: BufferBuilder<UInt8>) {
    let p = unsafe cursor.base + extent.start, n = extent.end - extent.start
    switch extent.kind {
    case .null: out.append(DynamicTag.null.rawValue)
    case .true: out.append(DynamicTag.true.rawValue)
    case .false: out.append(DynamicTag.false.rawValue)
    case .integer:
      if let v = unsafe ScalarText.parseLong(p, n) { put(.long, v, out) } else { unsafe put(.real, (ScalarText.parseReal(p, n) ?? .nan).bitPattern, out) }
    case .number: unsafe put(.real, (ScalarText.parseReal(p, n) ?? .nan).bitPattern, out)
    case .string:
      let start = unsafe out.count
      put(.string, UInt32(0), out)
      cursor.appendString(extent, to: out)
      unsafe store(UInt32(truncatingIfNeeded: out.count - start - 5), at: start + 1, out)
    case .array, .object: break
    }
  }

  // SAFETY: room for tag and payload was just reserved; storing raw bytes needs no alignment.
  @inline(__always) private func put<T: BitwiseCopyable>(_ tag: DynamicTag, _ payload: T, _ out: BufferBuilder<UInt8>) {
    out.reserve(1 + MemoryLayout<T>.size)
    out.appendUnchecked(tag.rawValue)
    unsafe UnsafeMutableRawPointer(out.pointer + out.count).storeBytes(of: payload, as: T.self)
    unsafe out.count &+= MemoryLayout<T>.size
  }

  // SAFETY: the four bytes at `offset` were written before, and the address is taken anew, since the buffer may have moved.
  @inline(__always) private func store(_ value: UInt32, at offset: Int, _ out: BufferBuilder<UInt8>) {
    unsafe UnsafeMutableRawPointer(out.pointer + offset).storeBytes(of: value, as: UInt32.self)
  }

  // SAFETY: only counters are read, without overlap checks: parser and buffer belong to one thread.
  private func array(_ cursor: inout JSONCursor, _ out: BufferBuilder<UInt8>, _ depth: Int) throws(JSONTextError) {
    guard depth < JSONCursor.maxDepth else { throw cursor.error("nested deeper than \(JSONCursor.maxDepth)") }
    cursor.at &+= 1
    let start = unsafe out.count, firstEnd = unsafe ends.count
    out.append(DynamicTag.array.rawValue)
    if cursor.peek() == UInt8(ascii: "]") {
      cursor.at &+= 1
    } else {
      while true {
        try value(&cursor, out, depth + 1)
        unsafe ends.append(UInt32(truncatingIfNeeded: out.count &- start &- 1))
        guard let next = cursor.peek() else { throw cursor.error("the array does not end") }
        cursor.at &+= 1
        if next == UInt8(ascii: "]") { break }
        if next != UInt8(ascii: ",") { throw cursor.error("expected ',' or ']', found \(cursor.shown(cursor.at - 1))", at: cursor.at - 1) }
      }
    }
    close(start, firstEnd, out)
  }

  // SAFETY: four bytes for the length are reserved and counted before the key is appended, so `entry` + 4 + length is out.count; where length is
  // positive the key's first and last byte exist.
  private func bag(_ cursor: inout JSONCursor, _ out: BufferBuilder<UInt8>, _ depth: Int) throws(JSONTextError) {
    guard depth < JSONCursor.maxDepth else { throw cursor.error("nested deeper than \(JSONCursor.maxDepth)") }
    cursor.at &+= 1
    let start = unsafe out.count, firstEnd = unsafe ends.count
    var seen: UInt64 = 0
    var mayRepeat = false
    out.append(DynamicTag.bag.rawValue)
    if cursor.peek() == UInt8(ascii: "}") {
      cursor.at &+= 1
    } else {
      while true {
        let entry = unsafe out.count
        out.reserve(4)
        unsafe out.count &+= 4
        try key(&cursor, out)
        let length = unsafe out.count &- entry &- 4
        store(UInt32(truncatingIfNeeded: length), at: entry, out)
        // A small filter of keys: only bags whose keys collide are searched for repeated keys.
        let last = unsafe length > 0 ? UInt64(out.pointer[out.count &- 1]) &* 7 &+ UInt64(out.pointer[entry &+ 4]) : 0
        let bit: UInt64 = 1 << ((last &+ UInt64(length) &* 31) & 63)
        if seen & bit != 0 { mayRepeat = true }
        seen |= bit
        guard cursor.peek() == UInt8(ascii: ":") || dialect == .kqlLiteral && cursor.peek() == UInt8(ascii: "=") else {
          throw cursor.error("expected ':', found \(cursor.shown(cursor.at))")
        }
        cursor.at &+= 1
        try value(&cursor, out, depth + 1)
        unsafe ends.append(UInt32(truncatingIfNeeded: out.count &- start &- 1))
        guard let next = cursor.peek() else { throw cursor.error("the object does not end") }
        cursor.at &+= 1
        if next == UInt8(ascii: "}") { break }
        if next != UInt8(ascii: ",") { throw cursor.error("expected ',' or '}', found \(cursor.shown(cursor.at - 1))", at: cursor.at - 1) }
      }
    }
    if mayRepeat { dropRepeatedKeys(start, firstEnd, out) }
    close(start, firstEnd, out)
  }

  // SAFETY: `identifier` counts bytes of the text from `at` on, so they exist.
  private func key(_ cursor: inout JSONCursor, _ out: BufferBuilder<UInt8>) throws(JSONTextError) {
    if cursor.peek() == UInt8(ascii: "\"") {
      let extent = try cursor.scanString()
      cursor.appendString(extent, to: out)
      return
    }
    if dialect == .kqlLiteral {
      if cursor.peek() == UInt8(ascii: "'") { return try singleQuoted(&cursor, out) }
      let word = identifier(cursor)
      if word > 0 {
        unsafe out.append(contentsOf: UnsafeBufferPointer(start: cursor.base + cursor.at, count: word))
        cursor.at &+= word
        return
      }
    }
    throw cursor.error("expected a key in double quotes, found \(cursor.shown(cursor.at))")
  }

  /// The last of equal keys stays, at the place of the first.
  private func dropRepeatedKeys(_ start: Int, _ firstEnd: Int, _ out: BufferBuilder<UInt8>) {
    var entries: [[UInt8]] = []
    var index: [ArraySlice<UInt8>: Int] = [:]
    var from = start + 1
    for k in unsafe firstEnd..<ends.count {
      let to = unsafe start + 1 + Int(ends.pointer[k])
      let entry = unsafe Array(UnsafeBufferPointer(start: UnsafePointer(out.pointer + from), count: to - from))
      let length = Int(entry[0]) | Int(entry[1]) << 8 | Int(entry[2]) << 16 | Int(entry[3]) << 24
      let name = entry[4..<4 + length]
      if let known = index[name] { entries[known] = entry } else {
        index[name] = entries.count
        entries.append(entry)
      }
      from = to
    }
    if unsafe entries.count == ends.count - firstEnd { return }
    unsafe out.count = start + 1
    unsafe ends.count = firstEnd
    for entry in entries {
      unsafe entry.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
      unsafe ends.append(UInt32(truncatingIfNeeded: out.count - start - 1))
    }
  }

  /// Puts count and ends between the tag and the children, which were written behind the tag.
  // SAFETY: `out` has room for the header behind its bytes before the address is taken; the children move up by it (`update` allows overlap), and
  // n ends follow the count in the room they leave. ends[firstEnd..<ends.count] are this container's.
  private func close(_ start: Int, _ firstEnd: Int, _ out: BufferBuilder<UInt8>) {
    let n = unsafe ends.count &- firstEnd
    let header = 4 &+ 4 &* n
    out.reserve(header)
    let children = unsafe out.pointer + start + 1
    unsafe (children + header).update(from: UnsafePointer(children), count: out.count &- start &- 1)
    unsafe UnsafeMutableRawPointer(children).storeBytes(of: UInt32(truncatingIfNeeded: n), as: UInt32.self)
    for k in 0..<n {
      unsafe UnsafeMutableRawPointer(children + (4 &+ 4 &* k)).storeBytes(of: ends.pointer[firstEnd &+ k], as: UInt32.self)
    }
    unsafe out.count &+= header
    unsafe ends.count = firstEnd
  }

  // MARK: - KQL literals

  // SAFETY: reads below cursor.count.
  private func identifier(_ cursor: JSONCursor) -> Int {
    var n = 0
    while cursor.at + n < cursor.count {
      let b = unsafe cursor.base[cursor.at + n]
      let isLetter = (b | 0x20) &- 0x61 < 26 || b == 0x5F
      if !isLetter, !(n > 0 && b &- 0x30 < 10) { break }
      n += 1
    }
    return n
  }

  // SAFETY: reads base[i] where i < count, and base[i + 1] where that is below count.
  private func singleQuoted(_ cursor: inout JSONCursor, _ out: BufferBuilder<UInt8>) throws(JSONTextError) {
    let open = cursor.at
    var i = open + 1
    while i < cursor.count, unsafe cursor.base[i] != UInt8(ascii: "'") {
      guard unsafe cursor.base[i] == UInt8(ascii: "\\"), i + 1 < cursor.count else {
        unsafe out.append(cursor.base[i])
        i += 1
        continue
      }
      if unsafe cursor.base[i + 1] == UInt8(ascii: "'") {
        out.append(UInt8(ascii: "'"))
        i += 2
      } else {
        let length = unsafe cursor.base[i + 1] == UInt8(ascii: "u") ? min(6, cursor.count - i) : 2
        cursor.appendString(JSONExtent(kind: .string, start: i, end: i + length, needsDecoding: true), to: out)
        i += length
      }
    }
    guard i < cursor.count else { throw cursor.error("the string does not end", at: open) }
    cursor.at = i + 1
  }

  /// Single-quoted strings and typed literals; false when the byte starts neither.
  // SAFETY: reads below cursor.count; first and last stay between cursor.at and end, which is below count. The bytes are copied into strings.
  private func literal(_ cursor: inout JSONCursor, _ b: UInt8, _ out: BufferBuilder<UInt8>, _ depth: Int) throws(JSONTextError) -> Bool {
    if b == UInt8(ascii: "'") {
      let start = unsafe out.count
      put(.string, UInt32(0), out)
      try singleQuoted(&cursor, out)
      unsafe store(UInt32(truncatingIfNeeded: out.count - start - 5), at: start + 1, out)
      return true
    }
    let n = identifier(cursor)
    guard n > 0, cursor.at + n < cursor.count, unsafe cursor.base[cursor.at + n] == UInt8(ascii: "(") else { return false }
    let word = unsafe String(decoding: UnsafeBufferPointer(start: cursor.base + cursor.at, count: n), as: UTF8.self)
    let open = cursor.at
    guard let type = DataType(name: word) else { throw cursor.error("'\(word)' is not a type") }
    cursor.at += n + 1
    if type == .dynamic {
      guard depth < JSONCursor.maxDepth else { throw cursor.error("nested deeper than \(JSONCursor.maxDepth)") }
      try value(&cursor, out, depth + 1)
      guard cursor.peek() == UInt8(ascii: ")") else { throw cursor.error("expected ')', found \(cursor.shown(cursor.at))") }
      cursor.at += 1
      return true
    }
    var end = cursor.at
    while end < cursor.count, unsafe cursor.base[end] != UInt8(ascii: ")") { end += 1 }
    guard end < cursor.count else { throw cursor.error("the literal does not end", at: open) }
    var first = cursor.at, last = end
    while first < last, unsafe cursor.base[first] <= 0x20 { first += 1 }
    while first < last, unsafe cursor.base[last - 1] <= 0x20 { last -= 1 }
    if last - first >= 2, unsafe cursor.base[first] == cursor.base[last - 1],
      unsafe cursor.base[first] == UInt8(ascii: "'") || cursor.base[first] == UInt8(ascii: "\"")
    {
      first += 1
      last -= 1
    }
    let text = unsafe String(decoding: UnsafeBufferPointer(start: cursor.base + first, count: last - first), as: UTF8.self)
    cursor.at = end + 1
    if text == "null" {
      out.append(DynamicTag.null.rawValue)
      return true
    }
    guard let scalar = ScalarText.parse(text, as: type) else { throw cursor.error("'\(text)' is not a \(type)", at: open) }
    unsafe DynamicValue(scalar).binary.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
    return true
  }
}

extension DynamicValue {
  /// The dynamic form of a scalar; nulls become `.null`, dynamics are themselves.
  package init(_ scalar: Scalar) {
    self = switch scalar {
    case .null: .null
    case .bool(let v): .bool(v)
    case .int(let v): .long(Int64(v))
    case .long(let v): .long(v)
    case .real(let v): .real(v)
    case .decimal(let v): .decimal(v)
    case .string(let v): .string(v)
    case .datetime(let v): .datetime(v)
    case .timespan(let v): .timespan(v)
    case .guid(let v): .guid(v)
    case .dynamic(let v): v
    }
  }

  /// Parses a text; throws `JSONTextError`.
  // SAFETY: the bytes live for the call; the view reads the buffer while it is kept alive.
  package init(parsing text: String, as dialect: DynamicDialect = .json) throws(JSONTextError) {
    let out = BufferBuilder<UInt8>()
    let bytes = Array(text.utf8)
    let parser = DynamicParser(dialect)
    let result: Result<Void, JSONTextError> = unsafe bytes.withUnsafeBufferPointer { bytes in
      do throws(JSONTextError) { return unsafe .success(try parser.parse(bytes, into: out)) } catch { return .failure(error) }
    }
    try result.get()
    self = unsafe DynamicView(UnsafePointer(out.pointer), out.count).value
    withExtendedLifetime(out) {}
  }
}
