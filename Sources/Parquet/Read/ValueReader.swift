// The values of one leaf: dictionary and data pages in, column vectors out. Levels are the caller's business.
import Columnar

/// Reads the dense values of a leaf page by page and lays them out as rows.
protocol ValueReader: AnyObject {
  /// Selected runs shorter than this (on average) are read whole and gathered afterwards.
  var shortestRunWorthSkipping: Int { get }
  /// The chunk's dictionary: `count` PLAIN values.
  func setDictionary(_ bytes: UnsafeRawBufferPointer, count: Int) throws(ParquetError)
  /// Starts a data page; its bytes stay alive until the next page starts.
  func startPage(_ bytes: UnsafeRawBufferPointer, encoding: Encoding) throws(ParquetError)
  /// Starts a vector of up to `rows` rows.
  func begin(rows: Int)
  /// Appends `rows` rows of which `values` have a value: those whose bit in `validity` is set, from bit `position` on.
  func append(values: Int, rows: Int, validity: UnsafePointer<UInt64>?, at position: Int) throws(ParquetError)
  /// Skips values of the current page.
  func skip(values: Int) throws(ParquetError)
  /// The rows appended since `begin`.
  func finish(validity: Bitmap?) throws(ParquetError) -> ColumnVector
}

/// The dictionary codes of a page: a byte with the bit width, then hybrid runs.
// SAFETY: the guard says that there is a first byte.
func codeDecoder(_ bytes: UnsafeRawBufferPointer) throws(ParquetError) -> HybridDecoder {
  // A page without values may leave the width out.
  guard bytes.count > 0 else { return try unsafe HybridDecoder(bytes, width: 0) }
  return try unsafe HybridDecoder(UnsafeRawBufferPointer(rebasing: bytes[1...]), width: Int(bytes[0]))
}

/// The reader for a leaf's mapping.
func makeValueReader(_ leaf: LeafColumn, _ mapping: ValueMapping, _ options: ParquetReadOptions) -> any ValueReader {
  let policy = options.onInexact
  func fixed(_ kernels: FixedKernels) -> any ValueReader {
    FixedValueReader(kernels, type: leaf.type, width: leaf.fixedWidth ?? 0)
  }
  switch mapping {
  case .bool: return BooleanValueReader()
  case .int32: return fixed(FixedKernels(CopyConversion<Int32> { .int($0, validity: $1) }))
  case .int64: return fixed(FixedKernels(CopyConversion<Int64> { .long($0, validity: $1) }))
  case .rawTicks(let isDatetime):
    return fixed(FixedKernels(ScaledTicks<Int64>(factor: 1, isDatetime: isDatetime, policy: policy)))
  case .uint32:
    return fixed(FixedKernels(WideningConversion(UInt32ToInt64.self) { .long($0, validity: $1) }))
  case .uint64:
    return fixed(FixedKernels(WideningConversion(UInt64ToInt128.self) { wideDecimals($0, scale: 0, validity: $1) }))
  case .float: return fixed(FixedKernels(WideningConversion(FloatToDouble.self) { .real($0, validity: $1) }))
  case .float16: return fixed(FixedKernels(WideningConversion(Float16ToDouble.self) { .real($0, validity: $1) }))
  case .double: return fixed(FixedKernels(CopyConversion<Double> { .real($0, validity: $1) }))
  case .decimal32(let scale):
    return fixed(FixedKernels(WideningConversion(Int32ToInt64.self) { .decimal($0, scale: scale, validity: $1) }))
  case .decimal64(let scale): return fixed(FixedKernels(CopyConversion<Int64> { .decimal($0, scale: scale, validity: $1) }))
  case .decimalBytes(let scale, let isNarrow):
    if leaf.type == .byteArray { return ByteArrayValueReader(.decimal(scale: scale, isNarrow: isNarrow), fixedLength: nil) }
    let width = leaf.fixedWidth ?? 0
    if isNarrow { return fixed(FixedKernels(BigEndianDecimal<Int64>(width: width) { .decimal($0, scale: scale, validity: $1) })) }
    return fixed(FixedKernels(BigEndianDecimal<Int128>(width: width) { wideDecimals($0, scale: scale, validity: $1) }))
  case .date:
    let conversion = ScaledTicks<Int32>(factor: CivilTime.ticksPerDay, isDatetime: true, policy: policy)
    return options.refusesAncientTimes ? fixed(FixedKernels(AncientCheck(conversion, .dates))) : fixed(FixedKernels(conversion))
  case .ticks(.nanos, let isDatetime):
    let conversion = NanosToTicks(isDatetime: isDatetime, policy: policy)
    return isDatetime && options.refusesAncientTimes ? fixed(FixedKernels(AncientCheck(conversion, .timestamps))) : fixed(FixedKernels(conversion))
  case .ticks(let unit, true) where options.refusesAncientTimes:
    return fixed(FixedKernels(AncientCheck(ScaledTicks<Int64>(factor: 10_000_000 / unit.perSecond, isDatetime: true, policy: policy), .timestamps)))
  case .ticks(let unit, let isDatetime):
    let factor = 10_000_000 / unit.perSecond
    if leaf.type == .int32 { return fixed(FixedKernels(ScaledTicks<Int32>(factor: factor, isDatetime: isDatetime, policy: policy))) }
    return fixed(FixedKernels(ScaledTicks<Int64>(factor: factor, isDatetime: isDatetime, policy: policy)))
  case .int96:
    let conversion = Int96ToTicks(policy: policy)
    return options.refusesAncientINT96 ? fixed(FixedKernels(AncientCheck(conversion, .int96))) : fixed(FixedKernels(conversion))
  case .uuid:
    return fixed(FixedKernels(WideningConversion(BytesToGUID.self) { .guid($0, validity: $1) }))
  case .text: return ByteArrayValueReader(.text, fixedLength: nil)
  case .json: return ByteArrayValueReader(.json, fixedLength: nil)
  case .guidText: return ByteArrayValueReader(.guidText, fixedLength: nil)
  case .binary:
    return ByteArrayValueReader(options.binaryForm == .base64 ? .base64 : .textOrBase64, fixedLength: nil)
  case .base64: return ByteArrayValueReader(.base64, fixedLength: leaf.fixedWidth)
  case .bytes: return ByteArrayValueReader(.bytes, fixedLength: nil)
  case .interval: return ByteArrayValueReader(.interval, fixedLength: leaf.fixedWidth)
  }
}
