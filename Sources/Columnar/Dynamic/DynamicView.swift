// Role: reads the binary form in place: kind, scalars, children by index or key, without building a tree. The way kernels walk dynamic columns.

/// A window on one binary dynamic value; valid while the bytes are. Lengths are checked, so malformed bytes read as null.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe package struct DynamicView {
  package let base: UnsafePointer<UInt8>
  package let count: Int

  package init(_ base: UnsafePointer<UInt8>, _ count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  package var tag: DynamicTag { unsafe count > 0 ? DynamicTag(rawValue: base[0]) ?? .null : .null }

  @inline(__always) private func load<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T? {
    guard offset >= 0, offset + MemoryLayout<T>.size <= count else { return nil }
    return unsafe UnsafeRawPointer(base + offset).loadUnaligned(as: T.self)
  }

  /// The 8-byte payload of long, datetime and timespan.
  package var int64: Int64 { load(1, as: Int64.self) ?? 0 }
  package var real: Double { Double(bitPattern: load(1, as: UInt64.self) ?? 0) }
  package var guid: GUID { GUID(high: load(1, as: UInt64.self) ?? 0, low: load(9, as: UInt64.self) ?? 0) }
  package var decimal: DecimalValue { DecimalValue(load(3, as: Int128.self) ?? 0, scale: Int(load(1, as: Int16.self) ?? 0)) }

  /// The bytes of a string; empty for other kinds.
  package var stringBytes: UnsafeBufferPointer<UInt8> {
    guard tag == .string, let n = load(1, as: UInt32.self), 5 + Int(n) <= count else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeBufferPointer(start: base + 5, count: Int(n))
  }

  /// Elements of an array, or entries of a bag; 0 for scalars.
  package var childCount: Int {
    guard tag == .array || tag == .bag, let n = load(1, as: UInt32.self), 5 + 4 * Int(n) <= count else { return 0 }
    return Int(n)
  }

  private func child(_ i: Int) -> DynamicView? {
    let n = childCount
    guard i >= 0, i < n, let end = load(5 + 4 * i, as: UInt32.self) else { return nil }
    let start = i == 0 ? 0 : load(1 + 4 * i, as: UInt32.self) ?? 0
    let first = 5 + 4 * n
    guard start <= end, first + Int(end) <= count else { return nil }
    return unsafe DynamicView(base + first + Int(start), Int(end - start))
  }

  /// Element i of an array; nil outside it.
  package func element(_ i: Int) -> DynamicView? { tag == .array ? child(i) : nil }

  /// Key bytes and value of entry i of a bag.
  package func entry(_ i: Int) -> (key: UnsafeBufferPointer<UInt8>, value: DynamicView)? {
    guard tag == .bag, let whole = child(i), let n = whole.load(0, as: UInt32.self), 4 + Int(n) <= whole.count else { return nil }
    let key = unsafe UnsafeBufferPointer(start: whole.base + 4, count: Int(n))
    return unsafe (key, DynamicView(whole.base + 4 + Int(n), whole.count - 4 - Int(n)))
  }

  /// The value under a key of a bag.
  package func value(forKey key: UnsafeBufferPointer<UInt8>) -> DynamicView? {
    for i in 0..<childCount {
      guard let entry = unsafe entry(i) else { return nil }
      if unsafe entry.key.count == key.count, unsafe entry.key.elementsEqual(key) { return unsafe entry.value }
    }
    return nil
  }

  /// The value as a tree.
  package var value: DynamicValue { tree(depth: 0) }

  private func tree(depth: Int) -> DynamicValue {
    guard depth < 1_000 else { return .null }
    switch tag {
    case .null: return .null
    case .false: return .bool(false)
    case .true: return .bool(true)
    case .long: return .long(int64)
    case .real: return .real(real)
    case .decimal: return .decimal(decimal)
    case .string: return unsafe .string(String(decoding: stringBytes, as: UTF8.self))
    case .datetime: return .datetime(int64)
    case .timespan: return .timespan(int64)
    case .guid: return .guid(guid)
    case .array: return .array((0..<childCount).map { element($0)?.tree(depth: depth + 1) ?? .null })
    case .bag:
      return .bag((0..<childCount).compactMap { i in
        unsafe entry(i).map { unsafe DynamicEntry(String(decoding: $0.key, as: UTF8.self), $0.value.tree(depth: depth + 1)) }
      })
    }
  }
}
