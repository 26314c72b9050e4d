// Role: make_list, make_list_with_nulls, make_set and make_bag. Their state is the values themselves, spilled as an array or a bag for each group.
// Kusto: nulls are ignored (but by make_list_with_nulls); a group without values gives [] or {}; make_list and make_set flatten arrays, one
// level, as the examples of "geo_h3cell_rings()" and "geo_polygon_to_h3cells()" show.

import Columnar

private let collectBytesLimit = 1 << 31

/// make_list and make_list_with_nulls: values in row order, at most `limit` per group.
final class ListAccumulator: GroupedAccumulator {
  private let type: DataType
  private let keepsNulls: Bool
  private let limit: Int
  private var chunks: [ColumnVector] = []
  private let groupOf = BufferBuilder<Int32>()
  private let counts = BufferBuilder<Int>()

  init(type: DataType, keepsNulls: Bool, limit: Int) {
    self.type = type
    self.keepsNulls = keepsNulls
    self.limit = limit
  }

  private var chunkBytes = 0
  var byteSize: Int { chunkBytes + groupOf.capacity * 4 + counts.capacity * 8 }
  var growsWithRows: Bool { true }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) throws {
    guard type == .dynamic, !keepsNulls else { return try collect(arguments[0], rowCount, groups, groupCount) }
    let (values, ids) = explode(arguments[0], groups.map { ColumnVector.int($0) } ?? .constant(.int(0), count: rowCount))
    guard case .int(let groups) = ids.flattened.storage else { return }
    try collect(values, values.count, groups, groupCount)
  }

  // SAFETY: groups are below groupCount, to which `counts` was grown; at most rowCount rows are appended, for which both builders have room.
  private func collect(_ values: ColumnVector, _ rowCount: Int, _ groups: Buffer<Int32>?, _ groupCount: Int) throws {
    counts.grow(to: groupCount, filling: 0)
    guard groupCount > 0, rowCount > 0 else { return }
    let rows = BufferBuilder<Int32>(capacity: rowCount)
    groupOf.reserve(rowCount)
    let sizes = unsafe counts.pointer, limit = limit
    forEachRow(rowCount, keepsNulls ? nil : values.validity, groups) { i, g in
      guard unsafe sizes[g] < limit else { return }
      unsafe sizes[g] &+= 1
      rows.appendUnchecked(Int32(truncatingIfNeeded: i))
      groupOf.appendUnchecked(Int32(truncatingIfNeeded: g))
    }
    try keep(values, rows.finish())
  }

  private func keep(_ vector: ColumnVector, _ rows: Buffer<Int32>) throws {
    guard rows.count > 0 else { return }
    let taken = rows.count == vector.count ? vector : vector.take(rows)
    chunks.append(taken)
    chunkBytes += taken.byteSize
    if chunkBytes > collectBytesLimit {
      throw ExpressionError.invalidArgument(function: "make_list", message: "more than 2 GiB of values; pass a maximum size or group further")
    }
  }

  // SAFETY: groupOf has one element for each row of the chunks, in their order.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? ListAccumulator else { throw mismatchedMerge(other) }
    var start = 0
    for chunk in other.chunks {
      let mapped = BufferBuilder<Int32>(capacity: chunk.count)
      for i in start..<start + chunk.count { unsafe mapped.append(mapping[Int(other.groupOf.pointer[i])]) }
      try collect(chunk, chunk.count, mapped.finish(), groupCount)
      start += chunk.count
    }
    counts.grow(to: groupCount, filling: 0)
  }

  // SAFETY: groupOf has one element for each row of the chunks, and does not grow during the call.
  func finish(groupCount: Int) -> ColumnVector {
    unsafe dynamicArrays(ColumnVector.concat(chunks, type: type), groups: groupOf.pointer, groupCount: groupCount, limit: limit)
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) throws {
    let (values, owners) = arrayElements(state[0], groups, type: type)
    try collect(values, values.count, owners, groupCount)
  }
}

/// make_set: distinct values in order of first appearance.
final class SetAccumulator: GroupedAccumulator {
  private let type: DataType
  private let limit: Int
  private let table: GroupTable

  init(type: DataType, limit: Int) {
    self.type = type
    self.limit = limit
    table = GroupTable(types: [.int, type])
  }

