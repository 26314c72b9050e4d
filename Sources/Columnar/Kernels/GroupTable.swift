// Role: maps rows of key columns to dense group ids, the heart of aggregation, distinct and joins. Three ways, chosen by the first batch
// and widened when the data asks for it; group ids and stored keys survive a change:
//   direct   dictionary, bool, constant and small-range integer keys: the slot is arithmetic on codes, nothing is hashed per row
//   fixed    one key of at most 64 bits (int, long, datetime, timespan, real, 64-bit decimal): open addressing on the value
//   hashed   everything else: open addressing on a 64-bit row hash, keys verified column by column
// Null is a group of its own; -0.0 == 0.0; NaN == NaN; decimals are equal across scales; text is equal by bytes.

/// Rows of key columns → group ids 0..<groupCount in about the order of first appearance. One thread at a time; `find` alone may run on many threads
/// while nothing is assigned.
package final class GroupTable: @unchecked Sendable {  // mutation is confined to one owner by contract; `find` reads only (coders lock their cache)
  private enum Mode { case undecided, direct, fixed, hashed }

  package let types: [DataType]
  package private(set) var groupCount = 0
  private var mode = Mode.undecided
  private let allowsDirect: Bool
  private let keys: [GroupKeyColumn]
  private var coders: [GroupKeyCoder] = []
  /// Slot → group, -1 when free; direct mode only.
  private var directTable = BufferBuilder<Int32>()
  private var slots = GroupSlots(capacity: 0)
  private var nullGroup: Int32 = -1
  private var rowsSeen = 0

  /// Slots of direct addressing at most: 4 MiB of group ids.
  private static let maxDirectSlots = 1 << 20

  /// A table for keys of these types; without keys there is one group.
  package convenience init(types: [DataType]) { self.init(types: types, allowsDirect: true) }

  init(types: [DataType], allowsDirect: Bool) {
    self.types = types
    self.allowsDirect = allowsDirect
    keys = types.map(GroupKeyColumn.init)
  }

  /// Rough bytes held.
  // SAFETY: capacities are read without overlap checks: a table belongs to one thread at a time.
  package var byteSize: Int {
    unsafe keys.reduce(0) { $0 + $1.byteSize } + coders.reduce(0) { $0 + $1.byteSize } + directTable.capacity * 4 + slots.byteSize
  }

  /// The keys of the groups, one flat column per key, row g for group g.
  package func keyColumns() -> [ColumnVector] { keyColumns(0..<groupCount) }

  /// The keys of groups `range`.
  package func keyColumns(_ range: Range<Int>) -> [ColumnVector] { keys.map { $0.vector(range) } }

  /// The group of each row; new keys get new groups.
  // SAFETY: `out` has rowCount slots of `builder`, which grows no more; key columns have rowCount rows.
  package func assign(keys columns: [ColumnVector], rowCount: Int) -> Buffer<Int32> {
    precondition(columns.count == types.count, "another number of key columns")
    if rowCount == 0 { return .empty }
    if columns.isEmpty {
      groupCount = 1
      return Buffer(repeating: 0, count: rowCount)
    }
    rowsSeen += rowCount
    if mode == .undecided { decide(columns) }
    if mode == .direct, !extendDirect(columns) { leaveDirect(columns) }
    if mode == .fixed, !isFixed(columns[0]) { becomeHashed() }
    let builder = BufferBuilder<Int32>(capacity: rowCount)
    let out = unsafe builder.appendUninitialized(rowCount)
    switch mode {
    case .direct: unsafe assignDirect(columns, rowCount, out)
    case .fixed: unsafe assignFixed(columns, rowCount, out)
    case .hashed, .undecided: unsafe assignHashed(columns, rowCount, out)
    }
    return builder.finish()
  }

  /// The group of each row, -1 where its key has none. With `nullsMatch` false (joins), rows with a null key have none.
  // SAFETY: `out` has rowCount slots of `builder`, which grows no more; key columns and their validities have rowCount rows.
  package func find(keys columns: [ColumnVector], rowCount: Int, nullsMatch: Bool = true) -> Buffer<Int32> {
    precondition(columns.count == types.count, "another number of key columns")
    let builder = BufferBuilder<Int32>(capacity: rowCount)
    let out = unsafe builder.appendUninitialized(rowCount)
    if columns.isEmpty || groupCount == 0 || rowCount == 0 {
      unsafe out.update(repeating: groupCount > 0 ? 0 : -1, count: rowCount)
      return builder.finish()
    }
    switch mode {
    case .direct: unsafe findDirect(columns, rowCount, out)
    case .fixed:
      if isFixed(columns[0]) {
        unsafe withIdentities(columns[0]) { unsafe slots.find($0, count: rowCount, out: out) }
        if let validity = columns[0].validity { for i in 0..<rowCount where !validity[i] { unsafe out[i] = nullGroup } }
      } else {
        unsafe findDecimal(columns[0], rowCount, out)
      }
    case .hashed, .undecided: unsafe findHashed(columns, rowCount, out)
    }
    if !nullsMatch {
      for column in columns {
        if let validity = column.validity { for i in 0..<rowCount where !validity[i] { unsafe out[i] = -1 } }
      }
    }
    return builder.finish()
  }

  /// The hash of each row, the same for equal keys in any form; partition by its high bits.
  package func hash(keys columns: [ColumnVector], rowCount: Int) -> Buffer<UInt64> { hashRows(columns, rowCount: rowCount) }

  // MARK: - Choosing

  private func decide(_ columns: [ColumnVector]) {
    if allowsDirect {
      let limit = directLimit
      var made: [GroupKeyCoder] = []
      for column in columns {
        guard let coder = GroupKeyCoder.make(for: column, limit: limit) else { break }
        made.append(coder)
      }
      if made.count == columns.count, Self.product(made) <= limit {
        coders = made
        mode = .direct
        layOutDirect()
        return
      }
    }
    mode = columns.count == 1 && isFixed(columns[0]) ? .fixed : .hashed
  }

  /// Few rows do not deserve a large table.
  private var directLimit: Int { min(Self.maxDirectSlots, max(1 << 16, rowsSeen * 8)) }

  private static func product(_ coders: [GroupKeyCoder]) -> Int {
    var n = 1
    for coder in coders {
      n *= coder.capacity
      if n > maxDirectSlots { return Int.max }
    }
    return n
  }

  /// True when the column's key is its own identity in 64 bits.
  private func isFixed(_ column: ColumnVector) -> Bool {
    switch column.storage {
    case .int, .long, .real: return true
    case .decimal64(_, let scale): return !keys[0].isWideDecimal && (keys[0].decimalScale ?? scale) == scale
    case .dictionary(_, let value), .constant(let value): return isFixed(value)
    case .bool, .decimal128, .guid, .bytes: return false
    }
  }

  // MARK: - Direct addressing

  // SAFETY: `table` has `size` slots, one for each combination of codes below the coders' capacities; the slots of the stored keys are such
  // combinations, since the coders were extended to every batch before its keys were stored.
  private func layOutDirect() {
    let size = Self.product(coders)
    directTable = BufferBuilder<Int32>(capacity: size)
    let table = unsafe directTable.appendUninitialized(size)
    unsafe table.update(repeating: -1, count: size)
    guard groupCount > 0 else { return }
    let stored = keyColumns()
    let at = unsafe directSlots(stored, groupCount, missing: nil)
    for g in 0..<groupCount { unsafe table[Int(at[g])] = Int32(truncatingIfNeeded: g) }
  }

  /// Brings the coders to the batch; false when direct addressing no longer fits.
  private func extendDirect(_ columns: [ColumnVector]) -> Bool {
    var changed = false
    for (coder, column) in zip(coders, columns) {
      guard let grown = coder.extend(to: column, limit: directLimit) else { return false }
      changed = changed || grown
    }
    if changed {
      guard Self.product(coders) <= directLimit else { return false }
      layOutDirect()
    }
    return true
  }

  private func leaveDirect(_ columns: [ColumnVector]) {
    coders = []
    directTable = BufferBuilder<Int32>()
    if types.count == 1, isFixed(columns[0]) { becomeFixed() } else { becomeHashed() }
  }

  // SAFETY: `at` has rowCount slots of `builder`, which grows no more; `missing`, where given, has rowCount bytes.
  private func directSlots(_ columns: [ColumnVector], _ rowCount: Int, missing: UnsafeMutablePointer<UInt8>?) -> Buffer<Int32> {
    let builder = BufferBuilder<Int32>(capacity: rowCount)
    let at = unsafe builder.appendUninitialized(rowCount)
    var stride = 1
    for (c, coder) in coders.enumerated() {
      unsafe coder.addCodes(of: columns[c], stride: stride, isFirst: c == 0, to: at, missing: missing)
      stride *= coder.capacity
    }
    return builder.finish()
  }

  // SAFETY: the coders were extended to this batch, so each slot is below the product of their capacities, the table's count; `out` and `at` have
  // rowCount elements. The table is not laid out anew during the loop.
  private func assignDirect(_ columns: [ColumnVector], _ rowCount: Int, _ out: UnsafeMutablePointer<Int32>) {
    let buffer = unsafe directSlots(columns, rowCount, missing: nil)
    let newRows = BufferBuilder<Int32>()
    var next = Int32(truncatingIfNeeded: groupCount)
    unsafe buffer.withUnsafe { at in
      let table = unsafe directTable.pointer
      for i in 0..<rowCount {
        let slot = unsafe Int(at[i])
        var group = unsafe table[slot]
        if group < 0 {
          group = next
          unsafe table[slot] = group
          next &+= 1
          newRows.append(Int32(truncatingIfNeeded: i))
        }
        unsafe out[i] = group
      }
    }
    store(columns, newRows)
  }

  // SAFETY: values without a code take code 0, so each slot is below the table's count; `missing`, `at` and `out` have rowCount elements.
  private func findDirect(_ columns: [ColumnVector], _ rowCount: Int, _ out: UnsafeMutablePointer<Int32>) {
    let flags = BufferBuilder<UInt8>(capacity: rowCount)
    let missing = unsafe flags.appendUninitialized(rowCount)
    unsafe missing.update(repeating: 0, count: rowCount)
    let at = unsafe directSlots(columns, rowCount, missing: missing)
    let table = unsafe directTable.pointer
    for i in 0..<rowCount { unsafe out[i] = unsafe missing[i] != 0 ? -1 : table[Int(at[i])] }
    withExtendedLifetime(flags) {}
  }

  /// Appends the keys of the rows that made new groups.
  // SAFETY: the counter is read without overlap checks: the builder is this thread's.
  private func store(_ columns: [ColumnVector], _ newRows: BufferBuilder<Int32>) {
    guard unsafe newRows.count > 0 else { return }
    let rows = newRows.finish()
    for (key, column) in zip(keys, columns) { key.append(column, rows: rows) }
    groupCount += rows.count
  }

  // MARK: - One key of 64 bits

  /// Calls `body` with each row's key as 64 bits; null rows have some value.
  // SAFETY: the identities are the column's own 64-bit values, or as many computed into `out`; both are kept alive until the body returns.
  @inline(__always) private func withIdentities<R>(_ column: ColumnVector, _ body: (UnsafePointer<UInt64>) -> R) -> R {
    let flat = column.flattened
    defer { withExtendedLifetime(flat) {} }
    switch flat.storage {
    case .long(let b), .decimal64(let b, _):
      return unsafe b.reinterpreted(as: UInt64.self).withUnsafe { unsafe body($0.baseAddress ?? emptyIdentities) }
    default: break
    }
    let builder = BufferBuilder<UInt64>(capacity: flat.count)
    let out = unsafe builder.appendUninitialized(flat.count)
    switch flat.storage {
    case .int(let b): for i in 0..<flat.count { unsafe out[i] = unsafe UInt64(bitPattern: Int64(b.pointer[i])) }
    case .real(let b): for i in 0..<flat.count { unsafe out[i] = unsafe canonicalBits(b.pointer[i]) }
    default: unsafe out.update(repeating: 0, count: flat.count)
    }
    defer { withExtendedLifetime(builder) {} }
    return unsafe body(UnsafePointer(out))
  }

  // SAFETY: the stored keys are groupCount rows, so identities[g] exists.
  private func becomeFixed() {
    mode = .fixed
    slots = GroupSlots(capacity: groupCount)
    nullGroup = -1
    guard groupCount > 0 else { return }
    let stored = keyColumns()[0]
    unsafe withIdentities(stored) { identities in
      for g in 0..<groupCount {
        if stored.isValid(g) { unsafe slots.insert(identities[g], group: Int32(truncatingIfNeeded: g)) } else { nullGroup = Int32(truncatingIfNeeded: g) }
      }
    }
  }

  // SAFETY: `out` and the column have rowCount rows; the counter is read without overlap checks, the builder being this thread's.
  private func assignFixed(_ columns: [ColumnVector], _ rowCount: Int, _ out: UnsafeMutablePointer<Int32>) {
    let column = columns[0]
    let newRows = BufferBuilder<Int32>()
    if let validity = column.validity {
      if nullGroup < 0, let row = (0..<rowCount).first(where: { !validity[$0] }) {
        nullGroup = Int32(truncatingIfNeeded: groupCount)
        newRows.append(Int32(truncatingIfNeeded: row))
      }
      for i in 0..<rowCount where !validity[i] { unsafe out[i] = nullGroup }
    }
    let first = unsafe Int32(truncatingIfNeeded: groupCount + newRows.count)
    _ = unsafe withIdentities(column) {
      unsafe slots.assign($0, count: rowCount, valid: column.validity, out: out, nextGroup: first, newRows: newRows)
    }
    store(columns, newRows)
  }

  /// Decimals of another scale than the table's: looked up one by one.
  // SAFETY: `out` has rowCount slots.
  private func findDecimal(_ column: ColumnVector, _ rowCount: Int, _ out: UnsafeMutablePointer<Int32>) {
    let scale = keys[0].decimalScale ?? 0
    for i in 0..<rowCount {
      unsafe out[i] = -1
      switch column.scalar(i) {
      case .null: unsafe out[i] = nullGroup
      case .decimal(let value):
        guard let rescaled = value.rescaled(to: scale), let key = Int64(exactly: rescaled) else { continue }
        unsafe out[i] = slots.find(UInt64(bitPattern: key)) { _ in true } ?? -1
      default: break
      }
    }
  }

  // MARK: - Row hashes

  private func becomeHashed() {
    mode = .hashed
    slots = GroupSlots(capacity: groupCount)
    guard groupCount > 0 else { return }
    let hashes = hashRows(keyColumns(), rowCount: groupCount)
    for g in 0..<groupCount { slots.insert(hashes[g], group: Int32(truncatingIfNeeded: g)) }
  }

  // SAFETY: `out`, hashes and columns have rowCount rows; `emptyIdentities` is never read, since it stands for none.
  private func assignHashed(_ columns: [ColumnVector], _ rowCount: Int, _ out: UnsafeMutablePointer<Int32>) {
    let hashes = hashRows(columns, rowCount: rowCount)
    let newRows = BufferBuilder<Int32>()
    _ = unsafe hashes.withUnsafe {
      unsafe slots.assign(
        $0.baseAddress ?? emptyIdentities, count: rowCount, valid: nil, out: out, nextGroup: Int32(truncatingIfNeeded: groupCount),
        newRows: newRows)
    }
    store(columns, newRows)
    // Rows of equal hash share a group so far; those whose keys differ (a true collision) find or make their own.
    for row in unsafe mismatches(columns, out) {
      unsafe out[row] = slots.find(hashes[row]) { isEqual(columns, row, $0) } ?? {
        let group = Int32(truncatingIfNeeded: groupCount)
        slots.insert(hashes[row], group: group)
        let one = BufferBuilder<Int32>()
        one.append(Int32(truncatingIfNeeded: row))
        store(columns, one)
        return group
      }()
    }
  }

  // SAFETY: as in `assignHashed`; nothing is added to the table.
  private func findHashed(_ columns: [ColumnVector], _ rowCount: Int, _ out: UnsafeMutablePointer<Int32>) {
    let hashes = hashRows(columns, rowCount: rowCount)
    unsafe hashes.withUnsafe { unsafe slots.find($0.baseAddress ?? emptyIdentities, count: rowCount, out: out) }
    for row in unsafe mismatches(columns, out) {
      unsafe out[row] = slots.find(hashes[row]) { isEqual(columns, row, $0) } ?? -1
    }
  }

  /// Rows, ascending, whose keys differ from those of the group in `out`.
  // SAFETY: `out` has a group below groupCount, or a negative one, for each row of the columns.
  private func mismatches(_ columns: [ColumnVector], _ out: UnsafePointer<Int32>) -> [Int] {
    let bad = BufferBuilder<Int32>()
    for (key, column) in zip(keys, columns) { unsafe key.verify(column, groups: out, bad: bad) }
    if unsafe bad.count == 0 { return [] }
    return Set(bad.finish().array).sorted().map(Int.init)
  }

  // SAFETY: a slice of one row has one group, which lives for the call.
  private func isEqual(_ columns: [ColumnVector], _ row: Int, _ group: Int32) -> Bool {
    let bad = BufferBuilder<Int32>()
    for (key, column) in zip(keys, columns) {
      unsafe withUnsafePointer(to: group) { unsafe key.verify(column.slice(row..<row + 1), groups: $0, bad: bad) }
    }
    return unsafe bad.count == 0
  }
}

/// Stands in for the address of no identities.
// SAFETY: made once, never freed, and never written after; its one element is not read.
private nonisolated(unsafe) let emptyIdentities: UnsafePointer<UInt64> = {
  let one = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
  unsafe one.initialize(to: 0)
  return unsafe UnsafePointer(one)
}()
