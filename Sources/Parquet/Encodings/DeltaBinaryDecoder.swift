// DELTA_BINARY_PACKED integers: blocks of bit-packed differences.
// Source: parquet-format Encodings.md, "Delta Encoding (DELTA_BINARY_PACKED = 5)". Arithmetic wraps in the width of the type.
import CSIMD

/// Decodes one delta sequence of Int32 or Int64. The bytes must stay alive and have 64 readable bytes behind them.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct DeltaBinaryDecoder<T: FixedWidthInteger & SignedInteger & BitwiseCopyable> {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private let blockValues: Int
  private let miniblockCount: Int
  private let miniblockValues: Int
  /// Values not yet handed out.
  private(set) var remaining: Int
  private var lastValue: T
  private var isFirst = true
  private var minDelta: T = 0
  private var widthsAt = 0
  /// Miniblocks of the current block already unpacked.
  private var miniblockIndex: Int
  /// Unpacked values waiting in `pending`.
  private var pending: [T] = []
  private var pendingIndex = 0

  init(_ bytes: UnsafeRawBufferPointer) throws(ParquetError) {
    unsafe self.bytes = unsafe bytes
    var position = 0
    let block = try unsafe Self.varint(bytes, &position)
    let miniblocks = try unsafe Self.varint(bytes, &position)
    let total = try unsafe Self.varint(bytes, &position)
    let first = try unsafe Self.varint(bytes, &position)
    guard block > 0, block % 128 == 0, block <= 1 << 20, miniblocks > 0, miniblocks <= block, block % miniblocks == 0,
      (block / miniblocks) % 32 == 0
    else { throw .corrupt("delta block of \(block) values in \(miniblocks) miniblocks", at: position) }
    guard total <= UInt64(Int32.max) else { throw .corrupt("delta sequence of \(total) values") }
    blockValues = Int(block)
    miniblockCount = Int(miniblocks)
    miniblockValues = Int(block / miniblocks)
    remaining = Int(total)
    lastValue = T(truncatingIfNeeded: Int64(bitPattern: first >> 1) ^ -Int64(bitPattern: first & 1))
    miniblockIndex = miniblockCount
    self.position = position
  }

  private static func varint(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) throws(ParquetError) -> UInt64 {
    var result: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count {
      let byte = unsafe bytes[position]
      position += 1
      result |= UInt64(byte & 0x7F) &<< shift
      if byte < 0x80 { return result }
      shift += 7
      guard shift <= 63 else { break }
    }
    throw .corrupt("delta header ends early", at: position)
  }

  /// Offset behind the last byte used; final once everything was decoded.
  var endPosition: Int { position }

  /// Unpacks the next miniblock into `pending`.
  private mutating func loadMiniblock() throws(ParquetError) {
    if miniblockIndex == miniblockCount {
      let raw = try unsafe Self.varint(bytes, &position)
      minDelta = T(truncatingIfNeeded: Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1))
      guard unsafe bytes.count - position >= miniblockCount else { throw .corrupt("delta block ends early", at: position) }
      widthsAt = position
      position += miniblockCount
      miniblockIndex = 0
    }
    let width = unsafe Int(bytes[widthsAt + miniblockIndex])
    guard width <= T.bitWidth else { throw .corrupt("delta width of \(width) bits", at: widthsAt + miniblockIndex) }
    let count = min(miniblockValues, remaining)
    // The last miniblock may be cut short by writers that do not pad; only the values that exist are needed.
    let needed = (count * width + 7) >> 3
    let available = unsafe bytes.count - position
    guard needed <= available else { throw .corrupt("delta miniblock of \(needed) bytes where \(available) remain", at: position) }
    let source = unsafe (bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? emptyPage) + position
    var value = lastValue
    let base = minDelta
    if pending.count != miniblockValues { pending = [T](repeating: 0, count: miniblockValues) }
    unsafe pending.withUnsafeMutableBufferPointer { out in
      guard let out = out.baseAddress else { return }
      unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { deltas in
        guard let deltas = deltas.baseAddress else { return }
        unsafe pq_unpack64(source, deltas, count, Int32(width))
        for i in 0..<count {
          value = unsafe value &+ base &+ T(truncatingIfNeeded: deltas[i])
          unsafe out[i] = value
        }
      }
    }
    lastValue = value
    position += min((miniblockValues * width) >> 3, available)
    miniblockIndex += 1
    pendingIndex = 0
    pendingCount = count
  }

  private var pendingCount = 0

  /// Decodes `count` values; `out` nil skips them.
  mutating func decode(_ out: UnsafeMutablePointer<T>?, _ count: Int) throws(ParquetError) {
    guard count <= remaining + (pendingCount - pendingIndex) else {
      throw .corrupt("delta sequence ends \(count - remaining) values early")
    }
    var done = 0
    if isFirst, count > 0 {
      unsafe out?[0] = lastValue
      isFirst = false
      remaining -= 1
      done = 1
    }
    while done < count {
      if pendingIndex == pendingCount {
        try loadMiniblock()
        remaining -= pendingCount
      }
      let n = min(pendingCount - pendingIndex, count - done)
      if let out = unsafe out {
        let target = unsafe out + done
        let from = pendingIndex
        unsafe pending.withUnsafeBufferPointer { source in
          if let source = source.baseAddress { unsafe target.update(from: source + from, count: n) }
        }
      }
      pendingIndex += n
      done += n
    }
  }
}
