// Role: base64 and URL encoding. Source: Kusto language reference; RFC 4648; RFC 3986.

import Columnar

private func spec(_ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction) -> FunctionSpec
{
  FunctionSpec(name, aliases: aliases, .parsing, arity, parameters: parameters, summary, example: example, bind: bind)
}

/// Where .NET puts the bytes of a GUID's text.
private let netOrder: [Int] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

/// A GUID's 16 bytes as .NET orders them: the first three groups little-endian.
private func netBytes(_ guid: GUID) -> [UInt8] {
  var b: [UInt8] = []
  for i in 0..<16 {
    let half: UInt64 = i < 8 ? guid.high : guid.low
    b.append(UInt8(truncatingIfNeeded: half >> UInt64((7 - (i & 7)) * 8)))
  }
  return netOrder.map { b[$0] }
}

private let unreserved: [UInt8] = Array("-._".utf8)
private let plusPlain: [UInt8] = Array("!*()".utf8)

// SAFETY: iterates over the caller's text, which is not the builder appended to.
private func appendURL(_ text: UnsafeBufferPointer<UInt8>, plus: Bool, _ out: BufferBuilder<UInt8>) {
  let hex: [UInt8] = Array("0123456789abcdef".utf8)
  for unsafe b in unsafe text {
    let isWord: Bool = (b | 0x20) &- 0x61 < 26 || b &- 0x30 < 10
    let isPlain: Bool = isWord || unreserved.contains(b) || (plus ? plusPlain.contains(b) : b == UInt8(ascii: "~"))
    if isPlain { out.append(b) } else if b == 0x20, plus { out.append(UInt8(ascii: "+")) } else {
      out.append(UInt8(ascii: "%"))
      out.append(hex[Int(b >> 4)])
      out.append(hex[Int(b & 15)])
    }
  }
}

/// The text with %XX and + decoded.
// SAFETY: text[i + 1] and text[i + 2] are read where i + 2 is below text.count.
func urlDecoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
  func digit(_ c: UInt8) -> UInt8? {
    switch c {
    case 0x30...0x39: c - 0x30
    case 0x41...0x46: c - 0x41 + 10
    case 0x61...0x66: c - 0x61 + 10
    default: nil
    }
  }
  var out: [UInt8] = []
  var i = 0
  while i < text.count {
    if unsafe text[i] == UInt8(ascii: "%"), i + 2 < text.count, let a = unsafe digit(text[i + 1]), let b = unsafe digit(text[i + 2]) {
      out.append(a << 4 | b)
      i += 3
    } else {
      unsafe out.append(text[i] == UInt8(ascii: "+") ? 0x20 : text[i])
      i += 1
    }
  }
  return out
}

// SAFETY: rows are windows on an argument's memory, which lives for the call; bytes made here live while they are copied.
let encodingFunctions: [FunctionSpec] = unsafe [
  spec("base64_encode_tostring", aliases: ["base64_encodestring"], 1...1, "text", "Base64 of a text's UTF-8.", "base64_encode_tostring('Kusto')",
    bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { unsafe Base64.append($0, to: $1) })),
  unsafe spec("base64_decode_tostring", aliases: ["base64_decodestring"], 1...1, "text", "The text in base64; '' when it is not valid.", "base64_decode_tostring('S3VzdG8=')",
    bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { text, out in
      guard let bytes = unsafe Base64.bytes(text, .padded) else { return }
      unsafe bytes.withUnsafeBufferPointer { if unsafe isValidUTF8($0) { unsafe out.append(contentsOf: $0) } }
    })),
  unsafe spec("base64_decode_toarray", 1...1, "text", "The bytes in base64 as an array of numbers.", "base64_decode_toarray('S3VzdG8=')",
    bind: BoundFunction.unary(.dynamic, .string, rows(TextRows.self) { text -> DynamicValue in
      unsafe Base64.bytes(text, .padded).map { .array($0.map { .long(Int64($0)) }) } ?? .null
    })),
  spec("base64_encode_fromarray", 1...1, "array", "Base64 of an array of bytes.", "base64_encode_fromarray(dynamic([75,117]))",
    bind: BoundFunction.unary(.string, .dynamic, textRows(DynamicRows.self) { array, out in
      var bytes: [UInt8] = []
      for i in 0..<array.childCount {
        guard let v = array.element(i)?.asLong, let byte = UInt8(exactly: v) else { return }
        bytes.append(byte)
      }
      unsafe bytes.withUnsafeBufferPointer { unsafe Base64.append($0, to: out) }
    })),
  spec("base64_encode_fromguid", 1...1, "guid", "Base64 of a GUID's bytes.", "base64_encode_fromguid(guid(ae3133f2-6e22-49ae-b06a-16e6a9b212eb))",
    bind: BoundFunction.unary(.string, .guid, textRows(GUIDRows.self) { guid, out in unsafe netBytes(guid).withUnsafeBufferPointer { unsafe Base64.append($0, to: out) } })),
  unsafe spec("base64_decode_toguid", 1...1, "text", "The GUID in base64.", "base64_decode_toguid('JpbpECu8dUy7Pv5gbeJXAA==')",
    bind: BoundFunction.unary(.guid, .string, rows(TextRows.self) { text -> GUID? in
      guard let b = unsafe Base64.bytes(text, .padded), b.count == 16 else { return nil }
      let ordered: [UInt8] = netOrder.map { b[$0] }
      func word(_ from: Int) -> UInt64 { ordered[from..<from + 8].reduce(0) { $0 << 8 | UInt64($1) } }
      return GUID(high: word(0), low: word(8))
    })),
  unsafe spec("url_encode", 1...1, "text", "Percent-encoding, spaces as +.", "url_encode('a b')", bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { unsafe appendURL($0, plus: true, $1) })),
  unsafe spec("url_encode_component", 1...1, "text", "Percent-encoding, spaces as %20.", "url_encode_component('a b')",
    bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { unsafe appendURL($0, plus: false, $1) })),
  unsafe spec("url_decode", 1...1, "text", "Percent-encoded text decoded.", "url_decode('a%20b')",
    bind: BoundFunction.unary(.string, .string, textRows(TextRows.self) { text, out in unsafe urlDecoded(text).withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) } })),
]
