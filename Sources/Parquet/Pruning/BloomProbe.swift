// Asking a chunk's bloom filter whether a value can be in it: engine scalars back to the bytes the writer hashed.
package import Columnar

extension ParquetFile {
  /// False only when certainly none of `values` occurs in the field's chunk. Without a filter, and for values that cannot be hashed
  /// exactly, the answer is true.
  package func mayContain(_ values: [Scalar], rowGroup: Int, field: Int) throws(ParquetError) -> Bool {
    guard case .flat(let index, let mapping) = schema.fields[field].decoding else { return true }
    let leaf = schema.tree.leaves[index]
    var hashes: [UInt64] = []
    for value in values {
      switch BloomProbe.hashes(of: value, leaf: leaf, mapping: mapping, policy: options.onInexact) {
      case .unknown: return true
      case .impossible: continue
      case .any(let found): hashes += found
      }
    }
    // A filter is a megabyte, the block of a hash 32 bytes.
    guard hashes.count > Self.probedHashes else {
      guard let filter = try bloomBitset(rowGroup: rowGroup, leaf: index) else { return true }
      for hash in hashes where try mayContain(hash, filter) { return true }
      return false
    }
    guard let filter = try bloomFilter(rowGroup: rowGroup, leaf: index) else { return true }
    return hashes.contains { filter.mayContain(hash: $0) }
  }

  /// Up to so many hashes are looked up in the file.
  private static let probedHashes = 16
}

/// The hashes a value could have been inserted under.
enum BloomProbe {
  case unknown
  /// The column cannot hold the value at all.
  case impossible
  case any([UInt64])

  static func hashes(of value: Scalar, leaf: LeafColumn, mapping: ValueMapping, policy: InexactPolicy) -> BloomProbe {
    switch mapping {
    case .int32:
      guard let number = value.int64Value else { return .unknown }
      return Int32(exactly: number).map { .any([hash($0.littleEndian)]) } ?? .impossible
    case .uint32:
      guard let number = value.int64Value else { return .unknown }
      return UInt32(exactly: number).map { .any([hash($0.littleEndian)]) } ?? .impossible
    case .int64, .rawTicks:
      guard let number = value.int64Value else { return .unknown }
      return .any([hash(number.littleEndian)])
    case .double:
      guard case .real(let number) = value, !number.isNaN else { return .unknown }
      if number == 0 { return .any([hash((0.0).bitPattern), hash((-0.0).bitPattern)]) }
      return .any([hash(number.bitPattern.littleEndian)])
    case .float:
      guard case .real(let number) = value, !number.isNaN else { return .unknown }
      let narrow = Float(number)
      if Double(narrow) != number { return .impossible }
      if narrow == 0 { return .any([hash(Float(0).bitPattern), hash((-Float(0)).bitPattern)]) }
      return .any([hash(narrow.bitPattern.littleEndian)])
    case .decimal32(let scale), .decimal64(let scale):
      guard case .decimal(let number) = value else { return .unknown }
      guard let coefficient = number.rescaled(to: scale) else { return .impossible }
      if leaf.type == .int32 { return Int32(exactly: coefficient).map { .any([hash($0.littleEndian)]) } ?? .impossible }
      return Int64(exactly: coefficient).map { .any([hash($0.littleEndian)]) } ?? .impossible
    case .date:
      guard case .datetime(let ticks) = value else { return .unknown }
      let (days, rest) = ticks.quotientAndRemainder(dividingBy: CivilTime.ticksPerDay)
      guard rest == 0, let narrow = Int32(exactly: days) else { return .impossible }
      return .any([hash(narrow.littleEndian)])
    case .ticks(let unit, _):
      guard let ticks = value.int64Value else { return .unknown }
      if unit == .nanos {
        if policy == .truncate { return .unknown }
        let (nanos, overflow) = ticks.multipliedReportingOverflow(by: 100)
        return overflow ? .impossible : .any([hash(nanos.littleEndian)])
      }
      let (count, rest) = ticks.quotientAndRemainder(dividingBy: 10_000_000 / unit.perSecond)
      guard rest == 0 else { return .impossible }
      if policy == .truncate, ticks == CivilTime.minTicks || ticks == CivilTime.maxTicks { return .unknown }
      if leaf.type == .int32 { return Int32(exactly: count).map { .any([hash($0.littleEndian)]) } ?? .impossible }
      return .any([hash(count.littleEndian)])
    case .uuid:
      guard case .guid(let guid) = value else { return .unknown }
      return .any([hash(BytesToGUID.widen(guid))])
    case .text:
      guard case .string(var text) = value else { return .unknown }
      // SAFETY: the bytes live for the call.
      return text.withUTF8 { unsafe .any([xxHash64(UnsafeRawBufferPointer($0))]) }
    case .guidText:
      // This project's writer, whose mark the mapping comes from, writes lower case.
      guard case .guid(let guid) = value else { return .unknown }
      var text = guid.description
      // SAFETY: the bytes live for the call.
      return text.withUTF8 { unsafe .any([xxHash64(UnsafeRawBufferPointer($0))]) }
    case .bool, .uint64, .float16, .decimalBytes, .int96, .interval, .json, .binary, .base64, .bytes: return .unknown
    }
  }

  // SAFETY: the bytes of a value on the stack, which live for the call.
  private static func hash<T: BitwiseCopyable>(_ value: T) -> UInt64 { unsafe withUnsafeBytes(of: value) { unsafe xxHash64($0) } }
}
