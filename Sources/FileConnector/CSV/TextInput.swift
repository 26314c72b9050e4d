// Role: the decoded text of an input: where it can be read at random (regular UTF-8 files), and as a stream (pipes, .gz, .zst, other encodings).

#if canImport(Glibc)
import Glibc
#endif
import CSV
import Codecs
import DataSource

/// The text of one input file.
final class TextInput: Sendable {
  let file: InputFile
  let compression: StreamFormat?
  let encoding: TextEncoding
  /// Bytes of the byte order mark, in the encoded text.
  let markLength: Int
  /// The beginning of a stream that can be read only once, as far as it was looked at. UTF-8.
  let head: [UInt8]
  /// True when `head` is the whole text.
  let isHeadWhole: Bool
  private let stream: StreamBox?

  /// The reader of a stream that has been begun.
  // SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
  @safe final class StreamBox: @unchecked Sendable {  // handed from `open` to the one scan
    let reader: ByteReader
    init(_ reader: @escaping ByteReader) { unsafe self.reader = unsafe reader }
  }

  /// Looks at about `sampleBytes` of the text.
  init(_ file: InputFile, compression: StreamFormat?, encoding given: TextEncoding?, sampleBytes: Int) throws {
    self.file = file
    self.compression = compression
    let raw = try unsafe Self.rawReader(file, compression)
    var mark = [UInt8](repeating: 0, count: 3)
    let n = try unsafe mark.withUnsafeMutableBytes { try unsafe raw($0) }
    let found = unsafe mark.withUnsafeBytes { unsafe TextEncoding.ofMark(UnsafeRawBufferPointer(rebasing: $0[..<n])) }
    let encoding = found?.encoding ?? given ?? .utf8
    self.encoding = encoding
    markLength = found?.length ?? 0
    // What was read behind the mark comes first.
    let pushed = Array(mark[markLength..<max(markLength, n)])
    let decoder = unsafe TextDecoder(encoding, Self.prefixed(pushed, n < 3 ? { _ in 0 } : unsafe raw))
    var head = [UInt8](repeating: 0, count: sampleBytes)
    let got = try unsafe head.withUnsafeMutableBytes { try unsafe decoder.read(into: $0) }
    isHeadWhole = got < sampleBytes
    head.removeLast(sampleBytes - got)
    self.head = head
    stream = unsafe file.size == nil ? StreamBox(decoder.read) : nil
  }

  /// True when the text can be read at any offset.
  var isRandomAccess: Bool { file.size != nil && compression == nil && encoding.isTransparent }

  /// The text from its beginning (behind the mark), anew where the input allows.
  func reader() throws -> ByteReader {
    if let stream { return unsafe Self.prefixed(head, stream.reader) }
    let raw = try unsafe Self.rawReader(file, compression)
    var mark = [UInt8](repeating: 0, count: markLength)
    if markLength > 0 { _ = try unsafe mark.withUnsafeMutableBytes { try unsafe raw($0) } }
    return unsafe TextDecoder(encoding, raw).read
  }

  private static func prefixed(_ prefix: [UInt8], _ rest: @escaping ByteReader) -> ByteReader {
    var at = 0
    return { target in
      let n = min(target.count, prefix.count - at)
      if n > 0 {
        unsafe prefix.withUnsafeBytes { if let from = $0.baseAddress { unsafe target.baseAddress?.copyMemory(from: from + at, byteCount: n) } }
        at += n
      }
      if n == target.count { return n }
      return unsafe n + (try rest(UnsafeMutableRawBufferPointer(rebasing: target[n...])))
    }
  }

  /// The bytes of the file, decompressed.
  private static func rawReader(_ file: InputFile, _ compression: StreamFormat?) throws -> ByteReader {
    var offset = 0
    let plain: ByteReader = { target in
      let n = unsafe file.size == nil ? try file.read(into: target) : try file.pread(into: target, at: offset)
      offset += n
      return n
    }
    guard let compression else { return unsafe plain }
    let decompressor = try StreamDecompressor(compression)
    let block = BlockBox(1 << 20)
    var have = 0, used = 0
    var isAtEnd = false
    return { target in
      var done = 0
      while done < target.count {
        if used == have, !isAtEnd {
          have = try unsafe plain(block.bytes)
          used = 0
          isAtEnd = unsafe have < block.bytes.count
        }
        let input = unsafe UnsafeRawBufferPointer(rebasing: block.bytes[used..<have])
        let progress: StreamDecompressor.Progress
        do {
          progress = try unsafe decompressor.feed(input, into: UnsafeMutableRawBufferPointer(rebasing: target[done...]))
        } catch {
          throw KConnectError(.formatCorrupt, "'\(file.path)', around compressed byte \(offset - have + used): \(error)", hint: "is the file complete, and really \(compression)?")
        }
        used += progress.consumed
        done += progress.produced
        if progress.consumed == 0, progress.produced == 0, isAtEnd {
          if used < have { throw KConnectError(.formatCorrupt, "'\(file.path)', compressed byte \(offset - have + used): bytes behind the end of the \(compression) data") }
          if offset > 0 {
            do {
              try decompressor.finish()
            } catch {
              throw KConnectError(.formatCorrupt, "'\(file.path)': \(error)", hint: "the file is cut off")
            }
          }
          break
        }
      }
      return done
    }
  }

  /// Memory for compressed bytes.
  // SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
  @safe private final class BlockBox {
    let bytes: UnsafeMutableRawBufferPointer
    init(_ count: Int) { unsafe bytes = .allocate(byteCount: count, alignment: 64) }
    deinit { unsafe bytes.deallocate() }
  }
}
