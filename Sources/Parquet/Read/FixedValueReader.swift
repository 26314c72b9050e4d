// Values of fixed width: integers, reals, dates, decimals, GUIDs. Dictionary values are converted once and gathered by code.
import CSIMD
import Columnar

/// Reads every fixed-width column; what differs by type is in its kernels.
final class FixedValueReader: ValueReader {
  private let kernels: FixedKernels
  private let type: PhysicalType
  private let width: Int
  private var page: FixedDecoder?
  private var codes: HybridDecoder?
  /// The converted dictionary.
  private var dictionary: ScratchBuffer?
  private var dictionaryCount = 0
  private var output: FixedOutput
  private let scratch = ScratchBuffer()
  private let codeScratch = ScratchBuffer()
  /// Codes decoded at a time: 8 KiB, so that they stay in the first-level cache.
  private static let codeBlock = 2048

  init(_ kernels: FixedKernels, type: PhysicalType, width: Int) {
    self.kernels = kernels
    self.type = type
    self.width = width
    output = FixedOutput(elementSize: kernels.elementSize, capacity: 0)
  }

  var shortestRunWorthSkipping: Int { 24 }

  func setDictionary(_ bytes: UnsafeRawBufferPointer, count: Int) throws(ParquetError) {
    // Values take bytes, so that the page bounds their count.
    guard width > 0 else { throw .notSupported("a dictionary of values without bytes") }
    var decoder = try unsafe FixedDecoder(bytes, encoding: .plain, type: type, width: width)
    let raw = try unsafe decoder.next(count, scratch: scratch)
    let values = ScratchBuffer()
    try unsafe kernels.convert(raw, count, try values.reserve(count * kernels.elementSize))
    dictionary = values
    dictionaryCount = count
  }

  func startPage(_ bytes: UnsafeRawBufferPointer, encoding: Encoding) throws(ParquetError) {
    if encoding.isDictionary {
      guard dictionary != nil else { throw .corrupt("dictionary-encoded page without a dictionary") }
      codes = unsafe try codeDecoder(bytes)
      page = nil
    } else {
      page = unsafe try FixedDecoder(bytes, encoding: encoding, type: type, width: width)
      codes = nil
    }
  }

  func begin(rows: Int) {
    output.removeAll()
    output.reserve(rows)
  }

  func append(values: Int, rows: Int, validity: UnsafePointer<UInt64>?, at position: Int) throws(ParquetError) {
    let out = unsafe output.append(rows)
    if values > 0 {
      if codes != nil {
        try unsafe gather(values, out)
      } else if page != nil {
        guard let raw = try unsafe page?.next(values, scratch: scratch) else { return }
        try unsafe kernels.convert(raw, values, out)
      } else {
        throw .corrupt("values without a page")
      }
    }
    guard values < rows, let validity = unsafe validity else { return }
    switch kernels.elementSize {
    case 4: unsafe spread(out.assumingMemoryBound(to: UInt32.self), rows: rows, values: values, validity, at: position, filler: 0)
    case 8: unsafe spread(out.assumingMemoryBound(to: UInt64.self), rows: rows, values: values, validity, at: position, filler: 0)
    default: unsafe spread(out.assumingMemoryBound(to: UInt128.self), rows: rows, values: values, validity, at: position, filler: 0)
    }
  }

  /// Decodes codes block by block and copies the dictionary's values.
  private func gather(_ count: Int, _ out: UnsafeMutableRawPointer) throws(ParquetError) {
    guard let dictionary, var decoder = codes else { throw .corrupt("dictionary-encoded page without a dictionary") }
    let table = try unsafe dictionary.reserve(dictionaryCount * kernels.elementSize)
    let block = try unsafe codeScratch.reserve(Self.codeBlock * 4).assumingMemoryBound(to: UInt32.self)
    let elementSize = kernels.elementSize
    var done = 0
    while done < count {
      let n = min(Self.codeBlock, count - done)
      try unsafe decoder.decodeCodes(block, n, limit: dictionaryCount)
      let target = unsafe out + done * elementSize
      switch elementSize {
      case 4: unsafe lookUp(table, block, n, target, as: UInt32.self)
      case 8: unsafe lookUp(table, block, n, target, as: UInt64.self)
      default: unsafe lookUp(table, block, n, target, as: UInt128.self)
      }
      done += n
    }
    codes = decoder
  }

  /// SAFETY: `decodeCodes` checked every code against the size of the dictionary.
  @inline(__always)
  private func lookUp<T: BitwiseCopyable>(
    _ table: UnsafeMutableRawPointer, _ codes: UnsafeMutablePointer<UInt32>, _ count: Int, _ out: UnsafeMutableRawPointer, as type: T.Type
  ) {
    let table = unsafe table.assumingMemoryBound(to: T.self)
    let out = unsafe out.assumingMemoryBound(to: T.self)
    for i in 0..<count { unsafe out[i] = unsafe table[Int(codes[i])] }
  }

  func skip(values: Int) throws(ParquetError) {
    if codes != nil { try codes?.skip(values) } else { try page?.skip(values) }
  }

  func finish(validity: Bitmap?) -> ColumnVector { kernels.vector(output, validity) }
}
