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
// SAFETY: `scratch` has n items and every byte's pass fills the side it copies to, so the sides may change places; the 256 counts are indexed by
// one byte, and sum up to n, so each of the n places is written once. `scratch` is freed behind the last copy.
func sortByCode(_ items: UnsafeMutableBufferPointer<SortItem>) {
  let n = items.count
  guard n > 1, let base = items.baseAddress else { return }
  if n <= 64 { return unsafe insertionSort(base, n) }
  var differing: UInt64 = 0
  var isSorted = true
  for i in 1..<n {
    unsafe differing |= base[i].code ^ base[0].code
    if unsafe base[i].code < base[i &- 1].code { isSorted = false }
  }
  if isSorted { return }
  let scratch = UnsafeMutablePointer<SortItem>.allocate(capacity: n)
  defer { unsafe scratch.deallocate() }
  var from = unsafe base, to = unsafe scratch
  unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { counts in
    guard let counts = counts.baseAddress else { return }
    for byte in 0..<8 {
      let shift = UInt64(byte * 8)
      if differing >> shift & 0xFF == 0 { continue }
      unsafe counts.update(repeating: 0, count: 256)
      for i in 0..<n { unsafe counts[Int(truncatingIfNeeded: from[i].code >> shift & 0xFF)] &+= 1 }
      var sum = 0
      for b in 0..<256 {
        let c = unsafe counts[b]
        unsafe counts[b] = sum
        sum &+= c
      }
      for i in 0..<n {
        let b = unsafe Int(truncatingIfNeeded: from[i].code >> shift & 0xFF)
        unsafe to[counts[b]] = unsafe from[i]
        unsafe counts[b] &+= 1
      }
      unsafe swap(&from, &to)
    }
  }
  if unsafe from != base { unsafe base.update(from: from, count: n) }
}

// SAFETY: j stays within 1...i, and i is below n, the number of items.
private func insertionSort(_ items: UnsafeMutablePointer<SortItem>, _ n: Int) {
  for i in 1..<n {
    let item = unsafe items[i]
    var j = i
    while j > 0, unsafe items[j &- 1].code > item.code {
      unsafe items[j] = unsafe items[j &- 1]
      j &-= 1
    }
    unsafe items[j] = item
  }
}
