// Byte offsets to lines and columns. Columns count characters from 1, as editors show them; lines end at \n, \r\n or \r.

/// Finds lines in one query text.
package struct SourceLocator {
  let bytes: [UInt8]
  /// Offset of the first byte of each line, ascending; the first is 0.
  let lineStarts: [Int]

  package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  init(bytes: [UInt8]) {
    self.bytes = bytes
    var starts = [0]
    var i = 0
    while i < bytes.count {
      let byte = bytes[i]
      i += 1
      if byte == 0x0A { starts.append(i) }
      if byte == 0x0D {
        if i < bytes.count && bytes[i] == 0x0A { i += 1 }
        starts.append(i)
      }
    }
    self.lineStarts = starts
  }

  /// The line (from 1) and character column (from 1) of a byte offset; offsets past the end give the end.
  package func lineAndColumn(of offset: Int) -> (line: Int, column: Int) {
    let offset = min(max(0, offset), bytes.count)
    let line = lineIndex(of: offset)
    return (line + 1, string(lineStarts[line], offset).count + 1)
  }

  /// Index from 0 of the line that holds the offset.
  func lineIndex(of offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low
  }

  /// The byte range of a line without its end.
  func lineRange(_ index: Int) -> (start: Int, end: Int) {
    let start = lineStarts[index]
    var end = index + 1 < lineStarts.count ? lineStarts[index + 1] : bytes.count
    while end > start && (bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D) { end -= 1 }
    return (start, end)
  }

  func string(_ start: Int, _ end: Int) -> String {
    String(decoding: bytes[max(0, start)..<max(max(0, start), end)], as: UTF8.self)
  }
}
