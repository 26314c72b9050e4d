// Role: min() and max() of every ordered type, and binary_all_and/or/xor. Nulls are ignored; a group without values is null.

#if canImport(Glibc)
import Glibc
#endif
import Columnar

/// Folds of 64-bit words.
enum WordFold: Sendable { case min, max, and, or, xor }

/// min and max over order keys (bool, int, long, datetime, timespan, real), and bitwise folds of long.
final class WordFoldAccumulator: GroupedAccumulator {
  private let fold: WordFold
  private let type: DataType
  private let words = BufferBuilder<UInt64>()
  private let seen = BufferBuilder<UInt8>()

  init(_ fold: WordFold, type: DataType) {
    self.fold = fold
    self.type = type
  }

  var byteSize: Int { words.capacity * 9 }

  /// The word a group starts with, which leaves every other word unchanged.
  private var neutral: UInt64 {
    switch fold {
    case .min, .and: ~0
    case .max, .or, .xor: 0
    }
  }

  private func grow(_ groupCount: Int) {
    words.grow(to: groupCount, filling: neutral)
    seen.grow(to: groupCount, filling: 0)
  }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    guard groupCount > 0 else { return }
    switch fold {
    case .min: run(arguments[0], groups) { Swift.min($0, $1) }
    case .max: run(arguments[0], groups) { Swift.max($0, $1) }
    case .and: run(arguments[0], groups) { $0 & $1 }
    case .or: run(arguments[0], groups) { $0 | $1 }
    case .xor: run(arguments[0], groups) { $0 ^ $1 }
    }
  }

  // SAFETY: groups are below groupCount, to which `update` grew both builders, and group 0 exists, since groupCount is above 0. Neither grows
  // during the loop.
  @inline(__always) private func run(_ vector: ColumnVector, _ groups: Buffer<Int32>?, _ combine: (UInt64, UInt64) -> UInt64) {
    let state = unsafe words.pointer, flags = unsafe seen.pointer
    // Bitwise folds work on plain bits, not on order keys, whose sign bit is flipped.
    let flip: UInt64 = isBitwise ? 1 << 63 : 0
    if groups == nil {
      var word = unsafe state[0]
      OrderKey.forEach(vector, nil) { _, _, key in word = combine(word, key ^ flip) }
      unsafe state[0] = word
      if vector.nullCount < vector.count { unsafe flags[0] = 1 }
    } else {
      OrderKey.forEach(vector, groups) { _, g, key in
        unsafe state[g] = unsafe combine(state[g], key ^ flip)
        unsafe flags[g] = 1
      }
    }
  }

  private var isBitwise: Bool { fold != .min && fold != .max }

  // SAFETY: callers grew both builders beyond `group`.
  private func combine(_ group: Int, _ word: UInt64) {
    let old = unsafe words.pointer[group]
    switch fold {
    case .min: unsafe words.pointer[group] = Swift.min(old, word)
    case .max: unsafe words.pointer[group] = Swift.max(old, word)
    case .and: unsafe words.pointer[group] = old & word
    case .or: unsafe words.pointer[group] = old | word
    case .xor: unsafe words.pointer[group] = old ^ word
    }
    unsafe seen.pointer[group] = 1
  }

  // SAFETY: words and seen have the same count, and g is below it.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? WordFoldAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<Swift.min(mapping.count, other.words.count) where unsafe other.seen.pointer[g] != 0 { unsafe combine(Int(mapping[g]), other.words.pointer[g]) }
  }

  // SAFETY: both builders have at least groupCount elements.
  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    let validity = unsafe validityBitmap(seen.pointer, groupCount)
    if isBitwise {
      return ColumnVector.long(words.copy(groupCount).reinterpreted(as: Int64.self), validity: validity, type: type)
    }
    return unsafe OrderKey.column(words.pointer, groupCount, validity: validity, type: type)
  }

  // SAFETY: both builders have at least groupCount elements.
  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    return unsafe [.long(words.copy(groupCount).reinterpreted(as: Int64.self), validity: validityBitmap(seen.pointer, groupCount))]
  }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    grow(groupCount)
    let values = state[0].longValues
    for i in 0..<rowCount where state[0].isValid(i) { combine(Int(groups[i]), UInt64(bitPattern: values[i])) }
  }
}

/// min and max of string: the best text of each group in one heap, compared by bytes.
final class TextMinMaxAccumulator: GroupedAccumulator {
  private let isMax: Bool
  private let heap = BufferBuilder<UInt8>()
  private let starts = BufferBuilder<Int>()
  /// Bytes of the group's text, -1 while there is none.
  private let lengths = BufferBuilder<Int>()

  init(isMax: Bool) { self.isMax = isMax }

  var byteSize: Int { heap.capacity + starts.capacity * 16 }

