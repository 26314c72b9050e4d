// Role: bytes from a terminal to keys: UTF-8, control characters, escape sequences, pasted text.
// Source: ECMA-48 control sequences as xterm sends them; "bracketed paste" is ESC [ 200 ~ … ESC [ 201 ~.

/// A key or a pasted text.
enum Key: Equatable {
  case text(String)
  case enter, tab, backspace, delete, left, right, up, down, home, end, wordLeft, wordRight
  /// Ctrl with a letter.
  case control(Character)
  /// Alt with a character.
  case alt(Character)
  case paste(String)
  /// A sequence without a meaning here.
  case unknown
  /// The terminal is gone.
  case closed
}

/// Reads keys one after another.
struct KeyReader {
  /// The next byte; nil at the end of the input. With `waits` false nil also when no byte follows soon.
  private let byte: (_ waits: Bool) -> UInt8?

  init(_ byte: @escaping (_ waits: Bool) -> UInt8?) { self.byte = byte }

  func next() -> Key {
    guard let first = byte(true) else { return .closed }
    switch first {
    case 0x0D, 0x0A: return .enter
    case 0x09: return .tab
    case 0x7F, 0x08: return .backspace
    case 0x1B: return escape()
    case 0x01...0x1A: return .control(Character(Unicode.Scalar(first + 0x60)))
    case 0x00, 0x1C...0x1F: return .unknown
    default: return .text(character(first))
    }
  }

  /// One character of UTF-8.
  private func character(_ first: UInt8) -> String {
    var bytes = [first]
    let count = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0
    for _ in 0..<count { if let next = byte(true) { bytes.append(next) } }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func escape() -> Key {
    guard let next = byte(false) else { return .unknown }
    if next == 0x4F {
      guard let letter = byte(false) else { return .unknown }
      return Self.letter(letter, parameters: "")
    }
    guard next == 0x5B else {
      if next == 0x7F { return .control("w") }
      return next < 0x80 ? .alt(Character(Unicode.Scalar(next))) : .unknown
    }
    var parameters: [UInt8] = []
    while let part = byte(false) {
      if part >= 0x40, part <= 0x7E {
        let text = String(decoding: parameters, as: UTF8.self)
        if part == 0x7E, text == "200" { return .paste(pasted()) }
        return Self.letter(part, parameters: text)
      }
      parameters.append(part)
      if parameters.count > 32 { return .unknown }
    }
    return .unknown
  }

  private static func letter(_ letter: UInt8, parameters: String) -> Key {
    // `1;5C`: with Ctrl (5) or Alt (3) the arrows move by words.
    let isWord = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
    switch letter {
    case 0x41: return .up
    case 0x42: return .down
    case 0x43: return isWord ? .wordRight : .right
    case 0x44: return isWord ? .wordLeft : .left
    case 0x48: return .home
    case 0x46: return .end
    case 0x7E:
      switch parameters.split(separator: ";").first.map(String.init) ?? "" {
      case "1", "7": return .home
      case "4", "8": return .end
      case "3": return .delete
      default: return .unknown
      }
    default: return .unknown
    }
  }

  private func pasted() -> String {
    let end: [UInt8] = [0x1B, 0x5B, 0x32, 0x30, 0x31, 0x7E]
    var bytes: [UInt8] = []
    while let next = byte(true) {
      bytes.append(next)
      if bytes.count >= end.count, bytes.suffix(end.count).elementsEqual(end) {
        bytes.removeLast(end.count)
        break
      }
    }
    // Terminals send line ends as carriage returns.
    return String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n")
      .split(separator: "\r", omittingEmptySubsequences: false).joined(separator: "\n")
  }
}
