// Role: edits a query on the terminal: draws the text with colours, moves the cursor, walks the history, offers completions. What a finished query
// is decides the caller.

import KConnect
import KQL

/// Reads one text with the keys of common shells (Emacs bindings).
struct LineEditor {
  /// What came of it.
  enum Outcome: Equatable {
    case text(String)
    /// Ctrl-C: the text is given up.
    case cancelled
    /// Ctrl-D on an empty text, or the terminal is gone.
    case ended
  }

  var prompt: String
  /// In front of the second and further lines; as wide as the prompt.
  var continuation: String
  /// Whether Enter ends the text rather than its line.
  var isComplete: (String) -> Bool
  /// Candidates for the text before the cursor and the number of characters they replace.
  var complete: (String) -> (items: [(text: String, detail: String)], replaced: Int)
  var isColourful: Bool

  private var buffer = LineBuffer()
  private var drawnCursorRow = 0
  private var historyPlace: Int?
  private var draft = ""
  private var isListing = false

  init(
    prompt: String, continuation: String, isColourful: Bool, isComplete: @escaping (String) -> Bool,
    complete: @escaping (String) -> (items: [(text: String, detail: String)], replaced: Int)
  ) {
    self.prompt = prompt
    self.continuation = continuation
    self.isColourful = isColourful
    self.isComplete = isComplete
    self.complete = complete
  }

  /// Edits until the text is finished.
  mutating func read(_ history: History, keys: KeyReader) -> Outcome {
    buffer = LineBuffer()
    drawnCursorRow = 0
    historyPlace = nil
    draw()
    while true {
      let key = keys.next()
      if key != .tab { isListing = false }
      if let outcome = handle(key, history, keys) {
        buffer.toEnd()
        draw()
        RawTerminal.write(outcome == .cancelled ? "^C\r\n" : "\r\n")
        return outcome
      }
      draw()
    }
  }

  private mutating func handle(_ key: Key, _ history: History, _ keys: KeyReader) -> Outcome? {
    switch key {
    case .text(let text): buffer.insert(text)
    case .paste(let text): buffer.insert(text)
    case .enter:
      if isComplete(buffer.text) { return .text(buffer.text) }
      buffer.insert("\n")
    case .closed: return .ended
    case .control("c"): return .cancelled
    case .control("d"):
      if buffer.isEmpty { return .ended }
      buffer.delete()
    case .tab: tab()
    case .backspace: buffer.backspace()
    case .delete: buffer.delete()
    case .left, .control("b"): buffer.left()
    case .right, .control("f"): buffer.right()
    case .home, .control("a"): buffer.home()
    case .end, .control("e"): buffer.end()
    case .wordLeft, .alt("b"): buffer.wordLeft()
    case .wordRight, .alt("f"): buffer.wordRight()
    case .up, .control("p"): if !buffer.up() { walk(-1, history) }
    case .down, .control("n"): if !buffer.down() { walk(1, history) }
    case .control("k"): buffer.cutToEnd()
    case .control("u"): buffer.cutToStart()
    case .control("w"): buffer.cutWordLeft()
    case .alt("d"): buffer.cutWordRight()
    case .control("y"): buffer.paste()
    case .control("t"): buffer.swap()
    case .control("l"):
      RawTerminal.write("\u{1B}[H\u{1B}[2J")
      drawnCursorRow = 0
    case .control("r"): return search(history, keys)
    case .control, .alt, .unknown: break
    }
    return nil
  }

  // MARK: History

  private mutating func walk(_ step: Int, _ history: History) {
    let count = history.entries.count
    var place = historyPlace ?? count
    if place == count { draft = buffer.text }
    place += step
    guard place >= 0, place <= count else { return }
    historyPlace = place
    buffer.set(place == count ? draft : history.entries[place])
  }

  /// Ctrl-R: looks back for an entry that contains what is typed; Enter takes it, Ctrl-R goes on, Ctrl-C gives up.
  private mutating func search(_ history: History, _ keys: KeyReader) -> Outcome? {
    let before = buffer.text
    var wanted = ""
    var place = history.entries.count
    while true {
      let found = wanted.isEmpty ? nil : history.entries[..<min(place, history.entries.count)].lastIndex { $0.contains(wanted) }
      if let found { buffer.set(history.entries[found]) }
      draw(status: "search: \(wanted)\(found == nil && !wanted.isEmpty ? "  (nothing found)" : "")")
      switch keys.next() {
      case .text(let text): wanted += text
      case .backspace:
        if !wanted.isEmpty { wanted.removeLast() }
        place = history.entries.count
      case .control("r"): place = found ?? place
      case .control("c"), .control("g"):
        buffer.set(before)
        return nil
      case .closed: return .ended
      case .enter: return isComplete(buffer.text) ? .text(buffer.text) : nil
      default: return nil
      }
    }
  }

  // MARK: Completion

