// Role: dcount() (HyperLogLog, exact for small groups), hll(), hll_merge() and count_distinct() (exact). Nulls are ignored.

import Columnar

/// One HyperLogLog per group: dcount gives its estimate, hll the sketch itself.
final class HyperLogLogAccumulator: GroupedAccumulator {
  private let precision: Int
  private let givesSketch: Bool
  /// The argument is sketches to merge, not values.
  private let takesSketches: Bool
  private var sketches: [HyperLogLog] = []

  init(precision: Int, givesSketch: Bool, takesSketches: Bool) {
    self.precision = precision
    self.givesSketch = givesSketch
    self.takesSketches = takesSketches
  }

  var byteSize: Int { sketches.reduce(sketches.capacity * MemoryLayout<HyperLogLog>.stride) { $0 + $1.byteSize } }

  private func grow(_ groupCount: Int) {
    if sketches.count < groupCount {
      sketches.append(contentsOf: repeatElement(HyperLogLog(precision: precision), count: groupCount - sketches.count))
    }
  }

  // SAFETY: groups are below groupCount, for which `grow` made sketches, and rows below rowCount, for which there are hashes; codes are below
  // values.count, the number of flags. Buffers and flags are kept alive behind the loops.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    grow(groupCount)
    guard groupCount > 0 else { return }
    if takesSketches { return try mergeValues(arguments[0], groups) }
    let vector = arguments[0]
    if groups == nil, case .dictionary(let codes, let values) = vector.storage {
      // Each dictionary value that occurs counts once.
      let used = BufferBuilder<UInt8>()
      used.grow(to: values.count, filling: 0)
      let flags = unsafe used.pointer, c = unsafe codes.pointer
      forEachRow(rowCount, vector.validity, nil) { i, _ in unsafe flags[Int(c[i])] = 1 }
      unsafe sketches[0].add(hashRows([values], rowCount: values.count), validity: validityBitmap(flags, values.count))
      withExtendedLifetime((used, codes)) {}
      return
    }
    let hashes = hashRows([vector], rowCount: rowCount)
    if groups == nil { return sketches[0].add(hashes, validity: vector.validity) }
    let h = unsafe hashes.pointer
    unsafe sketches.withUnsafeMutableBufferPointer { sketches in
      guard let s = sketches.baseAddress else { return }
      forEachRow(rowCount, vector.validity, groups) { i, g in unsafe s[g].add(h[i]) }
    }
    withExtendedLifetime(hashes) {}
  }

  private func mergeValues(_ vector: ColumnVector, _ groups: Buffer<Int32>?) throws {
    let rows = DynamicRows(vector)
    for i in 0..<vector.count where vector.isValid(i) {
      let view = rows[i]
      if view.tag == .null { continue }
      guard let sketch = StoredHyperLogLog(view) else { throw noSketch(i) }
      let g = groups.map { Int($0[i]) } ?? 0
      if sketch.precision != sketches[g].precision {
        if sketches[g].estimate == 0 { sketches[g] = HyperLogLog(precision: sketch.precision) } else {
          throw ExpressionError.invalidArgument(function: "hll_merge", message: "sketches of different accuracy cannot be merged")
        }
      }
      guard sketches[g].merge(sketch) else { throw noSketch(i) }
    }
  }

  private func merge(_ sketch: HyperLogLog, into group: Int) throws {
    if sketch.precision != sketches[group].precision {
      if sketch.estimate == 0 { return }
      guard sketches[group].estimate == 0 else {
        throw ExpressionError.invalidArgument(function: "hll_merge", message: "sketches of different accuracy cannot be merged")
      }
      sketches[group] = HyperLogLog(precision: sketch.precision)
    }
    sketches[group].merge(sketch)
  }

  private func noSketch(_ row: Int) -> ExpressionError {
    .invalidArgument(function: "hll_merge", message: "found a value that hll() did not make, at row \(row)")
  }

  /// The sketches as dynamic values.
  private func stored(_ groupCount: Int) -> ColumnVector {
    let out = StringBuilder(rows: groupCount)
    for sketch in sketches[0..<groupCount] {
      sketch.append(to: out.data)
      out.endRow()
    }
    return out.finish(.dynamic)
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? HyperLogLogAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.sketches.count) {
      let target = Int(mapping[g])
      try merge(other.sketches[g], into: target)
    }
  }

  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    if givesSketch { return stored(groupCount) }
    return .long(Buffer(sketches[0..<groupCount].map(\.estimate)))
  }

  func partialState(groupCount: Int) -> [ColumnVector] {
    grow(groupCount)
    return [stored(groupCount)]
  }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    grow(groupCount)
    try mergeValues(state[0], groups)
  }
}

