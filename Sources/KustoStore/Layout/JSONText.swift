// Role: the JSON of marks, journals and policies as values, and bytes captured from calls.

package import Columnar
import DataSource

extension [UInt8] {
  /// `count` bytes that `fill` writes; it answers how many it wrote.
  init(capturing count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Int) throws {
    // SAFETY: the buffer has `count` bytes; at most `count` of them are declared initialised.
    self = try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = Swift.min(count, try unsafe fill(UnsafeMutableRawBufferPointer(buffer)))
    }
  }
}

extension DynamicValue {
  /// JSON text as a value; nil when it is malformed.
  package init?(json text: String) {
    let out = BufferBuilder<UInt8>()
    var text = text
    // SAFETY: the text's bytes and the builder's live through the calls.
    let isRead: Bool = text.withUTF8 { bytes in
      do {
        try unsafe DynamicParser().parse(bytes, into: out)
        return true
      } catch { return false }
    }
    guard isRead else { return nil }
    self = unsafe out.finish().withUnsafe { unsafe DynamicValue(binary: $0) }
  }

  /// The text of a string value.
  package var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  /// The number of a long value.
  package var longValue: Int64? { if case .long(let value) = self { value } else { nil } }
  /// The elements of an array.
  package var elements: [DynamicValue]? { if case .array(let items) = self { items } else { nil } }
  /// The entries of a bag.
  package var entries: [DynamicEntry]? { if case .bag(let entries) = self { entries } else { nil } }
}
