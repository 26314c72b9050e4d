// Role: aggregates that return the value of one chosen row per group: take_any (the first non-null), take_any_row (the first row),
// arg_max and arg_min (the row with the extreme ordering value; the first of equals; nulls only when there is nothing else).

import Columnar

/// One picked value per group, kept as positions in appended columns; replaced values are dropped now and then.
private struct PickedValues {
  let type: DataType
  private var chunks: [ColumnVector] = []
  private var stored = 0
  /// Where the group's value is in the chunks put behind each other; -1 while none is picked.
  let positions = BufferBuilder<Int32>()

  init(_ type: DataType) { self.type = type }

  var byteSize: Int { chunks.reduce(0) { $0 + $1.byteSize } + positions.capacity * 4 }

  func grow(_ groupCount: Int) { positions.grow(to: groupCount, filling: -1) }

  /// The rows of `vector` that `picks` names (group, row) become the groups' values.
  // SAFETY: groups are below the number of positions: `grow` was called for them.
  mutating func replace(_ vector: ColumnVector, groups: [Int32], rows: Buffer<Int32>) {
    guard !groups.isEmpty else { return }
    chunks.append(vector.take(rows))
    for (k, g) in groups.enumerated() { unsafe positions.pointer[Int(g)] = Int32(truncatingIfNeeded: stored + k) }
    stored += groups.count
    if stored > positions.count * 4 + RecordBatch.maxRows { compact() }
  }

  // SAFETY: g is below the number of positions.
  private mutating func compact() {
    let column = column(positions.count)
    chunks = [column]
    stored = column.count
    for g in 0..<positions.count where unsafe positions.pointer[g] >= 0 { unsafe positions.pointer[g] = Int32(truncatingIfNeeded: g) }
  }

  /// One value per group, null where none is picked.
  func column(_ groupCount: Int) -> ColumnVector {
    ColumnVector.concat(chunks, type: type).take(positions.copy(groupCount), allowsMissing: true)
  }
}

/// take_any (skips nulls, and empty texts where there are others) and take_any_row (does not).
final class TakeAnyAccumulator: GroupedAccumulator {
  private let skipsNulls: Bool
  private let skipsEmptyTexts: Bool
  private var picked: PickedValues
  /// 1 for groups whose pick is an empty text, which another text replaces.
  private let isEmpty = BufferBuilder<UInt8>()

  init(type: DataType, skipsNulls: Bool) {
    self.skipsNulls = skipsNulls
    skipsEmptyTexts = skipsNulls && type == .string
    picked = PickedValues(type)
  }

  var byteSize: Int { picked.byteSize + isEmpty.capacity }

  private func grow(_ groupCount: Int) {
    picked.grow(groupCount)
    isEmpty.grow(to: groupCount, filling: 0)
  }

  // SAFETY: both builders were grown to the count of groups, which is not 0.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    guard groupCount > 0, rowCount > 0 else { return }
    if groups == nil, unsafe picked.positions.pointer[0] >= 0 && isEmpty.pointer[0] == 0 { return }
    guard skipsEmptyTexts else { return pick(arguments[0], skipsNulls ? arguments[0].validity : nil, rowCount, groups, empty: 0) }
    let present = arguments[0].presentRows
    pick(arguments[0], present, rowCount, groups, empty: 0)
    if !present.isAllSet { pick(arguments[0], arguments[0].validity, rowCount, groups, empty: 1) }
  }

  /// Takes rows among `candidates` for groups that have none, or have an empty text while these are not empty.
  // SAFETY: groups are below the count that `grow` was called with; nothing grows during the loop.
  private func pick(_ values: ColumnVector, _ candidates: Bitmap?, _ rowCount: Int, _ groups: Buffer<Int32>?, empty: UInt8) {
    let positions = unsafe picked.positions.pointer, empties = unsafe isEmpty.pointer
    var changed: [Int32] = []
    let rows = BufferBuilder<Int32>()
    forEachRow(rowCount, candidates, groups) { i, g in
      if unsafe positions[g] < 0 || empties[g] > empty {
        unsafe positions[g] = 0
        unsafe empties[g] = empty
        changed.append(Int32(truncatingIfNeeded: g))
        rows.append(Int32(truncatingIfNeeded: i))
      }
    }
    picked.replace(values, groups: changed, rows: rows.finish())
  }

  // SAFETY: g is below the other's number of positions, mapped groups below groupCount, to which this one's were grown.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? TakeAnyAccumulator else { throw mismatchedMerge(other) }
    let n = min(mapping.count, other.picked.positions.count)
    let column = other.picked.column(n)
    grow(groupCount)
    var changed: [Int32] = []
    let rows = BufferBuilder<Int32>()
    for g in 0..<n where unsafe other.picked.positions.pointer[g] >= 0 {
      let own = Int(mapping[g])
      guard unsafe picked.positions.pointer[own] < 0 || isEmpty.pointer[own] > other.isEmpty.pointer[g] else { continue }
      unsafe isEmpty.pointer[own] = unsafe other.isEmpty.pointer[g]
      changed.append(mapping[g])
      rows.append(Int32(g))
    }
    picked.replace(column, groups: changed, rows: rows.finish())
  }

  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    return picked.column(groupCount)
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    update(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}

