// Role: gzip and zlib to and from base64 text. Inflation is bounded. Source: Kusto "gzip_decompress_from_base64_string()" and its siblings.

import CZlib
import Columnar

/// Most bytes one text may inflate to.
private let maxInflated = 64 << 20

/// The container: zlib's window bits ask for it.
private enum Container: Int32 {
  case zlib = 15
  case gzip = 31
}

/// The inflated bytes; nil for damaged data and for what grows beyond the bound.
// SAFETY: input and chunk live, unmoved, for the closures in which zlib is given their addresses and sizes; it reads and writes no more than that,
// and checks that the stream has not moved. Input addresses left in the stream are not used by `inflateEnd`.
private func inflated(_ bytes: [UInt8], _ container: Container) -> [UInt8]? {
  var stream = unsafe z_stream()
  guard unsafe inflateInit2_(&stream, container.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
  defer { unsafe inflateEnd(&stream) }
  var source = bytes
  var out: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  return unsafe source.withUnsafeMutableBufferPointer { input -> [UInt8]? in
    unsafe stream.next_in = input.baseAddress
    unsafe stream.avail_in = UInt32(clamping: input.count)
    while true {
      let status = unsafe chunk.withUnsafeMutableBufferPointer { space -> Int32 in
        unsafe stream.next_out = space.baseAddress
        unsafe stream.avail_out = UInt32(space.count)
        return unsafe inflate(&stream, Z_NO_FLUSH)
      }
      let made = unsafe chunk.count - Int(stream.avail_out)
      out += chunk[..<made]
      if status == Z_STREAM_END { return out }
      if unsafe status != Z_OK || out.count > maxInflated || made == 0 && stream.avail_in == 0 { return nil }
    }
  }
}

/// The compressed bytes. Texts that do not become shorter are stored as they are, and gzip headers name no system, as Kusto's do.
private func compressed(_ text: UnsafeBufferPointer<UInt8>, _ container: Container) -> [UInt8]? {
  guard var bytes = unsafe deflated(text, container, Z_DEFAULT_COMPRESSION) else { return nil }
  let frame = container == .zlib ? 6 : 18
  if bytes.count - frame + 1 >= text.count {
    guard let stored = unsafe deflated(text, container, Z_NO_COMPRESSION) else { return nil }
    bytes = stored
  }
  if container == .gzip, bytes.count > 9 { (bytes[8], bytes[9]) = (0, 255) }
  return bytes
}

// SAFETY: input and output live, unmoved, for the one call of `deflate`, which is given their sizes; addresses left in the stream are not used by
// `deflateEnd`.
private func deflated(_ text: UnsafeBufferPointer<UInt8>, _ container: Container, _ level: Int32) -> [UInt8]? {
  var stream = unsafe z_stream()
  guard unsafe deflateInit2_(&stream, level, Z_DEFLATED, container.rawValue, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    return nil
  }
  defer { unsafe deflateEnd(&stream) }
  var source = unsafe Array(text)
  var out = unsafe [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(source.count))) + 32)
  let made: Int? = unsafe source.withUnsafeMutableBufferPointer { input in
    unsafe out.withUnsafeMutableBufferPointer { space -> Int? in
      unsafe stream.next_in = input.baseAddress
      unsafe stream.avail_in = UInt32(clamping: input.count)
      unsafe stream.next_out = space.baseAddress
      unsafe stream.avail_out = UInt32(clamping: space.count)
      return unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END ? space.count - Int(stream.avail_out) : nil
    }
  }
  return made.map { Array(out[..<$0]) }
}

// SAFETY: the row lives for the call and is not the builder appended to; bytes made here live while they are copied.
private func pair(_ name: String, _ container: Container) -> [FunctionSpec] {
  [
    FunctionSpec("\(name)_decompress_from_base64_string", .parsing, 1...1, parameters: "text", "The text behind \(name) data in base64; '' when it is damaged.",
      example: "\(name)_decompress_from_base64_string(\(name)_compress_to_base64_string('abc'))",
      bind: unsafe BoundFunction.unary(.string, .string, textRows(TextRows.self) { text, out in
        guard let bytes = unsafe Base64.bytes(text, .padded), let plain = inflated(bytes, container) else { return }
        unsafe plain.withUnsafeBufferPointer { if unsafe isValidUTF8($0) { unsafe out.append(contentsOf: $0) } }
      })),
    FunctionSpec("\(name)_compress_to_base64_string", .parsing, 1...1, parameters: "text", "\(name) data of a text, in base64.",
      example: "\(name)_compress_to_base64_string('abc')",
      bind: unsafe BoundFunction.unary(.string, .string, textRows(TextRows.self) { text, out in
        guard let bytes = unsafe compressed(text, container) else { return }
        unsafe bytes.withUnsafeBufferPointer { unsafe Base64.append($0, to: out) }
      })),
  ]
}

let compressionFunctions: [FunctionSpec] = pair("gzip", .gzip) + pair("zlib", .zlib)
