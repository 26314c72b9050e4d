// Role: the frame of an object container file: header with schema and codec, then blocks, each with its marker.
// Source: Apache Avro, "Object Container Files".

import Codecs

/// The bytes of a file, front to back. One thread at a time.
package protocol AvroBytes: AnyObject {
  /// The next `count` bytes; fewer only at the end.
  func next(_ count: Int) throws -> [UInt8]
}

/// A file that is being read.
package final class AvroContainer: @unchecked Sendable {  // used by one thread at a time, under its owner's lock
  package let schema: AvroSchema
  private let codec: AvroCodec
  private let marker: [UInt8]
  private let source: any AvroBytes
  /// Bytes read so far.
  private var offset = 0

  /// Bytes of the header's entries, and of a block as it is stored, at most.
  private static let mostMetadata = 16 << 20, mostBlock = 128 << 20

  /// Reads the header. Throws `AvroError` and what the source throws.
  package init(_ source: any AvroBytes) throws {
    self.source = source
    var reader = HeaderReader(source: source)
    guard try reader.bytes(4) == [0x4F, 0x62, 0x6A, 0x01] else { throw AvroError(.damaged, "byte 0: the file does not begin as an Avro container (Obj 1)") }
    var schema: [UInt8]?
    var codec = "null"
    while true {
      var count = try reader.long()
      if count == 0 { break }
      if count < 0 {
        guard count > Int64.min else { throw AvroError(.damaged, "byte \(reader.offset): a header of \(count) entries") }
        count = -count
        _ = try reader.long()
      }
      guard count <= 10_000 else { throw AvroError(.damaged, "byte \(reader.offset): a header of \(count) entries") }
      for _ in 0..<count {
        let key = String(decoding: try reader.counted(Self.mostMetadata), as: UTF8.self)
        let value = try reader.counted(Self.mostMetadata)
        guard reader.offset <= Self.mostMetadata else { throw AvroError(.damaged, "a header of more than \(Self.mostMetadata) bytes") }
        switch key {
        case "avro.schema": schema = value
        case "avro.codec": codec = value.isEmpty ? "null" : String(decoding: value, as: UTF8.self)
        default: break
        }
      }
    }
    guard let schema else { throw AvroError(.damaged, "the header has no schema") }
    self.codec = try AvroCodec(name: codec)
    marker = try reader.bytes(16)
    self.schema = try AvroSchema(json: schema)
    offset = reader.offset
  }

  /// The next block; nil at the end of the file.
  package func nextBlock() throws -> AvroBlock? {
    let start = offset
    var reader = HeaderReader(source: source, offset: offset)
    guard let count = try reader.longUnlessAtEnd() else { return nil }
    let size = try reader.long()
    guard count >= 0, size >= 0, size <= Int64(Self.mostBlock) else { throw AvroError(.damaged, "byte \(start): a block of \(count) records in \(size) bytes") }
    let data = try reader.bytes(Int(size))
    guard try reader.bytes(16) == marker else { throw AvroError(.damaged, "byte \(reader.offset - 16): the marker behind a block is another than the header's") }
    offset = reader.offset
    return AvroBlock(offset: start, count: Int(count), codec: codec, stored: data)
  }
}

/// Records that were written together.
package struct AvroBlock: Sendable {
  /// Of its first byte in the file.
  package let offset: Int
  /// Records.
  package let count: Int
  let codec: AvroCodec
  let stored: [UInt8]

  /// Bytes as they are stored.
  package var byteCount: Int { stored.count }

  /// Its bytes, decompressed. Throws `AvroError`.
  func data() throws -> [UInt8] {
    do { return try codec.decompress(stored) } catch let error as CodecError {
      throw AvroError(.damaged, "block at byte \(offset): \(error)")
    } catch let error as AvroError {
      throw AvroError(error.kind, "block at byte \(offset): \(error.message)")
    }
  }
}

/// Numbers and lengths outside of blocks.
private struct HeaderReader {
  let source: any AvroBytes
  var offset = 0

  mutating func bytes(_ count: Int) throws -> [UInt8] {
    let found = try source.next(count)
    guard found.count == count else { throw AvroError(.damaged, "byte \(offset + found.count): the file ends here, \(count - found.count) bytes before the end of what it began") }
    offset += count
    return found
  }

  mutating func long() throws -> Int64 {
    guard let value = try longUnlessAtEnd() else { throw AvroError(.damaged, "byte \(offset): the file ends here, a number was expected") }
    return value
  }

  /// Nil when the file ends in front of it.
  mutating func longUnlessAtEnd() throws -> Int64? {
    let start = offset
    var value: UInt64 = 0
    for i in 0..<10 {
      guard let byte = try source.next(1).first else {
        if i == 0 { return nil }
        throw AvroError(.damaged, "byte \(offset): the file ends inside a number")
      }
      offset += 1
      if i == 9, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << UInt64(7 * i)
      if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
    }
    throw AvroError(.damaged, "byte \(start): a number of more than 64 bits")
  }

  /// Bytes behind their length.
  mutating func counted(_ most: Int) throws -> [UInt8] {
    let count = try long()
    guard (0...Int64(most)).contains(count) else { throw AvroError(.damaged, "byte \(offset): a length of \(count), \(most) bytes are the most") }
    return try bytes(Int(count))
  }
}
