// Role: splits rows by their hash into partitions: spilled state, parallel merges, grace joins.

/// The rows of each of 2^bits partitions, in row order. Level 0 uses the highest bits of the hash, level 1 the next ones, and so on, so
/// that the rows of one partition can be split again.
// SAFETY: `hashes` has n elements, kept alive by `withUnsafe`; a partition is masked to its bits, so it indexes `counts` and `next`. next[p] stays
// within starts[p]..<starts[p + 1], since the rows of p were counted before: each of the n slots of `out` is written once.
package func partitionRows(hashes: Buffer<UInt64>, bits: Int, level: Int) -> [Buffer<Int32>] {
  let n = hashes.count, partitions = 1 << bits
  let shift = UInt64(64 - bits * (level + 1)), mask = UInt64(partitions - 1)
  precondition(bits * (level + 1) <= 64, "no hash bits left to split by")
  var counts = [Int](repeating: 0, count: partitions)
  return unsafe hashes.withUnsafe { hashes in
    unsafe counts.withUnsafeMutableBufferPointer { counts in
      for i in 0..<n { unsafe counts[Int(truncatingIfNeeded: hashes[i] >> shift & mask)] &+= 1 }
    }
    let rows = BufferBuilder<Int32>(capacity: n)
    let out = unsafe rows.appendUninitialized(n)
    var starts = [Int](repeating: 0, count: partitions + 1)
    for p in 0..<partitions { starts[p + 1] = starts[p] + counts[p] }
    var next = starts
    unsafe next.withUnsafeMutableBufferPointer { next in
      for i in 0..<n {
        let p = unsafe Int(truncatingIfNeeded: hashes[i] >> shift & mask)
        unsafe out[next[p]] = Int32(truncatingIfNeeded: i)
        unsafe next[p] &+= 1
      }
    }
    let all = rows.finish()
    return (0..<partitions).map { all.slice(starts[$0]..<starts[$0 + 1]) }
  }
}
