// Role: turns other encodings into UTF-8 while they are read. What does not decode becomes U+FFFD.


/// Encodings of text files.
package enum TextEncoding: String, Sendable, CaseIterable {
  case utf8 = "UTF-8", latin1 = "ISO-8859-1", windows1252 = "windows-1252", utf16le = "UTF-16LE", utf16be = "UTF-16BE", ascii = "US-ASCII"

  /// The encoding of that name, as Java and the web write it; `UTF-16` reads the byte order from the mark.
  package init?(name: String) {
    switch name.lowercased().filter({ $0 != "_" && $0 != "-" && $0 != " " }) {
    case "utf8": self = .utf8
    case "iso88591", "latin1", "l1": self = .latin1
    case "windows1252", "cp1252": self = .windows1252
    case "utf16le": self = .utf16le
    case "utf16be", "utf16": self = .utf16be
    case "usascii", "ascii": self = .ascii
    default: return nil
    }
  }

  /// The encoding that a byte order mark announces, and the mark's length.
  package static func ofMark(_ head: UnsafeRawBufferPointer) -> (encoding: TextEncoding, length: Int)? {
    if head.count >= 3, unsafe head[0] == 0xEF, unsafe head[1] == 0xBB, unsafe head[2] == 0xBF { return (.utf8, 3) }
    if head.count >= 2, unsafe head[0] == 0xFF, unsafe head[1] == 0xFE { return (.utf16le, 2) }
    if head.count >= 2, unsafe head[0] == 0xFE, unsafe head[1] == 0xFF { return (.utf16be, 2) }
    return nil
  }

  /// True when the bytes can be read as they are.
  package var isTransparent: Bool { self == .utf8 || self == .ascii }
}

/// A source of bytes: fills a buffer, fewer bytes only at the end.
package typealias ByteReader = (UnsafeMutableRawBufferPointer) throws -> Int

/// Reads text of an encoding as UTF-8. One thread at a time.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe package final class TextDecoder {
  private let encoding: TextEncoding
  private let source: ByteReader
  /// Made when there is something to translate.
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var outputAt = 0
  /// An odd byte, or a high surrogate, that waits for what follows.
  private var oddByte: UInt8?
  private var highSurrogate: UInt32?
  private var isAtEnd = false

  package init(_ encoding: TextEncoding, _ source: @escaping ByteReader) {
    self.encoding = encoding
    unsafe self.source = unsafe source
  }

  /// Fills `target` with UTF-8; fewer bytes only at the end.
  package func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    if encoding.isTransparent { return try unsafe source(target) }
    var done = 0
    while done < target.count {
      if outputAt < output.count {
        let n = min(target.count - done, output.count - outputAt)
        unsafe output.withUnsafeBytes { out in
          guard let from = out.baseAddress, let to = target.baseAddress else { return }
          unsafe (to + done).copyMemory(from: from + outputAt, byteCount: n)
        }
        done += n
        outputAt += n
        continue
      }
      if isAtEnd { break }
      output.removeAll(keepingCapacity: true)
      outputAt = 0
      if input.isEmpty { input = [UInt8](repeating: 0, count: 64 << 10) }
      let n = try unsafe input.withUnsafeMutableBytes { try unsafe source($0) }
      if n < input.count { isAtEnd = true }
      decode(n)
      if isAtEnd, oddByte != nil || highSurrogate != nil { append(0xFFFD) }
    }
    return done
  }

  private func append(_ scalar: UInt32) {
    UTF8.encode(UnicodeScalar(scalar) ?? "\u{FFFD}").map { output.append(contentsOf: $0) }
  }

  private func decode(_ n: Int) {
    switch encoding {
    case .utf8, .ascii: output.append(contentsOf: input[0..<n])
    case .latin1: for i in 0..<n { append(UInt32(input[i])) }
    case .windows1252: for i in 0..<n { append(input[i] &- 0x80 < 0x20 ? UInt32(Self.windows1252[Int(input[i] - 0x80)]) : UInt32(input[i])) }
    case .utf16le, .utf16be:
      for i in 0..<n {
        guard let first = oddByte else {
          oddByte = input[i]
          continue
        }
        oddByte = nil
        unit(encoding == .utf16le ? UInt32(input[i]) << 8 | UInt32(first) : UInt32(first) << 8 | UInt32(input[i]))
      }
    }
  }

  private func unit(_ unit: UInt32) {
    if let high = highSurrogate {
      highSurrogate = nil
      if unit >= 0xDC00, unit <= 0xDFFF {
        append(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00))
        return
      }
      append(0xFFFD)
    }
    if unit >= 0xD800, unit <= 0xDBFF { highSurrogate = unit } else { append(unit) }
  }

  /// Bytes 0x80...0x9F; source: WHATWG Encoding, index windows-1252.
  private static let windows1252: [UInt16] = [
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
    0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
  ]
}
