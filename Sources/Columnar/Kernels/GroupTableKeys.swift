// Role: the stored keys of a `GroupTable`: one growing column per key, row g holding the key of group g.

#if canImport(Glibc)
import Glibc
#endif

/// One key column: appended from batches, compared with batches, read back as a vector.
final class GroupKeyColumn {
  let type: DataType
  private(set) var count = 0
  private(set) var nullCount = 0
  /// 1 for a key that is not null.
  private let valid = BufferBuilder<UInt8>()
  private let bools = BufferBuilder<UInt8>()
  private let ints = BufferBuilder<Int32>()
  private let longs = BufferBuilder<Int64>()
  private let reals = BufferBuilder<Double>()
  private let guids = BufferBuilder<GUID>()
  private let wide = BufferBuilder<Int128>()
  private let scales = BufferBuilder<Int16>()
  /// Where each text ends; 64-bit, because all keys together may exceed 2 GiB.
  private let ends = BufferBuilder<Int>()
  private let text = BufferBuilder<UInt8>()
  /// The scale of 64-bit decimals in `longs`; nil while there are none or once they are wide.
  private(set) var decimalScale: Int?
  private(set) var isWideDecimal = false

  init(_ type: DataType) { self.type = type }

  // SAFETY: capacities are read without overlap checks: the builders belong to the table's one thread.
  var byteSize: Int {
    let fixed = unsafe bools.capacity + ints.capacity * 4 + longs.capacity * 8 + reals.capacity * 8
    let other = unsafe guids.capacity * 16 + wide.capacity * 16 + scales.capacity * 2 + ends.capacity * 8 + text.capacity
    return unsafe valid.capacity + fixed + other
  }

  /// Appends the rows at `rows` of a batch's column.
  // SAFETY: `bits` has n fresh bytes of `valid`, which does not grow before they are filled. A buffer's elements are alive for the call that appends
  // them. A row's offsets lie within `data`, and n + 1 of them exist.
  func append(_ vector: ColumnVector, rows: Buffer<Int32>) {
    let flat = vector.take(rows).flattened
    let n = flat.count
    let bits = unsafe valid.appendUninitialized(n)
    for i in 0..<n { unsafe bits[i] = flat.isValid(i) ? 1 : 0 }
    nullCount += flat.nullCount
    count += n
    switch flat.storage {
    case .bool(let b): for i in 0..<n { bools.append(b[i] ? 1 : 0) }
    case .int(let b): unsafe b.withUnsafe { unsafe ints.append(contentsOf: $0) }
    case .long(let b): unsafe b.withUnsafe { unsafe longs.append(contentsOf: $0) }
    case .real(let b): unsafe b.withUnsafe { unsafe reals.append(contentsOf: $0) }
    case .guid(let b): unsafe b.withUnsafe { unsafe guids.append(contentsOf: $0) }
    case .decimal64(let b, let scale): appendNarrow(b, scale, flat)
    case .decimal128(let b, let s): appendWide(b, s)
    case .bytes(let offsets, let data):
      var end = unsafe text.count
      for i in 0..<n {
        end &+= Int(offsets[i &+ 1] &- offsets[i])
        ends.append(end)
      }
      unsafe data.withUnsafe { unsafe text.append(contentsOf: UnsafeBufferPointer(rebasing: $0[Int(offsets[0])..<Int(offsets[n])])) }
    case .constant, .dictionary: preconditionFailure("a flattened vector is flat")
    }
  }

  // SAFETY: the elements are alive for the call that appends them.
  private func appendNarrow(_ values: Buffer<Int64>, _ scale: Int, _ flat: ColumnVector) {
    if !isWideDecimal, decimalScale == nil { decimalScale = scale }
    if !isWideDecimal, decimalScale == scale { return unsafe values.withUnsafe { unsafe longs.append(contentsOf: $0) } }
    guard case .decimal128(let b, let s) = flat.widenedDecimal.storage else { return }
    appendWide(b, s)
  }

  // SAFETY: as above.
  private func appendWide(_ values: Buffer<Int128>, _ valueScales: Buffer<Int16>) {
    widen()
    unsafe values.withUnsafe { unsafe wide.append(contentsOf: $0) }
    unsafe valueScales.withUnsafe { unsafe scales.append(contentsOf: $0) }
  }

