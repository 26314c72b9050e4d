// Terms of texts: maximal runs of ASCII letters and digits, in lower case. Runs below three bytes are left out, as in Kusto's index.
// Bytes of other characters separate terms; readers ask for a term only where its ends are sure.

/// Terms and their hashes. The hash stands in files: it never changes.
package enum TermHash {
  /// Shorter runs are not indexed.
  package static let minLength = 3

  /// The hash of a term; letters may have any case.
  // SAFETY: the caller keeps the bytes alive for the call.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let base = bytes.baseAddress else { return 0 }
    return unsafe hash(base, bytes.count)
  }

  /// As above; `| 0x20` brings letters to lower case and leaves digits alone.
  // SAFETY: `at + 8 <= count` stands before each load of a word, `at < count` before each byte; loads are unaligned.
  @inline(__always) static func hash(_ p: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var h = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    while at &+ 8 <= count {
      let word = unsafe UInt64(littleEndian: p.loadUnaligned(fromByteOffset: at, as: UInt64.self)) | 0x2020_2020_2020_2020
      h = mix(h ^ word)
      at &+= 8
    }
    var tail: UInt64 = 0
    var shift: UInt64 = 0
    while at < count {
      unsafe tail |= UInt64(p.load(fromByteOffset: at, as: UInt8.self) | 0x20) &<< shift
      shift &+= 8
      at &+= 1
    }
    return mix(h ^ tail)
  }

  @inline(__always) private static func mix(_ x: UInt64) -> UInt64 {
    var h = x
    h = (h ^ (h &>> 32)) &* 0xD6E8_FEB8_6659_FD93
    h = (h ^ (h &>> 32)) &* 0xD6E8_FEB8_6659_FD93
    return h ^ (h &>> 32)
  }

  /// Calls `body` with the hash of each term of `p[0..<count]`.
  // SAFETY: `i` stays at most `count`, and is compared before each read; a term lies between `start` and `i`.
  @inline(__always) static func forEach(_ p: UnsafePointer<UInt8>, _ count: Int, _ body: (UInt64) -> Void) {
    var i = 0
    while i < count {
      while i < count, unsafe !isTerm(p[i]) { i &+= 1 }
      let start = i
      while i < count, unsafe isTerm(p[i]) { i &+= 1 }
      if i &- start >= minLength { unsafe body(hash(UnsafeRawPointer(p + start), i &- start)) }
    }
  }

  @inline(__always) static func isTerm(_ b: UInt8) -> Bool { (b | 0x20) &- 0x61 < 26 || b &- 0x30 < 10 }
}
