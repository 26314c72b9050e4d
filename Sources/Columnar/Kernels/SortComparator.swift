// Role: compares two rows by one key, wherever the rows stand. For decimals and guids whose words are equal, and for merging runs from disk.

#if canImport(Glibc)
import Glibc
#endif

/// One key over chunks of flat vectors; positions are chunk << 32 | row.
package final class KeyComparator: @unchecked Sendable {  // immutable
  private let chunks: [ColumnVector]
  private let direction: SortDirection

  package init(_ chunks: [ColumnVector], _ direction: SortDirection) {
    self.chunks = chunks.map(\.flattened)
    self.direction = direction
  }

  /// Negative when a comes first, positive when b does, 0 when the key is equal.
  package func compare(_ a: UInt64, _ b: UInt64) -> Int {
    KeyComparator.compare(
      chunks[Int(a >> 32)], Int(a & 0xFFFF_FFFF), chunks[Int(b >> 32)], Int(b & 0xFFFF_FFFF), direction)
  }

  /// Compares row i of one flat vector with row j of another of the same type.
  package static func compare(_ x: ColumnVector, _ i: Int, _ y: ColumnVector, _ j: Int, _ direction: SortDirection) -> Int {
    let hasA = x.isValid(i), hasB = y.isValid(j)
    if !hasA || !hasB {
      if hasA == hasB { return 0 }
      return (hasA != direction.nullsFirst) ? -1 : 1
    }
    let order = compareValues(x, i, y, j)
    return direction.isDescending ? -order : order
  }

  // SAFETY: rows i and j exist in their vectors, so the offsets i + 1 and j + 1 do; memcmp reads the shorter of two rows within their data, which
  // the two vectors keep alive through the call.
  private static func compareValues(_ x: ColumnVector, _ i: Int, _ y: ColumnVector, _ j: Int) -> Int {
    switch (x.storage, y.storage) {
    case (.long(let a), .long(let b)): return three(a[i], b[j])
    case (.int(let a), .int(let b)): return three(a[i], b[j])
    case (.real(let a), .real(let b)): return three(orderedWord(a[i]), orderedWord(b[j]))
    case (.bool(let a), .bool(let b)): return three(a[i] ? 1 : 0, b[j] ? 1 : 0)
    case (.guid(let a), .guid(let b)): return three(a[i], b[j])
    case (.decimal64(let a, let s), .decimal64(let b, let t)) where s == t: return three(a[i], b[j])
    case (.bytes(let o, let d), .bytes(let p, let e)):
      let n = Int(o[i + 1] - o[i]), m = Int(p[j + 1] - p[j])
      let order = unsafe memcmp(d.pointer + Int(o[i]), e.pointer + Int(p[j]), min(n, m))
      return order != 0 ? Int(order) : n - m
    default: return three(decimal(x, i), decimal(y, j))
    }
  }

  @inline(__always) private static func three<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : b < a ? 1 : 0 }

  private static func decimal(_ vector: ColumnVector, _ i: Int) -> DecimalValue {
    switch vector.storage {
    case .decimal64(let b, let scale): DecimalValue(Int128(b[i]), scale: scale)
    case .decimal128(let b, let scales): DecimalValue(b[i], scale: Int(scales[i]))
    default: DecimalValue(0)
    }
  }
}
