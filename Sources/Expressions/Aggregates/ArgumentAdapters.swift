// Role: wrappers that change arguments before the accumulator behind them sees them: the predicate of the …if functions, casts to real.

import Columnar

/// Masks the first argument with a predicate argument, so that rows where it is not true look null to `inner`, which ignores nulls.
final class FilteredAccumulator: GroupedAccumulator {
  private let inner: any GroupedAccumulator

  /// The last argument is the predicate.
  init(_ inner: any GroupedAccumulator) { self.inner = inner }

  var byteSize: Int { inner.byteSize }
  var growsWithRows: Bool { inner.growsWithRows }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    var rest = arguments
    let selected = rest.removeLast().trueBits
    rest[0] = rest[0].withValidity(Bitmap.intersection(rest[0].validity, selected))
    try inner.update(rest, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? FilteredAccumulator else { throw mismatchedMerge(other) }
    try inner.merge(other.inner, mapping: mapping, groupCount: groupCount)
  }

  func finish(groupCount: Int) throws -> ColumnVector { try inner.finish(groupCount: groupCount) }

  func partialState(groupCount: Int) throws -> [ColumnVector] { try inner.partialState(groupCount: groupCount) }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    try inner.updatePartial(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}

/// Turns its first `count` arguments into real.
final class RealArgumentsAccumulator: GroupedAccumulator {
  private let inner: any GroupedAccumulator
  private let count: Int

  init(_ inner: any GroupedAccumulator, count: Int) {
    self.inner = inner
    self.count = count
  }

  var byteSize: Int { inner.byteSize }
  var growsWithRows: Bool { inner.growsWithRows }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    let converted = arguments.enumerated().map { $0 < count ? $1.convertedToReal : $1 }
    try inner.update(converted, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? RealArgumentsAccumulator else { throw mismatchedMerge(other) }
    try inner.merge(other.inner, mapping: mapping, groupCount: groupCount)
  }

  func finish(groupCount: Int) throws -> ColumnVector { try inner.finish(groupCount: groupCount) }

  func partialState(groupCount: Int) throws -> [ColumnVector] { try inner.partialState(groupCount: groupCount) }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    try inner.updatePartial(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}

extension ColumnVector {
  /// The values of a numeric, datetime or timespan column (the latter two in ticks) as real; nulls stay.
  var convertedToReal: ColumnVector {
    let storage: VectorStorage
    switch self.storage {
    case .real: return self
    case .int(let b): storage = .real(Self.reals(b) { Double($0) })
    case .long(let b): storage = .real(Self.reals(b) { Double($0) })
    case .decimal64(let b, let scale):
      if scale >= 0, scale <= 22 {
        let divisor = powersOfTenReal[scale]
        storage = .real(Self.reals(b) { $0.magnitude < 1 << 53 ? Double($0) / divisor : DecimalValue(Int128($0), scale: scale).doubleValue })
      } else {
        storage = .real(Self.reals(b) { DecimalValue(Int128($0), scale: scale).doubleValue })
      }
    case .decimal128(let b, let scales):
      let out = BufferBuilder<Double>(capacity: count)
      for i in 0..<count { out.append(DecimalValue(b[i], scale: Int(scales[i])).doubleValue) }
      storage = .real(out.finish())
    case .dictionary(let codes, let values): storage = .dictionary(codes: codes, values: values.convertedToReal)
    case .constant(let value): storage = .constant(value: value.convertedToReal)
    case .bool, .guid, .bytes: return .nulls(.real, count: count)
    }
    return ColumnVector(type: .real, count: count, validity: validity, storage: storage)
  }

  // SAFETY: `to` has buffer.count slots of `out`, which grows no more; the buffer lives through the call.
  @inline(__always) private static func reals<T>(_ buffer: Buffer<T>, _ convert: (T) -> Double) -> Buffer<Double> {
    let out = BufferBuilder<Double>(capacity: buffer.count)
    let to = unsafe out.appendUninitialized(buffer.count), from = unsafe buffer.pointer
    for i in 0..<buffer.count { unsafe to[i] = unsafe convert(from[i]) }
    return out.finish()
  }
}

/// Widens an int weight, its second argument, to long.
final class LongWeightsAccumulator: GroupedAccumulator {
  private let inner: any GroupedAccumulator

  init(_ inner: any GroupedAccumulator) { self.inner = inner }

  var byteSize: Int { inner.byteSize }
  var growsWithRows: Bool { inner.growsWithRows }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    var widened = arguments
    if case .int(let b) = arguments[1].flattened.storage {
      let out = BufferBuilder<Int64>(capacity: rowCount)
      for i in 0..<rowCount { out.append(Int64(b[i])) }
      widened[1] = .long(out.finish(), validity: arguments[1].validity)
    }
    try inner.update(widened, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? LongWeightsAccumulator else { throw mismatchedMerge(other) }
    try inner.merge(other.inner, mapping: mapping, groupCount: groupCount)
  }

  func finish(groupCount: Int) throws -> ColumnVector { try inner.finish(groupCount: groupCount) }

  func partialState(groupCount: Int) throws -> [ColumnVector] { try inner.partialState(groupCount: groupCount) }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    try inner.updatePartial(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}
