// Snappy decompression of our own: the C library calls memmove for every element, which costs more than the decoding itself.
// Source: google/snappy format_description.txt. Elements are literals or copies of earlier output; each is at most a few machine words.

/// Copies sixteen bytes; source and target may not overlap closer than that.
@inline(__always)
private func copy16(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
  target.storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
}

@inline(__always)
private func copy8(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
  target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
}

enum SnappyDecoder {
  /// What a tag byte says: bits 0…7 length, 8…10 the high bits of an offset, 11…13 bytes that follow, 15 a long literal.
  /// SAFETY: written once, never freed.
  nonisolated(unsafe) private static let tags: UnsafePointer<UInt16> = {
    let table = UnsafeMutablePointer<UInt16>.allocate(capacity: 256)
    for tag in 0..<256 {
      switch tag & 3 {
      case 0: table[tag] = tag >> 2 >= 60 ? 0x8000 : UInt16((tag >> 2) + 1)
      case 1: table[tag] = UInt16(((tag >> 2) & 7) + 4) | UInt16(tag >> 5) << 8 | 1 << 11
      case 2: table[tag] = UInt16((tag >> 2) + 1) | 2 << 11
      default: table[tag] = UInt16((tag >> 2) + 1) | 4 << 11
      }
    }
    return UnsafePointer(table)
  }()

  /// Room behind the output (and bytes behind the input) within which an element is copied in whole words.
  private static let slack = 96

  /// Decompresses `source` into `target`; returns the bytes written, which the header states. Never writes outside `target`.
  static func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CodecError) -> Int {
    guard let first = source.baseAddress, source.count > 0 else { throw .truncated(codec: "snappy") }
    var ip = first
    let ipEnd = first + source.count
    let length = try readLength(&ip, ipEnd)
    guard length <= target.count else { throw .outputTooSmall(codec: "snappy", capacity: target.count) }
    guard length > 0, let start = target.baseAddress else {
      guard ip == ipEnd else { throw .corrupt(codec: "snappy", detail: "data behind the end") }
      return 0
    }
    var op = start
    let opEnd = start + length
    // SAFETY: below these limits every copy of a whole element, rounded up to words, stays within both buffers.
    let ipFast = source.count > slack ? ipEnd - slack : first
    let opFast = target.count > slack ? start + (target.count - slack) : start
    let tags = Self.tags
    while ip < ipEnd {
      // Literals and copies that do not overlap themselves, without a branch on which of them it is: mispredicted branches are
      // what costs here.
      while ip < ipFast, op < opFast {
        let tag = Int(ip.load(as: UInt8.self))
        let entry = Int(tags[tag])
        let isLiteral = tag & 3 == 0
        let size = entry & 0xFF
        let extra = (entry >> 11) & 7
        let following = Int(UInt32(littleEndian: (ip + 1).loadUnaligned(as: UInt32.self)))
        let offset = (following & ((1 << (8 &* extra)) &- 1)) &+ (entry & 0x700)
        let reach = isLiteral ? 64 : offset
        if reach < size || offset > op - start || entry >= 0x8000 { break }
        let from = isLiteral ? ip + 1 : UnsafeRawPointer(op) - offset
        let a = from.loadUnaligned(as: SIMD16<UInt8>.self)
        let b = (from + 16).loadUnaligned(as: SIMD16<UInt8>.self)
        op.storeBytes(of: a, as: SIMD16<UInt8>.self)
        op.storeBytes(of: b, toByteOffset: 16, as: SIMD16<UInt8>.self)
        if size > 32 {
          copy16(from + 32, op + 32)
          copy16(from + 48, op + 48)
        }
        op += size
        ip += 1 &+ extra &+ (isLiteral ? size : 0)
      }
      guard ip < ipEnd else { break }
      let tag = Int(ip.load(as: UInt8.self))
      ip += 1
      if tag & 3 == 0 {
        var size = (tag >> 2) &+ 1
        if size <= 16, ip < ipFast, op < opFast {
          copy16(ip, op)
          ip += size
          op += size
          continue
        }
        if size > 60 {
          let extra = size &- 60
          guard ipEnd - ip >= extra else { throw .truncated(codec: "snappy") }
          size = 0
          for k in 0..<extra { size |= Int((ip + k).load(as: UInt8.self)) << (8 &* k) }
          size &+= 1
          ip += extra
        }
        guard size <= ipEnd - ip else { throw .truncated(codec: "snappy") }
        guard size <= opEnd - op else { throw .corrupt(codec: "snappy", detail: "literal beyond the stated length") }
        op.copyMemory(from: ip, byteCount: size)
        ip += size
        op += size
        continue
      }
      var size: Int
      let offset: Int
      if tag & 3 == 1 {
        guard ip < ipEnd else { throw .truncated(codec: "snappy") }
        size = ((tag >> 2) & 7) &+ 4
        offset = (tag >> 5) << 8 | Int(ip.load(as: UInt8.self))
        ip += 1
      } else if tag & 3 == 2 {
        guard ipEnd - ip >= 2 else { throw .truncated(codec: "snappy") }
        size = (tag >> 2) &+ 1
        offset = Int(UInt16(littleEndian: ip.loadUnaligned(as: UInt16.self)))
        ip += 2
      } else {
        guard ipEnd - ip >= 4 else { throw .truncated(codec: "snappy") }
        size = (tag >> 2) &+ 1
        offset = Int(UInt32(littleEndian: ip.loadUnaligned(as: UInt32.self)))
        ip += 4
      }
      guard offset > 0, offset <= op - start else { throw .corrupt(codec: "snappy", detail: "copy from before the start") }
      guard size <= opEnd - op else { throw .corrupt(codec: "snappy", detail: "copy beyond the stated length") }
      var from = UnsafeRawPointer(op - offset)
      let end = op + size
      if op < opFast {
        if offset >= 16 {
          repeat {
            copy16(from, op)
            from += 16
            op += 16
          } while op < end
        } else {
          // A short period: write it until it spans a word, then go on in words.
          var period = offset
          while period < 8 {
            for k in 0..<period { op.storeBytes(of: (from + k).load(as: UInt8.self), toByteOffset: k, as: UInt8.self) }
            op += period
            period &*= 2
            if op >= end { break }
          }
          while op < end {
            copy8(from, op)
            from += 8
            op += 8
          }
        }
      } else {
        while op < end {
          op.storeBytes(of: from.load(as: UInt8.self), as: UInt8.self)
          from += 1
          op += 1
        }
      }
      op = end
    }
    guard op == opEnd else { throw .corrupt(codec: "snappy", detail: "\(op - start) bytes where \(length) were stated") }
    return length
  }

  /// The varint in front: the decompressed length, at most 32 bits.
  private static func readLength(_ ip: inout UnsafeRawPointer, _ end: UnsafeRawPointer) throws(CodecError) -> Int {
    var length = 0
    var shift = 0
    while ip < end {
      let byte = Int(ip.load(as: UInt8.self))
      ip += 1
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
