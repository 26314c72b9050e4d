// Role: bytes as texts, in columns and in dynamic values.

import Columnar

enum AvroText {
  /// What is not UTF-8 becomes U+FFFD, or with `isBinary` the whole Base64.
  static func text(_ bytes: ArraySlice<UInt8>, isBinary: Bool) -> String {
    if !isBinary { return String(decoding: bytes, as: UTF8.self) }
    return String(validating: bytes, as: UTF8.self) ?? Base64.text(bytes)
  }
}

extension ColumnBuilder {
  /// The bytes at `place`, as `AvroText.text` gives them.
  func append(_ bytes: [UInt8], _ place: Range<Int>, isBinary: Bool) {
    if append(utf8: bytes, place) { return }
    append(text: isBinary ? Base64.text(bytes[place]) : String(decoding: bytes[place], as: UTF8.self))
  }
}
