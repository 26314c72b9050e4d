// Role: where words begin and end in the UTF-8 of a text, for reduce.

/// Cuts texts at separators.
struct WordCutter {
  /// Whether a byte below 128 separates.
  private let ascii: [Bool]
  /// The scalars beyond ASCII that separate; nil: all do.
  private let wide: Set<UInt32>?

  /// Nil: all that are no ASCII letters or digits separate.
  init(separators: String?) {
    var ascii = [Bool](repeating: separators == nil, count: 128)
    if let separators {
      for scalar in separators.unicodeScalars where scalar.isASCII { ascii[Int(scalar.value)] = true }
      wide = Set(separators.unicodeScalars.filter { !$0.isASCII }.map(\.value))
    } else {
      for byte in 0x61...0x7A { (ascii[byte], ascii[byte - 0x20]) = (false, false) }
      for byte in 0x30...0x39 { ascii[byte] = false }
      wide = nil
    }
    self.ascii = ascii
  }

  /// The first word at or behind `place`; nil when only separators follow.
  func word(_ text: TextBytes, from place: Int) -> Range<Int>? {
    var at = place
    while at < text.count {
      let length = separator(text, at)
      if length == 0 { break }
      at += length
    }
    guard at < text.count else { return nil }
    let start = at
    repeat { at += 1 } while at < text.count && separator(text, at) == 0
    return start..<at
  }

  /// The length of the separator at a place; 0 for what belongs to a word.
  private func separator(_ text: TextBytes, _ at: Int) -> Int {
    let byte = text[at]
    if byte < 0x80 { return ascii[Int(byte)] ? 1 : 0 }
    guard let wide else { return 1 }
    // Bytes inside a scalar belong to what its first byte belongs to.
    guard !wide.isEmpty, byte >= 0xC0 else { return 0 }
    let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
    guard at + length <= text.count else { return 0 }
    var value = UInt32(byte) & (0x7F >> UInt32(length))
    for k in 1..<length { value = value << 6 | UInt32(text[at + k] & 0x3F) }
    return wide.contains(value) ? length : 0
  }
}
