// Role: sorting of (code, position) pairs: stable radix sort by code, skipping bytes that all codes share.

/// A row to sort: its code and where it stands (chunk << 32 | row).
package struct SortItem: BitwiseCopyable, Sendable {
  package var code: UInt64
  package var at: UInt64

  package init(code: UInt64, at: UInt64) {
    self.code = code
    self.at = at
  }
}

/// Sorts by code; items of equal code keep their order.
func sortByCode(_ items: UnsafeMutableBufferPointer<SortItem>) {
  let n = items.count
  guard n > 1, let base = items.baseAddress else { return }
  if n <= 64 { return insertionSort(base, n) }
  var differing: UInt64 = 0
  var isSorted = true
  for i in 1..<n {
    differing |= base[i].code ^ base[0].code
    if base[i].code < base[i &- 1].code { isSorted = false }
  }
  if isSorted { return }
  let scratch = UnsafeMutablePointer<SortItem>.allocate(capacity: n)
  defer { scratch.deallocate() }
  var from = base, to = scratch
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { counts in
    guard let counts = counts.baseAddress else { return }
    for byte in 0..<8 {
      let shift = UInt64(byte * 8)
      if differing >> shift & 0xFF == 0 { continue }
      counts.update(repeating: 0, count: 256)
      for i in 0..<n { counts[Int(truncatingIfNeeded: from[i].code >> shift & 0xFF)] &+= 1 }
      var sum = 0
      for b in 0..<256 {
        let c = counts[b]
        counts[b] = sum
        sum &+= c
      }
      for i in 0..<n {
        let b = Int(truncatingIfNeeded: from[i].code >> shift & 0xFF)
        to[counts[b]] = from[i]
        counts[b] &+= 1
      }
      swap(&from, &to)
    }
  }
  if from != base { base.update(from: from, count: n) }
}

private func insertionSort(_ items: UnsafeMutablePointer<SortItem>, _ n: Int) {
  for i in 1..<n {
    let item = items[i]
    var j = i
    while j > 0, items[j &- 1].code > item.code {
      items[j] = items[j &- 1]
      j &-= 1
    }
    items[j] = item
  }
}