/// Exact distinct counts, by a table over (group, value); over values alone while there are no groups. Spilled as an array for each group.
final class CountDistinctAccumulator: GroupedAccumulator {
  private let type: DataType
  /// Values of group 0, as long as no groups were given.
  private var single: GroupTable?
  private let table: GroupTable

  init(type: DataType) {
    self.type = type
    single = GroupTable(types: [type])
    table = GroupTable(types: [.int, type])
  }

  var byteSize: Int { table.byteSize + (single?.byteSize ?? 0) }
  var growsWithRows: Bool { true }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    if groups == nil, let single {
      let values = arguments[0].validity.map { arguments[0].take($0.indices()) } ?? arguments[0]
      _ = single.assign(keys: [values], rowCount: values.count)
    } else {
      leaveSingle()
      insert(arguments[0], groups: groups.map { ColumnVector.int($0) } ?? .constant(.int(0), count: rowCount))
    }
  }

  private func insert(_ values: ColumnVector, groups: ColumnVector) {
    if let validity = values.validity {
      let positions = validity.indices()
      _ = table.assign(keys: [groups.take(positions), values.take(positions)], rowCount: positions.count)
    } else {
      _ = table.assign(keys: [groups, values], rowCount: values.count)
    }
  }

  private func leaveSingle() {
    guard let known = single else { return }
    single = nil
    Self.forEachPiece(known) { keys in insert(keys[0], groups: .constant(.int(0), count: keys[0].count)) }
  }

  /// Hands out the keys in pieces, so that no text vector grows beyond its limit.
  private static func forEachPiece(_ table: GroupTable, _ body: ([ColumnVector]) -> Void) {
    for start in stride(from: 0, to: table.groupCount, by: RecordBatch.maxRows) {
      body(table.keyColumns(start..<min(start + RecordBatch.maxRows, table.groupCount)))
    }
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? CountDistinctAccumulator else { throw mismatchedMerge(other) }
    if let single, let theirs = other.single, groupCount == 1 {
      Self.forEachPiece(theirs) { keys in _ = single.assign(keys: keys, rowCount: keys[0].count) }
      return
    }
    leaveSingle()
    if let theirs = other.single, mapping.count > 0 {
      Self.forEachPiece(theirs) { keys in insert(keys[0], groups: .constant(.int(mapping[0]), count: keys[0].count)) }
    }
    Self.forEachPiece(other.table) { keys in
      guard case .int(let groups) = keys[0].storage else { return }
      let mapped = BufferBuilder<Int32>(capacity: groups.count)
      for i in 0..<groups.count { mapped.append(mapping[Int(groups[i])]) }
      insert(keys[1], groups: .int(mapped.finish()))
    }
  }

  // SAFETY: `counts` has at least groupCount elements; stored group numbers are below it.
  func finish(groupCount: Int) -> ColumnVector {
    let counts = BufferBuilder<Int64>()
    counts.grow(to: groupCount, filling: 0)
    if let single, groupCount > 0 { unsafe counts.pointer[0] = Int64(single.groupCount) }
    Self.forEachPiece(table) { keys in
      guard case .int(let groups) = keys[0].storage else { return }
      for i in 0..<groups.count { unsafe counts.pointer[Int(groups[i])] += 1 }
    }
    return .long(counts.finish())
  }

  // SAFETY: the table has one group number for each value, kept alive to the end.
  func partialState(groupCount: Int) -> [ColumnVector] {
    leaveSingle()
    let keys = table.keyColumns()
    guard case .int(let ids) = keys[0].storage else { return [.nulls(.dynamic, count: groupCount)] }
    defer { withExtendedLifetime(ids) {} }
    return unsafe [dynamicArrays(keys[1], groups: ids.pointer, groupCount: groupCount, limit: .max)]
  }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    leaveSingle()
    let (values, owners) = arrayElements(state[0], groups, type: type)
    insert(values, groups: .int(owners))
  }
}
