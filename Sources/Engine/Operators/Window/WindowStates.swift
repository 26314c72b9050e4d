// Role: the window functions, each with the state that goes from batch to batch.

import Columnar
import Expressions

/// prev: the last values are kept; next: the values ahead are given.
final class ShiftState: WindowState {
  private let offset: Int
  private let otherwise: Scalar
  private var tail: ColumnVector?

  init(offset: Int, otherwise: Scalar) {
    self.offset = offset
    self.otherwise = otherwise
  }

  func next(_ values: [ColumnVector], rowCount: Int) -> ColumnVector {
    let value = values[0]
    if offset == 0 { return value }
    let known = tail?.count ?? 0
    let all = ColumnVector.concat([tail, value].compactMap(\.self), type: value.type)
    let out = shifted(all, count: rowCount) { i in
      let at = i + known - self.offset
      return at >= 0 ? at : nil
    }
    tail = all.slice(max(0, all.count - offset)..<all.count)
    return out
  }

  /// The value `distance` rows ahead of each row of `value`, whose followers are `later`.
  func ahead(_ value: ColumnVector, _ later: [ColumnVector], by distance: Int) -> ColumnVector {
    let all = ColumnVector.concat([value] + later, type: value.type)
    return shifted(all, count: value.count) { i in i + distance < all.count ? i + distance : nil }
  }

  /// Row i is row `position(i)` of `all`, the default where there is none.
  private func shifted(_ all: ColumnVector, count: Int, _ position: (Int) -> Int?) -> ColumnVector {
    let fallback = ColumnVector.constant(otherwise, count: 1)
    let positions = BufferBuilder<Int32>(capacity: count)
    for i in 0..<count { positions.appendUnchecked(Int32(truncatingIfNeeded: position(i).map { $0 + 1 } ?? 0)) }
    return ColumnVector.concat([fallback, all], type: all.type).take(positions.finish())
  }
}

/// The rows that restart a function; none without a condition.
private func restarts(_ values: [ColumnVector], at position: Int) -> Bitmap? { position < values.count ? values[position].trueBits : nil }

final class RowNumberState: WindowState {
  private let start: Int64
  private var following: Int64

  init(start: Int64) {
    self.start = start
    following = start
  }

  func next(_ values: [ColumnVector], rowCount: Int) -> ColumnVector {
    let restart = restarts(values, at: 0)
    let out = BufferBuilder<Int64>(capacity: rowCount)
    for i in 0..<rowCount {
      if restart?[i] ?? false { following = start }
      out.appendUnchecked(following)
      following &+= 1
    }
    return .long(out.finish())
  }
}

final class CumulativeSumState: WindowState {
  private let type: DataType
  private var sum: Int64 = 0
  private var realSum = 0.0
  private var decimalSum = DecimalValue(0)

  init(_ type: DataType) { self.type = type }

  func next(_ values: [ColumnVector], rowCount: Int) -> ColumnVector {
    let value = values[0].flattened
    let restart = restarts(values, at: 1)
    switch value.storage {
    case .long(let longs):
      return .long(sums(rowCount, value, restart, &sum, 0) { $0 &+ longs[$1] }, type: type)
    case .int(let ints):
      let wide = sums(rowCount, value, restart, &sum, 0) { $0 &+ Int64(ints[$1]) }
      let out = BufferBuilder<Int32>(capacity: rowCount)
      for i in 0..<rowCount { out.appendUnchecked(Int32(truncatingIfNeeded: wide[i])) }
      return .int(out.finish())
    case .real(let reals): return .real(sums(rowCount, value, restart, &realSum, 0) { $0 + reals[$1] })
    default:
      var out: [Scalar] = []
      for i in 0..<rowCount {
        if restart?[i] ?? false { decimalSum = DecimalValue(0) }
        if case .decimal(let v) = value.scalar(i) { decimalSum = decimalSum.adding(v) ?? decimalSum }
        out.append(.decimal(decimalSum))
      }
      return .of(.decimal, out)
    }
  }

  @inline(__always) private func sums<T: BitwiseCopyable & Sendable>(
    _ count: Int, _ value: ColumnVector, _ restart: Bitmap?, _ sum: inout T, _ zero: T, _ add: (T, Int) -> T
  ) -> Buffer<T> {
    let out = BufferBuilder<T>(capacity: count)
    for i in 0..<count {
      if restart?[i] ?? false { sum = zero }
      if value.isValid(i) { sum = add(sum, i) }
      out.appendUnchecked(sum)
    }
    return out.finish()
  }
}

final class RankState: WindowState {
  private let isDense: Bool
  private var last: ColumnVector?
  private var row: Int64 = 0
  private var rank: Int64 = 0
  private static let direction = SortDirection(isDescending: false, nullsFirst: true)

  init(isDense: Bool) { self.isDense = isDense }

  func next(_ values: [ColumnVector], rowCount: Int) -> ColumnVector {
    let all = ColumnVector.concat([last, values[0]].compactMap(\.self), type: values[0].type).flattened
    let known = all.count - rowCount
    let restart = restarts(values, at: 1)
    let out = BufferBuilder<Int64>(capacity: rowCount)
    for i in 0..<rowCount {
      let at = i + known
      if restart?[i] ?? false {
        (row, rank) = (1, 1)
      } else {
        row &+= 1
        let isSame = at > 0 && KeyComparator.compare(all, at - 1, all, at, Self.direction) == 0
        if !isSame { rank = isDense ? rank &+ 1 : row }
      }
      out.appendUnchecked(rank)
    }
    if rowCount > 0 { last = all.slice(all.count - 1..<all.count) }
    return .long(out.finish())
  }
}

final class SessionState: WindowState {
  private let maxFromFirst: Int64
  private let maxBetween: Int64
  private var start: Int64?
  private var previous: Int64 = 0

  init(maxFromFirst: Int64, maxBetween: Int64) {
    self.maxFromFirst = maxFromFirst
    self.maxBetween = maxBetween
  }

  func next(_ values: [ColumnVector], rowCount: Int) -> ColumnVector {
    let value = values[0].flattened
    let restart = restarts(values, at: 1)
    let out = BufferBuilder<Int64>(capacity: rowCount)
    let validity = BitmapBuilder(capacity: rowCount)
    guard case .long(let ticks) = value.storage else { return .nulls(value.type, count: rowCount) }
    for i in 0..<rowCount {
      if value.isValid(i) {
        let now = ticks[i]
        if let first = start, now &- first < maxFromFirst, now &- previous < maxBetween, !(restart?[i] ?? false) {} else { start = now }
        previous = now
      } else {
        start = nil
      }
      out.appendUnchecked(start ?? 0)
      validity.append(start != nil)
    }
    return .long(out.finish(), validity: validity.finishValidity(), type: value.type)
  }
}
