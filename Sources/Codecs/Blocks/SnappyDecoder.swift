// Snappy decompression of our own: the C library calls memmove for every element, which costs more than the decoding itself.
// Source: google/snappy format_description.txt. Elements are literals or copies of earlier output; each is at most a few machine words.

/// Copies sixteen bytes; source and target may not overlap closer than that.
@inline(__always)
private func copy16(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
  unsafe target.storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
}

@inline(__always)
private func copy8(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
  unsafe target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
}

enum SnappyDecoder {
  /// What a tag byte says: bits 0…7 length, 8…10 the high bits of an offset, 11…13 bytes that follow, 15 a long literal.
  /// SAFETY: written once, never freed.
  nonisolated(unsafe) private static let tags: UnsafePointer<UInt16> = {
    let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 256)
    for tag in 0..<256 {
      switch tag & 3 {
      case 0: unsafe table[tag] = tag >> 2 >= 60 ? 0x8000 : UInt16((tag >> 2) + 1)
      case 1: unsafe table[tag] = UInt16(((tag >> 2) & 7) + 4) | UInt16(tag >> 5) << 8 | 1 << 11
      case 2: unsafe table[tag] = UInt16((tag >> 2) + 1) | 2 << 11
      default: unsafe table[tag] = UInt16((tag >> 2) + 1) | 4 << 11
      }
    }
    return unsafe UnsafePointer(table)
  }()

  /// Room behind the output (and bytes behind the input) within which an element is copied in whole words.
  private static let slack = 96

  /// Decompresses `source` into `target`; returns the bytes written, which the header states. Never writes outside `target`.
  static func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    guard let first = source.baseAddress, source.count > 0 else { throw .truncated(codec: "snappy") }
    var ip = unsafe first
    let ipEnd = unsafe first + source.count
    let length = try unsafe readLength(&ip, ipEnd)
    guard length <= target.count else { throw .outputTooSmall(codec: "snappy", capacity: target.count) }
    guard length > 0, let start = target.baseAddress else {
      guard unsafe ip == ipEnd else { throw .corrupt(codec: "snappy", detail: "data behind the end") }
      return 0
    }
    var op = unsafe start
    let opEnd = unsafe start + length
    // SAFETY: below these limits every copy of a whole element, rounded up to words, stays within both buffers.
    let ipFast = unsafe source.count > slack ? ipEnd - slack : first
    let opFast = unsafe target.count > slack ? start + (target.count - slack) : start
    let tags = unsafe Self.tags
    while unsafe ip < ipEnd {
      // Literals and copies that do not overlap themselves, without a branch on which of them it is: mispredicted branches are
      // what costs here.
      while unsafe ip < ipFast, unsafe op < opFast {
        let tag = unsafe Int(ip.load(as: UInt8.self))
        let entry = unsafe Int(tags[tag])
        let isLiteral = tag & 3 == 0
        let size = entry & 0xFF
        let extra = (entry >> 11) & 7
        let following = unsafe Int(UInt32(littleEndian: (ip + 1).loadUnaligned(as: UInt32.self)))
        let offset = (following & ((1 << (8 &* extra)) &- 1)) &+ (entry & 0x700)
        let reach = isLiteral ? 64 : offset
        if unsafe reach < size || offset > op - start || entry >= 0x8000 { break }
        let from = unsafe isLiteral ? ip + 1 : UnsafeRawPointer(op) - offset
        let a = unsafe from.loadUnaligned(as: SIMD16<UInt8>.self)
        let b = unsafe (from + 16).loadUnaligned(as: SIMD16<UInt8>.self)
        unsafe op.storeBytes(of: a, as: SIMD16<UInt8>.self)
        unsafe op.storeBytes(of: b, toByteOffset: 16, as: SIMD16<UInt8>.self)
        if size > 32 {
          unsafe copy16(from + 32, op + 32)
          unsafe copy16(from + 48, op + 48)
        }
        unsafe op += size
        unsafe ip += 1 &+ extra &+ (isLiteral ? size : 0)
      }
      guard unsafe ip < ipEnd else { break }
      let tag = unsafe Int(ip.load(as: UInt8.self))
      unsafe ip += 1
      if tag & 3 == 0 {
        var size = (tag >> 2) &+ 1
        if size <= 16, unsafe ip < ipFast, unsafe op < opFast {
          unsafe copy16(ip, op)
          unsafe ip += size
          unsafe op += size
          continue
        }
        if size > 60 {
          let extra = size &- 60
          guard unsafe ipEnd - ip >= extra else { throw .truncated(codec: "snappy") }
          size = 0
          for k in 0..<extra { unsafe size |= Int((ip + k).load(as: UInt8.self)) << (8 &* k) }
          size &+= 1
          unsafe ip += extra
        }
        guard unsafe size <= ipEnd - ip else { throw .truncated(codec: "snappy") }
        guard unsafe size <= opEnd - op else { throw .corrupt(codec: "snappy", detail: "literal beyond the stated length") }
        unsafe op.copyMemory(from: ip, byteCount: size)
        unsafe ip += size
        unsafe op += size
        continue
      }
      var size: Int
      let offset: Int
      if tag & 3 == 1 {
        guard unsafe ip < ipEnd else { throw .truncated(codec: "snappy") }
        size = ((tag >> 2) & 7) &+ 4
        offset = unsafe (tag >> 5) << 8 | Int(ip.load(as: UInt8.self))
        unsafe ip += 1
      } else if tag & 3 == 2 {
        guard unsafe ipEnd - ip >= 2 else { throw .truncated(codec: "snappy") }
        size = (tag >> 2) &+ 1
        offset = unsafe Int(UInt16(littleEndian: ip.loadUnaligned(as: UInt16.self)))
        unsafe ip += 2
      } else {
        guard unsafe ipEnd - ip >= 4 else { throw .truncated(codec: "snappy") }
        size = (tag >> 2) &+ 1
        offset = unsafe Int(UInt32(littleEndian: ip.loadUnaligned(as: UInt32.self)))
        unsafe ip += 4
      }
      guard offset > 0, unsafe offset <= op - start else { throw .corrupt(codec: "snappy", detail: "copy from before the start") }
      guard unsafe size <= opEnd - op else { throw .corrupt(codec: "snappy", detail: "copy beyond the stated length") }
      var from = unsafe UnsafeRawPointer(op - offset)
      let end = unsafe op + size
      if unsafe op < opFast {
        if offset >= 16 {
          repeat {
            unsafe copy16(from, op)
            unsafe from += 16
            unsafe op += 16
          } while unsafe op < end
        } else {
          // A short period: write it until it spans a word, then go on in words.
          var period = offset
          while period < 8 {
            for k in 0..<period { unsafe op.storeBytes(of: (from + k).load(as: UInt8.self), toByteOffset: k, as: UInt8.self) }
            unsafe op += period
            period &*= 2
            if unsafe op >= end { break }
          }
          while unsafe op < end {
            unsafe copy8(from, op)
            unsafe from += 8
            unsafe op += 8
          }
        }
      } else {
        while unsafe op < end {
          unsafe op.storeBytes(of: from.load(as: UInt8.self), as: UInt8.self)
          unsafe from += 1
          unsafe op += 1
        }
      }
      unsafe op = unsafe end
    }
    guard unsafe op == opEnd else { throw .corrupt(codec: "snappy", detail: unsafe "\(op - start) bytes where \(length) were stated") }
    return length
  }

  /// The varint in front: the decompressed length, at most 32 bits.
  private static func readLength(_ ip: inout UnsafeRawPointer, _ end: UnsafeRawPointer) throws(CodecError) -> Int {
    var length = 0
    var shift = 0
    while unsafe ip < end {
      let byte = unsafe Int(ip.load(as: UInt8.self))
      unsafe ip += 1
      length |= (byte & 0x7F) << shift
      if byte < 0x80 {
        guard length <= Int(UInt32.max) else { break }
        return length
      }
      shift += 7
      if shift > 28 { break }
    }
    throw .corrupt(codec: "snappy", detail: "bad length prefix")
  }
}
