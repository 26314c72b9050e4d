// The pages of one column chunk in file order: headers, checksums, decompression, the dictionary.
import Codecs
#if canImport(Glibc)
import Glibc
#endif

/// A data page ready for decoding; the bytes are valid until the next page is loaded.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct DataPage {
  /// Values including nulls.
  var valueCount: Int
  var encoding: Encoding
  var repetition: LevelDecoder
  var definition: LevelDecoder
  var values: UnsafeRawBufferPointer
}

/// Walks the pages of a chunk. `peek` looks at the next data page's header; `load` decompresses it, `pass` goes on without it.
final class PageStream {
  private let input: ChunkInput
  private let context: DecodeContext
  private let leaf: LeafColumn
  private let codec: Codec?
  private let codecName: CompressionCodec
  private let options: ParquetReadOptions
  /// Offset of the next page header.
  private var position: Int
  private var header: PageHeader?
  private var payload = 0
  private var dictionary: (header: PageHeader, payload: Int)?
  private var isDictionaryDelivered = false
  private var hasSeenFirstPage = false
  private let scratch: ScratchBuffer

  init(
    _ input: ChunkInput, metadata: ColumnMetadata, leaf: LeafColumn, context: DecodeContext, options: ParquetReadOptions
  ) {
    self.input = input
    self.leaf = leaf
    self.context = context
    self.options = options
    codecName = metadata.codec
    codec = Self.codec(metadata.codec)
    position = metadata.firstPageOffset
    scratch = context.takeScratch()
  }

  deinit { context.giveBack(scratch) }

  private static func codec(_ codec: CompressionCodec) -> Codec? {
    switch codec {
    case .uncompressed: return .uncompressed
    case .snappy: return .snappy
    case .gzip: return .gzip
    case .brotli: return .brotli
    case .lz4: return .lz4Hadoop
    case .zstd: return .zstd
    case .lz4Raw: return .lz4Raw
    default: return nil
    }
  }

  /// Continues at the page at `offset` (from the offset index). Only forward.
  func seek(to offset: Int) throws(ParquetError) {
    if !hasSeenFirstPage, offset > position {
      // The dictionary, if any, stands in front of the first data page.
      _ = try peek()
    }
    header = nil
    position = offset
  }

  /// The header of the next data page, nil behind the last. Dictionary and unknown pages are passed on the way.
  func peek() throws(ParquetError) -> PageHeader? {
    while true {
      if let header { return header }
      guard position < input.range.upperBound else { return nil }
      let (found, length) = try readHeader()
      payload = position + length
      hasSeenFirstPage = true
      guard found.compressedSize <= input.range.upperBound - payload else {
        throw .corrupt(
          "page of \(found.compressedSize) bytes where \(input.range.upperBound - payload) remain in the column chunk", at: position)
      }
      switch found.body {
      case .data, .dataV2: header = found
      case .dictionary:
        guard dictionary == nil else { throw .corrupt("second dictionary page in a column chunk", at: position) }
        dictionary = (found, payload)
        position = payload + found.compressedSize
      case .other: position = payload + found.compressedSize
      }
    }
  }

  private func readHeader() throws(ParquetError) -> (PageHeader, Int) {
    // Headers are tens of bytes unless they carry statistics of long values.
    var window = 256
    while true {
      let available = min(window, input.range.upperBound - position)
      let bytes = try unsafe input.bytes(at: position, count: available)
      var reader = unsafe ThriftReader(bytes, baseOffset: position)
      do throws(ParquetError) {
        let header = try PageHeader(from: &reader)
        return (header, reader.position)
      } catch {
        if available < window || window >= 16 << 20 { throw error }
        window *= 8
      }
    }
  }

  /// Goes on behind the peeked page.
  func pass() {
    guard let header else { return }
    position = payload + header.compressedSize
    self.header = nil
    context.counters.pagesSkipped += 1
  }

  /// Decompresses the peeked page; gives the dictionary to `reader` before the first page that needs it.
  func load(into reader: any ValueReader) throws(ParquetError) -> DataPage {
    guard let header else { throw ParquetError(.invalidRequest, "no page to load") }
    let start = payload
    let encoding: Encoding
    switch header.body {
    case .data(let data): encoding = data.encoding
    case .dataV2(let data): encoding = data.encoding
    case .dictionary, .other: throw .corrupt("not a data page", at: start)
    }
    if encoding.isDictionary, !isDictionaryDelivered { try deliverDictionary(to: reader) }
    let stored = try unsafe input.bytes(at: start, count: header.compressedSize)
    try unsafe verify(header, stored, at: start)
    let page: DataPage
    do throws(ParquetError) {
      switch header.body {
      case .data(let data): page = try unsafe split(data, try decompress(stored, header.uncompressedSize))
      case .dataV2(let data): page = try unsafe split(data, stored, header.uncompressedSize)
      case .dictionary, .other: throw .corrupt("not a data page")
      }
      try unsafe reader.startPage(page.values, encoding: page.encoding)
    } catch {
      var located = error
      if located.byteOffset == nil { located.byteOffset = start }
      throw located
    }
    position = start + header.compressedSize
    self.header = nil
    context.counters.pagesDecoded += 1
    return page
  }

