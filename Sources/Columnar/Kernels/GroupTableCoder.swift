// Role: direct addressing for `GroupTable`: turns one key column into small stable codes (0 is null), so that a row's slot is arithmetic.
// Integers of a small range code as value - base + 1; everything else by a table over its distinct values, where a dictionary's values
// are looked up once per distinct dictionary memory.

import Synchronization

/// The coder of one key column.
final class GroupKeyCoder {
  private enum Kind {
    /// Integers of a small range.
    case range
    /// Codes by first appearance.
    case table
  }

  private let kind: Kind
  private let type: DataType
  /// The code of `base` is 1; meaningful once `hasRange`.
  private var base: Int64 = 0
  private var hasRange = false
  /// Codes lie in 0..<capacity.
  private(set) var capacity: Int
  private let distinct: GroupTable
  private struct Translation {
    var values: ColumnVector
    var codes: Buffer<Int32>
  }
  /// The last dictionary translated, which most batches share.
  private let translation = Mutex<Translation?>(nil)

  /// A coder that suits the column; nil when none does within `limit` codes.
  static func make(for vector: ColumnVector, limit: Int) -> GroupKeyCoder? {
    switch vector.storage {
    case .constant where vector.type != .bool: return GroupKeyCoder(.table, vector.type, capacity: 16)
    case .bool, .int, .long, .constant:
      guard let bounds = vector.integerBounds() else { return GroupKeyCoder(.range, vector.type, capacity: 16) }
      let width = bounds.max.subtractingReportingOverflow(bounds.min)
      guard !width.overflow, width.partialValue < limit / 2 else { return nil }
      let coder = GroupKeyCoder(.range, vector.type, capacity: 16)
      return coder.cover(bounds.min, bounds.max, limit: limit) ? coder : nil
    case .dictionary(_, let values):
      guard values.count * 2 + 16 <= limit else { return nil }
      return GroupKeyCoder(.table, vector.type, capacity: max(16, values.count + values.count / 2))
    case .real, .decimal64, .decimal128, .guid, .bytes: return nil
    }
  }

  private init(_ kind: Kind, _ type: DataType, capacity: Int) {
    self.kind = kind
    self.type = type
    self.capacity = capacity
    distinct = GroupTable(types: [type], allowsDirect: false)
  }

  var byteSize: Int { kind == .table ? distinct.byteSize : 0 }

  /// Widens the range to hold both values, with slack on both sides; false when that takes more than `limit` codes.
  private func cover(_ low: Int64, _ high: Int64, limit: Int) -> Bool {
    let first = hasRange ? min(low, base) : low
    // The slack of a range at the end of 64 bits lies beyond it.
    let (top, isBeyond) = base.addingReportingOverflow(Int64(capacity) - 2)
    let last = hasRange ? max(high, isBeyond ? .max : top) : high
    let (width, overflow) = last.subtractingReportingOverflow(first)
    guard !overflow, width < limit - 2 else { return false }
    let slack = min(width / 4 + 16, Int64(limit) - 2 - width)
    // Slack goes where the data grows: upwards, unless the range was extended downwards.
    let goesDown = hasRange && low < base
    let (lowered, underflow) = first.subtractingReportingOverflow(goesDown ? slack : 0)
    base = underflow ? first : lowered
    capacity = Int(width + slack) + 2
    hasRange = true
    return true
  }

  /// Extends the codes to the batch. Returns whether the layout (base or capacity) changed; nil when it would exceed `limit` codes.
  func extend(to vector: ColumnVector, limit: Int) -> Bool? {
    switch kind {
    case .range:
      guard let bounds = vector.integerBounds() else { return false }
      let top = bounds.max.subtractingReportingOverflow(base)
      if hasRange, bounds.min >= base, !top.overflow, top.partialValue <= Int64(capacity - 2) { return false }
      return cover(bounds.min, bounds.max, limit: limit) ? true : nil
    case .table:
      switch vector.storage {
      case .dictionary(_, let values): _ = translate(values, inserting: true)
      case .constant(let value): if !vector.isAllNull { _ = distinct.assign(keys: [value.withValidity(nil)], rowCount: 1) }
      default: _ = distinct.assign(keys: [vector.withValidity(nil)], rowCount: vector.count)
      }
      let needed = distinct.groupCount + 1
      if needed <= capacity { return false }
      guard needed * 2 <= limit else { return nil }
      capacity = needed * 2
      return true
    }
  }

