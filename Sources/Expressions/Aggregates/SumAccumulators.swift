// Role: sum() and avg(). Integers, timespans, datetimes and decimals add up exactly in 128 bits; reals add in row order.
// Kusto: nulls are ignored; sum of nothing is 0; avg of nothing is NaN for real and null otherwise; sum(int) is long and wraps like long.

import Columnar

/// What an accumulator of sums gives in the end.
enum SumResult { case sum, average }

/// Exact sums of int, long, timespan, datetime (averages only) and decimal.
final class ExactSumAccumulator: GroupedAccumulator {
  private let result: SumResult
  /// The type of the argument.
  private let type: DataType
  private let sums = BufferBuilder<Int128>()
  private let counts = BufferBuilder<Int64>()
  /// The scale of all sums; 0 unless the argument is decimal.
  private var scale = 0

  init(_ result: SumResult, of type: DataType) {
    self.result = result
    self.type = type
  }

  var byteSize: Int { sums.capacity * 16 + counts.capacity * 8 }

  private func grow(_ groupCount: Int) {
    sums.grow(to: groupCount, filling: 0)
    if result == .average { counts.grow(to: groupCount, filling: 0) }
  }

  // SAFETY: the buffer of a flat vector has a value for each row, and `vector` is kept alive to the end.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    grow(groupCount)
    guard groupCount > 0 else { return }
    let vector = arguments[0].flattened
    defer { withExtendedLifetime(vector) {} }
    switch vector.storage {
    case .int(let b): unsafe add(b.pointer, vector, groups)
    case .long(let b): unsafe add(b.pointer, vector, groups)
    case .decimal64(let b, let batchScale):
      if batchScale == scale || alignScale(batchScale) { return unsafe add(b.pointer, vector, groups) }
      try addWide(vector.widenedDecimal, groups)
    case .decimal128: try addWide(vector, groups)
    default: throw ExpressionError.argumentTypes(function: "sum", found: [vector.type], expected: "a number")
    }
  }

  // SAFETY: groups are below groupCount, to which sums, and counts for averages, were grown; rows are below n, the number of values. Nothing grows
  // during the loops.
  @inline(__always) private func add<T: FixedWidthInteger & BitwiseCopyable>(_ p: UnsafePointer<T>, _ vector: ColumnVector, _ groups: Buffer<Int32>?) {
    let state = unsafe sums.pointer
    let n = vector.count
    if groups == nil {
      var total: Int128 = 0
      if T.self == Int32.self, vector.validity == nil, n <= 1 << 31 {
        var narrow: Int64 = 0
        for i in 0..<n { unsafe narrow &+= Int64(p[i]) }
        total = Int128(narrow)
      } else {
        forEachRow(n, vector.validity, nil) { i, _ in unsafe total &+= Int128(p[i]) }
      }
      unsafe state[0] &+= total
      if result == .average { unsafe counts.pointer[0] &+= Int64(n - vector.nullCount) }
    } else if result == .average {
      let seen = unsafe counts.pointer
      forEachRow(n, vector.validity, groups) { i, g in
        unsafe state[g] &+= Int128(p[i])
        unsafe seen[g] &+= 1
      }
    } else {
      forEachRow(n, vector.validity, groups) { i, g in unsafe state[g] &+= Int128(p[i]) }
    }
  }

  /// Brings the sums to a larger scale; true when afterwards `other` is the scale of the sums.
  // SAFETY: g is below the number of sums.
  private func alignScale(_ other: Int) -> Bool {
    guard other > scale, other - scale <= 38 else { return false }
    let factor = powerOfTen(other - scale)
    for g in 0..<sums.count where unsafe sums.pointer[g].multipliedReportingOverflow(by: factor).overflow { return false }
    for g in 0..<sums.count { unsafe sums.pointer[g] *= factor }
    scale = other
    return true
  }

  private func overflow() -> ExpressionError { .invalidArgument(function: "sum", message: "a sum of decimals does not fit 38 digits") }

  /// Decimals with scales of their own.
  private func addWide(_ vector: ColumnVector, _ groups: Buffer<Int32>?) throws {
    guard case .decimal128(let values, let scales) = vector.storage else { return }
    for i in 0..<vector.count where vector.isValid(i) {
      try add(DecimalValue(values[i], scale: Int(scales[i])), to: groups.map { Int($0[i]) } ?? 0)
    }
  }

  // SAFETY: callers grew sums, and counts for averages, beyond `group`.
  private func add(_ value: DecimalValue, to group: Int) throws {
    var value = value
    if Int(value.scale) > scale, !alignScale(Int(value.scale)) {
      value = value.normalized
      if Int(value.scale) > scale, !alignScale(Int(value.scale)) { throw overflow() }
    }
    guard let coefficient = value.rescaled(to: scale) else { throw overflow() }
    let (sum, overflowed) = unsafe sums.pointer[group].addingReportingOverflow(coefficient)
    if overflowed { throw overflow() }
    unsafe sums.pointer[group] = sum
    if result == .average { unsafe counts.pointer[group] &+= 1 }
  }

  // SAFETY: sums and counts have the same number of elements where averages are taken, and g is below it.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? ExactSumAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.sums.count) {
      let count = unsafe result == .average ? other.counts.pointer[g] : 0
      try unsafe add(other.sums.pointer[g], scale: other.scale, count: count, to: Int(mapping[g]))
    }
  }

  // SAFETY: as in the function above.
  private func add(_ sum: Int128, scale otherScale: Int, count: Int64, to group: Int) throws {
    if otherScale == scale {
      let (total, overflowed) = unsafe sums.pointer[group].addingReportingOverflow(sum)
      if overflowed, type == .decimal { throw overflow() }
      unsafe sums.pointer[group] = total
    } else if sum != 0 {
      try add(DecimalValue(sum, scale: otherScale), to: group)
      if result == .average { unsafe counts.pointer[group] &-= 1 }
    }
    if result == .average { unsafe counts.pointer[group] &+= count }
  }

  // SAFETY: `grow` made sums, and counts for averages, for all groups; they do not grow here.
  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    let state = unsafe sums.pointer
    if result == .sum {
      if type == .decimal {
        return .decimal(sums.copy(groupCount), scales: Buffer(repeating: Int16(clamping: scale), count: groupCount))
      }
      let out = BufferBuilder<Int64>(capacity: groupCount)
      for g in 0..<groupCount { unsafe out.append(Int64(truncatingIfNeeded: state[g])) }
      return .long(out.finish(), type: type == .timespan ? .timespan : .long)
    }
    let n = unsafe counts.pointer
    switch type {
    case .decimal:
      let values = BufferBuilder<Int128>(capacity: groupCount), scales = BufferBuilder<Int16>(capacity: groupCount)
      for g in 0..<groupCount {
        let mean = unsafe n[g] == 0 ? DecimalValue(0) : divide(DecimalValue(state[g], scale: scale), by: n[g])
        values.append(mean.coefficient)
        scales.append(mean.scale)
      }
      return unsafe .decimal(values.finish(), scales: scales.finish(), validity: validityBitmap(nonZero: n, groupCount))
    case .timespan, .datetime:
      let out = BufferBuilder<Int64>(capacity: groupCount)
      for g in 0..<groupCount { unsafe out.append(n[g] == 0 ? 0 : Int64(truncatingIfNeeded: state[g] / Int128(n[g]))) }
      return unsafe .long(out.finish(), validity: validityBitmap(nonZero: n, groupCount), type: type)
    default:
      let out = BufferBuilder<Double>(capacity: groupCount)
      for g in 0..<groupCount { unsafe out.append(n[g] == 0 ? .nan : Double(state[g]) / Double(n[g])) }
      return .real(out.finish())
    }
  }

  // SAFETY: `grow` made sums for all groups.
  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    let columns = unsafe splitWide(sums.pointer, groupCount) + [.int(Buffer(repeating: Int32(scale), count: groupCount))]
    return result == .average ? columns + [.long(counts.copy(groupCount))] : columns
  }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    grow(groupCount)
    let high = state[0].longValues, low = state[1].longValues
    let counts = result == .average ? state[3].longValues : nil
    guard case .int(let scales) = state[2].flattened.storage else { return }
    for i in 0..<rowCount {
      try add(joinWide(high[i], low[i]), scale: Int(scales[i]), count: counts?[i] ?? 0, to: Int(groups[i]))
    }
  }
}

