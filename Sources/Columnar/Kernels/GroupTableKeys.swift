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

  var byteSize: Int {
    let fixed = bools.capacity + ints.capacity * 4 + longs.capacity * 8 + reals.capacity * 8
    let other = guids.capacity * 16 + wide.capacity * 16 + scales.capacity * 2 + ends.capacity * 8 + text.capacity
    return valid.capacity + fixed + other
  }

  /// Appends the rows at `rows` of a batch's column.
  func append(_ vector: ColumnVector, rows: Buffer<Int32>) {
    let flat = vector.take(rows).flattened
    let n = flat.count
    let bits = valid.appendUninitialized(n)
    for i in 0..<n { bits[i] = flat.isValid(i) ? 1 : 0 }
    nullCount += flat.nullCount
    count += n
    switch flat.storage {
    case .bool(let b): for i in 0..<n { bools.append(b[i] ? 1 : 0) }
    case .int(let b): b.withUnsafe { ints.append(contentsOf: $0) }
    case .long(let b): b.withUnsafe { longs.append(contentsOf: $0) }
    case .real(let b): b.withUnsafe { reals.append(contentsOf: $0) }
    case .guid(let b): b.withUnsafe { guids.append(contentsOf: $0) }
    case .decimal64(let b, let scale): appendNarrow(b, scale, flat)
    case .decimal128(let b, let s): appendWide(b, s)
    case .bytes(let offsets, let data):
      var end = text.count
      for i in 0..<n {
        end &+= Int(offsets[i &+ 1] &- offsets[i])
        ends.append(end)
      }
      data.withUnsafe { text.append(contentsOf: UnsafeBufferPointer(rebasing: $0[Int(offsets[0])..<Int(offsets[n])])) }
    case .constant, .dictionary: preconditionFailure("a flattened vector is flat")
    }
  }

  private func appendNarrow(_ values: Buffer<Int64>, _ scale: Int, _ flat: ColumnVector) {
    if !isWideDecimal, decimalScale == nil { decimalScale = scale }
    if !isWideDecimal, decimalScale == scale { return values.withUnsafe { longs.append(contentsOf: $0) } }
    guard case .decimal128(let b, let s) = flat.widenedDecimal.storage else { return }
    appendWide(b, s)
  }

  private func appendWide(_ values: Buffer<Int128>, _ valueScales: Buffer<Int16>) {
    widen()
    values.withUnsafe { wide.append(contentsOf: $0) }
    valueScales.withUnsafe { scales.append(contentsOf: $0) }
  }

  /// Turns 64-bit decimals of one scale into decimals with a scale each.
  func widen() {
    guard type == .decimal, !isWideDecimal else { return }
    isWideDecimal = true
    for i in 0..<longs.count {
      wide.append(Int128(longs.pointer[i]))
      scales.append(Int16(clamping: decimalScale ?? 0))
    }
    longs.removeAll()
    decimalScale = nil
  }

  /// The keys of groups `range` as a flat vector. Text of the range must stay below 2 GiB.
  func vector(_ range: Range<Int>) -> ColumnVector {
    let n = range.count
    func copy<T>(_ builder: BufferBuilder<T>) -> Buffer<T> {
      let out = BufferBuilder<T>(capacity: n)
      out.append(contentsOf: UnsafeBufferPointer(start: builder.pointer + range.lowerBound, count: n))
      return out.finish()
    }
    let v = valid.pointer + range.lowerBound
    let validity = nullCount == 0 ? nil : Bitmap.build(count: n) { words in
      for i in 0..<n where v[i] != 0 { words[i >> 6] |= 1 << UInt64(i & 63) }
    }
    let storage: VectorStorage
    switch type {
    case .bool:
      let b = bools.pointer + range.lowerBound
      storage = .bool(Bitmap.build(count: n) { words in
        for i in 0..<n where b[i] != 0 { words[i >> 6] |= 1 << UInt64(i & 63) }
      })
    case .int: storage = .int(copy(ints))
    case .long, .datetime, .timespan: storage = .long(copy(longs))
    case .real: storage = .real(copy(reals))
    case .guid: storage = .guid(copy(guids))
    case .decimal: storage = isWideDecimal ? .decimal128(copy(wide), scales: copy(scales)) : .decimal64(copy(longs), scale: decimalScale ?? 0)
    case .string, .dynamic:
      let start = range.lowerBound == 0 ? 0 : ends.pointer[range.lowerBound - 1]
      let end = n == 0 ? start : ends.pointer[range.upperBound - 1]
      precondition(end - start <= Int(Int32.max), "a text column of more than 2 GiB in one vector")
      let offsets = BufferBuilder<Int32>(capacity: n + 1)
      offsets.append(0)
      for g in range { offsets.append(Int32(truncatingIfNeeded: ends.pointer[g] - start)) }
      let data = BufferBuilder<UInt8>(capacity: end - start)
      data.append(contentsOf: UnsafeBufferPointer(start: text.pointer + start, count: end - start))
      storage = .bytes(offsets: offsets.finish(), data: data.finish())
    }
    return ColumnVector(type: type, count: n, validity: validity, storage: storage)
  }

  /// Appends to `bad` the rows whose key differs from the stored key of their group; rows with a negative group are skipped.
  func verify(_ vector: ColumnVector, groups: UnsafePointer<Int32>, bad: BufferBuilder<Int32>) {
    defer { withExtendedLifetime(vector) {} }
    switch vector.storage {
    case .bool(let b):
      let stored = bools.pointer
      check(vector, groups, bad) { (b[$0] ? 1 : 0) == stored[$1] }
    case .int(let b):
      let p = b.pointer, stored = ints.pointer
      check(vector, groups, bad) { p[$0] == stored[$1] }
    case .long(let b):
      let p = b.pointer, stored = longs.pointer
      check(vector, groups, bad) { p[$0] == stored[$1] }
    case .real(let b):
      let p = b.pointer, stored = reals.pointer
      check(vector, groups, bad) { canonicalBits(p[$0]) == canonicalBits(stored[$1]) }
    case .guid(let b):
      let p = b.pointer, stored = guids.pointer
      check(vector, groups, bad) { p[$0].high == stored[$1].high && p[$0].low == stored[$1].low }
    case .decimal64(let b, let scale):
      let p = b.pointer, stored = longs.pointer
      if !isWideDecimal, decimalScale == scale { return check(vector, groups, bad) { p[$0] == stored[$1] } }
      check(vector, groups, bad) { DecimalValue(Int128(p[$0]), scale: scale) == self.decimal($1) }
    case .decimal128(let b, let s):
      let p = b.pointer, rowScales = s.pointer
      check(vector, groups, bad) { DecimalValue(p[$0], scale: Int(rowScales[$0])) == self.decimal($1) }
    case .bytes(let offsets, let data):
      let o = offsets.pointer, d = data.pointer
      let ends = ends.pointer, text = text.pointer
      check(vector, groups, bad) { row, group in
        let start = Int(o[row]), length = Int(o[row &+ 1]) &- start
        let from = group == 0 ? 0 : ends[group &- 1]
        return ends[group] &- from == length && equalBytes(d + start, UnsafePointer(text) + from, length)
      }
    case .dictionary(let codes, let values):
      guard values.count > 0, case .bytes(let offsets, let data) = values.storage else {
        return verify(vector.flattened, groups: groups, bad: bad)
      }
      let c = codes.pointer, o = offsets.pointer, d = data.pointer
      let ends = ends.pointer, text = text.pointer
      check(vector, groups, bad) { row, group in
        let code = Int(c[row])
        let start = Int(o[code]), length = Int(o[code &+ 1]) &- start
        let from = group == 0 ? 0 : ends[group &- 1]
        return ends[group] &- from == length && equalBytes(d + start, UnsafePointer(text) + from, length)
      }
    case .constant: verify(vector.flattened, groups: groups, bad: bad)
    }
  }

  private func decimal(_ group: Int) -> DecimalValue {
    isWideDecimal
      ? DecimalValue(wide.pointer[group], scale: Int(scales.pointer[group]))
      : DecimalValue(Int128(longs.pointer[group]), scale: decimalScale ?? 0)
  }

  @inline(__always) private func check(
    _ vector: ColumnVector, _ groups: UnsafePointer<Int32>, _ bad: BufferBuilder<Int32>, _ equal: (Int, Int) -> Bool
  ) {
    let stored = valid.pointer
    if vector.validity == nil, nullCount == 0 {
      for i in 0..<vector.count where groups[i] >= 0 {
        if !equal(i, Int(groups[i])) { bad.append(Int32(truncatingIfNeeded: i)) }
      }
      return
    }
    for i in 0..<vector.count where groups[i] >= 0 {
      let group = Int(groups[i])
      let isValid = vector.isValid(i)
      if isValid != (stored[group] != 0) || (isValid && !equal(i, group)) { bad.append(Int32(truncatingIfNeeded: i)) }
    }
  }
}

/// Byte equality; short runs by whole words (16 bytes behind either end are readable in every buffer).
@inline(__always) func equalBytes(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  if count <= 8 {
    let x = UnsafeRawPointer(a).loadUnaligned(as: UInt64.self), y = UnsafeRawPointer(b).loadUnaligned(as: UInt64.self)
    return count == 0 || (x ^ y) << UInt64((8 &- count) &* 8) == 0
  }
  return memcmp(a, b, count) == 0
}
