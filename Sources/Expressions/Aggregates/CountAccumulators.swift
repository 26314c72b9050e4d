// Role: count() and countif(): rows, or rows where a predicate is true.

import Columnar

/// The number of rows of each group; with a predicate argument, of rows where it is true. Never null.
final class CountAccumulator: GroupedAccumulator {
  private let counts = BufferBuilder<Int64>()
  private let hasPredicate: Bool

  init(hasPredicate: Bool) { self.hasPredicate = hasPredicate }

  var byteSize: Int { counts.capacity * 8 }

  // SAFETY: groups are below groupCount, to which `counts` was grown; it does not grow during the loop.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    counts.grow(to: groupCount, filling: 0)
    let state = unsafe counts.pointer
    let selected = hasPredicate ? arguments[0].trueBits : nil
    guard groups != nil else {
      if groupCount > 0 { unsafe state[0] &+= Int64(selected?.popcount ?? rowCount) }
      return
    }
    forEachRow(rowCount, selected, groups) { _, g in unsafe state[g] &+= 1 }
  }

  // SAFETY: mapped groups are below groupCount, to which `counts` was grown; g is below the other's count.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? CountAccumulator else { throw mismatchedMerge(other) }
    counts.grow(to: groupCount, filling: 0)
    for g in 0..<min(mapping.count, other.counts.count) { unsafe counts.pointer[Int(mapping[g])] &+= other.counts.pointer[g] }
  }

  func finish(groupCount: Int) -> ColumnVector {
    counts.grow(to: groupCount, filling: 0)
    return .long(counts.copy(groupCount))
  }

  func partialState(groupCount: Int) -> [ColumnVector] { [finish(groupCount: groupCount)] }

  // SAFETY: groups are below groupCount, to which `counts` was grown.
  func updatePartial(_ state: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    counts.grow(to: groupCount, filling: 0)
    let values = state[0].longValues
    for i in 0..<rowCount { unsafe counts.pointer[Int(groups[i])] &+= values[i] }
  }
}
