// Codecs: everything that is compressed comes back, in blocks and in streams; damaged input is refused within its bounds.
import Codecs
import Testing

@Suite struct CodecTests {
  static let samples: [[UInt8]] = {
    var rng = Seeded(state: 5)
    let text = Array("the quick brown fox jumps over the lazy dog; ".utf8)
    return [
      [], [7], Array(repeating: 0, count: 100_000), (0..<70_000).map { text[$0 % text.count] },
      (0..<50_000).map { _ in UInt8(truncatingIfNeeded: rng.next()) }, (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 999) },
    ]
  }()

  @Test(arguments: Codec.allCases)
  func blocksComeBack(_ codec: Codec) throws {
    let context = CodecContext()
    for sample in Self.samples {
      for level in codec.levels.map({ [$0.lowerBound, codec.defaultLevel, min($0.upperBound, 9)] }) ?? [0] {
        var packed = [UInt8](repeating: 0, count: context.maxCompressedSize(codec, sample.count))
        let n = try sample.withUnsafeBytes { s in try packed.withUnsafeMutableBytes { try context.compress(codec, s, into: $0, level: level) } }
        packed.removeSubrange(n...)
        #expect(try Self.unpack(context, codec, packed, sample.count) == sample)
        // Too little room is an error and writes nothing beyond it.
        if sample.count > 1 {
          #expect(throws: CodecError.self) { try Self.unpack(context, codec, packed, sample.count - 1) }
        }
        // Every cut either fails or gives less; it never crashes.
        if sample.count > 1, codec != .uncompressed {
          for cut in [1, n / 2, n - 1] where cut < n {
            let result = try? Self.unpack(context, codec, Array(packed[..<cut]), sample.count)
            #expect(result != sample)
          }
        }
      }
    }
  }

  @Test(arguments: Codec.allCases)
  func damagedBlocksNeverCrash(_ codec: Codec) throws {
    let context = CodecContext()
    let sample = Self.samples[3]
    var packed = [UInt8](repeating: 0, count: context.maxCompressedSize(codec, sample.count))
    let n = try sample.withUnsafeBytes { s in try packed.withUnsafeMutableBytes { try context.compress(codec, s, into: $0) } }
    packed.removeSubrange(n...)
    var rng = Seeded(state: 11)
    for _ in 0..<500 {
      var broken = packed
      for _ in 0...(rng.next() % 4) { broken[Int(rng.next() % UInt64(n))] = UInt8(truncatingIfNeeded: rng.next()) }
      _ = try? Self.unpack(context, codec, broken, sample.count)
    }
  }

  @Test func snappyOfEveryPeriodAndLength() throws {
    // Repeats of every short period and lengths around the word sizes, ending near the end of the output.
    let context = CodecContext()
    var rng = Seeded(state: 99)
    for period in 1...70 {
      for length in [1, 3, 15, 16, 17, 63, 64, 65, 95, 96, 97, 200, 1000] {
        var sample: [UInt8] = (0..<period).map { _ in UInt8(truncatingIfNeeded: rng.next()) }
        while sample.count < period + length { sample.append(sample[sample.count - period]) }
        for _ in 0..<(rng.next() % 90) { sample.append(UInt8(truncatingIfNeeded: rng.next() % 3)) }
        var packed = [UInt8](repeating: 0, count: context.maxCompressedSize(.snappy, sample.count))
        let n = try sample.withUnsafeBytes { s in try packed.withUnsafeMutableBytes { try context.compress(.snappy, s, into: $0) } }
        #expect(try Self.unpack(context, .snappy, Array(packed[..<n]), sample.count) == sample, "period \(period), length \(length)")
      }
    }
  }

  @Test func concatenatedGzipMembersAreOneBlock() throws {
    let context = CodecContext()
    var packed: [UInt8] = []
    for sample in [Self.samples[3], [], Self.samples[4]] {
      var member = [UInt8](repeating: 0, count: context.maxCompressedSize(.gzip, sample.count))
      let n = try sample.withUnsafeBytes { s in try member.withUnsafeMutableBytes { try context.compress(.gzip, s, into: $0) } }
      packed += member[..<n]
    }
    packed += [0, 0, 0]
    let expected = Self.samples[3] + Self.samples[4]
    #expect(try Self.unpack(context, .gzip, packed, expected.count) == expected)
    #expect(try Self.stream(.gzip, packed, chunk: 1000, block: 777) == expected)
  }

  @Test func legacyLZ4TakesAllThreeShapes() throws {
    let context = CodecContext()
    let sample = Self.samples[3]
    for codec in [Codec.lz4Hadoop, .lz4Raw, .lz4Frame] {
      var packed = [UInt8](repeating: 0, count: context.maxCompressedSize(codec, sample.count))
      let n = try sample.withUnsafeBytes { s in try packed.withUnsafeMutableBytes { try context.compress(codec, s, into: $0) } }
      #expect(try Self.unpack(context, .lz4Hadoop, Array(packed[..<n]), sample.count) == sample)
    }
  }

  @Test(arguments: [StreamFormat.gzip, .zstd], [1, 7, 4096, 1 << 20])
  func streamsComeBack(_ format: StreamFormat, _ chunk: Int) throws {
    for sample in Self.samples where chunk > 7 || sample.count < 80_000 {
      let compressor = try StreamCompressor(format)
      var packed: [UInt8] = []
      var block = [UInt8](repeating: 0, count: 1000)
      var at = 0
      while at < sample.count {
        let end = min(at + chunk, sample.count)
        let progress = try sample[at..<end].withUnsafeBytes { s in try block.withUnsafeMutableBytes { try compressor.feed(s, into: $0) } }
        at += progress.consumed
        packed += block[..<progress.produced]
      }
      while true {
        let step = try block.withUnsafeMutableBytes { try compressor.finish(into: $0) }
        packed += block[..<step.produced]
        if step.isComplete { break }
      }
      #expect(try Self.stream(format, packed, chunk: chunk, block: 333) == sample)
      #expect(try Self.stream(format, packed + packed, chunk: chunk, block: 64 << 10) == sample + sample)
      #expect(packed.withUnsafeBytes { StreamFormat.detect($0) } == format)
      if packed.count > 12 {
        #expect(throws: CodecError.self) { try Self.stream(format, Array(packed.dropLast(5)), chunk: chunk, block: 333) }
      }
    }
  }

  @Test func streamNamesAreRecognised() {
    #expect(StreamFormat.forPath("/a/b.csv.GZ") == .gzip)
    #expect(StreamFormat.forPath("b.json.zst") == .zstd)
    #expect(StreamFormat.forPath("b.csv") == nil)
  }

  @Test func levelsAreChecked() {
    let context = CodecContext()
    #expect(throws: CodecError.invalidLevel(codec: "zstd", level: 23, allowed: 1...22)) {
      var out = [UInt8](repeating: 0, count: 100)
      _ = try out.withUnsafeMutableBytes { try context.compress(.zstd, UnsafeRawBufferPointer(start: nil, count: 0), into: $0, level: 23) }
    }
  }

  static func unpack(_ context: CodecContext, _ codec: Codec, _ packed: [UInt8], _ count: Int) throws -> [UInt8] {
    // Sixteen guard bytes behind the room given must stay as they are.
    var out = [UInt8](repeating: 0xA5, count: count + 16)
    let n = try packed.withUnsafeBytes { s in
      try out.withUnsafeMutableBytes { try context.decompress(codec, s, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count])) }
    }
    #expect(out[count...].allSatisfy { $0 == 0xA5 })
    return Array(out[..<n])
  }

  static func stream(_ format: StreamFormat, _ packed: [UInt8], chunk: Int, block: Int) throws -> [UInt8] {
    let decompressor = try StreamDecompressor(format)
    var out: [UInt8] = []
    var room = [UInt8](repeating: 0, count: block)
    var at = 0
    while true {
      let end = min(at + chunk, packed.count)
      let progress = try packed[at..<end].withUnsafeBytes { s in try room.withUnsafeMutableBytes { try decompressor.feed(s, into: $0) } }
      at += progress.consumed
      out += room[..<progress.produced]
      if at == packed.count, progress.produced < block { break }
    }
    try decompressor.finish()
    return out
  }
}
