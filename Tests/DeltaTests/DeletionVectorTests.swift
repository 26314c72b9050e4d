// Deletion vectors: Roaring containers of each kind, Z85, files and inline vectors, and everything that is refused.

import Columnar
import DataSource
import Delta
import Testing

/// A serialised vector: magic, one bucket, one container.
private func vector(_ container: [UInt8], key: UInt16 = 0, cardinality: Int, isRun: Bool = false) -> [UInt8] {
  func le(_ value: UInt64, _ n: Int) -> [UInt8] { (0..<n).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) } }
  var out = le(1_681_511_377, 4) + le(1, 8) + le(0, 4)
  if isRun { out += le(12_347, 4) + [1] } else { out += le(12_346, 4) + le(1, 4) }
  out += le(UInt64(key), 2) + le(UInt64(cardinality - 1), 2)
  if !isRun { out += le(0, 4) }
  return out + container
}

private let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#")

private func z85(_ bytes: [UInt8]) -> String {
  var padded = bytes
  while padded.count % 4 != 0 { padded.append(0) }
  var out = ""
  for i in stride(from: 0, to: padded.count, by: 4) {
    var word = padded[i..<i + 4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    var digits: [Character] = []
    for _ in 0..<5 {
      digits.append(alphabet[Int(word % 85)])
      word /= 85
    }
    out += String(digits.reversed())
  }
  return out
}

private func inline(_ bytes: [UInt8], cardinality: Int) -> DeletionVectorDescriptor {
  DeletionVectorDescriptor(storageType: "i", pathOrInlineDv: z85(bytes), sizeInBytes: Int64(bytes.count), cardinality: Int64(cardinality))
}

private func rows(_ bits: Bitmap) -> [Int] { bits.indices().array.map(Int.init) }

@Suite struct DeletionVectorTests {
  @Test func arrayContainer() throws {
    let bytes = vector([3, 0, 4, 0, 7, 0, 29, 0], cardinality: 4)
    #expect(rows(try inline(bytes, cardinality: 4).deletedRows(rowCount: 30, table: "/")) == [3, 4, 7, 29])
  }

  @Test func runContainer() throws {
    let bytes = vector([2, 0, 1, 0, 2, 0, 10, 0, 0, 0], cardinality: 4, isRun: true)
    #expect(rows(try inline(bytes, cardinality: 4).deletedRows(rowCount: 20, table: "/")) == [1, 2, 3, 10])
  }

  @Test func bitmapContainerOfAHigherKey() throws {
    var bits = [UInt8](repeating: 0, count: 8_192)
    for i in 0..<5_000 { bits[i / 8] |= 1 << UInt8(i % 8) }
    let deleted = try inline(vector(bits, key: 1, cardinality: 5_000), cardinality: 5_000).deletedRows(rowCount: 80_000, table: "/")
    #expect(rows(deleted) == Array(65_536..<70_536))
  }

  struct Bad: CustomTestStringConvertible {
    let title: String
    let bytes: [UInt8]
    var cardinality = 2
    let says: String
    var testDescription: String { title }
  }

  @Test(arguments: [
    Bad(title: "magic", bytes: [1, 2, 3, 4] + vector([1, 0, 2, 0], cardinality: 2).dropFirst(4), says: "found magic"),
    Bad(title: "short", bytes: Array(vector([1, 0, 2, 0], cardinality: 2).dropLast(1)), says: "ends early"),
    Bad(title: "long", bytes: vector([1, 0, 2, 0, 0], cardinality: 2), says: "1 bytes behind"),
    Bad(title: "row outside", bytes: vector([1, 0, 99, 0], cardinality: 2), says: "row 99 of a file of 30 rows"),
    Bad(title: "cardinality", bytes: vector([1, 0, 2, 0], cardinality: 2), cardinality: 3, says: "2 rows, the log says 3"),
    Bad(title: "cookie", bytes: vector([], cardinality: 1).enumerated().map { $0.offset == 16 ? 0 : $0.element }, says: "unknown cookie"),
    Bad(title: "buckets", bytes: vector([1, 0, 2, 0], cardinality: 2).enumerated().map { $0.offset == 11 ? 0x7F : $0.element }, says: "buckets"),
  ]) func refused(_ c: Bad) throws {
    let error = try #require(thrown { _ = try inline(c.bytes, cardinality: c.cardinality).deletedRows(rowCount: 30, table: "/") })
    #expect(error.code == .formatCorrupt && error.message.contains(c.says), "\(error)")
  }

  @Test func everyCutAndEveryFlippedByteIsRefusedOrRead() throws {
    let whole = vector([3, 0, 4, 0, 7, 0, 29, 0], cardinality: 4)
    for n in 0..<whole.count { #expect(thrown { _ = try inline(Array(whole[..<n]), cardinality: 4).deletedRows(rowCount: 30, table: "/") } != nil) }
    for i in whole.indices {
      for bit in 0..<8 {
        var bytes = whole
        bytes[i] ^= 1 << UInt8(bit)
        _ = thrown { _ = try inline(bytes, cardinality: 4).deletedRows(rowCount: 30, table: "/") }
      }
    }
  }

  @Test func fileNames() throws {
    let s = Scratch()
    let named = DeletionVectorDescriptor(storageType: "u", pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^", offset: 4, sizeInBytes: 40, cardinality: 6)
    #expect(thrown { _ = try named.deletedRows(rowCount: 9, table: s.path) }?.message.contains("ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin") == true)
    let foreign = DeletionVectorDescriptor(storageType: "p", pathOrInlineDv: "s3://x/y.bin", sizeInBytes: 40, cardinality: 6)
    #expect(thrown { _ = try foreign.deletedRows(rowCount: 9, table: s.path) }?.code == .notSupported)
  }
}