  /// The codes of a dictionary's values (0-based groups + 1; 0 when unknown and not inserting).
  // SAFETY: `out` has values.count slots of `builder`, which grows no more; there is one group for each value.
  private func translate(_ values: ColumnVector, inserting: Bool) -> Buffer<Int32> {
    if let known = translation.withLock({ $0 }), known.values.sharesMemory(with: values) { return known.codes }
    let groups = inserting ? distinct.assign(keys: [values], rowCount: values.count) : distinct.find(keys: [values], rowCount: values.count)
    let builder = BufferBuilder<Int32>(capacity: values.count)
    let out = unsafe builder.appendUninitialized(values.count)
    for i in 0..<values.count { unsafe out[i] = groups[i] + 1 }
    let codes = builder.finish()
    // An incomplete translation would be wrong once more values are inserted.
    if inserting { translation.withLock { $0 = Translation(values: values, codes: codes) } }
    return codes
  }

  /// Adds code × stride of each row to `slots` (sets it for the first column). Codes must exist, see `extend`, unless `missing` is given:
  /// it then gets a 1 for each row whose value has no code.
  // SAFETY: `slots`, and `missing` where given, have one element for each row. Codes of a dictionary are below values.count, the number of elements
  // of `map`. The vector keeps what p points at alive, `groups` and `map` are kept alive behind their loops.
  func addCodes(of vector: ColumnVector, stride: Int, isFirst: Bool, to slots: UnsafeMutablePointer<Int32>, missing: UnsafeMutablePointer<UInt8>?) {
    defer { withExtendedLifetime(vector) {} }
    let step = Int32(stride)
    switch vector.storage {
    case .int(let b) where kind == .range:
      let p = unsafe b.pointer
      unsafe addRange(vector, step, isFirst, slots, missing) { unsafe Int64(p[$0]) }
    case .long(let b) where kind == .range:
      let p = unsafe b.pointer
      unsafe addRange(vector, step, isFirst, slots, missing) { unsafe p[$0] }
    case .bool(let bits) where kind == .range: unsafe addRange(vector, step, isFirst, slots, missing) { bits[$0] ? 1 : 0 }
    case .dictionary(let codes, let values):
      let p = unsafe codes.pointer
      if values.count == 0 { return unsafe put(vector, isFirst, slots) { _ in 0 } }
      let map = unsafe kind == .range ? rangeCodes(values) : translate(values, inserting: missing == nil)
      unsafe map.withUnsafe { map in
        guard let m = map.baseAddress else { return }
        if let missing = unsafe missing {
          for i in 0..<vector.count where unsafe vector.isValid(i) && m[Int(p[i])] <= 0 { unsafe missing[i] = 1 }
        }
        unsafe put(vector, isFirst, slots) { unsafe max(0, m[Int(p[$0])]) &* step }
      }
    case .constant(let value):
      if vector.isAllNull { return unsafe put(vector, isFirst, slots) { _ in 0 } }
      let code: Int32
      switch kind {
      case .range: code = rangeCodes(value)[0]
      case .table: code = distinct.find(keys: [value.withValidity(nil)], rowCount: 1)[0] + 1
      }
      if code <= 0, let missing = unsafe missing { for i in 0..<vector.count { unsafe missing[i] = 1 } }
      unsafe put(vector, isFirst, slots) { _ in max(0, code) &* step }
    default:
      let plain = vector.withValidity(nil)
      let groups = distinct.find(keys: [plain], rowCount: plain.count)
      if let missing = unsafe missing { for i in 0..<vector.count where vector.isValid(i) && groups[i] < 0 { unsafe missing[i] = 1 } }
      let g = unsafe groups.pointer
      unsafe put(vector, isFirst, slots) { unsafe max(0, g[$0] &+ 1) &* step }
      withExtendedLifetime(groups) {}
    }
  }

