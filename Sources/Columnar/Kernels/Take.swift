// Role: gathering rows: `take` by position, `filter` by bitmap. Dictionaries and constants keep their form.

#if canImport(Glibc)
import Glibc
#endif

extension ColumnVector {
  /// The rows at `positions`, in that order; a position of -1 gives null when `allowsMissing`. Positions lie within the vector.
  package func take(_ positions: Buffer<Int32>, allowsMissing: Bool = false) -> ColumnVector {
    if allowsMissing, unsafe positions.withUnsafe({ unsafe $0.contains { $0 < 0 } }) { return takeWithMissing(positions) }
    let n = positions.count
    let validity = validity.map { gatherBits($0, positions) }
    return ColumnVector(type: type, count: n, validity: validity, storage: gather(positions))
  }

  private func takeWithMissing(_ positions: Buffer<Int32>) -> ColumnVector {
    if count == 0 { return .nulls(type, count: positions.count) }
    let present = unsafe Bitmap.build(count: positions.count) { words in
      for i in 0..<positions.count where positions[i] >= 0 { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
    }
    let safe = BufferBuilder<Int32>(capacity: positions.count)
    let out = unsafe safe.appendUninitialized(positions.count)
    for i in 0..<positions.count { unsafe out[i] = max(0, positions[i]) }
    let taken = take(safe.finish())
    // A null constant or dictionary keeps its form; only validity changes.
    return ColumnVector(type: type, count: positions.count, validity: Bitmap.intersection(taken.validity, present), storage: taken.storage)
  }

  private func gather(_ positions: Buffer<Int32>) -> VectorStorage {
    switch storage {
    case .bool(let bits): .bool(gatherBits(bits, positions))
    case .int(let b): .int(gatherValues(b, positions))
    case .long(let b): .long(gatherValues(b, positions))
    case .real(let b): .real(gatherValues(b, positions))
    case .decimal64(let b, let scale): .decimal64(gatherValues(b, positions), scale: scale)
    case .decimal128(let b, let scales): .decimal128(gatherValues(b, positions), scales: gatherValues(scales, positions))
    case .guid(let b): .guid(gatherValues(b, positions))
    case .bytes(let offsets, let data): gatherBytes(offsets, data, positions)
    case .constant(let value): .constant(value: value)
    case .dictionary(let codes, let values): .dictionary(codes: gatherValues(codes, positions), values: values)
    }
  }

  /// The rows whose bit is set, in order. All set returns the vector itself.
  package func filter(_ selection: Bitmap) -> ColumnVector {
    precondition(selection.count == count, "selection of another length")
    if selection.isAllSet { return self }
    return take(selection.indices())
  }

  /// Rows `range`; fixed-width storage is shared, not copied.
  package func slice(_ range: Range<Int>) -> ColumnVector {
    if range.lowerBound == 0, range.upperBound == count { return self }
    let storage: VectorStorage = switch storage {
    case .bool(let bits): .bool(bits.slice(range))
    case .int(let b): .int(b.slice(range))
    case .long(let b): .long(b.slice(range))
    case .real(let b): .real(b.slice(range))
    case .decimal64(let b, let scale): .decimal64(b.slice(range), scale: scale)
    case .decimal128(let b, let scales): .decimal128(b.slice(range), scales: scales.slice(range))
    case .guid(let b): .guid(b.slice(range))
    case .bytes(let offsets, let data): .bytes(offsets: offsets.slice(range.lowerBound..<range.upperBound + 1), data: data)
    case .constant(let value): .constant(value: value)
    case .dictionary(let codes, let values): .dictionary(codes: codes.slice(range), values: values)
    }
    return ColumnVector(type: type, count: range.count, validity: validity?.slice(range), storage: storage)
  }

  /// The same rows without dictionary or constant form.
  package var flattened: ColumnVector {
    switch storage {
    case .dictionary(let codes, let values):
      if values.count == 0 { return ColumnVector.nulls(type, count: count).flattened }
      return ColumnVector(type: type, count: count, validity: validity, storage: values.gather(codes))
    case .constant(let value):
      return ColumnVector(type: type, count: count, validity: validity, storage: value.gather(Buffer(repeating: 0, count: count)))
    default: return self
    }
  }
}

@inline(__always) func gatherValues<T: BitwiseCopyable & Sendable>(_ source: Buffer<T>, _ positions: Buffer<Int32>) -> Buffer<T> {
  let n = positions.count
  let builder = BufferBuilder<T>(capacity: n)
  let out = unsafe builder.appendUninitialized(n)
  let from = unsafe source.pointer, at = unsafe positions.pointer
  for i in 0..<n { unsafe out[i] = unsafe from[Int(at[i])] }
  return builder.finish()
}

func gatherBits(_ source: Bitmap, _ positions: Buffer<Int32>) -> Bitmap {
  unsafe Bitmap.build(count: positions.count) { out in
    let words = unsafe source.words.pointer, at = unsafe positions.pointer
    var i = 0
    while i < positions.count {
      var word: UInt64 = 0
      let end = min(64, positions.count - i)
      for k in 0..<end {
        let p = unsafe Int(at[i &+ k])
        unsafe word |= (words[p >> 6] >> UInt64(p & 63) & 1) << UInt64(k)
      }
      unsafe out[i >> 6] = word
      i &+= 64
    }
  }
}

private func gatherBytes(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ positions: Buffer<Int32>) -> VectorStorage {
  let n = positions.count
  let newOffsets = BufferBuilder<Int32>(capacity: n + 1)
  let out = unsafe newOffsets.appendUninitialized(n + 1)
  let o = unsafe offsets.pointer, at = unsafe positions.pointer
  var total = 0
  unsafe out[0] = 0
  for i in 0..<n {
    let p = unsafe Int(at[i])
    unsafe total &+= Int(o[p &+ 1] &- o[p])
    unsafe out[i &+ 1] = Int32(truncatingIfNeeded: total)
  }
  if total > ColumnSize.maxBytes {
    ColumnSize.markExcess()
    return .bytes(offsets: Buffer(repeating: 0, count: n + 1), data: .empty)
  }
  let bytes = BufferBuilder<UInt8>(capacity: total)
  let target = unsafe bytes.appendUninitialized(total)
  let source = unsafe data.pointer
  for i in 0..<n {
    let start = unsafe Int(o[Int(at[i])])
    let length = unsafe Int(out[i &+ 1] &- out[i])
    if length <= 16, start &+ 16 <= data.count, unsafe Int(out[i]) &+ 16 <= total {
      // SAFETY: 16 bytes are readable at the source and writable at the target; later rows overwrite the excess.
      unsafe UnsafeMutableRawPointer(target + Int(out[i])).storeBytes(
        of: UnsafeRawPointer(source + start).loadUnaligned(as: UInt128.self), as: UInt128.self)
    } else {
      unsafe memcpy(target + Int(out[i]), source + start, length)
    }
  }
  return .bytes(offsets: newOffsets.finish(), data: bytes.finish())
}

extension RecordBatch {
  /// The rows whose bit is set; the batch itself when all are.
  package func filter(_ selection: Bitmap) -> RecordBatch {
    let n = selection.popcount
    if n == rowCount { return self }
    let positions = selection.indices()
    return RecordBatch(schema: schema, columns: columns.map { $0.take(positions) }, rowCount: n)
  }

  /// The rows at `positions`.
  package func take(_ positions: Buffer<Int32>) -> RecordBatch {
    RecordBatch(schema: schema, columns: columns.map { $0.take(positions) }, rowCount: positions.count)
  }

  /// Rows `range`, sharing memory.
  package func slice(_ range: Range<Int>) -> RecordBatch {
    RecordBatch(schema: schema, columns: columns.map { $0.slice(range) }, rowCount: range.count)
  }
}