  func grow(_ groupCount: Int) {
    starts.grow(to: groupCount, filling: 0)
    lengths.grow(to: groupCount, filling: -1)
  }

  /// Takes the text when it is better than what the group has; true when it was.
  // SAFETY: callers grew starts and lengths beyond `group`; a length that is not negative stands for as many bytes of `heap` from the start on. The
  // text is not part of this heap.
  @inline(__always) @discardableResult func offer(_ group: Int, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    let have = unsafe lengths.pointer[group]
    if have >= 0 {
      let order = unsafe memcmp(text, heap.pointer + starts.pointer[group], Swift.min(have, length))
      let isGreater = order != 0 ? order > 0 : length > have
      let isLess = order != 0 ? order < 0 : length < have
      guard isMax ? isGreater : isLess else { return false }
    }
    unsafe replace(group, text, length)
    return true
  }

  // SAFETY: as in `offer`; a text no longer than the one before fits its place.
  private func replace(_ group: Int, _ text: UnsafePointer<UInt8>, _ length: Int) {
    if unsafe length > lengths.pointer[group] {
      unsafe starts.pointer[group] = heap.count
      unsafe heap.append(contentsOf: UnsafeBufferPointer(start: text, count: length))
    } else {
      unsafe memmove(heap.pointer + starts.pointer[group], text, length)
    }
    unsafe lengths.pointer[group] = length
  }

  // SAFETY: rows are below rowCount, codes below values.count, and a row's offsets within its data; the vector, which the caller keeps alive,
  // holds all of it. `used` has values.count flags.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    guard groupCount > 0 else { return }
    let vector = arguments[0]
    switch vector.storage {
    case .bytes(let offsets, let data):
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      forEachRow(rowCount, vector.validity, groups) { i, g in unsafe offer(g, d + Int(o[i]), Int(o[i &+ 1] &- o[i])) }
    case .dictionary(let codes, let values):
      guard case .bytes(let offsets, let data) = values.storage, values.count > 0 else { return }
      let c = unsafe codes.pointer, o = unsafe offsets.pointer, d = unsafe data.pointer
      if groups == nil {
        // Only the values that occur are compared.
        let used = BufferBuilder<UInt8>()
        used.grow(to: values.count, filling: 0)
        let flags = unsafe used.pointer
        forEachRow(rowCount, vector.validity, nil) { i, _ in unsafe flags[Int(c[i])] = 1 }
        for k in 0..<values.count where unsafe flags[k] != 0 { unsafe offer(0, d + Int(o[k]), Int(o[k + 1] - o[k])) }
        return
      }
      forEachRow(rowCount, vector.validity, groups) { i, g in
        let k = unsafe Int(c[i])
        unsafe offer(g, d + Int(o[k]), Int(o[k &+ 1] &- o[k]))
      }
    default:
      guard case .constant = vector.storage else { return }
      update([vector.flattened], rowCount: rowCount, groups: groups, groupCount: groupCount)
    }
    withExtendedLifetime(vector) {}
  }

  // SAFETY: starts and lengths have the same count, and g is below it; the other's heap is another memory than the one appended to.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? TextMinMaxAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<Swift.min(mapping.count, other.lengths.count) where unsafe other.lengths.pointer[g] >= 0 {
      unsafe offer(Int(mapping[g]), other.heap.pointer + other.starts.pointer[g], other.lengths.pointer[g])
    }
  }

  // SAFETY: `grow` made starts and lengths for all groups; a text's bytes lie in `heap`, which does not grow here.
  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    let text = StringBuilder(rows: groupCount)
    let validity = BitmapBuilder(capacity: groupCount)
    for g in 0..<groupCount {
      unsafe validity.append(lengths.pointer[g] >= 0)
      unsafe text.append(heap.pointer + starts.pointer[g], Swift.max(0, lengths.pointer[g]))
    }
    return text.finish(.string, validity: validity.finishValidity())
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    update(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}

/// min and max of guid and of decimals of mixed scales, over a comparable fixed-width form.
final class ValueMinMaxAccumulator<Value: Comparable & BitwiseCopyable & Sendable>: GroupedAccumulator {
  private let isMax: Bool
  private let type: DataType
  private let best = BufferBuilder<Value>()
  private let seen = BufferBuilder<UInt8>()
  private let zero: Value
  private let read: (ColumnVector) -> (Int) -> Value
  private let write: (Buffer<Value>, Bitmap?) -> ColumnVector

  /// `read` makes a getter for the rows of a flat vector; `write` makes the result column.
  init(
    isMax: Bool, type: DataType, zero: Value, read: @escaping (ColumnVector) -> (Int) -> Value,
    write: @escaping (Buffer<Value>, Bitmap?) -> ColumnVector
  ) {
    self.isMax = isMax
    self.type = type
    self.zero = zero
    self.read = read
    self.write = write
  }