  /// Codes of integer values by range; 0 outside it.
  private func rangeCodes(_ values: ColumnVector) -> Buffer<Int32> {
    let builder = BufferBuilder<Int32>(capacity: values.count)
    for i in 0..<values.count {
      let v: Int64
      switch values.storage {
      case .int(let b): v = Int64(b[i])
      case .long(let b): v = b[i]
      case .bool(let bits): v = bits[i] ? 1 : 0
      default: v = base &- 1
      }
      let offset = v.subtractingReportingOverflow(base)
      let isInside = hasRange && !offset.overflow && offset.partialValue >= 0 && offset.partialValue < Int64(capacity - 1)
      builder.append(isInside ? Int32(offset.partialValue + 1) : 0)
    }
    return builder.finish()
  }

  // SAFETY: `missing` has one element for each row.
  @inline(__always) private func addRange(
    _ vector: ColumnVector, _ step: Int32, _ isFirst: Bool, _ slots: UnsafeMutablePointer<Int32>, _ missing: UnsafeMutablePointer<UInt8>?,
    _ value: (Int) -> Int64
  ) {
    let shift = base &- 1
    guard let missing = unsafe missing else { return unsafe put(vector, isFirst, slots) { Int32(truncatingIfNeeded: value($0) &- shift) &* step } }
    let first = base, room = UInt64(capacity - 1)
    unsafe put(vector, isFirst, slots) { i in
      let offset = UInt64(bitPattern: value(i) &- first)
      if offset < room { return Int32(truncatingIfNeeded: offset &+ 1) &* step }
      if vector.isValid(i) { unsafe missing[i] = 1 }
      return 0
    }
  }

  // SAFETY: `slots` has vector.count elements.
  @inline(__always) private func put(_ vector: ColumnVector, _ isFirst: Bool, _ slots: UnsafeMutablePointer<Int32>, _ code: (Int) -> Int32) {
    let n = vector.count
    if isFirst {
      if let validity = vector.validity {
        for i in 0..<n { unsafe slots[i] = validity[i] ? code(i) : 0 }
      } else {
        for i in 0..<n { unsafe slots[i] = code(i) }
      }
    } else if let validity = vector.validity {
      for i in 0..<n { unsafe slots[i] &+= validity[i] ? code(i) : 0 }
    } else {
      for i in 0..<n { unsafe slots[i] &+= code(i) }
    }
  }
}

extension ColumnVector {
  /// The least and greatest non-null value of an integer column (int, long, datetime, timespan; bool as 0...1) in any form; nil without values. A
  /// dictionary counts with all its values.
  func integerBounds() -> (min: Int64, max: Int64)? {
    switch storage {
    case .int(let b): return bounds(b).map { (Int64($0), Int64($1)) }
    case .long(let b): return bounds(b).map { ($0, $1) }
    case .bool: return count > 0 && !isAllNull ? (0, 1) : nil
    case .dictionary(_, let values): return values.integerBounds()
    case .constant(let value): return isAllNull ? nil : value.integerBounds()
    default: return nil
    }
  }

  // SAFETY: the buffer of a flat vector has `count` elements; self keeps it alive.
  @inline(__always) private func bounds<T: FixedWidthInteger & BitwiseCopyable & Sendable>(_ buffer: Buffer<T>) -> (T, T)? {
    guard count > 0 else { return nil }
    let p = unsafe buffer.pointer
    var low = T.max, high = T.min
    if let validity {
      for i in 0..<count where validity[i] { low = unsafe min(low, p[i]); high = unsafe max(high, p[i]) }
    } else {
      for i in 0..<count { low = unsafe min(low, p[i]); high = unsafe max(high, p[i]) }
    }
    return low <= high ? (low, high) : nil
  }
}