/// value / n to at most 34 digits, rounded half away from zero.
func divide(_ value: DecimalValue, by n: Int64) -> DecimalValue {
  let divisor = Int128(n)
  var (quotient, remainder) = value.coefficient.quotientAndRemainder(dividingBy: divisor)
  var scale = Int(value.scale)
  while remainder != 0, decimalDigits(quotient.magnitude) < 34, scale < 34 {
    let (digit, rest) = (remainder * 10).quotientAndRemainder(dividingBy: divisor)
    quotient = quotient * 10 + digit
    remainder = rest
    scale += 1
  }
  if remainder.magnitude * 2 >= divisor.magnitude { quotient += remainder < 0 ? -1 : 1 }
  return DecimalValue(quotient, scale: scale)
}

/// Sums and averages of real, added in row order within a thread.
final class RealSumAccumulator: GroupedAccumulator {
  private let result: SumResult
  private let sums = BufferBuilder<Double>()
  private let counts = BufferBuilder<Int64>()

  init(_ result: SumResult) { self.result = result }

  var byteSize: Int { sums.capacity * 8 + counts.capacity * 8 }

  private func grow(_ groupCount: Int) {
    sums.grow(to: groupCount, filling: 0)
    if result == .average { counts.grow(to: groupCount, filling: 0) }
  }

