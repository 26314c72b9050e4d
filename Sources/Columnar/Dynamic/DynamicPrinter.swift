// Role: the binary form of dynamic values to JSON text, compact as Kusto's `tostring(dynamic)` prints it: `{"a":1,"b":[1,2]}`. Values JSON does
// not know (datetime, timespan, guid) become strings; reals keep a point (`1.0`), so that they read back as reals.

/// Appends the JSON text of dynamic values.
// SAFETY: numbers and times take at most `ScalarText.room` bytes, which `appendText` reserves before it hands out an address. Strings and entries
// are windows on the view's memory, which the caller keeps alive and which is not the buffer appended to.
package enum DynamicPrinter {
  /// Appends compact JSON; NaN and infinities are the strings Kusto prints ("NaN").
  package static func append(_ value: DynamicView, to out: BufferBuilder<UInt8>, depth: Int = 0) {
    guard depth < 1_000 else { return word("null", out) }
    switch value.tag {
    case .null: word("null", out)
    case .false: word("false", out)
    case .true: word("true", out)
    case .long: unsafe out.appendText { unsafe ScalarText.write(long: value.int64, to: $0) }
    case .real:
      if value.real.isFinite { unsafe out.appendText { unsafe ScalarText.write(realWithPoint: value.real, to: $0) } }
      else { quoted(out) { unsafe out.appendText { unsafe ScalarText.write(real: value.real, to: $0) } } }
    case .decimal: quoted(out) { unsafe out.appendText { unsafe ScalarText.write(decimal: value.decimal, to: $0) } }
    case .string: unsafe string(value.stringBytes, out)
    case .datetime: quoted(out) { unsafe out.appendText { unsafe ScalarText.write(datetime: value.int64, to: $0) } }
    case .timespan: quoted(out) { unsafe out.appendText { unsafe ScalarText.write(timespan: value.int64, to: $0) } }
    case .guid: quoted(out) { unsafe out.appendText { unsafe ScalarText.write(guid: value.guid, to: $0) } }
    case .array:
      out.append(UInt8(ascii: "["))
      for i in 0..<value.childCount {
        if i > 0 { out.append(UInt8(ascii: ",")) }
        if let element = value.element(i) { append(element, to: out, depth: depth + 1) } else { word("null", out) }
      }
      out.append(UInt8(ascii: "]"))
    case .bag:
      out.append(UInt8(ascii: "{"))
      for i in 0..<value.childCount {
        guard let entry = unsafe value.entry(i) else { continue }
        if i > 0 { out.append(UInt8(ascii: ",")) }
        unsafe string(entry.key, out)
        out.append(UInt8(ascii: ":"))
        unsafe append(entry.value, to: out, depth: depth + 1)
      }
      out.append(UInt8(ascii: "}"))
    }
  }

  /// Appends what `tostring` gives: a string is itself without quotes, null is empty, everything else JSON.
  package static func appendText(_ value: DynamicView, to out: BufferBuilder<UInt8>) {
    switch value.tag {
    case .null: break
    case .string: unsafe out.append(contentsOf: value.stringBytes)
    case .real: unsafe out.appendText { unsafe ScalarText.write(real: value.real, to: $0) }
    case .decimal: unsafe out.appendText { unsafe ScalarText.write(decimal: value.decimal, to: $0) }
    case .datetime: unsafe out.appendText { unsafe ScalarText.write(datetime: value.int64, to: $0) }
    case .timespan: unsafe out.appendText { unsafe ScalarText.write(timespan: value.int64, to: $0) }
    case .guid: unsafe out.appendText { unsafe ScalarText.write(guid: value.guid, to: $0) }
    default: append(value, to: out)
    }
  }

  private static func quoted(_ out: BufferBuilder<UInt8>, _ body: () -> Void) {
    out.append(UInt8(ascii: "\""))
    body()
    out.append(UInt8(ascii: "\""))
  }

  // SAFETY: a static string's bytes live for ever.
  private static func word(_ text: StaticString, _ out: BufferBuilder<UInt8>) {
    unsafe out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends a JSON string: quotes, backslashes and control characters escaped, everything else as it is.
  // SAFETY: 6 bytes for each byte and 2 quotes are reserved before the address is taken; each turn of the loop writes 1, 2 or 6 of them.
  package static func string(_ bytes: UnsafeBufferPointer<UInt8>, _ out: BufferBuilder<UInt8>) {
    // Each byte takes six bytes at most.
    out.reserve(bytes.count &* 6 &+ 2)
    let start = unsafe out.pointer + out.count
    var to = unsafe start
    unsafe to[0] = UInt8(ascii: "\"")
    unsafe to += 1
    for i in 0..<bytes.count {
      let byte = unsafe bytes[i]
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        unsafe to[0] = byte
        unsafe to += 1
        continue
      }
      unsafe to[0] = UInt8(ascii: "\\")
      switch byte {
      case UInt8(ascii: "\n"): unsafe to[1] = UInt8(ascii: "n")
      case UInt8(ascii: "\r"): unsafe to[1] = UInt8(ascii: "r")
      case UInt8(ascii: "\t"): unsafe to[1] = UInt8(ascii: "t")
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): unsafe to[1] = byte
      default:
        unsafe to[1] = UInt8(ascii: "u")
        unsafe to[2] = UInt8(ascii: "0")
        unsafe to[3] = UInt8(ascii: "0")
        unsafe to[4] = byte < 16 ? UInt8(ascii: "0") : UInt8(ascii: "1")
        let low = byte & 15
        unsafe to[5] = low < 10 ? 0x30 + low : 0x57 + low
        unsafe to += 4
      }
      unsafe to += 2
    }
    unsafe to[0] = UInt8(ascii: "\"")
    unsafe out.count &+= to + 1 - start
  }
}

extension DynamicValue {
  /// Compact JSON.
  // SAFETY: the value's bytes live for the call; the text is copied while the builder is alive.
  package var json: String {
    let out = BufferBuilder<UInt8>()
    let bytes = binary
    unsafe bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { unsafe DynamicPrinter.append(DynamicView(base, $0.count), to: out) } }
    return unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(out.pointer), count: out.count), as: UTF8.self)
  }

  /// What `tostring` gives.
  // SAFETY: as in `json`.
  package var text: String {
    let out = BufferBuilder<UInt8>()
    let bytes = binary
    unsafe bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { unsafe DynamicPrinter.appendText(DynamicView(base, $0.count), to: out) } }
    return unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(out.pointer), count: out.count), as: UTF8.self)
  }
}
