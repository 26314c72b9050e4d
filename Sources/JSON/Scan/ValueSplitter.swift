// Role: finds where top-level records end in a stream that is one array, or values behind each other with any white space: the pretty-printed
// forms. Works on blocks as they come and keeps its state between them. It only finds boundaries; whether a record is JSON the parser says.

import Columnar

/// The state of a stream split into records.
package struct ValueSplitter: Sendable {
  private var depth = 0
  private var isInString = false, isEscaped = false
  /// The stream is one array; its elements are the records.
  package private(set) var isArray = false
  private var hasStarted = false
  private var isInScalar = false
  /// The closing bracket has been seen.
  private var isClosed = false
  /// A comma or a start allows a record; false behind a record of an array until the comma.
  private var mayStart = true
  private var hasRecords = false

  package init() {}

  /// Scans `bytes[from...]`; records that end are appended as ranges. `open` is the start of a record not ended yet (-1: none), kept by the
  /// caller between blocks as an offset into the block. Throws `JSONTextError` for text between records.
  // SAFETY: `i` stays below `bytes.count`.
  package mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>, from: Int, open: inout Int, records: inout [Range<Int>]) throws {
    guard let p = bytes.baseAddress else { return }
    var i = from
    while i < bytes.count {
      let b = unsafe p[i]
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if b == UInt8(ascii: "\\") {
          isEscaped = true
        } else if b == UInt8(ascii: "\"") {
          isInString = false
          if depth == 0, open >= 0 { close(at: i + 1, &open, &records) }
        }
        i &+= 1
        continue
      }
      if depth > 0 {
        switch b {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          depth &-= 1
          if depth == 0 { close(at: i + 1, &open, &records) }
        default: break
        }
        i &+= 1
        continue
      }
      try between(b, i, &open, &records)
      i &+= 1
    }
  }

  private mutating func close(at end: Int, _ open: inout Int, _ records: inout [Range<Int>]) {
    records.append(open..<end)
    open = -1
    isInScalar = false
    mayStart = !isArray
    hasRecords = true
  }

  /// A byte outside all records, or in a bare scalar.
  private mutating func between(_ b: UInt8, _ i: Int, _ open: inout Int, _ records: inout [Range<Int>]) throws {
    let isSpace = b == 0x20 || b == 0x0A || b == 0x0D || b == 0x09
    let ends = isSpace || b == UInt8(ascii: ",") || b == UInt8(ascii: "]")
    if isInScalar {
      if !ends { return }
      close(at: i, &open, &records)
    }
    if isSpace { return }
    if isClosed { throw JSONTextError(offset: i, message: "expected the end behind the array") }
    if !hasStarted {
      hasStarted = true
      if b == UInt8(ascii: "[") {
        isArray = true
        return
      }
    }
    if isArray {
      if b == UInt8(ascii: "]") {
        if mayStart, hasRecords { throw JSONTextError(offset: i, message: "expected a record behind ','") }
        isClosed = true
        return
      }
      if b == UInt8(ascii: ",") {
        if mayStart { throw JSONTextError(offset: i, message: "expected a record, found ','") }
        mayStart = true
        return
      }
      if !mayStart { throw JSONTextError(offset: i, message: "expected ',' or ']' between records") }
    }
    open = i
    mayStart = false
    switch b {
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth = 1
    case UInt8(ascii: "\""): isInString = true
    default: isInScalar = true
    }
  }

  /// At the end of the stream: ends a bare scalar; throws when a record or the array is cut off. `end` is where the bytes end.
  package mutating func finish(at end: Int, open: inout Int, records: inout [Range<Int>]) throws {
    if isInScalar { close(at: end, &open, &records) }
    if open >= 0 { throw JSONTextError(offset: open, message: "the record that begins here does not end") }
    if isArray, !isClosed { throw JSONTextError(offset: end, message: "the array does not end") }
  }
}