  // SAFETY: `values` has a value for each row and is kept alive to the end; groups are below groupCount, to which sums, and counts for averages,
  // were grown.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    guard groupCount > 0 else { return }
    let values = arguments[0].realValues
    let validity = arguments[0].validity
    let p = unsafe values.pointer
    let state = unsafe sums.pointer
    defer { withExtendedLifetime(values) {} }
    if groups == nil {
      var total = 0.0
      forEachRow(rowCount, validity, nil) { i, _ in unsafe total += p[i] }
      unsafe state[0] += total
      if result == .average { unsafe counts.pointer[0] &+= Int64(rowCount - arguments[0].nullCount) }
    } else if result == .average {
      let seen = unsafe counts.pointer
      forEachRow(rowCount, validity, groups) { i, g in
        unsafe state[g] += p[i]
        unsafe seen[g] &+= 1
      }
    } else {
      forEachRow(rowCount, validity, groups) { i, g in unsafe state[g] += p[i] }
    }
  }

  // SAFETY: mapped groups are below groupCount, to which sums and counts were grown; g is below the other's count.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? RealSumAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.sums.count) {
      unsafe sums.pointer[Int(mapping[g])] += other.sums.pointer[g]
      if result == .average { unsafe counts.pointer[Int(mapping[g])] &+= other.counts.pointer[g] }
    }
  }

  // SAFETY: `grow` made sums and counts for all groups.
  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    if result == .sum { return .real(sums.copy(groupCount)) }
    let out = BufferBuilder<Double>(capacity: groupCount)
    for g in 0..<groupCount { unsafe out.append(sums.pointer[g] / Double(counts.pointer[g])) }  // 0 / 0 is NaN, as Kusto gives it
    return .real(out.finish())
  }

  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    let sum = ColumnVector.real(sums.copy(groupCount))
    return result == .average ? [sum, .long(counts.copy(groupCount))] : [sum]
  }

  // SAFETY: groups are below groupCount, to which sums and counts were grown.
  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    grow(groupCount)
    let values = state[0].realValues
    let n = result == .average ? state[1].longValues : nil
    for i in 0..<rowCount {
      unsafe sums.pointer[Int(groups[i])] += values[i]
      if let n { unsafe counts.pointer[Int(groups[i])] &+= n[i] }
    }
  }
}
