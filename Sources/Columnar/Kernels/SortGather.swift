// Role: gathers rows from several chunks in any order: the output of sorts, merges and joins, without putting the chunks behind each other.

#if canImport(Glibc)
import Glibc
#endif

/// One column over chunks, in forms that can be gathered across them. Positions are chunk << 32 | row; chunk index 0xFFFFFFFF means null.
package struct ChunkedColumn: Sendable {
  package let type: DataType
  private let chunks: [ColumnVector]
  private let hasNulls: Bool

  /// Unifies the forms: equal dictionaries stay, other dictionaries and constants become flat, decimals of several scales become wide.
  package init(_ parts: [ColumnVector], type: DataType) {
    self.type = type
    var parts = parts
    let isShared = parts.first.map { first in
      guard case .dictionary(_, let values) = first.storage else { return false }
      return parts.allSatisfy {
        guard case .dictionary(_, let others) = $0.storage else { return false }
        return others.sharesMemory(with: values)
      }
    } ?? false
    if !isShared {
      parts = parts.map(\.flattened)
      if type == .decimal {
        var scales: Set<Int> = []
        for part in parts {
          if case .decimal64(_, let scale) = part.storage { scales.insert(scale) } else { scales.insert(Int.min) }
        }
        if scales.count > 1 { parts = parts.map(\.widenedDecimal) }
      }
    }
    chunks = parts
    hasNulls = parts.contains { $0.validity != nil }
  }

  /// The rows at those positions.
  package func gather(_ at: UnsafeBufferPointer<UInt64>, mayMiss: Bool = false) -> ColumnVector {
    let n = at.count
    if chunks.isEmpty { return .nulls(type, count: n) }
    let validity = unsafe hasNulls || mayMiss ? gatherValidity(at) : nil
    if mayMiss, let validity, !validity.isAllSet, chunks.allSatisfy({ $0.count == 0 }) { return .nulls(type, count: n) }
    let storage: VectorStorage
    switch chunks[0].storage {
    case .bool:
      let bits = chunks.map { if case .bool(let b) = $0.storage { b } else { Bitmap(repeating: false, count: 0) } }
      storage = unsafe .bool(Bitmap.build(count: n) { words in
        for i in 0..<n where unsafe !isMissing(at[i]) && bits[Int(at[i] >> 32)][Int(at[i] & 0xFFFF_FFFF)] { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
      })
    case .int: storage = unsafe .int(values(at, mayMiss) { if case .int(let b) = $0.storage { b } else { nil } })
    case .long: storage = unsafe .long(values(at, mayMiss) { if case .long(let b) = $0.storage { b } else { nil } })
    case .real: storage = unsafe .real(values(at, mayMiss) { if case .real(let b) = $0.storage { b } else { nil } })
    case .guid: storage = unsafe .guid(values(at, mayMiss) { if case .guid(let b) = $0.storage { b } else { nil } })
    case .decimal64(_, let scale):
      storage = unsafe .decimal64(values(at, mayMiss) { if case .decimal64(let b, _) = $0.storage { b } else { nil } }, scale: scale)
    case .decimal128:
      storage = unsafe .decimal128(
        values(at, mayMiss) { if case .decimal128(let b, _) = $0.storage { b } else { nil } },
        scales: unsafe values(at, mayMiss) { if case .decimal128(_, let s) = $0.storage { s } else { nil } })
    case .dictionary(_, let dictionary):
      if dictionary.count == 0 { return .nulls(type, count: n) }
      storage = unsafe .dictionary(codes: values(at, mayMiss) { if case .dictionary(let c, _) = $0.storage { c } else { nil } }, values: dictionary)
    case .bytes: storage = unsafe bytes(at, mayMiss)
    case .constant: return .nulls(type, count: n)
    }
    return ColumnVector(type: type, count: n, validity: validity, storage: storage)
  }

  @inline(__always) private func isMissing(_ at: UInt64) -> Bool { at >> 32 == 0xFFFF_FFFF }

  private func gatherValidity(_ at: UnsafeBufferPointer<UInt64>) -> Bitmap {
    let validities = chunks.map(\.validity)
    return unsafe Bitmap.build(count: at.count) { words in
      for i in 0..<at.count where unsafe !isMissing(at[i]) {
        if unsafe validities[Int(at[i] >> 32)].map({ unsafe $0[Int(at[i] & 0xFFFF_FFFF)] }) ?? true { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
      }
    }
  }

  @inline(__always) private func values<T: BitwiseCopyable & Sendable>(
    _ at: UnsafeBufferPointer<UInt64>, _ mayMiss: Bool, _ buffer: (ColumnVector) -> Buffer<T>?
  ) -> Buffer<T> {
    let buffers = chunks.map { buffer($0) ?? .empty }
    let bases = unsafe buffers.map(unsafe \.pointer)
    let builder = BufferBuilder<T>(capacity: at.count)
    let out = unsafe builder.appendUninitialized(at.count)
    unsafe bases.withUnsafeBufferPointer { bases in
      if mayMiss {
        // SAFETY: a missing row reads nothing; its slot is zero bytes, a valid value of every element type.
        unsafe memset(out, 0, at.count * MemoryLayout<T>.stride)
        for i in 0..<at.count where unsafe !isMissing(at[i]) { unsafe out[i] = unsafe bases[Int(at[i] >> 32)][Int(at[i] & 0xFFFF_FFFF)] }
      } else if bases.count == 1 {
        let base = unsafe bases[0]
        for i in 0..<at.count { unsafe out[i] = unsafe base[Int(truncatingIfNeeded: at[i])] }
      } else {
        for i in 0..<at.count { unsafe out[i] = unsafe bases[Int(at[i] >> 32)][Int(at[i] & 0xFFFF_FFFF)] }
      }
    }
    withExtendedLifetime(buffers) {}
    return builder.finish()
  }

  private func bytes(_ at: UnsafeBufferPointer<UInt64>, _ mayMiss: Bool) -> VectorStorage {
    var offsetBases: [UnsafePointer<Int32>] = unsafe [], dataBases: [UnsafePointer<UInt8>] = unsafe []
    for chunk in chunks {
      guard case .bytes(let offsets, let data) = chunk.storage else { continue }
      unsafe offsetBases.append(offsets.pointer)
      unsafe dataBases.append(data.pointer)
    }
    let offsets = BufferBuilder<Int32>(capacity: at.count + 1)
    let out = unsafe offsets.appendUninitialized(at.count + 1)
    unsafe out[0] = 0
    var total = 0
    for i in 0..<at.count {
      if unsafe !(mayMiss && isMissing(at[i])) {
        let o = unsafe offsetBases[Int(at[i] >> 32)] + Int(at[i] & 0xFFFF_FFFF)
        unsafe total &+= Int(o[1] &- o[0])
      }
      unsafe out[i + 1] = Int32(truncatingIfNeeded: total)
    }
    precondition(total <= Int(Int32.max), "a text column of more than 2 GiB in one vector")
    let data = BufferBuilder<UInt8>(capacity: total)
    let target = unsafe data.appendUninitialized(total)
    for i in 0..<at.count where unsafe !(mayMiss && isMissing(at[i])) {
      let k = unsafe Int(at[i] >> 32)
      let start = unsafe Int(offsetBases[k][Int(at[i] & 0xFFFF_FFFF)])
      let length = unsafe Int(out[i + 1] &- out[i])
      if length <= 16, unsafe Int(out[i]) &+ 16 <= total {
        // SAFETY: 16 bytes are readable (buffers are padded) and writable; later rows overwrite the excess.
        unsafe UnsafeMutableRawPointer(target + Int(out[i])).storeBytes(
          of: UnsafeRawPointer(dataBases[k] + start).loadUnaligned(as: UInt128.self), as: UInt128.self)
      } else {
        unsafe memcpy(target + Int(out[i]), dataBases[k] + start, length)
      }
    }
    withExtendedLifetime(chunks) {}
    return .bytes(offsets: offsets.finish(), data: data.finish())
  }
}