/// arg_max(by, value) and arg_min(by, value): arguments are the ordering column and the value column.
final class ArgExtremeAccumulator: GroupedAccumulator {
  private let isMax: Bool
  private let byType: DataType
  private var picked: PickedValues
  /// The best order key so far: for types without keys see `bestBy`.
  private let best = BufferBuilder<UInt64>()
  /// 0: no row yet, 1: only rows with a null ordering value, 2: a row with an ordering value.
  private let rank = BufferBuilder<UInt8>()
  /// The best ordering texts; for string only.
  private let bestText: TextMinMaxAccumulator
  /// The best ordering values of guid and decimal.
  private var bestBy: [Scalar] = []

  init(isMax: Bool, byType: DataType, valueType: DataType) {
    self.isMax = isMax
    self.byType = byType
    bestText = TextMinMaxAccumulator(isMax: isMax)
    picked = PickedValues(valueType)
  }

  var byteSize: Int { picked.byteSize + best.capacity * 9 + bestText.byteSize + bestBy.count * 40 }

  private func grow(_ groupCount: Int) {
    picked.grow(groupCount)
    rank.grow(to: groupCount, filling: 0)
    if OrderKey.exists(byType) { best.grow(to: groupCount, filling: 0) } else if byType == .string { bestText.grow(groupCount) } else if bestBy.count < groupCount {
      bestBy.append(contentsOf: repeatElement(.null(byType), count: groupCount - bestBy.count))
    }
  }

