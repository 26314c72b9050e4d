// Role: standard base64 with padding, and bytes as text where they are none: what sources of text give for values that are not UTF-8.
// Source: RFC 4648.

package enum Base64 {
  package static func append(_ bytes: UnsafeBufferPointer<UInt8>, to out: BufferBuilder<UInt8>) {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    // SAFETY: indexes are six bits; the table has 64 bytes.
    func letter(_ bits: UInt32) -> UInt8 { unsafe alphabet.utf8Start[Int(bits & 63)] }
    for i in stride(from: 0, to: bytes.count, by: 3) {
      let left = bytes.count - i
      let a = unsafe UInt32(bytes[i]), b = unsafe left > 1 ? UInt32(bytes[i + 1]) : 0, c = unsafe left > 2 ? UInt32(bytes[i + 2]) : 0
      let word = a << 16 | b << 8 | c
      out.append(letter(word >> 18))
      out.append(letter(word >> 12))
      out.append(left > 1 ? letter(word >> 6) : UInt8(ascii: "="))
      out.append(left > 2 ? letter(word) : UInt8(ascii: "="))
    }
  }

  /// The text, or base64 where it is none.
  package static func text(_ bytes: UnsafeBufferPointer<UInt8>, always: Bool = false) -> String {
    if !always, unsafe isValidUTF8(bytes) { return unsafe String(decoding: bytes, as: UTF8.self) }
    let out = BufferBuilder<UInt8>()
    unsafe append(bytes, to: out)
    return unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(out.pointer), count: out.count), as: UTF8.self)
  }
}