  var byteSize: Int { best.capacity * MemoryLayout<Value>.stride }

  private func grow(_ groupCount: Int) {
    best.grow(to: groupCount, filling: zero)
    seen.grow(to: groupCount, filling: 0)
  }

  // SAFETY: callers grew both builders beyond `group`.
  @inline(__always) private func offer(_ group: Int, _ value: Value) {
    if unsafe seen.pointer[group] == 0 || (isMax ? value > best.pointer[group] : value < best.pointer[group]) {
      unsafe best.pointer[group] = value
      unsafe seen.pointer[group] = 1
    }
  }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    guard groupCount > 0 else { return }
    let flat = arguments[0].flattened
    let value = read(flat)
    forEachRow(rowCount, flat.validity, groups) { i, g in offer(g, value(i)) }
    withExtendedLifetime(flat) {}
  }

  // SAFETY: best and seen have the same count, and g is below it.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? ValueMinMaxAccumulator<Value> else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<Swift.min(mapping.count, other.best.count) where unsafe other.seen.pointer[g] != 0 { unsafe offer(Int(mapping[g]), other.best.pointer[g]) }
  }

  // SAFETY: `seen` has at least groupCount elements.
  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    return unsafe write(best.copy(groupCount), validityBitmap(seen.pointer, groupCount))
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    update(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}

/// The accumulator of min or max over `type`; nil for dynamic, which has no order.
func makeMinMax(isMax: Bool, type: DataType) -> (any GroupedAccumulator)? {
  switch type {
  case .bool, .int, .long, .datetime, .timespan, .real: return WordFoldAccumulator(isMax ? .max : .min, type: type)
  case .string: return TextMinMaxAccumulator(isMax: isMax)
  case .guid:
    return ValueMinMaxAccumulator<GUID>(
      isMax: isMax, type: type, zero: GUID(high: 0, low: 0),
      read: { vector in
        guard case .guid(let b) = vector.storage else { return { _ in GUID(high: 0, low: 0) } }
        return { b[$0] }
      },
      write: { .guid($0, validity: $1) })
  case .decimal: return DecimalMinMaxAccumulator(isMax: isMax)
  case .dynamic: return nil
  }
}

/// min and max of decimal: coefficients while all batches are 64-bit decimals of one scale, whole values for the others.
final class DecimalMinMaxAccumulator: GroupedAccumulator {
  private let narrow: WordFoldAccumulator
  private let wide: ValueMinMaxAccumulator<DecimalValue>
  /// The scale of the coefficients in `narrow`; nil while there are none.
  private var scale: Int?

  init(isMax: Bool) {
    narrow = WordFoldAccumulator(isMax ? .max : .min, type: .long)
    wide = ValueMinMaxAccumulator<DecimalValue>(
      isMax: isMax, type: .decimal, zero: DecimalValue(0),
      read: { vector in
        switch vector.storage {
        case .decimal64(let b, let scale): return { DecimalValue(Int128(b[$0]), scale: scale) }
        case .decimal128(let b, let scales): return { DecimalValue(b[$0], scale: Int(scales[$0])) }
        default: return { _ in DecimalValue(0) }
        }
      },
      write: { values, validity in
        let coefficients = BufferBuilder<Int128>(capacity: values.count), scales = BufferBuilder<Int16>(capacity: values.count)
        for i in 0..<values.count {
          coefficients.append(values[i].coefficient)
          scales.append(values[i].scale)
        }
        return .decimal(coefficients.finish(), scales: scales.finish(), validity: validity)
      })
  }

  var byteSize: Int { narrow.byteSize + wide.byteSize }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    let flat = arguments[0].flattened
    if case .decimal64(let b, let batchScale) = flat.storage, scale ?? batchScale == batchScale {
      scale = batchScale
      narrow.update([.long(b, validity: flat.validity)], rowCount: rowCount, groups: groups, groupCount: groupCount)
    } else {
      wide.update([flat], rowCount: rowCount, groups: groups, groupCount: groupCount)
    }
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? DecimalMinMaxAccumulator else { throw mismatchedMerge(other) }
    let column = other.finish(groupCount: mapping.count)
    update([column], rowCount: mapping.count, groups: mapping, groupCount: groupCount)
  }

  func finish(groupCount: Int) -> ColumnVector {
    guard let scale else { return wide.finish(groupCount: groupCount) }
    let result = narrow.finish(groupCount: groupCount)
    let column = ColumnVector.decimal(result.longValues, scale: scale, validity: result.validity)
    let identity = Buffer<Int32>((0..<Int32(groupCount)).map { $0 })
    if wide.byteSize == 0 { return column }
    wide.update([column], rowCount: groupCount, groups: identity, groupCount: groupCount)
    return wide.finish(groupCount: groupCount)
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    update(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}
