// Role: pieces of JSON appended to bytes: fixed text, strings, numbers, column lists.

package import Columnar

extension BufferBuilder<UInt8> {
  /// Appends text as it is.
  package func raw(_ text: StaticString) {
    // SAFETY: a static string's bytes live as long as the program.
    unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends text that is JSON already.
  package func raw(_ text: String) {
    var text = text
    // SAFETY: the bytes live through the call.
    text.withUTF8 { unsafe append(contentsOf: $0) }
  }

  /// Appends a JSON string.
  package func string(_ text: String) {
    var text = text
    // SAFETY: the bytes live through the call, which reads `count` of them.
    text.withUTF8 { unsafe DynamicPrinter.string($0, self) }
  }

  /// Appends a number.
  package func number(_ value: Int) {
    // SAFETY: at most `ScalarText.room` bytes are written, which `appendText` reserves.
    unsafe appendText { unsafe ScalarText.write(long: Int64(value), to: $0) }
  }

  /// Appends a moment as a JSON string.
  package func datetime(_ ticks: Int64) {
    raw("\"")
    // SAFETY: as in `number`.
    unsafe appendText { unsafe ScalarText.write(datetime: ticks, to: $0) }
    raw("\"")
  }

  /// Appends a timespan as a JSON string.
  package func timespan(_ ticks: Int64) {
    raw("\"")
    // SAFETY: as in `number`.
    unsafe appendText { unsafe ScalarText.write(timespan: ticks, to: $0) }
    raw("\"")
  }

  /// How many bytes there are.
  package var length: Int { count }

  /// A copy as text, for edges.
  package var text: String {
    // SAFETY: the builder holds `count` initialised bytes.
    unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(pointer), count: count), as: UTF8.self)
  }
}