  /// Turns 64-bit decimals of one scale into decimals with a scale each.
  // SAFETY: i is below the builder's count; one thread owns both builders.
  func widen() {
    guard type == .decimal, !isWideDecimal else { return }
    isWideDecimal = true
    for i in unsafe 0..<longs.count {
      unsafe wide.append(Int128(longs.pointer[i]))
      scales.append(Int16(clamping: decimalScale ?? 0))
    }
    longs.removeAll()
    decimalScale = nil
  }

  /// The keys of groups `range` as a flat vector. Text of the range must stay below 2 GiB.
  // SAFETY: the range lies within 0..<count (the table asks for groups below its count), and the builder of this type has `count` elements, as has
  // `valid`. Bits go to words of `build`, one for each 64 rows. ends[g] are positions in `text`, ascending. Nothing grows meanwhile.
  func vector(_ range: Range<Int>) -> ColumnVector {
    let n = range.count
    func copy<T>(_ builder: BufferBuilder<T>) -> Buffer<T> {
      let out = BufferBuilder<T>(capacity: n)
      unsafe out.append(contentsOf: UnsafeBufferPointer(start: builder.pointer + range.lowerBound, count: n))
      return out.finish()
    }
    let v = unsafe valid.pointer + range.lowerBound
    let validity = unsafe nullCount == 0 ? nil : Bitmap.build(count: n) { words in
      for i in 0..<n where unsafe v[i] != 0 { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
    }
    let storage: VectorStorage
    switch type {
    case .bool:
      let b = unsafe bools.pointer + range.lowerBound
      storage = unsafe .bool(Bitmap.build(count: n) { words in
        for i in 0..<n where unsafe b[i] != 0 { unsafe words[i >> 6] |= 1 << UInt64(i & 63) }
      })
    case .int: storage = .int(copy(ints))
    case .long, .datetime, .timespan: storage = .long(copy(longs))
    case .real: storage = .real(copy(reals))
    case .guid: storage = .guid(copy(guids))
    case .decimal: storage = isWideDecimal ? .decimal128(copy(wide), scales: copy(scales)) : .decimal64(copy(longs), scale: decimalScale ?? 0)
    case .string, .dynamic:
      let start = unsafe range.lowerBound == 0 ? 0 : ends.pointer[range.lowerBound - 1]
      let end = unsafe n == 0 ? start : ends.pointer[range.upperBound - 1]
      precondition(end - start <= Int(Int32.max), "a text column of more than 2 GiB in one vector")
      let offsets = BufferBuilder<Int32>(capacity: n + 1)
      offsets.append(0)
      for g in range { unsafe offsets.append(Int32(truncatingIfNeeded: ends.pointer[g] - start)) }
      let data = BufferBuilder<UInt8>(capacity: end - start)
      unsafe data.append(contentsOf: UnsafeBufferPointer(start: text.pointer + start, count: end - start))
      storage = .bytes(offsets: offsets.finish(), data: data.finish())
    }
    return ColumnVector(type: type, count: n, validity: validity, storage: storage)
  }

  /// Appends to `bad` the rows whose key differs from the stored key of their group; rows with a negative group are skipped.
  // SAFETY: rows index the vector's own buffers, kept alive behind the comparison; groups are below `count` (the caller assigned them), and the
  // builder of this type has `count` elements. Codes are below values.count. Nothing is appended to the builders meanwhile.
  func verify(_ vector: ColumnVector, groups: UnsafePointer<Int32>, bad: BufferBuilder<Int32>) {
    defer { withExtendedLifetime(vector) {} }
    switch vector.storage {
    case .bool(let b):
      let stored = unsafe bools.pointer
      unsafe check(vector, groups, bad) { unsafe (b[$0] ? 1 : 0) == stored[$1] }
    case .int(let b):
      let p = unsafe b.pointer, stored = unsafe ints.pointer
      unsafe check(vector, groups, bad) { unsafe p[$0] == stored[$1] }
    case .long(let b):
      let p = unsafe b.pointer, stored = unsafe longs.pointer
      unsafe check(vector, groups, bad) { unsafe p[$0] == stored[$1] }
    case .real(let b):
      let p = unsafe b.pointer, stored = unsafe reals.pointer
      unsafe check(vector, groups, bad) { unsafe canonicalBits(p[$0]) == canonicalBits(stored[$1]) }
    case .guid(let b):
      let p = unsafe b.pointer, stored = unsafe guids.pointer
      unsafe check(vector, groups, bad) { unsafe p[$0].high == stored[$1].high && p[$0].low == stored[$1].low }
    case .decimal64(let b, let scale):
      let p = unsafe b.pointer, stored = unsafe longs.pointer
      if !isWideDecimal, decimalScale == scale { return unsafe check(vector, groups, bad) { unsafe p[$0] == stored[$1] } }
      unsafe check(vector, groups, bad) { unsafe DecimalValue(Int128(p[$0]), scale: scale) == self.decimal($1) }
    case .decimal128(let b, let s):
      let p = unsafe b.pointer, rowScales = unsafe s.pointer
      unsafe check(vector, groups, bad) { unsafe DecimalValue(p[$0], scale: Int(rowScales[$0])) == self.decimal($1) }
    case .bytes(let offsets, let data):
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      let ends = unsafe ends.pointer, text = unsafe text.pointer
      unsafe check(vector, groups, bad) { row, group in
        let start = unsafe Int(o[row]), length = unsafe Int(o[row &+ 1]) &- start
        let from = unsafe group == 0 ? 0 : ends[group &- 1]
        return unsafe ends[group] &- from == length && equalBytes(d + start, UnsafePointer(text) + from, length)
      }
    case .dictionary(let codes, let values):
      guard values.count > 0, case .bytes(let offsets, let data) = values.storage else {
        return unsafe verify(vector.flattened, groups: groups, bad: bad)
      }
      let c = unsafe codes.pointer, o = unsafe offsets.pointer, d = unsafe data.pointer
      let ends = unsafe ends.pointer, text = unsafe text.pointer
      unsafe check(vector, groups, bad) { row, group in
        let code = unsafe Int(c[row])
        let start = unsafe Int(o[code]), length = unsafe Int(o[code &+ 1]) &- start
        let from = unsafe group == 0 ? 0 : ends[group &- 1]
        return unsafe ends[group] &- from == length && equalBytes(d + start, UnsafePointer(text) + from, length)
      }
    case .constant: unsafe verify(vector.flattened, groups: groups, bad: bad)
    }
  }

  // SAFETY: `group` is below `count`, the number of elements of `longs`, or of `wide` and `scales`.
  private func decimal(_ group: Int) -> DecimalValue {
    unsafe isWideDecimal
      ? DecimalValue(wide.pointer[group], scale: Int(scales.pointer[group]))
      : DecimalValue(Int128(longs.pointer[group]), scale: decimalScale ?? 0)
  }

  // SAFETY: `groups` has vector.count elements, and `valid` one for each group.
  @inline(__always) private func check(
    _ vector: ColumnVector, _ groups: UnsafePointer<Int32>, _ bad: BufferBuilder<Int32>, _ equal: (Int, Int) -> Bool
  ) {
    let stored = unsafe valid.pointer
    if vector.validity == nil, nullCount == 0 {
      for i in 0..<vector.count where unsafe groups[i] >= 0 {
        if unsafe !equal(i, Int(groups[i])) { bad.append(Int32(truncatingIfNeeded: i)) }
      }
      return
    }
    for i in 0..<vector.count where unsafe groups[i] >= 0 {
      let group = unsafe Int(groups[i])
      let isValid = vector.isValid(i)
      if unsafe isValid != (stored[group] != 0) || (isValid && !equal(i, group)) { bad.append(Int32(truncatingIfNeeded: i)) }
    }
  }
}

/// Byte equality; short runs by whole words (16 bytes behind either end are readable in every buffer).
// SAFETY: beyond `count` at most 8 bytes are read, and every buffer and builder has 64 readable bytes behind its last element.
@inline(__always) func equalBytes(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  if count <= 8 {
    let x = unsafe UnsafeRawPointer(a).loadUnaligned(as: UInt64.self), y = unsafe UnsafeRawPointer(b).loadUnaligned(as: UInt64.self)
    return count == 0 || (x ^ y) << UInt64((8 &- count) &* 8) == 0
  }
  return unsafe memcmp(a, b, count) == 0
}
