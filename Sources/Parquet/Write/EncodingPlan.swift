// Which encoding a column chunk gets. Decided from the data: a dictionary where it makes codes shorter than the values, deltas for integers that
// are near each other, lengths and shared prefixes apart for text, split bytes for doubles where a trial page says so.

import Codecs
import Columnar

/// How the data pages of a chunk are encoded.
enum EncodingPlan {
  /// Codes for `values.count` rows into the dictionary.
  case dictionary(codes: Buffer<Int32>, values: PhysicalValues)
  case plain
  case delta
  case split
  case deltaLength
  case deltaPrefix

  var encoding: Encoding {
    switch self {
    case .dictionary: .rleDictionary
    case .plain: .plain
    case .delta: .deltaBinaryPacked
    case .split: .byteStreamSplit
    case .deltaLength: .deltaLengthByteArray
    case .deltaPrefix: .deltaByteArray
    }
  }

  private static let maxDistinct = 1 << 16
  private static let maxDictionaryBytes = 1 << 20

  // SAFETY: each pointer is used while `values` or the builder holds its buffer, for `n` elements, as many as they have.
  static func choose(_ values: PhysicalValues, options: ParquetWriterOptions, compressor: PageCompressor) throws(ParquetError) -> EncodingPlan {
    let n = values.count
    guard n > 0 else { return .plain }
    switch values {
    case .bits, .fixed16: return .plain
    case .int32(let b):
      let wide = BufferBuilder<Int64>(capacity: n)
      let out = unsafe wide.appendUninitialized(n)
      let p = unsafe b.pointer
      for i in 0..<n { unsafe out[i] = unsafe Int64(p[i]) }
      return unsafe integers(wide.finish(), plainBits: 32, deltaBits: DeltaEncoder.estimatedBits(p, count: n), options) { dictionary in
        .int32(Buffer(dictionary.array.map { Int32(truncatingIfNeeded: $0) }))
      }
    case .int64(let b):
      return unsafe integers(b, plainBits: 64, deltaBits: DeltaEncoder.estimatedBits(b.pointer, count: n), options) { .int64($0) }
    case .double(let b):
      let bits = b.reinterpreted(as: Int64.self)
      if options.usesDictionary, let found = unsafe IntegerDictionary.build(bits.pointer, count: n, maxDistinct: min(maxDistinct, n / 2)) {
        return .dictionary(codes: found.codes, values: .double(found.values.reinterpreted(as: Double.self)))
      }
      return try doubles(b, options, compressor)
    case .coded(let codes, let offsets, let data):
      let distinct = offsets.count - 1
      if options.usesDictionary, distinct <= max(maxDistinct, 1), data.count <= 4 * maxDictionaryBytes, distinct * 2 <= n || n < 1024 {
        return .dictionary(codes: codes, values: .bytes(offsets: offsets, data: data))
      }
      return .plain
    case .bytes(let offsets, let data):
      if options.usesDictionary,
        case .coded(let codes, let o, let d)? = TextDictionary.build(
          offsets: offsets, data: data, maxDistinct: min(maxDistinct, max(1, n / 2)), maxBytes: maxDictionaryBytes)
      {
        return .dictionary(codes: codes, values: .bytes(offsets: o, data: d))
      }
      return sharesPrefixes(offsets, data) ? .deltaPrefix : .deltaLength
    }
  }

  private static func integers(
    _ values: Buffer<Int64>, plainBits: Double, deltaBits: Double, _ options: ParquetWriterOptions, _ dictionary: (Buffer<Int64>) -> PhysicalValues
  ) -> EncodingPlan {
    let n = values.count
    if options.usesDictionary, deltaBits > 2 {
      let most = deltaBits >= 18 ? maxDistinct : 1 << Int(deltaBits)
      // SAFETY: `values` has `n` elements and is held by the caller.
      if let found = unsafe IntegerDictionary.build(values.pointer, count: n, maxDistinct: min(most, max(1, n / 2))) {
        let codeBits = Double(BitPacker.width(of: found.values.count - 1)) + plainBits * Double(found.values.count) / Double(n)
        if codeBits < deltaBits { return .dictionary(codes: found.codes, values: dictionary(found.values)) }
      }
    }
    return deltaBits < plainBits * 0.9 ? .delta : .plain
  }

  /// One trial page both ways; the split must win by a twentieth.
  // SAFETY: `values` has `n` elements at least. `plain` and `split` are not released before the last access through a pointer into them.
  private static func doubles(
    _ values: Buffer<Double>, _ options: ParquetWriterOptions, _ compressor: PageCompressor
  ) throws(ParquetError) -> EncodingPlan {
    guard options.codec != .uncompressed else { return .plain }
    let n = min(values.count, 4096)
    let plain = BufferBuilder<UInt8>(), split = BufferBuilder<UInt8>()
    unsafe PlainEncoder.encode(values.pointer, count: n, into: plain)
    unsafe PlainEncoder.encodeSplit(values.pointer, count: n, into: split)
    let plainSize = try unsafe compressor.compress(UnsafeRawBufferPointer(start: plain.pointer, count: plain.count)).count
    let splitSize = try unsafe compressor.compress(UnsafeRawBufferPointer(start: split.pointer, count: split.count)).count
    return splitSize * 20 < plainSize * 19 ? .split : .plain
  }

  /// True when neighbours in a sample share a third of their bytes: sorted texts, URLs, paths.
  // SAFETY: `n` is at most the number of texts, whose offsets are one more; the caller holds both buffers.
  private static func sharesPrefixes(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>) -> Bool {
    let n = min(offsets.count - 1, 2048)
    let o = unsafe offsets.pointer, d = unsafe data.pointer
    var shared = 0
    for i in 1..<max(n, 1) {
      unsafe shared += DeltaEncoder.sharedPrefix(d + Int(o[i - 1]), Int(o[i] - o[i - 1]), d + Int(o[i]), Int(o[i + 1] - o[i]))
    }
    let total = unsafe Int(o[n]) - Int(o[0])
    return total > 0 && shared * 3 > total
  }
}

/// Compression of pages into reused memory; one thread at a time.
final class PageCompressor {
  let codec: Codec
  private let level: Int?
  private let context = CodecContext()
  private let packed = BufferBuilder<UInt8>()

  init(_ options: ParquetWriterOptions) {
    codec = options.codec
    level = options.level
  }

  /// The compressed bytes, valid until the next call.
  // SAFETY: `target` has `most` bytes, of which the codec fills the first `n`; this object owns them.
  func compress(_ raw: UnsafeRawBufferPointer) throws(ParquetError) -> UnsafeRawBufferPointer {
    let most = context.maxCompressedSize(codec, raw.count)
    packed.removeAll()
    let target = unsafe packed.appendUninitialized(most)
    do {
      let n = try unsafe context.compress(codec, raw, into: UnsafeMutableRawBufferPointer(start: target, count: most), level: level)
      return unsafe UnsafeRawBufferPointer(start: target, count: n)
    } catch {
      throw ParquetError(.invalidRequest, error.description)
    }
  }
}

extension CompressionCodec {
  /// The format's name of a codec.
  init(_ codec: Codec) {
    self = switch codec {
    case .snappy: .snappy
    case .gzip: .gzip
    case .brotli: .brotli
    case .lz4Hadoop: .lz4
    case .lz4Raw: .lz4Raw
    case .zstd: .zstd
    case .uncompressed, .zlib, .lz4Frame: .uncompressed
    }
  }
}
