// Role: bounds of texts cut to a prefix: a minimum stays below, a maximum has to be raised.

enum TextBound {
  /// Characters that bounds of texts are cut to.
  static let length = 32

  /// A text no greater than `text`.
  static func minimum(_ text: String) -> String { text.unicodeScalars.count <= length ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(length))) }

  /// A text no less than `text`; nil when there is none of that length.
  static func maximum(_ text: String) -> String? { text.unicodeScalars.count <= length ? text : raised(minimum(text)) }

  /// The least text of at most that length above every text that begins with `text`.
  static func raised(_ text: String) -> String? {
    var scalars = Array(text.unicodeScalars)
    while let last = scalars.popLast() {
      let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
      guard next <= 0x10FFFF, let raised = UnicodeScalar(next) else { continue }
      var out = String.UnicodeScalarView(scalars)
      out.append(raised)
      return String(out)
    }
    return nil
  }
}