  private func verify(_ header: PageHeader, _ stored: UnsafeRawBufferPointer, at offset: Int) throws(ParquetError) {
    guard options.verifiesChecksums, let expected = header.crc else { return }
    let actual = unsafe crc32Checksum(stored)
    guard actual == expected else {
      throw .corrupt("page checksum is \(hexadecimal(actual)), its header says \(hexadecimal(expected))", at: offset)
    }
  }

  private func split(_ header: DataPageHeader, _ bytes: UnsafeRawBufferPointer) throws(ParquetError) -> DataPage {
    let (repetition, afterRepetition) = try unsafe LevelDecoder.readV1(
      bytes, encoding: header.repetitionEncoding, maxLevel: leaf.maxRepetitionLevel, valueCount: header.valueCount)
    let (definition, values) = try unsafe LevelDecoder.readV1(
      afterRepetition, encoding: header.definitionEncoding, maxLevel: leaf.maxDefinitionLevel, valueCount: header.valueCount)
    return unsafe DataPage(
      valueCount: header.valueCount, encoding: header.encoding, repetition: repetition, definition: definition, values: values)
  }

  private func split(
    _ header: DataPageHeaderV2, _ stored: UnsafeRawBufferPointer, _ uncompressedSize: Int
  ) throws(ParquetError) -> DataPage {
    let levels = header.repetitionLevelsByteCount + header.definitionLevelsByteCount
    guard levels <= stored.count, levels <= uncompressedSize else {
      throw .corrupt("levels of \(levels) bytes in a page of \(stored.count)")
    }
    let repetition = unsafe UnsafeRawBufferPointer(rebasing: stored[..<header.repetitionLevelsByteCount])
    let definition = unsafe UnsafeRawBufferPointer(rebasing: stored[header.repetitionLevelsByteCount..<levels])
    let rest = unsafe UnsafeRawBufferPointer(rebasing: stored[levels...])
    // Levels are never compressed, and an empty value section stays empty whatever the codec.
    let values =
      unsafe header.isCompressed && rest.count > 0 ? try decompress(rest, uncompressedSize - levels) : rest
    return unsafe DataPage(
      valueCount: header.valueCount, encoding: header.encoding,
      repetition: try LevelDecoder.readV2(repetition, maxLevel: leaf.maxRepetitionLevel),
      definition: try LevelDecoder.readV2(definition, maxLevel: leaf.maxDefinitionLevel), values: values)
  }

  /// The decompressed bytes: the input itself where nothing is compressed.
  private func decompress(_ stored: UnsafeRawBufferPointer, _ size: Int) throws(ParquetError) -> UnsafeRawBufferPointer {
    guard let codec else { throw .notSupported("compression \(codecName)") }
    if codec == .uncompressed { return unsafe stored }
    if size == 0 { return unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(emptyPage), count: 0) }
    guard size <= options.maxPageBytes else {
      throw .notSupported("a page of \(size) decompressed bytes; the limit is \(options.maxPageBytes)")
    }
    let target = try unsafe scratch.reserveBuffer(size)
    let written: Int
    do throws(CodecError) {
      written = try unsafe context.codecs.decompress(codec, stored, into: target)
    } catch {
      throw .corrupt(error.description)
    }
    guard written == size else { throw .corrupt("page decompressed to \(written) bytes, its header says \(size)") }
    context.counters.bytesDecompressed += written
    return UnsafeRawBufferPointer(target)
  }

  private func deliverDictionary(to reader: any ValueReader) throws(ParquetError) {
    guard let dictionary, case .dictionary(let header) = dictionary.header.body else {
      throw .corrupt("dictionary-encoded page in a column chunk without a dictionary", at: payload)
    }
    guard header.encoding == .plain || header.encoding == .plainDictionary else {
      throw .notSupported("dictionary encoded as \(header.encoding)")
    }
    let stored = try unsafe input.bytes(at: dictionary.payload, count: dictionary.header.compressedSize)
    try unsafe verify(dictionary.header, stored, at: dictionary.payload)
    do throws(ParquetError) {
      try unsafe reader.setDictionary(try decompress(stored, dictionary.header.uncompressedSize), count: header.valueCount)
    } catch {
      var located = error
      if located.byteOffset == nil { located.byteOffset = dictionary.payload }
      throw located
    }
    isDictionaryDelivered = true
  }
}

/// Eight hexadecimal digits.
private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}
