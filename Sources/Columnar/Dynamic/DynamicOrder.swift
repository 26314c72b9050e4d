// Role: equality, order and hash of dynamic values on their binary form. Numbers compare by value whatever their kind; other kinds only with
// their own; bags are equal when they hold equal values under the same keys, in any order.

#if canImport(Glibc)
import Glibc
#endif

extension DynamicView {
  /// The value as a number, for kinds that are numbers.
  package var number: Double? {
    switch tag {
    case .long: Double(int64)
    case .real: real
    case .decimal: decimal.doubleValue
    default: nil
    }
  }

  /// Deep equality. Null equals null here; operators decide before whether nulls compare at all.
  // SAFETY: bytes and entries are windows on the two views' memory, which their callers keep alive; nothing is kept.
  package func isEqual(_ other: DynamicView, depth: Int = 0) -> Bool {
    guard depth < 1_000 else { return false }
    switch (tag, other.tag) {
    case (.null, .null), (.true, .true), (.false, .false): return true
    case (.long, .long), (.datetime, .datetime), (.timespan, .timespan): return int64 == other.int64
    case (.string, .string): return unsafe stringBytes.elementsEqual(other.stringBytes)
    case (.guid, .guid): return guid == other.guid
    case (.decimal, .decimal): return decimal == other.decimal
    case (.array, .array):
      guard childCount == other.childCount else { return false }
      for i in 0..<childCount {
        guard let a = element(i), let b = other.element(i), a.isEqual(b, depth: depth + 1) else { return false }
      }
      return true
    case (.bag, .bag):
      guard childCount == other.childCount else { return false }
      for i in 0..<childCount {
        guard let mine = unsafe entry(i), let theirs = unsafe other.value(forKey: mine.key), unsafe mine.value.isEqual(theirs, depth: depth + 1) else { return false }
      }
      return true
    default:
      guard let a = number, let b = other.number else { return false }
      return a == b
    }
  }

  /// Negative, zero or positive; nil for kinds that have no order among each other.
  // SAFETY: as in `isEqual`.
  package func order(_ other: DynamicView) -> Int? {
    switch (tag, other.tag) {
    case (.long, .long), (.datetime, .datetime), (.timespan, .timespan): return int64 < other.int64 ? -1 : int64 > other.int64 ? 1 : 0
    case (.decimal, .decimal): return decimal < other.decimal ? -1 : decimal == other.decimal ? 0 : 1
    case (.string, .string): return unsafe textOrder(stringBytes, other.stringBytes)
    case (.guid, .guid): return guid < other.guid ? -1 : guid == other.guid ? 0 : 1
    case (.true, .true), (.false, .false), (.null, .null): return 0
    case (.false, .true): return -1
    case (.true, .false): return 1
    default:
      guard let a = number, let b = other.number, !a.isNaN, !b.isNaN else { return nil }
      return a < b ? -1 : a > b ? 1 : 0
    }
  }

  /// A hash equal for equal values.
  // SAFETY: as in `isEqual`; a hasher copies what it is given.
  package func hash(into hasher: inout Hasher, depth: Int = 0) {
    guard depth < 1_000 else { return }
    switch tag {
    case .null: hasher.combine(0)
    case .true: hasher.combine(true)
    case .false: hasher.combine(false)
    case .long, .real, .decimal: hasher.combine((number ?? 0) + 0.0)
    case .datetime, .timespan: hasher.combine(int64)
    case .string: unsafe hasher.combine(bytes: UnsafeRawBufferPointer(stringBytes))
    case .guid: hasher.combine(guid)
    case .array:
      hasher.combine(childCount)
      for i in 0..<childCount { element(i)?.hash(into: &hasher, depth: depth + 1) }
    case .bag:
      // Order of keys must not matter.
      var sum = 0
      for i in 0..<childCount {
        guard let entry = unsafe entry(i) else { continue }
        var inner = Hasher()
        unsafe inner.combine(bytes: UnsafeRawBufferPointer(entry.key))
        unsafe entry.value.hash(into: &inner, depth: depth + 1)
        sum = sum &+ inner.finalize()
      }
      hasher.combine(sum)
    }
  }
}

/// Order of two texts by UTF-8 bytes: negative, zero or positive.
// SAFETY: memcmp reads the shorter count of bytes of both.
package func textOrder(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
  let n = min(a.count, b.count)
  if n > 0, let p = a.baseAddress, let q = b.baseAddress {
    let order = unsafe memcmp(p, q, n)
    if order != 0 { return Int(order) }
  }
  return a.count - b.count
}