  var byteSize: Int { table.byteSize }
  var growsWithRows: Bool { true }

  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    var values = arguments[0]
    var ids = groups.map { ColumnVector.int($0) } ?? .constant(.int(0), count: rowCount)
    if type == .dynamic { (values, ids) = explode(values, ids) }
    insert(values, ids)
  }

  private func insert(_ values: ColumnVector, _ ids: ColumnVector) {
    if let validity = values.validity {
      let rows = validity.indices()
      _ = table.assign(keys: [ids.take(rows), values.take(rows)], rowCount: rows.count)
    } else {
      _ = table.assign(keys: [ids, values], rowCount: values.count)
    }
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? SetAccumulator else { throw mismatchedMerge(other) }
    for start in stride(from: 0, to: other.table.groupCount, by: RecordBatch.maxRows) {
      let keys = other.table.keyColumns(start..<min(start + RecordBatch.maxRows, other.table.groupCount))
      guard case .int(let ids) = keys[0].storage else { continue }
      let mapped = BufferBuilder<Int32>(capacity: ids.count)
      for i in 0..<ids.count { mapped.append(mapping[Int(ids[i])]) }
      insert(keys[1], .int(mapped.finish()))
    }
  }

  // SAFETY: the table has one group number for each value, kept alive to the end.
  func finish(groupCount: Int) -> ColumnVector {
    let keys = table.keyColumns()
    guard case .int(let ids) = keys[0].storage else { return .nulls(.dynamic, count: groupCount) }
    defer { withExtendedLifetime(ids) {} }
    return unsafe dynamicArrays(keys[1], groups: ids.pointer, groupCount: groupCount, limit: limit)
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    let (values, owners) = arrayElements(state[0], groups, type: type)
    insert(values, .int(owners))
  }
}

/// Elements of arrays become rows; other values stay.
// SAFETY: row i's bytes lie within `data`, which `flat` keeps alive; elements are windows on them, copied at once.
private func explode(_ values: ColumnVector, _ ids: ColumnVector) -> (ColumnVector, ColumnVector) {
  let flat = values.flattened
  guard case .bytes(let offsets, let data) = flat.storage else { return (values, ids) }
  let out = StringBuilder(rows: flat.count)
  let rows = BufferBuilder<Int32>(capacity: flat.count)
  for i in 0..<flat.count where flat.isValid(i) {
    let view = unsafe DynamicView(data.pointer + Int(offsets[i]), Int(offsets[i + 1] - offsets[i]))
    if view.tag == .array {
      for k in 0..<view.childCount {
        guard let element = view.element(k), element.tag != .null else { continue }
        unsafe out.append(element.base, element.count)
        rows.append(Int32(truncatingIfNeeded: i))
      }
    } else if view.tag != .null {
      unsafe out.append(view.base, view.count)
      rows.append(Int32(truncatingIfNeeded: i))
    }
  }
  return (out.finish(.dynamic), ids.take(rows.finish()))
}

/// make_bag: the entries of all bags; of equal keys the first seen stays. Values that are no bags are skipped.
final class BagAccumulator: GroupedAccumulator {
  private struct Bag {
    var keys: Set<TextKey> = []
    var entries: [DynamicEntry] = []
  }

  /// What an entry takes beside its key and value: its slots in the list and the set.
  private static let entryBytes = 128

  private let limit: Int
  private var bags: [Bag] = []
  private var bytes = 0

  init(limit: Int) { self.limit = limit }

  var byteSize: Int { bytes + bags.capacity * MemoryLayout<Bag>.stride }
  var growsWithRows: Bool { true }

  private func grow(_ groupCount: Int) {
    if bags.count < groupCount { bags.append(contentsOf: repeatElement(Bag(), count: groupCount - bags.count)) }
  }

  // SAFETY: row i's bytes lie within the vector, which is kept alive to the end; keys are copied.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    grow(groupCount)
    let vector = arguments[0], rows = DynamicRows(arguments[0])
    for i in 0..<rowCount where vector.isValid(i) {
      let row = rows[i], g = groups.map { Int($0[i]) } ?? 0
      guard row.tag == .bag else { continue }
      for k in 0..<row.childCount where bags[g].entries.count < limit {
        guard let entry = unsafe row.entry(k) else { break }
        let key = unsafe String(decoding: entry.key, as: UTF8.self)
        guard bags[g].keys.insert(TextKey(key)).inserted else { continue }
        // A value as a tree takes some times the bytes of its binary form.
        let value = unsafe entry.value
        bags[g].entries.append(DynamicEntry(key, value.value))
        bytes += Self.entryBytes + key.utf8.count + 4 * value.count
      }
    }
    withExtendedLifetime(vector) {}
  }

  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? BagAccumulator else { throw mismatchedMerge(other) }
    grow(groupCount)
    for g in 0..<min(mapping.count, other.bags.count) {
      let target = Int(mapping[g])
      for entry in other.bags[g].entries where bags[target].entries.count < limit {
        if bags[target].keys.insert(TextKey(entry.key)).inserted { bags[target].entries.append(entry) }
      }
    }
    bytes += other.bytes
  }

  func finish(groupCount: Int) -> ColumnVector {
    grow(groupCount)
    let out = ColumnBuilder(.dynamic, capacity: groupCount)
    for g in 0..<groupCount { out.append(.dynamic(.bag(bags[g].entries))) }
    return out.finish()
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    update(state, rowCount: rowCount, groups: groups, groupCount: groupCount)
  }
}