  // SAFETY: groups are below groupCount, to which `grow` and `winners` extended all builders, none of which grows during the loops; a text's offsets
  // lie within `data`, kept alive by `flat`. `winners` lives until its rows are taken.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    guard groupCount > 0, rowCount > 0 else { return }
    let by = arguments[0]
    // The row that wins in each group of this batch, -1 where the group keeps what it has.
    let winners = BufferBuilder<Int32>()
    winners.grow(to: groupCount, filling: -1)
    let w = unsafe winners.pointer, ranks = unsafe rank.pointer
    if let validity = by.validity {
      forEachRow(rowCount, validity.inverted, groups) { i, g in
        if unsafe ranks[g] == 0 {
          unsafe ranks[g] = 1
          unsafe w[g] = Int32(truncatingIfNeeded: i)
        }
      }
    }
    if OrderKey.exists(byType) {
      // Keys are inverted for the minimum, so that one comparison serves both.
      let keys = unsafe best.pointer, flip: UInt64 = isMax ? 0 : ~0
      OrderKey.forEach(by, groups) { i, g, raw in
        let key = raw ^ flip
        if unsafe ranks[g] < 2 || key > keys[g] {
          unsafe ranks[g] = 2
          unsafe keys[g] = key
          unsafe w[g] = Int32(truncatingIfNeeded: i)
        }
      }
    } else if byType == .string {
      let flat = by.flattened
      guard case .bytes(let offsets, let data) = flat.storage else { return }
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      forEachRow(rowCount, flat.validity, groups) { i, g in
        if unsafe bestText.offer(g, d + Int(o[i]), Int(o[i &+ 1] &- o[i])) {
          unsafe ranks[g] = 2
          unsafe w[g] = Int32(truncatingIfNeeded: i)
        }
      }
      withExtendedLifetime(flat) {}
    } else {
      for i in 0..<rowCount where by.isValid(i) {
        let g = groups.map { Int($0[i]) } ?? 0
        let value = by.scalar(i)
        if unsafe ranks[g] < 2 || (isMax ? Self.isLess(bestBy[g], value) : Self.isLess(value, bestBy[g])) {
          unsafe ranks[g] = 2
          bestBy[g] = value
          unsafe w[g] = Int32(truncatingIfNeeded: i)
        }
      }
    }
    take(arguments[1], winners)
  }

  private static func isLess(_ a: Scalar, _ b: Scalar) -> Bool {
    switch (a, b) {
    case (.guid(let x), .guid(let y)): x < y
    case (.decimal(let x), .decimal(let y)): x < y
    default: false
    }
  }

  // SAFETY: g is below the number of winners.
  private func take(_ values: ColumnVector, _ winners: BufferBuilder<Int32>) {
    var groups: [Int32] = []
    let rows = BufferBuilder<Int32>()
    for g in 0..<winners.count where unsafe winners.pointer[g] >= 0 {
      groups.append(Int32(truncatingIfNeeded: g))
      unsafe rows.append(winners.pointer[g])
    }
    picked.replace(values, groups: groups, rows: rows.finish())
  }

  /// The ordering values of the groups; null where there is none.
  // SAFETY: callers grew rank, and best for types with keys, to groupCount; keys and has get one element for each group.
  private func byColumn(_ groupCount: Int) -> ColumnVector {
    if byType == .string { return bestText.finish(groupCount: groupCount) }
    guard OrderKey.exists(byType) else { return .of(byType, Array(bestBy[0..<groupCount])) }
    let flip: UInt64 = isMax ? 0 : ~0
    let keys = BufferBuilder<UInt64>(capacity: groupCount)
    let has = BufferBuilder<UInt8>(capacity: groupCount)
    for g in 0..<groupCount {
      unsafe has.append(rank.pointer[g] == 2 ? 1 : 0)
      unsafe keys.append(rank.pointer[g] == 2 ? best.pointer[g] ^ flip : OrderKey.of(Int64(0)))
    }
    return unsafe OrderKey.column(keys.pointer, groupCount, validity: validityBitmap(has.pointer, groupCount), type: byType)
  }

  // SAFETY: g is below the other's number of ranks.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? ArgExtremeAccumulator else { throw mismatchedMerge(other) }
    let n = min(mapping.count, other.rank.count)
    // Groups that have seen no row must not bring a null row.
    let present = BufferBuilder<Int32>(), groups = BufferBuilder<Int32>()
    for g in 0..<n where unsafe other.rank.pointer[g] > 0 {
      present.append(Int32(truncatingIfNeeded: g))
      groups.append(mapping[g])
    }
    let rows = present.finish()
    let columns = [other.byColumn(n).take(rows), other.picked.column(n).take(rows)]
    update(columns, rowCount: rows.count, groups: groups.finish(), groupCount: groupCount)
  }

  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    return picked.column(groupCount)
  }

  // SAFETY: `grow` made a rank for each group.
  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    let seen = BufferBuilder<Int32>(capacity: groupCount)
    for g in 0..<groupCount { unsafe seen.append(Int32(rank.pointer[g])) }
    return [byColumn(groupCount), picked.column(groupCount), .int(seen.finish())]
  }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    guard case .int(let seen) = state[2].flattened.storage else { return }
    let rows = BufferBuilder<Int32>(), kept = BufferBuilder<Int32>()
    for i in 0..<rowCount where seen[i] > 0 {
      rows.append(Int32(truncatingIfNeeded: i))
      kept.append(groups[i])
    }
    let positions = rows.finish()
    update([state[0].take(positions), state[1].take(positions)], rowCount: positions.count, groups: kept.finish(), groupCount: groupCount)
  }
}
