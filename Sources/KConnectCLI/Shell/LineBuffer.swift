// Role: the text under the cursor and what keys do to it; no terminal here. Positions count characters.

/// An editable text of one or more lines.
struct LineBuffer {
  private(set) var characters: [Character] = []
  private(set) var cursor = 0
  /// What was cut last.
  private var cut: [Character] = []

  var text: String { String(characters) }
  var isEmpty: Bool { characters.isEmpty }
  /// The text before the cursor.
  var head: String { String(characters[..<cursor]) }

  mutating func set(_ text: String) {
    characters = Array(text)
    cursor = characters.count
  }

  mutating func insert(_ text: String) {
    let new = Array(text)
    characters.insert(contentsOf: new, at: cursor)
    cursor += new.count
  }

  /// Replaces the characters from `start` to the cursor.
  mutating func replace(from start: Int, with text: String) {
    characters.removeSubrange(start..<cursor)
    cursor = start
    insert(text)
  }

  // MARK: Moving

  mutating func left() { cursor = max(0, cursor - 1) }
  mutating func right() { cursor = min(characters.count, cursor + 1) }
  mutating func end() { cursor = lineEnd }
  mutating func home() { cursor = lineStart }
  mutating func toEnd() { cursor = characters.count }

  private var lineStart: Int { (characters[..<cursor].lastIndex(of: "\n") ?? -1) + 1 }
  private var lineEnd: Int { characters[cursor...].firstIndex(of: "\n") ?? characters.count }

  /// To the line above; false on the first line.
  mutating func up() -> Bool {
    let start = lineStart
    guard start > 0 else { return false }
    let column = cursor - start
    let above = (characters[..<(start - 1)].lastIndex(of: "\n") ?? -1) + 1
    cursor = min(above + column, start - 1)
    return true
  }

  /// To the line below; false on the last line.
  mutating func down() -> Bool {
    let end = lineEnd
    guard end < characters.count else { return false }
    let column = cursor - lineStart
    let next = end + 1
    let nextEnd = characters[next...].firstIndex(of: "\n") ?? characters.count
    cursor = min(next + column, nextEnd)
    return true
  }

  private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }

  private var wordStart: Int {
    var i = cursor
    while i > 0, !Self.isWord(characters[i - 1]) { i -= 1 }
    while i > 0, Self.isWord(characters[i - 1]) { i -= 1 }
    return i
  }

  private var wordEnd: Int {
    var i = cursor
    while i < characters.count, !Self.isWord(characters[i]) { i += 1 }
    while i < characters.count, Self.isWord(characters[i]) { i += 1 }
    return i
  }

  mutating func wordLeft() { cursor = wordStart }
  mutating func wordRight() { cursor = wordEnd }

  // MARK: Deleting

  mutating func backspace() {
    guard cursor > 0 else { return }
    cursor -= 1
    characters.remove(at: cursor)
  }

  mutating func delete() {
    if cursor < characters.count { characters.remove(at: cursor) }
  }

  private mutating func cut(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    cut = Array(characters[range])
    characters.removeSubrange(range)
    cursor = range.lowerBound
  }

  mutating func cutToEnd() { cut(cursor..<(lineEnd == cursor ? min(cursor + 1, characters.count) : lineEnd)) }
  mutating func cutToStart() { cut(lineStart..<cursor) }
  mutating func cutWordLeft() { cut(wordStart..<cursor) }
  mutating func cutWordRight() { cut(cursor..<wordEnd) }
  mutating func paste() { insert(String(cut)) }

  mutating func swap() {
    guard cursor > 0, characters.count > 1 else { return }
    let i = cursor == characters.count ? cursor - 1 : cursor
    characters.swapAt(i - 1, i)
    cursor = min(characters.count, i + 1)
  }
}