  private mutating func tab() {
    let head = buffer.head
    if head.allSatisfy({ $0 == " " || $0 == "\n" }) && !head.isEmpty {
      buffer.insert("  ")
      return
    }
    let (items, replaced) = complete(head)
    guard let first = items.first else { return }
    let typed = String(head.suffix(replaced))
    if items.count == 1 {
      let isOpen = first.text.last.map { "(=/'\"".contains($0) } ?? false
      buffer.replace(from: buffer.cursor - replaced, with: first.text + (isOpen ? "" : " "))
      return
    }
    let common = Self.commonPrefix(items.map(\.text))
    if common.count > typed.count {
      buffer.replace(from: buffer.cursor - replaced, with: common)
    } else if isListing {
      list(items)
    }
    isListing = true
  }

  private static func commonPrefix(_ texts: [String]) -> String {
    guard let first = texts.first else { return "" }
    var prefix = Array(first)
    for text in texts.dropFirst() {
      var n = 0
      for (a, b) in zip(prefix, text) {
        if a != b { break }
        n += 1
      }
      prefix = Array(prefix.prefix(n))
    }
    return String(prefix)
  }

  /// Prints the candidates in columns above a fresh copy of the text.
  private mutating func list(_ items: [(text: String, detail: String)]) {
    let width = StandardStreams.outputWidth ?? 80
    let shown = items.prefix(200).map { item in
      let detail = item.detail.isEmpty || items.count > 40 ? "" : "  " + item.detail
      return TextWidth.fitted(item.text + detail, to: min(width - 2, 44))
    }
    let column = (shown.map { TextWidth.cells($0) }.max() ?? 1) + 2
    let columns = max(1, width / column)
    let rows = (shown.count + columns - 1) / columns
    var out = "\r\n"
    for row in 0..<rows {
      for c in 0..<columns where c * rows + row < shown.count {
        let text = shown[c * rows + row]
        out += text + String(repeating: " ", count: max(0, column - TextWidth.cells(text)))
      }
      out += "\r\n"
    }
    if items.count > shown.count { out += "… and \(items.count - shown.count) more\r\n" }
    RawTerminal.write(out)
    drawnCursorRow = 0
  }

  // MARK: Drawing

  /// Draws prompt and text anew and puts the cursor in its place; a status line may follow.
  private mutating func draw(status: String? = nil) {
    let width = max(10, StandardStreams.outputWidth ?? 80)
    var out = ""
    if drawnCursorRow > 0 { out += "\u{1B}[\(drawnCursorRow)A" }
    out += "\r\u{1B}[J"
    let lines = buffer.text.split(separator: "\n", omittingEmptySubsequences: false)
    let coloured = Highlighter.lines(buffer.text, isColourful: isColourful)
    var rows = 0
    var cursorRow = 0, cursorColumn = 0
    var position = 0
    for (i, line) in lines.enumerated() {
      let head = i == 0 ? prompt : continuation
      out += (isColourful ? "\u{1B}[1;34m\(head)\u{1B}[0m" : head) + coloured[i]
      let used = TextWidth.cells(head) + TextWidth.cells(String(line))
      if buffer.cursor >= position, buffer.cursor <= position + line.count {
        let before = TextWidth.cells(head) + TextWidth.cells(String(line.prefix(buffer.cursor - position)))
        cursorRow = rows + before / width
        cursorColumn = before % width
      }
      rows += used / width
      // A full line leaves the cursor behind its last cell: the next character would wrap.
      if used % width == 0, used > 0 { out += " \r" }
      if i < lines.count - 1 {
        out += "\r\n"
        rows += 1
      }
      position += line.count + 1
    }
    if let status {
      out += "\r\n" + status
      rows += 1
    }
    if rows > cursorRow { out += "\u{1B}[\(rows - cursorRow)A" }
    out += "\r"
    if cursorColumn > 0 { out += "\u{1B}[\(cursorColumn)C" }
    RawTerminal.write(out)
    drawnCursorRow = cursorRow
  }
}

/// KQL with colours for a terminal.
enum Highlighter {
  /// The lines of a text, each with its own escape sequences.
  static func lines(_ text: String, isColourful: Bool) -> [String] {
    let bytes = Array(text.utf8)
    var out = ""
    var at = 0
    func append(_ range: Range<Int>, _ code: String?) {
      let piece = String(decoding: bytes[range], as: UTF8.self)
      guard let code, isColourful else {
        out += piece
        return
      }
      out += piece.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "\u{1B}[\(code)m\($0)\u{1B}[0m" }.joined(separator: "\n")
    }
    if isColourful, let first = bytes.first, first != UInt8(ascii: "\\"), first != UInt8(ascii: "#") {
      for piece in TextState.pieces(text) where piece.range.lowerBound >= at {
        append(at..<piece.range.lowerBound, nil)
        append(piece.range, code(piece.kind))
        at = piece.range.upperBound
      }
    }
    append(at..<bytes.count, nil)
    return out.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private static func code(_ kind: TextPiece.Kind) -> String {
    switch kind {
    case .operator: "1;36"
    case .keyword: "36"
    case .function: "34"
    case .string: "32"
    case .number: "35"
    case .comment: "2"
    case .punctuation: "1"
    }
  }
}
