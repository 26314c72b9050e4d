// Role: percentile(), percentilew(), percentiles_array() and tdigest() over groups. Nulls are ignored; a group without values is null.

import Columnar

/// What is made of each group's distribution.
enum PercentileResult: Sendable {
  case one(Double)
  case array([Double])
  case digest
}

/// One distribution per group. The first argument is values (or digests to merge), the second, if any, weights.
final class PercentileAccumulator: GroupedAccumulator {
  private let result: PercentileResult
  /// The type of values after widening: long, real, datetime or timespan.
  private let type: DataType
  private let takesDigests: Bool
  private var states: [PercentileState] = []

  init(_ result: PercentileResult, type: DataType, takesDigests: Bool = false) {
    self.result = result
    self.type = type
    self.takesDigests = takesDigests
  }

  var byteSize: Int { states.reduce(states.capacity * MemoryLayout<PercentileState>.stride) { $0 + $1.byteSize } }
  var growsWithRows: Bool { true }

  private func grow(_ groupCount: Int) {
    if states.count < groupCount {
      states.append(contentsOf: repeatElement(PercentileState(type: type), count: groupCount - states.count))
    }
  }

  // SAFETY: `keys` has `count` elements and is kept alive until they are added; groups are below groupCount, for which `grow` made states, and
  // nothing else touches the states meanwhile.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    grow(groupCount)
    guard groupCount > 0 else { return }
    if takesDigests { return try mergeValues(arguments[0], groups) }
    if arguments.count > 1 {
      let weights = arguments[1].longValues
      let valid = Bitmap.intersection(arguments[0].validity, arguments[1].validity)
      OrderKey.forEach(arguments[0].withValidity(valid), groups) { i, g, key in states[g].add(key, weight: weights[i]) }
    } else if groups == nil {
      let keys = BufferBuilder<UInt64>(capacity: rowCount)
      OrderKey.forEach(arguments[0], nil) { _, _, key in keys.appendUnchecked(key) }
      unsafe states[0].add(UnsafeBufferPointer(start: keys.pointer, count: keys.count))
      withExtendedLifetime(keys) {}
    } else {
      unsafe states.withUnsafeMutableBufferPointer { states in
        guard let s = states.baseAddress else { return }
        OrderKey.forEach(arguments[0], groups) { _, g, key in unsafe s[g].add(key) }
      }
    }
  }

  private func mergeValues(_ vector: ColumnVector, _ groups: Buffer<Int32>?) throws {
    for i in 0..<vector.count where vector.isValid(i) {
      guard case .dynamic(let value) = vector.scalar(i), value != .null else { continue }
      guard let state = PercentileState(value) else {
        throw ExpressionError.invalidArgument(function: "tdigest_merge", message: "found a value that tdigest() did not make, at row \(i)")
      }
      try add(state, to: groups.map { Int($0[i]) } ?? 0)
    }
  }

  private func add(_ state: PercentileState, to group: Int) throws {
    if states[group].isEmpty { states[group] = state } else { try states[group].merge(state) }
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? PercentileAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.states.count) {
      // Moved, so that no group stands in both.
      var state = PercentileState(type: type)
      swap(&state, &other.states[g])
      try add(state, to: Int(mapping[g]))
    }
  }

  // SAFETY: both builders have one element for each group, and live to the end of the function.
  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    for g in 0..<groupCount { states[g].settle() }
    switch result {
    case .one(let p):
      let keys = BufferBuilder<UInt64>(capacity: groupCount)
      let seen = BufferBuilder<UInt8>(capacity: groupCount)
      for g in 0..<groupCount {
        let key = states[g].percentile(p)
        keys.append(key ?? OrderKey.of(Int64(0)))
        seen.append(key == nil ? 0 : 1)
      }
      return unsafe OrderKey.column(keys.pointer, groupCount, validity: validityBitmap(seen.pointer, groupCount), type: type)
    case .array(let list):
      return dynamics(groupCount) { g in .array(list.map { states[g].percentile($0).map(states[g].value) ?? .null }) }
    case .digest: return dynamics(groupCount) { g in states[g].dynamic() }
    }
  }

  /// A value for each group; null for those without values.
  private func dynamics(_ groupCount: Int, _ value: (Int) -> DynamicValue) -> ColumnVector {
    let out = ColumnBuilder(.dynamic, capacity: groupCount)
    for g in 0..<groupCount {
      if states[g].isEmpty { out.appendNull() } else { out.append(.dynamic(value(g))) }
    }
    return out.finish()
  }

  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    let out = StringBuilder(rows: groupCount)
    for g in 0..<groupCount {
      states[g].appendState(to: out.data)
      out.endRow()
    }
    return [out.finish(.dynamic)]
  }

  // SAFETY: row i's bytes lie within the vector, which is kept alive to the end; states are read at once.
  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    grow(groupCount)
    let rows = DynamicRows(state[0])
    for i in 0..<rowCount {
      guard let read = PercentileState(state: rows[i]) else {
        throw ExpressionError.invalidArgument(function: "percentile", message: "a state on disk was damaged")
      }
      if !read.isEmpty { try add(read, to: Int(groups[i])) }
    }
    withExtendedLifetime(state) {}
  }
}
