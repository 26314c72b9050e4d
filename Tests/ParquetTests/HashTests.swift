// xxHash64, CRC-32 and bloom filters against published values.
import Codecs
import Parquet
import Testing

@Suite struct HashTests {
  @Test(arguments: [
    ("", 0xef46_db37_51d8_e999 as UInt64), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
    ("The quick brown fox jumps over the lazy dog", 0x0b24_2d36_1fda_71bc),
  ])
  func xxHash64OfKnownTexts(_ text: String, _ expected: UInt64) {
    #expect(Array(text.utf8).withUnsafeBytes { xxHash64($0) } == expected)
  }

  @Test func crc32OfTheCheckString() {
    #expect(Array("123456789".utf8).withUnsafeBytes { crc32Checksum($0) } == 0xCBF4_3926)
    let head = Array("1234".utf8).withUnsafeBytes { crc32Checksum($0) }
    #expect(Array("56789".utf8).withUnsafeBytes { crc32Checksum($0, continuing: head) } == 0xCBF4_3926)
  }

  @Test func bloomFiltersKeepWhatWasInserted() throws {
    var filter = BloomFilter(distinctCount: 10_000, falsePositiveRate: 0.01)
    func hash(_ i: Int) -> UInt64 { withUnsafeBytes(of: i) { xxHash64($0) } }
    for i in 0..<10_000 { filter.insert(hash: hash(i)) }
    #expect((0..<10_000).allSatisfy { filter.mayContain(hash: hash($0)) })
    let falsePositives = (10_000..<30_000).filter { filter.mayContain(hash: hash($0)) }.count
    #expect(falsePositives < 400)
  }
}
