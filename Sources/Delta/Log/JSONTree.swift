// Role: JSON bytes → values, one text or one line at a time; depth is bounded by the JSON scanner.

package import Columnar
import DataSource

package enum JSONTree {
  /// Parses one text; errors name `place` and the byte.
  package static func parse(_ bytes: [UInt8], place: String) throws -> DynamicValue {
    let scratch = BufferBuilder<UInt8>()
    let parser = DynamicParser(.json)
    // SAFETY: the array outlives the closure, and the value copies out of the scratch buffer.
    return try unsafe bytes.withUnsafeBufferPointer { text in
      try unsafe value(text, parser, scratch, place: { "\(place), byte \($0)" })
    }
  }

  /// Parses newline-delimited objects; blank lines are passed over. `body` gets each value with its 1-based line.
  package static func lines(_ bytes: [UInt8], path: String, _ body: (DynamicValue, Int) throws -> Void) throws {
    let scratch = BufferBuilder<UInt8>()
    let parser = DynamicParser(.json)
    // SAFETY: every slice lies within `bytes`, which outlives the closure.
    try unsafe bytes.withUnsafeBufferPointer { all in
      var start = 0
      var line = 0
      while start < all.count {
        line += 1
        var end = start
        while end < all.count, unsafe all[end] != UInt8(ascii: "\n") { end += 1 }
        let text = unsafe UnsafeBufferPointer(rebasing: all[start..<end])
        let isBlank = unsafe text.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }
        if !isBlank {
          let (from, number) = (start, line)
          try body(try unsafe value(text, parser, scratch, place: { "'\(path)' line \(number), byte \(from + $0)" }), line)
        }
        start = end + 1
      }
    }
  }

  private static func value(
    _ text: UnsafeBufferPointer<UInt8>, _ parser: DynamicParser, _ scratch: BufferBuilder<UInt8>, place: (Int) -> String
  ) throws -> DynamicValue {
    do throws(JSONTextError) {
      // SAFETY: the parser reads within `text` only.
      try unsafe parser.parse(text, into: scratch)
    } catch {
      throw DeltaError.corrupt(place(error.offset), error.message)
    }
    defer { scratch.removeAll() }
    // SAFETY: the first `count` elements of the builder are initialised.
    return unsafe DynamicValue(binary: UnsafeBufferPointer(start: UnsafePointer(scratch.pointer), count: scratch.count))
  }
}
